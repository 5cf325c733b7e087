"""Parts that are learnt without descent: the filters of every expression, and where faces change.

Expressions are fitted from neutral, neutral from all the others; each pair counts twice, as it
is and mirrored. Both pictures of a pair are cut by the landmarks of the neutral one.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from PIL import Image, ImageFilter
from torch import Tensor

from reggan_plugin.array_types import CropPixels, CropPlane
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.papers.ridge_regression import RegressionSettings, RidgeSums

LowPlane = Float[np.ndarray, "low low"]

RIM_SHARE = 0.04
"""Width of the rim, as a fraction of the crop's side, in which a mask is always 0."""
_CHANGE_LEVELS = 0.045
"""Change of a pixel, of 1, that counts as one: above JPEG noise and the half degree of tilt."""
_RARE, _COMMON = 0.05, 0.30
"""Share of the faces that change at a place: below the first the mask is 0, above the second 1."""

LARGEST_SUMS_BYTES = 2**30
"""Four expressions at 400 px with filters of their own for each channel (250 MB each)."""


class ChangeCounts:
    """In how many faces each expression changes each pixel. Counts of disjoint data add up.

    Attributes:
        changed: faces that change at a pixel; float32 [expressions, side, side]. Row 0 stays 0.
        faces: faces that were looked at, for each expression; float32 [expressions].
    """

    def __init__(self, expressions: int, side_px: int) -> None:
        self.changed: Float[np.ndarray, "expressions side side"] = np.zeros(
            (expressions, side_px, side_px), np.float32
        )
        self.faces: Float[np.ndarray, " expressions"] = np.zeros(expressions, np.float32)

    def add(self, expression: int, neutral: CropPixels, image: CropPixels) -> None:
        """Take in one face, neutral and with an expression; both in [0, 1]."""
        change = np.abs(image - neutral).max(axis=-1)
        self.changed[expression] += _blur(change, change.shape[-1] / 64) > _CHANGE_LEVELS
        self.faces[expression] += 1

    def masks(self, low_px: int) -> Float[np.ndarray, "expressions low low"]:
        """Return masks in [0, 1] for the expressions, in order.

        The mask of an expression is what it changes in a neutral face; the mask of neutral is
        the union of all, as any of them may have to be undone. Left and right are treated alike.
        """
        share = self.changed / np.maximum(self.faces, 1)[:, None, None]
        share = np.maximum(share, share[:, :, ::-1])
        ramp = np.clip((share - _RARE) / (_COMMON - _RARE), 0, 1)
        smooth = ramp * ramp * (3 - 2 * ramp)
        soft = np.stack([_blur(plane, plane.shape[-1] / 48) for plane in smooth])
        soft[0] = soft[1:].max(axis=0)
        small = np.stack([_close(_shrink(mask, low_px)) for mask in soft])
        small = np.clip((small - 0.06) / 0.9, 0, 1)
        return (small * _fade_to_rim(low_px) * _face_oval(low_px)).astype(np.float32)


def _close(plane: LowPlane) -> LowPlane:
    """Fill holes and notches narrower than a ninth of a crop of 64 px: a nose, a cheek."""
    image = Image.fromarray((plane * 255 + 0.5).astype(np.uint8))
    for step in (ImageFilter.MaxFilter(7), ImageFilter.MinFilter(7), ImageFilter.GaussianBlur(1)):
        image = image.filter(step)
    return np.asarray(image, dtype=np.float32) / 255.0


def _face_oval(low_px: int) -> LowPlane:
    """1 on a face, 0 from the hairline and the ears on: hair and scenery move with no smile."""
    axis = (np.arange(low_px) + 0.5) / low_px
    radius = np.hypot((axis[None, :] - 0.5) / 0.40, (axis[:, None] - 0.52) / 0.46)
    return np.asarray(np.clip((1.0 - radius) / 0.16, 0, 1), dtype=np.float32)


def _fade_to_rim(low_px: int) -> LowPlane:
    """1 inside, 0 on the rim, a straight fade of a twelfth of the side between.

    The rim is one low pixel wider than asked for, which bilinear enlarging eats.
    """
    rim = np.ceil(RIM_SHARE * low_px) + 1
    depth = np.minimum(np.arange(low_px), np.arange(low_px)[::-1])
    fade = np.clip((np.minimum(depth[:, None], depth) - rim + 1) / (low_px / 12), 0, 1)
    return np.asarray(fade, dtype=np.float32)


