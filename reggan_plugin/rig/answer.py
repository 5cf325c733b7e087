"""What a rig answers for a face: its motion, and the eyes and the mouth that it uncovers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.change.answer import Answer, Painter
from reggan_plugin.rig.eyes import Lids, Opening, changed_eye, gaze_of
from reggan_plugin.rig.fit import Fit, fit
from reggan_plugin.rig.layout import LIP_PAIRS, SIDES, eye_rows, rows_of
from reggan_plugin.rig.light import light_change
from reggan_plugin.rig.mouth import USUAL_MOUTH, MouthLook
from reggan_plugin.rig.opened_mouth import (
    changed_mouth,
    kept_shut,
    mouth_outline,
    overlap,
    parting,
    without_rolled_lips,
)
from reggan_plugin.rig.planes import (
    WHOLE,
    Window,
    blurred,
    extended,
    grown,
    line_of,
    mask_of,
    sampled,
    window_places,
)
from reggan_plugin.rig.raster import MeshRaster, rasterise
from reggan_plugin.rig.refinement import (
    Refine,
    RigRefinement,
    RigRequest,
    added_motion,
)
from reggan_plugin.rig.template import Template, is_lower

_CELLS, _COVER_CELLS = 256, 128
"""Of motion and light, and of the plane by which a user's limits are drawn."""
_FADE = 0.10
"""Eye distances beyond the mesh over which motion fades."""
_FINER = 2
"""Samples of the mesh per cell and axis: where a chin passes before the neck, their motions are
averaged within a cell, or the chin's edge would have steps."""
_CORNER = 0.05
"""Eye distances from a corner inwards over which both edges become one skin."""
_SEAM_CELLS, _SEAM = 1.5, 0.012
"""Width of the skin that is painted along an edge: cells of the motion, or eye distances."""
_LEAST_LIFT = 0.01
"""Eye distances by which a chin has to rise for what it hid to be looked for."""
_BEHIND = 0.1
"""Depth, in the spread of the template's, from which on a surface lies behind another."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Landmarks:
    """Dense landmarks of a face in its crop.

    Attributes:
        places: in parts of the crop's side, in the order of `rig.layout`.
        sigma: their standard deviations, likewise.
        front: matte of what stands before the face; None if nothing does.
    """

    places: Float[np.ndarray, "points 2"]
    sigma: Float[np.ndarray, " points"]
    front: Float[np.ndarray, "front_side front_side 1"] | None = None


def rig_answer(
    template: Template,
    picture: Float[np.ndarray, "crop crop 3"],
    landmarks: Landmarks,
    weights: Mapping[str, float],
    *,
    refine: Refine | None = None,
    cells: int = _CELLS,
    look: MouthLook = USUAL_MOUTH,
) -> Answer:
    """Move a face by the shapes of the template.

    Args:
        template: that is laid over the face.
        picture: the crop, sRGB-encoded, finite.
        landmarks: of the face.
        weights: of ARKit's shapes, and `neutral`: how much of an open mouth of its own is shut.
        refine: a network that adds to the answer what geometry does not say.
        cells: resolution of the motion.
        look: of the mouth.
    """
    laid = fit(template, landmarks.places, landmarks.sigma)
    rest = float(np.clip(weights.get("neutral", 0.0), 0, 1))
    change = template.displacement(weights) - np.float32(rest) * laid.worn
    if look.style == "closed":
        change = kept_shut(template, laid.worn, change)
    before = template.rest + laid.worn
    here, there = laid.map(before), laid.map(before + change)
    marks = template.landmarks + template.at_landmarks(laid.worn)
    marks_before = laid.map(marks)[:, :2]
    marks_after = laid.map(marks + template.at_landmarks(change))[:, :2]
    light = light_change(template, picture, here, before, before + change)
    axes, refined = _axes(laid), None
    if refine is not None:
        request = RigRequest.of(template, laid.map, before, weights, light, before + change)
        refined = refine(request.planes(template))
        upper, lower = LIP_PAIRS
        # below 0 where a lip is pushed over the other
        gaps = (marks_after[lower] - marks_after[upper]) @ axes[:, 1] / laid.map.eye
        added = added_motion(template, request, refined, gaps) * laid.map.eye
        there = there + np.column_stack([added, np.zeros(len(added), np.float32)])
        marks_after = marks_after + template.at_landmarks(added)
    meeting = parting(template, overlap(marks_before, marks_after, axes[:, 1]))
    there = there + np.column_stack([meeting, np.zeros(len(meeting), np.float32)])
    marks_after = marks_after + template.at_landmarks(meeting)
    there = without_rolled_lips(
        template, here, there, marks_before, marks_after, axes, laid.map.eye
    )
    eyes = [
        changed_eye(
            picture,
            Lids.from_loop(marks_before[eye_rows(side)]),
            Lids.from_loop(marks_after[eye_rows(side)]),
            landmarks.places[rows_of("iris", side)],
            gaze_of(weights, side),
            laid.map.eye,
            axes,
        )
        for side in SIDES
    ]
    mouth = changed_mouth(template, picture, laid, marks_before, marks_after, weights, axes, look)
    motion, gain = _motion(template, laid, here, there, light, marks_after, eyes, cells, refined)
    seam = max(_SEAM_CELLS / cells, _SEAM * laid.map.eye)
    painters = [
        _painter(template, picture, here, there, one, is_upper, laid.map.eye, seam)
        for one, is_upper in zip(
            (*eyes, mouth),
            (*(_above_lids(template, side) for side in SIDES), ~is_lower(template)),
            strict=True,
        )
        if one is not None
    ]
    return Answer(
        motion=motion,
        gain=gain,
        cover=np.zeros((_COVER_CELLS, _COVER_CELLS, 1), np.float32),
        paint=np.zeros((2, 2, 3), np.float32),
        painters=tuple(painters),
        front=landmarks.front,
    )


def _painter(
    template: Template,
    picture: Float[np.ndarray, "crop crop 3"],
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    opening: Opening,
    is_upper: Bool[np.ndarray, " vertices"],
    eye: float,
    seam: float,
) -> Painter:
    """Paint what opens, and the skin along its edge, where the motion jumps.

    No plane of cells can follow a jump: there the mesh itself draws the skin, at the resolution of
    the picture.
    """
    left, top, right, _ = opening.window
    side_px = len(opening.open)
    scale = np.float32(side_px / (right - left))
    corner = np.array([left, top, 0.0], np.float32)
    seen, source = (there - corner) * scale, (here - corner) * scale
    middle = (opening.middle - corner[:2]) * scale
    columns = np.arange(side_px) + 0.5
    line = np.interp(columns, middle[:, 0], middle[:, 1])
    is_above = (np.arange(side_px)[:, None] + 0.5) < line[None]
    upper = template.triangles[is_upper[template.triangles].all(axis=1)]
    lower = template.triangles[~is_upper[template.triangles].any(axis=1)]
    skins = []
    # each edge by itself: where they touch, whichever is nearer would tear the other
    for triangles in (upper, lower, template.triangles):
        raster = rasterise(seen, triangles, side_px, side_px)
        places = raster.mixed(source[:, :2], triangles)
        was_open = sampled(opening.was_open[..., None], places)[..., 0]
        known = raster.is_hit * np.clip(1 - 2 * was_open, 0, 1)
        at = places / scale + corner[:2]
        skins.append(extended(sampled(picture, at * np.float32(len(picture))), known))
    apart = np.where(is_above[..., None], skins[0], skins[1])
    inwards = np.minimum(columns - middle[0, 0], middle[-1, 0] - columns)
    share = np.clip(inwards / (_CORNER * eye * scale), 0, 1)[None, :, None]
    skin = skins[2] + share * (apart - skins[2])
    share = opening.open[..., None]
    paint = skin + share * (opening.inside - skin)
    band = line_of(opening.edge, 2 * seam, opening.window, side_px)
    cover = np.maximum(opening.open, band) * (1 - opening.still)
    return Painter(
        window=opening.window,
        cover=np.minimum(cover, _away_from_border(side_px))[..., None],
        paint=np.clip(paint, 0, 1).astype(np.float32),
    )


def _away_from_border(side_px: int) -> Float[np.ndarray, "side side"]:
    """1 inside a square, 0 on its outermost pixels."""
    along = np.clip(np.minimum(np.arange(side_px), np.arange(side_px)[::-1]) / 2.0, 0, 1)
    return np.minimum(along[:, None], along).astype(np.float32)


def _above_lids(template: Template, side: str) -> Bool[np.ndarray, " vertices"]:
    """Vertices above the line between the corners of an eye."""
    outer, inner = template.landmarks[rows_of("lid_upper", side)[[0, -1]], :2]
    slope = (inner[1] - outer[1]) / (inner[0] - outer[0])
    return template.rest[:, 1] > outer[1] + slope * (template.rest[:, 0] - outer[0])


def _axes(laid: Fit) -> Float[np.ndarray, "2 2"]:
    """Columns: the face's right and down in the crop, unit length."""
    down = -laid.map.affine[1] / max(float(np.linalg.norm(laid.map.affine[1])), 1e-9)
    return np.array([[down[1], down[0]], [-down[0], down[1]]])


