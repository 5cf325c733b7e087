"""Positions of the six landmarks of a scene's head, in the frame that it shows.

`settings` are the scene's own, or the same values in a Blender that does not know the add-on.

Where there are such witnesses they are nearer to the truth than any box: hair does not count.
All places are in the space of the head's object, at rest.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import bpy
from mathutils import Matrix, Vector

from ..bridge.errors import BridgeError
from ..bridge.head_names import eye_pair, jaw_among, lips_among
from ..bridge.projection import (
    CHIN_BELOW_CROWN,
    FRONTS,
    MOUTH_BELOW_CROWN,
    Point,
    box_down_to,
    facing_out,
    likeliest_front,
    mouth_above_chin,
    mouth_below_eyes,
    points_from_box,
    points_from_eyes_and_mouth,
)
from ..head_settings import POINTS
from .head_meshes import (
    PartOfHead,
    armature_of,
    bone_of_face,
    bones_of_head,
    coordinates,
    face_meshes,
    head_meshes,
)

_MOUTH_SHAPES = (
    ("mouthPucker",),
    ("mouthFunnel",),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthStretchLeft", "mouthStretchRight"),
)
"""Shapes that move lips to all sides alike, the best first."""

_APART = 0.1
"""Of the way between the eyes: bones that differ by less move the face alike."""


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
    moved, still = (coordinates(key.data) for key in (block, block.relative_key))
    total, place = 0.0, Vector((0.0, 0.0, 0.0))
    for begin in range(0, len(still), 3):
        way = sum((moved[begin + axis] - still[begin + axis]) ** 2 for axis in range(3))
        if way > 0:
            total += way
            place += way * Vector(still[begin : begin + 3])
    return mesh.to_rest @ (place / total) if total else None


def _middle(places: Iterable[Any]) -> Vector:
    all_places = list(places)
    return sum(all_places, Vector((0.0, 0.0, 0.0))) / len(all_places)


def _both(places: Iterable[Any]) -> tuple[Point, Point]:
    left, right = places
    return _point(left), _point(right)


def _point(place: Any) -> Point:
    x, y, z = place
    return float(x), float(y), float(z)


def head_problem(settings: Any) -> str:
    """Return the fault of settings that name no face; empty without one."""
    named = [name for name in POINTS if getattr(settings, name) is not None]
    if named and len(named) < len(POINTS):
        missing = next(name for name in POINTS if name not in named)
        return f"Choose the {missing.replace('_', ' ')} too, or no eye and no mouth at all"
    if not named and settings.head is None:
        return "Choose the head: its mesh, or its armature and bone"
    for name in named or ["head"]:
        chosen, bone = getattr(settings, name), _bone_of(settings, name)
        if chosen.type == "ARMATURE" and bone not in chosen.data.bones:
            title = name.replace("_", " ")
            found = f"has no bone {bone!r}" if bone else "is an armature"
            return f"{chosen.name} {found}: choose the bone of the {title}"
    armature = armature_of(settings.head) if not named else None
    if armature is not None and settings.head.type != "ARMATURE":
        return (
            f"{settings.head.name} is moved by {armature.name}: choose that as the head, and its "
            "head bone"
        )
    return ""


def head_in_scene(settings: Any, depsgraph: bpy.types.Depsgraph) -> "NamedHead | FoundHead":
    """Return the chosen head, in the frame that the scene shows.

    Raises:
        BridgeError: nothing belongs to it.
    """
    is_named = all(getattr(settings, name) is not None for name in POINTS)
    return NamedHead() if is_named else FoundHead(settings, depsgraph)


class NamedHead:
    """A head whose eyes and mouth are chosen, each with a motion of its own."""

    found_by = "Left Eye, Right Eye and Mouth"

    def points(self, settings: Any, depsgraph: bpy.types.Depsgraph) -> list[Point]:
        """Return the landmarks in the world, in the frame that the scene shows.

        Raises:
            BridgeError: the three are on one line.
        """
        left, right, mouth = (place_of(settings, name, depsgraph) for name in POINTS)
        return points_from_eyes_and_mouth(left, right, mouth)


class FoundHead:
    """A head that moves as a whole: its landmarks by what tells of eyes and mouth, or by a box.

    Attributes:
        found_by: what told where the face is, for people.
    """

    def __init__(self, settings: Any, depsgraph: bpy.types.Depsgraph) -> None:
        """Find the face, in the frame that the scene shows.

        Raises:
            BridgeError: nothing belongs to this head, or its eyes are above each other.
        """
        head = settings.head
        self._carrier = bone_of_face(head) if head.type == "ARMATURE" else ""
        meshes = face_meshes(head_meshes(settings, depsgraph))
        corners = [corner for mesh in meshes for corner in mesh.corners()]
        if not corners:
            raise BridgeError(
                f"Nothing moves with {settings.bone or head.name}: no mesh has at least half of "
                f"its weight there. Choose {self._carrier or 'another bone'}, or name eyes and "
                "mouth."
            )
        low, high = (
            tuple(limit(corner[axis] for corner in corners) for axis in range(3))
            for limit in (min, max)
        )
        front = settings.front
        if front == "AUTO":
            turn = head.evaluated_get(depsgraph).matrix_world.normalized().to_3x3()
            front = likeliest_front(
                {
                    name: (tuple(turn @ Vector(forward)), tuple(turn @ Vector(up)))
                    for name, (forward, up) in FRONTS.items()
                }
            )
        mouth, chin = _mouth(settings, meshes), _chin(settings, meshes, front)
        eyes, self.found_by = _eyes(settings, meshes)
        if eyes is not None:
            if mouth is None and chin is not None:
                mouth = mouth_above_chin(*eyes, chin)
            mouth = mouth or mouth_below_eyes(*eyes, FRONTS[front][1])
            eyes = facing_out(*eyes, mouth, (low, high))
            self._points = points_from_eyes_and_mouth(*eyes, mouth)
            return
        self.found_by = f"the box around it, Front {front}"
        if mouth is not None:
            self.found_by = f"its mouth and {self.found_by}"
            low, high = box_down_to(low, high, front, mouth, MOUTH_BELOW_CROWN)
        elif chin is not None:
            self.found_by = f"its jaw and {self.found_by}"
            low, high = box_down_to(low, high, front, chin, CHIN_BELOW_CROWN)
        self._points = points_from_box(low, high, front)

    def points(self, settings: Any, depsgraph: bpy.types.Depsgraph) -> list[Point]:
        """Return the landmarks in the world, in the frame that the scene shows.

        Raises:
            BridgeError: the face moves otherwise than the chosen bone.
        """
        motion = _motion(settings.head, settings.bone, depsgraph)
        places = [motion @ Vector(point) for point in self._points]
        if self._carrier and self._carrier != settings.bone:
            carried = _motion(settings.head, self._carrier, depsgraph)
            apart = (places[0] - places[1]).length
            if (carried @ Vector(self._points[0]) - places[0]).length > _APART * apart:
                raise BridgeError(
                    f"The face does not move with the bone {settings.bone}: what its face shapes "
                    f"move follows {self._carrier}. Choose {self._carrier} as Bone."
                )
        return [tuple(place) for place in places]


def _bone_of(settings: Any, name: str) -> str:
    return settings.bone if name == "head" else getattr(settings, f"{name}_bone")


def place_of(settings: Any, name: str, depsgraph: bpy.types.Depsgraph) -> Point:
    """Position of an eye or the mouth: a bone's root, a mesh's middle, or an object's origin."""
    evaluated = getattr(settings, name).evaluated_get(depsgraph)
    if evaluated.type == "ARMATURE":
        bone = evaluated.pose.bones.get(_bone_of(settings, name))
        if bone is None:
            raise BridgeError(f"{evaluated.name} lost its bone. Choose the {name} again.")
        return tuple(evaluated.matrix_world @ bone.head)
    if evaluated.type == "MESH":
        corners = [Vector(corner) for corner in evaluated.bound_box]
        return tuple(evaluated.matrix_world @ (sum(corners, Vector()) / len(corners)))
    return tuple(evaluated.matrix_world.translation)


def _motion(head: Any, bone: str, depsgraph: bpy.types.Depsgraph) -> Matrix:
    """From the head at rest, in the space of its object, to the world."""
    evaluated = head.evaluated_get(depsgraph)
    if evaluated.type != "ARMATURE":
        return evaluated.matrix_world
    posed, rest = evaluated.pose.bones[bone], evaluated.data.bones[bone]
    return evaluated.matrix_world @ posed.matrix @ rest.matrix_local.inverted()
