"""Every command of the README and of each page runs as it stands there."""

import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main

from .conftest import PAGES, commands_of

SHORTENED = {
    "train": ["--kimg", "0.002", "--batch", "2", "--identities", "2", "--threads", "1"],
    "evaluate": ["--threads", "1"],
    "report": ["--range", "1001,1003"],  # the shot of this test has a gap
    "study": ["--comparisons", "1", "--attention-checks", "0"],
    "bench": [
        *("--rounds", "1", "--batch", "1", "--threads", "1", "--height", "240", "--frames", "1"),
    ],
}
"""Options that make a long command short; all else is run as written."""
TESTED_ELSEWHERE = (
    "ui ",  # serves until it is ended: tests/ui/test_page_browser.py
    "dataset heads",  # needs heads: tests/training/pairs/test_head_files.py
    "train-motion",  # tests/training/motion/test_training_run.py
    "dataset avatars",  # needs Blender: tests/training/avatars/test_blender_render.py
    "export engine",  # need a GPU: tests/export/test_export_engine.py,
    "render shot/ --device tensorrt",  # tests/backends/test_tensorrt_runner.py
    "bench --peers",  # exports three networks: tests/export/test_rivals.py
    "render shot/ --expression happy --sign",  # tests/jobs/test_signing.py
)
NEEDED_BEFORE = {
    "devices.md": ["train --data avatars --out runs/first"],
    "farm.md": ["render shot/ --expression happy"],
}
"""What a page's commands build on that another page has."""
WRITTEN = ("--out", "--out-mesh", "--sheet", "--html", "--plot", "--preview")
"""Options that name what a command writes."""


def commands_to_run(page: Path) -> list[str]:
    """Those of a page that are run here."""
    return [line for line in commands_of(page) if not line.startswith(TESTED_ELSEWHERE)]


PAGES_TO_RUN = [page for page in PAGES if commands_to_run(page)]


# PyTorch's exporter warns of its own internals.
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*The axis name.*:UserWarning")
@pytest.mark.parametrize("page", PAGES_TO_RUN, ids=lambda page: page.stem)
@pytest.mark.timeout(900)  # all of a page, one by one
def test_every_command_runs_as_written(page: Path, working_folder: Path) -> None:
    for command in [*NEEDED_BEFORE.get(page.name, []), *commands_to_run(page)]:
        words = shlex.split(command)
        assert main([*words, *_options_of_this_test(words)]) == 0, command
        if "--dry-run" not in words:
            written = [value for name, value in pairwise(words) if name in WRITTEN]
            assert all(Path(path).exists() for path in written), command


def _options_of_this_test(words: list[str]) -> list[str]:
    more = list(SHORTENED.get(words[0], []))
    if words[0] == "render" and "--resume" not in words:
        more += ["--overwrite"]  # a page renders a shot more than once
    return more


def test_the_readme_s_commands_leave_what_they_say(working_folder: Path) -> None:
    assert main(["render", "shot/", "--expression", "happy"]) == 0
    with Image.open(working_folder / "shot_happy" / "avatar.1001.png") as smile:
        assert smile.size == (1280, 720)
