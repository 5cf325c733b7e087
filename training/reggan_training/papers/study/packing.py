"""A study as it goes out: pictures and orders under opaque names, and the key to them."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reggan_plugin.drawing.encoded_picture import encoded_picture
from reggan_plugin.drawing.web_page import html_from_parts
from reggan_plugin.errors import SourceError
from reggan_training.papers.study.design import (
    StudyComparison,
    StudySettings,
    Turn,
    plan_comparisons,
    plan_forms,
)
from reggan_training.papers.study.pictures import Face, Picture, StudyPictures

SCHEMA = 1
KEY_KIND = "reggan-plugin study key"
_JPEG_QUALITY = 95
_LARGEST_SHAPE_DIFFERENCE = 0.01
_ORIGINAL = ""
"""Stands for the input where a method's name would stand."""
What = tuple[str, Face]
"""A method, or `_ORIGINAL`, and the face."""


def html_from_page(page: Mapping[str, Any]) -> str:
    """Write the page as one file that loads nothing, from nowhere."""
    return html_from_parts(Path(__file__).parent / "rater_page", page)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study: the raters' part, and the part that only the experimenter keeps.

    Attributes:
        page: everything that the page needs; no name of a method or an identity is in it.
        key: what its opaque names stand for.
    """

    page: Mapping[str, Any]
    key: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A comparison with the pictures that it shows."""

    name: str
    comparison: StudyComparison
    original: str
    first: str
    second: str


def pack_study(source: StudyPictures, settings: StudySettings) -> Study:
    """Draw up a study; the same pictures and settings give the same one.

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
    return Study(page=page, key=key)


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
