"""Takes of 300 frames in every format that is read, each driving the sample shot.

    python -m tests.measurements.takes                        all formats, the default model
    python -m tests.measurements.takes --frames 40 face.glb   a shorter take in one format

Each take is rendered twice: in one run that is killed (SIGKILL) three times and resumed, and in
four chunks of which none is disturbed. All frames of both must be the same bytes, and each frame
must have been driven by its row of the take. Exits with 1 where that is not so.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import reggan_plugin
from reggan_plugin.cli import main as reggan
from tests.curves import conftest as formats

SAMPLES = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png"
FIRST = 1001
SAMPLE_WIDTH, SAMPLE_BOX = 1280, (480, 190, 330, 330)
PROCESSES = multiprocessing.get_context("forkserver")
"""Each is a process of its own that can be killed, but has the libraries from its parent."""
PROCESSES.set_forkserver_preload(["onnxruntime", "reggan_plugin.commands.render"])


def main() -> int:
    """Print a line a format; 1 if any frame differs."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        shot = write_shot(Path(folder, "shot"), options.frames, options.width)
        words = ["--face-box", face_box(options.width)]
        words += ["--model", options.model] if options.model else []
        print(f"{'format':<16} driven  killed = chunks  seconds")
        good = True
        for name in options.formats or formats.WRITERS:
            begin = time.monotonic()
            is_driven, is_equal = check(Path(folder, "takes"), name, shot, options.frames, words)
            seconds = time.monotonic() - begin
            good &= is_driven and is_equal
            print(
                f"{name:<16} {_said(is_driven):<7} {_said(is_equal):<16} {seconds:.0f}", flush=True
            )
    return 0 if good else 1


def check(
    folder: Path,
    name: str,
    shot: Path,
    frames: int,
    words: Sequence[str],
    *,
    kills: int = 3,
    chunks: int = 4,
) -> tuple[bool, bool]:
    """Whether a take drives each frame by its row, and whether both ways give the same bytes.

    Args:
        folder: for the take and its frames.
        name: of the format, among `formats.WRITERS`.
        shot: `frames` pictures from 1001 on.
        frames: and rows of the take.
        words: of `render`: which model, and where the face is.
        kills: how often one run is killed.
        chunks: how many parts the other way has.
    """
    own = folder / name
    own.mkdir(parents=True)
    formats.WRITERS[name](own / name, frames)
    rate = ("--curves-rate", f"{formats.FPS:g}") if name in formats.UNTIMED else ()
    asked = ["--frames", str(shot), "--curves", str(own / name), *rate, *words, "--resume"]
    render_killed([*asked, "--out", str(own / "killed")], own / "killed", frames, kills)
    for part in np.array_split(np.arange(FIRST, FIRST + frames), chunks):
        chunk = ["--out", str(own / "chunks"), "--range", f"{part[0]}-{part[-1]}"]
        _run([*asked, *chunk])
    killed, parts = (_content(own / way) for way in ("killed", "chunks"))
    return is_driven(own / "killed", frames), len(killed) == frames and killed == parts


def write_shot(folder: Path, frames: int, width: int) -> Path:
    """The sample frames in turn, `width` pixels wide."""
    folder.mkdir()
    sources = sorted(SAMPLES.glob("*.png"))
    for place in range(frames):
        with Image.open(sources[place % len(sources)]) as picture:
            size = (width, round(picture.height * width / picture.width))
            picture.resize(size).save(folder / f"a.{FIRST + place}.png")
    return folder


def render_killed(words: Sequence[str], out: Path, frames: int, kills: int) -> None:
    """Render, and kill the process whenever another part of the frames is there."""
    for part in range(1, kills + 1):
        process = _start(words)
        while len(list(out.glob("*.png"))) < part * frames // (kills + 1):
            assert process.is_alive(), "it ended before it was killed"
            time.sleep(0.02)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    _run(words)


def is_driven(out: Path, frames: int) -> bool:
    """Whether the record of each frame has the weights of its row."""
    rows = formats.weights(frames)
    for row, expected in enumerate(rows):
        record = json.loads((out / f".reggan/a.{FIRST + row}.png.json").read_text())
        found = [record["weights"].get(name, 0.0) for name in formats.NAMES]
        if not np.allclose(found, expected, atol=1e-3):
            return False
    return True


def face_box(width: int) -> str:
    """Where the face is in the sample frames, drawn `width` pixels wide."""
    return ",".join(str(round(side * width / SAMPLE_WIDTH)) for side in SAMPLE_BOX)


def _run(words: Sequence[str]) -> None:
    process = _start(words)
    process.join()
    assert process.exitcode == 0


def _start(words: Sequence[str]) -> multiprocessing.process.BaseProcess:
    process = PROCESSES.Process(target=_render, args=(list(words),))
    process.start()
    return process


def _render(words: Sequence[str]) -> None:
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = nowhere
        sys.exit(reggan(["render", *words, "--quiet"]))


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def _said(is_so: bool) -> str:
    return "yes" if is_so else "NO"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.measurements.takes")
    parser.add_argument("formats", nargs="*", choices=[*formats.WRITERS, []], help="default: all")
    parser.add_argument("--frames", type=int, default=300, help="and rows of each take; 300")
    parser.add_argument("--width", type=int, default=320, help="of the frames in pixels; 320")
    parser.add_argument("--model", help="as in render")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
