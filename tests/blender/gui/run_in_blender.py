"""Start a full Blender on a screen of its own and let it click through the add-on.

python tests/blender/gui/run_in_blender.py --blender FILE --extension FILE.zip --out DIR
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parents[2] / "reggan_plugin" / "samples" / "avatar_png" / "avatar.1001.png"
SCREEN = (1920, 1080)


def main() -> int:
    """0 if every step passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blender", type=Path, required=True)
    parser.add_argument("--extension", type=Path, required=True)
    parser.add_argument("--frame", type=Path, default=SAMPLE)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=1800, metavar="SECONDS")
    parser.add_argument("--head", type=Path, help="ICT FaceKit light (.npz), for a character")
    parser.add_argument("--avatar", type=Path, help="a head of VALID (.npz), for another one")
    parser.add_argument("--steps", default="", metavar="A,B", help="only these; all by default")
    options = parser.parse_args()
    for program in ("Xvfb", "import"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed: apt-get install xvfb imagemagick")
    options.out.mkdir(parents=True, exist_ok=True)
    report = options.out / "report.json"
    report.unlink(missing_ok=True)  # of an earlier run
    with tempfile.TemporaryDirectory() as home:
        run_blender(options, Path(home))
    document = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    print(json.dumps(document, indent=2))
    if not document.get("is_whole"):
        sys.exit(f"Blender ended before the last step. Look at {options.out / 'blender.log'}.")
    return len(document["failed"])


def run_blender(options: argparse.Namespace, home: Path) -> None:
    """Blender under a virtual screen, until it quits."""
    display = f":{40 + os.getpid() % 50}"
    size = "x".join(map(str, SCREEN))
    screen = subprocess.Popen(
        ["Xvfb", display, "-screen", "0", f"{size}x24", "+extension", "GLX", "-nolisten", "tcp"],
        stderr=subprocess.DEVNULL,
    )
    environment = {
        **os.environ,
        "DISPLAY": display,
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "BLENDER_USER_RESOURCES": str(home / "blender"),
    }
    command = [str(options.blender), "--factory-startup", "--enable-event-simulate"]
    command += ["-p", "0", "0", *map(str, SCREEN), "--python", str(HERE / "click_through.py")]
    command += ["--", str(options.extension.resolve()), str(options.frame.resolve())]
    time.sleep(1)  # until the screen is there
    try:
        with (options.out / "blender.log").open("wb") as log:
            heads = [str(options.head or ""), str(options.avatar or "")]
            subprocess.run(
                [*command, str(options.out.resolve()), options.steps, *heads],
                env=environment,
                stdout=log,
                stderr=log,
                timeout=options.limit,
            )
    except subprocess.TimeoutExpired:
        print(f"Blender did not end within {options.limit:.0f} s.", file=sys.stderr)
    finally:
        screen.terminate()
        screen.wait()


if __name__ == "__main__":
    sys.exit(main())
