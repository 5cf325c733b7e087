"""The change of the picture arrives in the texels that show in it, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.textures.character import Character, Material, MeshPart
from reggan_plugin.textures.map_change import ChangedMap, PreparedFace
from reggan_plugin.textures.maps.texture_files import write_tiles
from reggan_plugin.textures.maps.texture_map import TextureMap, read_tile
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.ray_traced_view import Stage, look_at
from reggan_plugin.textures.views.reprojection import Reprojection
from reggan_plugin.textures.views.view_change import ViewChange
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from .conftest import FINE_PX, MadeHead, make_head, write_head_files, write_obj

SURPRISED = ExpressionMix({"surprised": 1.0})


@pytest.fixture(scope="module")
def head(face_picture: np.ndarray) -> MadeHead:
    return make_head(face_picture, FINE_PX)


@pytest.fixture(scope="module")
def head_files(head: MadeHead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_head_files(head, tmp_path_factory.mktemp("fine"))


@pytest.fixture(scope="module")
def face(
    head_files: Path, transfer: ExpressionTransfer, tmp_path_factory: pytest.TempPathFactory
) -> PreparedFace:
    look = Look(texture=head_files / "base_color.png")
    return PreparedFace(head_files / "head.obj", look, transfer, tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def changed(face: PreparedFace) -> ChangedMap:
    return face.change(SURPRISED)


@pytest.fixture(scope="module")
def written(
    face: PreparedFace, changed: ChangedMap, tmp_path_factory: pytest.TempPathFactory
) -> np.ndarray:
    """The map as it was written and read again; uint8."""
    path = tmp_path_factory.mktemp("out") / "map.png"
    write_tiles(face.files, face.texture, changed.tiles, path)
    return np.asarray(Image.open(path))


def _again(face: PreparedFace, written: np.ndarray) -> Stage:
    return face.wearing({1001: written})


def test_rendering_the_written_map_gives_the_models_picture(
    face: PreparedFace, changed: ChangedMap, written: np.ndarray
) -> None:
    shot = changed.view
    assert shot is not None
    again = _again(face, written).take(shot.view).colour
    inside = shot.touched
    asked_for = np.abs(shot.after - shot.before)[inside].mean() * 255
    assert asked_for > 4
    assert np.abs(again - shot.after)[inside].mean() * 255 < 2


def test_texels_that_no_view_sees_keep_their_bits(head: MadeHead, written: np.ndarray) -> None:
    points = head.points_of_texels()
    hidden = points[..., 2] < 0.01  # behind the widest part of the egg; NaN compares as False
    gap = np.isnan(points[..., 0])
    assert hidden.mean() > 0.3
    assert (written[hidden] == head.picture[hidden]).all()
    far_from_islands = gap & ~_near(~gap, 6)
    assert (written[far_from_islands] == head.picture[far_from_islands]).all()
    assert (written != head.picture).any(axis=2).mean() > 0.03


def test_empty_texels_beside_a_changed_island_change_with_it(
    head: MadeHead, written: np.ndarray
) -> None:
    difference = np.abs(written.astype(int) - head.picture).sum(axis=2)
    columns = np.flatnonzero(np.isnan(head.points_of_texels()[256, :, 0]))
    mouth = slice(280, 340)
    island = difference[mouth, columns[0] - 1].astype(float)
    gap = difference[mouth, columns[0] + 1].astype(float)
    assert island.max() > 30
    assert np.abs(gap - island).mean() < 0.25 * island.mean() + 2


def test_no_seam_shows_where_two_islands_meet(
    face: PreparedFace, head: MadeHead, written: np.ndarray
) -> None:
    """Both sides of the seam, looked up as a renderer does, differ no more than they did."""
    before = _step_across_seam(head, face.texture)
    after = _step_across_seam(head, _wearing(face, written))
    wider = after - before
    assert np.percentile(wider, 90) < 2
    assert (wider > 5).sum() <= 1  # where the gap between two teeth meets the seam


def _step_across_seam(head: MadeHead, texture: TextureMap) -> np.ndarray:
    """Levels between the two sides of the seam down the nose."""
    half = len(head.uv) // 2
    seam = np.flatnonzero(np.abs(head.positions[:half, 0]) < 1e-9)
    seam = seam[head.positions[seam, 2] > 0.05]
    left, _ = texture.shown(head.uv[seam])
    right, _ = texture.shown(head.uv[seam + half])
    return np.abs(left - right).mean(axis=1) * 255


def _wearing(face: PreparedFace, written: np.ndarray) -> TextureMap:
    return TextureMap(tiles={1001: replace(face.texture.tiles[1001], colours=written)})


def test_it_says_which_texels_changed(changed: ChangedMap, written: np.ndarray) -> None:
    assert changed.tally.changed > 5000
    assert changed.tally.mirrored == 0
    assert changed.tally.overlapping == 0


def test_half_the_intensity_changes_less(face: PreparedFace, changed: ChangedMap) -> None:
    half = face.change(SURPRISED.scaled(0.5))
    before = face.texture.tiles[1001].colours.astype(int)
    assert 0 < np.abs(half.tiles[1001] - before).sum() < np.abs(changed.tiles[1001] - before).sum()


def test_mirrored_halves_get_one_symmetric_result(
    mirrored_head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    write_obj(tmp_path / "head.obj", mirrored_head)
    look = Look(texture=head_files / "base_color.png")
    face = PreparedFace(tmp_path / "head.obj", look, transfer, tmp_path)
    changed = face.change(SURPRISED)
    assert changed.tally.mirrored > 0.8 * changed.tally.changed
    shot = changed.view
    assert shot is not None
    wide = face.wearing(changed.tiles).take(shot.view).colour - shot.before
    turned = wide[:, ::-1]
    middle, _ = shot.view.project(np.array([[0.0, 0.0, 0.09]]))
    shift = round(2 * float(middle[0, 0])) - shot.view.side_px
    aligned = np.roll(turned, shift, axis=1)
    assert np.abs(wide - aligned).mean() < 0.15 * np.abs(wide).mean()


SKIN, INSIDE = 160, 60


def _lips(path: Path, fold: tuple[float, float] = (0.45, 0.5)) -> tuple[Stage, TextureMap]:
    """Closed lips; the rows 40 to 59 of their map lie in the fold, half of it turned away.

    `fold` is where on the map the rows of vertices inside lie.
    """
    picture = np.full((100, 100, 3), SKIN, np.uint8)
    picture[40:60] = INSIDE
    Image.fromarray(picture).save(path / "lips.png")
    texture = TextureMap(tiles={1001: read_tile(path / "lips.png")})
    heights, depths = (-0.5, 0, -0.002, -0.004), (0, 0, -0.015, -0.03)
    lower = np.array([heights, depths, (0, 0.4, *fold)]).T
    rows = np.concatenate([lower, [(-1, 1, -1) * row + (0, 0, 1) for row in lower[::-1]]])
    left, right = (np.insert(rows[:, :2], 0, x, axis=1) for x in (-0.5, 0.5))
    faces = [(i, i + 8, i + 1) for i in (0, 1, 2, 4, 5, 6)]
    faces += [(i + 8, i + 9, i + 1) for i in (0, 1, 2, 4, 5, 6)]
    uv = np.concatenate([np.stack([np.full(8, x), rows[:, 2]], axis=1) for x in (0.0, 1.0)])
    part = MeshPart(
        name="lips",
        material=Material(name="lips", image=0),
        positions=np.concatenate([left, right]),
        faces=np.array(faces),
        uv=uv,
    )
    return Stage(Character(path=path, parts=(part,)), {0: texture}.get), texture


def _lips_after(
    lips: tuple[Stage, TextureMap], cover: float, *, moves: bool = True, rows: slice = slice(None)
) -> np.ndarray:
    """The lips' map, uint8, under paint of 100 in these rows of the view."""
    stage, texture = lips
    eye, up = np.array([0, 0, 1.0]), np.array([0, 1.0, 0])
    view = look_at(np.zeros(3), eye, up, distance=9, extent=2, side_px=128)
    before = stage.take(view).colour
    paint = np.full_like(before, 100 / 255)
    plane = np.zeros(before.shape[:2], np.float32)
    plane[rows] = 1
    motion = FrameMotion(
        displacement=np.zeros((*plane.shape, 2), np.float32),
        footprint=None,
        log_gain=np.zeros((*plane.shape, 1), np.float32),
        cover=cover * plane,
        paint=paint,
        weight=plane,
    )
    after = before + motion.cover[..., None] * (paint - before)
    change = ViewChange(view=view, before=before, after=after, motion=motion if moves else None)
    result = Reprojection(stage, [0], texture, change).changed_samples(1001)
    assert result is not None
    return result[5:-5, 5:-5]


