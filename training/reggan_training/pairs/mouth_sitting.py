"""Pairs for the painter of the mouth: the whole source, and the mouth window at its own detail."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from reggan_training.pairs.batch import Batch, bytes_from_picture
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.head_look import sample_look
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.sitting import (
    choose_pair,
    requests_of,
    worn_weights,
)
from reggan_training.pairs.truth import truth_of_pair


@dataclass(frozen=True, kw_only=True, eq=False)
class MouthPairs(Batch):
    """A batch for the painter of the mouth. Pictures are sRGB-encoded, [0, 1].

    Attributes:
        source: the whole crop, [batch, 3, 256, 256].
        target: the mouth window, [batch, 3, 224, 224].
        hole: 1 where the window shows head that the source does not.
        part: `Part` of what the window shows, 255 on background.
        controls: in the order of `CONTROLS`.
        worn: weights that the source shows, in the order of `ARKIT_SHAPES`.
    """

    source: Float[Tensor, "batch 3 side side"]
    target: Float[Tensor, "batch 3 fine fine"]
    hole: Float[Tensor, "batch 1 fine fine"]
    part: Int[Tensor, "batch 1 fine fine"]
    controls: Float[Tensor, "batch controls"]
    worn: Float[Tensor, "batch shapes"]


def draw_mouth_sitting(path: Path, seed: Sequence[int], count: int) -> dict[str, Tensor]:
    """Draw pairs of one head in one look, as compact rows; the same seed gives the same pairs.

    Pairs whose window has next to nothing to paint are drawn again, up to three times.
    """
    random = np.random.default_rng(list(seed))
    head = read_head(path)
    shader = HeadShader(head)
    look = sample_look(random)
    chosen, holes, parts = [], [], []
    coarse = head.mouth.thinned(2)
    for _ in range(count):
        for _ in range(3):
            pair = choose_pair(head, random)
            truth = truth_of_pair(shader, coarse, pair[0], pair[1])
            hole = truth.hit & ~truth.visible
            if hole.float().mean() > 0.01:
                break
        full = truth_of_pair(shader, head.mouth, pair[0], pair[1])
        chosen.append(pair)
        holes.append((full.hit & ~full.visible)[None])
        parts.append(full.part[None])
    sources = {k: shader.picture(head.face, k, look) for k in {s for s, _, _ in chosen}}
    targets = {k: shader.picture(head.mouth, k, look) for k in {t for _, t, _ in chosen}}
    return {
        "source": bytes_from_picture(torch.stack([sources[s] for s, _, _ in chosen])),
        "target": bytes_from_picture(torch.stack([targets[t] for _, t, _ in chosen])),
        "hole": torch.stack(holes).to(torch.uint8),
        "part": torch.stack(parts).to(torch.uint8),
        "controls": requests_of(head, chosen),
        "worn": worn_weights(head, chosen),
    }
