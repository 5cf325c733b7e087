"""The eyeball that a lid uncovers has one pupil, where the eye shows it."""

import numpy as np
import pytest

from reggan_plugin.imaging.crop import CroppedFace
from reggan_plugin.rig.eyes import Lids, changed_eye

SIDE = 96


def half_shut(shift: float) -> tuple[np.ndarray, Lids, Lids, np.ndarray]:
    """Draw an eye whose upper lid hides half of the pupil; its landmarks are off by a share."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    ring = np.hypot(x - 0.5, y - 0.5) / 0.15
    picture = np.where((ring < 0.4)[..., None], 0.02, np.array([0.5, 0.3, 0.1]))
    picture = np.where((ring < 1)[..., None], picture, 0.9)
    picture = np.where((y < 0.5)[..., None], np.array([0.7, 0.5, 0.4]), picture)
    along = np.linspace(0.2, 0.8, 13)
    lower = np.column_stack([along, 0.5 + 0.17 * np.sin(np.pi * np.linspace(0, 1, 13))])
    closed, opened = (
        Lids(
            upper=np.column_stack([along, 0.5 - high * np.sin(np.pi * np.linspace(0, 1, 13))]),
            lower=lower,
        )
        for high in (0.0, 0.17)
    )
    turn = np.arange(8) * np.pi / 4
    iris = 0.5 + 0.15 * np.stack([np.cos(turn), np.sin(turn)], 1) + shift * 0.15
    return picture.astype(np.float32), closed, opened, iris


@pytest.mark.parametrize("shift", [0.0, 0.12, -0.12])
def test_the_drawn_half_of_a_pupil_goes_on_from_the_seen_one(shift: float) -> None:
    picture, closed, opened, iris = half_shut(shift)
    eye = changed_eye(CroppedFace(picture), closed, opened, iris, np.zeros(2), 1.0, np.eye(2))
    assert eye is not None
    left, top, right, _ = eye.window
    at = (np.arange(len(eye.inside)) + 0.5) / len(eye.inside) * (right - left)
    y, x = np.meshgrid(top + at, left + at, indexing="ij")
    is_pupil = (eye.inside.mean(axis=2) < 0.15) & (np.hypot(x - 0.5, y - 0.5) < 0.14)
    assert x[is_pupil].mean() == pytest.approx(0.5, abs=0.006)
    assert y[is_pupil].mean() == pytest.approx(0.5, abs=0.02)


def test_a_light_in_the_iris_under_the_lid_stays() -> None:
    """It touches the lid's line, which goes; without it an eye looks dead."""
    picture, closed, opened, iris = half_shut(0.0)
    rows, columns = slice(SIDE // 2, SIDE // 2 + 3), slice(SIDE // 2 + 4, SIDE // 2 + 10)
    dull = changed_eye(CroppedFace(picture), closed, opened, iris, np.zeros(2), 1.0, np.eye(2))
    picture[rows, columns] = 1.0
    eye = changed_eye(CroppedFace(picture), closed, opened, iris, np.zeros(2), 1.0, np.eye(2))
    assert eye is not None
    assert dull is not None
    left, top, right, _ = eye.window
    scale = len(eye.inside) / (right - left)
    row, column = ((place + 0.5) / SIDE for place in (rows.stop - 2, columns.start + 2))
    at = int((row - top) * scale), int((column - left) * scale)
    assert eye.inside[at].mean() > 0.8 > 0.4 > dull.inside[at].mean()


def test_an_eye_that_begins_to_move_does_not_become_another_one_at_once() -> None:
    """What is drawn has not all of an iris, so it comes in little by little, unless it turns."""
    picture, _, opened, iris = half_shut(0.0)
    shares = []
    for down in (0.003, 0.005, 0.008, 0.02):
        after = Lids(upper=opened.upper + np.array([0.0, down]), lower=opened.lower)
        eye = changed_eye(CroppedFace(picture), opened, after, iris, np.zeros(2), 1.0, np.eye(2))
        shares.append(0.0 if eye is None else eye.share)
    assert shares[0] == 0 < shares[1] < 0.2 < shares[2] < shares[3] == 1
    turned = changed_eye(
        CroppedFace(picture), opened, opened, iris, np.array([0.05, 0]), 1.0, np.eye(2)
    )
    assert turned is not None
    assert turned.share == 1


def drawn(
    picture: np.ndarray,
    before: Lids,
    after: Lids,
    iris: np.ndarray,
    eye: float = 1.0,
    down: float = 0.0,
) -> np.ndarray:
    """The eyeball that is painted, over the whole of `picture`'s square; it may look down."""
    gaze = np.array([0, down])
    ball = changed_eye(CroppedFace(picture), before, after, iris, gaze, eye, np.eye(2))
    assert ball is not None
    left, top, right, _ = ball.window
    at = ((np.arange(SIDE) + 0.5) / SIDE - [[left], [top]]) * len(ball.inside) / (right - left)
    columns, rows = at.astype(int).clip(0, len(ball.inside) - 1)
    return ball.inside[rows[:, None], columns]


@pytest.mark.parametrize(
    ("middle", "half", "most"),
    [((0.44, 0.57), (0.03, 0.015), 0.015), ((0.43, 0.555), (0.06, 0.04), 0.13)],
)
def test_a_window_that_an_iris_mirrors_does_not_colour_its_rings(
    middle: tuple[float, float], half: tuple[float, float], most: float
) -> None:
    """One that fills half of what is seen hardly does."""
    picture, closed, opened, iris = half_shut(0.0)
    plain = drawn(picture, closed, opened, iris)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    beyond = np.maximum(np.abs(x - middle[0]) / half[0], np.abs(y - middle[1]) / half[1])
    picture[(beyond < 1) & (np.hypot(x - 0.5, y - 0.5) < 0.14)] = 0.8
    came = (y < 0.48) & (np.hypot(x - 0.5, y - 0.5) < 0.12)
    assert np.abs(drawn(picture, closed, opened, iris) - plain)[came].mean() < most


def test_an_eye_of_black_has_no_shadow_of_a_lid() -> None:
    picture, closed, opened, iris = half_shut(0.0)
    assert np.isfinite(drawn(0 * picture, closed, opened, iris)).all()


def test_a_lid_takes_its_shadow_along() -> None:
    """Below it the white is as dark as it was under the lid, and no longer where that was."""
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    picture[(y > 0.5) & (y < 0.53)] *= 0.6
    eye = drawn(picture, closed, opened, iris).mean(axis=2)
    white = np.abs(x - 0.5) > 0.18
    edge = opened.upper[:, 1][np.searchsorted(opened.upper[:, 0], x[0]).clip(0, 12)]
    under = y - edge[None]
    near, was = white & (under > 0.01) & (under < 0.03), white & (np.abs(y - 0.52) < 0.01)
    inside = (x > 0.25) & (x < 0.75) & (under > 0)
    now, then = (np.median(eye[one & inside]) for one in (near, was & (under > 0.09)))
    assert now + 0.1 < then


def test_a_shadow_of_one_corner_stays_in_it_as_lids_narrow() -> None:
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    picture[:] = np.float32(0.8)
    edge = [np.interp(x[0], lids.upper[:, 0], lids.upper[:, 1]) for lids in (opened, closed)]
    under_was, under = (y - one[None] for one in edge)
    picture[(under_was < 0.04) & (x < 0.42)] *= 0.6
    eye = drawn(picture, opened, closed, iris).mean(axis=2)
    near = (under > 0.012) & (under < 0.02)
    shaded, free = (np.median(eye[near & (np.abs(x - at) < 0.03)]) for at in (0.34, 0.66))
    assert shaded < 0.82 * free
    assert free == pytest.approx(0.8, abs=0.04)


def test_an_eyeball_that_turns_takes_no_line_of_the_lid_along() -> None:
    picture, _, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    under = y - np.interp(x[0], opened.upper[:, 0], opened.upper[:, 1])[None]
    picture[:] = np.float32(0.8)
    picture[under < 0.012] = 0.1
    eye = drawn(picture, opened, opened, iris, down=0.1).mean(axis=2)
    came = (np.abs(under - 0.1) < 0.015) & (np.abs(x - 0.5) < 0.15)
    assert eye[came].min() > 0.7


def test_an_eye_of_one_colour_stays_so() -> None:
    picture, closed, opened, iris = half_shut(0.0)
    picture[:] = np.float32(0.7)
    assert np.allclose(drawn(picture, closed, opened, iris), 0.7, atol=0.01)


def test_a_highlight_does_not_draw_the_iris_to_itself() -> None:
    """Landmarks are right unless colours say otherwise all around."""
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    outwards = np.clip((np.hypot(x - 0.5, y - 0.5) / 0.15 - 0.85) / 0.3, 0, 1)
    highlight = 0.6 * np.exp(-((x - 0.42) ** 2 + (y - 0.55) ** 2) / 0.0032)
    picture[y > 0.5] = (0.05 + 0.85 * outwards + highlight)[y > 0.5, None].clip(0, 1)
    eye = drawn(picture, closed, opened, iris).mean(axis=2)
    is_drawn = (eye < 0.75) & (np.abs(y - 0.42) < 0.03)
    assert x[is_drawn].mean() == pytest.approx(0.5, abs=0.01)


def test_an_iris_that_is_lit_at_its_lower_end_is_not_drawn_lit_all_around() -> None:
    """The light falls off across it, and goes on to do so where a lid hid it."""
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    ring = np.hypot(x - 0.5, y - 0.5) / 0.15
    is_iris = (ring > 0.4) & (ring < 1) & (y > 0.5)
    picture[is_iris] += 0.6 * (y - 0.5)[is_iris, None]
    eye = drawn(picture, closed, opened, iris).mean(axis=2)
    inner = (ring > 0.5) & (ring < 0.9) & (np.abs(x - 0.5) < 0.05)
    assert eye[inner & (y < 0.48)].mean() + 0.03 < eye[inner & (y > 0.54)].mean()


def test_an_iris_that_its_landmarks_surround_is_drawn_in_its_own_size() -> None:
    picture, closed, opened, iris = half_shut(0.0)
    eye = drawn(picture, closed, opened, 0.5 + (iris - 0.5) / 0.78)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    ring = np.hypot(x - 0.5, y - 0.5) / 0.15
    assert eye[(y < 0.47) & (ring > 1.1) & (ring < 1.3)].min() > 0.8
    assert eye[(y < 0.47) & (ring > 0.5) & (ring < 0.85), 2].max() < 0.2


def test_what_a_lid_uncovers_of_a_mottled_iris_is_as_mottled() -> None:
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    ring = np.hypot(x - 0.5, y - 0.5) / 0.15
    is_iris = (ring > 0.4) & (ring < 1) & (y > 0.5)
    mottled = 0.1 * np.sign(np.sin(12 * np.arctan2(y - 0.5, x - 0.5)))
    picture[is_iris] += mottled[is_iris, None].astype(np.float32)
    eye = drawn(picture, closed, opened, iris).mean(axis=2)
    inner = (ring > 0.5) & (ring < 0.9)
    came, stays = (eye[inner & part].std() for part in (y < 0.46, y > 0.54))
    assert came > 0.7 * stays > 0.05


def test_a_ball_of_stone_gets_no_iris() -> None:
    """It is lightest in its middle, where landmarks of an iris are found all the same."""
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    ring = np.hypot(x - 0.5, y - 0.5) / 0.15
    ball = 0.9 - 0.03 * np.maximum(ring, y * 0)
    picture[y > 0.5] = np.broadcast_to(ball[..., None], picture.shape)[y > 0.5]
    eye = drawn(picture, closed, opened, iris).mean(axis=2)
    above = (np.abs(x - 0.5) < 0.02) & (y < 0.46)
    rim = [eye[above & (np.abs(ring - at) < 0.06)].mean() for at in (0.85, 1.2)]
    assert abs(rim[0] - rim[1]) < 0.008


def test_a_light_in_the_iris_of_a_face_with_light_skin_stays() -> None:
    """It may be no lighter than the skin, but it is less coloured."""
    picture, closed, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    lower = 0.5 + 0.17 * np.sin(np.pi * np.clip((x - 0.2) / 0.6, 0, 1))
    picture[(y < 0.5) | (y > lower)] = 0.85, 0.6, 0.45
    picture[(y > 0.5) & (y < 0.53) & (np.abs(x - 0.5) < 0.06)] = 0.69
    eye = drawn(picture, closed, opened, iris)
    assert eye[SIDE // 2 + 1, SIDE // 2 - 3 : SIDE // 2 + 3].min() > 0.5


def test_an_eye_that_narrows_keeps_its_own_colours_up_to_the_lids() -> None:
    """Its iris has a dark edge and a warm lower end, its white is dark in the corners."""
    picture, _, opened, iris = half_shut(0.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE + 0.5 / SIDE
    ring, bow = np.hypot(x - 0.5, y - 0.5) / 0.15, np.sin(np.pi * (x - 0.2) / 0.6)
    brown = np.array([0.5, 0.3, 0.1]) * (1 + 3 * (y - 0.5))[..., None]
    white = 0.95 - 2 * np.maximum(np.abs(x - 0.5) - 0.15, 0)[..., None]
    share = np.clip((ring - 0.9) / 0.4, 0, 1)[..., None]
    dark_edge = 1 - 0.7 * np.exp(-(((ring - 0.95) / 0.2) ** 2))[..., None]
    inside = np.abs(y - 0.5) < 0.17 * bow
    picture[inside] = ((brown + share * (white - brown)) * dark_edge)[inside]
    narrow = Lids(upper=opened.upper + 0.6 * (0.5 - opened.upper) * [0, 1], lower=opened.lower)
    eye = drawn(picture, opened, narrow, iris, eye=2.0)
    shown = (y > 0.5 - 0.05 * bow) & (y < 0.5 + 0.15 * bow) & (np.abs(x - 0.5) < 0.24)
    assert np.abs(eye - picture)[shown].mean() < 0.012
