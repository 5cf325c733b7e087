"""A training run as the evaluation asks it: its EMA weights, and its regression layer alone."""

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.model_card import CropSquare
from reggan_training.metrics.contenders import resized
from reggan_training.motion.motion_task import trained_motion_network
from reggan_training.motion.mouth_task import trained_mouth_painter
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.whole_run import MOTION, MOUTH
from reggan_training.pairs.rasterised_head import MOUTH_WINDOW


class TrainedModel:
    """The networks of a run, as they are exported; the painter is left out until it has begun."""

    def __init__(self, run: Path) -> None:
        """Read a folder that `train_whole` writes, or that of its motion network alone.

        Raises:
            SourceError: it holds no checkpoint.
        """
        folder = run / MOTION if (run / MOTION).is_dir() else run
        self.network: MotionRegGAN = trained_motion_network(folder)
        self.side_px = 2 * self.network.side_px
        paints = any((run / MOUTH).glob("*.safetensors"))
        self._painter = trained_mouth_painter(run / MOUTH) if paints else None
        self.painters: Mapping[str, CropSquare] = {"mouth": MOUTH_WINDOW} if paints else {}

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Mapping[str, Tensor]:
        """Outputs by name; see `MotionModel.answer`."""
        answer = self.network(F.avg_pool2d(images, 2), controls)
        outputs = {**answer._asdict(), "cover": torch.sigmoid(answer.cover)}
        if self._painter is not None:
            mouth = self._painter(images, controls, answer)
            outputs |= {"mouth_cover": torch.sigmoid(mouth.cover), "mouth_paint": mouth.paint}
        return outputs


class RegressionAlone:
    """The regression layer of a network, which that only takes as a hint."""

    def __init__(self, network: MotionRegGAN) -> None:
        self._network, self.side_px = network, network.side_px

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """Pictures with the layer's change; see `PictureModel.answer`."""
        lost = self._network.reader(images) * controls[:, -1:]  # what `neutral` takes away
        asked = torch.cat([controls[:, :-1] - lost, controls[:, -1:]], dim=1)
        change = self._network.regression(images, asked)
        return (images + resized(change, images.shape[-1])).clamp(0, 1)
