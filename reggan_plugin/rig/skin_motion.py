"""What a rig answers for a face: its motion, and the eyes and the mouth that it uncovers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.change.answer import Answer
from reggan_plugin.faces.face_in_shot import CharacterMouth
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS, linear_from_srgb
from reggan_plugin.imaging.crop import CroppedFace, ShownFace
from reggan_plugin.kernels.pixel_values import blur, percentile
from reggan_plugin.kernels.sampling import sampled
from reggan_plugin.kernels.shapes import vertex_normals
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, SIDES, eye_rows, rows_of
from reggan_plugin.rig.drawn_edges import Drawn, Sheets
from reggan_plugin.rig.eyes import Lids, Opening, changed_eye, gaze_of
from reggan_plugin.rig.face_reader import worn_expression
from reggan_plugin.rig.mouth_drawing import USUAL_MOUTH, MouthLook
from reggan_plugin.rig.mouth_opening import (
    changed_mouth,
    kept_shut,
    mouth_outline,
    overlap,
    parting,
    without_hooked_corners,
    without_rolled_lips,
    without_smeared_lips,
)
from reggan_plugin.rig.raster import (
    WHOLE,
    MeshRaster,
    Window,
    extended,
    grown,
    line_of,
    mask_of,
    put_rows,
    rasterise,
    scale_channels,
    window_places,
)
from reggan_plugin.rig.refinement import TRUST, Refine, RigRefinement, RigRequest, added_motion
from reggan_plugin.rig.template_fit import Fit, Template, closing_edges, fit, is_lower

_LOW, _HIGH = 5, 95
"""Percentiles of brightness between which skin counts: no nostrils, no highlights."""
_RIDGE = 0.03
_LEAST_LIGHT = 0.25
"""Of the mean light: no skin gets less, whatever its normal."""
_MOST = 0.3
"""Largest change of the light's logarithm."""


def light_change(
    template: Template,
    picture: Float[np.ndarray, "crop crop 3"],
    here: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "vertices 3"],
    after: Float[np.ndarray, "vertices 3"],
) -> Float[np.ndarray, " vertices"]:
    """Natural logarithm of the factor on the light of each vertex.

    The light is a ridge of the picture's brightness on the normals of the template that is laid
    over it (Lambert's law with light from everywhere).

    Args:
        template: that is laid over the face.
        picture: the crop, sRGB-encoded.
        here: places of the vertices in the crop, in parts of its side.
        before: the vertices in the template's space, as the source has them.
        after: as the result has them.
    """
    normals = vertex_normals(before, template.triangles)
    is_skin = (template.keep > 0.95) & (normals[:, 2] > 0.2)
    colours = sampled(picture, here[is_skin, :2] * len(picture))
    luma = linear_from_srgb(np.clip(colours, 0, 1)) @ np.array(LUMA_WEIGHTS, np.float32)
    usual = (luma > percentile(luma, _LOW)) & (luma < percentile(luma, _HIGH))
    if usual.sum() < 16 or not luma[usual].mean() > 1e-4:
        return np.zeros(len(before), np.float32)
    sides = np.column_stack([np.ones(int(usual.sum())), normals[is_skin][usual]])
    wanted = luma[usual] / luma[usual].mean()
    square = sides.T @ sides / len(sides) + np.diag([0, _RIDGE, _RIDGE, _RIDGE])
    light = np.linalg.solve(square, sides.T @ wanted / len(sides))
    turned = vertex_normals(after, template.triangles)
    was, now = (np.maximum(light[0] + own @ light[1:], _LEAST_LIGHT) for own in (normals, turned))
    change = np.log(now / was) * template.keep
    return np.clip(change, -_MOST, _MOST).astype(np.float32)


