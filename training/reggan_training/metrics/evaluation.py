"""One evaluation: all styles, all methods, the judges' own accuracy, and the claims."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from reggan_plugin.errors import SourceError
from reggan_training.data.avatar_set import AvatarIdentity, load_avatar_set
from reggan_training.metrics.claims import ALL_AVATARS, Verdict, better_regression, judge_claims
from reggan_training.metrics.judge_validity import (
    ExpressionValidity,
    judge_true_pictures,
    verify_identities,
)
from reggan_training.metrics.judges import Judges
from reggan_training.metrics.measure import StyleResult, measure_style
from reggan_training.metrics.subjects import (
    PHOTOGRAPHS,
    Subject,
    subject_from_avatar,
    subjects_from_photographs,
)
from reggan_training.networks.reggan import RegGAN

MISALIGNMENT_SHARE = 0.01
"""Error of every landmark in the test with crops set wrong: its deviation, of the frame's side."""
STYLES = ("photo", "stone", "bronze", "clay", "toon")
"""Styles of avatars in the order of the table; others follow by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Everything that was measured.

    Attributes:
        validity: how the expression judge does on true pictures, by style.
        misaligned_accuracy: the same share where avatars' crops are set slightly wrong.
        verification_accuracy: how well the face embedding tells test identities apart.
        regression: which form stands for the regression layer alone.
        verdicts: the claims on all avatars together, then on every style of them.
    """

    results: tuple[StyleResult, ...]
    validity: Mapping[str, ExpressionValidity]
    misaligned_accuracy: Mapping[str, float]
    verification_accuracy: float
    regression: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """Held-out subjects by style, and the avatars that they come from."""

    subjects: Mapping[str, Sequence[Subject]]
    avatars: Sequence[AvatarIdentity]
    validation: Sequence[AvatarIdentity]


def load_evaluation_set(data: Path, photographs: Path | None, side_px: int) -> EvaluationSet:
    """Read the test identities of every style, and pairs of photographs if there are any.

    Raises:
        SourceError: a file is missing, or no identity is held out.
    """
    avatars = load_avatar_set(data, ("test",))
    if not avatars:
        raise SourceError(f"{data} holds no test identity; see reggan_training.data.split.")
    ordered = sorted(avatars, key=lambda one: (_rank(one.style), one.name))
    subjects: dict[str, Sequence[Subject]] = {
        style: [subject_from_avatar(one, side_px) for one in many]
        for style, many in groupby(ordered, key=lambda one: one.style)
    }
    if photographs is not None:
        subjects[PHOTOGRAPHS] = list(subjects_from_photographs(photographs, side_px))
    validation = load_avatar_set(data, ("validation",))
    return EvaluationSet(subjects, ordered, validation)


def evaluate_model(
    model: RegGAN, judges: Judges, held_out: EvaluationSet, report: Callable[[str], None]
) -> Evaluation:
    """Measure every style; claims are judged on avatars only."""
    results, validity, misaligned = [], {}, {}
    for style, subjects in held_out.subjects.items():
        report(f"{style}: {len(subjects)} identities")
        results.append(measure_style(model, judges, style, subjects))
        validity[style] = judge_true_pictures(judges, subjects)
        avatars = [one for one in held_out.avatars if one.style == style]
        if avatars:
            misaligned[style] = _misaligned_accuracy(judges, avatars, model.settings.side_px)
    on_avatars = [result for result in results if result.style != PHOTOGRAPHS]
    regression = better_regression(on_avatars)
    void = {style for style, one in validity.items() if not one.is_valid}
    groups = {ALL_AVATARS: on_avatars, **{one.style: [one] for one in on_avatars}}
    verdicts = [judge_claims(name, group, regression, void) for name, group in groups.items()]
    skin = [one for one in held_out.avatars if one.style == STYLES[0]]
    return Evaluation(
        results=tuple(results),
        validity=validity,
        misaligned_accuracy=misaligned,
        verification_accuracy=verify_identities(judges, held_out.validation, skin),
        regression=regression,
        verdicts=tuple(verdict for many in verdicts for verdict in many),
    )


def _misaligned_accuracy(judges: Judges, avatars: Sequence[AvatarIdentity], side_px: int) -> float:
    random, frame_px = np.random.default_rng(0), avatars[0].images.shape[1]
    errors = random.normal(0, MISALIGNMENT_SHARE * frame_px, (len(avatars), 6, 2))
    subjects = [
        subject_from_avatar(one, side_px, error) for one, error in zip(avatars, errors, strict=True)
    ]
    return judge_true_pictures(judges, subjects).accuracy


def _rank(style: str) -> int:
    return STYLES.index(style) if style in STYLES else len(STYLES)
