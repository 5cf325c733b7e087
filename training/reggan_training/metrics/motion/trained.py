"""A training run as the evaluation asks it: its EMA weights, and its regression layer alone."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.backends.runner import Tensors
from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.transfer.answer_source import source_from_card
from reggan_training.metrics.contenders import resized
from reggan_training.motion.trained_model import TrainedModel, card_of_model, read_trained_model


def open_run(run: Path) -> AnswerSource:
    """Open the networks of a run, as they are exported.

    Args:
        run: a folder that `train_whole` writes; its painter is left out until it has begun.

    Raises:
        SourceError: it holds no checkpoint.
    """
    model = read_trained_model(run)
    return source_from_card(_OnTorch(model), card_of_model(model, name=run.name))


class _OnTorch:
    """A model in this process, run as a file is."""

    device, reason = "cpu", "PyTorch has it"
    metadata: Mapping[str, str] = {}

    def __init__(self, model: TrainedModel) -> None:
        self._model = model

    def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:
        with torch.no_grad():
            found = self._model(*(torch.from_numpy(inputs[n]) for n in ("image", "controls")))
        return {name: value.float().numpy() for name, value in found._asdict().items()}


class RegressionAlone:
    """The regression layer of a run, which its network only takes as a hint."""

    def __init__(self, run: Path) -> None:
        """Read it; raises as `open_run` does."""
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
