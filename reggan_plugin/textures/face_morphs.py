"""ARKit shapes of a user's character: its morphs by name, or its VRM expressions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import MeshError
from reggan_plugin.textures.character import MeshPart
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.vocabulary.face_shapes import shape_from_name

Points = Float[np.ndarray, "points 3"]
Bind = tuple[int, int, float]
"""A mesh of the file, one of its morphs, and the morph's weight."""


def binds_by_shape(gltf: GltfFile | None, meshes: Iterable[MeshPart]) -> dict[str, list[Bind]]:
    """Which morphs make which ARKit shape.

    Morphs are known by their names. A shape that no morph is named after may be an expression of
    a VRM file, which names its morphs itself.

    Raises:
        MeshError: the VRM's expressions are not what the format says.
    """
    named: dict[str, list[Bind]] = {}
    for mesh, names in {m.mesh: [morph.name for morph in m.morphs] for m in meshes}.items():
        for index, name in enumerate(names):
            shape = shape_from_name(name)
            if shape is not None and mesh is not None:
                named.setdefault(shape, []).append((mesh, index, 1.0))
    if gltf is None:
        return named
    try:
        return {**_vrm_binds(gltf), **named}
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise MeshError(
            f"{gltf.path}: the VRM expressions are broken ({type(error).__name__} {error}). Export "
            "the file again."
        ) from error


def offsets_by_shape(
    binds: Mapping[str, Sequence[Bind]], meshes: Sequence[MeshPart]
) -> dict[str, Points]:
    """Offsets of all points of these meshes, one mesh after the other, by ARKit name."""
    return {
        shape: np.concatenate([_offsets(mesh, own.get(mesh.mesh, {})) for mesh in meshes])
        for shape, own in ((shape, _weights_by_mesh(wanted)) for shape, wanted in binds.items())
    }


def _weights_by_mesh(binds: Sequence[Bind]) -> dict[int | None, dict[int, float]]:
    """Weight of each morph of each mesh; a file may name one a million times."""
    weights: dict[int | None, dict[int, float]] = {}
    for owner, index, weight in binds:
        own = weights.setdefault(owner, {})
        own[index] = own.get(index, 0.0) + weight
    return weights


def _offsets(mesh: MeshPart, weights: Mapping[int, float]) -> Points:
    total = np.zeros_like(mesh.positions)
    with np.errstate(all="ignore"):  # whoever asks looks at the numbers
        for index, weight in weights.items():
            if 0 <= index < len(mesh.morphs):
                total += weight * mesh.morphs[index].offsets
    return total


def _vrm_binds(gltf: GltfFile) -> dict[str, list[Bind]]:
    """Source: VRMC_vrm 1.0 (expressions.md, morphTargetBinds); VRM 0 (blendShapeMaster)."""
    binds: dict[str, list[Bind]] = {}
    for name, entries in (*_vrm1_expressions(gltf), *_vrm0_expressions(gltf)):
        shape = shape_from_name(name)
        if shape is not None and entries:
            binds.setdefault(shape, entries)
    return binds


def _vrm1_expressions(gltf: GltfFile) -> Iterable[tuple[str, list[Bind]]]:
    nodes = gltf.list_of("nodes")
    groups: dict[str, Any] = gltf.extension("VRMC_vrm").get("expressions", {})
    for expressions in groups.values():
        for name, expression in expressions.items():
            yield (
                name,
                [
                    _bind(nodes[bind["node"]]["mesh"], bind["index"], bind.get("weight", 1.0))
                    for bind in expression.get("morphTargetBinds", [])
                ],
            )


def _vrm0_expressions(gltf: GltfFile) -> Iterable[tuple[str, list[Bind]]]:
    master: dict[str, Any] = gltf.extension("VRM").get("blendShapeMaster", {})
    for group in master.get("blendShapeGroups", []):
        yield (
            group.get("name", ""),
            [
                _bind(bind["mesh"], bind["index"], bind.get("weight", 100) / 100)
                for bind in group.get("binds", [])
            ],
        )


def _bind(mesh: Any, index: Any, weight: Any) -> Bind:
    if not (isinstance(mesh, int) and isinstance(index, int) and isinstance(weight, int | float)):
        raise TypeError(f"a bind is {(mesh, index, weight)!r:.60}")
    return mesh, index, float(weight)
