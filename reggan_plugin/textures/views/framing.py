"""Frame the face of a character: from its bones, eyes or bounds, confirmed by the locator; the one
view that the model is shown; and what stands out from the skin in it.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Bool, CropPixels, CropPlane, Float, SixPoints
from reggan_plugin.errors import FaceNotFoundError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop, blurred
from reggan_plugin.rig.own_teeth import pieces_of
from reggan_plugin.textures.character import DIRECTIONS, Character
from reggan_plugin.textures.maps.texture_map import TextureMap, reduction_for
from reggan_plugin.textures.views.ray_traced_view import (
    DISTANCE_IN_FACES,
    Stage,
    StagePicture,
    Vector,
    View,
    look_at,
)

Landmarks = SixPoints

_COARSE_PX = 512
_EXTENT_IN_HEADS, _DISTANCE_IN_HEADS = 1.6, 3.2
_SMALLEST_HEAD = 1e-7
"""In the file's own units: less cannot be looked at."""
_MOST_HEAD_NODES = 16
_USUAL_TEXELS = 2048.0
"""Across a map, for views that are taken before it is known which one the face wears."""
_EXTENT_IN_EYES = 6.0
_HEAD = re.compile(r"(?:^|[^a-z])head(?:$|[^a-z])", re.IGNORECASE)
_EYE = re.compile(r"eye(?!brow|lash|lid|glass|_?brow|_?lash|_?lid)", re.IGNORECASE)


@frozen(eq=False)
class FramedFace:
    """A view of the face, and where the face lies in it."""

    view: View
    crop: FaceCrop
    towards: Vector
    up: Vector
    middle: Vector
    """Between the eyes, on the surface."""
    found_by: str
    """The clue that told where to look, in words."""
    front: str


@frozen(eq=False)
class _Guess:
    centre: Vector
    size: float
    reason: str


def frame_face(
    stage: Stage,
    finder: FaceFinder,
    canonical: Landmarks,
    *,
    front: str | None,
    head_bone: str | None,
) -> FramedFace:
    """Look at the face from the front, at the distance of the training pictures.

    Args:
        stage: the character.
        finder: finds faces in pictures, for the model in use.
        canonical: where its crop has the landmarks, in parts of its side.
        front: where the character looks, such as `+Z`; None for what its format says.
        head_bone: the node to look at; None for none.

    Raises:
        UsageError: there is no such bone.
        FaceNotFoundError: nothing in any of the views is a face.
    """
    tried: dict[str, list[str]] = {}
    for guess in _guesses(stage.character, head_bone):
        if guess.size < _SMALLEST_HEAD:
            continue
        for name, up_name in _orientations(stage.character, front):
            towards, up = DIRECTIONS[name], DIRECTIONS[up_name]
            view = look_at(  # coarse, with room around what may be a head
                guess.centre,
                towards,
                up,
                distance=_DISTANCE_IN_HEADS * guess.size,
                extent=_EXTENT_IN_HEADS * guess.size,
                side_px=_COARSE_PX,
            )
            framed = _confirmed(stage, finder, canonical, view, towards, up)
            if framed is not None:
                view, crop, middle = framed
                return FramedFace(
                    view=view,
                    crop=crop,
                    towards=towards,
                    up=up,
                    middle=middle,
                    found_by=guess.reason,
                    front=name,
                )
            tried.setdefault(guess.reason, []).append(name)
    raise _shows_no_face(stage.character.path, tried)


def _shows_no_face(path: Path, tried: Mapping[str, Sequence[str]]) -> FaceNotFoundError:
    """Return the error that says where was looked, and from which sides."""
    fronts = ", ".join(dict.fromkeys(itertools.chain.from_iterable(tried.values())))
    places = ", ".join(tried) or "nothing, as it has no size,"
    return FaceNotFoundError(
        f"{path} shows no face: looked at {places} from {fronts or 'no side'}. "
        "Check that the texture is this mesh's.",
        kind="face-on-mesh",
    )