@pytest.mark.parametrize(
    ("cover", "fold"), [(1.0, (0.45, 0.5)), (0.5, (0.45, 0.5)), (1.0, (0.5, 0.44))]
)
def test_texels_inside_a_thin_fold_take_the_paint_that_hides_them(
    tmp_path: Path, cover: float, fold: tuple[float, float]
) -> None:
    """Between closed lips the old colour would show as a line across what is painted there.

    Also where two places of the fold share a texel, as on maps that are laid out from the front.
    """
    result = _lips_after(_lips(tmp_path, fold), cover).astype(int)
    old = linear_from_srgb(np.array([SKIN, INSIDE, 100], np.float32) / 255)
    skin, inside = srgb_from_linear(old[:2] + cover * (old[2] - old[:2])) * 255
    assert np.abs(result[:34] - skin).max() <= 1
    assert np.abs(result[36:54] - inside).max() <= 1
    assert np.abs(result[56:] - skin).max() <= 1


def test_without_motion_hidden_texels_keep_their_colour(tmp_path: Path) -> None:
    """A picture does not say what is paint: skin under hair would take the change of the hair."""
    result = _lips_after(_lips(tmp_path), 1.0, moves=False)
    assert (result[36:54] == INSIDE).all()
    assert np.abs(result[:34].astype(int) - 100).max() <= 1


