"""What the readers of a run read from heads that they have not seen."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_training.motion.reader_task import Readers
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.lip_seam import MOUTH_CORNER_X, SEAM_Y
from reggan_training.pairs.portraits import Portraits, draw_portraits
from reggan_training.pairs.truth import PixelKind

_LOOKS, _BATCH = 4, 16
_NEAR_SEAM = 0.1
"""In eye distances."""


@dataclass(frozen=True, kw_only=True)
class ReadHeads:
    """Figures of a family's heads, each in several looks and all of its states.

    Attributes:
        family: of the heads.
        portraits: that were read.
        place: mean distance between the read place of a face's pixel and the true one, in eye
            distances.
        seam: mean error of the height of what lies beside the line of the lips, in eye distances.
        front: intersection over union of what stands before the face; NaN where nothing does.
        worn: explained share of the energy of the weights that the pictures show.
    """

    family: str
    portraits: int
    place: float
    seam: float
    front: float
    worn: float


@torch.no_grad()
def measure_reading(readers: Readers, heads: Mapping[str, Sequence[Path]]) -> list[ReadHeads]:
    """Measure every family; the looks are the same each time."""
    return [_of_family(readers, family, paths) for family, paths in heads.items()]


def _of_family(readers: Readers, family: str, paths: Sequence[Path]) -> ReadHeads:
    sums: dict[str, float] = {}
    count = 0
    for number, path in enumerate(paths):
        rows = draw_portraits(path, (2, number), _LOOKS * len(read_head(path).states))
        for begin in range(0, len(rows["weights"]), _BATCH):
            part = {name: values[begin : begin + _BATCH] for name, values in rows.items()}
            portraits = Portraits.from_compact(part)
            count += len(portraits.picture)
            for name, value in _errors(readers, portraits).items():
                sums[name] = sums.get(name, 0.0) + float(value)
    return ReadHeads(
        family=family,
        portraits=count,
        place=sums["place"] / sums["face"],
        seam=sums["seam"] / sums["beside"],
        front=sums["both"] / sums["either"] if sums["before"] else math.nan,
        worn=1 - sums["lost"] / sums["energy"],
    )


def _errors(readers: Readers, portraits: Portraits) -> dict[str, Float[Tensor, ""]]:
    surface = readers.surface(portraits.picture)
    weights = readers.source(portraits.picture)
    is_face = portraits.kind <= PixelKind.EYE
    error = surface.place - portraits.place
    x, y = portraits.place[:, :1], portraits.place[:, 1:]
    is_lip = portraits.kind == PixelKind.SKIN
    is_lip &= (x.abs() < MOUTH_CORNER_X) & ((y - SEAM_Y).abs() < _NEAR_SEAM)
    read_front = surface.kinds.argmax(1, keepdim=True) == PixelKind.FRONT
    is_front = portraits.kind == PixelKind.FRONT
    return {
        "place": (error.norm(dim=1, keepdim=True) * is_face).sum(),
        "face": is_face.sum(),
        "seam": (error[:, 1:].abs() * is_lip).sum(),
        "beside": is_lip.sum(),
        "both": (read_front & is_front).sum(),
        "either": (read_front | is_front).sum(),
        "before": is_front.sum(),
        "lost": (weights - portraits.weights).square().sum(),
        "energy": portraits.weights.square().sum(),
    }
