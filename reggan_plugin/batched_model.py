"""An expression model that is given several faces at once, always the same number."""

import logging
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from reggan_plugin.backends.runner import Runner
from reggan_plugin.errors import DeviceMemoryError, ModelError
from reggan_plugin.expressions import ExpressionMix

_log = logging.getLogger(__name__)

Answer = tuple[Float[np.ndarray, "side side 3"], Float[np.ndarray, "side side 1"]]
"""A face and its mask."""


class BatchedModel:
    """Runs a model on batches of one size; what is missing from the last one is padded.

    A library may choose other kernels for another batch, whose last bits differ. With a fixed
    size, a face gets the same bits whichever faces it is run with.
    """

    def __init__(self, runner: Runner, expressions: tuple[str, ...], batch: int) -> None:
        """Prepare batches of `batch` faces for a model with these expressions."""
        if batch < 1:
            raise ValueError(f"a batch of {batch}")
        self._runner, self._expressions = runner, expressions
        self.batch = batch
        """Faces in a batch; becomes half where the device has no memory for it."""

    def answer(
        self,
        faces: Sequence[Float[np.ndarray, "side side 3"]],
        mixes: Sequence[ExpressionMix],
    ) -> list[Answer]:
        """Each face with its expression, and where the answer counts.

        Args:
            faces: sRGB-encoded, [0, 1].
            mixes: what each is asked for.

        Raises:
            ModelError: the model answers with something that is not a picture.
            DeviceMemoryError: not even one face fits into the device's memory.
        """
        answers: list[Answer] = []
        while len(answers) < len(faces):
            begin = len(answers)
            end = begin + self.batch
            try:
                answers += self._run(faces[begin:end], mixes[begin:end])
            except DeviceMemoryError:
                if self.batch == 1:
                    raise
                _log.info("no device memory for a batch of %d faces", self.batch)
                self.batch //= 2
        return answers

    def _run(
        self,
        faces: Sequence[Float[np.ndarray, "side side 3"]],
        mixes: Sequence[ExpressionMix],
    ) -> list[Answer]:
        padding = self.batch - len(faces)
        vectors = [mix.vector(self._expressions) for mix in mixes]
        outputs = self._runner.run(
            {
                "image": np.stack(
                    [face.transpose(2, 0, 1) for face in (*faces, *[faces[-1]] * padding)]
                ).astype(np.float32),
                "expression": np.array([*vectors, *[vectors[-1]] * padding], dtype=np.float32),
            }
        )
        try:
            after, mask = outputs["face"], outputs["mask"]
        except KeyError as error:
            raise ModelError(
                f"The model answers with {', '.join(outputs)}; expected face and mask. "
                "Export it again."
            ) from error
        pairs = zip(after[: len(faces)], mask[: len(faces)], strict=True)
        return [(one.transpose(1, 2, 0), where.transpose(1, 2, 0)) for one, where in pairs]