MOTION_CELLS, _COVER_CELLS = 256, 128
"""Of motion and light, and of the plane by which a user's limits are drawn."""
_FADE = 0.10
"""Eye distances beyond the mesh over which motion fades."""
_FINER = 2
"""Samples of the mesh per cell and axis: where a chin passes before the neck, their motions are
averaged within a cell, or the chin's edge would have steps."""
_LEAST_LIFT = 0.01
"""Eye distances by which a chin has to rise for what it hid to be looked for."""
_HAIR, _BESIDE_HAIR, _FREE = 0.3, 0.20, 0.12
"""Share of what stands before the face from which on it counts; eye distances from it over which
skin comes to move; and from brows, lids and lips within which it does all the same."""
_BROW_GOES_ON = 0.2
"""Eye distances by which a brow may go on beyond its last landmark, up to hair that hides it."""
_TAIL_ENDS, _TAIL_WIDE = 0.22, 0.10
"""Eye distances beyond a brow's last landmark over which its tail goes along; half its width."""
_NOSTRIL, _GIVES_WAY, _BESIDE_NOSE = (0.07, 0.08), 0.08, 0.12
"""Eye distances above and below the landmarks of a nose's base that move as one piece (they are off
by 0.05); over which that ends at least, above and below; and beside the wings."""
_ONE_PIECE = 0.6
"""How far they do. By eye, on 15 heads: with 1 noses stay open and look asleep, and heads of VALID,
whose own noses press their nostrils shut, lose twice as much (docs/maintainers/results.md)."""
_LASHES, _SLIDES, _FROM_CORNER = 0.03, 0.1, 0.1
"""Eye distances above an upper lid's edge that keep their height; least part of its own that skin
above them keeps; and eye distances from a corner over which that comes to hold. By eye: with 0.04
brows that nearly touch the lid arch over it."""
_MOST_ADDED, _LIPS = 0.2, 0.25
"""Largest change of the light's logarithm where the network adds to the rig's, away from the mouth:
in a smile both darken the same fold of a cheek, which became a bruise. Least half of the mouth, eye
distances; at twice the mouth it holds in full."""
_ROOM = 0.05
"""Of values up to 1, below which light changes less: what is clipped would change its hue."""
_ROOM_SOFT = 2.0
"""Cells over which that comes."""
_EAR = 0.02
"""Eye distances beyond the mesh over which motion of the head ends, for it has ears there; not
above the eyes, where a far brow of a turned head may lie beyond the mesh."""
_BEHIND, _BELOW_EYES = 0.01, 0.25
"""Eye distances from the mesh in the source from which on hair is behind the head, not before it
(with 0.02 far cheeks of turned heads slid under the hair that they hide); and below the eyes over
which that comes to be."""
_HEAD = 0.7
"""Share of the head from which on a cell is of the head to its edge."""
_SEAM_CELLS, _SEAM = 1.5, 0.012
"""Width of the skin that is painted along an edge: cells of the motion, or eye distances."""


@frozen(eq=False)
class Landmarks:
    """Dense landmarks of a face in its crop.

    Attributes:
        places: in parts of the crop's side, in the order of `rig.dense_landmarks`.
        sigma: their standard deviations, likewise.
        front: matte of what stands before the face; None if nothing does.
        head: share of the head, hair before it left out; None if all is head.
        outline: the same as a matte that follows the picture; None if all is head.
        seen_brows: sides of those that nothing hides.
    """

    places: Float[np.ndarray, "points 2"]
    sigma: Float[np.ndarray, " points"]
    front: Float[np.ndarray, "front_side front_side 1"] | None = None
    head: Float[np.ndarray, "head_cells head_cells"] | None = None
    outline: Float[np.ndarray, "outline_side outline_side 1"] | None = None
    seen_brows: Sequence[str] = SIDES


