"""Where the six landmarks of a scene's head are, in the frame that it shows.

`settings` are the scene's own, or the same values in a Blender that does not know the add-on.
"""

from collections.abc import Iterator
from typing import Any

import bpy
from mathutils import Matrix, Vector

from ..bridge.errors import BridgeError
from ..bridge.face_points import (
    FRONTS,
    likeliest_front,
    points_from_box,
    points_from_eyes_and_mouth,
)
from ..bridge.vectors import Point
from ..head_settings import POINTS

_LEAST_WEIGHT = 0.5
"""Of the head's bones together: from there on a vertex is part of the head."""


def head_problem(settings: Any) -> str:
    """Why these settings name no face; empty if they do."""
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


def points_by_parts(settings: Any, depsgraph: bpy.types.Depsgraph) -> list[Point]:
    """The landmarks in the world, from eyes and mouth.

    Raises:
        BridgeError: the three are on one line.
    """
    left, right, mouth = (_place(settings, name, depsgraph) for name in POINTS)
    return points_from_eyes_and_mouth(left, right, mouth)


def has_parts(settings: Any) -> bool:
    """Whether eyes and mouth are named, so that no box is needed."""
    return all(getattr(settings, name) is not None for name in POINTS)


class BoxedHead:
    """Landmarks of usual proportions in the box around a head, which moves as a whole."""

    def __init__(self, settings: Any, depsgraph: bpy.types.Depsgraph) -> None:
        """Find the box and the front, in the frame that the scene shows.

        Raises:
            BridgeError: nothing belongs to this head.
        """
        corners = list(_corners(settings, depsgraph))
        if not corners:
            raise BridgeError(
                f"Nothing moves with {settings.bone or settings.head.name}: no mesh has at least "
                "half of its weight there. Choose another bone, or name eyes and mouth."
            )
        low, high = (
            tuple(limit(corner[axis] for corner in corners) for axis in range(3))
            for limit in (min, max)
        )
        self.front = settings.front
        if self.front == "AUTO":
            turn = settings.head.evaluated_get(depsgraph).matrix_world.normalized().to_3x3()
            self.front = likeliest_front(
                {
                    name: (tuple(turn @ Vector(forward)), tuple(turn @ Vector(up)))
                    for name, (forward, up) in FRONTS.items()
                }
            )
        self._points = points_from_box(low, high, self.front)

    def points(self, settings: Any, depsgraph: bpy.types.Depsgraph) -> list[Point]:
        """The landmarks in the world, in the frame that the scene shows."""
        motion = _motion(settings, depsgraph)
        return [tuple(motion @ Vector(point)) for point in self._points]


def _rigidity_problem(head: Any) -> str:
    armature = _armature_of(head)
    if head.type != "ARMATURE" and armature is not None:
        return (
            f"{head.name} is moved by {armature.name}: choose that as the head, and its head bone"
        )
    return ""


def _armature_of(mesh_object: Any) -> Any:
    """The armature whose bones move the vertices of a mesh."""
    return next(
        (m.object for m in mesh_object.modifiers if m.type == "ARMATURE" and m.object is not None),
        None,
    )


def _bone_of(settings: Any, name: str) -> str:
    return settings.bone if name == "head" else getattr(settings, f"{name}_bone")


def _place(settings: Any, name: str, depsgraph: bpy.types.Depsgraph) -> Point:
    """Where an eye or the mouth is: a bone's root, the middle of a mesh, or an object's origin."""
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


def _corners(settings: Any, depsgraph: bpy.types.Depsgraph) -> Iterator[Vector]:
    """Points that the box must hold, in the space of the head's object at rest."""
    head = settings.head
    posed = head.evaluated_get(depsgraph)
    to_head = posed.matrix_world.inverted()
    if head.type != "ARMATURE":
        meshes = [head] if head.type == "MESH" else head.children_recursive
        for mesh in (one.evaluated_get(depsgraph) for one in meshes if one.type == "MESH"):
            motion = to_head @ mesh.matrix_world
            yield from (motion @ Vector(corner) for corner in mesh.bound_box)
        return
    bone = head.data.bones[settings.bone]
    bones = {bone.name, *(child.name for child in bone.children_recursive)}
    for mesh in bpy.data.objects:
        if mesh.type != "MESH":
            continue
        from_mesh = to_head @ mesh.evaluated_get(depsgraph).matrix_world
        if mesh.parent == head and mesh.parent_type == "BONE" and mesh.parent_bone in bones:
            rest = head.data.bones[mesh.parent_bone].matrix_local
            motion = rest @ posed.pose.bones[mesh.parent_bone].matrix.inverted() @ from_mesh
            corners = mesh.evaluated_get(depsgraph).bound_box
            yield from (motion @ Vector(corner) for corner in corners)
        elif _armature_of(mesh) == head:
            yield from _weighted_corners(mesh, from_mesh, bones)


def _weighted_corners(mesh: Any, motion: Matrix, bones: set[str]) -> Iterator[Vector]:
    """The vertices of a mesh that follow these bones for the greater part."""
    groups = {group.index for group in mesh.vertex_groups if group.name in bones}
    for vertex in mesh.data.vertices if groups else ():
        if sum(g.weight for g in vertex.groups if g.group in groups) >= _LEAST_WEIGHT:
            yield motion @ vertex.co
