"""What the user is told of a result that needs a word."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import reggan_plugin
from reggan_plugin.cli import main
from reggan_plugin.errors import FaceNotFoundError, TextureError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.textures import map_change, read_mesh
from reggan_plugin.textures.character import Character, Material, MeshPart, stands_on_skin
from reggan_plugin.textures.map_change import ChangedMap, PreparedFace
from reggan_plugin.textures.maps.choose_map import parts_by_sight
from reggan_plugin.textures.maps.texture_map import TextureMap, read_tile
from reggan_plugin.textures.read_mesh import LoadedMesh, load_mesh
from reggan_plugin.textures.texture_job import remarks_on, run_request
from reggan_plugin.textures.texture_request import Look, TextureRequest, TextureResult
from reggan_plugin.textures.views.framing import skin_in_survey
from reggan_plugin.textures.views.ray_traced_view import Stage, StagePicture, look_at
from reggan_plugin.textures.views.reprojection import Reprojection, Tally
from reggan_plugin.textures.views.view_change import ViewChange
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, ExpressionMix

from ..sample_frames import SAMPLES
from .conftest import MadeHead, write_obj

ANGRY = ExpressionMix({"angry": 1.0})


def run(
    transfer: ExpressionTransfer, mesh: Path | None, texture: Path, **more: object
) -> TextureResult:
    look = Look(texture=texture)
    request = TextureRequest(mesh=mesh, look=look, mixes={"angry": ANGRY}, **more)  # type: ignore[arg-type]
    return run_request(request, lambda: transfer)


def test_two_places_on_the_same_texels_get_the_mean_and_are_named(tmp_path: Path) -> None:
    """Two tiles of a wall side by side wear one map; one shall be lighter by 20, one by 40."""
    Image.new("RGB", (64, 64), (100, 100, 100)).save(tmp_path / "wall.png")
    texture = TextureMap(tiles={1001: read_tile(tmp_path / "wall.png")})
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    wall = MeshPart(
        name="wall",
        material=Material(name="wall", image=0),
        positions=np.concatenate([corners - [1, 0.5, 0], corners - [0, 0.5, 0]]),
        faces=np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]),
        uv=np.concatenate([corners[:, :2], corners[:, :2]]),
    )
    stage = Stage(Character(path=tmp_path, parts=(wall,)), {0: texture}.get)
    view = look_at(
        np.zeros(3), np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), distance=9, extent=2, side_px=128
    )
    before = stage.take(view).colour
    lighter = np.where(np.arange(128)[:, None] < 64, 20, 40)[None] / np.float32(255)
    change = ViewChange(view=view, before=before, after=(before + lighter).astype(np.float32))
    still = Reprojection(stage, [0], texture, change, still=np.ones(4, bool))
    assert still.changed_samples(1001) is None
    carry = Reprojection(stage, [0], texture, change)
    result = carry.changed_samples(1001)
    assert result is not None
    assert np.abs(result[8:-8, 8:-8].astype(int) - 130).max() <= 1
    assert carry.tally.overlapping > 0.8 * carry.tally.changed
    assert any(
        "overlapping UVs), which get the mean" in r for r in remarks_on("x", ANGRY, carry.tally)
    )


def test_a_ray_that_misses_a_large_mesh_is_endless(tmp_path: Path) -> None:
    wall = MeshPart(
        name="wall",
        material=Material(name="wall"),
        positions=np.array([[0, 0, 0], [180, 0, 0], [0, 180, 0]], float),
        faces=np.array([[0, 1, 2]]),
        uv=None,
    )
    stage = Stage(Character(path=tmp_path, parts=(wall,)), lambda _: None)
    rays = np.array([[0, 0, -1.0], [0, 0, 1.0]])
    hits = stage.first_seen(np.array([20.0, 20.0, 90.0]), rays)
    assert hits.distance.tolist() == [pytest.approx(90.0), np.inf]


def test_eyeballs_in_one_part_with_the_skin_keep_their_looks(
    transfer: ExpressionTransfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a game avatar of one mesh and one material: a lid that closes is not painted on it."""
    counts = []

    def joined(mesh: Path, **more: Any) -> LoadedMesh:
        loaded = load_mesh(mesh, **more)
        (skin,) = (one for one in loaded.character.parts if one.name == "Skin")
        (eyes,) = (one for one in loaded.character.parts if one.name == "Eyes")
        assert skin.uv is not None
        assert eyes.uv is not None
        both = replace(
            skin,
            positions=np.concatenate([skin.positions, eyes.positions]),
            faces=np.concatenate([skin.faces, eyes.faces + len(skin.positions)]),
            uv=np.concatenate([skin.uv, eyes.uv]),
            node=None,
        )
        others = [one for one in loaded.character.parts if one is not skin and one is not eyes]
        counts[:] = len(skin.faces), len(eyes.faces)
        return replace(loaded, character=replace(loaded.character, parts=(both, *others)))

    monkeypatch.setattr(map_change, "load_mesh", joined)
    head = Path(reggan_plugin.__file__).parent / "samples/head.glb"
    face = PreparedFace(head, Look(), transfer, tmp_path)
    skin, eyes = counts
    assert not face.eyeballs[:skin].any()
    assert face.eyeballs[skin : skin + eyes].all()
    assert not face.eyeballs[skin + eyes :].any()
    assert any("eyeballs share the map" in said for said in face.notices)


