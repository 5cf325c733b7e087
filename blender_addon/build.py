"""Build the Blender extension for one system: its code and the wheels that it runs.

    python -m blender_addon.build --platform linux-x64 --python 3.11 --python 3.13 --out dist/

Blender's own extension builder writes and validates the zip file. It comes with the `bpy` package
of this Python, or with a full Blender named by `--blender`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from .bundled_wheels import PLATFORMS, WheelError, collect_wheels

ADDON = Path(__file__).resolve().parent
PYTHONS_OF_BLENDER = ("3.11", "3.13")
"""Of 4.2 to 5.0, and of 5.1 and later. Debian's own builds have the system's."""
LARGEST_MB = 200


class BuildError(Exception):
    """An extension that could not be built."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, validate, print path and size; 1 where that fails."""
    options = _options(arguments)
    try:
        builder = find_builder(options.blender)
        with tempfile.TemporaryDirectory() as folder:
            built = build(
                builder, options.platform, options.python or PYTHONS_OF_BLENDER, Path(folder)
            )
            options.out.mkdir(parents=True, exist_ok=True)
            kept = Path(shutil.move(built, options.out / built.name))
    except (BuildError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{kept} {size_mb(kept):.1f} MB")
    return 0


def find_builder(blender: Path | None) -> tuple[str, ...]:
    """Return the command that builds and validates extensions.

    Raises:
        BuildError: there is none.
    """
    if blender is not None:
        if not blender.is_file():
            raise BuildError(f"{blender} is no file. Name Blender's executable: --blender PATH.")
        return str(blender), "--command", "extension"
    package = find_spec("bpy")
    root = Path(package.origin).parent if package and package.origin else None
    for script in root.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py") if root else ():
        return sys.executable, str(script)
    raise BuildError(
        "Blender's extension builder was not found: this Python has no bpy package. Install it "
        "(pip install bpy, with Python 3.11 or 3.13), or name a full Blender: --blender PATH."
    )


def build(builder: Sequence[str], platform: str, pythons: Sequence[str], folder: Path) -> Path:
    """Return the validated zip file, in `folder`.

    Raises:
        BuildError: the builder refuses it, or it is too large.
        WheelError: a wheel is missing.
    """
    wheels = collect_wheels(build_own_wheel(folder), platform, pythons, folder / "downloads")
    source = folder / "reggan"
    shutil.copytree(ADDON, source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, source / "wheels")
    manifest = source / "blender_manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        manifest_with_wheels(text, platform, [wheel.name for wheel in wheels]), encoding="utf-8"
    )
    version = tomllib.loads(text)["version"]
    suffix = "-".join("cp" + python.replace(".", "") for python in pythons)
    out = folder / f"reggan-{version}-{platform}-{suffix}.zip"
    _run([*builder, "build", "--source-dir", str(source), "--output-filepath", str(out)])
    _run([*builder, "validate", str(out)])
    if size_mb(out) > LARGEST_MB:
        raise BuildError(
            f"{out.name} is {size_mb(out):.0f} MB, more than {LARGEST_MB} MB. Build it for fewer "
            "Pythons: --python 3.11."
        )
    return out


def build_own_wheel(folder: Path) -> Path:
    """Return the wheel of this repository.

    Raises:
        BuildError: hatchling is not installed, or fails.
    """
    if find_spec("hatchling") is None:
        raise BuildError(
            "hatchling, which builds this project's wheel, is not installed here. Install it: "
            "pip install hatchling packaging."
        )
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    return next(folder.glob("*.whl"))


def manifest_with_wheels(text: str, platform: str, wheels: Sequence[str]) -> str:
    """Return the manifest for one platform: its name and its wheels, before the first table."""
    head, table, rest = text.partition("\n[permissions]")
    if not table:
        raise BuildError("blender_manifest.toml has no [permissions] table, before which to add.")
    paths = [f"./wheels/{name}" for name in wheels]
    added = f"platforms = {json.dumps([platform])}\nwheels = {json.dumps(paths, indent=2)}\n"
    return head + "\n" + added + table + rest


def size_mb(path: Path) -> float:
    """In millions of bytes."""
    return path.stat().st_size / 1e6


def _run(command: Sequence[str]) -> None:
    run = subprocess.run(command, cwd=ADDON.parent, capture_output=True, text=True)
    if run.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}".rstrip())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m blender_addon.build",
        description="Build the Blender extension for one system.",
    )
    parser.add_argument("--platform", choices=sorted(PLATFORMS), required=True)
    parser.add_argument(
        "--python",
        action="append",
        metavar="X.Y",
        help="a Python whose wheels to bundle; may be given several times (default: 3.11 and 3.13)",
    )
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR")
    parser.add_argument("--blender", type=Path, metavar="FILE", help="a full Blender to build with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
