"""Maps of USD materials, and variants that they become: opened and switched by USD itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.errors import MeshError
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.usd_character import files_of_usd

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


def test_a_map_is_read_and_laid_as_the_material_says(head: MadeHead, tmp_path: Path) -> None:
    mesh = write_head(tmp_path / "cast", head)
    (plain,) = load_mesh(mesh).character.parts
    assert plain.material.image == tmp_path / "cast" / "skin.png"
    stage = pxr.Usd.Stage.Open(str(mesh))
    nodes = {}
    for name, kind in (("Colour", "UsdUVTexture"), ("Move", "UsdTransform2d")):
        nodes[name] = pxr.UsdShade.Shader.Define(stage, f"/Looks/Skin/{name}")
        nodes[name].CreateIdAttr(kind)
    reader = pxr.UsdShade.Shader.Define(stage, "/Looks/Skin/Reader")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    types = pxr.Sdf.ValueTypeNames
    reader.CreateInput("varname", types.String).Set("second")
    nodes["Move"].CreateInput("in", types.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
    nodes["Colour"].CreateInput("st", types.Float2).ConnectToSource(
        nodes["Move"].ConnectableAPI(), "result"
    )
    nodes["Colour"].CreateInput("scale", types.Float4).Set((0.5, 0.5, 0.5, 1.0))
    nodes["Move"].CreateInput("scale", types.Float2).Set((1.0, -1.0))
    nodes["Move"].CreateInput("rotation", types.Float).Set(90.0)
    nodes["Move"].CreateInput("translation", types.Float2).Set((0.0, 1.0))
    turned = [(v - 1.0, u) for u, v in head.uv.tolist()]  # (x, y) is laid at (y, x + 1)
    primvars = pxr.UsdGeom.PrimvarsAPI(stage.GetPrimAtPath("/Head"))
    primvars.CreatePrimvar("second", types.TexCoord2fArray, "vertex").Set(turned)
    stage.GetRootLayer().Save()
    (part,) = load_mesh(mesh).character.parts
    assert part.uv is not None
    assert plain.uv is not None
    np.testing.assert_allclose(part.uv, plain.uv, atol=1e-6)
    assert part.material.colour == (0.5, 0.5, 0.5, 1.0)
    assert not part.material.is_map_mirrored
    primvars.RemovePrimvar("second")
    primvars.CreatePrimvar("second", types.TexCoord2dArray, "vertex").Set(turned)
    nodes["Colour"].CreateInput("wrapS", types.Token).Set("mirror")
    stage.GetRootLayer().Save()
    (again,) = load_mesh(mesh).character.parts
    assert again.uv is not None
    np.testing.assert_allclose(again.uv, part.uv, atol=1e-6)
    assert again.material.is_map_mirrored
    assert files_of_usd(mesh) == [mesh, tmp_path / "cast" / "skin.png"]


@pytest.mark.parametrize("kind", ["ND_geompropvalue_vector2", "ND_place2d_vector2"])
def test_a_map_of_materialx_is_laid_as_its_node_says_or_left_out(
    head: MadeHead, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    stage = pxr.Usd.Stage.Open(str(mesh))
    types, shader = pxr.Sdf.ValueTypeNames, pxr.UsdShade.Shader
    reader = shader.Define(stage, "/Looks/Skin/Reader")
    reader.CreateIdAttr(kind)
    if kind == "ND_geompropvalue_vector2":
        reader.CreateInput("geomprop", types.String).Set("second")
    colour = shader.Define(stage, "/Looks/Skin/Colour")
    colour.CreateIdAttr("ND_image_color3")
    colour.CreateInput("texcoord", types.Float2).ConnectToSource(reader.ConnectableAPI(), "out")
    second = [(1.0 - u, v) for u, v in head.uv.tolist()]
    primvars = pxr.UsdGeom.PrimvarsAPI(stage.GetPrimAtPath("/Head"))
    primvars.CreatePrimvar("second", types.TexCoord2fArray, "vertex").Set(second)
    stage.Save()
    (part,) = load_mesh(mesh).character.parts
    if kind == "ND_place2d_vector2":
        assert part.material.image is None
        assert "laid by a node ND_place2d_vector2, which is not read" in caplog.text
    else:
        assert part.material.image == tmp_path / "cast" / "skin.png"
        np.testing.assert_allclose(part.uv, np.array(second)[head.faces.ravel()], atol=1e-6)


def variants_of(path: Path, look: str = "") -> dict[str, str]:
    """The map that the skin wears by expression, below a look of the character."""
    stage = pxr.Usd.Stage.Open(str(path))
    if look:
        stage.GetPrimAtPath("/Looks").GetVariantSet("look").SetVariantSelection(look)
    choices = stage.GetPrimAtPath("/Looks/Skin").GetVariantSet("expression")
    worn = {}
    for name in choices.GetVariantNames():
        choices.SetVariantSelection(name)
        worn[name] = stage.GetAttributeAtPath("/Looks/Skin/Colour.inputs:file").Get().path
    return worn


def test_looks_of_a_character_go_on_where_its_expression_is_unchanged(
    head: MadeHead, tmp_path: Path
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    shutil.copy(tmp_path / "cast" / "skin.png", tmp_path / "cast" / "dirty.png")
    stage = pxr.Usd.Stage.Open(str(mesh))
    file = stage.GetAttributeAtPath("/Looks/Skin/Colour.inputs:file")
    looks = stage.GetPrimAtPath("/Looks").GetVariantSets().AddVariantSet("look")
    for name in ("dirty", "skin"):
        looks.AddVariant(name)
        looks.SetVariantSelection(name)
        with looks.GetVariantEditContext():
            file.Set(f"./{name}.png")
    file.Clear()
    stage.GetRootLayer().Save()
    out = tmp_path / "cast" / "variants.usda"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 0
    for look in ("dirty", "skin"):
        assert variants_of(out, look) == {"happy": "./skin_happy.png", "unchanged": f"./{look}.png"}


def test_a_map_that_the_materials_interface_names_becomes_variants(
    head: MadeHead, tmp_path: Path
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    stage = pxr.Usd.Stage.Open(str(mesh))
    material = pxr.UsdShade.Material(stage.GetPrimAtPath("/Looks/Skin"))
    named = material.CreateInput("map", pxr.Sdf.ValueTypeNames.Asset)
    named.Set("./skin.png")
    texture = pxr.UsdShade.Shader(stage.GetPrimAtPath("/Looks/Skin/Colour"))
    texture.GetInput("file").ConnectToSource(named)
    stage.GetRootLayer().Save()
    out = tmp_path / "cast" / "variants.usda"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 0
    again = pxr.Usd.Stage.Open(str(out))
    choices = again.GetPrimAtPath("/Looks/Skin").GetVariantSet("expression")
    given = pxr.UsdShade.Shader(again.GetPrimAtPath("/Looks/Skin/Colour")).GetInput("file")
    for name, file in (("happy", "./skin_happy.png"), ("unchanged", "./skin.png")):
        choices.SetVariantSelection(name)
        assert given.GetValueProducingAttributes()[0].Get().path == file


def test_all_networks_and_materials_that_read_the_map_get_the_new_one(
    head: MadeHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    stage, types = pxr.Usd.Stage.Open(str(mesh)), pxr.Sdf.ValueTypeNames
    skin = pxr.UsdShade.Material(stage.GetPrimAtPath("/Looks/Skin"))
    for context, name in (("mtlx", "skin.png"), ("arnold", "skin.tx")):
        surface, image = (
            pxr.UsdShade.Shader.Define(stage, f"/Looks/Skin/{context}{kind}")
            for kind in ("Surface", "Image")
        )
        image.CreateInput("file", types.Asset).Set(f"./{name}")
        colour = surface.CreateInput("base_color", types.Color3f)
        colour.ConnectToSource(image.ConnectableAPI(), "out")
        skin.CreateSurfaceOutput(context).ConnectToSource(surface.ConnectableAPI(), "out")
    layer = stage.GetRootLayer()
    pxr.Sdf.CopySpec(layer, "/Looks/Skin", layer, "/Looks/Neck")
    layer.Save()
    out = tmp_path / "cast" / "variants.usda"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 0
    said = capsys.readouterr().err
    assert "the arnold network of material 'Skin' keeps its looks: it reads skin.tx" in said
    assert "materials 'Skin', 'Neck' read the map" in said
    again = pxr.Usd.Stage.Open(str(out))
    for material in ("Skin", "Neck"):
        choices = again.GetPrimAtPath(f"/Looks/{material}").GetVariantSet("expression")
        for label, name in (("happy", "skin_happy.png"), ("unchanged", "skin.png")):
            choices.SetVariantSelection(label)
            for shader, file in (("Colour", name), ("mtlxImage", name), ("arnoldImage", "skin.tx")):
                found = again.GetAttributeAtPath(f"/Looks/{material}/{shader}.inputs:file").Get()
                assert found.path == f"./{file}"


@pytest.mark.parametrize("purpose", ["full", "preview"])
def test_a_material_that_is_bound_for_one_purpose_alone_is_worn(
    purpose: str, head: MadeHead, tmp_path: Path
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    text = mesh.read_text()
    mesh.write_text(text.replace("material:binding =", f"material:binding:{purpose} ="))
    (part,) = load_mesh(mesh).character.parts
    assert part.material.image == tmp_path / "cast" / "skin.png"


def test_a_map_of_a_class_takes_no_variants(
    head: MadeHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    stage = pxr.Usd.Stage.Open(str(mesh))
    layer = stage.GetRootLayer()
    pxr.Sdf.CopySpec(layer, "/Looks/Skin", layer, "/_class_skin")
    stage.GetPrimAtPath("/_class_skin").SetSpecifier(pxr.Sdf.SpecifierClass)
    stage.RemovePrim("/Looks/Skin")
    stage.DefinePrim("/Looks/Skin", "Material").GetInherits().AddInherit("/_class_skin")
    layer.Save()
    out = tmp_path / "variants.usda"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 2
    assert "comes from a class that it inherits" in capsys.readouterr().err
    assert not out.exists()


def test_tiles_that_the_mesh_names_keep_names_of_their_own(
    head: MadeHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    folder = mesh.parent
    for number in (1001, 1002):
        shutil.copy(folder / "skin.png", folder / f"skin.{number}.png")
    mesh.write_text(mesh.read_text().replace("./skin.png", "./skin.<UDIM>.png"))
    model = write_motion_model(tmp_path / "model.onnx", motion=(0.02, 0.01), gain=0.2)
    words = ["texture", str(mesh), "-e", "happy", "--model", str(model)]
    assert main([*words, "--out", str(tmp_path / "a.png")]) == 2
    assert "Put <UDIM> into it" in capsys.readouterr().err
    out = folder / "variants.usda"
    assert main([*words, "--out-mesh", str(out)]) == 0
    made = [folder / f"head_happy.{number}.png" for number in (1001, 1002)]
    assert all(path.exists() for path in made)
    assert variants_of(out)["happy"] == "./head_happy.<UDIM>.png"
    assert main(words) == 1
    assert "exist" in capsys.readouterr().err
    Image.new("RGB", (8, 8), "red").save(made[1])
    assert main([*words, "--resume"]) == 1
    assert "head_happy.1002.png was changed since" in capsys.readouterr().err


def test_tiles_are_named_from_the_folder_of_the_new_file(head: MadeHead, tmp_path: Path) -> None:
    mesh = write_head(tmp_path / "cast", head)
    for name in ("skin", "bumps"):
        shutil.copy(mesh.parent / "skin.png", mesh.parent / f"{name}.1001.png")
    mesh.write_text(mesh.read_text().replace("./skin.png", "skin.<UDIM>.png"))
    stage = pxr.Usd.Stage.Open(str(mesh))
    bumps = pxr.UsdShade.Shader.Define(stage, "/Looks/Skin/Bumps")
    bumps.CreateInput("file", pxr.Sdf.ValueTypeNames.Asset).Set("bumps.<UDIM>.png")
    stage.GetRootLayer().Save()
    assert files_of_usd(mesh) == [
        mesh,
        *(mesh.parent / f"{name}.1001.png" for name in ("bumps", "skin")),
    ]
    out = tmp_path / "looks" / "variants.usda"
    out.parent.mkdir()
    model = write_motion_model(tmp_path / "model.onnx", motion=(0.02, 0.01), gain=0.2)
    words = ["texture", mesh, "-e", "happy", "--model", model, "--out-mesh", out]
    assert main([*map(str, words), "--out", str(out.with_name("happy.<UDIM>.png"))]) == 0
    assert variants_of(out) == {
        "happy": "./happy.<UDIM>.png",
        "unchanged": "../cast/skin.<UDIM>.png",
    }
    stage = pxr.Usd.Stage.Open(str(out))
    file = stage.GetAttributeAtPath("/Looks/Skin/Bumps.inputs:file")
    assert file.Get().path == "../cast/bumps.<UDIM>.png"


def test_a_variant_set_of_the_artists_stays(
    head: MadeHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    shutil.copy(mesh.parent / "skin.png", mesh.parent / "tired.png")
    stage = pxr.Usd.Stage.Open(str(mesh))
    file = stage.GetAttributeAtPath("/Looks/Skin/Colour.inputs:file")
    own = stage.GetPrimAtPath("/Looks/Skin").GetVariantSet("expression")
    for name in ("tired", "skin"):
        own.AddVariant(name)
        own.SetVariantSelection(name)
        with own.GetVariantEditContext():
            file.Set(f"./{name}.png")
    file.Clear()
    stage.GetRootLayer().Save()
    out = tmp_path / "cast" / "variants.usda"
    assert run(mesh, out, tmp_path, "--expression", "happy") == 0
    assert "the maps are in the set 'expressionTexture'" in capsys.readouterr().err
    assert variants_of(out) == {"skin": "./skin.png", "tired": "./tired.png"}
    stage = pxr.Usd.Stage.Open(str(out))
    assert stage.GetAttributeAtPath(file.GetPath()).Get().path == "./skin.png"
    made = stage.GetPrimAtPath("/Looks/Skin").GetVariantSet("expressionTexture")
    assert made.GetVariantSelection() == "unchanged"
    made.SetVariantSelection("happy")
    assert stage.GetAttributeAtPath(file.GetPath()).Get().path == "./skin_happy.png"
    again = tmp_path / "cast" / "more.usda"
    assert run(out, again, tmp_path, "--expression", "sad") == 0
    stage = pxr.Usd.Stage.Open(str(again))
    sets = stage.GetPrimAtPath("/Looks/Skin").GetVariantSets()
    assert sets.GetNames() == ["expressionTexture", "expression"]
    names = sets.GetVariantSet("expressionTexture").GetVariantNames()
    assert set(names) == {"happy", "sad", "unchanged"}


def test_maps_that_lie_elsewhere_are_left_out(
    head: MadeHead, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mesh = write_head(tmp_path / "cast", head)
    Image.fromarray(head.picture).save(tmp_path / "skin.1001.png")
    (tmp_path / "cast" / "skin.1002.png").symlink_to(tmp_path / "skin.1001.png")
    text = mesh.read_text()
    for name in ("../skin.1001.png", "../skin.<UDIM>.png", "./skin.<UDIM>.png"):
        mesh.write_text(text.replace("./skin.png", name))
        (part,) = load_mesh(mesh).character.parts
        assert part.material.image is None
        assert "leads out of the folder of the mesh" in caplog.text
        assert files_of_usd(mesh) == [mesh]
        caplog.clear()


def test_subsets_wear_materials_of_their_own(head: MadeHead, tmp_path: Path) -> None:
    mesh = write_head(tmp_path / "cast", head)
    (whole,) = load_mesh(mesh).character.parts
    stage = pxr.Usd.Stage.Open(str(mesh))
    looks = pxr.UsdShade.Material.Define(stage, "/Looks/Hair")
    subset = pxr.UsdGeom.Subset.CreateGeomSubset(
        pxr.UsdGeom.Mesh(stage.GetPrimAtPath("/Head")), "back", "face", [0, 2], "materialBind"
    )
    pxr.UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(looks)
    stage.GetRootLayer().Save()
    parts = {part.material.name: part for part in load_mesh(mesh).character.parts}
    assert parts.keys() == {"Hair", "Skin"}
    for name, rows in (("Hair", [0, 2]), ("Skin", [1, *range(3, len(head.faces))])):
        part = parts[name]
        assert part.uv is not None
        assert whole.uv is not None
        np.testing.assert_array_equal(
            part.positions[part.faces], whole.positions[whole.faces[rows]]
        )
        np.testing.assert_array_equal(part.uv[part.faces], whole.uv[whole.faces[rows]])
        assert len(part.positions) == 3 * len(rows)
    subset.GetIndicesAttr().Set([0, len(head.faces)])
    stage.GetRootLayer().Save()
    with pytest.raises(MeshError, match="'back' has faces beyond"):
        load_mesh(mesh)


def test_meshes_of_instances_are_read(head: MadeHead, tmp_path: Path) -> None:
    mesh = write_head(tmp_path / "cast", head)
    character, layout = mesh.with_name("character.usda"), mesh.with_name("layout.usda")
    character.write_text(
        '#usda 1.0\n(\n    defaultPrim = "Char"\n    upAxis = "Z"\n)\n'
        'def Xform "Char" {\n    def "Head" (references = @./head.usda@) {}\n}\n'
    )
    stage = pxr.Usd.Stage.CreateNew(str(layout))
    pxr.UsdGeom.SetStageUpAxis(stage, "Z")
    for number in range(2):
        placed = pxr.UsdGeom.Xform.Define(stage, f"/Hero{number}")
        placed.AddTranslateOp().Set((number, 0, 0))
        prim = placed.GetPrim()
        prim.GetReferences().AddReference("./character.usda")
        prim.SetInstanceable(True)
    stage.GetRootLayer().Save()
    (alone,) = load_mesh(mesh).character.parts
    parts = load_mesh(layout).character.parts
    assert len(parts) == 2
    for number, part in enumerate(parts):
        moved = alone.positions + np.array([number, 0, 0])
        np.testing.assert_allclose(part.positions, moved, atol=1e-6)


def run(mesh: Path, out: Path, folder: Path, *more: str) -> int:
    model = write_motion_model(folder / "model.onnx", motion=(0.02, 0.01), gain=0.2)
    words = ["texture", "--mesh", mesh, "--texture", mesh.parent / "skin.png", "--model", model]
    words += ["--out-mesh", out, *more]
    return main([str(word) for word in words])


def test_every_expression_is_a_variant(head: MadeHead, tmp_path: Path) -> None:
    mesh = write_head(tmp_path / "cast", head)
    elsewhere = "custom asset hair = @/show/hair.exr@\n    rel material:binding"
    mesh.write_text(mesh.read_text().replace("rel material:binding", elsewhere))
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
    assert stage.GetPrimAtPath("/Head").GetAttribute("hair").Get().path == "/show/hair.exr"
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
