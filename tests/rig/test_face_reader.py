"""The regressions that say what a face's landmarks show, on the template whose motion is known."""

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import MIRROR
from reggan_plugin.rig.face_reader import laid_over, weights_beyond, weights_worn, worn_expression
from reggan_plugin.rig.template_fit import template
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name


def places(weights: dict[str, float]) -> np.ndarray:
    """Landmarks of the template in a picture of 500 px, tilted, y down."""
    face = template()
    marks = face.landmarks + face.at_landmarks(face.displacement(weights))
    angle = np.radians(8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return 250 + 90 * (marks[:, :2] * [1, -1]) @ turn.T


def named(row: np.ndarray) -> dict[str, float]:
    return dict(zip(ARKIT_SHAPES, row.tolist(), strict=True))


def test_landmarks_are_laid_over_the_template_wherever_the_face_is() -> None:
    rest = laid_over(places({}))
    assert pytest.approx(template().landmarks[:, :2], abs=1e-5) == rest.reshape(2, -1).T


@pytest.mark.parametrize(
    "asked",
    [
        {"jawOpen": 0.6},
        {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9},
        {"eyeBlinkLeft": 1.0},
        {"browInnerUp": 0.9},
        {"browDownLeft": 1.0, "browDownRight": 1.0},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_what_is_shown_is_read_and_little_else(asked: dict[str, float]) -> None:
    read = named(weights_beyond(places(asked), places({})))
    for name, weight in asked.items():
        assert read[name] > 0.5 * weight, read
    is_gaze = "eyeLook"  # nobody sees it through lids that fall
    others = [w for name, w in read.items() if name not in asked and not name.startswith(is_gaze)]
    assert max(others) < 0.55
    assert np.mean(others) < 0.04


def test_a_face_at_rest_shows_nothing_and_sides_are_its_own() -> None:
    assert weights_beyond(places({}), places({})).max() == 0
    smirk = places({"mouthSmileLeft": 1.0, "browOuterUpRight": 0.8})
    mirror = (smirk * [-1, 1])[MIRROR]
    rest = (places({}) * [-1, 1])[MIRROR]
    read, mirrored = named(weights_beyond(smirk, places({}))), named(weights_beyond(mirror, rest))
    for name in ("mouthSmileLeft", "browOuterUpRight"):
        assert mirrored[mirrored_name(name)] == pytest.approx(read[name], abs=0.2)
    assert read["mouthSmileLeft"] > read["mouthSmileRight"] + 0.3


def test_alone_a_wide_smile_is_told_from_rest() -> None:
    both = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    smiling, resting = (named(weights_worn(places(one))) for one in (both, {}))
    assert smiling["mouthSmileLeft"] > resting["mouthSmileLeft"] + 0.3


def test_what_is_taken_away_begins_little_by_little() -> None:
    """Where it began at once, a face near the bound would flicker in a shot."""
    taken = [
        worn_expression(places({"mouthFrownLeft": w, "mouthFrownRight": w})).get(
            "mouthFrownLeft", 0
        )
        for w in np.linspace(0, 1, 41)
    ]
    assert taken[0] == 0
    assert taken[-1] > 0.2
    assert np.abs(np.diff(taken)).max() < 0.12
    half = worn_expression(places({"mouthFrownLeft": 1.0}), 0.5)
    whole = worn_expression(places({"mouthFrownLeft": 1.0}))
    assert half["mouthFrownLeft"] == pytest.approx(0.5 * whole["mouthFrownLeft"])


def test_an_open_mouth_and_a_glance_are_not_taken_away() -> None:
    worn = worn_expression(places({"jawOpen": 1.0, "eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}))
    assert not any(name.startswith(("jaw", "eyeLook")) for name in worn)
