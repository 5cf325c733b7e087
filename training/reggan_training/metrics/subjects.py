"""Whose expression is changed in an evaluation, and what the change should look like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from reggan_plugin.errors import SourceError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.faces.face_crop import FaceCrop, crop_from_landmarks
from reggan_plugin.faces.landmarks import FaceLandmarks
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.imaging.crop import cut_crop
from reggan_training.data.avatar_set import CANONICAL_LANDMARKS, AvatarIdentity

PHOTOGRAPHS = "photographs"
"""The style of real photographs."""
_TITLES = {"photo": "skin", "bronze": "metal"}
_PHOTOGRAPH_EYES: Float[np.ndarray, "2 2"] = np.array([[0.68, 0.40], [0.32, 0.40]])
"""Eye centres of an aligned photograph, in fractions of its side; the person's own left first."""


def title_of(style: str) -> str:
    """What a reader calls a style."""
    return _TITLES.get(style, style)


@dataclass(frozen=True, eq=False)
class Subject:
    """One identity: its neutral crop, and the true pictures of the expressions to be made."""

    name: str
    style: str
    source: Float[Tensor, "3 side side"]
    expressions: tuple[int, ...]
    targets: Float[Tensor, "count 3 side side"]

    @property
    def sources(self) -> Float[Tensor, "count 3 side side"]:
        """The neutral crop once for every target."""
        return self.source.expand_as(self.targets)

    @property
    def true_pictures(self) -> tuple[Float[Tensor, "all 3 side side"], tuple[int, ...]]:
        """Neutral and targets, with the numbers of their expressions."""
        return torch.cat([self.source[None], self.targets]), (0, *self.expressions)


def subject_from_avatar(
    identity: AvatarIdentity, side_px: int, shift_px: Float[np.ndarray, "6 2"] | float = 0.0
) -> Subject:
    """All expressions of an avatar, cut by its neutral landmarks, which may be set wrong."""
    views = canonical_views(identity, side_px, shift_px)
    expressions = tuple(range(1, len(EXPRESSION_NAMES)))
    return Subject(identity.name, identity.style, views[0], expressions, views[1:])


def canonical_views(
    identity: AvatarIdentity, side_px: int, shift_px: Float[np.ndarray, "6 2"] | float = 0.0
) -> Float[Tensor, "expressions 3 side side"]:
    """Every expression of an identity, cut by its neutral landmarks, shifted if asked for."""
    crop = identity.place_crop(side_px, shift_px=shift_px)
    return torch.stack([_planes(identity.cut(e, crop)) for e in range(len(EXPRESSION_NAMES))])


def subjects_from_photographs(folder: Path, side_px: int) -> Iterator[Subject]:
    """Neutral and smiling photographs of the same people, `neutral/N.jpg` and `happy/N.jpg`.

    They are aligned by the eyes and square; mouth, nose and chin are located.

    Raises:
        SourceError: there is no such pair.
    """
    paths = [
        path
        for path in sorted((folder / "neutral").glob("*.jpg"))
        if (folder / "happy" / path.name).is_file()
    ]
    if not paths:
        raise SourceError(f"{folder} holds no pair neutral/N.jpg and happy/N.jpg.")
    locator, happy = FaceLocator(), EXPRESSION_NAMES.index("happy")
    for path in paths:
        neutral, smiling = _read(path), _read(folder / "happy" / path.name)
        crop = _place_on_photograph(neutral, locator.locate(neutral), side_px)
        source, target = (
            _planes(np.clip(cut_crop(image, crop), 0, 1)) for image in (neutral, smiling)
        )
        yield Subject(path.stem, PHOTOGRAPHS, source, (happy,), target[None])


def _place_on_photograph(
    image: Float[np.ndarray, "side side 3"], faces: Sequence[FaceLandmarks], side_px: int
) -> FaceCrop:
    """Put the crop on the known eyes and the located mouth.

    A located face whose eyes are not where they are known to be is not believed; the mouth is
    then taken to be where the mean face has it.
    """
    eyes = _PHOTOGRAPH_EYES * image.shape[0]
    distance_px = float(eyes[0, 0] - eyes[1, 0])
    scale = distance_px / (CANONICAL_LANDMARKS[0, 0] - CANONICAL_LANDMARKS[1, 0])
    points = eyes.mean(axis=0) + scale * (
        CANONICAL_LANDMARKS - CANONICAL_LANDMARKS[:2].mean(axis=0)
    )
    for face in faces:
        if np.abs(face.points[:2] - eyes).max() < 0.15 * distance_px:
            points = face.points.copy()
            break
    points[:2] = eyes
    return crop_from_landmarks(FaceLandmarks(points), CANONICAL_LANDMARKS, side_px)


def _read(path: Path) -> Float[np.ndarray, "height width 3"]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0


def _planes(image: Float[np.ndarray, "side side 3"]) -> Float[Tensor, "3 side side"]:
    return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1)