def rig_answer(
    template: Template,
    face: ShownFace,
    landmarks: Landmarks,
    weights: Mapping[str, float],
    *,
    refine: Refine | None = None,
    cells: int = MOTION_CELLS,
    look: MouthLook = USUAL_MOUTH,
    character: CharacterMouth | None = None,
    relaxed: float = 0.0,
) -> Answer:
    """Move a face by the shapes of the template.

    Args:
        template: that is laid over the face.
        face: finite; one without a picture around it is the picture of its details, too.
        landmarks: of the face.
        weights: of ARKit's shapes, and `neutral`: how much of an open mouth of its own is shut.
        refine: a network that adds to the answer what geometry does not say.
        cells: resolution of the motion.
        look: of the mouth.
        character: its mouth in all of a shot; None takes what the picture tells.
        relaxed: how much of the expression that the face shows is taken away, 0 to 1.
    """
    picture = face if isinstance(face, CroppedFace) else CroppedFace(face)
    rest = float(np.clip(weights.get("neutral", 0.0), 0, 1))
    wears = worn_expression(landmarks.places, relaxed / rest) if relaxed * rest > 0 else {}
    laid = fit(template, landmarks.places, landmarks.sigma, wears)
    change, gone = template.displacement(weights), -np.float32(rest) * laid.worn
    if wears:
        gone = kept_shut(template, laid.worn, gone)
        away = {name: -rest * weight for name, weight in wears.items()}
        weights = {n: weights.get(n, 0.0) + away.get(n, 0.0) for n in (*weights, *away)}
    change = change + gone
    if look.style == "closed":
        change = kept_shut(template, laid.worn, change)
    before = template.rest + laid.worn
    closing = closing_edges(template, laid, change)
    here = laid.map(before)
    marks = template.landmarks + template.at_landmarks(laid.worn)
    marks_before = laid.map(marks)[:, :2]
    marks_closing = template.at_landmarks(closing[:, None])[:, 0]
    marks_after = laid.moved(marks, template.at_landmarks(change), marks_closing)[:, :2]
    light = light_change(template, picture.small, here, before, before + change)
    refined = None
    down = -laid.map.affine[1] / max(float(np.linalg.norm(laid.map.affine[1])), 1e-9)
    # columns: the face's right and down in the crop
    axes = np.array([[down[1], down[0]], [-down[0], down[1]]])
    upper, lower = LIP_PAIRS
    if refine is None:
        there = laid.moved(before, change, closing)
    else:
        request = RigRequest.of(template, laid, before, change, closing, weights, light)
        refined = refine(request.planes(template))
        # below 0 where a lip is pushed over the other
        gaps = (marks_after[lower] - marks_after[upper]) @ axes[:, 1] / laid.map.eye
        added = added_motion(template, request, refined, gaps) * laid.map.eye
        there = request.there + np.column_stack([added, np.zeros(len(added), np.float32)])
        marks_after = marks_after + template.at_landmarks(added)
    apart = overlap(marks_before, marks_after, axes[:, 1])
    if wears:
        marks_there = template.landmarks + template.at_landmarks(change - gone)
        wanted = (marks_there[upper, 1] - marks_there[lower, 1]).clip(0) * laid.map.eye
        left = ((marks_after[lower] - marks_after[upper]) @ axes[:, 1] - wanted).clip(0)
        apart = apart - np.float32(rest) * left[:, None] * axes[:, 1]
    meeting = parting(template, apart)
    meeting += without_hooked_corners(template, marks_before, marks_after, axes)
    there = there + np.column_stack([meeting, np.zeros(len(meeting), np.float32)])
    marks_after = marks_after + template.at_landmarks(meeting)
    there = without_rolled_lips(
        template, here, there, marks_before, marks_after, axes, laid.map.eye
    )
    if wears:
        there = without_smeared_lips(
            template, here, there, marks_before, marks_after, axes, laid.map.eye, rest
        )
    if template.conventions:  # a head's own shapes know its nose and its lids
        there = _with_whole_nostrils(
            here, there, marks_before, marks_after, axes, laid.map.eye, ~is_lower(template)
        )
        there = _with_seen_lids(here, there, marks_before, marks_after, axes, laid.map.eye)
    there = _with_tails(here, there, marks_before, marks_after, laid.map.eye, landmarks.seen_brows)
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
    mouth = changed_mouth(
        template,
        picture,
        laid,
        marks_before,
        marks_after,
        weights,
        axes,
        look,
        character,
        relaxes=bool(wears),
    )
    landmarks = _with_hair_behind(landmarks, template, here, marks_before, axes[:, 1], laid.map.eye)
    raster = rasterise(there * cells * _FINER, template.triangles, cells * _FINER, cells * _FINER)
    seen = raster.mixed_where_hit(
        np.column_stack([here[:, :2] - there[:, :2], light, here, there[:, 2]]), template.triangles
    )
    is_head = _is_head(seen[:, 3:5], landmarks.head)
    shown, neck = is_head.astype(np.float32), None
    bare = np.zeros(raster.shape, bool)
    drawn = Drawn(template=template, picture=picture, here=here, there=there, eye=laid.map.eye)
    jaw_after = np.column_stack([marks_after, template.at_landmarks(there)[:, 2:]])[rows_of("jaw")]
    chin = template.at_landmarks(here - there)[rows_of("jaw")[5:10], 1]
    if float(chin.max()) > _LEAST_LIFT * laid.map.eye:
        hidden, bare, neck = drawn.uncovered(raster, seen[:, 3:6], landmarks.head, jaw_after[:, :2])
        shown *= ~hidden
    motion, gain, moves = _motion(
        laid, raster, is_head, seen, shown, marks_after, eyes, cells, refined, landmarks, axes[:, 1]
    )
    # what is clipped keeps its hue
    places = (_middles(cells) + motion) * np.float32(len(picture.small))
    room = 1 - np.maximum.reduce([*np.moveaxis(sampled(picture.small, places), 2, 0)])
    gain = gain * blur(np.clip(room / _ROOM, 0, 1), _ROOM_SOFT)[..., None]
    gain = gain + drawn.shadow_of_chin(raster, seen[:, 6], -float(chin.min()), jaw_after, cells)
    seam = max(_SEAM_CELLS / cells, _SEAM * laid.map.eye)
    openings = [one for one in (*eyes, mouth) if one is not None]
    passing = drawn.edge_before(
        raster,
        seen,
        seen[:, 6],
        raster.plane(shown),
        bare,
        moves,
        gain,
        landmarks.head,
        openings,
        seam,
    )
    painters = [one for one in (neck, passing) if one is not None]
    painters += [
        drawn.opening(one, sheets, seam, gain if one is mouth else None)
        for one, sheets in zip((*eyes, mouth), _sheets(template), strict=True)
        if one is not None
    ]
    return Answer(
        motion=motion,
        gain=gain,
        cover=np.zeros((_COVER_CELLS, _COVER_CELLS, 1), np.float32),
        paint=np.zeros((2, 2, 3), np.float32),
        painters=tuple(painters),
        front=landmarks.front,
        head=landmarks.outline,
    )


