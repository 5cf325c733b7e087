"""Compositions of Nuke and Fusion give the result again, at half intensity, and under a mask.

That of Blender is asked of Blender itself: tests/blender/test_layers_in_compositor.py.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.comp import blender_layers_group
from reggan_plugin.comp.shot_and_layers import LAYERS_IN_USE
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear

from ..files.exr_files import channels
from ..layered_shots import planes, render, smile
from ..sample_frames import SAMPLES
from .programs import FusionComp, NukeScript

FACE = ("--face-box", "40,40,200,200", "--exposure", "0")
AROUND_FACE = slice(140, 420), slice(500, 780)
PROGRAMS = ("nuke", "fusion")
Compose = Callable[[float, Any], np.ndarray]


@pytest.fixture(params=["exr", "png"])
def shot(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two frames, and the layers of their change in `layers`."""
    kind = request.param
    (tmp_path / "shot").mkdir()
    for number in (1001, 1002):
        source = SAMPLES / f"avatar_{kind}" / f"avatar.{number}.{kind}"
        target = tmp_path / "shot" / source.name
        if kind == "png":
            levels = imagecodecs.png_decode(source.read_bytes())[AROUND_FACE]
            target.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(levels)))
        else:
            planes = channels(source)
            cut = {name: np.ascontiguousarray(planes[name][AROUND_FACE]) for name in "RGBA"}
            OpenEXR.File({}, cut).write(str(target))
    return tmp_path / "shot"


def rendered(shot: Path, model: Path, *more: str, out: str) -> np.ndarray:
    """The first frame in linear light, premultiplied if the source is."""
    render(shot, model, *FACE, *more, out=out)
    frame = read_frame(next((shot.parent / out).glob("*.1001.*")))
    return frame.pixels if frame.alpha_is_premultiplied else linear_from_srgb(frame.pixels)


def composition(program: str, shot: Path, layers: Path) -> Compose:
    """Write it, and be ready to put it together."""
    suffix = {"nuke": ".nk", "fusion": ".comp", "blender": ".py"}[program]
    out = shot.parent / f"comp{suffix}"
    words = ["comp", "--for", program, "--frames", shot, "--layers", layers, "--out", out]
    assert main([*map(str, words)]) == 0
    text = out.read_text(encoding="utf-8")
    if program == "nuke":
        return lambda intensity, mask: _of_nuke(NukeScript(text, 1001), intensity, mask)
    if program == "blender":
        compile(text, str(out), "exec")
    return lambda intensity, mask: _of_fusion(FusionComp(text), intensity, mask)


def _of_nuke(script: NukeScript, intensity: float, mask: Any) -> np.ndarray:
    script.intensity = intensity
    return (script if mask is None else script.with_mask(mask)).picture("Result")[..., :3]


def _of_fusion(comp: FusionComp, intensity: float, mask: Any) -> np.ndarray:
    comp.intensity = intensity
    comp.mask = None if mask is None else np.repeat(mask[..., None], 4, axis=2)
    return comp.picture("Result")[..., :3]


def off(ours: np.ndarray, theirs: np.ndarray, shot: Path) -> np.ndarray:
    """Differences in levels of display-encoded values; those of rounded files left out."""
    rounding = 0.5 if any(path.suffix == ".png" for path in shot.iterdir()) else 0.0
    difference = 255 * np.abs(srgb_from_linear(ours) - srgb_from_linear(theirs)).max(axis=2)
    return np.maximum(difference - rounding, 0)


def test_the_composition_is_the_result(shot: Path, tmp_path: Path) -> None:
    layers, model = tmp_path / "layers", smile(tmp_path / "smile.onnx")
    full = rendered(shot, model, "--layers-out", str(layers), out="full")
    half = rendered(shot, model, "--intensity", "0.5", out="half")
    before = rendered(shot, model, "--intensity", "0", out="none")
    mask = np.zeros(full.shape[:2], np.float32)
    mask[:, :140] = 1.0
    changed = np.abs(full - before).max(axis=2) > 0
    bare = planes(layers / "paint" / "avatar.1001.exr")[..., 3] == 0
    for program in PROGRAMS:
        compose = composition(program, shot, layers)
        difference = off(full, compose(1.0, None), shot)[changed]
        assert (difference < 0.5).mean() > 0.99, program
        assert difference.mean() < 0.1, program
        again = off(half, compose(0.5, None), shot)[changed & bare]
        assert (again < 0.5).mean() > 0.85, program
        assert again.mean() < 0.5, program
        masked = compose(1.0, mask)
        assert off(before, masked, shot)[:, 140:].max() < 0.5, program
        assert (off(full, masked, shot)[:, :140][changed[:, :140]] < 0.5).mean() > 0.99, program
        assert off(before, compose(0.0, None), shot)[changed].mean() < 0.1, program