def closer(framed: FramedFace, side_px: int, margin: float = 0.06) -> tuple[View, FaceCrop]:
    """Return the crop of the face alone, at a finer resolution, and the crop in that picture."""
    corners = framed.crop.corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    extent = float((high - low).max()) * (1 + 2 * margin)
    left, top = (low + high) / 2 - extent / 2
    view = framed.view.window(float(left), float(top), extent, side_px)
    return view, framed.crop.moved(-float(left), -float(top)).scaled(side_px / extent)


def turned(framed: FramedFace, yaw_deg: float) -> View:
    """Return the view of a camera that went around the face; positive towards the face's own
    left.
    """
    angle, axis = np.radians(yaw_deg), framed.up
    towards = framed.towards * np.cos(angle) + np.cross(axis, framed.towards) * np.sin(angle)
    distance = float(np.linalg.norm(framed.view.eye - framed.middle))
    return look_at(
        framed.middle,
        towards,
        axis,
        distance=distance,
        extent=_EXTENT_IN_EYES * distance / DISTANCE_IN_FACES,
        side_px=_COARSE_PX,
    )


def locate(stage: Stage, finder: FaceFinder, view: View) -> FaceCrop | None:
    """Return the largest face in a view."""
    picture = stage.take_shaded(view, max(1, int(_USUAL_TEXELS / view.side_px)))
    crops = finder.find(picture, FaceChoice())
    return crops[0] if crops else None


def _confirmed(
    stage: Stage, finder: FaceFinder, canonical: Landmarks, view: View, towards: Vector, up: Vector
) -> tuple[View, FaceCrop, Vector] | None:
    """Look twice: at the guess, then straight at what was found there."""
    crop = locate(stage, finder, view)
    if crop is None:
        return None
    eyes = crop.place(canonical[:2] * crop.side_px)
    direction = view.directions(eyes.mean(axis=0, keepdims=True))
    depth = float(stage.first_seen(view.eye, direction).distance[0])
    if not np.isfinite(depth):
        return None
    middle = view.eye + depth * direction[0]
    eye_distance = float(np.hypot(*(eyes[0] - eyes[1]))) * depth / view.focal_px
    if eye_distance < _SMALLEST_HEAD:
        return None
    nearer = look_at(
        middle,
        towards,
        up,
        distance=DISTANCE_IN_FACES * eye_distance,
        extent=_EXTENT_IN_EYES * eye_distance,
        side_px=_COARSE_PX,
    )
    again = locate(stage, finder, nearer)
    return None if again is None else (nearer, again, middle)


def _orientations(character: Character, front: str | None) -> list[tuple[str, str]]:
    if front is None:
        return list(character.fronts)
    known = [pair for pair in character.fronts if pair[0] == front]
    ups = ("+Z", "+Y") if front[1] == "Y" else ("+Y", "+Z")
    return known or [(front, up) for up in ups if up[1] != front[1]]


def _guesses(character: Character, head_bone: str | None) -> Iterator[_Guess]:
    """Guesses of the head's place, likeliest first."""
    if head_bone is not None:
        yield _guess_of(character.below(_node_called(character, head_bone)), f"bone {head_bone}")
        return
    if character.head_node is not None:
        yield from _if_any(character.below(character.head_node), "the VRM head bone")
    heads = (node for node, name in character.node_names.items() if _HEAD.search(name))
    for node in itertools.islice(heads, _MOST_HEAD_NODES):
        yield from _if_any(character.below(node), f"node {character.node_names[node]}")
    eyes = [
        part
        for part in character.parts
        if _EYE.search(part.name) or _EYE.search(part.material.name)
    ]
    if eyes:
        points = np.concatenate([part.positions for part in eyes])
        spread = float(np.ptp(points, axis=0).max())
        yield _Guess(
            centre=(points.min(axis=0) + points.max(axis=0)) / 2,
            size=2.6 * spread,
            reason=f"eye meshes ({eyes[0].name})",
        )
    points = np.concatenate([part.positions for part in character.parts])
    yield _guess_of(points, "the whole mesh")
    yield from _upper_parts(character, points)


