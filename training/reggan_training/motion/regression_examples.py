"""Examples for the regression layer: pairs of pictures that differ in one shape alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.controls import CONTROLS, NEUTRAL, mirrored_name
from reggan_training.pairs.look import sample_look
from reggan_training.pairs.rasterised_head import RasterisedHead, read_head
from reggan_training.pairs.shading import HeadShader

_LEAST_WEIGHT = 0.3
_SIDE_SOFTNESS = 0.06

Example = tuple[int, Float[Tensor, "1 3 side side"], Float[Tensor, "1 3 side side"]]


def regression_examples(paths: Sequence[Path], side_px: int, seed: int) -> Iterator[Example]:
    """Yield examples of all heads, each as it is and in the mirror.

    Targets are brought to full strength along the line from source to target; of a shape and its
    twin together each half of the face counts for the shape of that side.
    """
    for number, path in enumerate(paths):
        head = read_head(path)
        shader = HeadShader(head)
        look = sample_look(np.random.default_rng([seed, number]))
        rasters = head.face.thinned(head.face.side_px // side_px)
        pictures = [shader.picture(rasters, k, look) for k in range(len(head.states))]
        for name, source, target in _examples_of(head, pictures):
            yield CONTROLS.index(name), source[None], target[None]
            mirror = CONTROLS.index(mirrored_name(name))
            yield mirror, source.flip(2)[None], target.flip(2)[None]


def _examples_of(
    head: RasterisedHead, pictures: Sequence[Tensor]
) -> Iterator[tuple[str, Tensor, Tensor]]:
    neutral = pictures[0]
    base = head.states[0]
    for state, picture in zip(head.states[1:], pictures[1:], strict=True):
        moved = {name: value for name, value in state.items() if base.get(name) != value}
        names = [name for name in moved if not name.startswith("eyeLook")] or list(moved)
        if len(names) == 1 and moved[names[0]] >= _LEAST_WEIGHT:
            yield names[0], neutral, neutral + (picture - neutral) / moved[names[0]]
        elif len(names) == 2 and mirrored_name(names[0]) == names[1]:
            for name in names:
                half = _half_of(name, picture)
                yield name, neutral, neutral + half * (picture - neutral) / max(moved[name], 0.3)
        elif len(names) > 2:
            yield NEUTRAL, picture, neutral


def _half_of(name: str, picture: Tensor) -> Float[Tensor, " width"]:
    """1 on the side of the picture where a left or right shape acts, 0 on the other."""
    x = (torch.arange(picture.shape[2]) + 0.5) / picture.shape[2] - 0.5
    return torch.sigmoid((x if name.endswith("Left") else -x) / (_SIDE_SOFTNESS / 4))
