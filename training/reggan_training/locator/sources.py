"""Pictures of heads with their landmarks, from any set that training reads, in memory."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.errors import SourceError
from reggan_training.data.sets import load_sets
from reggan_training.data.split import Split

PICTURE_PX = 256
"""Side to which pictures are brought."""
MASK_SIDE = 96


@dataclass(frozen=True, kw_only=True)
class LabelledPicture:
    """One picture: `points` are continuous pixel coordinates in LANDMARK_NAMES order.

    `mask` is 255 on the head, where that is known.
    """

    style: str
    image: UInt8[np.ndarray, "256 256 3"]
    points: Float[np.ndarray, "6 2"]
    mask: UInt8[np.ndarray, "96 96"] | None = None


def load_pictures(
    root: Path, split: Split, *, without: Collection[str] = ()
) -> list[LabelledPicture]:
    """Read every picture of a split's identities, in a fixed order.

    Raises:
        SourceError: the set cannot be read, holds nobody of the split, or its pictures are not
            square.
    """
    pictures = list(_read_pictures(root, split, without))
    if not pictures:
        raise SourceError(f"{root} holds no identity of the {split} split. Add identities to it.")
    return pictures


def _read_pictures(root: Path, split: Split, without: Collection[str]) -> Iterator[LabelledPicture]:
    for identity in load_sets([root], [split]):
        height, width = identity.images.shape[1:3]
        if height != width:
            raise SourceError(
                f"{root}: the pictures of {identity.name} have {width}x{height} pixels; expected "
                "square ones, as `dataset pictures` makes them."
            )
        if identity.name in without:
            continue
        for image, points in zip(identity.images, identity.landmarks, strict=True):
            fitted = cv2.resize(image, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
            yield LabelledPicture(
                style=identity.style,
                image=np.asarray(fitted, dtype=np.uint8),
                points=points * (PICTURE_PX / width),
            )
