"""An exported file as the evaluation asks it: the very file that users get."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.errors import ModelCardError
from reggan_plugin.models.model_card import MOTION_CONTRACT, card_from_metadata
from reggan_plugin.models.model_hash import check_seal
from reggan_plugin.vocabulary.face_shapes import CONTROLS


class ExportedMotion:
    """A sealed ONNX file of contract 2 on the CPU."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """Open a file.

        Raises:
            ModelCardError: it has no card, or is of another contract.
            ModelHashError: it is not as it was sealed.
        """
        check_seal(path)
        self._runner = open_runner(path, "cpu", threads=threads)
        card = card_from_metadata(self._runner.metadata, path.name)
        if card.contract != MOTION_CONTRACT:
            raise ModelCardError(
                f"{path.name} is of contract {card.contract}; expected {MOTION_CONTRACT}, which "
                "answers with motion. Measure it with: reggan-plugin evaluate."
            )
        self.side_px, self.painters = card.image_size_px, card.painters
        self._columns = [CONTROLS.index(name) for name in card.controls]

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Mapping[str, Tensor]:
        """Outputs by name; see `MotionModel.answer`."""
        outputs = self._runner.run(
            {
                "image": np.ascontiguousarray(images.numpy(), dtype=np.float32),
                "controls": np.ascontiguousarray(controls[:, self._columns].numpy(), np.float32),
            }
        )
        return {name: torch.from_numpy(np.asarray(value)) for name, value in outputs.items()}
