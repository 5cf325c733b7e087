"""From faces on disk to the filters of every expression, in parts that several machines sum.

Faces are read one after another, so memory does not grow with their number. All expressions are
summed in one pass over the data if their sums fit into `LARGEST_SUMS_BYTES` together, otherwise
as many in a pass as do. What a pair is, `closed_form` says.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.contract_1.change_masks import ChangeCounts
from reggan_training.contract_1.closed_form import (
    add_pairs,
    count_changes,
    crops_by_expression,
    expression_groups,
    full_pairs,
)
from reggan_training.contract_1.regression import RegressionSettings, RidgeSums, apply_filters
from reggan_training.contract_1.regression_sums import (
    PartRecord,
    check_that_parts_add,
    merged_sums,
    write_counts,
    write_sums,
)
from reggan_training.data.identity import Identity
from reggan_training.data.set_files import Entry

PENALTIES = (0.006, 0.025, 0.1, 0.4, 1.6, 6.4)
"""Penalties to choose from: the earlier work's 0.4, and steps of four around it."""

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Part `index` of `count`, counted from 1: every count-th identity."""

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"no shard {self.index} of {self.count}")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def of(self, faces: Sequence[Entry]) -> Sequence[Entry]:
        """The faces of this shard."""
        return faces[self.index - 1 :: self.count]


def sum_part(
    faces: Sequence[Entry],
    folder: Path,
    settings: RegressionSettings,
    *,
    image_side_px: int,
    shard: Shard,
    data: tuple[str, ...],
    report: Report,
) -> PartRecord:
    """Sum the pairs of a shard and write them to `folder` (see `regression_sums`).

    Raises:
        SourceError: the shard holds no pair at all.
    """
    faces = shard.of(faces)
    folder.mkdir(parents=True, exist_ok=True)
    counts, digests = ChangeCounts(len(EXPRESSION_NAMES), image_side_px), dict[str, str]()
    pairs = dict.fromkeys(EXPRESSION_NAMES, 0)
    for group in expression_groups(settings):
        group_sums = {number: RidgeSums(settings) for number in group}
        for identity in _readable(faces):
            crops = crops_by_expression(identity, image_side_px)
            if 0 in group:
                digests[identity.name] = hashlib.sha256(identity.images.tobytes()).hexdigest()
                count_changes(counts, crops)
            for number, sums in group_sums.items():
                added = add_pairs(sums, crops, number)
                pairs[EXPRESSION_NAMES[number]] += added
        for number, sums in group_sums.items():
            write_sums(folder, EXPRESSION_NAMES[number], sums)
            report(f"{EXPRESSION_NAMES[number]}: {pairs[EXPRESSION_NAMES[number]]} pairs")
    if not any(pairs.values()):
        raise SourceError(
            f"Shard {shard} of {', '.join(data)} has {len(faces)} training faces and no pair; "
            "expected a neutral picture and one at full intensity. Add such faces, or ask for "
            "fewer shards."
        )
    write_counts(folder, counts)
    record = PartRecord(
        layer=settings,
        image_side_px=image_side_px,
        shard=str(shard),
        data=data,
        identities=digests,
        pairs=pairs,
    )
    record.write(folder)
    return record


@dataclass(frozen=True, kw_only=True)
class ValidationErrors:
    """Mean squared errors on held-out faces, by expression, over whole crops in [0, 1].

    Expressions that no held-out face shows are left out.

    Attributes:
        unchanged: of the source itself.
        by_penalty: of the layer, for each penalty that was tried.
    """

    unchanged: Mapping[str, float]
    by_penalty: Mapping[float, Mapping[str, float]]

    @property
    def best_penalty(self) -> float:
        """The penalty of least error, all expressions weighing the same."""
        return min(self.by_penalty, key=lambda penalty: sum(self.by_penalty[penalty].values()))


def solve_parts(
    folders: Sequence[Path], settings: RegressionSettings
) -> Iterator[Float[Tensor, "filter_channels columns side side"]]:
    """The filters of every expression in order; those of one that no pair shows copy the input.

    Raises:
        SourceError: parts do not add.
    """
    records = check_that_parts_add(folders)
    for expression in EXPRESSION_NAMES:
        shown = any(record.pairs[expression] for record in records)
        if shown:
            yield merged_sums(folders, expression, settings).solve()
        else:
            yield RidgeSums(replace(settings, towards_identity=True)).solve()


def validate_penalties(
    folders: Sequence[Path],
    settings: RegressionSettings,
    faces: Sequence[Entry],
    penalties: Sequence[float] = PENALTIES,
) -> ValidationErrors:
    """Measure what each penalty, in place of that of the settings, gives on held-out faces.

    Raises:
        SourceError: parts do not add, or the faces hold no pair at all.
    """
    image_side_px = check_that_parts_add(folders)[0].image_side_px
    solved = [_solve_all(folders, settings, name, penalties) for name in EXPRESSION_NAMES]
    unchanged = dict.fromkeys(EXPRESSION_NAMES, 0.0)
    by_penalty = {penalty: dict(unchanged) for penalty in penalties}
    pairs = dict.fromkeys(EXPRESSION_NAMES, 0)
    for identity in _readable(faces):
        crops = crops_by_expression(identity, image_side_px)
        for number, name in enumerate(EXPRESSION_NAMES):
            for source, target in full_pairs(crops, number):
                pairs[name] += 1
                unchanged[name] += float(F.mse_loss(source, target))
                for penalty, filters in solved[number].items():
                    made = apply_to_crop(source, filters, settings)
                    by_penalty[penalty][name] += float(F.mse_loss(made, target))
    shown = [name for name, count in pairs.items() if count]
    if not shown:
        raise SourceError(
            f"Of {len(faces)} validation faces none shows neutral and an expression; expected one "
            "at least. Name the penalty, or add faces whose number ends in 8.",
            kind="penalty-is-not-named",
        )
    return ValidationErrors(
        unchanged={name: unchanged[name] / pairs[name] for name in shown},
        by_penalty={
            penalty: {name: errors[name] / pairs[name] for name in shown}
            for penalty, errors in by_penalty.items()
        },
    )


def apply_to_crop(
    crop: Float[Tensor, "batch 3 side side"],
    filters: Float[Tensor, "filter_channels columns low low"],
    settings: RegressionSettings,
) -> Float[Tensor, "batch 3 side side"]:
    """The crop with what filters of its size, or a whole number of times smaller, change."""
    low = F.avg_pool2d(crop, crop.shape[-1] // settings.side_px)
    change = apply_filters(low, filters, settings) - low
    size = (crop.shape[-1], crop.shape[-1])
    larger = F.interpolate(change, size=size, mode="bilinear", align_corners=False)
    return (crop + larger).clamp(0.0, 1.0)


def _readable(faces: Sequence[Entry]) -> Iterator[Identity]:
    """The identities one after another, without those in which no face could be found."""
    for face in faces:
        identity = face.load()
        if identity is not None:
            yield identity


def _solve_all(
    folders: Sequence[Path],
    settings: RegressionSettings,
    expression: str,
    penalties: Sequence[float],
) -> dict[float, Tensor]:
    sums = merged_sums(folders, expression, settings)
    return {penalty: sums.solve(penalty) for penalty in penalties}
