"""A user's own GLB as a head: crude faces whose landmarks are known."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from reggan_plugin.errors import MeshError
from reggan_plugin.textures.character import Material, MeshPart, name_parts
from reggan_plugin.vocabulary.face_shapes import mirrored_name
from reggan_training.commands.dataset_pictures import test_heads as heads
from reggan_training.heads.head import REGIONS, HeadMesh, Part
from reggan_training.heads.own_character import GlbFamily
from reggan_training.metrics.motion.test_heads import read_head

from .glb_face import CHIN_Y, CORNER, NOSE_Y, GlbWriter, write_face

SHAPES = {
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
    "mouthPucker",
    "mouthSmileLeft",
    "mouthSmileRight",
}
GRID = 0.06
"""A little more than the face's grid is wide."""


def read(path: Path) -> HeadMesh:
    family = GlbFamily(path)
    (name,) = family.identities(None, 0)
    return family.head(name)


def assert_landmarks_are_found(head: HeadMesh, *, eye_z: float = 0.25) -> None:
    found = head.landmarks(head.rest)
    np.testing.assert_allclose(found[0], (0.5, 0, eye_z), atol=0.03)
    np.testing.assert_allclose(found[1], (-0.5, 0, eye_z), atol=0.03)
    np.testing.assert_allclose(found[2, :2], (0, NOSE_Y), atol=GRID)
    np.testing.assert_allclose(found[3, :2], CORNER, atol=2 * GRID)
    np.testing.assert_allclose(found[4, :2], (-CORNER[0], CORNER[1]), atol=2 * GRID)
    np.testing.assert_allclose(found[5, :2], (0, CHIN_Y), atol=0.25)


def test_landmarks_and_shapes_of_a_plain_face(tmp_path: Path) -> None:
    write_face(tmp_path / "anna.glb")
    head = read(tmp_path / "anna.glb")
    assert (head.family, head.identity, set(head.controls)) == ("anna", "anna", SHAPES)
    assert_landmarks_are_found(head)
    way = head.vertices({"mouthSmileLeft": 1.0}) - head.rest
    np.testing.assert_allclose(way[head.mouth_left], (0.1, 0.15, -0.1), atol=0.03)
    assert np.abs(way[head.mouth_right]).max() < 1e-3


@pytest.mark.parametrize(
    "rename",
    [lambda n: f"blendShape1.{n}", lambda n: n.replace("Left", "_L").replace("Right", "_R")],
)
def test_morphs_are_known_by_any_spelling(tmp_path: Path, rename: object) -> None:
    write_face(tmp_path / "face.glb", rename=rename)  # type: ignore[arg-type]
    assert set(read(tmp_path / "face.glb").controls) == SHAPES


def test_sides_are_the_heads_own_whatever_the_file_calls_them(tmp_path: Path) -> None:
    write_face(tmp_path / "face.glb")
    write_face(tmp_path / "swapped.glb", rename=mirrored_name)
    smiles = [
        read(tmp_path / name).vertices({"mouthSmileLeft": 1.0})
        for name in ("face.glb", "swapped.glb")
    ]
    np.testing.assert_array_equal(*smiles)


def test_a_face_along_minus_z_is_turned(tmp_path: Path) -> None:
    write_face(tmp_path / "old.vrm", turned=True)
    head = read(tmp_path / "old.vrm")
    assert_landmarks_are_found(head)
    assert (
        head.vertices({"mouthSmileLeft": 1.0})[head.mouth_left, 0] > head.rest[head.mouth_left, 0]
    )


def test_without_eyeballs_the_eyes_are_where_the_lids_close(tmp_path: Path) -> None:
    write_face(tmp_path / "mask.glb", eyes=False)
    head = read(tmp_path / "mask.glb")
    left, right = head.landmarks(head.rest)[:2]
    assert left[0] - right[0] == pytest.approx(1.0, abs=0.02)


def test_eyeballs_are_known_and_lids_leave_them(tmp_path: Path) -> None:
    write_face(tmp_path / "face.glb")
    head = read(tmp_path / "face.glb")
    eyes = np.unique(head.triangles[head.parts == Part.EYE])
    assert (head.eye_angle[eyes] < np.pi).all()
    assert head.eye_angle[eyes].min() < 0.01
    turned = head.vertices({"eyeBlinkLeft": 0.5})
    np.testing.assert_array_equal(turned[eyes], head.rest[eyes])


def test_missing_shapes_are_named(tmp_path: Path) -> None:
    write_face(tmp_path / "mute.glb", without=("jawOpen",))
    with pytest.raises(MeshError, match=r"no morph for jawOpen; it has 5"):
        read(tmp_path / "mute.glb")


def test_vrm_expressions_name_morphs_that_are_called_otherwise(tmp_path: Path) -> None:
    names = {"jawOpen": "m1", "eyeBlinkLeft": "m2"}

    def add_expressions(writer: GlbWriter) -> None:
        targets = writer.document["meshes"][0]["extras"]["targetNames"]
        custom = {
            shape: {"morphTargetBinds": [{"node": 0, "index": targets.index(name), "weight": 0.5}]}
            for shape, name in names.items()
        }
        writer.document["extensions"] = {"VRMC_vrm": {"expressions": {"custom": custom}}}

    write_face(tmp_path / "plain.glb")
    write_face(tmp_path / "new.vrm", rename=lambda n: names.get(n, n), more=add_expressions)
    full, half = (read(tmp_path / name) for name in ("plain.glb", "new.vrm"))
    assert set(half.controls) == SHAPES
    np.testing.assert_allclose(
        half.vertices({"jawOpen": 1.0}), full.vertices({"jawOpen": 0.5}), atol=1e-5
    )