def _upper_parts(character: Character, points: Float[np.ndarray, "points 3"]) -> Iterator[_Guess]:
    """Yield the top of a standing body."""
    up = DIRECTIONS[character.fronts[0][1]] if character.fronts else DIRECTIONS["+Y"]
    height = points @ up
    for share in (0.3, 0.16):
        top = points[height >= height.max() - share * np.ptp(height)]
        size = share * float(np.ptp(height))
        middle = (top.min(axis=0) + top.max(axis=0)) / 2
        yield _Guess(centre=middle, size=size, reason=f"the upper {share:.0%} of the mesh")


def _if_any(points: Float[np.ndarray, "points 3"], reason: str) -> Iterator[_Guess]:
    if len(points):
        yield _guess_of(points, reason)


def _guess_of(points: Float[np.ndarray, "points 3"], reason: str) -> _Guess:
    low, high = points.min(axis=0), points.max(axis=0)
    return _Guess(centre=(low + high) / 2, size=float((high - low).max()), reason=reason)


def _node_called(character: Character, name: str) -> int:
    for node, known in character.node_names.items():
        if known == name and len(character.below(node)):
            return node
    bones = sorted(known for known in character.node_names.values() if known)
    near = [bone for bone in bones if "head" in bone.lower() or "neck" in bone.lower()]
    raise UsageError(
        f"{character.path} has no bone or node {name!r} that moves a mesh; it has "
        f"{', '.join(near or bones[:12]) or 'no named ones'}.",
        kind="no-such-head-bone",
    )


SURVEY_PX = 256
_SHARE_SIGMA, _SHARE_SLOPE = 0.02, 4.0
"""Of the fall of motion around parts that stand on the skin. In parts of a survey's side: a brow is
raised by up to 0.03, and beside its mesh all motion is back at 0.05."""
_SMALLEST_VIEW_PX, _LARGEST_VIEW_PX = 512, 2048


@frozen(eq=False)
class ViewForModel:
    """One view of the face, from the front: its picture, and where the face is in it."""

    view: View
    picture: StagePicture
    crop: FaceCrop


def take_survey(stage: Stage, framed: FramedFace) -> StagePicture:
    """Return a small picture of the crop, for what lies where."""
    view, _ = closer(framed, SURVEY_PX)
    return stage.take(view, 4)


def skin_in_survey(framed: FramedFace, canonical: Landmarks) -> Bool[np.ndarray, "side side"]:
    """Return where nose, mouth and cheeks are in a survey: between the eyes' level and the chin."""
    _, crop = closer(framed, SURVEY_PX)
    points = dict(zip(LANDMARK_NAMES, crop.place(canonical * crop.side_px), strict=True))
    left, right = sorted((points["left_eye"][0], points["right_eye"][0]))
    top = 0.75 * points["left_eye"][1] + 0.25 * points["mouth_left"][1]
    y, x = np.mgrid[:SURVEY_PX, :SURVEY_PX] + 0.5
    return np.asarray((x > left) & (x < right) & (y > top) & (y < points["chin"][1]))


def motion_share(
    survey: StagePicture, standing: Sequence[int], relief: Iterable[Bool[np.ndarray, "fine fine"]]
) -> CropPlane | None:
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


_SIDE_PX = 512
_BROAD, _NARROW, _LEAST_HEIGHT, _FOLD = 0.3, 0.14, 0.02, 0.04
"""In distances of the eyes: a slope, half of the widest brow, its least height, half of a fold
between lips."""
_STEEP, _LEAST_CONTRAST = 2.5, 0.08
"""Height by width of a side, and a colour's difference. In 28 realistic heads (VALID) nothing is
found; their lips have slopes of up to 2."""
_AROUND, _BESIDE = 0.2, 0.05
"""In distances of the eyes: what a colour is compared with, and how far from a side it is read."""
_ROUND, _BALL, _AT_EYE = 0.45, (0.12, 0.9), 0.3
"""Of eyeballs: the least extent of a piece over its largest one; how large it is, and how far from
an eye, in distances between the eyes."""
_LEAST_AREA = 0.02
"""Of the square over the distance of the eyes; a brow has ten times as much."""

