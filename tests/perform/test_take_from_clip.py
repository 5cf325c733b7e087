"""What becomes of readings: rest taken away, jitter gone, lids and lips shut where they are."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.perform.lid_and_lip_contact import with_contacts, with_gaze_through_blinks
from reggan_plugin.perform.neutral_moment import counted_from, neutral_row
from reggan_plugin.perform.read_clip import Recording
from reggan_plugin.perform.steady_curves import steady
from reggan_plugin.perform.take_from_clip import performance_from_recording
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS
from reggan_plugin.rig.template_fit import template
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

from .conftest import ScriptedReader, reading

TIMES = np.arange(90) / 30


def column(name: str) -> int:
    return ARKIT_SHAPES.index(name)


def test_a_still_face_has_a_tenth_of_its_jitter_left_and_a_blink_stays_where_it_is() -> None:
    random = np.random.default_rng(3)
    noise = 0.03 * random.standard_normal((90, 1))
    blink = np.zeros((90, 1))
    blink[40:45, 0] = (0.35, 0.9, 1.0, 0.8, 0.3)
    steadied = steady(noise + blink, TIMES, 1.0)
    still = np.r_[0:34, 52:90]
    assert (
        np.abs(np.diff(steadied[still, 0])).mean() < 0.2 * np.abs(np.diff(noise[still, 0])).mean()
    )
    assert int(steadied.argmax()) == 42
    assert steadied.max() > 0.85
    assert steady(noise, TIMES, 0.0) is noise


def test_a_ramp_has_no_lag_at_any_rate() -> None:
    for times in (TIMES, np.sort(np.random.default_rng(1).uniform(0, 3, 90))):
        ramp = (0.2 * times)[:, None]
        assert steady(ramp, times, 1.0) == pytest.approx(ramp, abs=1e-9)


def test_rest_is_what_is_shown_most_of_the_time_and_looks_ahead() -> None:
    weights = np.full((60, len(ARKIT_SHAPES)), 0.05)
    weights[:20, column("mouthSmileLeft")] = 0.5
    weights[:, column("browDownLeft")] = 0.4  # low brows of its own, but where they are raised:
    weights[20:26, column("browDownLeft")] = 0.0
    turns = np.zeros((60, 3))
    turns[26:48, 0] = 30.0
    assert 48 <= neutral_row(weights, turns) < 60


def test_what_is_read_at_rest_is_taken_away_and_1_stays_1() -> None:
    weights = np.zeros((3, len(ARKIT_SHAPES)))
    weights[:, column("eyeSquintLeft")] = (0.6, 0.8, 1.0)
    weights[:, column("eyeLookInLeft")] = (0.2, 0.0, 0.0)
    weights[:, column("eyeLookOutLeft")] = (0.0, 0.0, 0.3)
    left = counted_from(weights, weights[0])
    assert left[:, column("eyeSquintLeft")] == pytest.approx([0.0, 0.5, 1.0])
    assert left[:, column("eyeLookOutLeft")] == pytest.approx([0.0, 0.2, 0.5])
    assert left[:, column("eyeLookInLeft")] == pytest.approx([0.0, 0.0, 0.0])


def test_where_lids_and_lips_touch_the_template_touches_too() -> None:
    weights = np.zeros((2, len(ARKIT_SHAPES)))
    for name, weight in {"jawOpen": 0.25, "mouthFunnel": 0.3, "mouthUpperUpLeft": 0.2}.items():
        weights[:, column(name)] = weight
    weights[:, column("eyeBlinkLeft")] = (0.5, 0.7)
    lids = np.array([[False, False], [True, False]])
    made = with_contacts(weights, lids, np.array([False, True]))
    assert made[:, column("eyeBlinkLeft")] == pytest.approx([0.5 / 0.7, 1.0])
    face = template()
    gaps = []
    for row in made:
        shown = dict(zip(ARKIT_SHAPES, row.tolist(), strict=True))
        marks = face.landmarks + face.at_landmarks(face.displacement(shown))
        gaps.append(float((marks[LIP_PAIRS[0], 1] - marks[LIP_PAIRS[1], 1]).max()))
    rest = float((face.landmarks[LIP_PAIRS[0], 1] - face.landmarks[LIP_PAIRS[1], 1]).max())
    assert gaps[0] > 0.1
    assert gaps[1] <= rest


@pytest.mark.parametrize("shut", [0, 8])
def test_a_blink_at_one_end_leaves_the_gaze_at_the_other(shut: int) -> None:
    weights = np.tile(np.linspace(0.1, 0.9, 9)[:, None], (1, len(ARKIT_SHAPES)))
    lids = np.zeros((9, 2), bool)
    lids[shut] = True
    made = with_gaze_through_blinks(weights, TIMES[:9], lids)
    assert (made[8 - shut] == weights[8 - shut]).all()


def test_gaze_goes_on_through_a_blink() -> None:
    weights = np.zeros((9, len(ARKIT_SHAPES)))
    weights[:, column("eyeLookOutLeft")] = np.arange(9) / 10
    weights[3:6, column("eyeLookDownLeft")] = 0.6
    weights[3:6, column("jawOpen")] = 0.4
    lids = np.zeros((9, 2), bool)
    lids[4] = True
    made = with_gaze_through_blinks(weights, TIMES[:9], lids)
    assert made[:, column("eyeLookDownLeft")].max() == 0
    assert made[:, column("eyeLookOutLeft")] == pytest.approx(np.arange(9) / 10)
    assert made[4, column("jawOpen")] == 0.4


def test_a_gap_is_crossed_in_straight_lines_and_no_contact_is_made_up_in_it() -> None:
    readings = [reading({"jawOpen": 0.1 * k}, lips=0.2) for k in range(6)]
    recording = Recording(
        name="clip",
        numbers=tuple(range(1, 7)),
        times_s=np.arange(6) / 30,
        has_times=True,
        readings=[readings[0], None, None, *readings[3:]],
        others=[0] * 6,
    )
    made = performance_from_recording(
        recording, reader=ScriptedReader([]), neutral="none", smooth=0
    )
    assert made.take.weights[:, column("jawOpen")] == pytest.approx(np.arange(6) / 10)
    assert made.gaps == ((2, 3),)
    assert not made.lips.any()


def test_a_frame_at_rest_between_others_is_taken_away_alone() -> None:
    shown = [0.9, 0.8, 0.1, 0.9, 0.7]
    recording = Recording(
        name="clip",
        numbers=tuple(range(1, 6)),
        times_s=np.arange(5) / 30,
        has_times=True,
        readings=[reading({"jawOpen": one}, lips=0.2) for one in shown],
        others=[0] * 5,
    )
    made = performance_from_recording(recording, reader=ScriptedReader([]), neutral=3, smooth=0)
    jaw = made.take.weights[:, column("jawOpen")]
    assert jaw[2] == 0
    assert jaw[[0, 1, 3, 4]].min() > 0.5


def test_a_performance_is_the_same_twice(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    recording = Recording(
        name="clip",
        numbers=tuple(range(20)),
        times_s=np.arange(20) / 30,
        has_times=True,
        readings=[reading({"jawOpen": float(w)}, lips=0.2) for w in random.uniform(0, 1, 20)],
        others=[0] * 20,
    )
    one, other = (
        performance_from_recording(recording, reader=ScriptedReader([])) for _ in range(2)
    )
    assert np.array_equal(one.take.weights, other.take.weights)
