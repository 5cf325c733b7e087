"""Questions of an evaluation to a model, and answers composed as the runtime composes frames."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.answers.asked_strength import asked_of_model
from reggan_plugin.answers.batched_model import motion_answer_at
from reggan_plugin.answers.motion_answer import MotionAnswer
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.backdrop import Underlay
from reggan_plugin.imaging.composite_motion import StoredPicture, composite_motion
from reggan_plugin.imaging.frame_motion import FrameMotion, motion_in_frame
from reggan_plugin.imaging.in_front_of_face import Front
from reggan_plugin.imaging.spectacles import LiftedFace, lift_spectacles
from reggan_plugin.models.model_card import CropSquare
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.metrics.contenders import resized
from reggan_training.metrics.motion.face import MadeFace


@runtime_checkable
class MotionModel(Protocol):
    """A model of contract 2, trained or exported."""

    side_px: int
    """Of the crop that it sees."""
    painters: Mapping[str, CropSquare]
    """Parts of the face that it paints on crops of their own; see `ModelCard.painters`."""

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Mapping[str, Tensor]:
        """Outputs of contract 2 by name: `motion`, `gain`, `cover`, `paint` and the painters'.

        Args:
            images: sRGB-encoded, [0, 1].
            controls: in the order of `CONTROLS`.
        """
        ...


@runtime_checkable
class PictureModel(Protocol):
    """A model that answers with a whole picture: the regression layer alone, for comparison."""

    side_px: int
    """Of the crop that it sees."""

    def answer(
        self,
        images: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """Pictures for requests; see `MotionModel.answer`."""
        ...


def motion_answers(
    model: MotionModel,
    sources: Float[Tensor, "batch 3 side side"],
    controls: Float[Tensor, "batch controls"],
    *,
    lifts: bool = True,
) -> list[MotionAnswer]:
    """Ask a model about sources of any size; `lifts` their spectacles off first, as users' are."""
    with torch.no_grad():
        seen = resized(sources, model.side_px).clamp(0, 1)
        faces = _last(seen)
        lifted = [lift_spectacles(face) if lifts else LiftedFace(face, None) for face in faces]
        bare = torch.from_numpy(np.stack([one.face for one in lifted]).transpose(0, 3, 1, 2))
        asked = torch.from_numpy(asked_of_model(CONTROLS, controls.numpy()))
        answers = model.answer(bare.contiguous(), asked)
    outputs = {name: _last(value) for name, value in answers.items()}
    return [
        replace(motion_answer_at(row, outputs, model.painters, one.face), front=one.front)
        for row, one in enumerate(lifted)
    ]


def changed_pictures(
    model: PictureModel,
    sources: Float[Tensor, "batch 3 side side"],
    controls: Float[Tensor, "batch controls"],
) -> Float[Tensor, "batch 3 side side"]:
    """Sources of any size with the change that a picture model makes at its own size."""
    with torch.no_grad():
        seen = resized(sources, model.side_px).clamp(0, 1)
        change = model.answer(seen, controls).float() - seen
        return (sources + resized(change, sources.shape[-1])).clamp(0, 1)


def motion_in_crop(answer: MotionAnswer, side_px: int) -> FrameMotion:
    """An answer at the pixels of a crop, as the runtime brings it to those of a frame."""
    region = (slice(0, side_px), slice(0, side_px))
    return motion_in_frame(answer, _whole_crop(side_px), region)


def compose(source: Float[np.ndarray, "3 side side"], answer: MotionAnswer) -> MadeFace:
    """Compose a crop by the functions of the runtime that change a user's frame."""
    pixels = np.ascontiguousarray(source.transpose(1, 2, 0), dtype=np.float32)
    side_px = pixels.shape[0]
    region = (slice(0, side_px), slice(0, side_px))
    motion = motion_in_crop(answer, side_px)
    front = None
    motion_seen = displacement(motion)
    if answer.front is not None:
        front = Front(matte=answer.front, crop=_whole_crop(side_px))
        motion_seen = np.where(front.stays(region), np.float32(0.0), motion_seen)
    underlay = Underlay(pixels, None, region, is_premultiplied=False, front=front)
    stored = StoredPicture(pixels=pixels, alpha=None, underlay=underlay)
    picture = composite_motion(stored, motion, region).pixels
    return MadeFace(
        motion=motion_seen,
        behind=displacement(motion),
        cover=motion.cover,
        picture=np.clip(picture, 0, 1).transpose(2, 0, 1),
    )


def _whole_crop(side_px: int) -> FaceCrop:
    return FaceCrop(np.eye(2, 3), side_px)


def displacement(motion: FrameMotion) -> Float[np.ndarray, "2 side side"]:
    """Motion of a whole crop, in parts of its side."""
    return motion.displacement.transpose(2, 0, 1) / np.float32(len(motion.displacement))


def _last(planes: Float[Tensor, "batch channels rows columns"]) -> np.ndarray:
    """Channels last, as the runtime has them."""
    return np.ascontiguousarray(planes.float().permute(0, 2, 3, 1).numpy())
