"""One evaluation: all runs on all held-out identities and the judges' own accuracy."""

import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from reggan_plugin.errors import SourceError
from reggan_training.data.identity import Identity
from reggan_training.data.sets import choose_entries, load_sets
from reggan_training.data.split import STYLES, stable_hash
from reggan_training.data.split import Split as SplitName
from reggan_training.metrics.judges import (
    ExpressionValidity,
    Judges,
    judge_true_pictures,
    verify_identities,
)
from reggan_training.metrics.trials import (
    PHOTOGRAPHS,
    Kind,
    shows_expressions,
    subject_from_identity,
)
from reggan_training.papers.comparison.measure import Collector, Contender, Gauge, Measurements
from reggan_training.papers.comparison.standing import (
    Split,
    Standing,
    max_yaw_deg,
    splits_of,
    standings,
)
from reggan_training.papers.networks.expression_model import ExpressionModel

_REPEATS, _WARM_UP = 15, 3

_TESTED: tuple[SplitName, ...] = ("test",)
_CHOOSING: tuple[SplitName, ...] = ("validation",)
_MOST_FOR_VERIFICATION = 40
"""Identities whose faces are compared with each other to see how good the embedding is."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of one model.

    Attributes:
        ms_per_face: median CPU time of one thread for one face at the model's own size, eager;
            what it waits for other processes does not count.
        trained: parameters found by descent.
        solved: numbers found in closed form: filters and masks.
    """

    ms_per_face: float
    trained: int
    solved: int


def cost_of(model: ExpressionModel) -> Cost:
    """Time the model and count what it stores."""
    trained = sum(value.numel() for value in model.parameters())
    stored = sum(value.numel() for value in model.state_dict().values())
    return Cost(ms_per_face=_ms_per_face(model), trained=trained, solved=stored - trained)


def _ms_per_face(model: ExpressionModel) -> float:
    threads = torch.get_num_threads()
    image = torch.rand(1, 3, model.side_px, model.side_px)
    expression = torch.eye(model.settings.expressions)[1:2]
    times = []
    torch.set_num_threads(1)
    try:
        for _ in range(_WARM_UP + _REPEATS):
            started = time.thread_time()
            with torch.no_grad():
                model(image, expression)
            times.append(1000 * (time.thread_time() - started))
    finally:
        torch.set_num_threads(threads)
    return statistics.median(times[_WARM_UP:])


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """Held-out identities by style, and those that choose the threshold of the embedding."""

    by_style: Mapping[str, Sequence[Identity]]
    validation: Sequence[Identity]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Everything that was measured.

    Attributes:
        side_px: the size at which all pictures are compared.
        validity: how the expression judge does on true pictures, by style.
        verification_accuracy: how well the face embedding tells test identities apart.
        max_yaw_deg: by run, the turn of the head up to which it is closer to the truth than the
            unchanged input.
    """

    contenders: Sequence[Contender]
    costs: Mapping[str, Cost]
    side_px: int
    table: Measurements
    splits: Sequence[Split]
    validity: Mapping[str, ExpressionValidity]
    verification_accuracy: float | None
    max_yaw_deg: Mapping[str, float | None]
    standings: Sequence[Standing]

    @property
    def void_styles(self) -> list[str]:
        """Styles whose true pictures the expression judge does not know."""
        return [style for style, one in self.validity.items() if not one.is_valid]


def load_evaluation_set(
    roots: Sequence[Path], limit: int | None = None, trained_on: Collection[str] = ()
) -> EvaluationSet:
    """Read the test identities of every style, at most `limit` of each.

    Those that a run was `trained_on`, with other training styles than by default, are left out.

    Raises:
        SourceError: a file is missing, or no identity is held out.
    """
    by_style: dict[str, Sequence[Identity]] = {}
    for style in STYLES:
        entries = choose_entries(roots, _TESTED, styles=(style,))
        entries = [entry for entry in entries if entry.name not in trained_on]
        entries = sorted(entries, key=lambda entry: stable_hash(entry.name))[:limit]
        loaded = (entry.load() for entry in entries)
        identities = shows_expressions(one for one in loaded if one is not None)
        if any(one.full_view(0) is not None for one in identities):
            by_style[style] = sorted(identities, key=lambda one: one.name)
    if not by_style:
        names = ", ".join(str(root) for root in roots)
        raise SourceError(
            f"{names}: no identity of the test split shows neutral and an expression; expected "
            "numbers that end in 9 or 0, or a style that is not trained on. Add a set.",
            kind="set-without-test",
        )
    choosing = load_sets(roots, _CHOOSING, limit=_MOST_FOR_VERIFICATION)
    return EvaluationSet(by_style, shows_expressions(choosing))


def evaluate_runs(
    contenders: Sequence[Contender],
    judges: Judges,
    held_out: EvaluationSet,
    report: Callable[[str], None],
    gauges: Sequence[Gauge] = (),
) -> Evaluation:
    """Measure every run on every identity, at the largest run's size."""
    side_px = max(one.model.side_px for one in contenders)
    collector = Collector(contenders, judges, gauges)
    validity = {}
    for style, identities in held_out.by_style.items():
        report(f"{style}: {len(identities)} identities")
        for identity in identities:
            subject = subject_from_identity(identity, side_px)
            if subject.numbers_of(Kind.FULL):
                collector.add(subject)
        validity[style] = judge_true_pictures(judges, identities)
    table = collector.measurements()
    splits = splits_of(table)
    void = [style for style, one in validity.items() if not one.is_valid]
    return Evaluation(
        contenders=contenders,
        costs={one.name: cost_of(one.model) for one in contenders},
        side_px=side_px,
        table=table,
        splits=splits,
        validity=validity,
        verification_accuracy=_verified(judges, held_out),
        max_yaw_deg={one.name: max_yaw_deg(table, one.name) for one in contenders},
        standings=standings(table, splits, contenders, void),
    )


def _verified(judges: Judges, held_out: EvaluationSet) -> float | None:
    """Verification on skin, or on photographs where there is no skin."""
    for style in (STYLES[0], PHOTOGRAPHS):
        testing = held_out.by_style.get(style, ())[:_MOST_FOR_VERIFICATION]
        choosing = [one for one in held_out.validation if one.style == style]
        accuracy = verify_identities(judges, choosing, testing)
        if accuracy is not None:
            return accuracy
    return None
