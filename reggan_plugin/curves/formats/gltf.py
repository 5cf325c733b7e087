"""Takes in glTF, GLB and VRM Animation files.

Source: glTF 2.0 specification, section 3.11 (animations) and appendix C (interpolation); VRM
Animation (VRMC_vrm_animation-1.0): an expression's weight is its node's translation along x.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.curves.take import Columns, TakeFormat
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES
from reggan_plugin.limits import (
    MOST_NAME_BYTES,
    MOST_TAKE_CELLS,
    MOST_TAKE_COLUMNS,
    MOST_TAKE_ROWS,
    refuse_beyond,
)
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_accessor, read_gltf

_SUBSTEPS = 8
"""Rows between two keys of a spline, where it is no straight line."""
_SPLINE = "CUBICSPLINE"
_INTERPOLATIONS = ("LINEAR", "STEP", _SPLINE)
_STEP_S = 1e-6
"""Duration of a step."""
_ALIKE = 1e-3
"""Difference of weights that rounding leaves."""
_MOST_SHOWN = 8
"""Names in a note."""


class _Channel(NamedTuple):
    """A channel of an animation: names of what it moves."""

    sampler: Mapping[str, Any]
    names: tuple[str, ...]
    is_translation: bool = False


class _Track(NamedTuple):
    """Weights by name on the times of one sampler."""

    names: tuple[str, ...]
    times_s: Float[np.ndarray, " keys"]
    values: Float[np.ndarray, "keys names"]


def columns_of_gltf(path: Path) -> Columns:
    """Read the first animation that moves morph targets, or expressions of a VRM Animation.

    Meshes that share a name of a target are taken for one face: the largest weight counts.

    Raises:
        ValueError: no animation moves a named target or an expression.
        MeshError: the file is broken.
    """
    gltf = read_gltf(path)
    names_of_nodes = _expression_nodes(gltf)
    names_of_meshes: dict[int, tuple[str, ...]] = {}
    named = [
        list(_channels(gltf, animation, names_of_nodes, names_of_meshes))
        for animation in gltf.list_of("animations")
    ]
    moving = [channels for channels in named if channels]
    if not moving:
        raise ValueError(
            "none of its animations moves a morph target that has a name (mesh.extras."
            "targetNames) or an expression; export shape keys with their animation"
        )
    notes = []
    if len(moving) > 1:
        notes.append(f"It holds {len(moving)} animations of faces; the first one is taken.")
    tracks = _tracks(gltf, moving[0])
    times = np.unique(np.concatenate([track.times_s for track in tracks]))
    refuse_beyond(len(times), MOST_TAKE_ROWS, "rows")
    count = len({name for track in tracks for name in track.names})
    refuse_beyond(count, MOST_TAKE_COLUMNS, "columns")
    refuse_beyond(len(times) * count, MOST_TAKE_CELLS, "values in all columns together")
    columns: dict[str, Float[np.ndarray, " rows"]] = {}
    unlike: dict[str, None] = {}  # in their order
    for track in tracks:
        for place, name in enumerate(track.names):
            weights = np.interp(times, track.times_s, track.values[:, place])
            other = columns.get(name, weights)
            if not np.allclose(weights, other, rtol=0, atol=_ALIKE, equal_nan=True):
                unlike[name] = None
            columns[name] = np.fmax(weights, other)
    if unlike:
        more = len(unlike) - _MOST_SHOWN
        shown = ", ".join(list(unlike)[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
        notes.append(f"Its meshes have different weights of {shown}; the largest weight counts.")
    return Columns(
        kind="VRM Animation" if names_of_nodes else "glTF",
        names=list(columns),
        times_s=times,
        values=np.stack(list(columns.values()), axis=1),
        scale=1.0 if names_of_nodes else None,
        notes=tuple(notes),
    )


def _expression_nodes(gltf: GltfFile) -> Mapping[int, tuple[str, ...]]:
    """Return the expressions of a VRM Animation by the node that moves them.

    Raises:
        MeshError: one names no node.
    """
    expressions = gltf.extension("VRMC_vrm_animation").get("expressions", {})
    names: dict[int, tuple[str, ...]] = {}
    for group in ("preset", "custom"):
        for name, entry in expressions.get(group, {}).items():
            node = entry.get("node") if isinstance(entry, dict) else None
            if not isinstance(node, int) or not 0 <= node < len(gltf.list_of("nodes")):
                raise gltf.broken(f"its expression {name!r} is moved by node {node}, which is none")
            names[node] = (*names.get(node, ()), name)
    return names


def _channels(
    gltf: GltfFile,
    animation: Mapping[str, Any],
    expressions: Mapping[int, tuple[str, ...]],
    names_of: dict[int, tuple[str, ...]],
) -> Iterator[_Channel]:
    """Channels that move a face, by what is written of them: no numbers are read yet."""
    for channel in animation.get("channels", []):
        target = channel.get("target", {})
        node, path = target.get("node"), target.get("path")
        sampler = animation["samplers"][channel["sampler"]]
        if path == "weights" and node is not None:
            mesh = gltf.list_of("nodes")[node].get("mesh")
            if mesh is not None and mesh not in names_of:
                names_of[mesh] = _target_names(gltf.list_of("meshes")[mesh])
            if names := names_of.get(mesh):
                yield _Channel(sampler, names)
        elif path == "translation" and node in expressions:
            yield _Channel(sampler, expressions[node], is_translation=True)


def _target_names(mesh: Mapping[str, Any]) -> tuple[str, ...]:
    first: Mapping[str, Any] = next(iter(mesh.get("primitives", [])), {})
    extras = mesh.get("extras") or first.get("extras") or {}
    names = extras.get("targetNames", []) if isinstance(extras, dict) else []
    return tuple(str(name)[:MOST_NAME_BYTES] for name in names)


def _tracks(gltf: GltfFile, channels: Sequence[_Channel]) -> list[_Track]:
    """Read channels, if they are not too much together.

    Raises:
        ValueError: they are, or a sampler's numbers do not fit its targets.
    """
    rows = [gltf.document["accessors"][one.sampler["input"]]["count"] for one in channels]
    values = [
        max(1, count)
        * len(one.names)
        * (_SUBSTEPS if one.sampler.get("interpolation") == _SPLINE else 1)
        for count, one in zip(rows, channels, strict=True)
    ]
    refuse_beyond(sum(values), MOST_TAKE_CELLS, "values in all channels together")
    tracks = []
    for channel in channels:
        names = ("x", "y", "z") if channel.is_translation else channel.names
        track = _sampled(gltf, channel.sampler, names)
        if channel.is_translation:
            along_x = np.repeat(track.values[:, :1], len(channel.names), axis=1)
            track = _Track(channel.names, track.times_s, along_x)
        tracks.append(track)
    return tracks


def _sampled(gltf: GltfFile, sampler: Mapping[str, Any], names: tuple[str, ...]) -> _Track:
    written = gltf.document["accessors"][sampler["output"]]
    refuse_beyond(written["count"], 3 * MOST_TAKE_CELLS, "weights")
    times = read_accessor(gltf, sampler["input"])[:, 0].astype(float)
    output = read_accessor(gltf, sampler["output"]).astype(float).reshape(-1)
    how = sampler.get("interpolation", "LINEAR")
    per_key = (3 if how == _SPLINE else 1) * len(names)
    if not len(times):
        raise ValueError("an animation has no keys")
    if how not in _INTERPOLATIONS:
        raise ValueError(
            f"an animation is interpolated by {how!r}, expected one of {', '.join(_INTERPOLATIONS)}"
        )
    if np.isfinite(times).all() and (np.diff(times) < 0).any():
        raise ValueError("keys of an animation are not in the order of their times")
    if len(output) != per_key * len(times):
        raise ValueError(
            f"an animation has {len(output)} weights for {len(times)} keys of {len(names)} targets"
        )
    if how == _SPLINE:
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


FORMAT = TakeFormat(
    name="glTF, GLB, VRMA",
    read=lambda path, _: columns_of_gltf(path),
    suffixes=(*GLTF_SUFFIXES, ".vrma"),
)
