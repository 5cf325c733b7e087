"""Mouths: what is seen between lips that part, and the line of lips that slide."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.faces.face_in_shot import CharacterMouth
from reggan_plugin.imaging.colour import srgb_from_linear
from reggan_plugin.imaging.crop import CroppedFace
from reggan_plugin.kernels.pixel_values import blended, blur, median, percentile
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, SIDES, eye_rows, rows_of
from reggan_plugin.rig.eyes import LEAST_MOTION, Lids, Opening, rightwards
from reggan_plugin.rig.mouth_drawing import (
    USUAL_MOUTH,
    MouthLook,
    jaw_pose_from_drop,
    mouth_light_from_face,
    mouth_rig,
    render_mouth,
)
from reggan_plugin.rig.mouth_light import FEWEST_OF_SKIN, LUMA
from reggan_plugin.rig.raster import (
    WHOLE,
    Window,
    channels_averaged,
    extended,
    grown,
    line_of,
    mask_of,
    smooth_arc,
    square_around,
    window_places,
)
from reggan_plugin.rig.template_fit import Fit, Template, is_lower

_TEETH_BELOW, _TEETH_BEHIND = 0.04, 0.115
"""Edge of the upper incisors below the line between closed lips, and behind the lips' front, in eye
distances. On 12 heads of ICT and VALID the first is 0.033, on MakeHuman's teeth are 0.065 higher.
The second by eye. Lower teeth go with the jaw as far as the lip that it takes along."""
_TALL = 1.15
"""Of our own mouth: true renders of eight heads never show gums, raised lips showed ours."""
_JAW_SHAPES = ("jawForward", "jawLeft", "jawOpen", "jawRight")
_LEAST_GAP = 0.022
"""Eye distances between lips from which on a mouth begins to open; it is open in full at twice as
much. The template's lips have no thickness: what is less would be a slit where true lips touch."""
_FLAT, _STEPS, _MOSTLY = 0.6 / 255, 5.0, 0.10
"""Slopes below the first are flat; their ninth decile over their median, and the share of flat
ones, from which on a face is a drawing. Of 7 cel-shaded heads, saved as JPEG, 6 are above, of 33
others (skin, stone, clay, photographs) none."""
_FEWEST = 12
_SAME_STUFF, _NO_PUPIL = (0.03, 0.05), (0.5, 0.62)
"""Distance of hues between eyes and skin, and darkest pixels of eyes over the skin's brightness: of
18 statues of stone and clay 0.01 to 0.03 and 0.65 to 0.84, of 14 faces of skin 0.05 to 0.15 and
0.21 to 0.60. Bronze lies between and keeps natural teeth."""
_LEAST_LIP, _LIP_DEPTH = 0.4, 0.3
"""Of a lip, and of the skin around it so many eye distances from its edge, that is always left."""
_THIN: Final = 0.02
"""Eye distances that a lip is thick at least."""
_LIPS_REACH: Final = 0.12
"""Eye distances from the mouth's line over which lips are parted or held together."""
_LIFTED, _SHUT_REACH, _ROUNDS = 0.8, 0.35, 4
"""Of lips that are kept shut: the lower one goes most of the way, as in ARKit's `mouthClose`; eye
distances over which skin goes along; rounds until they meet."""
_STEEPEST: Final = 0.8
"""Motion up or down of the line between lips, over the way along it, at most: seen from the front a
full frown has 0.6 at its corners; a far corner, foreshortened, had 1.7, and was a hook."""
_UP: Final = np.array([0.0, 1.0, 0.0], np.float32)
_LIGHT_PX, _SKIN_AROUND = 192, 0.14
"""Pixels of a crop's side that are enough to see its light; eye distances of skin around points."""
_LINE_REACH, _LIPS_BESIDE = 0.035, (0.045, 0.10)
"""Eye distances from where lips meet within which their line is dark, and between which lips are
lips."""
_ROLLED_OUT, _ROLLED_OVER = (0.009, 0.004), 0.15
"""Eye distances of a lip's inner side that come to be seen, of the upper and the lower one, and the
gap from which on they do so in full. On seven held-out heads the mouth's edge is 2.0 px from the
true one at 512 px, 2.3 px without, with their own rigs upper lips were 0.9 px too high."""
_STEEP, _ROUND = (0.5, 1.2), 0.5
"""Twice the way of a lip up or down beside a corner of the mouth, of the one that goes less, over
the distance from there: between these the corner comes to be round, and moves in by a share of that
distance. By eye: dropped jaws had lozenges for mouths."""
_TURN_IN, _RIM, _RIM_SHADE = 0.007, 0.025, 0.3
"""Eye distances over which lips turn in, where they shade what is behind them, and how much of its
light they take twice over at their edge. By eye: a hard edge looks like cut paper."""
_LINE, _LINE_EDGE, _NEAR_LINE = 0.80, 0.010, 0.5
"""Share of the lips' brightness below which a pixel is of the line, eye distances around it that
are of its soft edge, and share of `line_of` from which on it is near enough. By eye."""
_NARROW, _DARKER, _STEP = 0.025, 0.6, 0.55
"""Of an upper lip only a narrow line is lost: shares of the brightness so many eye distances above
and below it, or half as far above it, below which a pixel is of one. A lip that darkens little by
little towards its edge, as lit from above, keeps it. By eye, on 15 heads."""
_LIGHTER, _LIGHTER_EDGE = 0.75, 0.005
"""Share of a pixel's brightness: where a lip is darker than that half as far from it, the pixel is
of teeth that show between lips, or of the other lip. Either would be left along the lip's new edge
as white dashes. Eye distances around them that are mixed of both: with twice as much, upper lips
lose their own shade. By eye, on 36 heads."""
_SMOOTH_LOST = 0.022
"""Eye distances along lips over which it is smooth how much of them is lost."""
_TEETH_EDGE, _LINE_WIDTH, _LINE_SHADE = 0.022, 0.018, 0.4
"""Of an open smile that is taken away: eye distances around its opening that are of teeth, too; how
wide the line is where lips meet then, and its light over that of the lips' rims. By eye."""
_KEPT_LINE = 0.03
"""Eye distances around the line of lips that stay shut that go along with it as they are; by eye:
of the statue that ships the line is 0.02 thick."""
_KEEPS_OWN = 0.65
"""Share of the new gap that the source's own must have for the mouth to keep its own teeth."""


