"""Every command of docs/expressions.md runs as it stands there, on a model with face shapes."""

import re
import shlex
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from reggan_plugin.cli import main

from .curves import conftest as formats
from .motion_models import write_motion_model

PAGE = (Path(__file__).parents[1] / "docs/expressions.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_command_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shot").mkdir()
    picture = np.random.default_rng(1).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    (tmp_path / "shot/a.1001.png").write_bytes(imagecodecs.png_encode(picture))
    formats.live_link(tmp_path / "take.csv")
    (tmp_path / "studio.toml").write_text(blocks("toml")[0])
    write_motion_model(tmp_path / "moving.onnx", motion=(0.05, 0.0))
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("reggan-plugin ")]
    assert len(commands) >= 8
    for _, *words in commands:
        more = ["--model", "moving.onnx", "--whole-image"] if words[0] == "render" else []
        assert main([*words, *more]) == 0, words
    assert (tmp_path / "half/a.1001.png").read_bytes() != picture.tobytes()
    assert (tmp_path / "take.png").exists()
