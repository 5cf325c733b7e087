"""Real crops: the frames that ship with the package, cut by the runtime's own finder."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

import reggan_plugin
from reggan_plugin.errors import EmptySourceError
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.files.frame import FRAME_SUFFIXES, Encoding, read_frame
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.cut_face import FrameEdit, cut_faces, picture_of
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

_SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
VERIFY_FRAMES = tuple(
    _SAMPLES / name
    for name in ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
)
"""Frames that every model is verified on: skin, stone and a drawing."""
_OTHER_FRAMES = tuple(_SAMPLES / f"avatar_png/avatar.{number}.png" for number in range(1002, 1007))
_MOST_FRAMES = 64

Crops = Float[np.ndarray, "crops 3 side side"]


def verify_crops(card: ModelCard) -> Crops:
    """The largest face of every one of `VERIFY_FRAMES` as a model of this card sees it, [0, 1]."""
    return np.stack(list(_crops(VERIFY_FRAMES, card)))


def calibration_crops(card: ModelCard, folder: Path | None = None) -> Crops:
    """Faces to take the range of values from: other pictures than a model is verified on.

    Args:
        card: of the model that will see them.
        folder: searched with its subfolders for display-encoded frames; the first 64 faces are
            taken. Without it the other sample frames, and `verify_crops` mirrored.

    Raises:
        EmptySourceError: the folder shows no face.
    """
    if folder is None:
        return np.concatenate(
            [np.stack(list(_crops(_OTHER_FRAMES, card))), verify_crops(card)[..., ::-1]]
        )
    frames = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in FRAME_SUFFIXES)
    found = [crop for crop, _ in zip(_crops(frames, card), range(_MOST_FRAMES), strict=False)]
    if not found:
        raise EmptySourceError(
            f"{folder} holds no display-encoded frame (PNG, JPEG, TIFF) with a face; name a "
            "folder of frames like those that will be rendered."
        )
    return np.stack(found)


def _crops(frames: Iterable[Path], card: ModelCard) -> Iterator[Float[np.ndarray, "3 side side"]]:
    """The largest face of each frame as `ExpressionTransfer` feeds it to a model."""
    finder = FaceFinder(card.canonical_points, card.image_size_px)
    for path in frames:
        frame = read_frame(path)
        if frame.encoding is Encoding.SRGB:
            crops = finder.find(frame.pixels, FaceChoice())
            edit = FrameEdit(frame=frame, mix=ExpressionMix({}), crops=crops)
            for face in cut_faces(picture_of(edit), edit.mix, crops, card).faces:
                yield face.before.transpose(2, 0, 1)