def mouth_outline(marks: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "corners 2"]:
    """Trace the opening between the inner lips."""
    upper, lower = marks[rows_of("lip_inner_upper")], marks[rows_of("lip_inner_lower")]
    back = np.concatenate([upper[-1:], lower, upper[:1]])
    return np.concatenate([smooth_arc(upper), smooth_arc(back)[1:-1]])


def with_round_corners(
    marks: Float[np.ndarray, "points 2"], axes: Float[np.ndarray, "2 2"]
) -> tuple[Float[np.ndarray, "points 2"], list[float]]:
    """Move the corners of the inner lips inwards where both lips leave them steeply.

    Args:
        marks: the landmarks.
        axes: columns: the face's right and down in the crop.

    Returns:
        The landmarks, and how round each corner is, 0 to 1.
    """
    round_marks, roundness = marks.copy(), []
    for corner, pair in zip(rows_of("lip_inner_upper")[[0, -1]], (0, -1), strict=True):
        upper, lower = marks[LIP_PAIRS[:, pair]]
        away = float(((upper + lower) / 2 - marks[corner]) @ axes[:, 0])
        rise, fall = ((marks[corner] - upper) @ axes[:, 1], (lower - marks[corner]) @ axes[:, 1])
        steep = 2 * float(min(rise, fall)) / max(abs(away), 1e-9)
        roundness.append(float(np.interp(steep, _STEEP, (0, 1))))
        round_marks[corner] += _ROUND * roundness[-1] * away * axes[:, 0]
    return round_marks, roundness


def parting(
    template: Template, apart: Float[np.ndarray, "pairs 2"]
) -> Float[np.ndarray, "vertices 2"]:
    """Motion of the vertices that parts the lips: half of it to each, less away from their line.

    Args:
        template: whose vertices move.
        apart: from the upper lip to the lower one at each of `LIP_PAIRS`, in any unit.
    """
    upper, _ = LIP_PAIRS
    x, y = template.landmarks[upper, 0], template.landmarks[upper, 1]
    order = np.argsort(x)
    x, y, apart = x[order], y[order], apart[order]
    corners = np.sort(template.landmarks[rows_of("lip_inner_upper")[[0, -1]], 0])
    far = corners + np.array([-_LIPS_REACH, _LIPS_REACH])
    known = np.concatenate([far[:1], corners[:1], x, corners[1:], far[1:]])
    still = np.zeros((1, 2))
    apart = np.concatenate([still, apart[:1], apart, apart[-1:], still])
    along, height = template.rest[:, 0], template.rest[:, 1]
    here = np.stack([np.interp(along, known, apart[:, axis]) for axis in (0, 1)], axis=1)
    away = (height - np.interp(along, x, y)) / _LIPS_REACH
    share = np.where(is_lower(template), 0.5, -0.5) * np.exp(-(away**2))
    return (here * share[:, None]).astype(np.float32)


