"""An environment of the extension's own: made from the wheel in its zip, and removed again.

Run as a program by Blender's Python, beside Blender: `make FOLDER WHEEL…` or `remove FOLDER`. It
says how far it is by JSON lines. The extension only reads its note.
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

EXTRAS = ("textures", "usd", "video", "perform")
"""What a job of Blender may need: maps, takes in USD, videos, faces read from them."""
PIP = "pip==26.3"
"""It says how much of a file has come; those that come with Python 3.11 do not."""
FOR_NVIDIA = "onnxruntime-gpu[cuda,cudnn]"
"""Takes the place of onnxruntime, whose files it has, too."""
OLDEST_CUDA = 13000
"""Of the driver, by which the packages above run: 13.0."""
_HIDDEN = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_LONGEST_REMOVAL_S = 8.0
_NOTE = "reggan_environment.json"
_FETCHED = re.compile(r"(?:Downloading|Using cached|Processing) (?:\S*/)?(?P<name>[\w.]+?)-\d\S*")
_PART = re.compile(r"Progress (?P<done>\d+) of (?P<total>\d+)")


def note_of(folder: Path) -> Mapping[str, Any] | None:
    """Return what an environment says of itself; None if it is not there or not whole."""
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def version_of_wheel(wheel: Path) -> str:
    """Return the version in a wheel's name."""
    return wheel.name.split("-")[1]


class NotMadeError(Exception):
    """An environment that cannot be made; the message says what to do."""


def make(folder: Path, wheel: Path, *, gpu: bool | None, note: str) -> None:
    """Make a virtual environment with the extension's own wheel.

    If that fails, what was there before is there again.

    Args:
        folder: for it; a whole one of another version is kept until the new one works.
        wheel: of reggan-plugin; versions of the wheels beside it are taken here, too.
        gpu: take packages for an NVIDIA card; None asks the driver.
        note: JSON that is kept with it.
    """
    former = folder.with_name(f"{folder.name}.former")
    if note_of(folder) is not None:
        _remove(former)
        folder.rename(former)
    _remove(folder)  # what an earlier run left that was cut off
    try:
        _make(folder, wheel, gpu, note)
    except BaseException:
        _remove(folder)
        if former.exists():
            former.rename(folder)
        raise
    _remove(former)


def _make(folder: Path, wheel: Path, gpu: bool | None, note: str) -> None:
    _say("Making the folder")
    _run(
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        "Python cannot make an environment here: {last} On Debian and Ubuntu install python3-venv.",
    )
    python = next(
        path
        for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe")
        if path.is_file()
    )
    pip = [str(python), "-m", "pip"]
    _say("Fetching pip")
    _run([*pip, "install", "--quiet", "--only-binary=:all:", PIP], _NO_INDEX)
    takes_gpu, why_not = (gpu, "") if gpu is not None else nvidia_card()
    _say("Asking which packages are needed")
    wanted = [f"{wheel}[{','.join(EXTRAS)}]", *([FOR_NVIDIA] if takes_gpu else [])]
    needed = _needed(pip, wanted, folder, _versions_of(wheel.parent, takes_gpu=takes_gpu))
    if takes_gpu:
        needed.pop("onnxruntime", None)
    listed = [f"{name}=={version}" for name, version in needed.items() if name != "reggan-plugin"]
    command = [*pip, "install", "--no-deps", "--only-binary=:all:", "--progress-bar=raw"]
    _run(
        [*command, "--no-compile", str(wheel), *listed], _NO_INDEX, _Fetching(len(listed) + 1).take
    )
    _say("Trying each device", 1, 1)
    report = _doctor(python)
    made = {
        **json.loads(note),
        "version": version_of_wheel(wheel),
        "has_gpu_packages": bool(takes_gpu),
        "packages": {**needed, "reggan-plugin": version_of_wheel(wheel)},
    }
    new = folder / f".{_NOTE}"
    new.write_text(json.dumps(made, indent=1), encoding="utf-8")
    new.replace(folder / _NOTE)
    if why_not:
        print(json.dumps({"event": "notice", "message": why_not}), file=sys.stderr, flush=True)
    print(json.dumps({**report, "version": made["version"]}))


def _doctor(python: Path) -> dict[str, Any]:
    """Return what the new environment's doctor says."""
    command = [str(python), "-P", "-m", "reggan_plugin", "doctor", "--json"]
    run = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, creationflags=_HIDDEN
    )
    try:
        return dict(json.loads(run.stdout))
    except ValueError:
        last = run.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise NotMadeError(
            f"The packages came, but do not run: {last or run.returncode}. The environment was "
            "removed again; the bundled runtime still works."
        ) from None


_NO_INDEX = (
    "The packages could not be fetched: {last} Check the network, or your studio's proxy, and "
    "press Make Environment again. Nothing was left on the disk."
)


