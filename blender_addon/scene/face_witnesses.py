"""Eyes, mouth and chin of a head, by what moves them: face shapes, then bones and eyeballs.

Where there are such witnesses they are nearer to the truth than any box: hair does not count.
All places are in the space of the head's object, at rest.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mathutils import Vector

from ..bridge.face_points import (
    CHIN_BELOW_CROWN,
    FRONTS,
    MOUTH_BELOW_CROWN,
    mouth_above_chin,
    mouth_below_eyes,
)
from ..bridge.head_names import eye_pair, jaw_among, lips_among
from ..bridge.vectors import Point
from .head_meshes import PartOfHead, bones_of_head

_MOUTH_SHAPES = (
    ("mouthPucker",),
    ("mouthFunnel",),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthStretchLeft", "mouthStretchRight"),
)
"""Shapes that move lips to all sides alike, the best first."""


@dataclass(frozen=True, kw_only=True)
class WitnessedFace:
    """The places of eyes and mouth, and who says so."""

    left_eye: Point
    right_eye: Point
    mouth: Point
    by: str


@dataclass(frozen=True, kw_only=True)
class LowerFace:
    """The mouth or the chin of a head whose eyes nothing tells.

    Attributes:
        place: in the space of the head's object.
        below_crown: how far down it usually is, in heights of a box around a head.
        by: who says so.
    """

    place: Point
    below_crown: float
    by: str


def witnessed_face(
    settings: Any, meshes: Sequence[PartOfHead], front: str
) -> WitnessedFace | LowerFace | None:
    """Eyes and mouth of the chosen head; mouth or chin alone; None if nothing tells of them.

    Args:
        settings: of the head.
        meshes: of the head.
        front: where it looks at rest, a name in `FRONTS`.

    Raises:
        BridgeError: the eyes are above each other.
    """
    mouth, chin = _mouth(settings, meshes), _chin(settings, meshes, front)
    eyes, by = _eyes(settings, meshes)
    if eyes is not None:
        if mouth is None and chin is not None:
            mouth = mouth_above_chin(*eyes, chin)
        mouth = mouth or mouth_below_eyes(*eyes, FRONTS[front][1])
        return WitnessedFace(left_eye=eyes[0], right_eye=eyes[1], mouth=mouth, by=by)
    if mouth is not None:
        return LowerFace(place=mouth, below_crown=MOUTH_BELOW_CROWN, by="its mouth")
    if chin is not None:
        return LowerFace(place=chin, below_crown=CHIN_BELOW_CROWN, by="its jaw")
    return None


def _eyes(settings: Any, meshes: Sequence[PartOfHead]) -> tuple[tuple[Point, Point] | None, str]:
    for mesh in meshes:
        sides = [_moved_by(mesh, shape) for shape in ("eyeBlinkLeft", "eyeBlinkRight")]
        if all(sides):
            return _both(sides), "its face shapes"
    balls = {mesh.thing.name: mesh for mesh in meshes}
    if (pair := eye_pair(balls)) is not None:
        return _both(_middle(balls[name].corners()) for name in pair), "its eyeballs"
    bones = _bones(settings)
    if (pair := eye_pair(bones)) is not None:
        return _both(bones[name].head_local for name in pair), "its eye bones"
    return None, ""


def _mouth(settings: Any, meshes: Sequence[PartOfHead]) -> Point | None:
    for shapes in _MOUTH_SHAPES:
        for mesh in meshes:
            places = [_moved_by(mesh, shape) for shape in shapes]
            if all(places):
                return _point(_middle(place for place in places if place is not None))
    bones = _bones(settings)
    lips = lips_among(bones)
    return _point(_middle(bones[name].head_local for name in lips)) if lips else None


def _chin(settings: Any, meshes: Sequence[PartOfHead], front: str) -> Point | None:
    """Return the lowest place in the front third of what follows the jaw."""
    jaw = {
        bone.name
        for name in jaw_among(_bones(settings))
        for bone in bones_of_head(settings.head, name)
    }
    places = [place for mesh in meshes for place in mesh.following(jaw).places()] if jaw else []
    if not places:
        return None
    forward, up = (Vector(axis) for axis in FRONTS[front])
    depths = [place.dot(forward) for place in places]
    least = max(depths) - (max(depths) - min(depths)) / 3
    chin = min((p for p, d in zip(places, depths, strict=True) if d >= least), key=up.dot)
    aside = up.cross(forward)
    sides = [place.dot(aside) for place in places]
    return _point(chin + aside * ((min(sides) + max(sides)) / 2 - chin.dot(aside)))


def _bones(settings: Any) -> dict[str, Any]:
    if settings.head.type != "ARMATURE":
        return {}
    return {bone.name: bone for bone in bones_of_head(settings.head, settings.bone)}


def _moved_by(mesh: PartOfHead, shape: str) -> Vector | None:
    """Return the middle of what a shape key moves, far-moved vertices first; None if it moves
    nothing.
    """
    block = mesh.keys.get(shape)
    if block is None:
        return None
    moved, still = (_places(key.data) for key in (block, block.relative_key))
    total, place = 0.0, Vector((0.0, 0.0, 0.0))
    for begin in range(0, len(still), 3):
        way = sum((moved[begin + axis] - still[begin + axis]) ** 2 for axis in range(3))
        if way > 0:
            total += way
            place += way * Vector(still[begin : begin + 3])
    return mesh.to_rest @ (place / total) if total else None


def _places(points: Any) -> "array[float]":
    flat = array("f", bytes(12 * len(points)))
    points.foreach_get("co", flat)
    return flat


def _middle(places: Iterable[Any]) -> Vector:
    all_places = list(places)
    return sum(all_places, Vector((0.0, 0.0, 0.0))) / len(all_places)


def _both(places: Iterable[Any]) -> tuple[Point, Point]:
    left, right = places
    return _point(left), _point(right)


def _point(place: Any) -> Point:
    x, y, z = place
    return float(x), float(y), float(z)
