"""`--rig`, `--teeth` and `--mouth`: what they change, what they refuse, and what is done again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from tests.rig.own_head import write_head

from ..sample_frames import small_frame

SHAPES = ["--shape", "jawOpen=0.8", "--shape", "browInnerUp=1"]


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    return small_frame("avatar_png/avatar.1001.png", tmp_path / "frame.png")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), float)


def test_a_rig_of_ones_own_moves_the_face(
    frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig, usual, own = (tmp_path / name for name in ("hero.glb", "usual.png", "own.png"))
    write_head(rig, without=("cheekPuff",), factors={"browInnerUp": 2.5})
    assert main(["render", str(frame), *SHAPES, "--out", str(usual)]) == 0
    assert main(["render", str(frame), *SHAPES, "--rig", str(rig), "--out", str(own)]) == 0
    said = capsys.readouterr().err
    assert "these stay the template's: cheekPuff" in said
    assert str(rig) not in said  # a sidebar has room for its name
    moved = np.abs(pixels(own) - pixels(usual)).max(axis=2) > 20
    assert moved.any()
    before = pixels(frame)
    assert (pixels(own) == before)[:4].all()


def test_lips_stay_shut_and_a_resumed_shot_with_another_mouth_is_done_again(
    frame: Path, tmp_path: Path
) -> None:
    out = tmp_path / "done.png"
    asked = ["render", str(frame), "--shape", "jawOpen=1", "--out", str(out)]
    assert main(asked) == 0
    opened = pixels(out)
    stamp = out.stat().st_mtime_ns
    assert main([*asked, "--resume"]) == 0
    assert out.stat().st_mtime_ns == stamp
    assert main([*asked, "--resume", "--mouth", "closed"]) == 0
    assert np.abs(pixels(out) - opened).max() > 60  # the dark of the mouth is gone


def test_a_resumed_shot_whose_rig_names_a_changed_file_is_done_again(
    frame: Path, tmp_path: Path
) -> None:
    rig, buffer, out = (tmp_path / name for name in ("hero.gltf", "hero.bin", "done.png"))
    heads = []
    for factor in (1.0, 3.0):
        write_head(tmp_path / "head.glb", factors={"browInnerUp": factor})
        heads.append(parts_of_glb((tmp_path / "head.glb").read_bytes()))
    (document, own), (_, other) = heads
    document["buffers"][0]["uri"] = buffer.name
    rig.write_text(json.dumps(document))
    buffer.write_bytes(own)
    asked = ["render", str(frame), *SHAPES, "--rig", str(rig), "--out", str(out)]
    assert main(asked) == 0
    made = pixels(out)
    buffer.write_bytes(other)
    assert main([*asked, "--resume"]) == 0
    assert np.abs(pixels(out) - made).max() > 20


def parts_of_glb(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the JSON of a GLB, and its buffer."""
    length = int.from_bytes(content[12:16], "little")
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def test_a_settings_file_names_the_rig_of_a_shot(
    frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_head(tmp_path / "still.glb", without=ARKIT_SHAPES)
    (tmp_path / "reggan-plugin.toml").write_text('[render]\nrig = "still.glb"\n')
    assert main(["render", str(frame), "--expression", "happy"]) == 1
    assert "still.glb has no shapes at all" in capsys.readouterr().err


def test_a_model_without_a_rig_says_what_to_leave_out(
    frame: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["render", str(frame), "--expression", "happy", "--model", "sargan"]
    assert main([*asked, "--mouth", "plate"]) == 2
    said = capsys.readouterr().err
    assert "sargan lays no rig over faces" in said
    assert "leave out --model" in said