def nvidia_card() -> tuple[bool, str]:
    """Return whether there is a card that the packages fit, and what to say if there nearly is."""
    name = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"
    count, version = ctypes.c_int(0), ctypes.c_int(0)
    try:
        driver = ctypes.CDLL(name)
    except OSError:  # no driver
        return False, ""
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return False, ""
    driver.cuDriverGetVersion(ctypes.byref(version))
    if version.value < OLDEST_CUDA:
        return False, (
            f"The NVIDIA driver is for CUDA {version.value // 1000}."
            f"{version.value % 1000 // 10}; the packages need {OLDEST_CUDA // 1000}.0. The "
            "processor is used. For the GPU install a newer driver, and make the environment again."
        )
    return True, ""


def _needed(
    pip: Sequence[str], wanted: Sequence[str], folder: Path, versions: Sequence[str]
) -> dict[str, str]:
    """Return all packages by name, with their versions, without fetching them.

    Those of the zip are taken where they fit together with the others.
    """
    report, constraints = folder / "report.json", folder / "constraints.txt"
    constraints.write_text("\n".join(versions), encoding="utf-8")
    command = [*pip, "install", "--dry-run", "--quiet", "--ignore-installed"]
    command += ["--only-binary=:all:", "--report", str(report), *wanted]
    _run([*command, "--constraint", str(constraints)], _NO_INDEX)
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    named = ((one["metadata"]["name"], one["metadata"]["version"]) for one in found)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in named}


def _versions_of(wheels: Path, *, takes_gpu: bool) -> list[str]:
    """Return `name==version` of the zip's wheels for this Python."""
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    versions = []
    for path in sorted(wheels.glob("*.whl")):
        name, version, *_, python, abi, _platform = path.stem.split("-")
        is_ours = tag in python or abi == "abi3" or python.startswith(("py3", "py2.py3"))
        is_replaced = takes_gpu and name == "onnxruntime"
        if is_ours and not is_replaced and name != "reggan_plugin":
            versions.append(f"{name}=={version}")
    return versions


class _Fetching:
    """Tells from pip's lines how far it is."""

    def __init__(self, count: int) -> None:
        self._begun, self._count, self._name = 0, count, ""

    def take(self, line: str) -> None:
        """Say what is new in a line."""
        if begun := _FETCHED.match(line):
            self._begun, self._name = self._begun + 1, begun["name"].replace("_", "-")
            self._tell(0.0, "")
        elif part := _PART.match(line):
            done, total = int(part["done"]), int(part["total"])
            share = done / total if total else 0.0
            size = f": {done / 1e6:.0f} of {total / 1e6:.0f} MB" if total > 5e6 else ""
            self._tell(share, size)
        elif line.startswith("Installing collected packages"):
            self._begun = self._count + 1
            self._name = ""
            self._tell(0.0, "Unpacking")

    def _tell(self, share: float, size: str) -> None:
        said = f"Fetching {self._name}{size}" if self._name else size
        done = min(self._begun - 1, self._count) + share
        _say(said, round(100 * done), 100 * (self._count + 2))  # the last two: unpacking


def _say(message: str, done: int = 0, total: int = 0) -> None:
    event = {"event": "step", "message": message, "done": done, "frames": total}
    print(json.dumps(event), file=sys.stderr, flush=True)


def _run(command: Sequence[str], failure: str, take: Callable[[str], None] | None = None) -> None:
    """Run a program, and give its lines away as they come.

    Raises:
        NotMadeError: it failed.
    """
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_NO_COLOR": "1"}
    errors, last = "", ""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **quiet},
        creationflags=_HIDDEN,
        start_new_session=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                line = line.strip()
                last = line or last
                errors = line if line.startswith("ERROR") else errors
                if take is not None:
                    take(line)
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        words = (errors or last).removeprefix("ERROR: ").rstrip(".")
        raise NotMadeError(failure.format(last=f"{words}."))


def _kill(process: "subprocess.Popen[str]") -> None:
    """End a program and, where the system lets it, what that has started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(OSError):  # it has ended already
            os.killpg(process.pid, signal.SIGKILL)


def _remove(folder: Path) -> None:
    """Remove a folder, if it is there; what was stopped may write into it for a moment.

    Raises:
        OSError: a program uses it, or it is not the user's.
    """
    end = time.monotonic() + _LONGEST_REMOVAL_S
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < end)
        if folder.exists():
            time.sleep(0.1)


def _stop(*_: object) -> NoReturn:
    """Let what was begun be cleared away: Blender's Cancel is a signal."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or remove an environment; 130 if it was stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("make", "remove"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wheel", type=Path, help="of reggan-plugin; those beside it are its own")
    parser.add_argument("--gpu", choices=("yes", "no"), help="instead of asking the driver")
    parser.add_argument("--note", default="{}", help="JSON that is kept with it")
    options = parser.parse_args(arguments)
    for name in ("SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    try:
        if options.work == "remove":
            _say("Removing the environment")
            _remove(options.folder)
            _remove(options.folder.with_name(f"{options.folder.name}.former"))
        else:
            gpu = None if options.gpu is None else options.gpu == "yes"
            make(options.folder, options.wheel, gpu=gpu, note=options.note)
    except KeyboardInterrupt:
        return 130
    except (NotMadeError, OSError) as error:
        print(json.dumps({"event": "error", "message": str(error)}), file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
