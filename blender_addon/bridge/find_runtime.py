"""The Python that runs `reggan-plugin`: Blender's own with the bundled wheels, or an environment.

And a second Blender, and whether it may run the scripts of a file. Nothing is started here, so that
buttons may ask at every redraw.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .errors import BridgeError

_NO_MODULE = re.compile(r"No module named '?([\w.]+)")

OLDEST_PYTHON = (3, 11)
_PYTHONS_IN_AN_ENVIRONMENT = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
_OF_THIS_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__")
"""Variables that would lead another Python to this one's packages."""
_FOR_EVERY_PYTHON = {
    "PYTHONNOUSERSITE": "1",  # what a user installed for other programs stays out
    "PYTHONSAFEPATH": "1",  # and so does what lies in the working folder
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
}


def lines_of_report(report: Mapping[str, Any]) -> list[str]:
    """Devices that work, problems, devices that do not work and why, then versions.

    What is to be typed in a terminal is left out: a button does it.

    Args:
        report: the JSON document of the doctor.
    """
    devices = report.get("devices", ())
    working = [device["name"] for device in devices if device["loads"]]
    chosen = f"; auto takes {report['auto']}" if report.get("auto") else ""
    lines = [f"Works: {', '.join(working)}{chosen}" if working else "No device works."]
    lines += [f"Problem: {problem}" for problem in report.get("problems", ())]
    missing = [one for one in devices if not one["loads"]]
    typed = {one["name"] for one in missing if "pip " in (one.get("remedy") or "")}
    for one in missing:
        remedy = "" if one["name"] in typed else one.get("remedy")
        words = (f"Not here: {one['name']}.", one["message"], remedy)
        lines.append(" ".join(filter(None, words)))
    if "cuda" in typed:
        lines.append("For an NVIDIA card press Make Environment: it takes what cuda needs.")
    installed = [
        f"{package['name']} {package['version']}"
        for package in report.get("packages", ())
        if package["version"] is not None
    ]
    lines.append(f"Python {report.get('python', '')} at {report.get('executable', '')}")
    lines.append(", ".join(installed))
    return lines


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A Python that has `reggan-plugin`, as far as its files tell."""

    python: Path
    environment: Mapping[str, str]
    """All variables of its processes."""
    program: tuple[str, ...] = ("-m", "reggan_plugin")
    """What it is told to run, before a job's own arguments."""
    clears_away_s: float = 0.0
    """How much longer than others its cancelled processes may take, to clear away."""

    def reason_from_end(self, last_words: str, exit_code: int) -> str:
        """Return an artist's message for a process of it that failed without an `error` line.

        Args:
            last_words: the last lines of its stderr that were not JSON.
            exit_code: negative for a signal that killed it.
        """
        missing = _NO_MODULE.search(last_words)
        if missing and missing[1] == "reggan_plugin":
            return (
                f"{self.python} has no reggan-plugin. In the add-on's preferences choose the "
                "bundled runtime, or press Make Environment."
            )
        last = last_words.rpartition("\n")[2]
        if missing or "ImportError" in last_words:
            return (
                f"{self.python} cannot load what reggan-plugin needs: {last}. Its packages may be "
                "for another version of Python. Choose another runtime in the add-on's "
                "preferences, or install this one again."
            )
        if exit_code < 0 or exit_code > 255:
            end = f"signal {-exit_code}" if exit_code < 0 else f"code {exit_code:#x}"
            return (
                f"The worker was ended from outside ({end}), often for lack of "
                "memory. Close other programs, or work on smaller or fewer pictures, and run it "
                "again: what is finished is kept."
            )
        usage = re.search(r"^Error: (.+)", last_words, re.MULTILINE | re.DOTALL)
        if usage:
            return " ".join(usage[1].split())
        return last or (
            f"The worker ended with code {exit_code} and no word of why. Press Run Doctor in the "
            "add-on's preferences."
        )


def find_runtime(chosen: str, site_packages: Path | None) -> Runtime:
    """Return the runtime that the preferences ask for.

    Args:
        chosen: a virtual environment's folder or a Python executable, as typed into the
            preferences; empty for the bundled one.
        site_packages: where Blender unpacked the extension's wheels; None if nowhere.

    Raises:
        BridgeError: there is no such runtime, or it is of a Python that cannot run it.
    """
    environment = _variables()
    if chosen:
        _refuse_path_beside_file(chosen)
        return Runtime(python=_python_of_environment(Path(chosen)), environment=environment)
    folder = _checked_wheels(site_packages)
    return Runtime(python=_own_python(), environment=environment | {"PYTHONPATH": str(folder)})


def own_runtime(script: Path, clears_away_s: float) -> Runtime:
    """Return Blender's own Python, without what the extension brought along, to run a script.

    Raises:
        BridgeError: this Blender has no Python executable.
    """
    return Runtime(
        python=_own_python(),
        environment=_variables(),
        program=("-P", str(script)),
        clears_away_s=clears_away_s,
    )


def _variables() -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if name not in _OF_THIS_PYTHON}
    return inherited | _FOR_EVERY_PYTHON


def _refuse_path_beside_file(chosen: str) -> None:
    """Refuse a program beside the .blend: it would come from whoever sent the .blend."""
    if chosen.startswith("//") or not Path(chosen).is_absolute():
        raise BridgeError(
            f"The environment is {chosen}, which depends on the file that is open. A program is "
            "only started from a full path: choose the folder again in the add-on's preferences, "
            "with Relative Path off in the file browser."
        )


