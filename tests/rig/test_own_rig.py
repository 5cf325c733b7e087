"""A head of the user's own as the rig: its shapes, its teeth, and what is said of what it lacks."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.errors import FaceNotFoundError, MeshError, UsageError
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, SIDES, eye_rows, rows_of
from reggan_plugin.rig.head_part import Part
from reggan_plugin.rig.mouth_drawing import GUM, PLATE, TONGUE, TOOTH, WALL, MouthLook, mouth_rig
from reggan_plugin.rig.mouth_opening import kept_shut
from reggan_plugin.rig.own_rig import OwnRig, RigMesh, own_rig, sides_to_look_from
from reggan_plugin.rig.own_teeth import own_mouth
from reggan_plugin.rig.template_fit import template
from reggan_plugin.textures.character import MeshPart
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.read_rig import read_rig, rig_mesh
from reggan_plugin.transfer import model_with_own_rig
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.face_shapes import mirrored_name
from tests.rig.own_head import FACTORS, TEETH, TEETH_AT, add_teeth, write_head
from tests.sample_frames import SAMPLES
from tests.training.heads.glb_face import GlbWriter

EXACT = 0.125
"""Most of a shape's motion that may be lost."""
TURN = np.diag([-1.0, 1.0, -1.0])
FACTORS_HERE = {**FACTORS, "eyeBlinkLeft": 0.7, "eyeBlinkRight": 0.7}
"""Of a head that sleeps with its eyes a third open."""


def name_of_a_viewer(name: str) -> str:
    """Sides as they lie in a picture; one name is nobody's."""
    return "Schmollen" if name == "mouthPucker" else mirrored_name(name)


@dataclass(frozen=True)
class Hero:
    """A head that looks backwards in its file, with its teeth, laid on the template."""

    mesh: RigMesh
    own: OwnRig
    remarks: tuple[str, ...]


@pytest.fixture(scope="module")
def hero(tmp_path_factory: pytest.TempPathFactory) -> Hero:
    path = tmp_path_factory.mktemp("rig") / "hero.glb"
    write_head(
        path,
        rename=name_of_a_viewer,
        without=("cheekPuff",),
        factors=FACTORS_HERE,
        turn=TURN,
        teeth=True,
    )
    mesh = read_rig(path)
    own, remarks = laid(mesh)
    return Hero(mesh, own, remarks)


def laid(mesh: RigMesh) -> tuple[OwnRig, tuple[str, ...]]:
    """The template on a head, as users' heads are laid, and what is remarked on."""
    found = []

    def keep(*arguments: Any) -> OwnRig:
        found.append(own_rig(*arguments))
        return found[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_with_own_rig, "own_rig", keep)
        remarks = ExpressionTransfer(rig=mesh).remarks
    return found[0], remarks


def test_lips_follow_the_jaw_though_the_mouth_inside_is_one_piece_with_the_skin() -> None:
    mesh = read_rig(SAMPLES / "head.glb")
    inside = np.isin(mesh.parts, (Part.MOUTH, Part.GUMS, Part.TONGUE))
    assert inside.any()
    parts = np.where(inside, Part.SKIN, mesh.parts).astype(mesh.parts.dtype)
    rig = laid(replace(mesh, parts=parts))[0].template
    upper, lower = LIP_PAIRS
    assert np.linalg.norm(rig.landmarks[upper] - rig.landmarks[lower], axis=1).max() < 0.1
    drop = -rig.at_landmarks(rig.shapes["jawOpen"])[:, 1]
    assert drop[lower].max() > 0.9 * drop[rows_of("jaw")].max()


def with_parts(change: Callable[[MeshPart], Sequence[MeshPart]]) -> RigMesh:
    """The sample head with other parts in place of its skin."""
    loaded = load_mesh(SAMPLES / "head.glb", with_morphs=True)
    parts = [
        own
        for part in loaded.character.parts
        for own in (change(part) if part.name == "Skin" else (part,))
    ]
    character = replace(loaded.character, parts=tuple(parts))
    return rig_mesh(replace(loaded, character=character))


