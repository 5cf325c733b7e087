"""Design of a study: its comparisons, and the orders in which raters see them.

Sides are balanced where they are drawn up, not by luck: within every form, each pair of methods
stands either way round equally often (to within one), and of every form there is one that
mirrors it.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reggan_plugin.errors import UsageError

if TYPE_CHECKING:
    from reggan_training.papers.study.pictures import Face

QUESTIONS = ("expression", "identity", "realism")
CHECK_QUESTIONS = ("identity",)
"""Questions of an attention check: only this has an answer that is known without a method."""
SAME, OTHER = "same person", "another person"
"""Contents of the two pictures of an attention check, in place of methods."""
FORMS = 32
"""Orders that a study comes in; a rater gets one of them by chance."""
USUAL_COMPARISONS = 40

Turn = tuple[int, bool]
"""Number of a comparison, and whether its first picture stands on the right."""


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """Settings of a study for one rater.

    Attributes:
        comparisons: pairs of pictures, None for 40 or as many as there are.
        attention_checks: further pairs whose answer is known.
        side_px: longer side of every picture.
        seed: decides pictures, names and orders.
        contact: whom a rater can ask; shown with the consent.
    """

    comparisons: int | None = None
    attention_checks: int = 3
    side_px: int = 320
    seed: int = 1
    contact: str = ""


@dataclass(frozen=True)
class StudyComparison:
    """Two methods' pictures of a face; in an attention check `labels` are `SAME`, `OTHER`."""

    face: "Face"
    labels: tuple[str, str]
    other: "Face | None" = None
    """Whose original is shown as another person in an attention check."""

    @property
    def is_check(self) -> bool:
        """True if the right answer is known."""
        return self.other is not None

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions, in order."""
        return CHECK_QUESTIONS if self.is_check else QUESTIONS


def plan_comparisons(
    methods: Sequence[str],
    faces: Sequence["Face"],
    settings: StudySettings,
    random: np.random.Generator,
) -> tuple[StudyComparison, ...]:
    """Comparisons with every pair of methods on the same faces, and the attention checks.

    Faces are taken expression by expression in turn, so that each expression comes equally often
    (to within one for each pair).

    Raises:
        UsageError: there are fewer than two methods, too few faces for the number of comparisons,
            or one identity only and attention checks.
    """
    if len(methods) < 2:
        raise UsageError(f"{len(methods)} method to compare; a study needs two or more.")
    pairs = list(itertools.combinations(methods, 2))
    possible = len(pairs) * len(faces)
    count = settings.comparisons or min(USUAL_COMPARISONS, possible)
    if count > possible:
        raise UsageError(
            f"{count} comparisons were asked for; {len(faces)} faces and {len(pairs)} pairs of "
            f"methods give {possible}. Ask for at most that.",
            kind="too-many-comparisons",
            possible=possible,
        )
    faces_in_turn = _take_expressions_in_turn(faces, random)
    pairs = [pairs[i] for i in random.permutation(len(pairs))]
    drawn = [StudyComparison(face, pair) for face in faces_in_turn for pair in pairs][:count]
    return (*drawn, *_plan_checks(faces, settings.attention_checks, random))


def plan_forms(
    comparisons: Sequence[StudyComparison], random: np.random.Generator
) -> tuple[tuple[Turn, ...], ...]:
    """`FORMS` orders of all comparisons; numbers 2k and 2k + 1 show every pair mirrored."""
    forms: list[tuple[Turn, ...]] = []
    for _ in range(FORMS // 2):
        is_swapped = _balanced_sides(comparisons, random)
        for mirrored in (False, True):
            order = random.permutation(len(comparisons)).tolist()
            forms.append(tuple((i, is_swapped[i] != mirrored) for i in order))
    return tuple(forms)


def _take_expressions_in_turn(faces: Sequence["Face"], random: np.random.Generator) -> "list[Face]":
    by_expression = defaultdict(list)
    for face in (faces[i] for i in random.permutation(len(faces))):
        by_expression[face.expression].append(face)
    rounds = itertools.zip_longest(*by_expression.values())
    return [face for one_round in rounds for face in one_round if face is not None]


def _plan_checks(
    faces: Sequence["Face"], count: int, random: np.random.Generator
) -> list[StudyComparison]:
    """Plan comparisons of the original itself with the original of another identity."""
    identities = sorted({face.identity for face in faces})
    if count and len(identities) < 2:
        raise UsageError(
            f"All pictures are of {identities[0]}; an attention check shows another person beside "
            "the same one. Add an identity, or leave the checks out.",
            kind="no-attention-checks",
        )
    checks = []
    for _ in range(count):
        face = faces[int(random.integers(len(faces)))]
        others = [other for other in faces if other.identity != face.identity]
        other = others[int(random.integers(len(others)))]
        checks.append(StudyComparison(face, (SAME, OTHER), other))
    return checks


def _balanced_sides(
    comparisons: Sequence[StudyComparison], random: np.random.Generator
) -> list[bool]:
    """For each comparison whether its sides are swapped: half of those of each pair are."""
    by_pair = defaultdict(list)
    for number, comparison in enumerate(comparisons):
        by_pair[comparison.labels].append(number)
    is_swapped = [False] * len(comparisons)
    for numbers in by_pair.values():
        extra = int(random.integers(2)) if len(numbers) % 2 else 0
        for place in random.permutation(len(numbers))[: len(numbers) // 2 + extra]:
            is_swapped[numbers[place]] = True
    return is_swapped
