"""Draw the inside of an opened mouth: teeth, gums, tongue and the hollow behind them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.rig.mouth_light import MouthLight, OpeningLight, mouth_light_from_face
from reggan_plugin.rig.mouth_rig import (
    GUM,
    PLATE,
    TOOTH,
    JawPose,
    MouthRig,
    jaw_pose_from_drop,
    mouth_rig,
)
from reggan_plugin.rig.mouth_surface import LitMouth, MouthView, lit_mouth
from reggan_plugin.rig.raster import rasterise

__all__ = [
    "JawPose",
    "MouthLight",
    "MouthLook",
    "MouthRig",
    "MouthStyle",
    "Teeth",
    "jaw_pose_from_drop",
    "mouth_light_from_face",
    "mouth_rig",
    "render_mouth",
]

Teeth: TypeAlias = Literal["natural", "plate", "none"]
"""`plate`: a smooth white band for each row, as toons have it."""
MouthStyle: TypeAlias = Literal["auto", "rendered", "plate", "empty", "closed"]
"""What is shown between parted lips: teeth, plates or neither; `auto` gives drawings plates. Or
lips stay shut."""
MOUTH_STYLES: tuple[MouthStyle, ...] = ("auto", "rendered", "plate", "empty", "closed")


@dataclass(frozen=True, kw_only=True, eq=False)
class MouthLook:
    """What is behind the lips.

    Attributes:
        style: how it is shown.
        rig: its geometry; None is that of this package.
    """

    style: MouthStyle = "auto"
    rig: MouthRig | None = None

    def teeth(self, *, is_drawn: bool) -> Teeth:
        """Teeth for a face, which may be a drawing."""
        if self.style == "empty":
            return "none"
        return (
            "plate" if self.style == "plate" or (self.style == "auto" and is_drawn) else "natural"
        )


USUAL_MOUTH = MouthLook()

_FINER = 2
"""Samples per pixel and axis."""
_MOST_SAMPLES = 250_000
"""Drawn at once; more are drawn in bands of rows."""
_LEFT_OUT = {"natural": (PLATE,), "plate": (TOOTH,), "none": (PLATE, TOOTH, GUM)}
_SHARPNESS = 45
"""Exponent of highlights: wet enamel in a room, not a mirror."""


def render_mouth(
    rig: MouthRig,
    *,
    projection: Float[np.ndarray, "2 3"],
    origin: Float[np.ndarray, "2"],
    jaw: JawPose,
    opening: Float[np.ndarray, "rows columns"],
    window: tuple[float, float, float, float],
    light: MouthLight,
    teeth: Teeth = "natural",
) -> Float[np.ndarray, "rows columns 3"]:
    """Draw the mouth's inside where lips leave it open: scene-linear RGB, float32, else 0.

    Args:
        rig: the geometry.
        projection: from head axes in eye distances (x to the head's own left, y up, z to the
            front) to the crop in parts of its side (x right, y down).
        origin: the crop's place of the upper incisors' edge, in the same parts.
        jaw: pose of the lower half.
        opening: share of each pixel between the lips, 0 to 1.
        window: what `opening` covers: left, top, right, bottom, in parts of the crop's side.
        light: that falls on the face.
        teeth: how they are drawn.

    Raises:
        ValueError: the projection has no extent.
    """
    view = MouthView(projection=projection, origin=origin)
    if not view.eye > 0:
        raise ValueError(f"A projection of {projection.tolist()} shows nothing.")
    picture = np.zeros((*opening.shape, 3), np.float32)
    rows, columns = (np.flatnonzero((opening > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return picture
    box = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    open_part = opening[box[0] : box[1], box[2] : box[3]]
    left, top, right, bottom = window
    pixel = np.array([(right - left), (bottom - top)]) / opening.shape[::-1]
    start = np.array([left, top]) + pixel * [box[2], box[0]]
    end = np.array([left, top]) + pixel * [box[3], box[1]]
    through = OpeningLight(open_part, (*start, *end), view.eye)
    mouth = lit_mouth(rig, jaw, view, light, through)
    seen = np.column_stack(
        [(view.places(mouth.points) - start) / pixel, mouth.points @ view.towards]
    )
    triangles = rig.triangles[~np.isin(rig.part[rig.triangles[:, 0]], _LEFT_OUT[teeth])]
    height, width = open_part.shape
    band = max(1, _MOST_SAMPLES // (width * _FINER**2))
    for first in range(0, height, band):
        some = slice(first, min(first + band, height))
        is_open = open_part[some] > 0
        drawn = _drawn(mouth, seen - [0, first, 0], triangles, is_open)
        picture[box[0] : box[1], box[2] : box[3]][some][is_open] = drawn[is_open]
    return picture


def _drawn(
    mouth: LitMouth,
    seen: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    is_open: Bool[np.ndarray, "height width"],
) -> Float[np.ndarray, "height width 3"]:
    """Draw the mouth at vertices' places in pixels, averaged over finer samples, where it opens."""
    finer = np.array([_FINER, _FINER, 1])
    within = is_open.repeat(_FINER, axis=0).repeat(_FINER, axis=1)
    raster = rasterise(seen * finer, triangles, *within.shape, within=within)
    values = np.column_stack([mouth.colour, mouth.normals, mouth.gloss])
    mixed = raster.mixed_where_hit(values, triangles)
    normals = mixed[:, 3:6]
    facing = normals @ mouth.gleam.astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", normals, normals))
    shine = np.clip(facing / np.maximum(length, 1e-6), 0, 1) ** _SHARPNESS
    lit = mixed[:, :3] + (mixed[:, 6] * shine)[:, None]
    sums = raster.summed(lit, 3, np.ones(len(lit), np.float32), _FINER)
    samples = np.float32(_FINER**2)
    return (sums[..., :3] + (samples - sums[..., 3:]) * mouth.unseen.astype(np.float32)) / samples