def _blur(plane: CropPlane, radius_px: float) -> CropPlane:
    """Gaussian blur of a plane; values in [0, 1] are kept to 1/255."""
    levels = np.clip(plane * 255 + 0.5, 0, 255).astype(np.uint8)
    blurred = Image.fromarray(levels).filter(ImageFilter.GaussianBlur(radius_px))
    return np.asarray(blurred, dtype=np.float32) / 255.0


def _shrink(plane: CropPlane, low_px: int) -> LowPlane:
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((low_px, low_px), Image.Resampling.BOX))


def fit_closed_form(
    model: ExpressionModel, identities: Sequence[Identity], *, keep_unseen: bool = False
) -> None:
    """Learn, without descent, what can be: masks, and the filters of a regression layer.

    An expression that no identity shows gets a mask of 0 and copies the input, or keeps what the
    model had.
    """
    masks, seen = masks_from_identities(identities, model.side_px, model.masks.shape[-1])
    model.take_masks(masks, seen, keep_unseen=keep_unseen)
    if isinstance(model, MaskedRegression):
        settings = model.regression.settings
        solved = filters_from_identities(settings, identities, model.side_px)
        model.take_filters(solved, keep_unseen=keep_unseen)


def masks_from_identities(
    identities: Sequence[Identity], side_px: int, low_px: int
) -> tuple[Float[Tensor, "expressions low low"], Bool[Tensor, " expressions"]]:
    """Return the soft mask of every expression, and which expressions are shown at all.

    An expression that no identity shows beside its neutral face has a mask of 0.
    """
    counts = ChangeCounts(len(EXPRESSION_NAMES), side_px)
    for identity in identities:
        crops = crops_by_expression(identity, side_px)
        pictures = {number: crop[0].permute(1, 2, 0).numpy() for number, crop in crops.items()}
        for number, picture in pictures.items():
            if number:
                counts.add(number, pictures[0], picture)
    seen = torch.from_numpy(counts.faces > 0)
    seen[0] = seen.any()
    masks = torch.from_numpy(counts.masks(low_px))
    return torch.where(seen[:, None, None], masks, torch.zeros(())), seen


def filters_from_identities(
    settings: RegressionSettings, identities: Sequence[Identity], side_px: int
) -> Mapping[int, Float[Tensor, "filter_channels columns side side"]]:
    """Solve the regression layer of every expression that an identity shows, by its number."""
    solved: dict[int, Tensor] = {}
    for group in expression_groups(settings):
        sums = {number: RidgeSums(settings) for number in group}
        pairs = dict.fromkeys(group, 0)
        for identity in identities:
            crops = crops_by_expression(identity, side_px)
            for number in group:
                pairs[number] += add_pairs(sums[number], crops, number)
        solved |= {number: sums[number].solve() for number in group if pairs[number]}
    return solved


def expression_groups(settings: RegressionSettings) -> Iterator[range]:
    """Numbers of the expressions that are summed in one pass over the data."""
    together = max(1, LARGEST_SUMS_BYTES // settings.sums_bytes)
    for start in range(0, len(EXPRESSION_NAMES), together):
        yield range(start, min(start + together, len(EXPRESSION_NAMES)))


def crops_by_expression(
    identity: Identity, side_px: int
) -> Mapping[int, Float[Tensor, "1 3 side side"]]:
    """Crops of a face's full expressions, by its neutral landmarks; none without a neutral view."""
    neutral = identity.full_view(0)
    if neutral is None:
        return {}
    crop = identity.place_crop(side_px, neutral)
    views = {number: identity.full_view(number) for number in range(len(EXPRESSION_NAMES))}
    return {
        number: torch.from_numpy(identity.cut(view, crop)).permute(2, 0, 1)[None]
        for number, view in views.items()
        if view is not None
    }


def full_pairs(crops: Mapping[int, Tensor], number: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Source and target [1 3 side side] of the pairs that teach an expression."""
    for shown in crops if number == 0 else (number,):
        if shown and shown in crops:
            yield (crops[0], crops[shown]) if number else (crops[shown], crops[0])


def add_pairs(sums: RidgeSums, crops: Mapping[int, Tensor], number: int) -> int:
    """Sum the pairs of one face, as they are and mirrored; returns how many."""
    added = 0
    for pair in full_pairs(crops, number):
        factor = pair[0].shape[-1] // sums.settings.side_px
        source, target = (F.avg_pool2d(image, factor) for image in pair)
        sums.add(source, target)
        sums.add(source.flip(-1), target.flip(-1))
        added += 2
    return added