def test_a_head_that_its_file_shows_with_a_shape_rests_without(tmp_path: Path) -> None:
    expected = read_rig(SAMPLES / "head.glb")
    content = (SAMPLES / "head.glb").read_bytes()
    size = int.from_bytes(content[12:16], "little")
    document = json.loads(content[20 : 20 + size])
    for mesh in document["meshes"]:
        names = mesh.get("extras", {}).get("targetNames", [])
        mesh["weights"] = [float(name == "jawOpen") for name in names]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    head = content[:8] + (len(content) + len(text) - size).to_bytes(4, "little")
    chunk = len(text).to_bytes(4, "little") + content[16:20] + text
    (tmp_path / "jaw.glb").write_bytes(head + chunk + content[20 + size :])
    found = read_rig(tmp_path / "jaw.glb")
    assert np.allclose(found.points, expected.points, atol=1e-5)
    assert np.allclose(found.shapes["jawOpen"], expected.shapes["jawOpen"], atol=1e-5)


def test_a_copy_of_the_head_without_shapes_takes_none_away() -> None:
    expected, _ = laid(with_parts(lambda skin: (skin,)))
    copy = {"name": "Skin_LOD1", "mesh": 99, "morphs": ()}
    copied, _ = laid(with_parts(lambda skin: (replace(skin, **copy), skin)))
    assert copied.lent == expected.lent
    for name in ("jawOpen", "mouthSmileLeft"):
        own, theirs = (rig.template.shapes[name] for rig in (copied, expected))
        assert lost(own, theirs) < EXACT, name


def test_shapes_that_move_the_inside_of_the_mouth_alone_are_no_shapes_of_the_face() -> None:
    def rename(skin: MeshPart) -> tuple[MeshPart]:
        morphs = [replace(one, name=f"Fcl_{row}") for row, one in enumerate(skin.morphs)]
        return (replace(skin, morphs=tuple(morphs)),)

    mesh = with_parts(rename)
    rig, _ = laid(mesh)
    assert rig.lent == ()
    shut = {name: moved for name, moved in mesh.shapes.items() if name != "jawOpen"}
    without, _ = laid(replace(mesh, shapes=shut))
    assert np.array_equal(rig.template.rest, without.template.rest)
    for name in ("jawOpen", "mouthSmileLeft", "mouthFrownRight"):
        assert name in rig.missing
        assert lost(rig.template.shapes[name], template().shapes[name]) == 0
    upper, lower = LIP_PAIRS
    marks = rig.template.landmarks
    assert np.linalg.norm(marks[upper] - marks[lower], axis=1).max() < 0.1


def lost(found: np.ndarray, true: np.ndarray) -> float:
    """Share of a shape's motion on the face that is not as it should be."""
    face = template().keep > 0.9
    return float(np.linalg.norm((found - true)[face]) / np.linalg.norm(true[face]))


def test_a_head_lends_its_own_shapes_however_it_lies_in_its_file(hero: Hero) -> None:
    assert hero.own.missing == ("cheekPuff", "mouthPucker")
    house = template().shapes
    for name, moved in hero.own.template.shapes.items():
        factor = FACTORS_HERE.get(name, 1.0)
        if not name.startswith("eyeBlink"):
            assert lost(moved, factor * house[name]) < EXACT, name
        if factor > 1.5:
            assert lost(moved, house[name]) > 0.3, name
    face = template().keep > 0.9
    away = np.linalg.norm(hero.own.template.rest - template().rest, axis=1)
    assert away[face].mean() < 0.03
    assert np.allclose(hero.own.axes, TURN, atol=0.02)


