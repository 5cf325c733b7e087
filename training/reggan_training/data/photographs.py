"""Identities from photographs: faces are located, and separate takes laid on one another."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.faces.face_crop import FaceCrop, crop_from_landmarks, fit_similarity
from reggan_plugin.faces.landmarks import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES, resolve_expression
from reggan_training.data.identity import (
    CANONICAL_LANDMARKS,
    Identity,
    IdentityView,
    identity_from_views,
)
from reggan_training.data.set_files import Entry, FolderFiles, read_image
from reggan_training.data.split import style_of

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
"""Endings of a picture's name, in lower case."""
REGISTERED_WITHIN = 0.08
"""Pictures whose eyes lie this close, in eye distances, are taken as aligned already.

The locator's own error is a quarter of it.
"""
_STILL = tuple(LANDMARK_NAMES.index(name) for name in ("left_eye", "right_eye", "nose_tip"))
"""The points that an expression moves least; separate takes are aligned by them."""
_CROP_PX, _WINDOW_PX = 320, 400
"""Sides of the canonical crop and of what is kept around it when pictures are aligned."""
_log = logging.getLogger(__name__)
_Image = UInt8[np.ndarray, "_height _width 3"]


def number_of_expression(word: str) -> int:
    """Return the place in `EXPRESSION_NAMES` of the expression that a word names.

    Raises:
        UnknownExpressionError: the word names nothing, or an expression beyond the seven.
    """
    name = resolve_expression(word)
    if name not in EXPRESSION_NAMES:
        raise UnknownExpressionError(
            f"{word!r} is none of {', '.join(EXPRESSION_NAMES)}.", found=word
        )
    return EXPRESSION_NAMES.index(name)


@runtime_checkable
class Locator(Protocol):
    """Finds faces, the largest first; see `FaceLocator`."""

    def locate(self, image: Float[np.ndarray, "height width 3"]) -> list[FaceLandmarks]:
        """Every face of a picture in [0, 1]."""


@cache
def default_locator() -> Locator:
    """Return the built-in locator, loaded when it is first needed."""
    return FaceLocator()


def entry_from_pictures(
    name: str,
    root: Path,
    pictures: Mapping[int, str],
    *,
    locator: Locator | None,
    landmarks: Mapping[int, Float[np.ndarray, "6 2"]] | None = None,
    is_separate_takes: bool = False,
) -> Entry:
    """Make an identity of one picture for each number of an expression.

    Args:
        name: of the identity.
        root: the folder that file names are relative to.
        pictures: file names by the number of the expression.
        locator: finds faces that `landmarks` lack; the built-in one when None.
        landmarks: known points, by the number of the expression.
        is_separate_takes: whether the head surely moved between the pictures.
    """
    load = partial(
        _load, name, root, pictures, locator, landmarks or {}, is_separate_takes=is_separate_takes
    )
    return Entry(name=name, style=style_of(name), place=root, load=load)


def notice_left_out(root: Path, names: Sequence[str], reason: str) -> None:
    """Log which files are not used, and why."""
    if names:
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        _log.warning("%s: %d left out, %s: %s", root, len(names), reason, shown)


def _load(
    name: str,
    root: Path,
    pictures: Mapping[int, str],
    locator: Locator | None,
    landmarks: Mapping[int, Float[np.ndarray, "6 2"]],
    *,
    is_separate_takes: bool,
) -> Identity | None:
    """Load the identity; None, with a notice, if faces of fewer than two expressions are found."""
    images: dict[int, _Image] = {}
    points = dict(landmarks)
    for expression, file in sorted(pictures.items()):
        image = read_image(FolderFiles(root), file)
        if expression not in points:
            found = (locator or default_locator()).locate(image.astype(np.float32) / 255.0)
            if not found:
                notice_left_out(root, [file], "no face is found")
                continue
            points[expression] = found[0].points.astype(np.float64)
        images[expression] = image
    if len(images) < 2:
        names = ", ".join(EXPRESSION_NAMES[e] for e in images) or "no expression"
        notice_left_out(root, [name], f"only {names} is usable")
        return None
    if is_separate_takes or not _are_registered(images, points):
        images, points = _registered(images, points)
    views = [
        IdentityView(
            expression=expression,
            intensity=1.0,
            is_plain=True,
            image=image,
            landmarks=points[expression],
        )
        for expression, image in images.items()
    ]
    return identity_from_views(name, style_of(name), views)


def _are_registered(
    images: Mapping[int, _Image], points: Mapping[int, Float[np.ndarray, "6 2"]]
) -> bool:
    """Tell whether all pictures have one size and their eyes in one place."""
    reference = points[next(iter(images))]
    limit = REGISTERED_WITHIN * FaceLandmarks(reference).eye_distance_px
    offsets = [(points[e][:2] - reference[:2]).mean(axis=0) for e in images]
    same_size = len({image.shape for image in images.values()}) == 1
    return same_size and max(float(np.hypot(*offset)) for offset in offsets) <= limit


def _registered(
    images: Mapping[int, _Image], points: Mapping[int, Float[np.ndarray, "6 2"]]
) -> tuple[dict[int, _Image], dict[int, Float[np.ndarray, "6 2"]]]:
    """Every picture in one window around the face, moved so that eyes and nose coincide.

    The first picture, which is neutral where there is one, places the window; small faces are
    not enlarged.
    """
    reference = points[next(iter(images))]
    scale = crop_from_landmarks(FaceLandmarks(reference), CANONICAL_LANDMARKS, _CROP_PX).scale
    side = round(_CROP_PX * min(1.0, scale))
    crop = crop_from_landmarks(FaceLandmarks(reference), CANONICAL_LANDMARKS, side)
    window = crop.resized(round(side * _WINDOW_PX / _CROP_PX))
    still = window_points(reference, window)[list(_STILL)]
    moved_images, moved_points = {}, {}
    for expression, image in images.items():
        own = FaceCrop(fit_similarity(still, points[expression][list(_STILL)]), window.side_px)
        cut = np.clip(cut_crop(image.astype(np.float32) / 255.0, own), 0, 1)
        moved_images[expression] = (cut * 255 + 0.5).astype(np.uint8)
        moved_points[expression] = window_points(points[expression], own)
    return moved_images, moved_points


def window_points(points: Float[np.ndarray, "n 2"], crop: FaceCrop) -> Float[np.ndarray, "n 2"]:
    """Points of the frame in pixels of a crop."""
    return points @ crop.crop_from_frame[:, :2].T + crop.crop_from_frame[:, 2]
