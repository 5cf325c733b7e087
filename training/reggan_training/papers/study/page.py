"""A study as it goes out: its comparisons in the orders in which raters see them, and the key.

Sides are balanced where they are drawn up, not by luck: within every form, each pair of methods
stands either way round equally often (to within one), and of every form there is one that
mirrors it.
"""

import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.drawing.web_page import html_from_parts
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.frozen import frozen
from reggan_training.papers.study.pictures import Face, Picture, StudyPictures

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
SCHEMA = 1
KEY_KIND = "reggan-plugin study key"
_JPEG_QUALITY = 95
_LARGEST_SHAPE_DIFFERENCE = 0.01
_ORIGINAL = ""
"""Stands for the input where a method's name would stand."""
What = tuple[str, Face]
"""A method, or `_ORIGINAL`, and the face."""


@frozen
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


@frozen(kw_only=False)
class StudyComparison:
    """Two methods' pictures of a face; in an attention check `labels` are `SAME`, `OTHER`."""

    face: Face
    labels: tuple[str, str]
    other: Face | None = None
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
    faces: Sequence[Face],
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


def _take_expressions_in_turn(faces: Sequence[Face], random: np.random.Generator) -> list[Face]:
    by_expression = defaultdict(list)
    for face in (faces[i] for i in random.permutation(len(faces))):
        by_expression[face.expression].append(face)
    rounds = itertools.zip_longest(*by_expression.values())
    return [face for one_round in rounds for face in one_round if face is not None]


def _plan_checks(
    faces: Sequence[Face], count: int, random: np.random.Generator
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


def html_from_page(page: Mapping[str, Any]) -> str:
    """Write the page as one file that loads nothing, from nowhere."""
    return html_from_parts(Path(__file__).parent / "rater_page", page)


@frozen
class _Trial:
    """A comparison with the pictures that it shows."""

    name: str
    comparison: StudyComparison
    original: str
    first: str
    second: str


def pack_study(
    source: StudyPictures, settings: StudySettings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw up a study; the same pictures and settings give the same one.

    Returns the raters' page, in which no name of a method or an identity is, and the key to its
    opaque names, which only the experimenter keeps.

    An input that several comparisons share is in the page once.

    Raises:
        UsageError: the settings ask for more than the pictures can give.
        SourceError: a picture cannot be read, or has another shape than its original.
    """
    random = np.random.default_rng(settings.seed)
    comparisons = plan_comparisons(source.methods, source.faces, settings, random)
    forms = plan_forms(comparisons, random)
    shown = [_pictures_of(comparison) for comparison in comparisons]
    encoded = _encode(source, shown, settings.side_px)
    different = list(dict.fromkeys((what[0], content) for what, content in encoded.items()))
    names = _draw_names(len(different) + len(shown), random)
    name_of_content = dict(zip(different, names, strict=False))
    name_of = {what: name_of_content[what[0], content] for what, content in encoded.items()}
    trials = [
        _trial_of(name, comparison, *(name_of[what] for what in three))
        for name, comparison, three in zip(names[len(different) :], comparisons, shown, strict=True)
    ]
    pictures = {name: content for (_, content), name in name_of_content.items()}
    page = _page_of(trials, forms, pictures, settings)
    key = {
        "kind": KEY_KIND,
        "schema": SCHEMA,
        "study": page["id"],
        "seed": settings.seed,
        "methods": list(source.methods),
        "trials": {trial.name: _key_trial(trial) for trial in trials},
    }
    return page, key


def _page_of(
    trials: Sequence[_Trial],
    forms: Sequence[Sequence[Turn]],
    pictures: Mapping[str, bytes],
    settings: StudySettings,
) -> dict[str, Any]:
    """Return the page's data; all in the order of the opaque names, which says nothing."""
    in_page = sorted(trials, key=lambda trial: trial.name)
    place = {trial.name: number for number, trial in enumerate(in_page)}
    page: dict[str, Any] = {
        "schema": SCHEMA,
        "contact": settings.contact,
        "trials": [
            {
                "id": trial.name,
                "expression": trial.comparison.face.expression,
                "original": trial.original,
                "questions": trial.comparison.questions,
            }
            for trial in in_page
        ],
        "forms": [[[place[trials[i].name], *_sides(trials[i], s)] for i, s in f] for f in forms],
        "pictures": dict(sorted(pictures.items())),
    }
    page["id"] = _digest(page)
    return page


def _sides(trial: _Trial, is_swapped: bool) -> tuple[str, str]:
    """Return the pictures on the left and on the right."""
    return (trial.second, trial.first) if is_swapped else (trial.first, trial.second)


def _key_trial(trial: _Trial) -> dict[str, Any]:
    comparison = trial.comparison
    return {
        "is_check": comparison.is_check,
        "identity": comparison.face.identity,
        "expression": comparison.face.expression,
        "questions": list(comparison.questions),
        "pictures": dict(zip((trial.first, trial.second), comparison.labels, strict=True)),
    }


def _trial_of(
    name: str, comparison: StudyComparison, original: str, first: str, second: str
) -> _Trial:
    """Make a trial; raises SourceError where two people have one picture, which nobody can tell."""
    if first == second:
        others = (comparison.face, comparison.other or comparison.face)
        raise SourceError(
            f"The inputs of {' and '.join(face.identity for face in others)} are the same picture. "
            "Take one of them out, or leave the checks out.",
            kind="no-attention-checks",
        )
    return _Trial(name=name, comparison=comparison, original=original, first=first, second=second)


def _pictures_of(comparison: StudyComparison) -> tuple[What, What, What]:
    """Return the original and the two pictures that are compared."""
    face = comparison.face
    if comparison.other is not None:
        return (_ORIGINAL, face), (_ORIGINAL, face), (_ORIGINAL, comparison.other)
    first, second = comparison.labels
    return (_ORIGINAL, face), (first, face), (second, face)


def _draw_names(count: int, random: np.random.Generator) -> list[str]:
    """Names that say nothing, all different: ten hexadecimal digits."""
    names: dict[str, None] = {}
    while len(names) < count:
        names[random.bytes(5).hex()] = None
    return list(names)


def _encode(
    source: StudyPictures, shown: Iterable[Iterable[What]], side_px: int
) -> dict[What, bytes]:
    """Every picture once, as JPEG of one size, so that no format gives a method away."""
    encoded = {}
    for method, face in dict.fromkeys(itertools.chain.from_iterable(shown)):
        original = source.read_original(face)
        picture = original if method == _ORIGINAL else source.read_result(method, face)
        _require_same_shape(original, picture, method, face)
        encoded[method, face] = _jpeg_from_picture(picture, side_px)
    return encoded


def _require_same_shape(
    original: Picture, picture: UInt8[np.ndarray, "high wide 3"], method: str, face: Face
) -> None:
    (height, width), (high, wide) = original.shape[:2], picture.shape[:2]
    if abs(wide * height / (high * width) - 1) > _LARGEST_SHAPE_DIFFERENCE:
        raise SourceError(
            f"{method}'s picture of {face.identity}, {face.expression} is {wide}x{high}, its input "
            f"{width}x{height}; the shapes must agree. Crop both in the same way."
        )


def _jpeg_from_picture(picture: Picture, side_px: int) -> bytes:
    image = Image.fromarray(picture)
    scale = side_px / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return encoded_picture(image, "JPEG", quality=_JPEG_QUALITY, subsampling=0)


def _digest(page: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change with any picture, order or word."""
    plain = json.dumps(page, default=lambda content: hashlib.sha256(content).hexdigest())
    return hashlib.sha256(plain.encode()).hexdigest()[:12]
