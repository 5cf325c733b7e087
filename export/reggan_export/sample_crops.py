"""Real crops: the frames that ship with the package, cut by the runtime's own finder."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

import reggan_plugin
from reggan_plugin.change.pipeline import cut_faces
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.files.frame import Encoding, read_frame
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.rig.source import reduced
from reggan_plugin.transfer.frame_edit import FrameEdit, picture_of
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
VERIFY_FRAMES = tuple(
    SAMPLES / name
    for name in ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
)
"""Frames that every model is verified on: skin, stone and a drawing."""

Crops = Float[np.ndarray, "crops 3 side side"]


def verify_crops(card: ModelCard) -> Crops:
    """Cut out the largest face of each of `VERIFY_FRAMES` as this model sees it, [0, 1]."""
    return np.stack(list(largest_faces(VERIFY_FRAMES, card)))


def largest_faces(
    frames: Iterable[Path], card: ModelCard
) -> Iterator[Float[np.ndarray, "3 side side"]]:
    """Cut out the largest face of each frame as `ExpressionTransfer` feeds it to a model."""
    finder = FaceFinder(card.canonical_points, card.image_size_px)
    for path in frames:
        frame = read_frame(path)
        if frame.encoding is Encoding.SRGB:
            crops = finder.find(frame.pixels, FaceChoice())
            edit = FrameEdit(frame=frame, mix=ExpressionMix({}), crops=crops)
            for face in cut_faces(picture_of(edit), edit.mix, crops, card).faces:
                yield reduced(face.before, card.image_size_px).transpose(2, 0, 1)