@cache  # a template is compared by identity
def _sheets(template: Template) -> list[Sheets]:
    """Triangles of the skin above both eyes and the mouth, below them, and of what spans them."""
    found = []
    for side in (*SIDES, None):
        is_upper = ~is_lower(template)
        if side is not None:  # above the line between the corners of an eye
            outer, inner = template.landmarks[rows_of("lid_upper", side)[[0, -1]], :2]
            slope = (inner[1] - outer[1]) / (inner[0] - outer[0])
            is_upper = template.rest[:, 1] > outer[1] + slope * (template.rest[:, 0] - outer[0])
        above = is_upper[template.triangles].sum(axis=1)
        upper, lower = np.flatnonzero(above == 3), np.flatnonzero(above == 0)
        found.append((upper, lower, np.flatnonzero((above == 1) | (above == 2))))
    return found


def _motion(
    laid: Fit,
    raster: MeshRaster,
    is_head: Bool[np.ndarray, " hits"],
    seen: Float[np.ndarray, "hits more_channels"],
    shown: Float[np.ndarray, " hits"],
    marks_after: Float[np.ndarray, "points 2"],
    eyes: list[Opening | None],
    cells: int,
    refined: RigRefinement | None,
    landmarks: Landmarks,
    chinwards: Float[np.ndarray, "2"],
) -> tuple[
    Float[np.ndarray, "cells cells 2"],
    Float[np.ndarray, "cells cells 1"],
    Float[np.ndarray, "cells cells"],
]:
    """Where the surface seen at each cell was before, how its light changes, and how far it moves.

    What is no face does not move, nor does its light change: the last is the share that is left of
    both. The first of what is seen of the mesh are its motion and the change of its light.
    """
    sums = raster.summed(seen, 3, shown, _FINER)
    count = sums[..., 3]
    mean = sums[..., :3] / np.maximum(count, 1)[..., None]
    if refined is not None:
        places = _middles(cells) + mean[..., :2]
        added = sampled(refined.gain, places * np.float32(len(refined.gain)))
        light = mean[..., 2:] + np.float32(TRUST) * added
        lips = mouth_outline(marks_after)
        middle, half = (lips.max(axis=0) + lips.min(axis=0)) / 2, np.ptp(lips, axis=0) / 2
        off = _middles(cells)[0, :, :1] - middle  # columns and rows lie alike
        across, down = (off / np.maximum(half, _LIPS * laid.map.eye)).astype(np.float32).T
        away = np.clip(np.hypot(across, down[:, None]) - 1, 0, 1)[..., None]
        mean[..., 2:] = light + away * (_MOST_ADDED * np.tanh(light / _MOST_ADDED) - light)
    known = count > 0
    motion = extended(mean, known.astype(np.float32))
    inside = raster.summed(seen, 0, is_head.astype(np.float32), _FINER)[..., 0] > 0
    for side in SIDES:
        outline = Lids.from_loop(marks_after[eye_rows(side)]).outline()
        inside |= mask_of(outline, WHOLE, cells) > 0
    inside |= mask_of(mouth_outline(marks_after), WHOLE, cells) > 0
    # cheeks move more than their outline: what is beyond goes along with the outline alone
    edge = known & ~grown(inside, -1)
    if edge.any():
        beyond = np.flatnonzero(~inside)
        outline = extended(mean, edge.astype(np.float32)).reshape(-1, mean.shape[2])
        put_rows(motion.reshape(-1, mean.shape[2]), beyond, outline.take(beyond, axis=0))
    reach = max(1.0, _FADE * laid.map.eye * cells)
    wide = grown(inside, reach * 0.5)
    moves = np.clip(2 * blur(wide.astype(np.float32), reach / 2), 0, 1)
    for one in eyes:
        if one is not None:
            moves *= 1 - one.share * _in_cells(one.still, one.window, cells)
    if landmarks.front is not None:
        moves *= 1 - _beside_hair(
            landmarks.front, landmarks.seen_brows, marks_after, laid.map.eye, cells
        )
    scale_channels(motion, moves)
    if landmarks.head is not None:
        # an outline takes its backdrop along, but not over a shoulder, and nor is that lit
        places = np.stack([_middles(cells)] * 2)
        for axis in (0, 1):
            places[1, ..., axis] += motion[..., axis]
        head = landmarks.head[..., None]
        is_head, was_head = sampled(head, places * np.float32(len(head)))[..., 0]
        # ears stay, and cheeks widen before them
        hits = [raster.is_hit[i::_FINER, j::_FINER] for i, j in np.ndindex(_FINER, _FINER)]
        covered = np.logical_or.reduce([inside, *hits])
        ear = _EAR * laid.map.eye * cells
        beyond = 1 - np.clip(2 * blur(grown(covered, ear).astype(np.float32), ear), 0, 1)
        beyond = sampled(beyond[..., None], places * np.float32(cells))[..., 0]
        beyond *= np.clip(2 * np.stack([is_head, was_head]) - 0.5, 0, 1)
        below = _below_eyes(marks_after, chinwards, laid.map.eye, cells)[..., 0]
        scale_channels(motion, 1 - below * beyond.max(axis=0))
        comes = np.clip(2 * is_head - 0.5, 0, 1) * np.clip(1.5 - 2 * was_head, 0, 1)
        scale_channels(motion[..., :2], 1 - comes)
        scale_channels(motion[..., 2:], np.clip(2 * was_head - 1, 0, 1))
    return motion[..., :2].astype(np.float32), motion[..., 2:].astype(np.float32), moves


