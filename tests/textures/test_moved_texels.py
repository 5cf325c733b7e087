"""Where a model says how a face moves, texels move on the map itself and keep its detail."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_plugin.textures.map_change import ChangedMap, PreparedFace
from reggan_plugin.textures.maps.texture_map import TextureMap, read_tile
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.view_change import sample_finely
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..motion_models import write_motion_model
from .conftest import MadeHead, make_head, write_obj

HAPPY = ExpressionMix({"happy": 1.0})


@pytest.fixture(scope="module")
def grainy_head(face_picture: np.ndarray) -> MadeHead:
    """With detail that the view of the face, 512 px, cannot hold."""
    made = make_head(face_picture, side_px=1024)
    noise = np.random.default_rng(5).normal(0, 30, made.picture.shape[:2])
    grain = sum(np.roll(noise, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1)) / 4
    picture = np.clip(made.picture + grain[..., None], 0, 255).astype(np.uint8)
    return MadeHead(positions=made.positions, faces=made.faces, uv=made.uv, picture=picture)


@pytest.fixture(scope="module")
def folder(grainy_head: MadeHead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grainy")
    write_obj(path / "head.obj", grainy_head)
    Image.fromarray(grainy_head.picture).save(path / "base_color.png")
    return path


def changed(folder: Path, **model: object) -> tuple[PreparedFace, ChangedMap]:
    path = write_motion_model(folder / "model.onnx", **model)  # type: ignore[arg-type]
    look = Look(texture=folder / "base_color.png")
    face = PreparedFace(folder / "head.obj", look, ExpressionTransfer(path, device="cpu"), folder)
    return face, face.change(HAPPY)


def detail(levels: np.ndarray, where: np.ndarray) -> float:
    """Mean size of the steps between neighbouring texels."""
    steps = np.abs(np.diff(levels.astype(float).mean(axis=2), axis=1))
    return float(steps[where[:, 1:] & where[:, :-1]].mean())


@pytest.fixture(scope="module")
def moved(folder: Path) -> tuple[PreparedFace, ChangedMap]:
    return changed(folder, motion=(0.013, 0.021))


def test_the_maps_own_detail_moves_with_the_face(
    moved: tuple[PreparedFace, ChangedMap], grainy_head: MadeHead
) -> None:
    _, result = moved
    where = (result.tiles[1001] != grainy_head.picture).any(axis=2)
    assert 0.02 < where.mean() < 0.5
    assert 0.85 < detail(result.tiles[1001], where) / detail(grainy_head.picture, where) < 1.1


def test_a_view_of_the_new_map_is_what_the_model_asked_for(
    moved: tuple[PreparedFace, ChangedMap],
) -> None:
    face, result = moved
    shot = result.view
    assert shot is not None
    again = face.wearing(result.tiles).take(shot.view, 2).colour
    inside = shot.motion is not None and shot.motion.weight == 1
    inside &= np.isin(face.stage.take(shot.view).part, face.parts)
    asked = np.abs(blurred(shot.after) - blurred(shot.before))[inside].mean() * 255
    left = np.abs(blurred(again) - blurred(shot.after))[inside].mean() * 255
    assert asked > 3
    assert left < 0.35 * asked


def blurred(picture: np.ndarray) -> np.ndarray:
    """Without the grain, of which view and map hold different parts."""
    levels = Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8))
    small = levels.resize((levels.width // 8, levels.height // 8), Image.Resampling.BOX)
    return np.asarray(small.resize(levels.size, Image.Resampling.BICUBIC)) / np.float32(255)


def test_light_alone_leaves_texels_where_they_are(folder: Path, grainy_head: MadeHead) -> None:
    _, result = changed(folder, gain=float(np.log(1.5)))
    before = linear_from_srgb(grainy_head.picture.astype(np.float32) / 255)
    after = linear_from_srgb(result.tiles[1001].astype(np.float32) / 255)
    full = after > 1.45 * before
    fits = full & (before > 0.05) & (before < 0.5)
    assert fits.mean() > 0.02
    assert np.median(after[fits] / before[fits]) == pytest.approx(1.5, rel=0.01)


def test_the_centre_of_a_texel_is_its_own_colour(folder: Path, grainy_head: MadeHead) -> None:
    texture = TextureMap(tiles={1001: read_tile(folder / "base_color.png")})
    rows, columns = np.mgrid[0:1024:37, 0:1024:41].reshape(2, -1)
    uv = np.stack([(columns + 0.5) / 1024, 1 - (rows + 0.5) / 1024], axis=1)
    expected = grainy_head.picture[rows, columns].astype(np.float32) / np.float32(255)
    assert np.array_equal(sample_finely(texture, uv), expected)


def test_a_tile_of_a_set_goes_on_beyond_its_border_and_a_single_map_repeats(tmp_path: Path) -> None:
    picture = np.full((32, 32, 3), 200, np.uint8)
    picture[:, :16] = 20  # of the other border
    Image.fromarray(picture).save(tmp_path / "map.png")
    tile = read_tile(tmp_path / "map.png")
    at_border = np.array([[1 - 0.1 / 32, 0.5], [1.5, 1e-4]])
    for is_udim in (True, False):
        texture = TextureMap(tiles={1001: tile, 1002: tile}, is_udim=is_udim)
        for colours in (texture.shown(at_border)[0], sample_finely(texture, at_border)):
            assert (abs(colours[0] - 200 / 255) < 0.01).all() == is_udim
