"""The long fuzz run: damaged files by the ten thousand, in processes that may die.

    python -m tests.fuzz.long                                    # all of it: about an hour
    python -m tests.fuzz.long --meshes 10000 --pictures 0 --models 0 --json 0 --seed 7

Each file is made from a seed and its number alone, so that a find can be made again with --first
and one of its kind. A file must be read, or refused by an error of ours. Anything else is a find:
another exception, an array of a wrong shape, a process that dies, more than a minute, or more
memory than a part of a machine has. The exit code is 1 if there is one. Results are printed as
JSON, one line a kind.

Not part of the gate, which tries some hundred of each: `test_meshes.py`, `test_pictures.py`,
`test_models.py`, `test_text_files.py`.
"""

import argparse
import json
import logging
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEFAULTS = {"meshes": 10_000, "pictures": 10_000, "models": 1_000, "json": 1_000}
_AT_A_TIME = 1000
_MOST_SECONDS, _MOST_BYTES = 60, 6 * 2**30

Trial = Callable[[int], None]
"""Makes the file of a number and uses it; raises what the use raises."""


class _TooSlowError(Exception):
    """A file that takes more than a minute."""


def main() -> int:
    """Run all kinds one after the other and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind, count in DEFAULTS.items():
        parser.add_argument(f"--{kind}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worker", choices=DEFAULTS)
    given = parser.parse_args()
    if given.worker:
        _work(given.worker, given.seed, given.first, getattr(given, given.worker))
        return 0
    finds = 0
    for kind in DEFAULTS:
        count = getattr(given, kind)
        if count:
            summary = _run(kind, given.seed, given.first, count)
            finds += summary["uncaught"]
            print(json.dumps(summary), flush=True)
    return int(finds > 0)


def _run(kind: str, seed: int, first: int, count: int) -> dict[str, Any]:
    begin, outcomes, finds, peak = time.monotonic(), Counter[str](), [], 0
    at = first
    while at < first + count:
        size = min(_AT_A_TIME, first + count - at)
        command = [sys.executable, "-m", "tests.fuzz.long", "--worker", kind, "--seed", str(seed)]
        command += ["--first", str(at), f"--{kind}", str(size)]
        worker = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [json.loads(line) for line in worker.stdout.splitlines() if line[:1] == "{"]
        for line in lines:
            outcomes[line["outcome"]] += 1
            peak = max(peak, line["peak_mib"])
            if line["outcome"] == "uncaught":
                finds.append(line)
        at += len(lines)
        if len(lines) < size:  # it died on the next one
            outcomes["uncaught"] += 1
            fault = f"process ended with {worker.returncode}: {worker.stderr[-2000:]}"
            finds.append({"number": at, "fault": fault})
            at += 1
    for find in finds:
        print(f"{kind} seed {seed} number {find['number']}: {find['fault']}", file=sys.stderr)
    return {
        "kind": kind,
        "seed": seed,
        "first": first,
        "tried": sum(outcomes.values()),
        "read": outcomes["read"],
        "refused": outcomes["refused"],
        "uncaught": outcomes["uncaught"],
        "seconds": round(time.monotonic() - begin),
        "peak_mib": peak,
    }


def _work(kind: str, seed: int, first: int, count: int) -> None:
    from tests import conftest  # noqa: F401, I001 - has array shapes checked in every call
    from reggan_plugin.errors import RegganError

    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    with tempfile.TemporaryDirectory() as scratch:
        attempt = _TRIALS[kind](Path(scratch), seed)
        for number in range(first, first + count):
            outcome, fault = "read", None
            signal.alarm(_MOST_SECONDS)
            try:
                attempt(number)
            except RegganError:
                outcome = "refused"
            except BaseException:  # noqa: BLE001 - every other one is a find
                outcome, fault = "uncaught", traceback.format_exc()[-3000:]
            signal.alarm(0)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            line = {"number": number, "outcome": outcome, "fault": fault, "peak_mib": peak}
            print(json.dumps(line), flush=True)


def _stop(*_: object) -> None:
    raise _TooSlowError(f"more than {_MOST_SECONDS} s")


def _meshes(folder: Path, seed: int) -> Trial:
    from .damage import Seeded, damage, nearly
    from .meshes import MESHES, glb_of, glb_parts, sound_meshes, use_mesh

    sound = sound_meshes(folder)

    def attempt(number: int) -> None:
        choices, name = Seeded(f"mesh {seed} {number}"), MESHES[number % len(MESHES)]
        if name.endswith((".glb", ".vrm")) and number % 2:
            document, binary = glb_parts(sound[name])
            content = glb_of(nearly(choices, document, odds=60), binary)
        elif name == "head.gltf" and number % 2:
            content = json.dumps(nearly(choices, json.loads(sound[name]), odds=60)).encode()
        else:
            content = damage(choices, sound[name], start=0, header=2048)
        (folder / name).write_bytes(content)
        if name == "looks.mtl":
            (folder / "head.obj").write_bytes(sound["head.obj"])
        use_mesh(folder / ("head.obj" if name == "looks.mtl" else name))

    return attempt


def _pictures(folder: Path, seed: int) -> Trial:
    from reggan_plugin.files.frame import read_frame, write_frame

    from .damage import Seeded, damage, with_right_checksums
    from .pictures import PICTURES, sound_pictures

    sound = sound_pictures(folder)

    def attempt(number: int) -> None:
        name = PICTURES[number % len(PICTURES)]
        content = damage(Seeded(f"picture {seed} {number}"), sound[name])
        path = folder / "damaged picture"
        path.write_bytes(with_right_checksums(content) if name.startswith("png") else content)
        frame = read_frame(path)
        pixels = frame.pixels.copy()
        pixels[pixels.shape[0] // 2 :, :2] = 0.25
        write_frame(frame, pixels, folder / "written")
        read_frame(folder / "written")

    return attempt


def _models(folder: Path, seed: int) -> Trial:
    """Half of them sealed again, so that the damage reaches ONNX Runtime."""
    from reggan_plugin.models.model_hash import seal
    from reggan_plugin.models.shipped_models import installed_models
    from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

    from .damage import Seeded, damage

    sound = min(installed_models().values(), key=lambda path: path.stat().st_size).read_bytes()

    def attempt(number: int) -> None:
        content = damage(Seeded(f"model {seed} {number}"), sound, start=0, header=65536)
        path = folder / "face.onnx"
        path.write_bytes(content)
        if number % 2:
            seal(path)
        ExpressionTransfer(path, device="cpu")

    return attempt


def _json(folder: Path, seed: int) -> Trial:
    from .damage import Seeded, damage, nearly
    from .test_text_files import READERS

    def attempt(number: int) -> None:
        choices = Seeded(f"json {seed} {number}")
        name = list(READERS)[number % len(READERS)]
        sound, read = READERS[name]
        if number % 2:
            content = json.dumps(nearly(choices, sound)).encode()
        else:
            content = damage(choices, json.dumps(sound).encode(), start=0)
        (folder / name).write_bytes(content)
        read(folder / name)

    return attempt


_TRIALS: dict[str, Callable[[Path, int], Trial]] = {
    "meshes": _meshes,
    "pictures": _pictures,
    "models": _models,
    "json": _json,
}

if __name__ == "__main__":
    sys.exit(main())
