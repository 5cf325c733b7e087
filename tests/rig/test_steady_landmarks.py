"""Dense landmarks over a stretch: steady where a face rests, as read where it moves fast."""

from dataclasses import replace

import numpy as np

from reggan_plugin.faces.face_in_shot import CharacterMouth, FaceInShot
from reggan_plugin.rig.dense_landmarks import COUNT, LIP_PAIRS, eye_rows, rows_of
from reggan_plugin.rig.steady_landmarks import is_of_landmarks, steady_in_shot, usual_mouth
from reggan_plugin.rig.template_fit import template
from tests.rig.drawn_face import placed

FRAMES, EYE_PX, NOISE_PX = 40, 100.0, 0.1
UPPER = np.concatenate([rows_of("lid_upper", side) for side in ("right", "left")])
STILL = np.setdiff1d(np.arange(COUNT), UPPER)
CLOSURE = {18: 0.5, 19: 1.0, 20: 0.8, 21: 0.3}
"""Of a blink, by frame."""


def at(weights: dict[str, float]) -> np.ndarray:
    """Places in pixels of a face that wears weights of shapes."""
    rig = template()
    marks = rig.landmarks + rig.at_landmarks(rig.displacement(weights))
    return placed(marks, EYE_PX / 1000) * 1000


def blinking() -> list[np.ndarray]:
    closures = [CLOSURE.get(frame, 0.0) for frame in range(FRAMES)]
    return [at({"eyeBlinkLeft": one, "eyeBlinkRight": one}) for one in closures]


def read(true: list[np.ndarray], noise_px: float = NOISE_PX) -> list[FaceInShot]:
    """Readings with noise, of which the network is unsure twelve times as much, or four times."""
    random = np.random.default_rng(0)
    sigma = np.full(COUNT, 12 * NOISE_PX)
    return [
        FaceInShot(places=one + random.normal(0, noise_px, one.shape), sigma=sigma) for one in true
    ]


def steady(faces: list[FaceInShot]) -> np.ndarray:
    """Places after smoothing."""
    return np.stack([one.places for one in steady_in_shot(list(range(len(faces))), faces)])


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def test_a_still_face_is_three_times_as_steady() -> None:
    faces = read([at({})] * FRAMES)
    before = np.diff([one.places for one in faces], axis=0)
    assert rms(np.diff(steady(faces), axis=0)[6:-6]) < rms(before) / 3


def test_a_blink_is_neither_delayed_nor_flattened() -> None:
    true = np.stack(blinking())
    error = steady(read(list(true))) - true
    assert rms(error[18:22][:, UPPER]) < 1.5 * NOISE_PX
    assert rms(error[17:23][:, STILL]) < 0.75 * NOISE_PX


def test_speech_is_not_flattened() -> None:
    """Four syllables a second from the first frame to the last, so that lips have no calm."""
    opened = 0.15 - 0.15 * np.cos(np.arange(FRAMES) * np.pi / 3)
    true = [at({"jawOpen": float(one)}) for one in opened]
    error = steady(read(true, noise_px=3 * NOISE_PX)) - true
    assert rms(error[6:-6][:, LIP_PAIRS[1]]) < 1.6 * 3 * NOISE_PX


def test_a_steady_motion_stays_as_it_is() -> None:
    true = [at({"jawOpen": 0.01 * frame}) + 3.0 * frame for frame in range(FRAMES)]
    faces = [FaceInShot(places=one, sigma=np.full(COUNT, 1.0)) for one in true]
    assert np.allclose(steady(faces), true, atol=0.02)


def test_a_camera_that_shakes_leaves_no_trace() -> None:
    ways = np.random.default_rng(1).normal(0, 5, (FRAMES, 1, 2))
    faces = read(list(np.stack([at({})] * FRAMES) + ways))
    error = steady(faces) - ways - at({})
    assert rms(error[6:-6]) < 0.6 * NOISE_PX


def test_a_frame_that_is_unsure_is_helped_by_its_neighbours() -> None:
    faces = read([at({})] * FRAMES)
    wrong = faces[20].places + np.random.default_rng(2).normal(0, 2.0, (COUNT, 2))
    faces[20] = FaceInShot(places=wrong, sigma=faces[20].sigma * 30)
    assert rms(steady(faces)[20] - at({})) < 0.5


def test_a_stretch_of_one_frame_is_as_it_was_read() -> None:
    (face,) = read([at({})])
    (same,) = steady_in_shot([7], [face])
    assert np.allclose(same.places, face.places)
    assert np.allclose(same.sigma, face.sigma)


def test_frames_that_are_missing_pair_none() -> None:
    faces = read([at({})] * 3)
    smooth = steady_in_shot([1, 2, 4], faces)
    assert all(
        np.allclose(one.places, other.places) for one, other in zip(smooth, faces, strict=True)
    )


def test_a_character_has_the_tone_of_most_of_its_frames() -> None:
    mouth = CharacterMouth(tooth=(1.5, 1.4, 1.2), stone=0.0, is_drawn=False, gap=0.1)
    other = CharacterMouth(tooth=(0.2, 0.2, 0.2), stone=1.0, is_drawn=True, gap=0.1)
    (face,) = read([at({})])
    faces = [replace(face, mouth=one) for one in (mouth, other, None, mouth, mouth)]
    assert usual_mouth(faces) == mouth
    assert usual_mouth([face]) is None


def test_landmarks_of_another_place_are_not_of_the_face() -> None:
    places = at({})
    lips = places[rows_of("lip_outer_upper")]
    middles = [places[eye_rows(side)].mean(axis=0) for side in ("left", "right")]
    points = np.array([*middles, places[120], lips[-1], lips[0], places[150]])
    (face,) = read([places])
    assert is_of_landmarks(face, points)
    assert is_of_landmarks(face, points + 20)
    assert not is_of_landmarks(face, points + 60)