def _motion(
    template: Template,
    laid: Fit,
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    light: Float[np.ndarray, " vertices"],
    marks_after: Float[np.ndarray, "points 2"],
    eyes: list[Opening | None],
    cells: int,
    refined: RigRefinement | None,
) -> tuple[Float[np.ndarray, "cells cells 2"], Float[np.ndarray, "cells cells 1"]]:
    """Where the surface seen at each cell was before, and how its light changes.

    What is no face does not move, nor does its light change.
    """
    fine = cells * _FINER
    raster = rasterise(there * fine, template.triangles, fine, fine)
    known = raster.is_hit.astype(np.float32)
    chin = template.at_landmarks(here - there)[rows_of("jaw")[5:10], 1]
    if float(chin.max()) > _LEAST_LIFT * laid.map.eye:
        known *= _seen_before(raster, template, here, fine)
    moved = raster.mixed(np.column_stack([here[:, :2] - there[:, :2], light]), template.triangles)
    blocks = cells, _FINER, cells, _FINER
    count = known.reshape(blocks).sum(axis=(1, 3))
    sums = (moved * known[..., None]).reshape(*blocks, 3).sum(axis=(1, 3))
    mean = sums / np.maximum(count, 1)[..., None]
    if refined is not None:
        places = window_places(WHOLE, cells).astype(np.float32) + mean[..., :2]
        mean[..., 2:] += sampled(refined.gain, places * np.float32(len(refined.gain)))
    motion = extended(mean, np.minimum(count, 1.0))
    inside = raster.is_hit.reshape(blocks).any(axis=(1, 3))
    for side in SIDES:
        outline = Lids.from_loop(marks_after[eye_rows(side)]).outline()
        inside |= mask_of(outline, WHOLE, cells) > 0
    inside |= mask_of(mouth_outline(marks_after), WHOLE, cells) > 0
    reach = max(1.0, _FADE * laid.map.eye * cells)
    wide = grown(inside, reach * 0.5)
    motion *= np.clip(2 * blurred(wide.astype(np.float32), reach / 2), 0, 1)[..., None]
    for one in eyes:
        if one is not None:
            motion *= 1 - _in_cells(one.still, one.window, cells)[..., None]
    return motion[..., :2].astype(np.float32), motion[..., 2:].astype(np.float32)