Mask = Bool[np.ndarray, "side side"]


def own_relief(
    picture: StagePicture,
    focal_px: float,
    crop: FaceCrop,
    canonical: Landmarks,
    parts: Sequence[int],
) -> Mapping[str, Mask]:
    """Return where modelled brows and lips are, 512 pixels a side; what is not there has no entry.

    Args:
        picture: of the face from the front.
        focal_px: of its camera.
        crop: the face in it.
        canonical: where a crop has its landmarks.
        parts: that wear the map.
    """
    scale = _SIDE_PX / len(picture.distance)
    points = crop.place(canonical * crop.side_px) * scale
    places = dict(zip(LANDMARK_NAMES, points, strict=True))
    eyes_px = float(np.linalg.norm(places["left_eye"] - places["right_eye"]))
    pixels = ((np.arange(_SIDE_PX) + 0.5) / scale).astype(int)
    grid = np.ix_(pixels, pixels)
    worn = np.isin(picture.part[grid], list(parts)) & np.isfinite(picture.distance[grid])
    zones = _zones(places, eyes_px)
    if not any((zone & worn).any() for zone in zones.values()):
        return {}
    distance = np.where(worn, picture.distance[grid], np.nan)
    unit = np.nanmedian(distance) * eyes_px / (focal_px * scale)
    ridge, steep = _ridges(-distance / unit, worn, eyes_px)
    beside = max(1, round(_BESIDE * eyes_px))
    seeds, least = ridge & (_highest(steep, beside) > _STEEP), _LEAST_AREA * eyes_px**2
    if not any((seeds & zone).sum() > least for zone in zones.values()):
        return {}  # as of most heads, without a look at colours
    seeds &= _contrast(picture.colour[grid], ridge, worn, eyes_px) > _LEAST_CONTRAST
    found = {}
    for name, zone in zones.items():
        if (seeds & zone).sum() > least:
            near = _highest((seeds & zone).astype(np.float32), round(_NARROW * eyes_px)) > 0
            found[name] = _highest((ridge & near).astype(np.float32), beside) > 0
    return found


def eyeballs_of(
    stage: Stage, parts: Sequence[int], view: View, crop: FaceCrop, canonical: Landmarks
) -> Bool[np.ndarray, " faces"]:
    """Find eyeballs that wear the map of the skin: balls, or halves of balls, at the eyes, by
    themselves in the mesh.

    Args:
        stage: the character.
        parts: that wear the map.
        view: of the face from the front.
        crop: the face in it.
        canonical: where a crop has its landmarks.
    """
    chosen = np.flatnonzero(np.isin(stage.part_of_face, list(parts)))
    _, welded = np.unique(stage.points, axis=0, return_inverse=True)
    corners = welded.reshape(-1)[stage.faces[chosen]]
    piece = pieces_of(corners, len(stage.points))[corners[:, 0]]
    order = np.argsort(piece, kind="stable")
    starts = np.flatnonzero(np.diff(piece[order], prepend=-1))
    places = stage.points[stage.faces[chosen[order]]]
    low = np.minimum.reduceat(places.min(axis=1), starts)
    high = np.maximum.reduceat(places.max(axis=1), starts)
    size = high - low
    at, depth = view.project((low + high) / 2)
    marks = dict(zip(LANDMARK_NAMES, crop.place(canonical * crop.side_px), strict=True))
    eyes = np.stack([marks["left_eye"], marks["right_eye"]])
    eyes_px = float(np.linalg.norm(eyes[0] - eyes[1]))
    away = np.linalg.norm(at[:, None] - eyes, axis=2).min(axis=1) / eyes_px
    wide = size.max(axis=1) * view.focal_px / depth / eyes_px
    is_ball = (size.min(axis=1) > _ROUND * size.max(axis=1)) & (away < _AT_EYE)
    is_ball &= (wide > _BALL[0]) & (wide < _BALL[1])
    found = np.zeros(len(stage.faces), dtype=np.bool_)
    found[chosen[order]] = np.repeat(is_ball, np.diff(starts, append=len(order)))
    return found


