"""The runtime's own commands take the arguments that are built."""

from pathlib import Path

import click
import pytest

from blender_addon.bridge.command_line import (
    FaceSettings,
    refuse_native_code,
    render_arguments,
    sheet_arguments,
    track_arguments,
)
from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.expression_blend import PanelRequest, fit_arguments
from blender_addon.bridge.vocabulary import FIT_WORDS
from reggan_plugin.commands.render import render
from reggan_plugin.commands.sheet import sheet
from reggan_plugin.commands.track import track
from reggan_plugin.curves.retargeting import GROUPS

COMMANDS = {"render": render, "sheet": sheet, "track": track}


def taken(arguments: list[str]) -> dict[str, object]:
    """What click makes of a command line."""
    name, *rest = arguments
    context: click.Context = COMMANDS[name].make_context(name, rest)
    return context.params


def test_every_setting_of_a_render_reaches_its_option(tmp_path: Path) -> None:
    tracks, curve = tmp_path / "tracks é.json", tmp_path / "a curve.csv"
    rig = tmp_path / "hero ü.glb"
    for file in (tracks, curve, rig):
        file.touch()
    arguments = render_arguments(
        "/shots/a b/x.####.exr",
        PanelRequest(blend="happy", curve=curve, adds=True),
        frame_range="-5-10x2",
        face=FaceSettings(choice="2", tracks=tracks),
        model=["--model", "sargan", "--device", "cpu", "--rig", str(rig)],
        out=tmp_path / "öut",
        existing="overwrite",
        with_mask=True,
    )
    options = taken(arguments)
    assert options["source"] == "/shots/a b/x.####.exr"
    assert options["frame_range"] == "-5-10x2"
    assert (options["expressions"], options["intensity_curve"]) == ((), curve)
    assert (options["tracks"], options["model"], options["device"]) == (tracks, "sargan", "cpu")
    assert options["rig"] == rig
    assert options["asked_out"] == str(tmp_path / "öut")
    assert options["adds"] is True
    assert (options["overwrite"], options["resume"], options["as_json"]) == (True, False, True)


def test_shapes_presets_and_takes_reach_their_options(tmp_path: Path) -> None:
    presets, take = tmp_path / "own ä.toml", tmp_path / "a take.csv"
    presets.touch()
    take.touch()
    shapes = PanelRequest(blend="smirk", shapes={"jawOpen": 0.4, "mouthLeft": 1}, presets=presets)
    options = taken(render_arguments("x", shapes))
    assert options["shapes"] == ("jawOpen=0.400", "mouthLeft=1.000")
    assert (options["expressions"], options["presets"]) == (("smirk",), presets)
    recorded = PanelRequest(
        take=take,
        take_options=fit_arguments([("brows", 1.4, 0), ("jawOpen", 0.8, -0.02)], 0.5),
        intensity=0.5,
    )
    options = taken(render_arguments("x", recorded))
    assert (options["curves"], options["intensity"]) == (take, 0.5)
    assert options["curves_gain"] == ("brows=1.4,0", "jawOpen=0.8,-0.02")
    assert (options["curves_asymmetry"], fit_arguments([], 1.0)) == (0.5, [])
    assert set(FIT_WORDS) == set(GROUPS)
    assert (shapes.label, recorded.label) == ("smirk", "a take")
    assert PanelRequest(shapes={"jawOpen": 1}).label == "shapes"
    assert PanelRequest(blend="Happily surprised:0.6 + blink").label == "happily_surprised_blink"


def test_what_is_left_open_is_left_to_the_runtime() -> None:
    asked = PanelRequest(blend="sad:0.5+angry", intensity=0.25)
    assert render_arguments("x", asked) == [
        *("render", "--frames", "x", "--expression", "sad:0.5+angry", "--intensity", "0.250"),
        *("--face", "largest", "--jobs", "1", "--json"),
    ]


def test_track_and_sheet_take_theirs(tmp_path: Path) -> None:
    frame = tmp_path / "frame.png"
    frame.touch()
    assert taken(track_arguments("x", tmp_path / "t.json"))["out"] == tmp_path / "t.json"
    model = ["--device", "cpu"]
    options = taken(sheet_arguments(frame, tmp_path / "s.png", FaceSettings(choice="all"), model))
    assert (options["frame"], options["out"]) == (frame, tmp_path / "s.png")
    presets = tmp_path / "own.toml"
    presets.touch()
    arguments = sheet_arguments(
        frame, tmp_path / "s.png", FaceSettings(), model, presets=presets, small=True, for_view=True
    )
    options = taken(arguments)
    assert (options["presets"], options["small"], options["for_view"]) == (presets, True, True)


@pytest.mark.parametrize(
    "model", ["//own.plan", "own.PLAN", "C:\\x\\own.plan", "/a/b.engine", "//lib.so", "/a/b"]
)
def test_a_blend_names_no_native_code(model: str) -> None:
    with pytest.raises(BridgeError, match="native code"):
        refuse_native_code(model)


@pytest.mark.parametrize("model", ["", "reggan", "//own.onnx", "C:\\x\\own.ONNX", "own.onnx"])
def test_a_blend_names_models(model: str) -> None:
    refuse_native_code(model)
