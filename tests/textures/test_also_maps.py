"""A normal or roughness map of the same texels moves along with the colours, and nothing more."""

import contextlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from reggan_plugin.cli import main

from ..motion_models import write_motion_model
from .conftest import MadeHead, write_obj


@pytest.fixture
def folder(head: MadeHead, tmp_path: Path) -> Path:
    """A head with its colours, the same picture as data, and a grey map of 16 bits."""
    write_obj(tmp_path / "head.obj", head)
    Image.fromarray(head.picture).save(tmp_path / "base_color.png")
    Image.fromarray(head.picture).save(tmp_path / "normal.png")
    deep = np.random.default_rng(2).integers(0, 65535, head.picture.shape[:2], dtype=np.uint16)
    (tmp_path / "roughness.png").write_bytes(imagecodecs.png_encode(deep))
    return tmp_path


def run(folder: Path, *more: str, gain: float = 0.0, status: int = 0) -> None:
    model = write_motion_model(folder / "model.onnx", motion=(0.013, 0.021), gain=gain)
    words = ["texture", "--mesh", folder / "head.obj", "--texture", folder / "base_color.png"]
    words += ["--model", model, "--expression", "happy", *more]
    assert main([str(word) for word in words]) == status


def levels(path: Path) -> np.ndarray:
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def test_maps_move_as_the_colours_do_and_take_no_light(folder: Path) -> None:
    also = [str(folder / name) for name in ("normal.png", "roughness.png")]
    run(folder, "--also", also[0], "--also", also[1])
    before, colours = levels(folder / "base_color.png"), levels(folder / "base_color_happy.png")
    normal = levels(folder / "normal_happy.png")
    moved = (colours != before).any(axis=2)
    assert moved.mean() > 0.02
    assert np.array_equal(normal, colours)
    rough, rough_before = levels(folder / "roughness_happy.png"), levels(folder / "roughness.png")
    assert rough.dtype == np.uint16
    assert rough.shape == rough_before.shape
    assert (rough != rough_before)[moved].mean() > 0.9
    rows, columns = (np.flatnonzero(moved.any(axis=axis)) for axis in (1, 0))
    beside = np.ones_like(moved)  # colours that are alike hide that they moved, as at the rim
    top, left = (max(int(first[0]) - 70, 0) for first in (rows, columns))
    beside[top : rows[-1] + 70, left : columns[-1] + 70] = False
    assert beside.mean() > 0.01  # a rig moves the skin down to the neck
    assert np.array_equal(rough[beside], rough_before[beside])
    run(folder, "--also", also[0], "--overwrite", gain=0.3)
    lit, unlit = levels(folder / "base_color_happy.png"), levels(folder / "normal_happy.png")
    assert np.abs(lit.astype(int) - colours).mean() > 1
    assert np.abs(unlit.astype(int) - normal).mean() < 0.2  # the rim of the change reaches further
    run(folder, "--also", also[0], "--resume", gain=0.3)


def test_what_cannot_move_along_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    also = ["--also", str(folder / "normal.png")]
    (folder / "normal_happy.png").write_bytes(b"mine")
    run(folder, *also, status=1)
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "normal_happy.png").read_bytes() == b"mine"
    words = ["texture", "--flat", "--texture", str(folder / "base_color.png"), *also]
    assert main([*words, "--expression", "happy"]) == 2
    assert "--flat has none" in capsys.readouterr().err
    words = ["texture", "--mesh", str(folder / "head.obj"), *words[2:], "--overwrite"]
    assert main([*words, "--expression", "happy", "--model", "sargan"]) == 2
    assert "Leave out --also" in capsys.readouterr().err