def _with_hair_behind(
    landmarks: Landmarks,
    template: Template,
    here: Float[np.ndarray, "vertices 3"],
    marks: Float[np.ndarray, "points 2"],
    down: Float[np.ndarray, "2"],
    eye: float,
) -> Landmarks:
    """Leave out of what stands before the face what lies beside the mesh: it is behind the head.

    But not beside temples, where hair has its roots, and lies on the skin.
    """
    if landmarks.front is None or landmarks.outline is None:
        return landmarks
    side = _COVER_CELLS
    hit = rasterise(here * side, template.triangles, side, side).is_hit
    near = blur(grown(hit, _BEHIND * eye * side).astype(np.float32), 1.0)
    stays = 1 - _below_eyes(marks, down, eye, side) * (1 - near[..., None])
    at = _middles(len(landmarks.front)) * np.float32(side)
    return replace(landmarks, front=landmarks.front * sampled(stays, at))


def _below_eyes(
    marks: Float[np.ndarray, "points 2"], down: Float[np.ndarray, "2"], eye: float, cells: int
) -> Float[np.ndarray, "cells cells 1"]:
    """1 well below the eyes, 0 above them."""
    eyes = np.concatenate([marks[eye_rows(one)] for one in SIDES]).mean(axis=0)
    below = ((_middles(cells) - eyes) @ down)[..., None] / (_BELOW_EYES * eye)
    return below.clip(0, 1).astype(np.float32)


