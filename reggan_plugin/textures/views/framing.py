"""Frame the face of a character: from its bones, eyes or bounds, confirmed by the locator."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import FaceNotFoundError, UsageError
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.textures.character import Character
from reggan_plugin.textures.views.stage import Stage
from reggan_plugin.textures.views.view import DISTANCE_IN_FACES, View, look_at

_DIRECTIONS = {
    sign + axis: factor * np.eye(3)[row]
    for row, axis in enumerate("XYZ")
    for sign, factor in (("+", 1.0), ("-", -1.0))
}
_COARSE_PX = 512
_EXTENT_IN_HEADS, _DISTANCE_IN_HEADS = 1.6, 3.2
_SMALLEST_HEAD = 1e-7
"""In the file's own units: less cannot be looked at."""
_MOST_HEAD_NODES = 16
_EXTENT_IN_EYES = 6.0
_HEAD = re.compile(r"(?:^|[^a-z])head(?:$|[^a-z])", re.IGNORECASE)
_EYE = re.compile(r"eye(?!brow|lash|lid|glass|_?brow|_?lash|_?lid)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, eq=False)
class FramedFace:
    """A view of the face, and where the face lies in it."""

    view: View
    crop: FaceCrop
    towards: Float[np.ndarray, "3"]
    up: Float[np.ndarray, "3"]
    middle: Float[np.ndarray, "3"]
    """Between the eyes, on the surface."""
    found_by: str
    """The clue that told where to look, in words."""
    front: str


@dataclass(frozen=True, kw_only=True, eq=False)
class _Guess:
    centre: Float[np.ndarray, "3"]
    size: float
    reason: str


def frame_face(
    stage: Stage,
    finder: FaceFinder,
    canonical: Float[np.ndarray, "6 2"],
    texels_across: float,
    *,
    front: str | None = None,
    head_bone: str | None = None,
) -> FramedFace:
    """Look at the face from the front, at the distance of the training pictures.

    Args:
        stage: the character.
        finder: finds faces in pictures, for the model in use.
        canonical: where its crop has the landmarks, in parts of its side.
        texels_across: of the map, from side to side, for averaging in coarse views.
        front: where the character looks, such as `+Z`; by default what its format says.
        head_bone: the node to look at.

    Raises:
        UsageError: there is no such bone.
        FaceNotFoundError: nothing in any of the views is a face.
    """
    tried: dict[str, list[str]] = {}
    for guess in _guesses(stage.character, head_bone):
        if guess.size < _SMALLEST_HEAD:
            continue
        for name, up_name in _orientations(stage.character, front):
            towards, up = _DIRECTIONS[name], _DIRECTIONS[up_name]
            view = _whole_head(guess, towards, up)
            framed = _confirmed(stage, finder, canonical, view, towards, up, texels_across)
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


def _whole_head(guess: _Guess, towards: Float[np.ndarray, "3"], up: Float[np.ndarray, "3"]) -> View:
    """Return the coarse view of what may be a head, with room around it."""
    return look_at(
        guess.centre,
        towards,
        up,
        distance=_DISTANCE_IN_HEADS * guess.size,
        extent=_EXTENT_IN_HEADS * guess.size,
        side_px=_COARSE_PX,
    )


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


def locate(stage: Stage, finder: FaceFinder, view: View, texels_across: float) -> FaceCrop | None:
    """Return the largest face in a view."""
    picture = stage.take_shaded(view, max(1, int(texels_across / view.side_px)))
    crops = finder.find(picture, FaceChoice())
    return crops[0] if crops else None


def _confirmed(
    stage: Stage,
    finder: FaceFinder,
    canonical: Float[np.ndarray, "6 2"],
    view: View,
    towards: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
    texels_across: float,
) -> tuple[View, FaceCrop, Float[np.ndarray, "3"]] | None:
    """Look twice: at the guess, then straight at what was found there."""
    crop = locate(stage, finder, view, texels_across)
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
    again = locate(stage, finder, nearer, texels_across)
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
    up = _DIRECTIONS[character.fronts[0][1]] if character.fronts else _DIRECTIONS["+Y"]
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