def without_hooked_corners(
    template: Template,
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    axes: Float[np.ndarray, "2 2"],
) -> Float[np.ndarray, "vertices 2"]:
    """Motion of the vertices that lets both lips go up and down evenly towards the mouth's corners.

    Where a cheek turns away corners are near to the lips in the picture, and go down as far.

    Args:
        template: whose vertices move.
        before: the landmarks in the source.
        after: in the result.
        axes: columns: the face's right and down in the crop.
    """
    inner, ends = rows_of("lip_inner_upper"), rows_of("lip_outer_upper")
    above, below = (
        np.concatenate([ends[:1], inner[:1], one, inner[-1:], ends[-1:]]) for one in LIP_PAIRS
    )
    x = (before[above] + before[below]) @ axes[:, 0] / 2
    goes = ((after - before)[above] + (after - before)[below]) @ axes[:, 1] / 2
    even = goes.copy()
    middle = len(goes) // 2
    for way in (1, -1):
        for one in range(middle + way, middle + way * (middle + 1), way):
            most = _STEEPEST * abs(x[one] - x[one - way])
            even[one] = even[one - way] + np.clip(goes[one] - even[one - way], -most, most)
    line = (template.landmarks[above, :2] + template.landmarks[below, :2]) / 2
    far = line[[0, -1], 0] + np.array([-_LIPS_REACH, _LIPS_REACH])
    known = np.concatenate([far[:1], line[:, 0], far[1:]])
    along, height = template.rest[:, 0], template.rest[:, 1]
    lift = np.interp(along, known, np.pad(even - goes, 1))
    away = (height - np.interp(along, *line.T)) / _LIPS_REACH
    return ((lift * np.exp(-(away**2)))[:, None] * axes[:, 1]).astype(np.float32)


def overlap(
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    down: Float[np.ndarray, "2"],
) -> Float[np.ndarray, "pairs 2"]:
    """How far the lips are to be parted, so that a change lays none over the other, at each pair.

    Which of them a shape pushes over the other is a matter of a hair's breadth of depth, and a
    picture of shut lips has one line. As far as landmarks overlap before it, they may after it.
    """
    upper, lower = LIP_PAIRS
    own, new = (np.clip((marks[upper] - marks[lower]) @ down, 0, None) for marks in (before, after))
    return np.clip(new - own, 0, None)[:, None] * down


def without_rolled_lips(
    template: Template,
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    axes: Float[np.ndarray, "2 2"],
    eye: float,
) -> Float[np.ndarray, "vertices 3"]:
    """Places of the vertices in the result, no lip rolled in so far that its edge is lost.

    The line where lips touch is drawn in the picture. Where a shape rolls a lip over it, that line
    would stay beside the new one.

    Args:
        template: whose vertices these are.
        here: their places in the source.
        there: in the result.
        before: the landmarks in the source.
        after: in the result.
        axes: columns: the face's right and down in the crop.
        eye: an eye distance in parts of the crop's side.
    """
    inner = rows_of("lip_inner_upper")
    upper, lower = inner, np.concatenate([inner[:1], LIP_PAIRS[1], inner[-1:]])
    kept = there.copy()
    for rows, way, part in ((upper, -1.0, ~is_lower(template)), (lower, 1.0, is_lower(template))):
        own, edge = here[:, :2] @ axes, before[rows] @ axes
        new, new_edge = there[:, :2] @ axes, after[rows] @ axes
        beyond = np.clip(
            np.maximum(edge[:, 0].min() - own[:, 0], own[:, 0] - edge[:, 0].max()), 0, None
        )
        depth = way * (own[:, 1] - _line_at(edge, own[:, 0]))
        left = way * (new[:, 1] - _line_at(new_edge, new[:, 0]))
        near = part & (depth > 0) & (depth < _LIP_DEPTH * eye)
        lack = np.clip(_LEAST_LIP * depth - left, 0, None) * near
        lack *= np.exp(-((beyond / (0.5 * _LIPS_REACH * eye)) ** 2))
        kept[:, :2] += (way * lack)[:, None] * axes[:, 1]
    return kept


