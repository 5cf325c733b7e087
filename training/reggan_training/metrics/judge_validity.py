"""Validity of the judges: their own accuracy on true, held-out pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity
from reggan_training.metrics.face_views import CROP_SIDE_PX, recoloured_views
from reggan_training.metrics.judges import (
    Judges,
    chosen_threshold,
    identity_pairs,
    name_expressions,
    verification_accuracy,
)
from reggan_training.metrics.trials import full_views

LEAST_ACCURACY = 0.9
"""Below this share of true pictures named rightly, an ECS says nothing: it is void."""


@dataclass(frozen=True, eq=False)
class ExpressionValidity:
    """Results of the expression judge on true pictures of one style.

    `confusion` counts pictures by their true (row) and their named (column) expression.
    """

    confusion: Int[np.ndarray, "expressions expressions"]

    @property
    def accuracy(self) -> float:
        """Share of the pictures that are named rightly."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def is_valid(self) -> bool:
        """True if an ECS of this style may be believed."""
        return self.accuracy >= LEAST_ACCURACY

    @property
    def reason(self) -> str:
        """The reason why the ECS is void, with the pair of expressions that is confused most."""
        mistaken = self.confusion * (1 - np.eye(len(self.confusion), dtype=np.int64))
        true, named = np.unravel_index(int(mistaken.argmax()), mistaken.shape)
        return (
            f"the judge names {self.accuracy:.0%} of the true pictures rightly, needed are "
            f"{LEAST_ACCURACY:.0%}; most often it takes {EXPRESSION_NAMES[true]} for "
            f"{EXPRESSION_NAMES[named]}"
        )


def judge_true_pictures(judges: Judges, identities: Sequence[Identity]) -> ExpressionValidity:
    """Let the expression judge name the neutral and full views of identities of one style."""
    count = len(EXPRESSION_NAMES)
    confusion = np.zeros((count, count), dtype=np.int64)
    for identity in identities:
        pictures, true = full_views(identity, CROP_SIDE_PX)
        named = name_expressions(judges.expression, pictures, true).argmax(dim=1).numpy()
        np.add.at(confusion, (np.array(true), named), 1)
    return ExpressionValidity(confusion)


def verify_identities(
    judges: Judges, choosing: Sequence[Identity], testing: Sequence[Identity]
) -> float | None:
    """Accuracy of telling the test identities apart, at the threshold of other identities.

    Pairs show different expressions in different colours before different scenery; pairs of
    one identity and pairs of two count equally. None where one of the two is fewer than two.
    """
    if min(len(choosing), len(testing)) < 2:
        return None
    pairs = [
        identity_pairs(judges.face, [recoloured_views(identity) for identity in identities])
        for identities in (choosing, testing)
    ]
    return verification_accuracy(pairs[1], chosen_threshold(pairs[0]))
