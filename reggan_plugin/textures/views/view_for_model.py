"""The one view of a face that the model is shown: from the front."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.imaging.region_limits import blurred
from reggan_plugin.textures.maps.texture_map import TextureMap, reduction_for
from reggan_plugin.textures.views.framing import FramedFace, closer
from reggan_plugin.textures.views.stage import Stage, StagePicture
from reggan_plugin.textures.views.view import View

SURVEY_PX = 256
_SHARE_SIGMA, _SHARE_SLOPE = 0.02, 4.0
"""Of the fall of motion around parts that stand on the skin. In parts of a survey's side: a brow is
raised by up to 0.03, and beside its mesh all motion is back at 0.05."""
_SMALLEST_VIEW_PX, _LARGEST_VIEW_PX = 512, 2048
USUAL_TEXELS = 2048.0
"""Across a map, for views that are taken before it is known which one the face wears."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ViewForModel:
    """One view of the face, from the front: its picture, and where the face is in it."""

    view: View
    picture: StagePicture
    crop: FaceCrop


def take_survey(stage: Stage, framed: FramedFace) -> StagePicture:
    """Return a small picture of the crop, for what lies where."""
    view, _ = closer(framed, SURVEY_PX)
    return stage.take(view, 4)


def skin_in_survey(
    framed: FramedFace, canonical: Float[np.ndarray, "6 2"]
) -> Bool[np.ndarray, "side side"]:
    """Return where nose, mouth and cheeks are in a survey: between the eyes' level and the chin."""
    _, crop = closer(framed, SURVEY_PX)
    points = dict(zip(LANDMARK_NAMES, crop.place(canonical * crop.side_px), strict=True))
    left, right = sorted((points["left_eye"][0], points["right_eye"][0]))
    top = 0.75 * points["left_eye"][1] + 0.25 * points["mouth_left"][1]
    y, x = np.mgrid[:SURVEY_PX, :SURVEY_PX] + 0.5
    return np.asarray((x > left) & (x < right) & (y > top) & (y < points["chin"][1]))


def motion_share(
    survey: StagePicture,
    standing: Sequence[int],
    relief: Iterable[Bool[np.ndarray, "fine fine"]] = (),
) -> Float[np.ndarray, "side side"] | None:
    """Return how much of a motion counts at each pixel of a survey; None where all of it does.

    It is 0 at parts that stand on the skin and do not move with the map, and just beside them: the
    map would show them a second time, where the motion takes them. 1 is reached a little further on
    than a brow is ever raised, so that nothing folds. `relief` is where the skin itself has such
    parts, in finer pixels.
    """
    there = np.isin(survey.part, list(standing))
    for own in relief:
        there |= own.reshape(SURVEY_PX, len(own) // SURVEY_PX, SURVEY_PX, -1).any(axis=(1, 3))
    if not there.any():
        return None
    near = blurred(there.astype(np.float32), _SHARE_SIGMA * SURVEY_PX)
    return np.asarray(1 - np.clip(_SHARE_SLOPE * near, 0.0, 1.0), np.float32)


def take_view_for_model(stage: Stage, framed: FramedFace, density: float) -> ViewForModel:
    """Return the view from the front, drawn about as fine as the map.

    `density` is that of its texels in a survey, as `texels_per_pixel` gives it.
    """
    side = int(np.clip(SURVEY_PX * density, _SMALLEST_VIEW_PX, _LARGEST_VIEW_PX))
    view, crop = closer(framed, side)
    picture = stage.take(view, reduction_for(density * SURVEY_PX / side))
    return ViewForModel(view=view, picture=picture, crop=crop)


def texels_per_pixel(survey: StagePicture, parts: Sequence[int], texture: TextureMap) -> float:
    """Of the map, in the survey's picture of the face: the median over it."""
    height, width = next(iter(texture.tiles.values())).shape
    on_face = np.isin(survey.part, list(parts))
    pair = on_face[:, 1:] & on_face[:, :-1]
    step = np.abs(np.diff(survey.uv, axis=1))[pair] * [width, height]
    length = np.hypot(step[:, 0], step[:, 1])
    length = length[length < max(height, width) / 8]  # across a seam
    return float(np.median(length)) if len(length) else 1.0