def without_smeared_lips(
    template: Template,
    here: Float[np.ndarray, "vertices 3"],
    there: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    axes: Float[np.ndarray, "2 2"],
    eye: float,
    share: float,
) -> Float[np.ndarray, "vertices 3"]:
    """Places of the vertices in the result, each lip stretched evenly from edge to edge.

    A smile rolls the lips in. As it is taken away they come out again, and the template's narrow
    strip at their edge becomes wide; in the picture that strip is the dark line where lips touch,
    or the teeth behind it.

    Args:
        template: whose vertices these are.
        here: their places in the source.
        there: in the result.
        before: the landmarks in the source.
        after: in the result.
        axes: columns: the face's right and down in the crop.
        eye: an eye distance in parts of the crop's side.
        share: how much of what the face shows is taken away.
    """
    kept = there.copy()
    ends = rows_of("lip_inner_upper")[[0, -1]]
    outer_ends = rows_of("lip_outer_upper")[[0, -1]]
    own, new = here[:, :2] @ axes, there[:, :2] @ axes
    for pair, outer, way, part in (
        (0, rows_of("lip_outer_upper")[1:-1], -1.0, ~is_lower(template)),
        (1, rows_of("lip_outer_lower"), 1.0, is_lower(template)),
    ):
        depths, lips = [], []
        for marks, places in ((before, own), (after, new)):
            edges = marks[LIP_PAIRS] @ axes
            over = edges[0, :, 1] >= edges[1, :, 1]  # found a little over each other
            edges[:, over] = edges[:, over].mean(axis=0)
            inner = np.concatenate([marks[ends[:1]] @ axes, edges[pair], marks[ends[1:]] @ axes])
            rim = marks[np.concatenate([outer_ends[:1], outer, outer_ends[1:]])] @ axes
            line = _line_at(inner, places[:, 0])
            depths.append(way * (places[:, 1] - line))
            lips.append(way * (_line_at(rim, places[:, 0]) - line))
            beyond = np.maximum(inner[:, 0].min() - places[:, 0], places[:, 0] - inner[:, 0].max())
        thick = np.maximum(lips[0], _THIN * eye)
        wanted = np.maximum(depths[0], 0) * np.maximum(lips[1], _THIN * eye) / thick
        near = np.interp(depths[0] / thick, (0.6, 1.0), (1, 0)) * part
        near *= depths[0] > -_LIP_DEPTH * eye
        near *= np.exp(-((np.clip(beyond, 0, None) / (0.25 * _LIPS_REACH * eye)) ** 2))
        kept[:, :2] += (share * way * near * (wanted - depths[1]))[:, None] * axes[:, 1]
    return kept


def _line_at(
    line: Float[np.ndarray, "places 2"], along: Float[np.ndarray, " points"]
) -> Float[np.ndarray, " points"]:
    """Height of a line, whose ends go on level."""
    line = rightwards(line)
    return np.interp(along, line[:, 0], line[:, 1])


