"""A character from USD, by usd-core: meshes at the default time, in the world's axes."""

from pathlib import Path
from typing import Any

import numpy as np
from pxr import Tf, Usd, UsdGeom, UsdShade

from reggan_plugin.errors import MeshError
from reggan_plugin.textures.character import Character, Material, MeshPart


def character_from_usd(path: Path) -> Character:
    """Every visible mesh; the stage says which way is up.

    Raises:
        MeshError: the file cannot be opened, or holds no mesh.
    """
    stage = _opened(path)
    places = UsdGeom.XformCache()
    prims = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    parts = tuple(part for prim in prims if (part := _part(prim, places)) is not None)
    if not parts:
        raise MeshError(f"{path} holds no mesh. Export the mesh too.")
    z_up = UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    fronts = [("-Y", "+Z"), ("+Y", "+Z"), ("+X", "+Z"), ("-X", "+Z")]
    if not z_up:
        fronts = [("+Z", "+Y"), ("-Z", "+Y"), ("+X", "+Y"), ("-X", "+Y")]
    return Character(path=path, parts=parts, fronts=tuple(fronts))


def files_of_usd(path: Path) -> list[Path]:
    """The layers that a file is composed of.

    Raises:
        MeshError: the file cannot be opened.
    """
    stage = _opened(path)  # without which its layers are gone
    names = {layer.realPath for layer in stage.GetUsedLayers()}
    return [Path(name) for name in sorted(names) if name]


def _opened(path: Path) -> Any:
    try:
        return Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise MeshError(f"{path} cannot be opened as USD: {error}. Export it again.") from error


def _part(prim: Any, places: Any) -> MeshPart | None:
    """The mesh in triangles, with a point for every corner of a face."""
    mesh = UsdGeom.Mesh(prim)
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get() or [], dtype=np.int64)
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get() or [], dtype=np.int64)
    points = np.array(mesh.GetPointsAttr().Get() or [], dtype=float)
    if not len(counts) or not len(points):
        return None
    world = np.array(places.GetLocalToWorldTransform(prim))
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
    )


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
