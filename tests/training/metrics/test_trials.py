"""Who is asked for what."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity, IdentityView, identity_from_views
from reggan_training.data.sets import load_sets
from reggan_training.metrics.trials import Kind, full_views, subject_from_identity, trials_of

HAPPY, SAD = EXPRESSION_NAMES.index("happy"), EXPRESSION_NAMES.index("sad")


def identity_of(*views: tuple[str, float, bool]) -> Identity:
    """Grey pictures for (expression, intensity, is plain)."""
    pictures = [
        IdentityView(
            expression=EXPRESSION_NAMES.index(expression),
            intensity=intensity,
            is_plain=is_plain,
            image=np.full((32, 32, 3), 10 * number, dtype=np.uint8),
            landmarks=np.array([[20, 10], [12, 10], [16, 15], [19, 20], [13, 20], [16, 26.0]]),
        )
        for number, (expression, intensity, is_plain) in enumerate(views)
    ]
    return identity_from_views("skin_00009", "skin", pictures)


def test_neutral_is_asked_for_every_full_expression_and_half_ones_at_their_own_intensity() -> None:
    identity = identity_of(
        ("neutral", 1.0, True),
        ("happy", 1.0, True),
        ("sad", 1.1, True),
        ("happy", 0.5, True),
        ("sad", 0.3, True),  # less than half
        ("sad", 0.5, False),  # half, but the eyes are closed
    )
    trials = trials_of(identity)
    full = [trial for trial in trials if trial.kind is Kind.FULL]
    assert [(trial.expression, trial.intensity) for trial in full] == [(HAPPY, 1.0), (SAD, 1.0)]
    (half,) = (trial for trial in trials if trial.kind is Kind.HALF)
    assert (half.expression, half.intensity) == (HAPPY, 0.5)
    assert torch.equal(half.command, 0.5 * torch.eye(len(EXPRESSION_NAMES))[HAPPY])
    assert identity.states[half.target_view, HAPPY] == 0.5


def test_other_sources_are_not_neutral_and_lack_what_they_are_asked_for() -> None:
    identity = identity_of(
        ("neutral", 1.0, True),
        ("happy", 1.0, True),
        ("sad", 1.0, True),
        ("happy", 0.3, True),
        ("neutral", 1.0, False),
    )
    disturbed = [one for one in trials_of(identity) if one.kind is Kind.DISTURBED]
    assert [trial.expression for trial in disturbed] == [0, HAPPY, SAD]
    for trial in disturbed:
        state = identity.states[trial.source_view]
        assert state.max() > 0 or not identity.is_plain[trial.source_view]
        assert state.max() <= 0.65  # graded and disturbed views stand before full ones
        assert trial.target_view == identity.full_view(trial.expression)


def test_a_set_of_full_expressions_alone_uses_them_as_sources() -> None:
    identity = identity_of(("neutral", 1.0, True), ("happy", 1.0, True), ("sad", 1.0, True))
    disturbed = [one for one in trials_of(identity) if one.kind is Kind.DISTURBED]
    sources = {one.expression: one.source_view for one in disturbed}
    assert sources[HAPPY] == identity.full_view(SAD)
    assert sources[SAD] == identity.full_view(HAPPY)
    assert sources[0] in (identity.full_view(SAD), identity.full_view(HAPPY))
    assert not any(one.kind is Kind.HALF for one in trials_of(identity))


def test_two_photographs_of_a_person_are_two_trials() -> None:
    identity = identity_of(("neutral", 1.0, True), ("happy", 1.0, True))
    kinds = [(trial.kind, trial.expression) for trial in trials_of(identity)]
    assert kinds == [(Kind.FULL, HAPPY), (Kind.DISTURBED, 0)]
    assert math.isnan(subject_from_identity(identity, 32).yaw_deg)


def test_pictures_lie_in_the_order_of_the_trials(spots: Path) -> None:
    (identity, *_) = load_sets([spots], ("test",))
    subject = subject_from_identity(identity, 48)
    assert len(subject.trials) == len(subject.sources) == len(subject.targets) == 19
    neutral, expressions = full_views(identity, 48)
    assert expressions == tuple(range(7))
    for number in subject.numbers_of(Kind.FULL):
        expression = subject.trials[number].expression
        assert torch.equal(subject.sources[number], neutral[0])
        assert torch.equal(subject.targets[number], neutral[expression])
    half = subject.numbers_of(Kind.HALF)
    assert subject.commands[half].amax(dim=1).tolist() == pytest.approx([0.5] * 6)