def test_texels_that_also_lie_on_the_back_of_the_head_are_named(
    head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """The back of each half is folded onto its front."""
    uv, half = head.uv.copy(), len(head.uv) // 2
    low, high = uv[:half, 0], uv[half:, 0]
    uv[:half, 0] = np.maximum(low, 0.49 - low)
    uv[half:, 0] = np.minimum(high, 1.51 - high)
    write_obj(tmp_path / "head.obj", head, uv=uv)
    result = run(
        transfer, tmp_path / "head.obj", head_files / "base_color.png", out=tmp_path / "o.png"
    )
    assert any("the view does not show (overlapping UVs)" in n for n in result.notices)


def test_materials_and_tiles_that_stay_are_named(
    head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """A badge of another material behind the head, on a tile that is not in the set."""
    write_obj(tmp_path / "head.obj", head)
    lines = (tmp_path / "head.obj").read_text().splitlines()
    first_face = next(i for i, line in enumerate(lines) if line.startswith("f "))
    n = len(head.positions)
    corners = ["v 0 0 -0.2", "v 0.01 0 -0.2", "v 0 0.01 -0.2"]
    corners += ["vt 0.1 1.1", "vt 0.2 1.1", "vt 0.1 1.2"]
    lines[first_face:first_face] = [*corners, "usemtl skin"]
    badge = f"f {n + 1}/{n + 1} {n + 2}/{n + 2} {n + 3}/{n + 3}"
    (tmp_path / "head.mtl").write_text("newmtl skin\nKd 1 1 1\nnewmtl badge\nKd 1 0 0\n")
    (tmp_path / "head.obj").write_text(
        "\n".join(["mtllib head.mtl", *lines, "usemtl badge", badge])
    )
    (tmp_path / "face.1001.png").write_bytes((head_files / "base_color.png").read_bytes())
    request = TextureRequest(
        mesh=tmp_path / "head.obj",
        look=Look(texture=tmp_path / "face.<UDIM>.png", material="skin"),
        mixes={"angry": ANGRY},
    )
    notices = run_request(request, lambda: transfer).notices
    assert any(n.startswith("material 'skin' is changed; badge keep") for n in notices)
    (tmp_path / "head.obj").write_text("\n".join(["mtllib head.mtl", *lines, badge]))
    (tmp_path / "face_angry.1001.png").unlink()
    notices = run_request(request, lambda: transfer).notices
    assert "tiles 1011 are not in the set, and shown black" in notices


def test_a_flat_map_with_a_box_and_maps_that_cannot_be_flat(
    face_picture: np.ndarray, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    picture = np.full((400, 2700, 3), 120, np.uint8)  # wider than the locator's look
    picture[40:360, 2200:2520] = np.rint(face_picture * 255)
    Image.fromarray(picture).save(tmp_path / "wide.png")
    choice = FaceChoice(box=(2280, 110, 160, 190))
    changed = {}
    for name, chosen in (("given", choice), ("located", FaceChoice())):
        out = tmp_path / f"{name}.png"
        run(transfer, None, tmp_path / "wide.png", choice=chosen, out=out)
        differs = (np.asarray(Image.open(out)) != picture).any(axis=2)
        changed[name] = differs
        assert differs[40:360, 2200:2520].mean() > 0.1
        assert not differs[:, :2150].any()
    both = (changed["given"] & changed["located"]).sum()
    assert both > 0.5 * changed["located"].sum()
    Image.new("RGB", (64, 64), (150, 120, 100)).save(tmp_path / "plain.png")
    with pytest.raises(FaceNotFoundError, match=r"no unfolded face"):
        run(transfer, None, tmp_path / "plain.png")
    with pytest.raises(UsageError, match=r"outside of the frame"):
        run(transfer, None, tmp_path / "wide.png", choice=FaceChoice(box=(9000, 0, 90, 90)))
    for number in (1001, 1002):
        (tmp_path / f"face.{number}.png").write_bytes((tmp_path / "plain.png").read_bytes())
    with pytest.raises(UsageError, match=r"stands for 2\. Name the tile with the face, such as"):
        run(transfer, None, tmp_path / "face.<UDIM>.png")


def test_the_help_says_which_expressions_open_the_mouth(capfd: pytest.CaptureFixture[str]) -> None:
    """It names those for which a result gets a note, and no others."""
    openers = {
        name for name in EXPRESSION_NAMES if any("opens the mouth" in r for r in _remarks_of(name))
    }
    assert main(["texture", "--help"]) == 0
    text = " ".join(capfd.readouterr().out.split())
    sentence = text[: text.index("open the mouth.")].rsplit(". ", 1)[-1].lower()
    assert {name for name in EXPRESSION_NAMES if name in sentence} == openers
    assert "A map can only paint an open mouth on closed lips" in text


def _remarks_of(name: str) -> list[str]:
    from reggan_plugin.textures.views.reprojection import Tally

    return list(remarks_on(name, ExpressionMix({name: 1.0}), Tally(changed=1)))


def _part(name: str, image: int, uv: float = 0.5) -> MeshPart:
    return MeshPart(
        name=name,
        material=Material(name=name, image=image),
        positions=np.eye(3),
        faces=np.array([[0, 1, 2]]),
        uv=np.full((3, 2), uv),
    )


def test_a_fringe_does_not_choose_the_map() -> None:
    """Hair covers most of the picture, and skin is what lies around the mouth."""
    character = Character(path=Path("head.glb"), parts=(_part("hair", 0), _part("skin", 1)))
    shown = np.zeros((8, 8), np.int64)
    shown[5:] = 1
    side = np.zeros((8, 8), np.float32)
    face = StagePicture(
        colour=np.zeros((8, 8, 3), np.float32),
        coverage=side,
        part=shown,
        uv=np.zeros((8, 8, 2), np.float32),
        distance=side,
    )
    mouth = np.zeros((8, 8), np.bool_)
    mouth[4:7, 2:6] = True
    assert parts_by_sight(character, face, mouth, is_given=False) == [1]
    assert parts_by_sight(character, face, np.zeros((8, 8), np.bool_), is_given=False) == [0]


def test_skin_lies_between_the_eyes_and_the_chin(
    head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    face = PreparedFace(
        head_files / "head.obj", Look(texture=head_files / "base_color.png"), transfer, tmp_path
    )
    skin = skin_in_survey(face.framed, transfer.card.canonical_points)
    rows, columns = np.flatnonzero(skin.any(axis=1)), np.flatnonzero(skin.any(axis=0))
    assert 0.02 < skin.mean() < 0.3
    assert 90 < rows[0] < rows[-1] < 230
    assert 60 < columns[0] < columns[-1] < 200


def test_a_map_that_does_not_change_is_an_error() -> None:
    with pytest.raises(TextureError, match="angry changes no texel"):
        list(remarks_on("angry", ANGRY, Tally()))
    assert list(remarks_on("nothing", ExpressionMix({"angry": 0.0}), Tally())) == []


def test_broken_uvs_beside_the_face_are_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    character = Character(path=Path("a.glb"), parts=(_part("skin", 0), _part("cap", 1, np.nan)))
    monkeypatch.setattr(read_mesh, "_load", lambda *_: LoadedMesh(character=character))
    loaded = load_mesh(Path("a.glb"))
    assert loaded.character.parts[0].uv is not None
    assert loaded.character.parts[1].uv is None
    assert loaded.notices == (
        "'cap' has UVs that are no numbers, or beyond 100000; they are left out",
    )


def _strip_of_brows(
    head_files: Path, look: Look, transfer: ExpressionTransfer, scratch: Path
) -> tuple[MeshPart, np.ndarray]:
    """Return the head's only part, and which of its points lie where brows are."""
    plain = PreparedFace(head_files / "head.obj", look, transfer, scratch)
    _, crop = plain.front_view
    points = crop.place(transfer.card.canonical_points * crop.side_px)
    places = dict(zip(LANDMARK_NAMES, points, strict=True))
    eyes, mouth = places["left_eye"], places["mouth_left"]
    (skin,) = plain.loaded.character.parts
    seen, _ = plain._view_for_model.view.project(skin.positions)
    above = (eyes[1] - seen[:, 1]) / (mouth[1] - eyes[1])
    return skin, (above > 0.25) & (above < 0.45) & (skin.positions[:, 2] > 0)


def test_brows_that_are_modelled_are_not_shown_twice(
    head: MadeHead,
    head_files: Path,
    transfer: ExpressionTransfer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the map raised the picture of brows that keep their place, it showed a ghost."""
    look = Look(texture=head_files / "base_color.png")
    skin, strip = _strip_of_brows(head_files, look, transfer, tmp_path)
    loaded = load_mesh(head_files / "head.obj")
    green = Material(name="Brows", colour=(0.0, 0.6, 0.0, 1.0))
    brows = replace(
        skin,
        name="Brows",
        material=green,
        positions=skin.positions * 1.03,
        faces=skin.faces[strip[skin.faces].all(axis=1)],
        uv=None,
    )
    character = replace(loaded.character, parts=(skin, brows))
    monkeypatch.setattr(
        "reggan_plugin.textures.map_change.load_mesh",
        lambda *_, **__: replace(loaded, character=character),
    )
    face = PreparedFace(head_files / "head.obj", look, transfer, tmp_path)
    changed = face.change(ExpressionMix({"surprised": 1.0}))
    (said,) = changed.notices
    assert said.startswith("Brows lie on the face and keep their place")
    assert (changed.tiles[1001] != head.picture).any()
    assert _green(changed) == 0
    face._share = None
    moved = face.change(ExpressionMix({"surprised": 1.0}))
    assert _green(moved) > 100  # the ghost
    assert moved.notices == ()


def test_brows_in_the_skin_s_own_mesh_are_not_shown_twice(
    head_files: Path, transfer: ExpressionTransfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One mesh, one map: raised brows whose texels are a green corner of it."""
    look = Look(texture=head_files / "base_color.png")
    skin, strip = _strip_of_brows(head_files, look, transfer, tmp_path)
    levels = np.asarray(Image.open(head_files / "base_color.png")).copy()
    levels[-24:, :24] = (0, 120, 0)  # below the chin, at the back
    Image.fromarray(levels).save(tmp_path / "green.png")
    assert skin.uv is not None
    strip &= np.abs(skin.positions[:, 0]) < 0.05  # before the temples
    raised = skin.faces[strip[skin.faces].all(axis=1)] + len(skin.positions)
    one = replace(
        skin,
        positions=np.concatenate([skin.positions, skin.positions * 1.03]),
        faces=np.concatenate([skin.faces, raised]),
        uv=np.concatenate([skin.uv, np.full_like(skin.uv, 12 / 512)]),
    )
    loaded = load_mesh(head_files / "head.obj")
    character = replace(loaded.character, parts=(one,))
    monkeypatch.setattr(
        "reggan_plugin.textures.map_change.load_mesh",
        lambda *_, **__: replace(loaded, character=character),
    )
    look = Look(texture=tmp_path / "green.png", force=True)
    face = PreparedFace(head_files / "head.obj", look, transfer, tmp_path)
    before = _green_of(levels)
    changed = face.change(ExpressionMix({"surprised": 1.0}))
    (said,) = changed.notices
    assert said.startswith("The brows of the mesh itself stand out from the skin and keep their")
    assert (changed.tiles[1001] != levels).any()
    assert _green(changed) == before
    face._share = None
    moved = face.change(ExpressionMix({"surprised": 1.0}))
    assert _green(moved) > before + 100  # the ghost
    assert moved.notices == ()


def test_a_face_without_modelled_brows_or_lips_moves_as_a_whole(
    head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    for mesh in (head_files / "head.obj", SAMPLES / "head.glb"):
        texture = head_files / "base_color.png" if mesh.suffix == ".obj" else None
        face = PreparedFace(mesh, Look(texture=texture), transfer, tmp_path)
        assert face._relief == {}


def _green(changed: ChangedMap) -> int:
    return _green_of(changed.tiles[1001])


def _green_of(samples: np.ndarray) -> int:
    levels = samples.astype(int)
    return int((levels[..., 1] - np.maximum(levels[..., 0], levels[..., 2]) > 10).sum())


@pytest.mark.parametrize(
    ("name", "stands"),
    [("FaceBrow", True), ("lips_upper", True), ("Hair_Front", True), ("Glasses", True)]
    + [(name, False) for name in ("Eyes", "Lashes", "Teeth", "Mouth", "Body", "M_002", "Clips")],
)
def test_names_tell_what_stands_on_the_skin(name: str, stands: bool) -> None:
    mesh = MeshPart(
        name="mesh",
        material=Material(name=name),
        positions=np.zeros((3, 3)),
        faces=np.array([[0, 1, 2]]),
        uv=None,
    )
    assert stands_on_skin(mesh) is stands