def _with_tails(
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    eye: float,
    seen_brows: Sequence[str],
) -> Float[np.ndarray, "vertices 3"]:
    """Let the tails of brows go along with their last landmarks.

    On a temple that turns away skin that hardly moves is near them, and would draw them down to it.
    """
    there = there.copy()
    for side in seen_brows:
        last, inner = rows_of("brow", side)[[0, 2]]
        way, on = after[last] - before[last], before[last] - before[inner]
        on = on / max(float(np.hypot(*on)), 1e-9)
        along, beside = ((here[:, :2] - before[last]) @ np.stack([on, [-on[1], on[0]]]).T / eye).T
        share = (1 - (along / _TAIL_ENDS).clip(0, 1) ** 2) * (1 + along / _TAIL_WIDE).clip(0, 1)
        share *= np.exp(-((beside / _TAIL_WIDE) ** 2))
        goes = (there - here)[:, :2] @ way / max(float(way @ way), 1e-12)
        there[:, :2] += np.clip(share - goes.clip(0), 0, 1)[:, None] * way
    return there


def _with_seen_lids(
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    axes: Float[np.ndarray, "2 2"],
    eye: float,
) -> Float[np.ndarray, "vertices 3"]:
    """Keep the line of an upper lid's lashes whole where the skin above comes down to it.

    A brow that goes down would push its skin over the lid, whose edge had no line then.

    Args:
        here: places of the vertices in the source.
        there: in the result.
        before: the landmarks in the source.
        after: in the result.
        axes: columns: the face's right and down in the crop.
        eye: an eye distance in parts of the crop's side.
    """
    there = there.copy()
    x, y = (here[:, :2] @ axes).T
    for side in SIDES:
        edges = [(marks[rows_of("lid_upper", side)] @ axes).T for marks in (before, after)]
        (was_x, was_y), (now_x, now_y) = (edge[:, np.argsort(edge[0])] for edge in edges)
        was = (np.interp(x, was_x, was_y) - y) / eye
        now_at = (there[:, :2] @ axes).T
        now = (np.interp(now_at[0], now_x, now_y) - now_at[1]) / eye
        least = np.minimum(was, _LASHES + _SLIDES * (was - _LASHES))
        inwards = np.minimum(x - was_x[0], was_x[-1] - x) / (_FROM_CORNER * eye)
        lift = (least - now).clip(0) * inwards.clip(0, 1) * (was > 0)
        there[:, :2] -= (lift * eye)[:, None] * axes[:, 1]
    return there


