"""Takes in glTF, GLB and VRM Animation files.

Source: glTF 2.0 specification, section 3.11 (animations) and appendix C (interpolation); VRM
Animation (VRMC_vrm_animation-1.0): an expression's weight is its node's translation along x.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.curves.take import Columns
from reggan_plugin.textures.gltf.accessors import read_accessor
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_gltf

_SUBSTEPS = 8
"""Rows between two keys of a spline, where it is no straight line."""
_STEP_S = 1e-6
"""Duration of a step."""


class _Track(NamedTuple):
    """Weights by name on the times of one sampler."""

    names: tuple[str, ...]
    times_s: Float[np.ndarray, " keys"]
    values: Float[np.ndarray, "keys names"]


def columns_of_gltf(path: Path) -> Columns:
    """Read the first animation that moves morph targets, or expressions of a VRM Animation.

    Meshes that share a name of a target are taken for one face: the first one counts.

    Raises:
        ValueError: no animation moves a named target or an expression.
        MeshError: the file is broken.
    """
    gltf = read_gltf(path)
    names_of_nodes = _expression_nodes(gltf)
    found = [list(_tracks(gltf, animation, names_of_nodes)) for animation in _animations(gltf)]
    moving = [tracks for tracks in found if tracks]
    if not moving:
        raise ValueError(
            "none of its animations moves a morph target that has a name (mesh.extras."
            "targetNames) or an expression; export shape keys with their animation"
        )
    notes = []
    if len(moving) > 1:
        notes.append(f"It holds {len(moving)} animations of faces; the first one is taken.")
    times = np.unique(np.concatenate([track.times_s for track in moving[0]]))
    columns: dict[str, Float[np.ndarray, " rows"]] = {}
    for track in moving[0]:
        for place, name in enumerate(track.names):
            column = np.interp(times, track.times_s, track.values[:, place])
            columns.setdefault(name, column)
    return Columns(
        kind="VRM Animation" if names_of_nodes else "glTF",
        names=list(columns),
        times_s=times,
        values=np.stack(list(columns.values()), axis=1),
        scale=1.0 if names_of_nodes else None,
        notes=tuple(notes),
    )


def _animations(gltf: GltfFile) -> list[dict[str, Any]]:
    return gltf.list_of("animations")


def _expression_nodes(gltf: GltfFile) -> Mapping[int, str]:
    expressions = gltf.extension("VRMC_vrm_animation").get("expressions", {})
    return {
        entry["node"]: name
        for group in ("preset", "custom")
        for name, entry in expressions.get(group, {}).items()
        if isinstance(entry, dict) and isinstance(entry.get("node"), int)
    }


def _tracks(
    gltf: GltfFile, animation: Mapping[str, Any], expressions: Mapping[int, str]
) -> Iterator[_Track]:
    for channel in animation.get("channels", []):
        target = channel.get("target", {})
        node, path = target.get("node"), target.get("path")
        sampler = animation["samplers"][channel["sampler"]]
        if path == "weights" and node is not None:
            names = _target_names(gltf, node)
            if names:
                yield _sampled(gltf, sampler, names)
        elif path == "translation" and node in expressions:
            track = _sampled(gltf, sampler, (expressions[node], "", ""))
            yield _Track(track.names[:1], track.times_s, track.values[:, :1])


def _target_names(gltf: GltfFile, node: int) -> tuple[str, ...]:
    mesh = gltf.list_of("nodes")[node].get("mesh")
    if mesh is None:
        return ()
    entry = gltf.list_of("meshes")[mesh]
    primitives = entry.get("primitives", [{}])
    extras = entry.get("extras") or primitives[0].get("extras") or {}
    names = extras.get("targetNames", []) if isinstance(extras, dict) else []
    return tuple(map(str, names))


def _sampled(gltf: GltfFile, sampler: Mapping[str, Any], names: tuple[str, ...]) -> _Track:
    times = read_accessor(gltf, sampler["input"])[:, 0].astype(float)
    output = read_accessor(gltf, sampler["output"]).astype(float).reshape(-1)
    how = sampler.get("interpolation", "LINEAR")
    per_key = (3 if how == "CUBICSPLINE" else 1) * len(names)
    if len(output) != per_key * len(times):
        raise ValueError(
            f"an animation has {len(output)} weights for {len(times)} keys of {len(names)} targets"
        )
    if how == "CUBICSPLINE":
        return _Track(names, *_spline(times, output.reshape(len(times), 3, len(names))))
    values = output.reshape(len(times), len(names))
    return _Track(names, *(_steps(times, values) if how == "STEP" else (times, values)))


def _steps(
    times: Float[np.ndarray, " keys"], values: Float[np.ndarray, "keys names"]
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, "rows names"]]:
    """Each value held until shortly before the next key."""
    held = np.maximum(times[1:] - _STEP_S, times[:-1])
    order = np.argsort(np.concatenate([times, held]), kind="stable")
    return np.concatenate([times, held])[order], np.concatenate([values, values[:-1]])[order]


def _spline(
    times: Float[np.ndarray, " keys"], output: Float[np.ndarray, "keys 3 names"]
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, "rows names"]]:
    """Return the cubic Hermite spline in short lines; tangents are scaled by the distance of the
    keys.
    """
    if len(times) < 2:
        return times, output[:, 1]
    t = np.arange(_SUBSTEPS)[:, None, None] / _SUBSTEPS  # [substep, 1, 1]
    span = np.diff(times)[None, :, None]  # [1, key, 1]
    begin, end = output[None, :-1, 1], output[None, 1:, 1]
    leaving, arriving = span * output[None, :-1, 2], span * output[None, 1:, 0]
    between = (
        (2 * t**3 - 3 * t**2 + 1) * begin
        + (t**3 - 2 * t**2 + t) * leaving
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * arriving
    )  # [substep, key, name]
    names = output.shape[2]
    rows = between.transpose(1, 0, 2).reshape(-1, names)
    fine = (times[None, :-1] + t[:, :, 0] * np.diff(times)[None]).T.reshape(-1)
    return np.append(fine, times[-1]), np.concatenate([rows, output[-1:, 1]])
