"""What the source reader learns; and the reader that a run left."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reggan_plugin.controls import ARKIT_SHAPES
from reggan_training.motion.augment import augmented_picture
from reggan_training.motion.source_reader import SourceReader
from reggan_training.motion.training_run import Losses, RunSettings, TrainingRun, read_checkpoint
from reggan_training.pairs.look import sample_look
from reggan_training.pairs.pool import Rows
from reggan_training.pairs.rasterised_head import read_head
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.sitting import MIRROR_OF_CONTROL, bytes_from_picture, reduce_to

_READ_PX = 64


def draw_portraits(path: Path, seed: Sequence[int], count: int) -> Rows:
    """All states of a head in one look, drawn `count` times over: pictures and their weights."""
    random = np.random.default_rng(list(seed))
    head = read_head(path)
    shader, look = HeadShader(head), sample_look(random)
    rasters = head.face.thinned(2)
    states = random.permutation(len(head.states))[: min(count, len(head.states))]
    pictures = [reduce_to(shader.picture(rasters, int(k), look), _READ_PX) for k in states]
    weights = [[head.states[k].get(name, 0.0) for name in ARKIT_SHAPES] for k in states]
    chosen = torch.arange(count) % len(states)
    return {
        "picture": bytes_from_picture(torch.stack(pictures))[chosen],
        "weights": torch.tensor(weights)[chosen],
    }


def reader_run(reader: SourceReader, settings: RunSettings, folder: Path) -> TrainingRun:
    """A run that trains the reader; goes on where the folder's checkpoint ends."""
    return TrainingRun(reader, _task_of(reader), settings, folder, about={}, fixed={})


def _task_of(reader: SourceReader) -> Callable[[Rows, torch.Generator], Losses]:
    order = torch.tensor(MIRROR_OF_CONTROL[:-1])

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        picture = augmented_picture(rows["picture"].float() / 255, random)
        mirror = torch.rand(len(picture), generator=random) < 0.5
        picture = torch.where(mirror[:, None, None, None], picture.flip(3), picture)
        weights = rows["weights"]
        weights = torch.where(mirror[:, None], weights[:, order], weights)
        error: Tensor = reader(picture) - weights
        explained = 1 - error.detach().square().sum() / weights.square().sum()
        return {"weights": 10 * error.square().mean(), "_explained": explained}

    return losses_of


def trained_reader(folder: Path) -> SourceReader:
    """The reader of a run with its EMA weights, for use.

    Raises:
        SourceError: the folder has no checkpoint.
    """
    reader = SourceReader()
    reader.load_state_dict(read_checkpoint(folder).below("ema."))
    return reader.eval().requires_grad_(False)
