"""Models of contract 1 as a source of answers: their pictures become light and paint."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import CropPixels, Float
from reggan_plugin.backends.devices import Runner, Tensors
from reggan_plugin.change.answer import COVER_BEGINS, COVER_ENDS, Answer, refuse_unsound
from reggan_plugin.errors import DeviceMemoryError, ModelError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.crop import ShownFace, small_of
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression import ExpressionMix

_log = logging.getLogger(__name__)

_CHANNELS = {"face": 3, "mask": 1}
_SMALL_CHANGE, _LARGE_CHANGE = 0.05, 0.20
"""Below the first a picture of contract 1 changes the light of the frame's own pixels, which keep
their fine detail; above the second it stands in for them."""
_DARKEST = 2e-3
"""Of linear light, below which a picture of 8 bits does not say what its light was."""


class BatchedModel:
    """Runs a model on batches of one size; what is missing from the last one is padded.

    A library may choose other kernels for another batch, whose last bits differ. With a fixed
    size, a face gets the same bits whichever faces it is run with. A processor's threads share a
    batch otherwise than a face, so that there the last bits depend on a face's place in it: there,
    where batches save no time, faces are run one by one.
    """

    def __init__(self, runner: Runner, card: ModelCard, batch: int) -> None:
        """Prepare batches of `batch` faces for the model of a card."""
        if batch < 1:
            raise ValueError(f"a batch of {batch}")
        self._runner, self._card = runner, card
        self.batch = 1 if runner.device == "cpu" else batch
        """Faces in a batch; becomes half where the device has no memory for it."""

    def run(self, faces: Sequence[CropPixels], vectors: Sequence[Sequence[float]]) -> list[Tensors]:
        """Return outputs for each face by name, the channels last.

        Args:
            faces: sRGB-encoded, [0, 1].
            vectors: the model's other input for each.

        Raises:
            ModelError: the model answers with something that is not a picture.
            UnusableAnswerError: its values are not finite, or huge.
            DeviceMemoryError: not even one face fits into the device's memory.
        """
        answers: list[Tensors] = []
        while len(answers) < len(faces):
            begin = len(answers)
            end = begin + self.batch
            try:
                answers += self._run(faces[begin:end], vectors[begin:end])
            except DeviceMemoryError:
                if self.batch == 1:
                    raise
                _log.info("no device memory for a batch of %d faces", self.batch)
                self.batch //= 2
        return answers

    def _run(
        self, faces: Sequence[CropPixels], vectors: Sequence[Sequence[float]]
    ) -> list[Tensors]:
        padding = self.batch - len(faces)
        outputs = self._runner.run(
            {
                "image": np.stack(
                    [face.transpose(2, 0, 1) for face in (*faces, *[faces[-1]] * padding)]
                ).astype(np.float32),
                "expression": np.array([*vectors, *[vectors[-1]] * padding], dtype=np.float32),
            }
        )
        planes = _checked(outputs, self._card.outputs, self.batch)
        refuse_unsound(planes, self._card.outputs)
        return [{name: all_[k] for name, all_ in planes.items()} for k in range(len(faces))]


class PictureModelSource:
    """A model of contract 1, whose picture becomes light and, where it changes much, paint."""

    def __init__(self, runner: Runner, card: ModelCard, batch: int = 1) -> None:
        """Take a model; on a processor its batches are of one face."""
        self.card, self._model = card, BatchedModel(runner, card, batch)

    @property
    def side_px(self) -> int:
        """Side of its crops."""
        return self.card.image_size_px

    @property
    def batch(self) -> int:
        """See `BatchedModel.batch`."""
        return self._model.batch

    def answer(
        self,
        faces: Sequence[ShownFace],
        mixes: Sequence[ExpressionMix],
        known: Sequence[FaceInShot | None] | None = None,  # noqa: ARG002 - it has no landmarks
    ) -> list[Answer]:
        """See `AnswerSource.answer`."""
        crops = [small_of(face) for face in faces]
        outputs = self._model.run(crops, [self.card.vector_of(mix) for mix in mixes])
        return [
            answer_from_picture(face, planes["face"], planes["mask"])
            for face, planes in zip(crops, outputs, strict=True)
        ]


def answer_from_picture(
    before: CropPixels, after: CropPixels, mask: Float[np.ndarray, "side side 1"]
) -> Answer:
    """Make the change from one picture of a face to another, where the mask lets it through.

    Nothing moves. The frame's own pixels take the change of light, so that detail finer than the
    crop stays (pores, stubble), and give way to paint where it is large (the old mouth).

    Args:
        before: the crop as the model saw it, in [0, 1].
        after: the crop as the model answered.
        mask: where the answer counts.
    """
    made = np.clip(before + np.clip(mask, 0.0, 1.0) * (after - before), 0.0, 1.0)
    light, was = (colour.linear_from_srgb(one) + np.float32(_DARKEST) for one in (made, before))
    return Answer(
        motion=np.zeros((1, 1, 2), np.float32),
        gain=np.log(light / was),
        cover=_large_change(before, made),
        paint=made,
    )


def _large_change(before: CropPixels, made: CropPixels) -> Float[np.ndarray, "side side 1"]:
    """Cover: none where a crop changes little, all where it shows something else."""
    levels = np.clip(np.abs(made - before).max(axis=2) * 255 + 0.5, 0, 255).astype(np.uint8)
    share = len(before) / 256  # the same part of a face, whatever the model's resolution
    spread = Image.fromarray(levels).filter(ImageFilter.MaxFilter(2 * max(1, round(2 * share)) + 1))
    blurred = spread.filter(ImageFilter.GaussianBlur(3 * share))
    change = np.asarray(blurred, np.float32)[..., None] / np.float32(255)
    large = (change - _SMALL_CHANGE) / (_LARGE_CHANGE - _SMALL_CHANGE)
    cover = COVER_BEGINS + (COVER_ENDS - COVER_BEGINS) * np.clip(large, 0.0, 1.0)
    return np.where(large > 0, cover, 0.0).astype(np.float32)


def _checked(outputs: Mapping[str, np.ndarray], names: Sequence[str], batch: int) -> Tensors:
    """Return outputs by name, the channels last.

    Raises:
        ModelError: one is missing, or is not a batch of square planes.
    """
    missing = [name for name in names if name not in outputs]
    if missing:
        raise ModelError(
            f"The model answers with {', '.join(outputs)}; expected {' and '.join(names)}. "
            "Export it again."
        )
    for name in names:
        shape, expected = outputs[name].shape, (batch, _CHANNELS[name])
        if len(shape) != 4 or shape[:2] != expected or shape[2] != shape[3]:
            raise ModelError(
                f"The model's {name} has the shape {shape}; expected ({batch}, "
                f"{_CHANNELS[name]}, n, n). Export it again."
            )
    return {name: outputs[name].transpose(0, 2, 3, 1) for name in names}
