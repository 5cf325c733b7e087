"""The locks hold everything that they are for, pinned, with hashes. See requirements/README.md."""

import re
import runpy
import subprocess
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from . import licences

FOLDER = licences.ROOT / "requirements"
LOCKS = ("gate.txt", "release.txt")
NOT_LOCKED = {"torch"}
"""Its files differ from machine to machine: requirements/README.md says why that is so."""
STALE = "the lock is behind pyproject.toml: make it anew as requirements/README.md says"


def pins(name: str) -> dict[str, tuple[Version, int]]:
    """Package → its version, and how many hashes stand with it."""
    text = (FOLDER / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            pin, *hashes = re.split(r"\s+--hash=", line.strip())
            requirement = Requirement(pin)
            (version,) = [one.version for one in requirement.specifier]
            assert str(requirement.specifier) == f"=={version}", line
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), line
            found[canonicalize_name(requirement.name)] = (Version(version), len(hashes))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    assert len(pins(name)) > 20
    assert [package for package, (_, hashes) in pins(name).items() if not hashes] == []


def test_the_gate_s_lock_holds_all_that_the_gate_needs() -> None:
    needed = licences.closure(["dev"]) - NOT_LOCKED
    assert needed - set(pins("gate.txt")) == set(), STALE


def test_the_pins_are_what_pyproject_allows() -> None:
    known = {package: version for package, (version, _) in pins("gate.txt").items()}
    declared = [*licences.PROJECT["dependencies"]]
    declared += [text for own in licences.PROJECT["optional-dependencies"].values() for text in own]
    refused = [
        text
        for text in declared
        if (version := known.get(canonicalize_name(Requirement(text).name))) is not None
        and not Requirement(text).specifier.contains(version)
    ]
    assert refused == [], STALE


def test_the_release_s_lock_holds_what_it_asks_for() -> None:
    lines = (FOLDER / "release.in").read_text(encoding="utf-8").splitlines()
    asked = [line.split("#")[0].strip() for line in lines]
    names = {canonicalize_name(Requirement(line).name) for line in asked if line}
    assert names - set(pins("release.txt")) == set()


def test_all_that_is_locked_is_installed_as_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = runpy.run_path(str(FOLDER / "install.py"))
    monkeypatch.setattr(subprocess, "run", lambda command, check: run(command))
    commands: list[list[str]] = []
    installed: list[str] = []

    def run(command: list[str]) -> None:
        if "pip" in command:
            commands.append(command[4:])
        if "-r" in command:
            assert {"--no-deps", "--require-hashes"} < set(command)
            installed.extend(pins(command[-1]))

    names["main"]()
    assert sorted(installed) == sorted(pins("gate.txt"))
    assert commands[-1] == ["--no-compile", "--no-build-isolation", "-e", f"{licences.ROOT}[dev]"]


def test_the_release_s_workflow_installs_from_the_lock() -> None:
    workflow = (licences.ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert workflow.count("pip install ") == workflow.count(
        "pip install --require-hashes -r requirements/release.txt"
    )


def test_torch_is_pinned_where_it_is_installed() -> None:
    pinned = (FOLDER / "torch.txt").read_text(encoding="utf-8").split("+")[0].strip()
    assert runpy.run_path(str(FOLDER / "install.py"))["TORCH"] == pinned
    assert metadata.version("torch").split("+")[0] == pinned.split("==")[1]
