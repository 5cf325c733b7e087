"""Every measure of one face, as figures by their names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from reggan_training.metrics.motion.face import (
    FaceAnswer,
    FacePart,
    PixelMask,
    Planes,
    TrueFace,
    changeable_region,
    changed_region,
    moved_region,
    part_masks,
)
from reggan_training.metrics.motion.quantities import (
    colour_error,
    count_folds,
    explained_motion,
    left_region,
    measure_detail,
    measure_ghost,
    region_psnr_db,
)
from reggan_training.metrics.trials import mean_of_each

WHOLE = "face"
"""The name of the whole crop among the parts of a face."""
PARTS = (WHOLE, *(part.value for part in FacePart))

Figures = dict[str, float]
"""By quantity, and by `named` quantity and part. NaN where a face has nothing to measure."""

RESULT, INPUT = "result", "unchanged input"


def named(quantity: str, part: str = WHOLE) -> str:
    """Name the key of a quantity for a part of the face."""
    return quantity if part == WHOLE else f"{quantity}, {part}"


def measure_picture(picture: Planes, face: TrueFace) -> Figures:
    """Measure what can be seen, whatever made the picture, in the whole face and each part.

    Quantities: `psnr` in dB, `detail`, `ghost` (excess over the truth), `colour` (median ΔE2000 of
    what is uncovered).
    """
    changed, left = changed_region(face), left_region(face)
    figures: Figures = {}
    for part, where in _regions(face).items():
        here = where & changed
        figures |= {
            named("psnr", part): region_psnr_db(picture, face.target, here),
            named("detail", part): measure_detail(picture, face.target, here).whole,
            named("ghost", part): measure_ghost(picture, face, where & left),
            named("colour", part): colour_error(picture, face, where),
        }
    return figures


def measure_motion(made: FaceAnswer, face: TrueFace) -> Figures:
    """Measure what a model answered besides the picture.

    Quantities: `projection` and `explained` (see `MotionShares`) for the whole face and each part;
    `folds`.
    """
    moved = moved_region(face)
    figures: Figures = {"folds": float(count_folds(made.behind, made.cover))}
    for part, where in _regions(face).items():
        share = explained_motion(made.motion, face.motion, where & moved)
        figures[named("projection", part)] = share.projection
        figures[named("explained", part)] = share.share
    return figures


def _regions(face: TrueFace) -> Mapping[str, PixelMask]:
    """Parts of the face, without the crop's border, which the runtime lets no model change."""
    inside = changeable_region(face.side_px)
    masks = {part.value: mask & inside for part, mask in part_masks(face).items()}
    return {WHOLE: inside, **masks}


class ResultKind(Enum):
    """The request to a face."""

    FULL = "neutral source, full expression"
    HALF = "neutral source, half an expression"
    NEUTRALISED = "source with an expression, neutral"


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceResult:
    """One request to one face.

    Attributes:
        family: of the head; see `HeadMesh`.
        style: of its look, such as skin or stone.
        expression: the one that was asked for, or taken away.
        figures: by method, such as `RESULT`.
    """

    family: str
    identity: str
    style: str
    expression: str
    kind: ResultKind
    figures: Mapping[str, Figures]


Results = Sequence[FaceResult]


def of_kind(results: Results, *kinds: ResultKind) -> list[FaceResult]:
    """Those of some kinds."""
    return [one for one in results if one.kind in kinds]


def summarise(results: Results, method: str, quantity: str, part: str = WHOLE) -> float:
    """One figure of many faces.

    The mean over identities, whatever the number of their faces; the median over faces for colours,
    since few of them are far off. Faces with nothing to measure do not count; NaN if none is left.
    """
    values = values_of(results, method, named(quantity, part))
    if quantity == "colour":
        there = values[~np.isnan(values)]
        return float(np.median(there)) if there.size else float("nan")
    return _mean(results, values)


def mean_difference(
    results: Results, first: str, second: str, quantity: str, part: str = WHOLE
) -> float:
    """Mean difference of a quantity between two methods, on the same faces."""
    ours, theirs = (values_of(results, method, named(quantity, part)) for method in (first, second))
    return _mean(results, ours - theirs)


def values_of(
    results: Results, method: str, key: str
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return a figure of every face; NaN for a face that has none."""
    return np.array([one.figures.get(method, {}).get(key, float("nan")) for one in results])


def names_in(values: Iterable[str]) -> list[str]:
    """List the different names, in the order of their first appearance."""
    return list(dict.fromkeys(values))


def _mean(results: Results, values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    there = ~np.isnan(values)
    if not there.any():
        return float("nan")
    who = [f"{one.family}/{one.identity}" for one in results]
    kept = [name for name, is_there in zip(who, there, strict=True) if is_there]
    return float(mean_of_each(values[there], kept).mean())
