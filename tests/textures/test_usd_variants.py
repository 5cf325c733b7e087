"""Maps become variants of a USD material: opened and switched by USD itself."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.textures.read_mesh import load_mesh

from ..motion_models import write_motion_model
from .conftest import MadeHead

pxr = pytest.importorskip("pxr")
pytest.importorskip("pxr.UsdShade")
pytest.importorskip("pxr.Usd")

LOOKS = """
def Scope "Looks" {{
    def Material "Skin" {{
        token outputs:surface.connect = </Looks/Skin/Surface.outputs:surface>
        def Shader "Surface" {{
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor{colour}
            token outputs:surface
        }}
        def Shader "Colour" {{
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @./skin.png@
            color3f outputs:rgb
        }}
    }}
}}
"""
CONNECTED = ".connect = </Looks/Skin/Colour.outputs:rgb>"


def write_head(folder: Path, head: MadeHead, colour: str = CONNECTED) -> Path:
    points = ", ".join(f"({x:.6f}, {-z:.6f}, {y:.6f})" for x, y, z in head.positions)
    st = ", ".join(f"({u:.7f}, {v:.7f})" for u, v in head.uv)
    order = ", ".join(str(i) for i in head.faces.ravel())
    folder.mkdir()
    Image.fromarray(head.picture).save(folder / "skin.png")
    text = f"""#usda 1.0
(
    defaultPrim = "Head"
    metersPerUnit = 0.01
    upAxis = "Z"
)
def Mesh "Head" (prepend apiSchemas = ["MaterialBindingAPI"]) {{
    int[] faceVertexCounts = [{", ".join(["3"] * len(head.faces))}]
    int[] faceVertexIndices = [{order}]
    point3f[] points = [{points}]
    texCoord2f[] primvars:st = [{st}] (interpolation = "vertex")
    rel material:binding = </Looks/Skin>
}}
"""
    path = folder / "head.usda"
    path.write_text(text + LOOKS.format(colour=colour))
    return path


def run(mesh: Path, out: Path, folder: Path, *more: str) -> int:
    model = write_motion_model(folder / "model.onnx", motion=(0.02, 0.01), gain=0.2)
    words = ["texture", "--mesh", mesh, "--texture", mesh.parent / "skin.png", "--model", model]
    words += ["--out-mesh", out, *more]
    return main([str(word) for word in words])


def test_every_expression_is_a_variant(head: MadeHead, tmp_path: Path) -> None:
    mesh = write_head(tmp_path / "cast", head)
    before = mesh.read_bytes()
    out = tmp_path / "looks" / "variants.usda"
    out.parent.mkdir()
    maps = tmp_path / "maps_{expression}.png"
    assert run(mesh, out, tmp_path, "--expression", "happy", "--expression", "sad",
               "--out", str(maps)) == 0  # fmt: skip
    assert mesh.read_bytes() == before
    stage = pxr.Usd.Stage.Open(str(out))
    assert pxr.UsdGeom.GetStageUpAxis(stage) == "Z"
    assert pxr.UsdGeom.GetStageMetersPerUnit(stage) == 0.01
    assert stage.GetDefaultPrim().GetPath() == "/Head"
    choices = stage.GetPrimAtPath("/Looks/Skin").GetVariantSets().GetVariantSet("expression")
    assert set(choices.GetVariantNames()) == {"unchanged", "happy", "sad"}
    shown = {}
    for name in choices.GetVariantNames():
        choices.SetVariantSelection(name)
        file = stage.GetPrimAtPath("/Looks/Skin/Colour").GetAttribute("inputs:file").Get()
        shown[name] = Path(file.resolvedPath)
    assert shown["unchanged"].samefile(tmp_path / "cast" / "skin.png")
    for name in ("happy", "sad"):
        assert shown[name].samefile(tmp_path / f"maps_{name}.png")
        levels = np.asarray(Image.open(shown[name]))
        assert (levels != head.picture).any()
    again = pxr.Usd.Stage.Open(str(out))
    mesh_points = pxr.UsdGeom.Mesh(again.GetPrimAtPath("/Head")).GetPointsAttr().Get()
    assert len(mesh_points) == len(head.positions)
    chosen = again.GetPrimAtPath("/Looks/Skin").GetVariantSet("expression").GetVariantSelection()
    assert chosen == "unchanged"


def test_one_expression_is_a_variant_too_and_a_layer_is_read_again(
    head: MadeHead, tmp_path: Path
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    out = tmp_path / "cast" / "variants.usda"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 0
    assert "@./skin.png@" in out.read_text()
    assert "@./skin_happy.png@" in out.read_text()
    assert load_mesh(out).character.parts[0].material.name == "Skin"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 1  # it exists
    assert run(mesh, out, tmp_path, "--expression", "happy", "--resume") == 0


@pytest.mark.parametrize(
    ("colour", "out", "more", "said"),
    [
        (" = (1, 0, 0)", "v.usda", (), "comes from no texture file inside it"),
        (CONNECTED, "v.usdz", (), "Let it end in .usda or .usd"),
        (CONNECTED, "v.usda", ("--mesh-as", "replace"), "become variants of its material"),
        (CONNECTED, "v.glb", (), "of the mesh's own kind"),
    ],
)
def test_what_usd_cannot_take_is_said(
    colour: str, out: str, more: tuple[str, ...], said: str, head: MadeHead, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    mesh = write_head(tmp_path / "cast", head, colour)
    assert run(mesh, tmp_path / out, tmp_path, "--expression", "happy", *more) in (1, 2)
    assert said in capsys.readouterr().err
    assert not (tmp_path / out).exists()
    assert not list(tmp_path.rglob("*_happy.*")), "it is said before the work"
