"""The Python code of the pages runs, and does what its page says."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import reggan_plugin
from reggan_plugin import ExpressionTransfer
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.models.model_card import find_model
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.template_fit import fit, template

from ..sample_frames import SAMPLES
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
    assert "No human-like face" in capsys.readouterr().out


def test_the_readme_s_python_runs(working_folder: Path) -> None:
    names = run("README.md")
    with Image.open("frame.png") as before, Image.open("smile.png") as after:
        assert before.size == after.size == names["happy"].size
        assert before.tobytes() != after.tobytes()


def test_the_contract_s_python_lays_the_template_where_the_program_does() -> None:
    moved = run("docs/model_contract.md")["moved"]
    transfer = ExpressionTransfer(device="cpu")
    frame = read_frame(SAMPLES / "avatar_png" / "avatar.1001.png")
    (place,) = transfer.find_faces(frame, FaceChoice())
    crop = np.clip(cut_crop(frame.pixels, place), 0, 1).astype(np.float32)
    session = onnxruntime.InferenceSession(str(find_model()))
    with np.load(Path(reggan_plugin.__file__).parent / "rig" / "template.npz") as arrays:
        before, after = moved(session, crop.transpose(2, 0, 1), arrays, {"jawOpen": 0.5})
    assert isinstance(transfer._source, RigSource)
    found = transfer._source.landmarks(crop)
    laid = fit(template(), found.places, found.sigma)
    eye, is_face = laid.map.eye, template().keep > 0.5
    change = template().displacement({"jawOpen": 0.5})
    still = np.zeros(len(change), np.float32)
    for found_here, moved_by in ((before, 0 * change), (after, change)):
        wanted = laid.moved(template().rest, moved_by, still)[:, :2]
        apart = np.linalg.norm(found_here - wanted, axis=1) / eye
        assert apart[is_face].mean() < 0.001
        assert apart[is_face].max() < 0.02  # closed lips are two lines there, one here
    assert np.linalg.norm(after - before, axis=1).max() > 0.1 * eye