def _with_whole_nostrils(
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    axes: Float[np.ndarray, "2 2"],
    eye: float,
    is_above: Bool[np.ndarray, " vertices"],
) -> Float[np.ndarray, "vertices 3"]:
    """Let the base of a nose go up and down as one piece between its tip and the upper lip.

    As a lip rises and the tip stays, nostrils would be pressed to a line between them. The skin
    above them and the skin below give way instead, evenly.

    Args:
        here: places of the vertices in the source.
        there: in the result.
        before: the landmarks in the source.
        after: in the result.
        axes: columns: the face's right and down in the crop.
        eye: an eye distance in parts of the crop's side.
        is_above: vertices that do not go with the jaw.
    """
    x, y = (here[:, :2] @ axes).T
    marks_x, marks_y = (before @ axes).T
    rises = (before - after) @ axes[:, 1]
    lip, (tip, middle) = rows_of("lip_outer_upper"), rows_of("nose")
    (right, in_right), (left, in_left) = (rows_of("nostril", side) for side in SIDES)
    base = np.array([right, in_right, middle, in_left, left])
    base, lip = (rows[np.argsort(marks_x[rows])] for rows in (base, lip))
    rim, lifted = (np.interp(marks_x[base], marks_x[lip], one[lip]) for one in (marks_y, rises))
    top = marks_y[base] - _NOSTRIL[0] * eye
    above = np.maximum(top - marks_y[tip], _GIVES_WAY * eye)
    below = np.maximum(rim - marks_y[base] - _NOSTRIL[1] * eye, _GIVES_WAY * eye)
    wanted = (rises[tip] * below + lifted * above) / (above + below)
    wanted[[0, -1]] = (wanted + rises[base])[[0, -1]] / 2  # wings go with cheeks, too
    wanted, top, above, below = (
        np.interp(x, marks_x[base], one) for one in (wanted, top, above, below)
    )
    rim = np.interp(x, marks_x[lip], marks_y[lip])
    share = (1 - (top - y) / above).clip(0, 1) * ((rim - y) / below).clip(0, 1)
    beside = np.maximum(marks_x[base[0]] - x, x - marks_x[base[-1]]).clip(0) / eye
    share *= _ONE_PIECE * (1 - beside / _BESIDE_NOSE).clip(0, 1) * is_above
    there = there.copy()
    rose = (here - there)[:, :2] @ axes[:, 1]
    there[:, :2] += (share * (rose - wanted))[:, None] * axes[:, 1]
    return there


def _beside_hair(
    front: Float[np.ndarray, "front_side front_side 1"],
    seen_brows: Sequence[str],
    marks: Float[np.ndarray, "points 2"],
    eye: float,
    cells: int,
) -> Float[np.ndarray, "cells cells"]:
    """How little skin moves next to what stands before a face, 0 to 1.

    Thin ends of locks that pass for skin would be torn off. Lids, lips and brows that are seen go
    their way.
    """
    hair = sampled(front, _middles(cells) * np.float32(len(front)))[..., 0] > _HAIR
    reach = _BESIDE_HAIR * eye * cells
    near = np.clip(1.3 * blur(grown(hair, reach / 2).astype(np.float32), reach / 2), 0, 1)
    lines = [marks[eye_rows(side)] for side in SIDES]
    lines += [marks[rows_of(lip)] for lip in ("lip_outer_upper", "lip_outer_lower")]
    for side in seen_brows:
        brow = marks[rows_of("brow", side)]
        on = brow[0] - brow[2]
        end = brow[0] + on * (_BROW_GOES_ON * eye / max(float(np.linalg.norm(on)), 1e-9))
        lines.append(np.concatenate([end[None], brow]))
    wide = 2 * _FREE * eye
    free = np.maximum.reduce([line_of(line, wide, WHOLE, cells) for line in lines])
    free = np.clip(2 * blur(free, _FREE * eye * cells / 2), 0, 1)
    return near * (1 - free)


@cache
def _middles(cells: int) -> Float[np.ndarray, "cells cells 2"]:
    return window_places(WHOLE, cells).astype(np.float32)


def _is_head(
    places: Float[np.ndarray, "hits 2"], head: Float[np.ndarray, "head_cells head_cells"] | None
) -> Bool[np.ndarray, " hits"]:
    """Whether pixels that show the mesh show what was on the head in the source.

    Beside the cheek of a turned head the template has a neck where a picture has its backdrop:
    with it, the cheek's outline would tear, and hair beside a face would go along.
    """
    if head is None:
        return np.ones(len(places), bool)
    return sampled(head[..., None], places * np.float32(len(head)))[:, 0] > _HEAD


def _in_cells(
    plane: Float[np.ndarray, "side side"], window: Window, cells: int
) -> Float[np.ndarray, "cells cells"]:
    """Sample a window's plane at the middles of the whole crop's cells; 0 beside the window."""
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
