"""Monotony: more intensity is more of the expression. One picture at five intensities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from reggan_training.metrics.contenders import Contender, composite, mask_of
from reggan_training.metrics.judges import Judges, name_expressions
from reggan_training.metrics.statistics import Estimate, estimate_mean, mean_of_each
from reggan_training.metrics.trials import Kind, TrialSubject

INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The first is the unchanged input."""
TOLERANCE = 0.02
"""A probability that falls by no more than this from one intensity to the next still rises."""
LEAST_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class Rises:
    """The judge's probability of the wanted expression for one run, a row for each face.

    A face is an identity with an expression.
    """

    identities: tuple[str, ...]
    styles: tuple[str, ...]
    probabilities: Float[np.ndarray, "faces intensities"]

    def of_styles(self, styles: Sequence[str]) -> "Rises":
        """The faces of these styles."""
        kept = [i for i, style in enumerate(self.styles) if style in styles]
        return Rises(
            tuple(self.identities[i] for i in kept),
            tuple(self.styles[i] for i in kept),
            self.probabilities[kept],
        )

    @property
    def share(self) -> Estimate:
        """The share of faces that rise, as a mean over identities.

        Raises:
            ValueError: there is no face.
        """
        rises = rise(self.probabilities).astype(np.float64)
        return estimate_mean(mean_of_each(rises, self.identities))


def rise(
    probabilities: Float[np.ndarray, "faces intensities"],
) -> Bool[np.ndarray, " faces"]:
    """True where no step falls by more than the tolerance and the whole rises by more than it."""
    steps = np.diff(probabilities, axis=1)
    whole = probabilities[:, -1] - probabilities[:, 0]
    return np.asarray((steps >= -TOLERANCE).all(axis=1) & (whole > TOLERANCE))


def measure_rises(
    contenders: Sequence[Contender], judges: Judges, subject: TrialSubject
) -> dict[str, Rises]:
    """Every run on a subject's neutral source, by the run's name."""
    numbers = subject.numbers_of(Kind.FULL)
    if not numbers:
        return {}
    sources, whole = subject.sources[numbers], subject.commands[numbers]
    wanted, above = whole.argmax(dim=1), INTENSITIES[1:]
    unchanged = name_expressions(judges.expression, sources[:1], subject.shown)[0, wanted]
    many = sources.repeat_interleave(len(above), dim=0)
    commands = torch.tensor(above).repeat(len(numbers))[:, None] * whole.repeat_interleave(
        len(above), dim=0
    )
    mask = mask_of(contenders[0].model, many, commands)
    results = {}
    for one in contenders:
        made = composite(one.model, many, commands, mask)
        named = name_expressions(judges.expression, made, subject.shown)
        grown = named.gather(1, commands.argmax(dim=1)[:, None]).reshape(-1, len(above))
        results[one.name] = Rises(
            (subject.name,) * len(numbers),
            (subject.style,) * len(numbers),
            torch.cat([unchanged[:, None], grown], dim=1).double().numpy(),
        )
    return results


def joined(parts: Sequence[Rises]) -> Rises:
    """The faces of all parts together."""
    return Rises(
        tuple(name for part in parts for name in part.identities),
        tuple(style for part in parts for style in part.styles),
        np.concatenate([part.probabilities for part in parts]),
    )
