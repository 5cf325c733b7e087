"""The faces by which `export int8` takes the range of values: whose, and how many."""

from pathlib import Path

import numpy as np

from reggan_export.sample_crops import SAMPLES, Crops, largest_faces, verify_crops
from reggan_plugin.errors import EmptySourceError
from reggan_plugin.files.frame import can_read
from reggan_plugin.models.model_card import ModelCard

_OTHER_FRAMES = tuple(SAMPLES / f"avatar_png/avatar.{number}.png" for number in range(1002, 1007))
_MOST_FRAMES = 64


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
            [np.stack(list(largest_faces(_OTHER_FRAMES, card))), verify_crops(card)[..., ::-1]]
        )
    frames = (path for path in sorted(folder.rglob("*")) if can_read(path))
    found = [
        crop for crop, _ in zip(largest_faces(frames, card), range(_MOST_FRAMES), strict=False)
    ]
    if not found:
        raise EmptySourceError(
            f"{folder} holds no display-encoded frame (PNG, JPEG, TIFF) with a face; name a "
            "folder of frames like those that will be rendered."
        )
    return np.stack(found)
