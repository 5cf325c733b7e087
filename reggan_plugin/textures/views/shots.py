"""The views of a face that the model is shown: from the front, and where it can from the sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceFinder
from reggan_plugin.textures.maps.texture_map import TextureMap, reduction_for
from reggan_plugin.textures.views.framing import FramedFace, closer, seen_from_the_side
from reggan_plugin.textures.views.stage import Stage, StagePicture
from reggan_plugin.textures.views.view import View

SURVEY_PX = 256
_SMALLEST_VIEW_PX, _LARGEST_VIEW_PX = 512, 2048
SIDE_YAW_DEG = 30.0
"""Of the further views of `--views 3`; the model must be good at it."""
USUAL_TEXELS = 2048.0
"""Across a map, for views that are taken before it is known which one the face wears."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shot:
    """A picture for the model, and where the face is in it."""

    view: View
    picture: StagePicture
    crop: FaceCrop


def take_survey(stage: Stage, framed: FramedFace) -> StagePicture:
    """A small picture of the crop, for what lies where."""
    view, _ = closer(framed, SURVEY_PX)
    return stage.take(view, 4)


def take_shots(
    stage: Stage,
    framed: FramedFace,
    sides: Sequence[FramedFace],
    density: float,
) -> tuple[Shot, ...]:
    """Pictures from the front and from `sides`, about as fine as the map.

    `density` is that of its texels in a survey, as `texels_per_pixel` gives it.
    """
    side = int(np.clip(SURVEY_PX * density, _SMALLEST_VIEW_PX, _LARGEST_VIEW_PX))
    reduction = reduction_for(density * SURVEY_PX / side)
    views = [closer(face, side) for face in (framed, *sides)]
    return tuple(
        Shot(view=view, picture=stage.take(view, reduction), crop=crop) for view, crop in views
    )


def find_sides(
    stage: Stage, finder: FaceFinder, framed: FramedFace, max_yaw_deg: float | None
) -> tuple[list[FramedFace], list[str]]:
    """The face as seen from both sides, and what the user should know where it is not.

    `max_yaw_deg` is up to where the model was measured to improve on its input.
    """
    if max_yaw_deg is None or max_yaw_deg < SIDE_YAW_DEG:
        found = (
            "says nothing of turned heads"
            if max_yaw_deg is None
            else f"says {max_yaw_deg:g} degrees"
        )
        return [], [
            f"one view instead of three: the model's card {found}, and a view from the side "
            f"needs it to improve on its input at {SIDE_YAW_DEG:g}"
        ]
    sides, notices = [], []
    for yaw_deg in (-SIDE_YAW_DEG, SIDE_YAW_DEG):
        side = seen_from_the_side(stage, finder, framed, yaw_deg, USUAL_TEXELS)
        if side is None:
            notices.append(f"no face is found from {yaw_deg:+g} degrees: that view is left out")
        else:
            sides.append(side)
    return sides, notices


def texels_per_pixel(survey: StagePicture, parts: Sequence[int], texture: TextureMap) -> float:
    """Of the map, in the survey's picture of the face: the median over it."""
    height, width = next(iter(texture.tiles.values())).shape
    on_face = np.isin(survey.part, list(parts))
    pair = on_face[:, 1:] & on_face[:, :-1]
    step = np.abs(np.diff(survey.uv, axis=1))[pair] * [width, height]
    length = np.hypot(step[:, 0], step[:, 1])
    length = length[length < max(height, width) / 8]  # across a seam
    return float(np.median(length)) if len(length) else 1.0
