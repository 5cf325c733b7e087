"""The long fuzz run: damaged files by the ten thousand, in processes that may die.

    python -m tests.fuzz.long                                    # all of it: about 30 minutes
    python -m tests.fuzz.long --minutes 5                        # as much as that gives
    python -m tests.fuzz.long --meshes 9999 --pictures 0 --models 0 --videos 0 --json 0 --attacks 0

Each file is made from a seed and its number alone, so that a find can be made again with --first
and one of its kind. A file must be read, or refused by an error of ours. Anything else is a find:
another exception, an array of a wrong shape, a process that dies, more than a minute of a
processor, or more than 4 GiB of memory. Two processes work at a time, or as many as --processes
says. The exit code is 1 if there is one. Results are printed as JSON, one line a kind.

Not part of the gate, which tries some hundred of each: `test_meshes.py`, `test_pictures.py`,
`test_models.py`, `test_rigs.py`, `test_text_files.py`, `test_attacks.py`.
"""

import argparse
import json
import logging
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

DEFAULTS = {
    "attacks": 2_000,
    "meshes": 10_000,
    "rigs": 1_000,
    "pictures": 10_000,
    "models": 1_000,
    "videos": 1_000,
    "json": 1_000,
}
_AT_A_TIME = 50
_MOST_SECONDS, _MOST_BYTES = 60, 4 * 2**30

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
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--worker", choices=DEFAULTS)
    given = parser.parse_args()
    if given.worker:
        _work(given.worker, given.seed, given.first, getattr(given, given.worker))
        return 0
    counts = {kind: getattr(given, kind) for kind in DEFAULTS}
    share_s = 60 * given.minutes / max(1, sum(map(bool, counts.values())))
    finds = 0
    for kind, count in counts.items():
        if count:
            summary = _run(kind, given.seed, given.first, count, share_s, given.processes)
            finds += summary["uncaught"]
            print(json.dumps(summary), flush=True)
    return int(finds > 0)


def _run(
    kind: str, seed: int, first: int, count: int, share_s: float, processes: int
) -> dict[str, Any]:
    """Try the files of a kind, as many as there is time for."""
    begin, lines = time.monotonic(), list[dict[str, Any]]()

    def batch(at: int) -> list[dict[str, Any]]:
        is_late = time.monotonic() - begin > share_s
        return [] if is_late else _batch(kind, seed, at, min(_AT_A_TIME, first + count - at))

    with ThreadPoolExecutor(processes) as pool:
        for found in pool.map(batch, range(first, first + count, _AT_A_TIME)):
            lines += found
    outcomes = Counter(line["outcome"] for line in lines)
    for line in lines:
        if line["outcome"] == "uncaught":
            print(f"{kind} seed {seed} number {line['number']}: {line['fault']}", file=sys.stderr)
    return {
        "kind": kind,
        "seed": seed,
        "first": first,
        "tried": len(lines),
        **{name: outcomes[name] for name in ("read", "refused", "uncaught")},
        "seconds": round(time.monotonic() - begin),
        "longest_s": max((line["seconds"] for line in lines), default=0.0),
        "peak_mib": max((line["peak_mib"] for line in lines), default=0),
    }


def _batch(kind: str, seed: int, at: int, count: int) -> list[dict[str, Any]]:
    """Try so many files in a process, and in a new one behind each that ends it."""
    lines: list[dict[str, Any]] = []
    while len(lines) < count:
        first, left = at + len(lines), count - len(lines)
        command = [sys.executable, "-m", "tests.fuzz.long", "--worker", kind, "--seed", str(seed)]
        command += ["--first", str(first), f"--{kind}", str(left)]
        worker = subprocess.run(command, capture_output=True, text=True, check=False)
        lines += [json.loads(line) for line in worker.stdout.splitlines() if line[:1] == "{"]
        if len(lines) < count:
            fault = f"process ended with {worker.returncode}: {worker.stderr[-2000:]}"
            here = at + len(lines)
            lines.append(
                {"number": here, "outcome": "uncaught", "fault": fault, "seconds": 0, "peak_mib": 0}
            )
    return lines