def test_paint_in_a_fold_does_not_show_where_its_texels_lie_too(tmp_path: Path) -> None:
    """Texels of the skin far below are worn by the fold, too, and only that is painted over."""
    result = _lips_after(_lips(tmp_path, fold=(0.2, 0.1)), 1.0, rows=slice(61, 67))
    assert (result[70:] == SKIN).all()
    assert np.abs(result[54].astype(int) - 100).max() <= 1


def test_what_the_view_shows_counts_between_two_hidden_surfaces_on_its_texels(
    tmp_path: Path,
) -> None:
    """Maps laid out from the front have the sockets of the eyes on the texels of the brows."""
    Image.new("RGB", (100, 100), (SKIN,) * 3).save(tmp_path / "map.png")
    texture = TextureMap(tiles={1001: read_tile(tmp_path / "map.png")})
    square = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    sheets = [np.insert(square - 0.5, 2, depth, axis=1) for depth in (-0.5, 0, -0.6)]
    part = MeshPart(
        name="brow",
        material=Material(name="brow", image=0),
        positions=np.concatenate(sheets),
        faces=np.array([(i, i + k, i + k + 1) for i in (0, 4, 8) for k in (1, 2)]),
        uv=np.tile(square, (3, 1)),
    )
    stage = Stage(Character(path=tmp_path, parts=(part,)), {0: texture}.get)
    assert np.abs(_lips_after((stage, texture), 1.0).astype(int) - 100).max() <= 1


def _near(mask: np.ndarray, reach: int) -> np.ndarray:
    grown = mask.copy()
    for _ in range(reach):
        grown[1:] |= grown[:-1].copy()
        grown[:-1] |= grown[1:].copy()
        grown[:, 1:] |= grown[:, :-1].copy()
        grown[:, :-1] |= grown[:, 1:].copy()
    return grown
