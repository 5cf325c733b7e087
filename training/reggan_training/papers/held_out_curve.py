"""The held-out curve: the same pairs of validation identities, scored again and again.

The score is the mean absolute difference of the composite from the true picture, where the pair
really differs: it is cheap, it falls for as long as a model learns something of use, and every
architecture can be held to it. What ranks models is `reggan-plugin evaluate`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reggan_plugin.array_types import CropPixels
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity, stable_hash
from reggan_training.data.pair_table import Pair, pairs_of
from reggan_training.papers.losses import paste
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.run_folder import RunFolder
from reggan_training.tensor_shapes import Images, Masks

MOST_IDENTITIES = 8
_CHANGE_LEVELS = 0.06
"""Change of a pixel, of 1, from which on it belongs to the region that is scored."""
_BATCH = 16


class HeldOutPairs:
    """Fixed pairs of held-out identities in memory.

    From neutral to every picture that an identity has, and from every full expression back.

    Attributes:
        is_graded: 1 for pairs whose target shows an expression in part; [pairs].
    """

    def __init__(self, identities: Sequence[Identity], side_px: int) -> None:
        sources, targets, asked = [], [], []
        for identity in identities:
            for pair in _scored_pairs(identity):
                crop = identity.place_crop(side_px, pair.source)
                sources.append(_levels(identity.cut(pair.source, crop)))
                targets.append(_levels(identity.cut(pair.target, crop)))
                asked.append((pair.command.expression, pair.command.intensity))
        empty = torch.zeros(0, 3, side_px, side_px, dtype=torch.uint8)
        self._sources = torch.stack(sources) if sources else empty
        self._targets = torch.stack(targets) if targets else empty
        self._expressions = torch.zeros(len(asked), len(EXPRESSION_NAMES))
        for row, (expression, intensity) in enumerate(asked):
            self._expressions[row, expression] = intensity
        self.is_graded = (self._expressions.amax(dim=1) < 1).float() if asked else torch.zeros(0)

    def __len__(self) -> int:
        return len(self._sources)

    def score(self, model: ExpressionModel) -> dict[str, float]:
        """Numbers for `metrics.jsonl`; empty if there is no pair.

        `held_out_l1` of all pairs, `held_out_graded_l1` of those in part, `held_out_input_l1` of
        the unchanged input, in [0, 1]; `held_out_psnr_db` of all.
        """
        if not len(self):
            return {}
        device = model.masks.device
        rows = []
        for batch in torch.split(torch.arange(len(self)), _BATCH):
            source, target = (
                levels[batch].to(device).float() / 255 for levels in (self._sources, self._targets)
            )
            with torch.inference_mode():
                face, mask = model(source, self._expressions[batch].to(device))
                made, region = paste(source, face, mask), changed_region(source, target)
                rows.append(
                    torch.stack(
                        [
                            _mean_inside((made - target).abs(), region),
                            _mean_inside((source - target).abs(), region),
                            -10 * _mean_inside((made - target) ** 2, region).clamp(1e-9).log10(),
                        ]
                    ).cpu()
                )
        l1, input_l1, psnr = torch.cat(rows, dim=1)
        values = {
            "held_out_l1": l1.mean(),
            "held_out_input_l1": input_l1.mean(),
            "held_out_psnr_db": psnr.mean(),
        }
        if self.is_graded.any():
            values["held_out_graded_l1"] = (l1 * self.is_graded).sum() / self.is_graded.sum()
        return {name: float(value) for name, value in values.items()}


def choose_held_out(identities: Sequence[Identity]) -> list[Identity]:
    """At most eight identities to score on, by a hash of the name; half with graded pictures."""
    by_hash = sorted(identities, key=lambda identity: stable_hash(identity.name))
    graded = [identity for identity in by_hash if identity.has_graded_views]
    first = graded[: MOST_IDENTITIES // 2]
    return [*first, *(one for one in by_hash if one not in first)][:MOST_IDENTITIES]


def held_out_curve(folder: Path) -> list[tuple[float, float]]:
    """Read the points (kimg, held-out L1) of a run, in order; none if it has no held-out pair."""
    lines = RunFolder(folder).read_metrics()
    return [(line["kimg"], line["held_out_l1"]) for line in lines if "held_out_l1" in line]


def held_out_improvement(folder: Path) -> float | None:
    """Part of the score by which the run's last quarter improved on all before.

    0 for a model that is solved in closed form; None where the curve is too short to say.
    """
    curve = held_out_curve(folder)
    if curve and curve[-1][0] == 0:
        return 0.0
    if len(curve) < 4:
        return None
    length = curve[-1][0]
    before = min((score for kimg, score in curve if kimg <= 0.75 * length), default=None)
    if before is None:
        return None
    return 1 - min(before, *(score for _, score in curve)) / before


def changed_region(source: Images, target: Images) -> Masks:
    """1 where the two differ, and a fortieth of the side around."""
    change = (target - source).abs().amax(dim=1, keepdim=True)
    reach = max(1, source.shape[-1] // 40)
    return F.max_pool2d((change > _CHANGE_LEVELS).float(), 2 * reach + 1, 1, reach)


def _scored_pairs(identity: Identity) -> Iterator[Pair]:
    neutral = identity.full_view(0)
    full = {identity.full_view(e) for e in range(1, len(EXPRESSION_NAMES))}
    for pair in pairs_of(identity):
        if pair.start >= 0 or pair.source == pair.target:
            continue
        if pair.source == neutral or (pair.source in full and pair.target == neutral):
            yield pair


def _mean_inside(values: Images, region: Masks) -> Float[Tensor, " batch"]:
    inside = (values * region).sum(dim=(1, 2, 3))
    return inside / (3 * region.sum(dim=(1, 2, 3))).clamp(min=1.0)


def _levels(image: CropPixels) -> UInt8[Tensor, "3 side side"]:
    return torch.from_numpy((image * 255 + 0.5).astype(np.uint8)).permute(2, 0, 1)