def test_transparent_triangles_and_far_ones_are_left_out(tmp_path: Path) -> None:
    """Of two hair cards the clear one goes; so does a shoe, and the clear shell over an eye."""
    card = np.array([(0, 1.56, 0.05), (0.01, 1.56, 0.05), (0, 1.57, 0.05)])
    triangle = np.array([(0, 1, 2)])

    def add_cards(writer: GlbWriter) -> None:
        picture = Image.new("RGBA", (8, 4), (90, 60, 30, 255))
        picture.paste((90, 60, 30, 0), (4, 0, 8, 4))
        base = {"baseColorTexture": {"index": writer.add_texture(picture)}}
        hair = {"name": "Hair_MAT", "alphaMode": "BLEND", "pbrMetallicRoughness": base}
        for u in (0.25, 0.75):
            writer.add("strand", card, triangle, material=hair, uv=np.tile((u, 0.5), (3, 1)))
        writer.add("Shoe", card - (0, 1.5, 0), triangle)
        writer.add("EyeOcclusion", card, triangle)

    write_face(tmp_path / "face.glb", more=add_cards)
    head = read(tmp_path / "face.glb")
    assert (head.parts == Part.HAIR).sum() == 1
    assert (head.parts == Part.CLOTHES).sum() == 0
    assert head.texture_of is not None
    hair = head.textures[head.texture_of[head.parts == Part.HAIR][0]]
    assert tuple(hair[0, 0]) == (90, 60, 30, 255)
    assert (head.texture_of[head.parts == Part.SKIN] == -1).all()


def test_lips_are_painted_between_the_mouth_corners(tmp_path: Path) -> None:
    write_face(tmp_path / "face.glb")
    head = read(tmp_path / "face.glb")
    lips = head.regions[:, REGIONS.index("lips")] > 128
    low, high = head.canonical[lips].min(axis=0), head.canonical[lips].max(axis=0)
    np.testing.assert_allclose((low[0], high[0]), (-CORNER[0], CORNER[0]), atol=2 * GRID)
    assert low[1] < -1.1 < high[1]
    assert not lips[head.nose_tip]


@pytest.mark.parametrize(
    ("mesh", "material", "part"),
    [
        ("Wolf3D_Head", "Wolf3D_Skin", Part.SKIN),
        ("EyeLeft", "Wolf3D_Eye", Part.EYE),
        ("Wolf3D_Teeth", "Wolf3D_Teeth", Part.TEETH),
        ("Wolf3D_Outfit_Top", "Wolf3D_Outfit_Top", Part.CLOTHES),
        ("Face (merged)", "N00_000_00_EyeIris_00_EYE (Instance)", Part.EYE),
        ("Face (merged)", "N00_000_00_FaceBrow_00_FACE (Instance)", Part.BROWS),
        ("Face (merged)", "N00_000_00_FaceMouth_00_FACE (Instance)", Part.MOUTH),
        ("Face (merged)", "N00_000_00_Face_00_SKIN (Instance)", Part.SKIN),
        ("CC_Base_Body", "Std_Eyelash", Part.LASHES),
        ("CC_Base_Tongue", "Std_Tongue", Part.TONGUE),
        ("sunglasses", "plastic", Part.GLASSES),
        ("Long_Hair", "(none)", Part.HAIR),
        ("Object_7", "(none)", Part.CLOTHES),
    ],
)
def test_parts_are_named_as_tools_name_them(mesh: str, material: str, part: Part) -> None:
    """Ready Player Me, VRoid, Character Creator; the material's word counts before the mesh's."""
    made = MeshPart(
        name=mesh,
        material=Material(name=material),
        positions=np.zeros((3, 3)),
        faces=np.array([(0, 1, 2)]),
        uv=None,
    )
    assert [entry.part for entry in name_parts([made])] == [part]


def test_a_character_is_rasterised_as_a_family_of_its_own(tmp_path: Path) -> None:
    write_face(tmp_path / "anna.glb")
    arguments = ["--glb", str(tmp_path / "anna.glb"), "--out", str(tmp_path / "heads")]
    result = CliRunner().invoke(heads, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [str(tmp_path / "heads" / "anna" / "anna.head.npz")]
    states = read_head(Path(result.stdout.strip())).states
    assert {shape for state in states for shape in state} <= SHAPES
    assert any("mouthSmileLeft" in state for state in states)


def test_a_character_takes_no_other_familys_name(tmp_path: Path) -> None:
    write_face(tmp_path / "valid.glb")
    arguments = ["--glb", str(tmp_path / "valid.glb"), "--out", str(tmp_path / "heads")]
    result = CliRunner().invoke(heads, arguments)
    assert result.exit_code == 2
    assert "Rename the file" in result.output
