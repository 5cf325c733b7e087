"""Questions of an evaluation to a model, and answers composed as the runtime composes frames."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.change.answer import Answer, AnswerSource
from reggan_plugin.change.answer_in_frame import motion_in_frame
from reggan_plugin.change.pipeline import answer_faces, change_crop
from reggan_plugin.errors import ModelCardError
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.imaging.in_front_of_face import Front
from reggan_plugin.models.model_card import ModelCard, card_from_metadata, check_seal
from reggan_plugin.transfer.expression_transfer import source_from_card
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL, SHUT_MOUTH
from reggan_training.metrics.image_distance import resized
from reggan_training.metrics.motion.measures import FaceAnswer, MotionPlanes, Planes
from reggan_training.tensor_shapes import Images


def motion_answers(
    source: AnswerSource, pictures: Images, controls: Float[Tensor, "batch controls"]
) -> list[Answer]:
    """Ask about pictures of any size, the way that users' frames go.

    Args:
        source: that is asked.
        pictures: sRGB-encoded crops.
        controls: in the order of `CONTROLS`.
    """
    faces = resized(pictures, source.side_px).clamp(0, 1).permute(0, 2, 3, 1).contiguous().numpy()
    mixes = [mix_from_controls(row, source.card) for row in controls.numpy()]
    return answer_faces(source, list(faces), mixes)


def mix_from_controls(row: Float[np.ndarray, " controls"], card: ModelCard) -> ExpressionMix:
    """Weights in the order of `CONTROLS` as a request, without shapes that a model lacks."""
    weights = dict(zip(CONTROLS, row.tolist(), strict=True))
    asked = {name: weights[name] for name in card.controls if weights[name]}
    shut = asked.pop(NEUTRAL, 0.0)  # a model's control, which reads no face
    return ExpressionMix({**asked, **({SHUT_MOUTH: shut} if shut else {})})


def motion_in_crop(answer: Answer, side_px: int) -> FrameMotion:
    """Resample an answer to the pixels of a crop, as the runtime brings it to those of a frame."""
    region = (slice(0, side_px), slice(0, side_px))
    return motion_in_frame(answer, _whole_crop(side_px), region)


def compose(source: Planes, answer: Answer) -> FaceAnswer:
    """Change a crop as the runtime changes a user's frame."""
    pixels = np.ascontiguousarray(source.transpose(1, 2, 0), dtype=np.float32)
    side_px = pixels.shape[0]
    motion = motion_in_crop(answer, side_px)
    motion_seen = displacement(motion)
    if answer.front is not None:
        front = Front(matte=answer.front, crop=_whole_crop(side_px))
        stays = front.stays((slice(0, side_px), slice(0, side_px)))
        motion_seen = np.where(stays, np.float32(0.0), motion_seen)
    return FaceAnswer(
        motion=motion_seen,
        behind=displacement(motion),
        cover=motion.cover,
        picture=np.clip(change_crop(pixels, answer).pixels, 0, 1).transpose(2, 0, 1),
    )


def _whole_crop(side_px: int) -> FaceCrop:
    return FaceCrop(np.eye(2, 3), side_px)


def displacement(motion: FrameMotion) -> MotionPlanes:
    """Motion of a whole crop, in parts of its side."""
    return motion.displacement.transpose(2, 0, 1) / np.float32(len(motion.displacement))


def open_exported(path: Path, threads: int | None = None) -> AnswerSource:
    """Open a sealed file on the CPU.

    Raises:
        ModelCardError: it has no card, or answers with pictures.
        ModelHashError: it is not as it was sealed.
    """
    check_seal(path)
    runner = open_runner(path, "cpu", threads=threads)
    card = card_from_metadata(runner.metadata, path.name)
    if not card.says_motion:
        raise ModelCardError(
            f"{path.name} is of contract {card.contract}, which answers with a picture; expected "
            "one that answers with motion. Measure it with: reggan-plugin evaluate."
        )
    return source_from_card(runner, card)
