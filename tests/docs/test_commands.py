"""Every command of the README and of each page runs as it stands there."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import click
import imageio_ffmpeg
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands import sheet

from .conftest import FRAME_SIZE, PAGES, ROOT, blocks_of, commands_of

SHORTENED = {
    "train": [
        *("--kimg", "0.002", "--batch", "2", "--identities", "2", "--threads", "1"),
        *("--size", "64", "--width", "0.25"),
    ],
    "evaluate": ["--threads", "1"],
    "report": ["--range", "1001,1003"],  # the shot of this test has a gap
    "study": ["--comparisons", "1", "--attention-checks", "0"],
    "bench": [
        *("--rounds", "1", "--batch", "1", "--threads", "1", "--height", "240", "--frames", "1")
    ],
}
"""Options that make a long command short; all else is run as written."""
CONTAINED = (
    "render frame.png --each basic --out set/",
    "render frame.png toon.png --each basic --out portraits/",
    "render frame.png toon.png --each basic --out set/ --atlas moods.png",
)
"""In what the README renders with `--each basic` and `--atlas`."""
TESTED_ELSEWHERE = (
    "texture head.glb --sheet",  # tests/textures/test_texture_command.py
    "render --watch",  # runs until it is ended: tests/commands/test_watch.py
    "perform actor.mp4",  # needs MediaPipe and its model: tests/perform/test_perform_command.py
    "ui ",  # serves until it is ended: tests/ui/test_page_browser.py
    "demo",  # tests/commands/test_render.py
    "dataset pictures",  # needs heads: tests/training/rendering/test_head_pictures.py
    "train-refinement",
    "train-landmarks",  # need heads: tests/training/landmarks/test_training.py
    "export landmarks",  # what it left: tests/export/test_rig_export.py
    "export onnx my-avatar.onnx --precision fp16",  # tests/export/test_picture_model_export.py
    "export engine",  # need a GPU: tests/export/test_export_engine.py,
    "render shot/ --device tensorrt",  # tests/backends/test_tensorrt_runner.py
    "bench --peers",  # exports three networks: tests/export/test_baselines.py
    "render shot/ --expression happy --sign",  # tests/jobs/test_signing.py
)
RUN_ONCE = {
    "render frame.png --expression happy": "frame_happy.png",
    "render shot/ --expression happy": "shot_happy",
    "render shot/ --curves take.csv --curves-fps 24 --out driven/": "driven",
    "render clip.mp4 --expression happy": "clip_happy.mp4",
    "train --data pictures --out runs/first": "runs/first",
    "export onnx runs/first --out my-avatar.onnx": "my-avatar.onnx",
    "sheet frame.png": "frame_sheet.png",
}
"""Those that stand on several pages, and what they write: it is copied to the later pages."""
NEEDED_BEFORE = {
    "devices.md": ["train --data pictures --out runs/first"],
    "farm.md": ["render shot/ --expression happy"],
}
"""What a page's commands build on that another page has."""
WRITTEN = ("--out", "--out-mesh", "--sheet", "--html", "--plot", "--preview")
"""Options that name what a command writes."""
WHOLE_PAGES = ("README.md", "first_shot.md")
"""Where all is done. On other pages `render` says what it would do where nothing later on the page
needs its result: the model is opened and all options are read, and `tests/commands` renders."""


def commands_to_run(page: Path) -> list[str]:
    """Those of a page that are run here."""
    lines = [line for line in commands_of(page) if not line.startswith(TESTED_ELSEWHERE)]
    return [line for line in lines if line not in CONTAINED]


PAGES_TO_RUN = [page for page in PAGES if commands_to_run(page)]


# PyTorch's exporter warns of its own internals.
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*The axis name.*:UserWarning")
@pytest.mark.parametrize("page", PAGES_TO_RUN, ids=lambda page: page.stem)
@pytest.mark.slow
@pytest.mark.timeout(900)  # all of a page, one by one
def test_every_command_runs_as_written(
    page: Path, working_folder: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "INTENSITIES", sheet.INTENSITIES[-1:])  # a third of the time
    commands = [*dict.fromkeys([*NEEDED_BEFORE.get(page.name, []), *commands_to_run(page)])]
    for place, command in enumerate(commands):
        kept = RUN_ONCE.get(command)
        if kept and (written / kept).exists():
            _copy(written / kept, Path(kept))
            continue
        if not kept and page.name not in WHOLE_PAGES and not _is_needed(commands, place):
            command += " --dry-run"
        _run(command)
        if kept:
            _copy(Path(kept), written / kept)
    if page.name == "README.md":
        with Image.open("shot_happy/avatar.1001.png") as smile:
            assert smile.size == FRAME_SIZE


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands of `RUN_ONCE` wrote."""
    return tmp_path_factory.mktemp("written")


def _is_needed(commands: list[str], place: int) -> bool:
    """Whether it is no `render`, or a later command goes on from its result."""
    words = shlex.split(commands[place])
    if words[0] != "render":
        return True
    out = dict(pairwise(words)).get("--out", "").rstrip("/")
    layers = dict(pairwise(words)).get("--layers-out", "")
    later = " ".join(commands[place + 1 :])
    return any(name and f" {name}" in later for name in (out, layers))


def _run(command: str) -> None:
    words = shlex.split(command)
    assert main([*words, *_options_of_this_test(words)]) == 0, command
    if "--dry-run" not in words:
        outputs = [path for name, path in pairwise(words) if name in WRITTEN and "{" not in path]
        assert all(Path(path).exists() for path in outputs), command


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, its times kept."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _options_of_this_test(words: list[str]) -> list[str]:
    more = list(SHORTENED.get(words[0], []))
    if words[0] == "render" and "--resume" not in words:
        more += ["--overwrite"]  # a page renders a shot more than once
    return more


@pytest.mark.skipif(os.name == "nt", reason="the page's pipes are those of a Unix shell")
def test_the_video_page_s_pipes_run(working_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [pipes] = blocks_of(ROOT / "docs/video.md", "bash")
    programs = {
        "ffmpeg": f'"{imageio_ffmpeg.get_ffmpeg_exe()}"',
        "reggan-plugin": f'"{sys.executable}" -m reggan_plugin',
    }
    names = "\n".join(f'{name}() {{ {command} "$@"; }}' for name, command in programs.items())
    script = f"set -eo pipefail\n{names}\n{pipes}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open("smile.png") as smile:
        assert smile.size == (640, 360)
    for name, codec in (("done.mp4", "h264"), ("done.mov", "prores")):
        with av.open(name) as video:
            assert video.streams.video[0].codec_context.name == codec
            assert sum(1 for _ in video.decode(video=0)) == 3


@pytest.mark.parametrize("place", ["shot", "own"])
def test_the_settings_page_s_file_is_found_where_it_says(
    place: str, working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (working_folder / "own").mkdir()
    monkeypatch.setattr(click, "get_app_dir", lambda _: str(working_folder / "own"))
    lines = Path("studio/show.toml").read_text().splitlines(keepends=True)
    settings = [line for line in lines if place == "own" or not line.startswith("stamp")]
    (working_folder / place / "reggan-plugin.toml").write_text("".join(settings))
    assert main(["render", "shot/", "--expression", "tense", "--range", "1001"]) == 0
    record = json.loads(Path("shot_tense/.reggan/avatar.1001.png.json").read_text())
    assert record["expression"] == {"tense": 0.8}
    assert record["weights"]["browDownLeft"] == pytest.approx(0.4)
