"""Faces are shown to the model without their spectacles; which those are: `spectacles.py`."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reggan_plugin.answers.batched_model import Answer, BatchedModel
from reggan_plugin.answers.motion_answer import MotionAnswer
from reggan_plugin.array_types import Float
from reggan_plugin.imaging.spectacles import LiftedFace, lift_spectacles
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

_KEPT = 4
"""Faces that are remembered: the sliders of a page ask about the same array again and again."""


class BareFaces:
    """Lifts spectacles off faces before a model that answers with motion sees them."""

    def __init__(self, model: BatchedModel) -> None:
        """Take the model, which has to be one of contract 2."""
        self._model = model
        self._lifted: tuple[tuple[np.ndarray, LiftedFace], ...] = ()

    def answer(
        self,
        faces: Sequence[Float[np.ndarray, "side side 3"]],
        mixes: Sequence[ExpressionMix],
    ) -> list[Answer]:
        """Answers as those of `BatchedModel.answer`, each with the `front` of its face.

        Raises:
            ModelError, DeviceMemoryError: as there.
        """
        lifted = [self._lift(face) for face in faces]
        answers = self._model.answer([one.face for one in lifted], mixes)
        return [
            replace(answer, front=one.front) if isinstance(answer, MotionAnswer) else answer
            for answer, one in zip(answers, lifted, strict=True)
        ]

    def _lift(self, face: Float[np.ndarray, "side side 3"]) -> LiftedFace:
        for seen, lifted in self._lifted:
            if seen is face:
                return lifted
        lifted = lift_spectacles(face)
        self._lifted = (*self._lifted[1 - _KEPT :], (face, lifted))  # at once: threads share it
        return lifted
