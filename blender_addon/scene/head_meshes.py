"""The meshes of a head, their vertices that belong to it, and those of them that are its face.

Hair, hats and glasses move with the head and are no part of the face: a box around them would have
its middle on a throat. They are told by their names, and by not moving when the face does.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import bpy
from mathutils import Matrix, Vector

from ..bridge.head_names import is_worn
from ..bridge.shape_keys import arkit_shape

_LEAST_WEIGHT = 0.5
"""Of the head's bones together: from there on a vertex is part of the head."""
_LEAST_FACE_KEYS = 3
"""Shape keys with names of a face's, by which a mesh is the face."""

_ASKED_KEYS = 12
"""Of a face's keys: their vertices tell the bone, and each takes a while."""
_MOST_OF_FACE = 0.8
"""Of the weight of what the face shapes move: the rest is on the neck, or on bones of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PartOfHead:
    """A mesh that belongs to a head.

    Attributes:
        thing: the object.
        data: its mesh, in which the head is at rest.
        to_rest: from the mesh to the head's object, at rest.
        is_part: for each vertex, whether it is of the head; None if all are.
    """

    thing: Any
    data: Any
    to_rest: Matrix
    is_part: Sequence[bool] | None = None

    @property
    def keys(self) -> dict[str, Any]:
        """Its shape keys that are named as a face's, by ARKit's names."""
        blocks = self.thing.data.shape_keys.key_blocks if self.thing.data.shape_keys else ()
        named = ((arkit_shape(block.name), block) for block in blocks)
        return {shape: block for shape, block in named if shape is not None}

    def following(self, bones: set[str]) -> "PartOfHead":
        """Return the part of it that follows some of the head's bones for the greater part."""
        if self.is_part is not None:
            return replace(self, is_part=_follows(self.thing, bones))
        is_moved = self.thing.parent_type == "BONE" and self.thing.parent_bone in bones
        return self if is_moved else replace(self, is_part=[False] * len(self.data.vertices))

    def places(self) -> list[Vector]:
        """Of the vertices of its part of the head, at rest."""
        return [self.to_rest @ Vector(place) for place in zip(*self._places(), strict=True)]

    def corners(self) -> list[Vector]:
        """Of the box around its part of the head, at rest; none if it has none."""
        places = self._places()
        if not places[0]:
            return []
        ends = [(min(axis), max(axis)) for axis in places]
        return [self.to_rest @ Vector((x, y, z)) for x in ends[0] for y in ends[1] for z in ends[2]]

    def _places(self) -> tuple[Any, Any, Any]:
        flat = coordinates(self.data.vertices)
        axes = flat[0::3], flat[1::3], flat[2::3]
        masks = [mask for mask in (self.is_part, _not_worn(self.data)) if mask is not None]
        if not masks:
            return axes
        kept = [all(of_vertex) for of_vertex in zip(*masks, strict=True)]
        x, y, z = (list(compress(axis, kept)) for axis in axes)
        return x, y, z


def head_meshes(settings: Any, depsgraph: bpy.types.Depsgraph) -> list[PartOfHead]:
    """All meshes that follow the chosen head, worn things too."""
    head = settings.head
    if head.type == "ARMATURE":
        return list(_meshes_of_bone(head, settings.bone, depsgraph))
    to_head = head.evaluated_get(depsgraph).matrix_world.inverted()
    things = [head] if head.type == "MESH" else head.children_recursive
    evaluated = ((one, one.evaluated_get(depsgraph)) for one in things if one.type == "MESH")
    return [
        PartOfHead(thing=thing, data=now.data, to_rest=to_head @ now.matrix_world)
        for thing, now in evaluated
    ]


def face_meshes(meshes: Sequence[PartOfHead]) -> list[PartOfHead]:
    """Those that move when the face does; else all that are not named as something worn."""
    moving = [mesh for mesh in meshes if len(mesh.keys) >= _LEAST_FACE_KEYS]
    bare = [mesh for mesh in meshes if not is_worn(mesh.thing.name)]
    return moving or bare or list(meshes)


def armatures_of(thing: Any) -> list[Any]:
    """Return the armatures whose bones move the vertices of an object."""
    movers = (modifier.object for modifier in thing.modifiers if modifier.type == "ARMATURE")
    return [armature for armature in movers if armature is not None]


def armature_of(mesh_object: Any) -> Any:
    """Return the first of them; None if no bones move it."""
    return next(iter(armatures_of(mesh_object)), None)