def _seen_before(
    raster: MeshRaster, template: Template, here: Float[np.ndarray, "vertices 3"], cells: int
) -> Float[np.ndarray, "cells cells"]:
    """1 where the surface of a cell was seen in the source, 0 where it lay behind another.

    As a chin rises, the skin under the chin comes out: nothing in the picture shows it, and
    without this the old chin would be drawn under the new one.
    """
    source = rasterise(here * cells, template.triangles, cells, cells)
    nearness = source.mixed(here[:, 2:], template.triangles)
    places = raster.mixed(here, template.triangles)
    nearest = sampled(nearness, places[..., :2] * np.float32(cells))[..., 0]
    spread = float(np.sqrt((here[:, 2] ** 2).mean()))
    return (nearest - places[..., 2] <= _BEHIND * spread).astype(np.float32)


def _in_cells(
    plane: Float[np.ndarray, "side side"], window: Window, cells: int
) -> Float[np.ndarray, "cells cells"]:
    """A plane of a window at the middles of the cells of the whole crop; 0 beside the window."""
    result = np.zeros((cells, cells), np.float32)
    left, top, right, bottom = (int(np.floor(edge * cells)) for edge in window)
    rows = np.arange(max(top, 0), min(bottom + 1, cells))
    columns = np.arange(max(left, 0), min(right + 1, cells))
    if not len(rows) or not len(columns):
        return result
    side = len(plane)
    scale = side / ((window[2] - window[0]) * cells)
    y = np.clip(((rows + 0.5 - window[1] * cells) * scale).astype(int), 0, side - 1)
    x = np.clip(((columns + 0.5 - window[0] * cells) * scale).astype(int), 0, side - 1)
    result[np.ix_(rows, columns)] = plane[np.ix_(y, x)]
    return result