def changed_mouth(
    template: Template,
    picture: CroppedFace,
    laid: Fit,
    before: Float[np.ndarray, "points 2"],
    after: Float[np.ndarray, "points 2"],
    weights: Mapping[str, float],
    axes: Float[np.ndarray, "2 2"],
    look: MouthLook = USUAL_MOUTH,
    character: CharacterMouth | None = None,
    *,
    relaxes: bool = False,
) -> Opening | None:
    """Draw the inside of a mouth, or the line of lips that slide; None if nothing changes.

    A mouth that is open already keeps its own inside. In a shot it does so by the gap that it
    mostly has, or rendered teeth would come and go with each syllable. Its tone is that of the
    shot, too, or what the picture tells.
    """
    eye = laid.map.eye
    upper, lower = LIP_PAIRS
    gap_before, gap_after = (
        float(np.clip((marks[lower] - marks[upper]) @ axes[:, 1], 0, None).max()) / eye
        for marks in (before, after)
    )
    usual = gap_before if character is None else character.gap
    keeps_own = usual > max(_LEAST_GAP, _KEEPS_OWN * gap_after) and gap_after >= _LEAST_GAP
    if gap_before > _LEAST_GAP and keeps_own:
        return None
    rows = np.concatenate([upper, lower])
    if np.abs((after - before)[rows]).max() < LEAST_MOTION * eye:
        return None
    marks = after.copy()
    gap = ((marks[lower] - marks[upper]) @ axes[:, 1])[:, None]
    meeting = (marks[lower] + marks[upper]) / 2
    parted = np.clip(gap / (_LEAST_GAP * eye) - 1.0, 0, 1)
    marks[upper] = meeting + parted * (marks[upper] - meeting)
    marks[lower] = meeting + parted * (marks[lower] - meeting)
    rolled = np.clip(gap / (eye * _ROLLED_OVER), 0, 1) * eye * axes[:, 1]
    marks[upper] += _ROLLED_OUT[0] * rolled
    marks[lower] -= _ROLLED_OUT[1] * rolled
    round_marks, roundness = with_round_corners(marks, axes)
    outline = mouth_outline(round_marks)
    window = square_around(outline, 0.15 * eye)
    side_px = int(np.clip(round((window[2] - window[0]) * picture.side_px), 64, 1024))
    px = eye * side_px / (window[2] - window[0])
    opening = mask_of(outline, window, side_px)
    if gap_after < _LEAST_GAP:
        opening = np.zeros_like(opening)
    inside = np.zeros((side_px, side_px, 3), np.float32)
    if opening.any():
        light = _inside_of_mouth(
            template, picture, laid, before, weights, opening, window, look, character
        )
        light *= 1 - _RIM_SHADE * (1 - blur(opening, _RIM * px))[..., None]
        inside = extended(
            np.clip(srgb_from_linear(np.clip(light, 0, 1)), 0, 1).astype(np.float32),
            (opening > 0).astype(np.float32),
        )
    was_open, was_window, was_lost = _open_before(picture, before, axes[:, 1], eye, roundness)
    whole = rows_of("lip_inner_upper")
    middle = (marks[whole] + marks[np.concatenate([whole[:1], lower, whole[-1:]])]) / 2
    smile_goes = relaxes and gap_before > _LEAST_GAP > gap_after
    if smile_goes:
        was_px = eye * len(was_open) / (was_window[2] - was_window[0])
        was_open = grown(was_open > 0.1, _TEETH_EDGE * was_px).astype(np.float32)
        middle[1:-1] = (middle[:-2] + 2 * middle[1:-1] + middle[2:]) / 4
        opening = line_of(smooth_arc(middle), _LINE_WIDTH * eye, window, side_px)
        lips = np.concatenate(
            [before[rows_of(f"lip_{one}")] for one in ("outer_upper", "outer_lower")]
        )
        inside[:] = _LINE_SHADE * median(picture.at(lips.astype(np.float32)))
    elif gap_before < 2 * _LEAST_GAP:
        shut = 1 - np.pad(parted[:, 0], 1, mode="edge")
        shut *= np.clip(2 - gap_before / _LEAST_GAP, 0, 1)
        seam = (before[whole] + before[np.concatenate([whole[:1], lower, whole[-1:]])]) / 2
        seam, kept = (_beyond_corners(one, eye) for one in (seam, middle))
        line = line_of(smooth_arc(kept), _KEPT_LINE * eye, window, side_px)
        along = rightwards(np.column_stack([middle, shut]))
        columns = window_places(window, side_px)[0, :, 0]
        line *= np.interp(columns, along[:, 0], along[:, 2]).astype(np.float32)
        line = blur(line, _KEPT_LINE / 6 * px)
        around = line_of(smooth_arc(kept), 2 * _KEPT_LINE * eye, window, side_px) > 0
        own = _moved_along(picture, seam, kept, window, around)
        # a gleam of teeth is no line
        own = np.minimum(own, extended(own, (around & (line == 0)).astype(np.float32)))
        # the opening's edge is blurred over skin: beside it its own colours go on, no line's
        share = blur(opening, _TURN_IN * px)
        shown = line * (1 - share)
        inside = blended(inside, own, shown / np.maximum(shown + share, 1e-6))
        opening = np.maximum(opening, line)
    return Opening(
        window=window,
        edge=outline,
        open=opening,
        inside=inside,
        was_open=was_open,
        was_window=was_window,
        middle=rightwards(smooth_arc(middle)),
        still=np.zeros_like(opening),
        soft=_TURN_IN,
        was_lost=None if smile_goes else was_lost,
    )


def _moved_along(
    picture: CroppedFace,
    seam: Float[np.ndarray, "places 2"],
    middle: Float[np.ndarray, "places 2"],
    window: Window,
    around: Bool[np.ndarray, "side side"],
) -> Float[np.ndarray, "side side 3"]:
    """Show the source around a line where the result has that line, turned as it is.

    The line between shut lips lies on no triangle of the mesh: there it is cut.

    Args:
        picture: the face.
        seam: the line in it.
        middle: the line in the result.
        window: that is shown.
        around: pixels near the line in the result; the others are left black.
    """
    rows = np.nonzero(around)
    places = window_places(window, len(around))[rows].astype(np.float32)
    arcs = [smooth_arc(line).astype(np.float32) for line in (middle, seam)]
    nearest, least = np.zeros(len(places), np.int64), np.full(len(places), np.inf, np.float32)
    right, down = np.ascontiguousarray(places.T)  # several times as fast as pairs
    for number, (x, y) in enumerate(arcs[0]):
        away = (right - x) ** 2 + (down - y) ** 2
        np.copyto(nearest, number, where=away < least)
        least = np.minimum(least, away)
    (new, own), (new_way, own_way) = arcs, (np.gradient(arc, axis=0) for arc in arcs)
    length, own_length = (np.hypot(*way.T)[nearest, None] for way in (new_way, own_way))
    new_way, own_way = new_way[nearest], own_way[nearest]
    # along the line in steps of it, and across it as far as it is
    (right, down), (x, y) = ((one[:, :1], one[:, 1:]) for one in (places - new[nearest], new_way))
    along, across = (right * x + down * y) / length**2, (down * x - right * y) / length
    source = own[nearest] + along * own_way + across / own_length * own_way[:, ::-1] * [-1, 1]
    shown = np.zeros((*around.shape, 3), np.float32)
    shown[rows] = picture.at(source.astype(np.float32))
    return shown


