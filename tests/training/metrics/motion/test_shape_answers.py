"""Single shapes and pairs against the rig: a model that knows the truth, and its faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_training.metrics.motion.measures import ResultKind
from reggan_training.metrics.motion.test_heads import TestHead, rasterise_test_head
from tests.measurements.shape_answers import (
    AskedShapes,
    ShapeAnswer,
    measure_shapes,
    states_of_shapes,
)
from tests.motion_models import motion_card, true_answer

SIDE = 64
Answers = dict[tuple[str, ...], ShapeAnswer]


@dataclass(eq=False)
class Rig:
    """The true motion of what is asked for, of other shapes too as `leaks` says."""

    head: TestHead
    asked: list[AskedShapes]
    leaks: Mapping[str, str] = field(default_factory=dict)
    power: float = 1.0
    side_px: int = SIDE
    batch: int = 1
    card: ModelCard = field(default_factory=motion_card)

    def __post_init__(self) -> None:
        trials = {
            tuple(sorted(one.shapes)): self.head.trial(
                ResultKind.FULL, "", one.source, one.target, rest=0
            )
            for one in self.asked
        }
        self._truths = {shapes: true_answer(trial.face) for shapes, trial in trials.items()}

    def answer(
        self, faces: Sequence[np.ndarray], mixes: Sequence[ExpressionMix], known: object = None
    ) -> list[Answer]:
        return [self._of(mix.intensities) for mix in mixes]

    def _of(self, asked: Mapping[str, float]) -> Answer:
        truth = self._truths[tuple(sorted(asked))]
        share = max(asked.values()) ** self.power
        motion = share * truth.motion
        for name in asked:
            if name in self.leaks:
                motion = motion + share * self._truths[(self.leaks[name],)].motion
        return replace(truth, motion=motion)


@pytest.fixture(scope="module")
def head(made_family: Any) -> tuple[TestHead, list[AskedShapes]]:
    mesh = made_family.head("one")
    states, asked = states_of_shapes(mesh.controls, 2, np.random.default_rng(0))
    return TestHead(rasterise_test_head(mesh, SIDE, states), "skin"), asked


def measured(head: tuple[TestHead, list[AskedShapes]], **faults: Any) -> Answers:
    found = measure_shapes(Rig(*head, **faults), *head)
    return {one.shapes: one for one in found}


def test_every_shape_is_asked_for_alone_and_some_in_pairs() -> None:
    controls = ("jawOpen", "mouthClose", "mouthSmileLeft")
    states, asked = states_of_shapes(controls, 3, np.random.default_rng(1))
    assert states[0] == {}
    assert [one.shapes for one in asked[:3]] == [("jawOpen",), ("mouthClose",), ("mouthSmileLeft",)]
    close = asked[1]
    assert states[close.source] == {"jawOpen": 1.0}
    assert states[close.target] == {"jawOpen": 1.0, "mouthClose": 1.0}
    for pair in asked[3:]:
        assert states[pair.target] == dict.fromkeys(pair.shapes, 1.0)
        assert len(set(pair.shapes)) == 2


def test_the_rig_itself_explains_all(head: tuple[TestHead, list[AskedShapes]]) -> None:
    for answer in measured(head).values():
        assert answer.explained > 0.98
        assert answer.crosstalk < 0.02
        assert answer.linear == pytest.approx(1, abs=5e-3)
    smile = measured(head)[("mouthSmileLeft",)]
    assert smile.other_side == pytest.approx(smile.true_other_side, abs=0.01)
    assert smile.true_other_side < 0.1


def test_motion_of_another_shape_is_crosstalk(head: tuple[TestHead, list[AskedShapes]]) -> None:
    leaks = {"mouthSmileLeft": "mouthSmileRight", "browInnerUp": "jawOpen"}
    true, found = measured(head), measured(head, leaks=leaks)
    assert found[("mouthSmileLeft",)].other_side == pytest.approx(0.5, abs=0.1)
    assert found[("browInnerUp",)].crosstalk > 0.5 + true[("browInnerUp",)].crosstalk
    assert np.isnan(found[("jawOpen",)].other_side)


def test_what_rises_late_is_not_linear(head: tuple[TestHead, list[AskedShapes]]) -> None:
    assert measured(head, power=2.0)[("jawOpen",)].linear == pytest.approx(1 - 0.875 / 3, abs=0.01)
