"""The README is short, begins with the two commands, and what it names is there."""

import re
from pathlib import Path

import pytest

from .conftest import PAGES, ROOT

LINES = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
NAMED_PAGES = (
    *PAGES,
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
)


def test_it_has_at_most_150_lines() -> None:
    assert len(LINES) <= 150


def test_the_commands_that_install_and_test_stand_at_its_beginning() -> None:
    commands = [line for line in LINES[:20] if line.startswith("python3.11 -m venv")]
    assert commands[0].endswith("reggan-plugin demo")
    assert commands[1].endswith("tests/gate.py")


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = [step.partition(" #")[0] for step in ci.splitlines()][-3:]
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        text = page.read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.endswith("tests/gate.py"))
        assert [part.strip() for part in line.split("&&")] == steps, page.name


@pytest.mark.parametrize("page", NAMED_PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / path).exists(), path
    for path in re.findall(
        r"`((?:reggan_plugin|training|export|tests|docs|tools|browser)/[\w/.-]+)`", text
    ):
        assert (ROOT / path).exists(), path