def _beyond_corners(
    line: Float[np.ndarray, "places 2"], eye: float
) -> Float[np.ndarray, "longer 2"]:
    """Lengthen the line between lips, which may end beyond the corners that are found."""
    way = line[-1] - line[0]
    way *= _LINE_REACH * eye / max(float(np.hypot(*way)), 1e-9)
    return np.concatenate([line[:1] - way, line, line[-1:] + way])


def _open_before(
    picture: CroppedFace,
    marks: Float[np.ndarray, "points 2"],
    down: Float[np.ndarray, "2"],
    eye: float,
    roundness: Sequence[float],
) -> tuple[Float[np.ndarray, "side side"], Window, Float[np.ndarray, "2 2 side"]]:
    """Where a source shows a mouth's inside, or what lies along the line between shut lips.

    Left to the lips, that line would be a second one beside the new edges, or beside where it goes
    along with lips that stay shut; and so would a gleam of teeth, or the rim of the other lip.

    Args:
        picture: the face.
        marks: the landmarks in it.
        down: the face's down in the crop.
        eye: an eye distance in parts of the crop's side.
        roundness: of both corners in the result, 0 to 1: beside a round one an upper lip shows what
            the opening hides elsewhere, so all of its dark edge is lost there.

    Returns:
        Its share of each pixel of a window, that window, and `Opening.was_lost`.
    """
    upper, lower = LIP_PAIRS
    marks = marks.copy()
    shut = (marks[lower] - marks[upper]) @ down <= 0  # found a little over each other
    marks[upper[shut]] = marks[lower[shut]] = (marks[upper[shut]] + marks[lower[shut]]) / 2
    outline = mouth_outline(marks)
    window = square_around(outline, 0.15 * eye)
    side_px = int(np.clip(round((window[2] - window[0]) * picture.side_px), 64, 1024))
    inside = mask_of(outline, window, side_px)
    whole = rows_of("lip_inner_upper")
    line = (marks[whole] + marks[np.concatenate([whole[:1], lower, whole[-1:]])]) / 2
    near, lips, within = (
        line_of(smooth_arc(line), 2 * reach * eye, window, side_px)
        for reach in (_LINE_REACH, *_LIPS_BESIDE)
    )
    lips = np.clip(within - lips, 0, 1)
    places = window_places(window, side_px)
    luma = channels_averaged(picture.at(places.astype(np.float32)))
    usual = extended(luma[..., None], lips)[..., 0]
    near_line = near > _NEAR_LINE
    dark = near_line & (luma < _LINE * usual)
    px = eye * side_px / (window[2] - window[0])
    lighter = max(1.0, _LIGHTER_EDGE * px)
    lost = [
        np.maximum.reduce([inside, grown(line, _LINE_EDGE * px), grown(near_line & light, lighter)])
        for line, light in (
            (dark & _is_narrow(luma, px), _is_lighter(luma, px)),
            (dark, _is_lighter(luma[::-1], px)[::-1]),
        )
    ]
    edges = [
        _line_at(smooth_arc(marks[np.concatenate([whole[:1], one, whole[-1:]])]), places[0, :, 0])
        for one in (upper, lower)
    ]
    beyond = _lost_beyond(edges, lost, places[..., 1], px, eye)
    widely = _lost_beyond(edges, lost[1:] * 2, places[..., 1], px, eye)[0]
    for corner, pair, share in zip(whole[[0, -1]], (0, -1), roundness, strict=True):
        away = np.abs(places[0, :, 0] - marks[corner, 0])
        reach = max(abs(marks[upper[pair], 0] - marks[corner, 0]), 1e-9)
        share *= np.interp(away / reach, (1, 2), (1, 0))
        beyond[0] += share * (np.minimum(widely, beyond[0]) - beyond[0])
    return lost[1], window, np.stack([edges, beyond])


def _is_narrow(luma: Float[np.ndarray, "side side"], px: float) -> Bool[np.ndarray, "side side"]:
    """Where a picture is darker than above and below, or suddenly than above."""
    reach, half = (max(1, round(one * _NARROW * px)) for one in (1.0, 0.5))
    rows = np.pad(luma, ((reach, reach), (0, 0)), mode="edge")
    above, below, just_above = (
        rows[reach + one : reach + one + len(luma)] for one in (-reach, reach, -half)
    )
    return (luma < _DARKER * np.minimum(above, below)) | (luma < _STEP * just_above)


