"""Pictures with labels: what is drawn, and what of it goes into a shard."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT, SIDES, eye_rows
from reggan_training.heads.head import Part
from reggan_training.heads.worn.dress import put_on_glasses
from reggan_training.landmarks.drawn_accessories import SIDE_PX, draw_over_face
from reggan_training.landmarks.part_networks import FRONT, PARTS
from reggan_training.landmarks.picture_pool import FRONT_SHARES, KEPT_PX, kept_parts
from reggan_training.landmarks.pictures import HeadPicture, HeadState, draw_head, sampled_look
from reggan_training.landmarks.points_on_mesh import HeadSource
from reggan_training.rendering.rasterising import frontal_camera


@pytest.fixture(scope="module")
def drawn(heads: HeadSource) -> list[HeadPicture]:
    head, found = heads.head("valid", "Asian_F_2")
    return draw_head(head, found, np.random.default_rng(4), states=2, looks=2)


def test_labels_lie_inside_the_picture(drawn: list[HeadPicture]) -> None:
    assert len(drawn) == 8  # each look is drawn on twice
    for picture in drawn:
        assert picture.points.shape == (COUNT, 2)
        assert picture.points.min() > 0
        assert picture.points.max() < SIDE_PX
        x, y = picture.points.T.astype(int)
        assert (picture.shares[y, x, 0] < 128).mean() > 0.95
        assert picture.shares.sum(axis=2, dtype=int).max() <= 255


def test_looks_of_a_state_share_its_landmarks_and_differ_in_colour(
    drawn: list[HeadPicture],
) -> None:
    first, _, second, _, other, *_ = drawn
    np.testing.assert_array_equal(first.points, second.points)
    assert (first.pixels != second.pixels).mean() > 0.2
    assert np.abs(first.points - other.points).max() > 1


def test_the_same_seed_draws_the_same_picture(heads: HeadSource, drawn: list[HeadPicture]) -> None:
    head, found = heads.head("valid", "Asian_F_2")
    again = draw_head(head, found, np.random.default_rng(4), states=2, looks=2)[0]
    np.testing.assert_array_equal(again.pixels, drawn[0].pixels)


def test_parts_are_kept_with_the_maps_that_lead_to_them(drawn: list[HeadPicture]) -> None:
    row = kept_parts(drawn[0])
    assert set(row) == {"points", FRONT, FRONT_SHARES, *PARTS, *(f"{name}_to" for name in PARTS)}
    for name in PARTS:
        side = KEPT_PX[name.split("_")[0]]
        assert row[name].shape == (side, side, 3)
        inverse = np.linalg.inv(np.vstack([row[f"{name}_to"], [0, 0, 1]]))
        x, y = (inverse @ [side / 2, side / 2, 1])[:2].astype(int)
        near = drawn[0].pixels[y - 3 : y + 4, x - 3 : x + 4].astype(int)
        middle = row[name][side // 2, side // 2]
        assert np.abs(near - middle).sum(axis=2).min() < 60


def test_only_what_hides_the_face_is_told_to_hide_it() -> None:
    points = np.random.default_rng(0).uniform(100, 280, (COUNT, 2))
    grey = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    worn, hidden = 0, 0
    for seed in range(12):
        pixels, spectacles, others = draw_over_face(grey, points, np.random.default_rng(seed))
        assert (spectacles.astype(int) + others).max() <= 255
        hiding = np.maximum(spectacles, others)
        assert not hiding[(pixels == grey).all(axis=2)].max(initial=0) > 8
        worn, hidden = worn + bool(spectacles.any()), hidden + bool(others.any())
    assert 1 < worn < 10
    assert 2 < hidden < 10
    assert (grey == 128).all()


def test_glasses_are_told_from_hair_and_from_the_head(heads: HeadSource) -> None:
    head, found = heads.head("ict", "ict-5-00001")
    worn = put_on_glasses(head, np.random.default_rng(1))
    assert put_on_glasses(worn, np.random.default_rng(2)) is worn
    found = replace(found, rest=worn.rest)
    camera = frontal_camera(worn.landmarks(worn.rest))
    state = HeadState.before_camera(worn, found, {}, camera)
    eyes = [state.points[eye_rows(side)].mean(axis=0) for side in SIDES]
    across = np.linalg.norm(eyes[1] - eyes[0])
    glasses = state.part == Part.GLASSES
    rows, columns = np.nonzero(glasses)
    away = np.min([np.hypot(columns - x, rows - y) for x, y in eyes], axis=0)
    assert len(rows) > 300
    assert (away < across).mean() > 0.9
    random = np.random.default_rng(4)
    picture = state.drawn_on(
        np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), sampled_look(random), random
    )
    hidden = picture.shares[..., 1][glasses] + picture.shares[..., 2][glasses]
    assert (hidden > 250).all()
    assert not picture.shows_head[glasses].any()
