"""A rig as a source of answers: a model finds the landmarks, geometry does the rest."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.backends.runner import Runner
from reggan_plugin.change.answer import Answer
from reggan_plugin.errors import ModelError
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.rig.answer import Landmarks, rig_answer
from reggan_plugin.rig.front import front_matte
from reggan_plugin.rig.layout import COUNT
from reggan_plugin.rig.template import template
from reggan_plugin.vocabulary.expression_mix import ExpressionMix


class RigSource:
    """A model of contract 3.

    The last faces' landmarks are remembered: the sliders of a page ask about the same array again
    and again.
    """

    _KEPT = 4

    def __init__(self, runner: Runner, card: ModelCard, batch: int = 1) -> None:
        """Take a model; `batch` is how many faces its device takes at once."""
        if batch < 1:
            raise ValueError(f"a batch of {batch}")
        self.card, self._runner = card, runner
        self.batch = 1
        """Faces are asked one by one: geometry takes longer than the network."""
        self._found: tuple[tuple[np.ndarray, Landmarks], ...] = ()

    @property
    def side_px(self) -> int:
        """Side of the network's crop; multiples of it are reduced."""
        return self.card.image_size_px

    def answer(
        self,
        faces: Sequence[Float[np.ndarray, "side side 3"]],
        mixes: Sequence[ExpressionMix],
    ) -> list[Answer]:
        """See `AnswerSource.answer`; the side may be a multiple of `side_px`."""
        answers = []
        for face, mix in zip(faces, mixes, strict=True):
            weights = dict(zip(self.card.controls, self.card.vector_of(mix), strict=True))
            answers.append(rig_answer(template(), face, self.landmarks(face), weights))
        return answers

    def landmarks(self, face: Float[np.ndarray, "side side 3"]) -> Landmarks:
        """Find the landmarks of a face.

        Raises:
            ModelError: the model answers with something else.
        """
        for seen, found in self._found:
            if seen is face:
                return found
        small = reduced(face, self.side_px)
        outputs = self._runner.run({"image": small.transpose(2, 0, 1)[None]})
        points, sigma, label = (outputs.get(name) for name in self.card.outputs)
        if points is None or sigma is None or label is None or points.shape != (1, COUNT, 2):
            shapes = {name: value.shape for name, value in outputs.items()}
            raise ModelError(
                f"The model answers with {shapes}; expected points (1, {COUNT}, 2), sigma and "
                "label. Export it again."
            )
        found = Landmarks(
            places=np.clip(np.nan_to_num(points[0], nan=0.5), -0.5, 1.5).astype(np.float64),
            sigma=np.clip(np.nan_to_num(sigma[0], nan=1.0), 1e-5, 1.0).astype(np.float64),
            front=front_matte(small, label[0]),
        )
        self._found = (*self._found[1 - self._KEPT :], (face, found))  # at once: threads share it
        return found


def reduced(
    face: Float[np.ndarray, "side side 3"], side_px: int
) -> Float[np.ndarray, "side_px side_px 3"]:
    """A crop at a side of which its own is a multiple, float32."""
    face = face.astype(np.float32, copy=False)
    if len(face) == side_px:
        return face
    planes = [Image.fromarray(np.ascontiguousarray(face[..., k])) for k in range(3)]
    size = (side_px, side_px)
    return np.stack([np.asarray(one.resize(size, Image.Resampling.BOX)) for one in planes], 2)
