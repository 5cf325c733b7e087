"""`dataset avatars`: the same pictures as `dataset pictures`, path-traced."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main

from ...shared_data import SHARED_DATA

HEADS = SHARED_DATA / "heads/ict/ict_face_model_light.npz"


def test_without_blender_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "bpy" else find(name, *rest),
    )
    out = tmp_path / "set"
    character = tmp_path / "anna.glb"
    character.touch()
    assert main(["dataset", "avatars", "--glb", str(character), "--out", str(out)]) == 1
    assert 'pip install "reggan-plugin[avatars]"' in capsys.readouterr().err
    assert not out.exists()


def test_what_is_drawn_without_light_is_no_style_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset", "avatars", "--out", str(tmp_path / "set"), "--style", "toon"]) == 2
    assert "'skin', 'stone', 'metal', 'clay'" in capsys.readouterr().err


def made(command: str, out: Path, processes: int) -> dict[str, bytes]:
    subprocess.run(
        [
            *(sys.executable, "-m", "reggan_plugin", "dataset", command, "--ict", str(HEADS)),
            *("--identities", "2", "--size", "32", "--out", str(out)),
            *("--processes", str(processes)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.glob("*/*"))}


@pytest.mark.blender
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not HEADS.is_file(), reason=f"no heads at {HEADS}")
def test_traced_heads_are_those_that_are_shaded_and_come_again(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    traced = made("avatars", tmp_path / "first", 1)
    assert made("avatars", tmp_path / "second", 2) == traced
    shaded = made("pictures", tmp_path / "shaded", 1)
    assert shaded.keys() == traced.keys()
    for name in shaded:
        if name.endswith(".json"):
            assert json.loads(shaded[name]) == json.loads(traced[name])
            continue
        pictures = [
            np.asarray(Image.open(tmp_path / made_by / name).convert("L"), np.float64)
            for made_by in ("first", "shaded")
        ]
        assert np.corrcoef(*(picture.ravel() for picture in pictures))[0, 1] > 0.8, name
