"""Examples for the regression layer: pairs of pictures that differ in one shape alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL, mirrored_name
from reggan_training.motion.shape_regression import ShapeExample
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.head_look import HeadLook, sample_look
from reggan_training.pairs.rasterised_head import Rasters
from reggan_training.pairs.shading import HeadShader

_LEAST_WEIGHT = 0.3
_SIDE_SOFTNESS = 0.06


def regression_examples(paths: Sequence[Path], side_px: int, seed: int) -> Iterator[ShapeExample]:
    """Yield examples of all heads, each as it is and in the mirror.

    Targets are brought to full strength along the line from source to target; of a shape and its
    twin together each half of the face counts for the shape of that side.
    """
    for number, path in enumerate(paths):
        head = read_head(path)
        shader = HeadShader(head)
        look = sample_look(np.random.default_rng([seed, number]))
        rasters = head.face.thinned(head.face.side_px // side_px)
        for example in _examples_of(shader, rasters, look):
            yield example
            yield _mirrored(example)


def _examples_of(shader: HeadShader, rasters: Rasters, look: HeadLook) -> Iterator[ShapeExample]:
    states = shader.head.states
    neutral = shader.picture(rasters, 0, look)
    for number, state in enumerate(states[1:], start=1):
        moved = {name: value for name, value in state.items() if states[0].get(name) != value}
        names = [name for name in moved if not name.startswith("eyeLook")] or list(moved)
        if len(names) > 2:
            picture = shader.picture(rasters, number, look)
            yield ShapeExample(
                control=CONTROLS.index(NEUTRAL),
                source=picture,
                target=neutral,
            )
            continue
        is_pair = len(names) == 2 and mirrored_name(names[0]) == names[1]
        if not names or min(moved[n] for n in names) < _LEAST_WEIGHT or len(names) > 1 + is_pair:
            continue
        picture = shader.picture(rasters, number, look)
        for name in names:
            share = (_half_of(name, picture) if is_pair else 1.0) / moved[name]
            yield ShapeExample(
                control=CONTROLS.index(name),
                source=neutral,
                target=neutral + share * (picture - neutral),
            )


def _mirrored(example: ShapeExample) -> ShapeExample:
    return ShapeExample(
        control=CONTROLS.index(mirrored_name(CONTROLS[example.control])),
        source=example.source.flip(2),
        target=example.target.flip(2),
    )


def _half_of(name: str, picture: Tensor) -> Float[Tensor, " width"]:
    """1 on the side of the picture where a left or right shape acts, 0 on the other."""
    x = (torch.arange(picture.shape[2]) + 0.5) / picture.shape[2] - 0.5
    return torch.sigmoid((x if name.endswith("Left") else -x) / (_SIDE_SOFTNESS / 4))