def test_programs_share_a_still_and_what_was_not_run_says_so(shot: Path, tmp_path: Path) -> None:
    layers, model = tmp_path / "layers", smile(tmp_path / "smile.onnx")
    render(shot, model, *FACE, "--layers-out", str(layers))
    for program in ("nuke", "fusion", "blender"):
        composition(program, shot, layers)
    (tmp_path / "comp.py").unlink()
    (tmp_path / "comp_still.exr").write_bytes(b"another's")
    with pytest.raises(AssertionError):
        composition("blender", shot, layers)
    (tmp_path / "comp_still.exr").unlink()
    composition("blender", shot, layers)
    first_lines = {
        name: (tmp_path / name).read_text().splitlines()[0]
        for name in ("comp.nk", "comp.comp", "comp.py")
    }
    assert "not run in the program itself" in first_lines["comp.nk"]
    assert "not run in the program itself" in first_lines["comp.comp"]
    assert "run it in Blender 4.2 to 5.2" in first_lines["comp.py"]
    script = (tmp_path / "comp.nk").read_text()
    assert ".%04d.exr" in script
    assert "first 1001" in script
    assert "last 1002" in script


def test_missing_layers_and_files_that_exist_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "shot" / "a.1001.png"
    source.parent.mkdir()
    shutil.copy(SAMPLES / "avatar_png" / "avatar.1001.png", source)
    (tmp_path / "layers").mkdir()
    words = ["comp", "--for", "nuke", "--frames", str(source), "--layers", str(tmp_path / "layers")]
    assert main([*words, "--out", str(tmp_path / "a.nk")]) == 1
    assert "`reggan-plugin render --layers-out DIR` writes it" in capsys.readouterr().err
    model = smile(tmp_path / "smile.onnx")
    render(source, model, *FACE, "--layers-out", str(tmp_path / "layers"))
    assert main([*words, "--out", str(tmp_path / "a.comp"), "--overwrite"]) == 2
    assert "Let it end in .nk" in capsys.readouterr().err
    (tmp_path / "a.nk").write_text("mine")
    assert main([*words, "--out", str(tmp_path / "a.nk")]) == 1
    assert (tmp_path / "a.nk").read_text() == "mine"
    assert "--overwrite" in capsys.readouterr().err
    gain = tmp_path / "layers" / "gain" / "a.1001.exr"
    sound = gain.read_bytes()
    gain.write_bytes(sound[: len(sound) // 2])
    assert main([*words, "--out", str(tmp_path / "b.nk")]) == 1
    assert str(gain) in capsys.readouterr().err
    gain.write_bytes(sound)
    shutil.copy(source, source.with_name("a.1002.png"))
    whole = ["comp", str(source.parent), *words[1:3], *words[5:], "--out", str(tmp_path / "b.nk")]
    assert main(whole) == 1
    assert "3 of 6 files of the layers are missing" in capsys.readouterr().err
    Image.open(source).resize((64, 36)).save(source)
    assert main([*words, "--out", str(tmp_path / "b.nk")]) == 1
    assert "a.1001.exr is 1280x720, but the frame a.1001.png is 64x36" in capsys.readouterr().err


def test_the_number_of_a_frame_is_what_tells_frames_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot, layers = tmp_path / "shot", tmp_path / "layers"
    stems = [f"s.{number:04d}.v0008" for number in (8, 9, 12)]
    pixels = np.zeros((8, 8, 3), np.float32)
    for folder, suffix in ((shot, "png"), *((layers / one, "exr") for one in LAYERS_IN_USE)):
        folder.mkdir(parents=True)
        for stem in stems:
            path = folder / f"{stem}.{suffix}"
            if suffix == "png":
                Image.new("RGB", (8, 8)).save(path)
            else:
                OpenEXR.File({}, {"RGB": pixels}).write(str(path))
    words = ["comp", "--layers", str(layers), "--out", str(tmp_path / "a.nk"), "--for", "nuke"]
    assert main([*words, str(shot / "s.####.v0008.png")]) == 0
    script = (tmp_path / "a.nk").read_text()
    assert f'file "{shot}/s.%04d.v0008.png"' in script
    assert f'file "{layers}/gain/s.%04d.v0008.exr"' in script
    assert "Note: 2 frames are missing and left out: 10, 11." in capsys.readouterr().err
    shutil.copy(shot / f"{stems[0]}.png", shot / "loose.png")
    for one in LAYERS_IN_USE:
        shutil.copy(layers / one / f"{stems[0]}.exr", layers / one / "loose.exr")
    assert main([*words, "--overwrite", str(shot)]) == 2
    assert "loose.png in" in capsys.readouterr().err
    assert (tmp_path / "a.nk").read_text() == script


def test_the_blender_script_loads_nothing_of_blender_here() -> None:
    assert blender_layers_group.SHOT == {}