def _zones(places: Mapping[str, Float[np.ndarray, "2"]], eyes_px: float) -> Mapping[str, Mask]:
    """Where brows and lips may be."""
    y, x = np.mgrid[:_SIDE_PX, :_SIDE_PX] + 0.5
    eyes = (places["left_eye"] + places["right_eye"]) / 2
    mouth = (places["mouth_left"] + places["mouth_right"]) / 2
    above = (eyes[1] - y) / eyes_px
    across = np.abs(x - mouth[0]) / eyes_px
    return {
        "brows": (np.abs(x - eyes[0]) < 0.92 * eyes_px) & (above > 0.18) & (above < 0.8),
        "lips": (across < 0.5) & (np.abs(y - mouth[1]) < 0.35 * eyes_px),
    }


def _ridges(height: CropPlane, worn: Mask, eyes_px: float) -> tuple[Mask, CropPlane]:
    """Return what stands out of a surface of heights in distances of the eyes, and how steep it is.

    The slope of the forehead, up and down, is taken off first, and folds are filled: a lip ends
    where the skin begins, not between the lips.
    """
    height = height - _mean(height[..., None], worn, round(_BROAD * eyes_px), axes=(0,))[..., 0]
    fold, narrow = max(1, round(_FOLD * eyes_px)), max(1, round(_NARROW * eyes_px))
    filled = _lowest(_highest(np.where(worn, height, -np.inf), fold), fold)
    filled = np.where(worn, np.maximum(filled, height), np.inf)  # what is beside it is no valley
    ground = _highest(_lowest(filled, narrow), narrow)
    out = np.where(worn, filled, 0.0) - np.where(worn, ground, 0.0)
    steep = np.zeros_like(out)
    for axis in (0, 1):
        own, other = np.moveaxis(out, axis, 0), np.moveaxis(worn, axis, 0)
        step = np.abs(np.diff(own, axis=0)) * (other[1:] & other[:-1]) * eyes_px
        side = np.moveaxis(steep, axis, 0)
        side[1:], side[:-1] = np.maximum(side[1:], step), np.maximum(side[:-1], step)
    return (out > _LEAST_HEIGHT) & worn, steep


def _contrast(colour: CropPixels, ridge: Mask, worn: Mask, eyes_px: float) -> CropPlane:
    """Return by how much the colour at a ridge differs from that of the skin around it."""
    own = _mean(colour, ridge, max(1, round(_BESIDE * eyes_px)))
    around = _mean(colour, worn & ~ridge, round(_AROUND * eyes_px))
    return np.asarray(np.abs(own - around).max(axis=2))


def _mean(
    values: Float[np.ndarray, "side side channels"],
    where: Mask,
    radius: int,
    axes: Sequence[int] = (0, 1),
) -> Float[np.ndarray, "side side channels"]:
    """Mean of the values around each pixel, of those pixels that count."""
    part = where[..., None].astype(np.float64)
    sums = np.concatenate([np.where(where[..., None], values, 0.0), part], axis=2)
    for axis in axes:
        pads = [(radius + 1, radius) if one == axis else (0, 0) for one in range(3)]
        total = np.moveaxis(np.cumsum(np.pad(sums, pads), axis=axis), axis, 0)
        sums = np.moveaxis(total[2 * radius + 1 :] - total[: -2 * radius - 1], 0, axis)
    return np.asarray(sums[..., :-1] / np.maximum(sums[..., -1:], 1e-9))


def _highest(plane: CropPlane, radius: int) -> CropPlane:
    """Return the highest value of the square around each pixel."""
    for axis in (0, 1):
        pads = [(radius, radius) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(plane, pads, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=axis)
        plane = windows.max(axis=-1)
    return plane


def _lowest(plane: CropPlane, radius: int) -> CropPlane:
    return -_highest(-plane, radius)
