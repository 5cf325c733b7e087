"""Portraits: single pictures of heads, and what a reader has to read from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.pairs.batch import Batch, bytes_from_picture
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.head_look import sample_look
from reggan_training.pairs.lip_seam import seam_aligned
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.truth import projection_of, surface_of_state

PORTRAIT_PX = 128
_FINE_SHARE = 0.35
"""Of looks that are shaded at full resolution and averaged down."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Portraits(Batch):
    """A batch of pictures, sRGB-encoded, [0, 1].

    Attributes:
        picture: aligned crops.
        weights: that they show, in the order of `ARKIT_SHAPES`.
        place, kind: see `SurfaceTruth`.
        projection: see `projection_of`.
    """

    picture: Float[Tensor, "batch 3 side side"]
    weights: Float[Tensor, "batch shapes"]
    place: Float[Tensor, "batch 2 side side"]
    kind: Int[Tensor, "batch 1 side side"]
    projection: Float[Tensor, "batch 2 3"]


def draw_portraits(path: Path, seed: Sequence[int], count: int) -> dict[str, Tensor]:
    """States of a head as compact rows: all of them in one look, then in another, up to `count`.

    A look is shaded at a pixel's centre, which costs a quarter, or sometimes over all of the pixel.
    The same seed gives the same portraits.
    """
    random = np.random.default_rng(list(seed))
    head = read_head(path)
    shader = HeadShader(head)
    rasters = head.face.thinned(head.face.side_px // PORTRAIT_PX)
    places = torch.from_numpy(seam_aligned(head)[:, :2])
    looks = -(-count // len(head.states))
    order = [int(k) for _ in range(looks) for k in random.permutation(len(head.states))][:count]
    pictures = []
    for begin in range(0, count, len(head.states)):
        look, is_fine = sample_look(random), random.random() < _FINE_SHARE
        for state in order[begin : begin + len(head.states)]:
            seen = head.face if is_fine else rasters
            picture = shader.picture(seen, state, look)
            pictures.append(_thinned(picture) if is_fine else picture)
    surfaces = {k: surface_of_state(shader, places, rasters, k) for k in set(order)}
    weights = [[head.states[k].get(name, 0.0) for name in ARKIT_SHAPES] for k in order]
    return {
        "picture": bytes_from_picture(torch.stack(pictures)),
        "weights": torch.tensor(weights),
        "place": torch.stack([surfaces[k].place for k in order]).half(),
        "kind": torch.stack([surfaces[k].kind for k in order]).to(torch.uint8),
        "projection": projection_of(head.camera).expand(count, 2, 3).clone(),
    }


def _thinned(picture: Float[Tensor, "3 big big"]) -> Float[Tensor, "3 side side"]:
    """Averages around the pixels that `Rasters.thinned` keeps."""
    step = picture.shape[-1] // PORTRAIT_PX
    if step == 1:
        return picture
    around = F.pad(picture[None], (0, 1, 0, 1), mode="replicate")
    return F.avg_pool2d(around, step + 1, step)[0]