def _work(kind: str, seed: int, first: int, count: int) -> None:
    from tests import conftest  # noqa: F401, I001 - has array shapes checked in every call
    from reggan_plugin import child_process
    from reggan_plugin.errors import RegganError

    child_process.HERE = True
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGPROF, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    with tempfile.TemporaryDirectory() as scratch:
        attempt = _TRIALS[kind](Path(scratch), seed)
        for number in range(first, first + count):
            outcome, fault, begin = "read", None, time.process_time()
            signal.setitimer(signal.ITIMER_PROF, _MOST_SECONDS)
            try:
                attempt(number)
            except RegganError:
                outcome = "refused"
            except BaseException:  # noqa: BLE001 - every other one is a find
                outcome, fault = "uncaught", traceback.format_exc()[-3000:]
            signal.setitimer(signal.ITIMER_PROF, 0)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            seconds = round(time.process_time() - begin, 1)
            line = {"number": number, "outcome": outcome, "fault": fault, "seconds": seconds}
            print(json.dumps({**line, "peak_mib": peak}), flush=True)


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


def _rigs(folder: Path, seed: int) -> Trial:
    from .damage import Seeded
    from .rigs import hostile_rig, use_rig

    def attempt(number: int) -> None:
        (folder / "head.glb").write_bytes(hostile_rig(folder, Seeded(f"rig {seed} {number}")))
        use_rig(folder / "head.glb")

    return attempt


def _pictures(folder: Path, seed: int) -> Trial:
    """Half of them with one fault, anywhere."""
    from .damage import Seeded, damage, with_right_checksums
    from .pictures import PICTURES, sound_pictures, use_picture

    sound = sound_pictures(folder)

    def attempt(number: int) -> None:
        name, choices = PICTURES[number % len(PICTURES)], Seeded(f"picture {seed} {number}")
        if number // len(PICTURES) % 2:
            content = damage(choices, sound[name], header=len(sound[name]), most=1)
        else:
            content = damage(choices, sound[name])
        path = folder / "damaged picture"
        path.write_bytes(with_right_checksums(content) if name.startswith("png") else content)
        use_picture(path)

    return attempt


def _models(folder: Path, seed: int) -> Trial:
    """Half of them sealed again, so that the damage reaches ONNX Runtime."""
    from reggan_plugin.models.model_card import installed_models, seal
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


def _videos(folder: Path, seed: int) -> Trial:
    """In a child for each, as a fault of a decoder ends its process."""
    from reggan_plugin import child_process

    from .attacks import VIDEOS, use, video
    from .damage import Seeded, damage

    sound = {name: video(folder / name) for name in VIDEOS}

    def attempt(number: int) -> None:
        child_process.HERE = False
        name = list(VIDEOS)[number % len(VIDEOS)]
        header = len(sound[name]) if number % 2 else 512
        content = damage(Seeded(f"video {seed} {number}"), sound[name], start=0, header=header)
        (folder / name).write_bytes(content)
        use(folder / name)

    return attempt


def _attacks(folder: Path, seed: int) -> Trial:
    """Every second one is sound, and is read with all that its format allows."""
    from . import attacks
    from .accepted import accepted
    from .damage import Seeded

    def attempt(number: int) -> None:
        own = folder / "attack"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        if number % 2:
            attacks.use(accepted(own, Seeded(f"accepted {seed} {number}")))
        else:
            attacks.use(attacks.bomb(own, seed * 1_000_000 + number // 2))

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
    "attacks": _attacks,
    "meshes": _meshes,
    "rigs": _rigs,
    "pictures": _pictures,
    "models": _models,
    "videos": _videos,
    "json": _json,
}

if __name__ == "__main__":
    sys.exit(main())