def _is_lighter(luma: Float[np.ndarray, "side side"], px: float) -> Bool[np.ndarray, "side side"]:
    """Where a picture is suddenly lighter than above."""
    half = max(1, round(0.5 * _NARROW * px))
    just_above = np.pad(luma, ((half, 0), (0, 0)), mode="edge")[: len(luma)]
    return just_above < _LIGHTER * luma


def _lost_beyond(
    edges: Sequence[Float[np.ndarray, " side"]],
    lost: Sequence[Float[np.ndarray, "side side"]],
    heights: Float[np.ndarray, "side side"],
    px: float,
    eye: float,
) -> Float[np.ndarray, "2 side"]:
    """How much is lost of the upper lip above its edge, and of the lower one below its own.

    Args:
        edges: heights of both lips' edges in each column, in parts of the crop's side.
        lost: share of each pixel that is not of the upper lip, and not of the lower one.
        heights: of the pixels.
        px: pixels of an eye distance.
        eye: an eye distance in parts of the crop's side.
    """
    reach = math.ceil(3 * _SMOOTH_LOST * px)
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_SMOOTH_LOST * px)) ** 2)
    weight *= eye / px / weight.sum()
    (upper, lower), (of_upper, of_lower) = edges, lost
    counts = (of_upper * (heights < upper)).sum(axis=0), (of_lower * (heights > lower)).sum(axis=0)
    above, below = (np.convolve(one, weight, "same") for one in counts)
    return np.stack([-above, below])


