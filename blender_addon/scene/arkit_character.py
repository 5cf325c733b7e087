"""A character with ARKit's shapes: found in the scene, and written as GLB.

Every shape is evaluated, so that modifiers, and keys of several meshes that move together, count.
"""

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.shape_keys import KeyWeight, expression_keys, recognise
from ..bridge.vocabulary import SIDED_SHAPES
from ..shape_settings import key_names
from .head_as_glb import copies_at_rest, export_collection, linked, look_of, plain_material, topmost
from .head_meshes import armatures_of, coordinates, head_meshes


def rows_of(settings: Any) -> list[KeyWeight]:
    """Return the mapping table."""
    return [
        KeyWeight(shape=row.shape, key=row.key, weight=round(row.weight, 4))
        for row in settings.rows
        if row.key
    ]


def character_problem(settings: Any) -> str:
    """Return the fault of settings that name no character with expressions; empty without one."""
    mesh = settings.mesh
    if mesh is None or not key_names(mesh):
        return "Choose the mesh of the face, one that has shape keys"
    rows, names = rows_of(settings), set(key_names(mesh))
    if not rows:
        return "No shape key makes a face shape yet: press Recognise, or add lines by hand"
    unknown = next((row.key for row in rows if row.key not in names), None)
    return f"{mesh.name} has no shape key {unknown!r}: mend that line" if unknown else ""


_NEEDED = ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthSmileLeft", "mouthSmileRight")
"""By which eyes, mouth and chin are found."""


def missing_shapes(rows: Sequence[KeyWeight]) -> list[str]:
    """Return the shapes that a character needs and a table does not make."""
    shapes = {row.shape for row in rows}
    return [shape for shape in _NEEDED if shape not in shapes]


def own_head(scene: bpy.types.Scene, depsgraph: Any) -> tuple[Any, list[KeyWeight], str]:
    """Return the mesh of the tracked head that has face shapes, and the table of its keys.

    A table that the artist has edited counts before the names of the keys.

    Returns:
        mesh and table; or None, an empty table, and why results cannot use this head's own shapes.
    """
    settings = scene.reggan_character
    if settings.mesh is not None and not character_problem(settings):
        mesh, rows = settings.mesh, rows_of(settings)
    else:
        parts = head_meshes(scene.reggan_head, depsgraph)
        known = {part.thing: recognise(key_names(part.thing)) for part in parts}
        mesh = max(known, key=lambda thing: len(known[thing]), default=None)
        rows = known.get(mesh, [])
    if not rows:
        return None, [], "the head has no shape keys with names of face shapes"
    if missing := missing_shapes(rows):
        return None, [], f"no shape key of {mesh.name} makes {', '.join(missing)}"
    return mesh, list(rows), ""


def meshes_of_character(scene: bpy.types.Scene, mesh: Any) -> list[Any]:
    """Return the face, then what else is rendered that hangs on the same parent or armature."""
    armatures = armatures_of(mesh)
    wholes = {*armatures, *map(topmost, (mesh, *armatures))}
    others = [one for one in scene.objects if one.type == "MESH" and not one.hide_render]
    of_it = (o for o in others if topmost(o) in wholes or wholes & set(armatures_of(o)))
    return list(dict.fromkeys([mesh, *of_it]))


_MORPHS = {
    "export_apply": False,
    "export_morph": True,
    "export_morph_normal": False,
    "export_morph_tangent": False,
    "export_skins": False,
}
_BLANK = (1.0, 1.0, 1.0, 1.0)
"""Looks are drawn for a material of this colour."""
_LEAST = 1e-4
"""Of the largest move of a shape; what moves less does not have it."""
_MIDDLE = 0.1
"""Of the width that a key of both sides moves, over which one side passes into the other."""

Places = Sequence[float]
"""x, y, z of every vertex, in the object's own space."""


def write_character(objects: Sequence[Any], rows: Sequence[KeyWeight], path: Path) -> list[str]:
    """Write mesh objects with the shapes of a table, at rest; returns the shapes that move them.

    Args:
        objects: mesh objects of one character, the face among them.
        rows: which keys of any of them make which shape.
        path: a .glb file.

    Raises:
        BridgeError: no shape moves anything, a modifier changes the number of vertices from shape
            to shape, or Blender's glTF add-on is off or cannot write the objects.
    """
    with copies_at_rest(objects, keeps_keys=True) as (copies, made):
        linked(copies.values(), made)
        meshes = [copies[one] for one in objects]
        states = {s: _evaluated(meshes, rows, s) for s in dict.fromkeys(r.shape for r in rows)}
        still = _evaluated(meshes, rows, "")  # last: this is how they are baked
        shared = _keys_of_both(rows)
        plain: dict[Any, Any] = {}
        things = []
        for place, mesh in enumerate(meshes):
            thing = _baked(mesh, made)
            things.append(thing)
            _wear_plain(thing, plain, made)
            _add_shapes(
                thing, still[place], {s: found[place] for s, found in states.items()}, shared
            )
        written = [shape for shape in states if any(_has(thing, shape) for thing in things)]
        if not written:
            raise BridgeError(
                "No shape key of the table moves the character. Press Recognise, or choose the "
                "mesh whose keys make the face."
            )
        export_collection(path, linked(things, made), **_MORPHS)
        return written


