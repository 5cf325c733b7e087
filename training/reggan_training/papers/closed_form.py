"""Parts that are learnt without descent: the filters of every expression, and where faces change.

Expressions are fitted from neutral, neutral from all the others; each pair counts twice, as it
is and mirrored. Both pictures of a pair are cut by the landmarks of the neutral one.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity
from reggan_training.papers.change_masks import ChangeCounts
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.papers.regression import RegressionSettings, RidgeSums

LARGEST_SUMS_BYTES = 2**30
"""Four expressions at 400 px with filters of their own for each channel (250 MB each)."""


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
    """The soft mask of every expression, and which expressions are shown at all.

    An expression that no identity shows beside its neutral face has a mask of 0.
    """
    counts = ChangeCounts(len(EXPRESSION_NAMES), side_px)
    for identity in identities:
        count_changes(counts, crops_by_expression(identity, side_px))
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


def count_changes(counts: ChangeCounts, crops: Mapping[int, Tensor]) -> None:
    """Count where every expression of one face changes its neutral picture."""
    pictures = {number: crop[0].permute(1, 2, 0).numpy() for number, crop in crops.items()}
    for number, picture in pictures.items():
        if number:
            counts.add(number, pictures[0], picture)
