"""A batch of faces through a model: always of the same size; the last one is padded."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from reggan_plugin.answers.asked_strength import asked_of_model
from reggan_plugin.answers.folds import unfolded
from reggan_plugin.answers.motion_answer import MotionAnswer, Painter
from reggan_plugin.answers.mouth_depth import with_depth
from reggan_plugin.answers.paint_colours import in_face_colours
from reggan_plugin.array_types import Float
from reggan_plugin.backends.runner import Runner, Tensors
from reggan_plugin.errors import DeviceMemoryError, ModelError
from reggan_plugin.models.model_card import MOTION_CONTRACT, MOUTH, CropSquare, ModelCard
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

_log = logging.getLogger(__name__)

PictureAnswer = tuple[Float[np.ndarray, "side side 3"], Float[np.ndarray, "side side 1"]]
"""A face and its mask, of models of contract 1."""
Answer = PictureAnswer | MotionAnswer
_CHANNELS = {
    "motion": (2,),
    "gain": (1, 3),
    "cover": (1,),
    "paint": (3,),
    "face": (3,),
    "mask": (1,),
}


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

    def answer(
        self,
        faces: Sequence[Float[np.ndarray, "side side 3"]],
        mixes: Sequence[ExpressionMix],
    ) -> list[Answer]:
        """Run the model on each face: see `Answer`.

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
        vectors = [self._asked(mix) for mix in mixes]
        outputs = self._runner.run(
            {
                "image": np.stack(
                    [face.transpose(2, 0, 1) for face in (*faces, *[faces[-1]] * padding)]
                ).astype(np.float32),
                self._card.vector_input: np.array(
                    [*vectors, *[vectors[-1]] * padding], dtype=np.float32
                ),
            }
        )
        planes = _checked(outputs, self._card.outputs, self.batch)
        if self._card.contract == MOTION_CONTRACT:
            painters = self._card.painters
            return [motion_answer_at(k, planes, painters, face) for k, face in enumerate(faces)]
        return [(planes["face"][place], planes["mask"][place]) for place in range(len(faces))]

    def _asked(self, mix: ExpressionMix) -> list[float]:
        vector = self._card.vector_of(mix)
        if self._card.contract != MOTION_CONTRACT:
            return vector
        return asked_of_model(self._card.controls, np.array(vector, np.float32)).tolist()


def motion_answer_at(
    place: int,
    planes: Tensors,
    painters: Mapping[str, CropSquare],
    face: Float[np.ndarray, "side side 3"],
) -> MotionAnswer:
    """The answer of a model of contract 2 for one face of a batch, and what is mended of it.

    It is `unfolded`, its mouth has `with_depth`, and paint is `in_face_colours`.

    Args:
        place: of the face in the batch.
        planes: the graph's outputs by name, the channels last.
        painters: see `ModelCard.painters`.
        face: that was asked about, sRGB-encoded, in [0, 1].
    """
    answer = MotionAnswer(
        motion=planes["motion"][place],
        gain=planes["gain"][place],
        cover=planes["cover"][place],
        paint=planes["paint"][place],
        painters=tuple(_painter_at(place, planes, *painter) for painter in painters.items()),
    )
    return in_face_colours(unfolded(answer), face)


def _painter_at(place: int, planes: Tensors, part: str, window: CropSquare) -> Painter:
    painter = Painter(
        window=window, cover=planes[f"{part}_cover"][place], paint=planes[f"{part}_paint"][place]
    )
    return with_depth(painter) if part == MOUTH else painter


def _checked(outputs: Mapping[str, np.ndarray], names: Sequence[str], batch: int) -> Tensors:
    """Outputs by name, the channels last.

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
        shape, channels = outputs[name].shape, _CHANNELS[name.rpartition("_")[2]]
        fits = len(shape) == 4 and shape[0] == batch and shape[1] in channels
        if not fits or shape[2] != shape[3]:
            wanted = " or ".join(map(str, channels))
            raise ModelError(
                f"The model's {name} has the shape {shape}; expected ({batch}, {wanted}, n, n). "
                "Export it again."
            )
    return {name: outputs[name].transpose(0, 2, 3, 1) for name in names}
