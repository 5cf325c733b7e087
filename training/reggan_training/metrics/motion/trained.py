"""A training run as the evaluation asks it: its EMA weights, and its regression layer alone."""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.models.model_card import CropSquare
from reggan_training.metrics.contenders import resized
from reggan_training.motion.trained_model import read_trained_model
from reggan_training.pairs.rasterised_head import MOUTH_WINDOW


class TrainedRun:
    """The networks of a run, as they are exported; the painter is left out until it has begun."""

    def __init__(self, run: Path) -> None:
        """Read a folder that `train_whole` writes.

        Raises:
            SourceError: it holds no checkpoint.
        """
        self.model = read_trained_model(run)
        self.side_px = self.model.side_px
        paints = self.model.painter is not None
        self.painters: Mapping[str, CropSquare] = {"mouth": MOUTH_WINDOW} if paints else {}

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Mapping[str, Tensor]:
        """Outputs by name; see `MotionModel.answer`."""
        return self.model(images, controls)._asdict()


class RegressionAlone:
    """The regression layer of a run, which its network only takes as a hint."""

    def __init__(self, run: Path) -> None:
        """Read it; raises as `TrainedRun` does."""
        self._model = read_trained_model(run)
        self.side_px = self._model.network.side_px

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """Pictures with the layer's change; see `PictureModel.answer`."""
        asked = controls
        if self._model.reader is not None:
            lost = self._model.reader(images) * controls[:, -1:]  # what `neutral` takes away
            asked = torch.cat([controls[:, :-1] - lost, controls[:, -1:]], dim=1)
        change = self._model.network.regression(images, asked)
        return (images + resized(change, images.shape[-1])).clamp(0, 1)
