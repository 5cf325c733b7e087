"""A sitting: one head in one look, all of its states pictured, and pairs drawn from them."""

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
from reggan_training.pairs.rasterised_head import RasterisedHead
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.truth import (
    least_rest,
    request_of_pair,
    truth_of_pair,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs(Batch):
    """A batch of pairs as the networks take them. Pictures are sRGB-encoded, [0, 1].

    Attributes:
        source, target: [batch, 3, side, side].
        motion: see `PairTruth`; in parts of the crop's side.
        visible, hit: 0 or 1.
        part: `Part` of what the target shows, 255 on background.
        controls: what was asked for, in the order of `CONTROLS`.
        worn: weights that the source shows, in the order of `ARKIT_SHAPES`.
    """

    source: Float[Tensor, "batch 3 side side"]
    target: Float[Tensor, "batch 3 side side"]
    motion: Float[Tensor, "batch 2 side side"]
    visible: Float[Tensor, "batch 1 side side"]
    hit: Float[Tensor, "batch 1 side side"]
    part: Int[Tensor, "batch 1 side side"]
    controls: Float[Tensor, "batch controls"]
    worn: Float[Tensor, "batch shapes"]

    def __len__(self) -> int:
        return len(self.source)

    def compact(self) -> dict[str, Tensor]:
        """The same in a quarter of the memory: pictures as bytes, motion in half precision."""
        return {
            "source": bytes_from_picture(self.source),
            "target": bytes_from_picture(self.target),
            "motion": self.motion.half(),
            "visible": self.visible.to(torch.uint8),
            "hit": self.hit.to(torch.uint8),
            "part": self.part.to(torch.uint8),
            "controls": self.controls,
            "worn": self.worn,
        }


def draw_sitting(path: Path, seed: Sequence[int], count: int, side_px: int) -> Pairs:
    """Draw pairs of one head in one look; the same seed gives the same pairs.

    Args:
        path: a file that `write_head` wrote.
        seed: of look and pairs.
        count: pairs.
        side_px: of the pictures; rasters are averaged down to it.
    """
    random = np.random.default_rng(list(seed))
    head = read_head(path)
    shader = HeadShader(head)
    look = sample_look(random)
    chosen = [choose_pair(head, random) for _ in range(count)]
    used = sorted({state for source, target, _ in chosen for state in (source, target)})
    pictures = {k: reduce_to(shader.picture(head.face, k, look), side_px) for k in used}
    coarse = head.face.thinned(head.face.side_px // side_px)
    truths = [truth_of_pair(shader, coarse, source, target) for source, target, _ in chosen]
    return Pairs(
        source=torch.stack([pictures[source] for source, _, _ in chosen]),
        target=torch.stack([pictures[target] for _, target, _ in chosen]),
        motion=torch.stack([truth.motion for truth in truths]),
        visible=torch.stack([truth.visible[None].float() for truth in truths]),
        hit=torch.stack([truth.hit[None].float() for truth in truths]),
        part=torch.stack([truth.part[None] for truth in truths]),
        controls=requests_of(head, chosen),
        worn=worn_weights(head, chosen),
    )


def draw_face_sitting(
    path: Path, seed: Sequence[int], count: int, *, side_px: int
) -> dict[str, Tensor]:
    """What `draw_sitting` draws, as compact rows."""
    return draw_sitting(path, seed, count, side_px).compact()


Choice = tuple[int, int, float]
"""State of the source, of the target, and how much of the source's own is asked to go."""


def requests_of(head: RasterisedHead, chosen: Sequence[Choice]) -> Float[Tensor, "batch controls"]:
    """Control vectors of chosen pairs."""
    return torch.stack(
        [
            torch.from_numpy(request_of_pair(head.states[source], head.states[target], rest))
            for source, target, rest in chosen
        ]
    )


def worn_weights(head: RasterisedHead, chosen: Sequence[Choice]) -> Float[Tensor, "batch shapes"]:
    """Weights of the sources of chosen pairs, in the order of `ARKIT_SHAPES`."""
    states = [head.states[source] for source, _, _ in chosen]
    return torch.tensor([[state.get(name, 0.0) for name in ARKIT_SHAPES] for state in states])


def choose_pair(head: RasterisedHead, random: np.random.Generator) -> Choice:
    """Draw a pair that some request leads through."""
    states = len(head.states)
    source = 0 if random.random() < 0.6 else int(random.integers(1, min(states, 12)))
    target = int(random.integers(states))
    if target == source:
        target = 0 if source else int(random.integers(1, states))
    least = least_rest(head.states[source], head.states[target])
    rest = 1.0 if random.random() < 0.6 else float(random.uniform(least, 1.0))
    if not source and random.random() < 0.5:
        rest = 0.0
    return source, target, rest


def reduce_to(
    picture: Float[Tensor, "channels big big"], side_px: int
) -> Float[Tensor, "channels side side"]:
    """Average over whole blocks of pixels; the raster's side is a multiple of `side_px`."""
    return F.avg_pool2d(picture[None], picture.shape[-1] // side_px)[0]
