"""Shut lips have one line: none lies over the other, and none is rolled over its edge."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from reggan_plugin.change.pipeline import change_crop
from reggan_plugin.rig import mouth_opening
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, rows_of
from reggan_plugin.rig.drawn_edges import Drawn
from reggan_plugin.rig.eyes import rightwards
from reggan_plugin.rig.mouth_drawing import render_mouth
from reggan_plugin.rig.mouth_opening import (
    mouth_outline,
    overlap,
    parting,
    with_round_corners,
    without_hooked_corners,
    without_rolled_lips,
)
from reggan_plugin.rig.raster import WHOLE, grown, line_of, mask_of, smooth_arc
from reggan_plugin.rig.skin_motion import Landmarks, rig_answer
from reggan_plugin.rig.template_fit import is_lower, template
from tests.rig.drawn_face import drawn_face, placed

DOWN = np.array([0.0, 1.0])
AXES = np.eye(2)
EYE = 0.234


def test_every_vertex_of_a_lip_is_of_the_lip_that_moves_it() -> None:
    lower = is_lower(template())[:, None].astype(np.float32)
    marks = template().at_landmarks(lower)[:, 0]
    assert marks[LIP_PAIRS[0]].max() == 0
    assert marks[LIP_PAIRS[1]].min() == 1
    assert marks[rows_of("nose")].max() == 0
    assert marks[rows_of("jaw")[6:9]].min() == 1


@pytest.mark.parametrize("share", [0.02, 0.08])
def test_lips_that_overlap_are_made_to_meet(share: float) -> None:
    house = template()
    before = placed(house.landmarks)
    before[LIP_PAIRS[1], 1] = before[LIP_PAIRS[0], 1]
    marks = before.copy()
    marks[LIP_PAIRS[1], 1] -= share * EYE
    wanted = overlap(before, marks, DOWN)
    np.testing.assert_allclose(wanted[:, 1], share * EYE, rtol=1e-4)
    moved = marks + house.at_landmarks(parting(house, wanted))
    left = moved[LIP_PAIRS[1], 1] - moved[LIP_PAIRS[0], 1]
    assert np.abs(left).max() < 0.25 * share * EYE


def test_lips_that_are_apart_are_left() -> None:
    marks = placed(template().landmarks)
    marks[LIP_PAIRS[1], 1] = marks[LIP_PAIRS[0], 1] + 0.05
    assert not overlap(marks, marks, DOWN).any()


def test_lips_whose_landmarks_overlap_in_the_source_are_left_so() -> None:
    marks = placed(template().landmarks)
    marks[LIP_PAIRS[1], 1] = marks[LIP_PAIRS[0], 1] - 0.02
    assert not overlap(marks, marks, DOWN).any()


@pytest.mark.parametrize("turn", [0, 35])
def test_a_far_corner_of_a_frown_is_no_hook(turn: int) -> None:
    house = template()
    change = house.displacement({"mouthFrownLeft": 1.0, "mouthFrownRight": 1.0})
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    view = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    before, after = (
        placed(one @ view.T)
        for one in (house.landmarks, house.landmarks + house.at_landmarks(change))
    )
    moved = without_hooked_corners(house, before, after, AXES)
    if not turn:
        assert np.abs(moved).max() < 0.01 * EYE
        return
    inner = rows_of("lip_inner_upper")
    steep = [
        np.abs(np.diff((marks - before)[inner, 1]) / np.diff(before[inner, 0])).max()
        for marks in (after, after + house.at_landmarks(moved))
    ]
    assert steep[0] > 1.5
    assert steep[1] < 1.1


@pytest.mark.parametrize(
    ("asked", "pairs"),
    [
        ({"mouthFrownLeft": 1.0, "mouthFrownRight": 1.0, "mouthShrugLower": 0.5}, range(1, 8)),
        ({"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5, "jawOpen": 0.05}, (1, 7)),
    ],
)
def test_the_dark_line_where_lips_stay_shut_is_whole(
    asked: dict[str, float], pairs: Sequence[int]
) -> None:
    face, found = drawn_face()
    upper, _ = LIP_PAIRS
    face = face.repeat(2, axis=0).repeat(2, axis=1)
    slit = mask_of(mouth_outline(found.places), WHOLE, len(face))[..., None]
    face = face * (1 - slit)
    changed = change_crop(face, rig_answer(template(), face, found, asked)).pixels.mean(axis=2)
    assert _darkest(changed, found.places[upper[list(pairs)]]).max() < 0.25


def test_a_lip_beside_a_slit_keeps_its_grain_to_its_edge() -> None:
    face, found = _large_face()
    columns = np.arange(len(face)) / (EYE * len(face))
    slit = line_of(mouth_outline(found.places), 0.04 * EYE, WHOLE, len(face)) > 0.5
    face *= ((1 + 0.3 * np.sign(np.sin(100 * columns))) * ~slit)[..., None]
    assert _bared_edge(face, found).std() > 0.07


def test_a_lip_in_the_shade_is_no_line() -> None:
    face, found = _large_face()
    rows, columns = np.mgrid[: len(face), : len(face)] / len(face)
    edge = rightwards(smooth_arc(found.places[rows_of("lip_inner_upper")]))
    height = (np.interp(columns[0], edge[:, 0], edge[:, 1]) - rows) / EYE
    face *= np.where(height < 0, 1, 1 - 0.6 * np.exp(-height / 0.05))[..., None]
    assert _bared_edge(face, found).mean() < 0.22


@pytest.mark.parametrize("of_lower", [False, True])
def test_no_gleam_of_teeth_is_left_along_a_lip(of_lower: bool) -> None:
    face, found = _large_face()
    slit = line_of(mouth_outline(found.places), 0.03 * EYE, WHOLE, len(face))[..., None]
    assert _bared_edge(face + slit * (1 - face), found, of_lower=of_lower).mean() < 0.42


def test_nothing_of_the_other_lip_is_left_along_an_upper_one() -> None:
    face, found = _large_face()
    rows, columns = np.mgrid[: len(face), : len(face)] / len(face)
    edge = rightwards(smooth_arc(found.places[rows_of("lip_inner_upper")]))
    below = rows > np.interp(columns[0], edge[:, 0], edge[:, 1]) - 0.012 * EYE
    face = np.where(below[..., None], 1.8 * face, face).clip(0, 1).astype(np.float32)
    assert _bared_edge(face, found).mean() < 0.42


def test_skin_that_is_drawn_beside_a_mouth_is_lit_as_the_skin_around() -> None:
    face, found = _large_face()
    face *= np.linspace(1.3, 0.4, len(face), dtype=np.float32)[:, None, None]  # from above
    answer = rig_answer(template(), face, found, {"mouthFunnel": 1.0})
    around = change_crop(face, replace(answer, painters=())).pixels
    mouth = answer.painters[-1]
    left, top, right, _ = mouth.window
    rows, columns = np.nonzero((mouth.cover[..., 0] > 0.02) & (mouth.cover[..., 0] < 0.5))
    x, y = (
        (len(face) * (start + (one + 0.5) / len(mouth.cover) * (right - left))).astype(int)
        for start, one in ((left, columns), (top, rows))
    )
    assert np.abs(mouth.paint[rows, columns] - around[y, x]).mean() < 0.004


def _large_face() -> tuple[np.ndarray, Landmarks]:
    face, found = drawn_face()
    return face.repeat(2, axis=0).repeat(2, axis=1), found


def _bared_edge(face: np.ndarray, found: Landmarks, *, of_lower: bool = False) -> np.ndarray:
    """Pixels of a lip's edge as the upper one bares the teeth, in grey."""
    asked = {"noseSneerLeft": 1.0, "noseSneerRight": 1.0, "jawOpen": 0.1}
    with patch.object(Drawn, "opening", autospec=True, side_effect=Drawn.opening) as drawn:
        answer = rig_answer(template(), face, found, asked)
    is_open = drawn.call_args.args[1].open > 0
    edge = grown(is_open, 3) & ~grown(is_open, 1)
    rows = np.flatnonzero(is_open.any(axis=1))
    edge[: rows[-len(rows) // 3]] &= not of_lower
    edge[rows[len(rows) // 3] :] &= of_lower
    return answer.painters[-1].paint.mean(axis=2)[edge]


def test_a_gleam_of_teeth_between_lips_that_shut_is_not_kept() -> None:
    face, found = drawn_face()
    face = face.repeat(2, axis=0).repeat(2, axis=1)
    slit = mask_of(mouth_outline(found.places), WHOLE, len(face))[..., None]
    face = face + slit * (1 - face)
    asked = {"mouthFrownLeft": 1.0, "mouthFrownRight": 1.0}
    changed = change_crop(face, rig_answer(template(), face, found, asked)).pixels.mean(axis=2)
    places = found.places[LIP_PAIRS[0][2:7]]
    assert _darkest(1 - changed, places).min() > 0.35


def _darkest(grey: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The darkest pixel within 0.2 eye distances above and below each place."""
    x, y = (places * len(grey)).astype(int).T
    reach = int(0.2 * EYE * len(grey))
    return np.array([grey[v - reach : v + reach, u].min() for u, v in zip(x, y, strict=True)])


def test_a_lip_that_is_rolled_over_its_edge_comes_back() -> None:
    house = template()
    marks = placed(house.landmarks)
    here = np.column_stack([placed(house.rest), house.rest[:, 2]])
    edge = marks[LIP_PAIRS[1], 1].mean()
    front = is_lower(house) & (np.abs(house.rest[:, 0]) < 0.15)
    front &= (here[:, 1] > edge + 0.01) & (here[:, 1] < edge + 0.04)
    there = here.copy()
    there[front, 1] = edge - 0.02
    kept = without_rolled_lips(house, here, there, marks, marks, AXES, EYE)
    assert kept[front, 1].min() > edge
    np.testing.assert_array_equal(kept[~front], there[~front])


def test_teeth_behind_thick_lips_are_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    face, found = drawn_face()
    sizes, given = [], []

    def kept(*arguments: Any, **named: Any) -> np.ndarray:
        given.append(named)
        return render_mouth(*arguments, **named)

    monkeypatch.setattr(mouth_opening, "render_mouth", kept)
    for thick in (1.0, 1.8):
        places = found.places.copy()
        seam = places[np.concatenate(LIP_PAIRS), 1].mean()
        outer = np.concatenate([rows_of("lip_outer_upper"), rows_of("lip_outer_lower")])
        places[outer, 1] = seam + thick * (places[outer, 1] - seam)
        rig_answer(template(), face, replace(found, places=places), {"jawOpen": 0.7})
        sizes.append(-given[-1]["projection"][1, 1])
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)


def test_no_dark_line_lies_between_a_lip_and_what_is_behind_it() -> None:
    face, found = _large_face()
    face = np.full_like(face, 0.6)

    def white(*_: Any, opening: np.ndarray, **__: Any) -> np.ndarray:
        return np.repeat((opening > 0)[..., None], 3, axis=2).astype(np.float32)

    for asked in (
        {"jawOpen": 0.7},
        {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.1},
    ):
        with patch.object(mouth_opening, "render_mouth", white):
            mouth = rig_answer(template(), face, found, asked).painters[-1]
        assert mouth.paint[mouth.cover[..., 0] > 0.02].min() > 0.5


@pytest.mark.parametrize("round_by", [mouth_opening._ROUND, 0.9])
def test_beside_round_corners_nothing_is_left_of_the_line_between_shut_lips(
    round_by: float,
) -> None:
    face, found = _large_face()
    rows, columns = np.mgrid[: len(face), : len(face)] / len(face)
    edge = rightwards(smooth_arc(found.places[rows_of("lip_inner_upper")]))
    away = np.abs(rows - np.interp(columns, *edge.T)) / EYE
    beyond = (columns < edge[0, 0]) | (columns > edge[-1, 0])
    slit = mask_of(mouth_outline(found.places), WHOLE, len(face))
    dark = np.maximum(slit, np.clip(1 - away / 0.03, 0, 1) * ~beyond)
    face = (face * (1 - 0.8 * dark[..., None])).astype(np.float32)

    def white(*_: Any, opening: np.ndarray, **__: Any) -> np.ndarray:
        return np.ones((*opening.shape, 3), np.float32)

    with (
        patch.object(mouth_opening, "render_mouth", white),
        patch.object(mouth_opening, "_ROUND", round_by),
    ):
        answer = rig_answer(template(), face, found, {"jawOpen": 1.0})
    assert change_crop(face, answer).pixels.mean(axis=2).min() > 0.25


def test_an_open_mouth_shows_the_inner_sides_of_its_lips() -> None:
    face, found = drawn_face()
    heights = []
    for rolled in ((0.0, 0.0), mouth_opening._ROLLED_OUT):
        with patch.object(mouth_opening, "_ROLLED_OUT", rolled):
            answer = rig_answer(template(), face, found, {"jawOpen": 0.7})
        mouth = answer.painters[-1]
        px = (mouth.window[2] - mouth.window[0]) / len(mouth.cover)
        heights.append((mouth.cover[..., 0] > 0.5).sum(axis=0).max() * px)
    assert heights[1] <= heights[0]


def mouth_with(rise: float, fall: float) -> np.ndarray:
    """Landmarks whose lips leave the corners of the mouth by so many eye distances."""
    marks = placed(template().landmarks)
    ends = marks[rows_of("lip_inner_upper")[[0, -1]]]
    marks[LIP_PAIRS] = np.linspace(ends[0], ends[1], LIP_PAIRS.shape[1] + 2)[1:-1]
    marks[LIP_PAIRS[0], 1] -= rise * EYE
    marks[LIP_PAIRS[1], 1] += fall * EYE
    return marks


def test_corners_of_a_dropped_jaw_are_round() -> None:
    marks = mouth_with(0.1, 0.1)
    corners = rows_of("lip_inner_upper")[[0, -1]]
    moved, roundness = with_round_corners(marks, AXES)
    assert roundness == [1, 1]
    inwards = (moved - marks)[corners, 0]
    step = marks[LIP_PAIRS[0][[0, -1]], 0] - marks[corners, 0]
    np.testing.assert_allclose(inwards, 0.5 * step, rtol=0.05)
    others = np.setdiff1d(np.arange(len(marks)), corners)
    assert np.array_equal(moved[others], marks[others])


@pytest.mark.parametrize(("rise", "fall"), [(0.1, 0.0), (0.0, 0.1), (0.01, 0.01), (0.1, -0.1)])
def test_corners_that_one_lip_leaves_evenly_stay(rise: float, fall: float) -> None:
    marks = mouth_with(rise, fall)
    moved, roundness = with_round_corners(marks, AXES)
    assert roundness == [0, 0]
    assert np.array_equal(moved, marks)
