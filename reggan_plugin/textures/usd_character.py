"""A character from USD, by usd-core: meshes at the default time, in the world's axes."""

import posixpath
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Sdf, Tf, Usd, UsdGeom, UsdShade, UsdSkel

from reggan_plugin.errors import MeshError
from reggan_plugin.textures.character import Character, Material, MeshPart, Morph
from reggan_plugin.textures.files_named_by_mesh import file_of_name, read_file
from reggan_plugin.textures.limits import MOST_LAYERS


def character_from_usd(path: Path, *, with_morphs: bool = False) -> Character:
    """Every visible mesh; the stage says which way is up. Blend shapes where they are asked for.

    Raises:
        MeshError: the file cannot be opened, or holds no mesh.
    """
    stage = open_stage(path)
    places = UsdGeom.XformCache()
    prims = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    parts = tuple(part for prim in prims if (part := _part(prim, places, with_morphs)) is not None)
    if with_morphs:
        parts = tuple(replace(part, mesh=number) for number, part in enumerate(parts))
    if not parts:
        raise MeshError(f"{path} holds no mesh. Export the mesh too.")
    z_up = UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    fronts = [("-Y", "+Z"), ("+Y", "+Z"), ("+X", "+Z"), ("-X", "+Z")]
    if not z_up:
        fronts = [("+Z", "+Y"), ("-Z", "+Y"), ("+X", "+Y"), ("-X", "+Y")]
    return Character(path=path, parts=parts, fronts=tuple(fronts))


def files_of_usd(path: Path) -> list[Path]:
    """Return the layers that a file is composed of.

    Raises:
        MeshError: the file cannot be opened.
    """
    stage = open_stage(path)  # without which its layers are gone
    names = {layer.realPath for layer in stage.GetUsedLayers()}
    return [Path(name) for name in sorted(names) if name]


def open_stage(path: Path) -> Any:
    """Return the stage of a file whose layers all lie beside it.

    Raises:
        MeshError: it cannot be opened, or names what is not beside it.
    """
    try:
        _refuse_references(path)
        stage = Usd.Stage.Open(str(path))
    except (Tf.ErrorException, zipfile.BadZipFile) as error:
        raise MeshError(f"{path} cannot be opened as USD: {error}. Export it again.") from error
    if any(prim.HasMetadata("clips") for prim in stage.TraverseAll()):
        raise MeshError(f"{path} plays value clips, which lie in other files. Flatten it first.")
    return stage


def _refuse_references(path: Path) -> None:
    """Look at all layers before a stage composes them, which would open whatever they name.

    Raises:
        MeshError: a name leads elsewhere (see `references`), or to nothing.
    """
    read_file(path, first_bytes=1)
    waiting, seen = [path], {path}
    while waiting:
        layer_path = waiting.pop()
        layer = Sdf.Layer.FindOrOpen(str(layer_path))
        names = () if layer is None else layer.GetCompositionAssetDependencies()
        if path.suffix.lower() == ".usdz":
            _refuse_outside_package(path, names)
            continue
        for name in names:
            inner = file_of_name(path, name, named_in=layer_path)
            if not inner.is_file():  # else it is sought in other folders, too
                raise MeshError(f"{path} names {name[:80]!r}, which is not there. Put it there.")
            if inner not in seen:
                seen.add(inner)
                waiting.append(inner)
        if len(seen) > MOST_LAYERS:
            raise MeshError(f"{path} is made of more than {MOST_LAYERS} layers. Flatten it first.")


def _refuse_outside_package(path: Path, names: Iterable[str]) -> None:
    """Refuse layers outside a .usdz: its rules have one of its own, with all others inside."""
    with zipfile.ZipFile(path) as package:
        inside = set(package.namelist())
    for name in names:
        if posixpath.normpath(name) not in inside:
            raise MeshError(
                f"{path} names {name[:80]!r}, which is not inside the package. Pack it again."
            )


def _part(prim: Any, places: Any, with_morphs: bool) -> MeshPart | None:
    """Return the mesh in triangles, with a point for every corner of a face."""
    mesh = UsdGeom.Mesh(prim)
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get() or [], dtype=np.int64)
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get() or [], dtype=np.int64)
    points = np.array(mesh.GetPointsAttr().Get() or [], dtype=float)
    if not len(counts) or not len(points):
        return None
    world = np.array(places.GetLocalToWorldTransform(prim))
    morphs = _morphs(prim, len(points), world[:3, :3], corners) if with_morphs else ()
    points = points @ world[:3, :3] + world[3, :3]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    faces = np.array(
        [
            (start, start + i, start + i + 1)
            for start, count in zip(starts, counts, strict=True)
            for i in range(1, count - 1)
        ]
    ).reshape(-1, 3)
    if mesh.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded:
        faces = faces[:, ::-1].copy()
    bound, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    name = bound.GetPrim().GetName() if bound else "(none)"
    return MeshPart(
        name=prim.GetName(),
        material=Material(name=name),
        positions=points[corners],
        faces=faces,
        uv=_uv(prim, corners),
        morphs=morphs,
    )


def _morphs(prim: Any, count: int, turn: np.ndarray, corners: np.ndarray) -> tuple[Morph, ...]:
    """Blend shapes of a mesh, in the world, with an offset for every corner of a face.

    Raises:
        MeshError: a shape moves points that are not there.
    """
    binding = UsdSkel.BindingAPI(prim)
    names = [str(name) for name in binding.GetBlendShapesAttr().Get() or []]
    morphs = []
    for name, target in zip(names, binding.GetBlendShapeTargetsRel().GetTargets(), strict=False):
        shape = UsdSkel.BlendShape(prim.GetStage().GetPrimAtPath(target))
        offsets = np.array(shape.GetOffsetsAttr().Get() or [], dtype=float).reshape(-1, 3)
        rows = np.array(shape.GetPointIndicesAttr().Get() or range(len(offsets)), dtype=np.int64)
        if len(rows) != len(offsets) or not (
            rows.min(initial=0) >= 0 and rows.max(initial=0) < count
        ):
            raise MeshError(
                f"Blend shape {name[:80]!r} of {prim.GetName()} has {len(offsets)} offsets for "
                f"{len(rows)} of {count} points. Export it again."
            )
        dense = np.zeros((count, 3))
        dense[rows] = offsets
        morphs.append(Morph(name=name, offsets=(dense @ turn)[corners]))
    return tuple(morphs)


def _uv(prim: Any, corners: np.ndarray) -> np.ndarray | None:
    """Coordinates of every corner: the primvar st, or the first one of its type."""
    primvars = UsdGeom.PrimvarsAPI(prim).GetPrimvarsWithValues()
    fitting = [p for p in primvars if str(p.GetTypeName()) in ("texCoord2f[]", "float2[]")]
    fitting.sort(key=lambda primvar: primvar.GetPrimvarName() not in ("st", "UVMap"))
    if not fitting:
        return None
    values = np.array(fitting[0].ComputeFlattened(), dtype=float)
    if fitting[0].GetInterpolation() == UsdGeom.Tokens.faceVarying:
        return values
    return np.asarray(values[corners])