def _python_of_environment(chosen: Path) -> Path:
    if chosen.is_file():
        return chosen
    if not chosen.is_dir():
        raise BridgeError(
            f"There is nothing at {chosen}. Choose the folder of a Python environment that has "
            "reggan-plugin, or the bundled runtime, in the add-on's preferences."
        )
    for name in _PYTHONS_IN_AN_ENVIRONMENT:
        if (chosen / name).is_file():
            _refuse_old_python(chosen)
            return chosen / name
    raise BridgeError(
        f"{chosen} has no Python in it. Choose the folder that `python -m venv` made, the one with "
        "bin or Scripts inside, in the add-on's preferences."
    )


def _refuse_old_python(environment: Path) -> None:
    """Read the version that a virtual environment notes about itself, where it does."""
    note = environment / "pyvenv.cfg"
    text = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else ""
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, re.MULTILINE)
    if found and (int(found[1]), int(found[2])) < OLDEST_PYTHON:
        raise BridgeError(
            f"{environment} has Python {found[1]}.{found[2]}; reggan-plugin needs "
            f"{_dotted(OLDEST_PYTHON)} or newer. Choose another, or press Make Environment in the "
            "add-on's preferences."
        )


def _checked_wheels(site_packages: Path | None) -> Path:
    if site_packages is None or not (site_packages / "reggan_plugin").is_dir():
        raise BridgeError(
            "This installation has no bundled runtime. Install the extension's zip file that was "
            "built for this system, or choose an environment in the add-on's preferences."
        )
    if not (site_packages / "onnxruntime").is_dir():
        raise BridgeError(
            f"The extension's zip file has no packages for this Blender's Python "
            f"{_dotted(sys.version_info[:2])}. Install one that was built with "
            f"--python {_dotted(sys.version_info[:2])}, or choose an environment in the add-on's "
            "preferences."
        )
    return site_packages


def _own_python() -> Path:
    """Return the executable of the Python that this is; Blender's own file cannot take its
    place.
    """
    name = "python.exe" if os.name == "nt" else f"python{_dotted(sys.version_info[:2])}"
    candidates = (Path(sys.executable), Path(sys.prefix, "bin", name), Path(sys.prefix, name))
    for candidate in candidates:
        if candidate.name.lower().startswith("python") and candidate.is_file():
            return candidate
    raise BridgeError(
        f"This Blender has no Python executable at {candidates[1]}. Choose an environment in the "
        "add-on's preferences."
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


_SCRIPT = Path(__file__).parents[1] / "second_blender" / "script.py"
_NO_NEWS = "Error: script failed"
"""What Blender says last of all, after the reason."""


@dataclass(frozen=True, kw_only=True)
class SecondBlender(Runtime):
    """Blender's executable, or a Python that has Blender as a module."""

    program: tuple[str, ...] = ()

    def reason_from_end(self, last_words: str, exit_code: int) -> str:
        """Return an artist's message for one that failed without an `error` line."""
        if exit_code < 0 or exit_code > 255:
            end = f"signal {-exit_code}" if exit_code < 0 else f"code {exit_code:#x}"
            return (
                f"The second Blender crashed or was ended from outside ({end}), often for lack of "
                "memory: it holds a copy of this file. Close other programs and run it again: what "
                "is finished is kept."
            )
        words = [line for line in last_words.split("\n") if not line.startswith(_NO_NEWS)] or [""]
        last = words[-1].rstrip(".") or f"it ended with code {exit_code}"
        return (
            f"The second Blender failed: {last}. Save the file, restart Blender and run it again."
        )


def blender_arguments(
    copy: Path, specification: Path, *, is_module: bool, runs_scripts: bool
) -> tuple[str, ...]:
    """Command line of a second Blender.

    Args:
        copy: of the artist's file.
        specification: JSON, read by `second_blender/script.py`.
        is_module: it is a Python with Blender in it, which the script tells to open the copy.
        runs_scripts: the artist's preferences let the file's own scripts run.
    """
    if is_module:  # -P: what lies beside the script is no module of its own
        return ("-P", str(_SCRIPT), "--", str(specification))
    scripts = "--enable-autoexec" if runs_scripts else "--disable-autoexec"
    return (
        *("--background", scripts, str(copy), "--python-exit-code", "1"),
        *("--python", str(_SCRIPT), "--", str(specification)),
    )


_BLOCKS = ("-Y", "--disable-autoexec")


def may_run_scripts(
    *,
    preference_allows: bool,
    was_blocked: bool,
    file: str,
    excluded: Iterable[tuple[str, bool]],
    arguments: Iterable[str],
) -> bool:
    """Tell whether the artist lets scripts and Python drivers of this file run.

    Args:
        preference_allows: *Auto Run Python Scripts* is on.
        was_blocked: Blender refused a script of the file since it was opened.
        file: where it was saved; empty if it never was.
        excluded: the places that the preferences exclude, and whether each is a pattern.
        arguments: of this Blender's own process.
    """
    is_excluded = any(  # by Blender's own rule
        fnmatch(file, place) if is_pattern else file.startswith(place)
        for place, is_pattern in excluded
        if place and file
    )
    is_switched_off = any(argument in _BLOCKS for argument in arguments)
    return preference_allows and not (was_blocked or is_excluded or is_switched_off)