def test_that_a_mesh_keeps_its_further_maps_is_said(
    folder: Path, head_glb: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_motion_model(folder / "model.onnx", motion=(0.013, 0.021), gain=0.0)
    words = ["texture", head_glb, "--also", folder / "normal.png", "--model", model]
    words += ["--expression", "happy", "--out-mesh", folder / "happy.glb"]
    assert main(list(map(str, words))) == 0
    assert "normal.png move in files of their own" in capsys.readouterr().err


def test_numbers_outside_0_to_1_are_refused_before_a_map_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(folder / "height.tif", np.full((64, 64), 2.5, np.float32))
    run(folder, "--also", str(folder / "height.tif"), status=1)
    assert "outside 0 to 1" in capsys.readouterr().err
    assert not list(folder.glob("*_happy*"))


def test_two_further_maps_of_one_name_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["texture", "head.obj", "--texture", "a.png", "--also", "n.png", "--also", "s/n.png"]
    (tmp_path / "s").mkdir()
    for name in ("a.png", "n.png", "s/n.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "head.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with contextlib.chdir(tmp_path):
        assert main([*words, "-e", "happy", "--out", "r/"]) == 2
    assert "would both become r/n_happy.png" in capsys.readouterr().err


def test_further_maps_lie_beside_the_map_where_folders_are_named_by_the_expression(
    folder: Path,
) -> None:
    out = folder / "new" / "{expression}" / "skin.png"
    run(folder, "--also", str(folder / "normal.png"), "--out", str(out))
    made = {path.relative_to(folder).as_posix() for path in (folder / "new").rglob("*.png")}
    assert made == {"new/happy/skin.png", "new/happy/normal_happy.png"}
    run(folder, "--out", f"{folder}/maps/{{expression}}/")
    assert [path.name for path in (folder / "maps").iterdir()] == ["happy"]
    assert (folder / "maps" / "happy" / "base_color_happy.png").is_file()


def test_a_tile_beside_a_set_moves_by_its_own_number(
    folder: Path, head: MadeHead, capsys: pytest.CaptureFixture[str]
) -> None:
    uv = head.uv * [2, 1]
    half = len(uv) // 2
    uv[:half, 0] = np.minimum(uv[:half, 0], 1 - 1e-4)
    write_obj(folder / "head.obj", head, uv=uv)
    middle = head.picture.shape[1] // 2
    for number, part in ((1001, head.picture[:, :middle]), (1002, head.picture[:, middle:])):
        for name in ("face", "normal"):
            Image.fromarray(part).save(folder / f"{name}.{number}.png")
    (folder / "base_color.png").unlink()
    model = write_motion_model(folder / "model.onnx", motion=(0.013, 0.021), gain=0.0)
    words = ["texture", "--mesh", folder / "head.obj", "--texture", folder / "face.<UDIM>.png"]
    words += ["--model", model, "--expression", "happy", "--also"]
    asked = [str(word) for word in words]
    assert main([*asked, str(folder / "roughness.png")]) == 2
    assert "with their numbers in their names: roughness.1001.png" in capsys.readouterr().err
    second = folder / "normal.1002.png"
    assert main([*asked, str(second)]) == 0
    moved = levels(folder / "normal_happy.1002.png")
    assert np.array_equal(moved, levels(folder / "face_happy.1002.png"))
    assert (moved != levels(second)).any()


def test_texels_that_come_from_another_tile_are_its_own(folder: Path, head: MadeHead) -> None:
    write_obj(folder / "head.obj", head, uv=head.uv * [2, 1])
    middle = head.picture.shape[1] // 2
    for number, part in ((1001, head.picture[:, :middle]), (1002, head.picture[:, middle:])):
        Image.fromarray(part).save(folder / f"face.{number}.png")
        level = Image.new("RGB", (middle, len(part)), (128, 128, 250))
        level.save(folder / f"level.{number}.png")
    (folder / "base_color.png").unlink()
    model = write_motion_model(folder / "model.onnx", motion=(0.02, 0.0), gain=0.0)
    words = ["texture", "--mesh", folder / "head.obj", "--texture", folder / "face.<UDIM>.png"]
    words += ["--model", model, "--expression", "happy", "--overwrite"]
    for number in (1001, 1002):
        words += ["--also", folder / f"level.{number}.png"]
    asked = [str(word) for word in words]
    assert main(asked) == 0
    for number in (1001, 1002):
        moved = levels(folder / f"face_happy.{number}.png") != levels(folder / f"face.{number}.png")
        assert moved[:, [0, -1]].any()
        made = levels(folder / f"level_happy.{number}.png")
        assert np.array_equal(made, levels(folder / f"level.{number}.png"))
    (folder / "level.1001.png").unlink()  # a map need not have all tiles: texels from there stay
    assert main([*asked[:-4], *asked[-2:]]) == 0
    made = levels(folder / "level_happy.1002.png")
    assert np.array_equal(made, levels(folder / "level.1002.png"))


def test_a_sheet_takes_the_place_of_no_map(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "a.png"
    run(folder, "--out", str(out))
    made = out.read_bytes()
    run(folder, "--out", str(out), "--sheet", str(out), "--resume", status=2)
    assert f"Two outputs would both be {out}" in capsys.readouterr().err
    assert out.read_bytes() == made