def coordinates(points: Any) -> "array[float]":
    """Return x, y, z of each vertex of a mesh or a shape key, one after another."""
    flat = array("f", bytes(12 * len(points)))
    points.foreach_get("co", flat)
    return flat


def bone_of_face(armature: Any) -> str:
    """Return the bone that carries what face shapes move; empty if no mesh with face shapes tells.

    It is the last bone of the chain that nearly all of those vertices follow.
    """
    weights: dict[str, float] = {}
    for mesh in bpy.data.objects:
        if mesh.type == "MESH" and armature in (armature_of(mesh), mesh.parent):
            for bone, weight in _carried(mesh, armature).items():
                weights[bone] = weights.get(bone, 0.0) + weight
    least = _MOST_OF_FACE * sum(weights.values())
    found, bones = "", [bone for bone in armature.data.bones if bone.parent is None]
    while least > 0 and bones:
        carrier = next((one for one in bones if _weight_below(one, weights) >= least), None)
        if carrier is None:
            break
        found, bones = carrier.name, list(carrier.children)
    return found


def _weight_below(bone: Any, weights: Mapping[str, float]) -> float:
    return sum(weights.get(one.name, 0.0) for one in (bone, *bone.children_recursive))


def _carried(mesh: Any, armature: Any) -> dict[str, float]:
    """Weights by bone of the vertices that face shapes move; none of a mesh without such shapes."""
    keys = PartOfHead(thing=mesh, data=mesh.data, to_rest=Matrix()).keys
    if len(keys) < _LEAST_FACE_KEYS:
        return {}
    moved: set[int] = set()
    for block in list(keys.values())[:_ASKED_KEYS]:
        pairs = zip(coordinates(block.data), coordinates(block.relative_key.data), strict=True)
        moved |= {i // 3 for i, (a, b) in enumerate(pairs) if a != b}
    if mesh.parent == armature and mesh.parent_type == "BONE":
        return {mesh.parent_bone: float(len(moved))}
    names = {group.index: group.name for group in mesh.vertex_groups}
    bones, weights = armature.data.bones, dict[str, float]()
    for vertex in moved:
        for element in mesh.data.vertices[vertex].groups:
            name = names.get(element.group, "")
            if name in bones:
                weights[name] = weights.get(name, 0.0) + element.weight
    return weights


def bones_of_head(armature: Any, bone: str) -> list[Any]:
    """Return the head's bone and those that hang on it, but for hair and the like."""
    found, waiting = [], [armature.data.bones[bone]]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += [child for child in one.children if not is_worn(child.name)]
    return found


def _meshes_of_bone(head: Any, bone: str, depsgraph: bpy.types.Depsgraph) -> Iterator[PartOfHead]:
    posed = head.evaluated_get(depsgraph)
    to_head = posed.matrix_world.inverted()
    bones = {one.name for one in bones_of_head(head, bone)}
    for mesh in bpy.data.objects:
        if mesh.type != "MESH":
            continue
        evaluated = mesh.evaluated_get(depsgraph)
        from_mesh = to_head @ evaluated.matrix_world
        if mesh.parent == head and mesh.parent_type == "BONE" and mesh.parent_bone in bones:
            rest = head.data.bones[mesh.parent_bone].matrix_local
            motion = rest @ posed.pose.bones[mesh.parent_bone].matrix.inverted() @ from_mesh
            yield PartOfHead(thing=mesh, data=evaluated.data, to_rest=motion)
        elif armature_of(mesh) == head:
            is_part = _follows(mesh, bones)
            if any(is_part):
                yield PartOfHead(thing=mesh, data=mesh.data, to_rest=from_mesh, is_part=is_part)


def _follows(mesh: Any, bones: set[str]) -> list[bool]:
    """For each vertex, whether it follows these bones for the greater part."""
    groups = {group.index for group in mesh.vertex_groups if group.name in bones}
    if not groups:
        return [False] * len(mesh.data.vertices)
    return [
        sum(g.weight for g in vertex.groups if g.group in groups) >= _LEAST_WEIGHT
        for vertex in mesh.data.vertices
    ]


def _not_worn(data: Any) -> list[bool] | None:
    """For each vertex, whether a material touches it that is not named as hair; None if all."""
    worn = [slot is not None and is_worn(slot.name) for slot in data.materials]
    if not any(worn) or all(worn):
        return None
    kept = [False] * len(data.vertices)
    for polygon in data.polygons:
        if not worn[min(polygon.material_index, len(worn) - 1)]:
            for vertex in polygon.vertices:
                kept[vertex] = True
    return kept if any(kept) else None
