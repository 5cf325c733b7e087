"""The Python code of the pages runs, and does what its page says."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from reggan_plugin.files.frame import read_frame
from reggan_plugin.vocabulary.face_shapes import CONTROLS

from ..motion_models import SIDE_PX, write_motion_model
from .conftest import ROOT, blocks_of


def run(name: str) -> dict[str, Any]:
    """The names that a page's blocks define, run one after another."""
    names: dict[str, Any] = {}
    for block in blocks_of(ROOT / name, "python"):
        exec(compile(block, name, "exec"), names)
    return names


def test_the_python_page_runs(working_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("docs/python.md")
    before = read_frame(Path("frame.png")).pixels
    for name in ("smile.png", "answer.png"):
        assert np.abs(read_frame(Path(name)).pixels - before).max() > 0.1, name
    levels = names["levels"]
    assert names["surprised"].dtype == levels.dtype
    np.testing.assert_array_equal(names["as_opencv"][..., ::-1], names["surprised"])
    for name in ("blend", "weights", "over", "tense", "sad"):
        assert (names[name] != levels).any(), name
    assert (names["blend"] != names["weights"]).any()
    assert isinstance(names["also_sad"], bytes)
    exr = read_frame(Path("shot.1001.exr")).pixels
    for name in ("happy.1001.exr", "steady.1001.exr"):
        assert (read_frame(Path(name)).pixels != exr).any(), name
    assert "No face" in capsys.readouterr().out


def test_the_readme_s_python_runs(working_folder: Path) -> None:
    names = run("README.md")
    with Image.open("frame.png") as before, Image.open("smile.png") as after:
        assert before.size == after.size == names["happy"].size
        assert before.tobytes() != after.tobytes()


def test_the_contract_s_python_does_what_its_formula_says(tmp_path: Path) -> None:
    change = run("docs/model_contract.md")["change"]
    model = write_motion_model(
        tmp_path / "m.onnx", motion=(4 / SIDE_PX, 0), gain=-0.5, cover=0.25, paint=0.5
    )
    session = onnxruntime.InferenceSession(str(model))
    crop = np.random.default_rng(1).random((3, SIDE_PX, SIDE_PX)).astype(np.float32)
    answer = change(session, crop, {"neutral": 1.0})
    moved = np.concatenate([crop[:, :, 4:], *[crop[:, :, -1:]] * 4], axis=2).astype(float)
    light = 0.75 * _linear(moved) * np.exp(-0.5) + 0.25 * _linear(np.array(0.5))
    np.testing.assert_allclose(_linear(answer), light, atol=1e-5)
    np.testing.assert_allclose(change(session, crop, {"jawOpen": 1.0}), crop, atol=1e-5)


def _linear(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def test_the_contract_page_names_what_a_model_has(tmp_path: Path) -> None:
    """The C# code cannot be compiled here, so that its names are compared with a real file's."""
    session = onnxruntime.InferenceSession(str(write_motion_model(tmp_path / "m.onnx")))
    [code] = blocks_of(ROOT / "docs/model_contract.md", "csharp")
    tensors = [one.name for one in (*session.get_inputs(), *session.get_outputs())]
    card = session.get_modelmeta().custom_metadata_map["reggan_plugin.card"]
    for name in (*tensors, "reggan_plugin.card", "contract", "controls", "image_size_px"):
        assert f'"{name}"' in code, name
    assert '"contract": 2' in card
    assert len(CONTROLS) == 52
