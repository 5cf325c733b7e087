"""Positions of the six landmarks of a scene's head, in the frame that it shows.

`settings` are the scene's own, or the same values in a Blender that does not know the add-on.
"""

from typing import Any

import bpy
from mathutils import Matrix, Vector

from ..bridge.errors import BridgeError
from ..bridge.face_points import (
    FRONTS,
    box_down_to,
    facing_out,
    likeliest_front,
    points_from_box,
    points_from_eyes_and_mouth,
)
from ..bridge.vectors import Point
from ..head_settings import POINTS
from .face_witnesses import WitnessedFace, witnessed_face
from .head_meshes import armature_of, face_meshes, head_meshes


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
    return "" if named else _rigidity_problem(settings.head)


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
            BridgeError: nothing belongs to this head.
        """
        meshes = face_meshes(head_meshes(settings, depsgraph))
        corners = [corner for mesh in meshes for corner in mesh.corners()]
        if not corners:
            raise BridgeError(
                f"Nothing moves with {settings.bone or settings.head.name}: no mesh has at least "
                "half of its weight there. Choose another bone, or name eyes and mouth."
            )
        low, high = (
            tuple(limit(corner[axis] for corner in corners) for axis in range(3))
            for limit in (min, max)
        )
        front = settings.front
        if front == "AUTO":
            front = _likeliest_front(settings.head.evaluated_get(depsgraph))
        face = witnessed_face(settings, meshes, front)
        if isinstance(face, WitnessedFace):
            self.found_by = face.by
            eyes = facing_out(face.left_eye, face.right_eye, face.mouth, (low, high))
            self._points = points_from_eyes_and_mouth(*eyes, face.mouth)
            return
        self.found_by = f"the box around it, Front {front}"
        if face is not None:
            self.found_by = f"{face.by} and {self.found_by}"
            low, high = box_down_to(low, high, front, face.place, face.below_crown)
        self._points = points_from_box(low, high, front)

    def points(self, settings: Any, depsgraph: bpy.types.Depsgraph) -> list[Point]:
        """Return the landmarks in the world, in the frame that the scene shows."""
        motion = _motion(settings, depsgraph)
        return [tuple(motion @ Vector(point)) for point in self._points]


def _likeliest_front(evaluated: Any) -> str:
    turn = evaluated.matrix_world.normalized().to_3x3()
    return likeliest_front(
        {
            name: (tuple(turn @ Vector(forward)), tuple(turn @ Vector(up)))
            for name, (forward, up) in FRONTS.items()
        }
    )


def _rigidity_problem(head: Any) -> str:
    armature = armature_of(head)
    if head.type != "ARMATURE" and armature is not None:
        return (
            f"{head.name} is moved by {armature.name}: choose that as the head, and its head bone"
        )
    return ""


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


def _motion(settings: Any, depsgraph: bpy.types.Depsgraph) -> Matrix:
    """From the head at rest, in the space of its object, to the world."""
    evaluated = settings.head.evaluated_get(depsgraph)
    if evaluated.type != "ARMATURE":
        return evaluated.matrix_world
    posed, rest = evaluated.pose.bones[settings.bone], evaluated.data.bones[settings.bone]
    return evaluated.matrix_world @ posed.matrix @ rest.matrix_local.inverted()
