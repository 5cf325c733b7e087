"""Dense landmarks of a face over its uninterrupted stretch: steady, without lag.

A point's place is the mean of its readings in this frame and in the frames around it, which are
laid over this one by the points that hold still. Frames count in pairs, one before and one after,
so a steady motion is kept exactly. But a blink lasts three frames: a pair counts for a group of
points (an eye's lids, the lips, a brow) only as far as the mean of its two readings is this one's,
within what the readings' own noise explains. That noise is the network's sigma times a factor that
is measured on the stretch. So what moves fast is as it was read, and what rests is averaged.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from reggan_plugin.array_types import Complex, Float, Int, SixPoints
from reggan_plugin.faces.face_in_shot import CharacterMouth, FaceInShot
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.faces.smoothing import REACH, SIGMA_FRAMES, carried_along, on_the_way
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import CROP_SIDE_IN_EYE_DISTANCES, CROP_SIDE_PX, crop_around_face
from reggan_plugin.kernels.pixel_values import percentile
from reggan_plugin.rig.dense_landmarks import COUNT, GROUPS, SIDES, eye_rows, rows_of

_LIKE: Final = 2.0
"""Mean square of a pair's deviation over that of noise up to which it counts in full."""
_CALM, _OF_MEAN = 25, 0.2877
"""A group's noise is read where it rests: at this percentile of its squared deviations, which is
this part of the mean of noise in a plane (-ln 0.75)."""
_MOST_NOISE: Final = 2.0
"""A group's noise over the median group's, squared: lips that speak all the time have no calm. With
6, four syllables a second lost up to a tenth of their gap, with 2 up to 3 %; a still face is as
steady."""
_FEWEST, _USUAL_NOISE = 8, 0.005
"""Frames with neighbours that tell a stretch's noise, and what it is where there are fewer."""
_ROUNDS: Final = 3
"""Of laying one frame's points over another's, each with less of what moved. Against registered
patches (`faces/motion_between_frames.py`) the way from one frame to the next is then known to
0.03 % of an eye distance instead of 0.08 %: `tests/measurements/flicker.py`, the shaking camera."""
_FARTHEST: Final = 0.5
"""Eye distances between the middle of an eye or a corner of the mouth and the dense landmarks' from
which on they are of different faces, or of landmarks that somebody has moved since."""

_LIPS = ("lip_outer_upper", "lip_outer_lower", "lip_inner_upper", "lip_inner_lower")
_GROUPS: Final[tuple[Int[np.ndarray, " rows"], ...]] = (
    *(eye_rows(side) for side in SIDES),
    *(np.concatenate([rows_of("iris", side), rows_of("pupil", side)]) for side in SIDES),
    *(rows_of("brow", side) for side in SIDES),
    np.concatenate([rows_of(name) for name in _LIPS]),
    np.concatenate(
        [
            np.arange(group.start, group.stop)
            for group in GROUPS
            if not group.name.startswith(("lid", "iris", "pupil", "brow", "lip", "jaw"))
        ]
    ),
    rows_of("jaw"),
)
"""Points that move together."""
_Points = Float[np.ndarray, "points 2"]


def steady_in_shot(times: Sequence[int], faces: Sequence[FaceInShot]) -> list[FaceInShot]:
    """Return the faces of a stretch with steady landmarks.

    Args:
        times: frame numbers, rising.
        faces: as they were read, one for each time.
    """
    pairs = [_pairs_at(times, faces, index) for index in range(len(times))]
    noise = _noise_of(pairs)
    return [_steady(face, own, noise) for face, own in zip(faces, pairs, strict=True)]


def motion_between(one: FaceInShot, other: FaceInShot) -> Float[np.ndarray, "3 3"]:
    """Return the similarity that carries a face from one frame to another, in pixels.

    What moved against the rest of the face hardly bends it.
    """
    source, target = (face.places @ np.array([1, 1j]) for face in (one, other))
    square = one.sigma**2 + other.sigma**2
    weight = 1 / square
    for _ in range(_ROUNDS):
        turn, shift = _similarity(source, target, weight)
        off = turn * source + shift - target
        away = (off.real**2 + off.imag**2) / square
        usual = max(float(np.median(away)), 1e-12)
        weight = 1 / (square * (1 + away / usual) ** 2)
    turn, shift = _similarity(source, target, weight)
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag], [0, 0, 1]]
    )


def _similarity(
    source: Complex[np.ndarray, " points"],
    target: Complex[np.ndarray, " points"],
    weight: Float[np.ndarray, " points"],
) -> tuple[complex, complex]:
    """As `fit_similarity`, with a weight for each point; a turn that scales, and a shift."""
    share = weight / weight.sum()
    start, end = share @ source, share @ target
    s = source - start
    turn = (share * s.conj()) @ (target - end)
    turn /= max(float(share @ (s.real**2 + s.imag**2)), 1e-12)
    return complex(turn), complex(end - turn * start)


