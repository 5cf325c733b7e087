"""Avatar pairs on disk: `<expression>/<identity>.jpg` beside `landmarks.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from reggan_plugin.errors import SourceError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.faces.face_crop import FaceCrop, crop_from_landmarks
from reggan_plugin.faces.landmarks import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.imaging.crop import cut_crop
from reggan_training.data.split import Split, split_of

CANONICAL_LANDMARKS: Float[np.ndarray, "6 2"] = np.array(
    [[0.63, 0.30], [0.37, 0.30], [0.50, 0.482], [0.603, 0.615], [0.397, 0.615], [0.50, 0.81]]
)
"""Where a crop puts the face, in fractions of its side.

The proportions are the mean of the frontal neutral training faces; the size leaves room for
raised brows above and for a dropped jaw below.
"""


@dataclass(frozen=True, eq=False)
class AvatarIdentity:
    """One head under one light: the same picture in every expression.

    `images` are sRGB-encoded, in the order of `EXPRESSION_NAMES`; `landmarks` in pixels.
    """

    name: str
    images: UInt8[np.ndarray, "expressions height width 3"]
    landmarks: Float[np.ndarray, "expressions 6 2"]

    @property
    def style(self) -> str:
        """`photo`, `stone`, ..."""
        return self.name.rpartition("_")[0]

    def place_crop(
        self, side_px: int, source: int = 0, shift_px: Float[np.ndarray, "6 2"] | float = 0.0
    ) -> FaceCrop:
        """The crop that the landmarks of expression number `source`, shifted, ask for."""
        landmarks = FaceLandmarks(self.landmarks[source] + shift_px)
        return crop_from_landmarks(landmarks, CANONICAL_LANDMARKS, side_px)

    def cut(self, expression: int, crop: FaceCrop) -> Float[np.ndarray, "side side 3"]:
        """One expression in a crop; float32 in [0, 1]."""
        image = self.images[expression].astype(np.float32) / 255.0
        return np.clip(cut_crop(image, crop), 0.0, 1.0)


def load_avatar_set(
    root: Path, splits: tuple[Split, ...], limit: int | None = None
) -> list[AvatarIdentity]:
    """Read every identity of the given splits, in order of name.

    Raises:
        SourceError: `landmarks.json` or an image is missing; the message names the file.
    """
    sheet = root / "landmarks.json"
    if not sheet.is_file():
        raise SourceError(f"{sheet} is missing; an avatar set holds it beside its folders.")
    points = json.loads(sheet.read_text(encoding="utf-8"))
    names = [name for name in sorted(points) if split_of(name) in splits][:limit]
    return [_load_identity(root, name, points[name]) for name in names]


def _load_identity(
    root: Path, name: str, points: dict[str, dict[str, list[float]]]
) -> AvatarIdentity:
    images = []
    for expression in EXPRESSION_NAMES:
        path = root / expression / f"{name}.jpg"
        if not path.is_file():
            raise SourceError(f"{path} is missing; every identity needs all expressions.")
        with Image.open(path) as image:
            images.append(np.asarray(image.convert("RGB")))
    landmarks = [[points[e][n] for n in LANDMARK_NAMES] for e in EXPRESSION_NAMES]
    return AvatarIdentity(name, np.stack(images), np.array(landmarks, dtype=np.float64))