def _inside_of_mouth(
    template: Template,
    picture: CroppedFace,
    laid: Fit,
    marks: Float[np.ndarray, "points 2"],
    weights: Mapping[str, float],
    opening: Float[np.ndarray, "side side"],
    window: Window,
    look: MouthLook,
    character: CharacterMouth | None,
) -> Float[np.ndarray, "side side 3"]:
    """Teeth, gums and tongue where the lips are open: scene-linear."""
    upper, lower = LIP_PAIRS
    rest = template.landmarks
    seam = rest[np.concatenate([upper, lower])].mean(axis=0)
    front = rest[rows_of("lip_outer_upper")[6], 2]
    inside = look.rig or mouth_rig()
    incisors = np.array([0.0, seam[1] - _TEETH_BELOW, front - _TEETH_BEHIND], np.float32)
    tall = np.array([1.0, _TALL, 1.0])
    if inside.place is not None:
        incisors, tall = inside.place.astype(np.float32), np.ones(3)
    # by far probes, so of the skull's own size: teeth behind thick lips are no larger
    step = np.float32(0.3)
    probes = np.concatenate([incisors + step * np.eye(3), incisors - step * np.eye(3)])
    places = laid.smooth(probes.astype(np.float32))[:, :2]
    projection = ((places[:3] - places[3:]) / (2 * step)).T
    line = np.array([0.0, seam[1], seam[2]], np.float32)
    origin = laid.map(line[None])[0, :2] + projection @ (incisors - line)
    worn = {name: weights.get(name, 0.0) for name in _JAW_SHAPES}
    worn["jawOpen"] += laid.jaw_open
    stride = max(1, len(picture.small) // _LIGHT_PX)
    small = picture.small[::stride, ::stride]
    skin = _skin(marks, laid.map.eye, len(small))
    eyes = _eyes(marks, len(small))
    if character is None:
        statue = _statue_share(small, skin, eyes)
        light = mouth_light_from_face(small, skin, projection, eyes, statue=statue)
        is_drawn = _is_drawn(small, skin)
    else:
        light = mouth_light_from_face(small, skin, projection)
        tooth = np.array(character.tooth) * float(light.skin @ LUMA)
        light = replace(light, tooth=tooth, stone=character.stone)
        is_drawn = character.is_drawn
    drop = template.at_landmarks(template.displacement(worn))[lower[3:6]].mean(axis=0)
    return render_mouth(
        inside,
        projection=projection * tall,
        origin=origin,
        jaw=jaw_pose_from_drop(drop / tall),
        opening=opening,
        window=window,
        light=light,
        teeth=look.teeth(is_drawn=is_drawn, is_stone=light.stone > 0.5),
    )


def mouth_of_character(
    picture: Float[np.ndarray, "crop crop 3"], places: Float[np.ndarray, "points 2"]
) -> CharacterMouth | None:
    """Return a mouth as one picture of its face tells it; None where no skin is seen.

    Args:
        picture: the crop, sRGB-encoded, finite.
        places: of the landmarks, in parts of its side.
    """
    stride = max(1, len(picture) // _LIGHT_PX)
    small = picture[::stride, ::stride]
    lids = [places[eye_rows(side)].mean(axis=0) for side in SIDES]
    eye = max(float(np.hypot(*(lids[0] - lids[1]))), 1e-6)
    skin = _skin(places, eye, len(small))
    if skin.sum() < FEWEST_OF_SKIN:
        return None
    eyes = _eyes(places, len(small))
    statue = _statue_share(small, skin, eyes)
    light = mouth_light_from_face(small, skin, eyes=eyes, statue=statue)
    red, green, blue = (light.tooth / max(float(light.skin @ LUMA), 1e-6)).tolist()
    return CharacterMouth(
        tooth=(red, green, blue),
        stone=light.stone,
        is_drawn=_is_drawn(small, skin),
        gap=float(np.hypot(*(places[LIP_PAIRS[1]] - places[LIP_PAIRS[0]]).T).max()) / eye,
    )


def kept_shut(
    template: Template,
    worn: Float[np.ndarray, "vertices 3"],
    change: Float[np.ndarray, "vertices 3"],
) -> Float[np.ndarray, "vertices 3"]:
    """Hold a change back so that it does not part the lips further than the source has them.

    Args:
        template: that is laid over the face.
        worn: motion that the source wears.
        change: motion that is asked for.
    """
    upper, lower = LIP_PAIRS
    marks = template.landmarks + template.at_landmarks(worn)
    lower_sheet = is_lower(template)
    for _ in range(_ROUNDS):
        moved = template.at_landmarks(change)
        gap = (marks + moved)[upper, 1] - (marks + moved)[lower, 1]
        own = marks[upper, 1] - marks[lower, 1]
        wider = np.clip(gap - np.clip(own, 0, None), 0, None)
        for rows, part, share in (
            (lower, lower_sheet, _LIFTED),
            (upper, ~lower_sheet, _LIFTED - 1),
        ):
            away = np.linalg.norm(template.rest[:, None] - marks[rows][None], axis=2)
            near = away.min(axis=1)
            soft = np.exp(-(((away - near[:, None]) / 0.05) ** 2))
            lift = soft @ wider / soft.sum(axis=1) * np.exp(-((near / _SHUT_REACH) ** 2)) * part
            change = change + np.float32(share) * lift[:, None].astype(np.float32) * _UP
    return change


def _skin(
    marks: Float[np.ndarray, "points 2"], eye: float, side_px: int
) -> Float[np.ndarray, "side side"]:
    """1 on bare skin of the middle of the face, around points of the cheeks; 0 elsewhere."""
    places = window_places(WHOLE, side_px)
    mask = np.zeros((side_px, side_px), np.float32)
    for side in SIDES:
        for x, y in marks[rows_of("cheek", side)[[1, 2, 4]]]:
            square = (places[..., 0] - x) ** 2 + (places[..., 1] - y) ** 2
            mask[square < (_SKIN_AROUND * eye) ** 2] = 1
    return mask


def _eyes(marks: Float[np.ndarray, "points 2"], side_px: int) -> Float[np.ndarray, "side side"]:
    """1 between the lids."""
    outlines = [Lids.from_loop(marks[eye_rows(side)]).outline() for side in SIDES]
    return np.max([mask_of(outline, WHOLE, side_px) for outline in outlines], axis=0)


def _statue_share(
    picture: Float[np.ndarray, "crop crop 3"],
    skin: Float[np.ndarray, "side side"],
    eyes: Float[np.ndarray, "side side"],
) -> float:
    """1 where eyes are of the same stuff as skin, without pupils: then teeth are, too."""
    is_eye = eyes > 0.9
    if is_eye.sum() < _FEWEST or not skin.any():
        return 0.0
    inside, around = picture[is_eye], picture[skin > 0]
    hues, usual = (one / (one.sum(axis=1, keepdims=True) + 1e-3) for one in (inside, around))
    distance = float(percentile(np.abs(hues - median(usual)).sum(axis=1), 50))
    darkest = float(percentile(inside.mean(axis=1), 5)) / max(float(around.mean()), 1e-3)
    alike = np.interp(distance, _SAME_STUFF, (1, 0)) * np.interp(darkest, _NO_PUPIL, (0, 1))
    return float(alike)


def _is_drawn(
    picture: Float[np.ndarray, "crop crop 3"], skin: Float[np.ndarray, "side side"]
) -> bool:
    """Whether skin is flat with sharp steps, as cel shading has it: no place for natural teeth."""
    down, right = np.gradient(channels_averaged(picture))
    slope = np.hypot(down, right)[skin > 0]
    if not len(slope):
        return False
    usual = max(float(percentile(slope, 50)), _FLAT)
    steep = float(percentile(slope, 90)) > _STEPS * usual
    return steep and bool((slope < _FLAT).mean() > _MOSTLY)
