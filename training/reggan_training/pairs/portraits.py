"""Portraits: single pictures of heads, and what a reader has to read from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.controls import ARKIT_SHAPES
from reggan_training.pairs.lip_seam import seam_aligned
from reggan_training.pairs.look import sample_look
from reggan_training.pairs.rasterised_head import read_head
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.sitting import MIRROR_OF_CONTROL, bytes_from_picture, reduce_to
from reggan_training.pairs.truth import projection_of, surface_of_state

PORTRAIT_PX = 128
_AHEAD = ((1.0, -1.0, -1.0), (-1.0, 1.0, 1.0))
"""Signs of a projection seen in a mirror."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Portraits:
    """A batch of pictures, sRGB-encoded, [0, 1].

    Attributes:
        picture: aligned crops.
        weights: that they show, in the order of `ARKIT_SHAPES`.
        place, kind: see `SurfaceTruth`; at half of the side.
        projection: see `projection_of`.
    """

    picture: Float[Tensor, "batch 3 side side"]
    weights: Float[Tensor, "batch shapes"]
    place: Float[Tensor, "batch 2 half half"]
    kind: Int[Tensor, "batch 1 half half"]
    projection: Float[Tensor, "batch 2 3"]

    @classmethod
    def from_compact(cls, rows: Mapping[str, Tensor]) -> "Portraits":
        """Restore what `draw_portraits` returned."""
        return cls(
            picture=rows["picture"].float() / 255,
            weights=rows["weights"],
            place=rows["place"].float(),
            kind=rows["kind"].long(),
            projection=rows["projection"],
        )

    def mirrored(self, rows: Tensor) -> "Portraits":
        """The same portraits, those of `rows` (bool) seen in a mirror."""

        def turned(values: Tensor) -> Tensor:
            return torch.where(rows[:, None, None, None], values.flip(3), values)

        order = torch.tensor(MIRROR_OF_CONTROL[:-1])
        outwards = torch.where(rows, -1.0, 1.0)[:, None, None]
        place = turned(self.place)
        ahead = torch.tensor(_AHEAD)
        return Portraits(
            picture=turned(self.picture),
            weights=torch.where(rows[:, None], self.weights[:, order], self.weights),
            place=torch.stack([place[:, 0] * outwards, place[:, 1]], dim=1),
            kind=turned(self.kind),
            projection=torch.where(rows[:, None, None], self.projection * ahead, self.projection),
        )


def draw_portraits(path: Path, seed: Sequence[int], count: int) -> dict[str, Tensor]:
    """States of a head in one look, as compact rows; all of them, again and again, up to `count`.

    The same seed gives the same portraits.
    """
    random = np.random.default_rng(list(seed))
    head = read_head(path)
    shader, look = HeadShader(head), sample_look(random)
    states = random.permutation(len(head.states))[: min(count, len(head.states))]
    halved = head.face.thinned(2 * head.face.side_px // PORTRAIT_PX)
    places = torch.from_numpy(seam_aligned(head)[:, :2])
    surfaces = [surface_of_state(shader, places, halved, int(k)) for k in states]
    pictures = [reduce_to(shader.picture(head.face, int(k), look), PORTRAIT_PX) for k in states]
    weights = [[head.states[k].get(name, 0.0) for name in ARKIT_SHAPES] for k in states]
    chosen = torch.arange(count) % len(states)
    return {
        "picture": bytes_from_picture(torch.stack(pictures))[chosen],
        "weights": torch.tensor(weights)[chosen],
        "place": torch.stack([surface.place for surface in surfaces]).half()[chosen],
        "kind": torch.stack([surface.kind for surface in surfaces]).to(torch.uint8)[chosen],
        "projection": projection_of(head.camera).expand(count, 2, 3).clone(),
    }