def _evaluated(meshes: Sequence[Any], rows: Sequence[KeyWeight], shape: str) -> list[Places]:
    """Vertices of all meshes in a shape, or on the neutral face if it has no name."""
    wanted = {row.key: row.weight for row in rows if row.shape == shape}
    for mesh in meshes:
        if mesh.data.shape_keys is None:
            continue
        mesh.show_only_shape_key = False
        blocks, still = mesh.data.shape_keys.key_blocks, expression_keys(key_names(mesh), rows)
        for name in still:
            value = wanted.get(name, 0.0)
            block = blocks[name]
            block.mute = False
            block.slider_min, block.slider_max = min(-10.0, value), max(10.0, value)
            block.value = value
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return [_places(mesh.evaluated_get(depsgraph)) for mesh in meshes]


def _places(evaluated: Any) -> Places:
    places = coordinates(evaluated.to_mesh().vertices)
    evaluated.to_mesh_clear()
    return places


def _baked(mesh: Any, made: list[Any]) -> Any:
    """Return an object of what a mesh looks like now, without modifiers and keys."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    data = bpy.data.meshes.new_from_object(
        mesh.evaluated_get(depsgraph), preserve_all_data_layers=True, depsgraph=depsgraph
    )
    thing = bpy.data.objects.new(mesh.name, data)
    made += [thing, data]
    thing.matrix_world = mesh.matrix_world
    return thing


def _wear_plain(thing: Any, plain: dict[Any, Any], made: list[Any]) -> None:
    """Give an object materials of an image or a colour and nothing else."""
    for slot in thing.material_slots:
        material = slot.material
        if material is not None:
            if material not in plain:
                image, uv_map = look_of(material)
                plain[material] = plain_material(material.name, image, uv_map, _colour(material))
                made.append(plain[material])
            slot.material = plain[material]


def _colour(material: Any) -> Sequence[float]:
    """Return the base colour of a Principled BSDF that nothing leads to; else blank."""
    nodes = material.node_tree.nodes if material.node_tree is not None else ()
    shader = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None or shader.inputs["Base Color"].is_linked:
        return _BLANK
    return tuple(shader.inputs["Base Color"].default_value)


def _keys_of_both(rows: Sequence[KeyWeight]) -> set[str]:
    """Shapes of one side whose only key makes the other side, too."""
    keys = {shape: {r.key for r in rows if r.shape == shape} for shape in {r.shape for r in rows}}
    pairs = ((f"{stem}Left", f"{stem}Right") for stem in SIDED_SHAPES)
    return {
        s for pair in pairs if keys.get(pair[0]) == keys.get(pair[1]) for s in pair if s in keys
    }


def _add_shapes(thing: Any, still: Places, states: Mapping[str, Places], shared: set[str]) -> None:
    """Shape keys of what differs from the neutral face, halves where a key is of both sides."""
    for shape, places in states.items():
        if len(places) != len(still) or 3 * len(thing.data.vertices) != len(still):
            raise BridgeError(
                f"A modifier of {thing.name} changes the number of vertices with {shape}. Apply "
                "it, or switch it off in the viewport."
            )
        moves = array("f", (a - b for a, b in zip(places, still, strict=True)))
        largest = max(map(abs, moves), default=0.0)
        if largest < _LEAST * max(thing.dimensions):
            continue
        if shape in shared:
            shares = _own_side(thing, still, moves, 1.0 if shape.endswith("Left") else -1.0)
            moves = array("f", (m * shares[i // 3] for i, m in enumerate(moves)))
        if thing.data.shape_keys is None:
            thing.shape_key_add(name="Basis")
        block = thing.shape_key_add(name=shape, from_mix=False)
        block.value = 0.0  # Blender 5.2 begins with 1
        block.data.foreach_set("co", array("f", map(sum, zip(still, moves, strict=True))))


def _own_side(thing: Any, still: Places, moves: Places, sign: float) -> list[float]:
    """How much of each vertex belongs to one side of what is moved; +x is the own left."""
    row = thing.matrix_world[0]
    across = [
        row[0] * still[i] + row[1] * still[i + 1] + row[2] * still[i + 2] + row[3]
        for i in range(0, len(still), 3)
    ]
    largest = max(map(abs, moves))
    ways = (max(map(abs, moves[i : i + 3])) for i in range(0, len(moves), 3))
    moved = [x for x, way in zip(across, ways, strict=True) if way > 0.1 * largest]
    low, high = min(moved), max(moved)
    middle, soft = (low + high) / 2, _MIDDLE * (high - low) or 1.0
    return [min(max(0.5 + sign * (x - middle) / soft, 0.0), 1.0) for x in across]


def _has(thing: Any, shape: str) -> bool:
    keys = thing.data.shape_keys
    return keys is not None and shape in keys.key_blocks