@frozen(eq=False)
class _Pair:
    """One frame before and one as far after, laid over the one between.

    Attributes:
        lag: of each, in frames.
        mean: of both readings.
        square: mean of the squares of both sigmas.
        deviation: of the mean from this frame's reading, squared, over the square that the three
            sigmas give it.
    """

    lag: int
    mean: _Points
    square: Float[np.ndarray, " points"]
    deviation: Float[np.ndarray, " points"]


def _pairs_at(times: Sequence[int], faces: Sequence[FaceInShot], index: int) -> list[_Pair]:
    """Pairs of frames around one, the nearest first."""
    here, time = faces[index], times[index]
    reach = int(REACH * SIGMA_FRAMES)
    around = {times[one] - time: faces[one] for one in _within(times, index, reach)}
    pairs = []
    for lag in sorted(one for one in around if one > 0 and -one in around):
        before, after = around[-lag], around[lag]
        laid = [carried_along(one.places, motion_between(one, here)) for one in (before, after)]
        mean = (laid[0] + laid[1]) / 2
        square = (before.sigma**2 + after.sigma**2) / 2
        away = ((mean - here.places) ** 2).sum(axis=1) / 2
        deviation = away / (square / 2 + here.sigma**2)
        pairs.append(_Pair(lag=lag, mean=mean, square=square, deviation=deviation))
    return pairs


def _within(times: Sequence[int], index: int, reach: int) -> range:
    """Places of the frames that are at most so many frames away from one."""
    first = bisect_left(times, times[index] - reach)
    return range(first, bisect_right(times, times[index] + reach))


def _noise_of(pairs: Sequence[Sequence[_Pair]]) -> Float[np.ndarray, " groups"]:
    """Return the square of each group's noise over that of the network's sigma."""
    nearest = [own[0].deviation for own in pairs if own]
    if len(nearest) < _FEWEST:
        return np.full(len(_GROUPS), _USUAL_NOISE)
    deviation = np.stack(nearest)
    found = np.array([float(percentile(deviation[:, rows], _CALM)) for rows in _GROUPS]) / _OF_MEAN
    return np.clip(found, 1e-9, _MOST_NOISE * float(np.median(found)))


def _steady(
    face: FaceInShot, pairs: Sequence[_Pair], noise: Float[np.ndarray, " groups"]
) -> FaceInShot:
    """Mean of a reading and of the pairs around it, as far as they look like it."""
    square = face.sigma**2
    total, places, squares = 1 / square, face.places / square[:, None], square.copy()
    count, like = np.ones(COUNT), np.ones(COUNT)
    for pair in pairs:
        for rows, level in zip(_GROUPS, noise, strict=True):
            apart = float(pair.deviation[rows].mean()) / level
            like[rows] = np.minimum(like[rows], np.exp(-max(0.0, apart - _LIKE)))
        share = like * 2 * np.exp(-((pair.lag / SIGMA_FRAMES) ** 2) / 2)
        total += share / pair.square
        places += (share / pair.square)[:, None] * pair.mean
        count += share
        squares += share * pair.square
    return replace(face, places=places / total[:, None], sigma=np.sqrt(squares / count))


def between(before: FaceInShot, after: FaceInShot, share: float) -> FaceInShot:
    """Return a face on the way from one frame to another, `share` of it gone."""
    return replace(
        before,
        places=on_the_way(before.places, after.places, share),
        sigma=on_the_way(before.sigma, after.sigma, share),
    )


def usual_mouth(faces: Sequence[FaceInShot]) -> CharacterMouth | None:
    """Return the mouth that most frames of a shot tell of; None where none does."""
    told = [face.mouth for face in faces if face.mouth is not None]
    if not told:
        return None
    red, green, blue = np.median([one.tooth for one in told], axis=0).round(4).tolist()
    return CharacterMouth(
        tooth=(red, green, blue),
        stone=round(float(np.median([one.stone for one in told])), 4),
        is_drawn=2 * sum(one.is_drawn for one in told) > len(told),
        gap=round(float(np.median([one.gap for one in told])), 4),
    )


def is_of_landmarks(face: FaceInShot, points: SixPoints) -> bool:
    """Whether dense landmarks are of the face that six landmarks place, in the same pixels."""
    inner = rows_of("lip_outer_upper")
    marks = {
        "left_eye": face.places[eye_rows("left")].mean(axis=0),
        "right_eye": face.places[eye_rows("right")].mean(axis=0),
        "mouth_left": face.places[inner[-1]],
        "mouth_right": face.places[inner[0]],
    }
    away = [np.hypot(*(points[LANDMARK_NAMES.index(name)] - one)) for name, one in marks.items()]
    size = crop_around_face(points).scale * CROP_SIDE_PX / CROP_SIDE_IN_EYE_DISTANCES
    return bool(max(away) <= _FARTHEST * size)
