"""Models are asked more strongly for shapes that they make too little of, within the limit."""

from collections.abc import Mapping

import numpy as np
import pytest

from reggan_plugin.backends.runner import Tensors
from reggan_plugin.change.model_sources import MotionModelSource, asked_of_model
from reggan_plugin.models.handling import STRENGTHS, Handling
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, MAX_WEIGHT

from ..motion_models import motion_card


class Listener:
    """Answers that nothing moves, and keeps what it was asked."""

    device, reason = "fake:0", "a test"
    metadata: Mapping[str, str] = {}

    def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:
        (self.asked,) = inputs["controls"]
        side = inputs["image"].shape[-1]
        planes = {"motion": 2, "gain": 1, "cover": 1, "paint": 3}
        return {
            name: np.zeros((1, count, side, side), np.float32) for name, count in planes.items()
        }


def test_names_are_shapes_of_one_or_both_sides() -> None:
    for name in STRENGTHS:
        assert name in ARKIT_SHAPES or {f"{name}Left", f"{name}Right"} <= set(ARKIT_SHAPES)


def test_both_sides_are_asked_alike_and_sideways_shapes_are_no_side() -> None:
    card = motion_card()
    assert card.asked_strength("eyeLookInLeft") == card.asked_strength("eyeLookInRight") > 1
    assert card.asked_strength("mouthLeft") == card.asked_strength("neutral") == 1


def test_no_weight_goes_beyond_the_largest() -> None:
    card = motion_card(controls=("eyeLookInLeft", "jawOpen", "neutral"))
    for weights, asked in (
        ((0.5, 0.5, 1.0), (0.725, 0.5, 1.0)),
        ((MAX_WEIGHT,) * 3, (MAX_WEIGHT,) * 3),
    ):
        assert asked_of_model(card, np.array(weights)) == pytest.approx(asked)


def test_a_model_of_face_shapes_is_asked_so() -> None:
    card, listener = motion_card(), Listener()
    face = np.full((card.image_size_px, card.image_size_px, 3), 0.5, np.float32)
    MotionModelSource(listener, card).answer([face], [ExpressionMix({"eyeLookInLeft": 0.5})])
    assert listener.asked[card.controls.index("eyeLookInLeft")] == pytest.approx(0.725)


def test_a_card_may_say_how_strongly_its_model_is_asked() -> None:
    card = motion_card(own_handling=Handling(strengths={"jawOpen": 1.2}))
    assert card.asked_strength("jawOpen") == 1.2
    assert card.asked_strength("eyeLookInLeft") == 1.0