@pytest.mark.parametrize(
    ("rename", "turn"),
    [
        (str, [[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
        (mirrored_name, [[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
        (str, [[0.6, 0, 0.8], [0.48, 0.8, -0.36], [-0.64, 0.6, 0.48]]),
    ],
    ids=["+X", "+X, sides of a viewer", "along no axis"],
)
def test_a_head_below_a_turned_node_is_looked_at_from_its_front(
    rename: Callable[[str], str], turn: list[list[float]], tmp_path: Path
) -> None:
    write_head(tmp_path / "turned.glb", rename=rename, turn=np.array(turn))
    own, _ = laid(read_rig(tmp_path / "turned.glb"))
    assert own.missing == ()
    assert np.allclose(own.axes, np.transpose(turn), atol=0.02)
    house = template().shapes
    assert lost(own.template.shapes["jawOpen"], FACTORS["jawOpen"] * house["jawOpen"]) < EXACT


def test_shapes_say_where_the_face_looks_or_leave_it_to_the_format() -> None:
    mesh = read_rig(SAMPLES / "head.glb")
    assert [one.tolist() for one in mesh.fronts[:2]] == [np.eye(3).tolist(), TURN.tolist()]
    few = {name: mesh.shapes[name] for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")}
    for fronts in (mesh.fronts, mesh.fronts[::-1]):
        assert sides_to_look_from(template(), mesh.points, few, fronts) == fronts
    few |= {name: mesh.shapes[name] for name in ("mouthSmileLeft", "mouthSmileRight")}
    turned = mesh.fronts[1::-1] + mesh.fronts[2:]
    sides = sides_to_look_from(template(), mesh.points, few, turned)
    assert sides[:2] == turned[:2], "five shapes do not tell the front from the back"


def test_lids_of_a_head_of_ones_own_meet(hero: Hero) -> None:
    rig = hero.own.template
    shut = rig.displacement({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
    after = rig.landmarks + rig.at_landmarks(shut)
    for side in SIDES:
        upper, lower = rows_of("lid_upper", side)[3:-3], rows_of("lid_lower", side)
        open_by = np.ptp(rig.landmarks[eye_rows(side), 1])
        order = lower[np.argsort(after[lower, 0])]
        met = np.interp(after[upper, 0], after[order, 0], after[order, 1])
        assert np.abs(after[upper, 1] - met).max() < 0.15 * open_by


def test_what_a_head_lacks_and_what_nobody_knows_is_remarked_on(hero: Hero) -> None:
    lacking, unknown = hero.remarks
    assert "49 of the 51 face shapes" in lacking
    assert lacking.endswith("cheekPuff, mouthPucker.")
    assert "Schmollen" in unknown


def test_names_that_nobody_knows_are_listed_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "hero.glb"
    write_head(path, rename=lambda name: "Lachen_" + str(sum(map(ord, name))))
    with pytest.raises(MeshError, match=r"hero\.glb has .* other names \(Lachen_.*Rename"):
        ExpressionTransfer(rig=read_rig(path))


def test_a_mesh_that_moves_and_is_no_face_is_refused(tmp_path: Path) -> None:
    path, writer = tmp_path / "box.glb", GlbWriter()
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T.astype(float)
    faces = np.array([[0, 1, 2], [1, 3, 2], [4, 6, 5], [5, 6, 7]])
    writer.add("Box", corners, faces, {"jawOpen": 0.1 * corners})
    writer.write(path)
    with pytest.raises(FaceNotFoundError, match=r"box\.glb shows no face from any side"):
        ExpressionTransfer(rig=read_rig(path))


def test_a_mesh_without_shapes_is_refused(tmp_path: Path) -> None:
    path, flat = tmp_path / "still.glb", tmp_path / "still.obj"
    write_head(path, without=tuple(template().shapes))
    with pytest.raises(MeshError, match="no shapes at all"):
        ExpressionTransfer(rig=read_rig(path))
    flat.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(MeshError, match=r"files of this kind have none. Export .* GLB"):
        read_rig(flat)


def test_a_model_that_lays_no_rig_takes_none() -> None:
    with pytest.raises(UsageError, match="lays no rig over faces"):
        ExpressionTransfer("sargan", mouth="closed")


def test_a_head_shows_its_own_teeth(hero: Hero) -> None:
    mouth = own_mouth(hero.mesh, hero.own)
    assert mouth is not None
    assert mouth.place is not None
    assert np.allclose(mouth.place, TEETH_AT, atol=0.05)
    assert mouth.colour is not None
    own = ~np.isnan(mouth.colour[:, 0])
    assert set(np.unique(mouth.part[own])) == {TOOTH, GUM}
    assert set(np.unique(mouth.part[~own])) == {WALL, PLATE, TONGUE}
    teeth = own & (mouth.part == TOOTH)
    assert (mouth.colour[teeth, 0] > 5 * mouth.colour[teeth, 1]).all()  # red, as in the file
    assert_same_bite(mouth.points, mouth.part, mouth.jaw, teeth, TEETH)


@pytest.mark.parametrize("scale", [0.0, 1e-30])
def test_teeth_without_size_are_refused_by_name(hero: Hero, scale: float) -> None:
    flat = replace(hero.mesh, points=hero.mesh.points * scale)
    with pytest.raises(MeshError, match="teeth have no size"):
        own_mouth(flat)


@pytest.mark.parametrize("name", [None, "Mesh", "Body1"])
def test_a_denture_gets_the_size_and_the_place_of_ours(tmp_path: Path, name: str | None) -> None:
    path, writer = tmp_path / "denture.glb", GlbWriter()
    add_teeth(writer, lambda own: 40 * own + [3.0, 200.0, 1.0], name=name)
    writer.write(path)
    mouth = own_mouth(read_rig(path))
    assert mouth is not None
    assert mouth.place is None
    assert mouth.colour is not None
    teeth = (np.nan_to_num(mouth.colour[:, 0]) > 0.3) & (mouth.part == TOOTH)
    assert_same_bite(mouth.points, mouth.part, mouth.jaw, teeth, 1.0)


def assert_same_bite(
    points: np.ndarray, part: np.ndarray, jaw: np.ndarray, teeth: np.ndarray, size: float
) -> None:
    ours = mouth_rig()
    for lower in (False, True):
        there = points[teeth & ((jaw > 0.5) == lower)]
        own = ours.points[(ours.part == TOOTH) & ((ours.jaw > 0.5) == lower)]
        assert np.allclose(np.ptp(there, axis=0), size * np.ptp(own, axis=0), rtol=0.08)
        assert np.allclose(there.mean(axis=0), size * own.mean(axis=0), atol=0.06)


def test_a_denture_of_one_row_is_refused(tmp_path: Path) -> None:
    path, writer = tmp_path / "box.glb", GlbWriter()
    writer.add("Tongue", np.eye(3), np.array([[0, 1, 2]]))
    writer.write(path)
    with pytest.raises(MeshError, match=r"box\.glb holds no .*teeth"):
        ExpressionTransfer(teeth=read_rig(path))


def test_a_flat_denture_is_taken(tmp_path: Path) -> None:
    path, writer = tmp_path / "denture.glb", GlbWriter()
    add_teeth(writer, lambda own: own * [1, 1, 0], name="Mesh")
    writer.write(path)
    assert own_mouth(read_rig(path)) is not None


@pytest.mark.parametrize(
    "name", ["jawOpen", "mouthFunnel", "mouthUpperUpLeft", "mouthLowerDownLeft"]
)
def test_lips_that_are_kept_shut_do_not_part(name: str) -> None:
    rig = template()
    asked = rig.displacement({name: 1.0})
    change = kept_shut(rig, np.zeros_like(asked), asked)
    upper, lower = rows_of("lip_inner_upper")[1:-1], rows_of("lip_inner_lower")[::-1]
    own = rig.landmarks[upper, 1] - rig.landmarks[lower, 1]

    def wider(moved: np.ndarray) -> float:
        at = rig.at_landmarks(moved)
        return float((at[upper, 1] - at[lower, 1] + np.minimum(own, 0)).max())

    assert wider(asked) > 0.04
    assert wider(change) < 0.012
    chin = rows_of("jaw")[7]
    if name == "jawOpen":  # the jaw drops all the same
        assert rig.at_landmarks(change)[chin, 1] < 0.6 * rig.at_landmarks(asked)[chin, 1] < -0.1


def test_what_parted_lips_show_is_chosen_or_told_by_the_picture() -> None:
    assert MouthLook().teeth(is_drawn=True) == "soft"
    assert MouthLook().teeth(is_drawn=False) == "natural"
    for drawn in (True, False):
        assert MouthLook(style="rendered").teeth(is_drawn=drawn) == "natural"
        assert MouthLook(style="plate").teeth(is_drawn=drawn) == "plate"
        assert MouthLook(style="empty").teeth(is_drawn=drawn) == "none"
