"""`reggan-plugin texture` takes the arguments that are built."""

from pathlib import Path

import pytest

from blender_addon.bridge.command_line import FRONTS, MapOnHead, flat_arguments, texture_arguments
from blender_addon.bridge.expression_blend import PanelRequest
from reggan_plugin.commands.texture import texture


def taken(arguments: list[str]) -> dict[str, object]:
    """What click makes of the command line."""
    name, *rest = arguments
    assert name == "texture"
    params: dict[str, object] = texture.make_context(name, rest).params
    return params


def test_every_setting_of_a_worn_map_reaches_its_option(tmp_path: Path) -> None:
    mesh = tmp_path / "Kopf ß.glb"
    mesh.touch()
    on_head = MapOnHead(mesh=mesh, material="-Häut 1", front="-X", head_bone="--Kopf")
    options = taken(
        texture_arguments(
            tmp_path / "a b.<UDIM>.png",
            on_head.arguments(),
            asked=(
                PanelRequest(blend="happy", shapes={"jawOpen": 0.5}, intensity=0.25),
                PanelRequest(blend="sad:0.5+angry", intensity=0.25),
            ),
            model=["--model", "sargan", "--device", "cpu"],
            force=True,
            out=tmp_path / "{expression}.<UDIM>.png",
            sheet=tmp_path / "sheet.png",
        )
    )
    assert (options["mesh"], options["texture"]) == (mesh, tmp_path / "a b.<UDIM>.png")
    assert (options["material"], options["head_bone"]) == ("-Häut 1", "--Kopf")
    assert (options["front"], options["flat"]) == ("-X", False)
    assert options["expressions"] == ("happy", "sad:0.5+angry")
    assert options["shapes"] == ("jawOpen=0.500",)
    assert (options["intensity"], options["force"], options["as_json"]) == (0.25, True, True)
    assert (options["model"], options["device"]) == ("sargan", "cpu")
    assert options["out"] == str(tmp_path / "{expression}.<UDIM>.png")
    assert options["sheet"] == tmp_path / "sheet.png"


@pytest.mark.parametrize("box", [None, (-3.5, 20.25, 300.0, 1e3)])
def test_a_flat_map_needs_no_mesh(box: tuple[float, float, float, float] | None) -> None:
    asked = (PanelRequest(blend="sad"),)
    options = taken(texture_arguments(Path("x.png"), flat_arguments(box), asked=asked))
    assert (options["flat"], options["mesh"], options["face_box"]) == (True, None, box)


def test_every_front_is_one_of_the_commands() -> None:
    (option,) = (parameter for parameter in texture.params if parameter.name == "front")
    assert set(FRONTS.values()) == set(option.type.choices)  # type: ignore[attr-defined]
