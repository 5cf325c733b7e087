"""A character from USD, by usd-core: rendered meshes at the default time, or at the first one at
which they have points, in the world's axes.

usd-core opens whatever a file names, and may crash or take all memory over a hostile one. So it
runs in a child process (`reggan_plugin.child_process`), and all layers are looked at before a stage
composes them.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.child_process import run_apart
from reggan_plugin.errors import MeshError
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import (
    MOST_LAYERS,
    MOST_NAME_BYTES,
    MOST_PARTS,
    MOST_POINTS,
    refuse_beyond,
)
from reggan_plugin.textures.character import Character, Material, MeshPart, Morph
from reggan_plugin.textures.files_named_by_mesh import (
    read_file,
    refuse_many_files,
    refuse_odd_name,
    refuse_outside,
)
from reggan_plugin.textures.maps.texture_files import tiles_of_map

_LOG = logging.getLogger(__name__)
_UV_TYPES = ("texCoord2f[]", "texCoord2d[]", "texCoord2h[]", "float2[]", "double2[]", "half2[]")
_WHITE = (1.0, 1.0, 1.0, 1.0)
_MOST_NODES = 8
"""Transforms one after the other before a texture."""


def character_from_usd(path: Path, *, with_morphs: bool) -> Character:
    """Every mesh that is rendered; the stage says which way is up. Blend shapes where asked for.

    Raises:
        MeshError: the file cannot be opened, or holds no mesh.
    """
    found = run_apart(f"{__name__}:meshes_in", str(path), with_morphs, file=path)
    if not found["parts"]:
        raise MeshError(f"{path} holds no mesh. Export the mesh too.")
    fronts = [("-Y", "+Z"), ("+Y", "+Z"), ("+X", "+Z"), ("-X", "+Z")]
    if not found["z_up"]:
        fronts = [("+Z", "+Y"), ("-Z", "+Y"), ("+X", "+Y"), ("-X", "+Y")]
    refuse_many_files(path, len({part["material"]["image"] for part in found["parts"]}))
    parts = tuple(
        MeshPart(
            **{
                **part,
                "material": _material(path, **part["material"]),
                "morphs": tuple(Morph(**morph) for morph in part["morphs"]),
                "mesh": part["mesh"] if with_morphs else None,
            }
        )
        for part in found["parts"]
    )
    return Character(path=path, parts=parts, fronts=tuple(fronts))


def _material(
    path: Path,
    *,
    name: str,
    image: str | None,
    colour: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    is_map_mirrored: bool = False,
    laid_by: str = "",
) -> Material:
    """Return a material. A map that lies elsewhere than beside the file, or is laid by a node that
    is not read, is left out, and named.
    """
    red, green, blue, alpha = colour
    file = None if image is None else Path(image)
    if laid_by:
        _LOG.warning(
            "%s: the map of material %r is laid by a node %s, which is not read, and is left out. "
            "Move the UVs of the mesh in its place",
            *(path, name, laid_by),
        )
        file = None
    try:
        if file is not None:
            tiles_of_map(path, file)
    except MeshError as error:
        _LOG.warning("%s", error)
        file = None
    return Material(
        name=name, image=file, colour=(red, green, blue, alpha), is_map_mirrored=is_map_mirrored
    )


def files_of_usd(path: Path) -> list[Path]:
    """Return the layers that a file names, whether a stage composes them or not, and the maps of
    their shaders that lie beside it.

    Raises:
        MeshError: the file cannot be opened, or names too many maps.
    """
    layers, named = run_apart(f"{__name__}:files_in", str(path), file=path)
    refuse_many_files(path, len(named))
    maps = [_material(path, name="", image=name).image for name in named]
    tiles = [one for file in maps if isinstance(file, Path) for one in tiles_of_map(path, file)]
    return [*map(Path, layers), *tiles]


def meshes_in(path: str, with_morphs: bool) -> dict[str, Any]:
    """Return the rendered meshes of a file, in plain values; all, where none is. Called in the
    child.
    """
    from pxr import Usd, UsdGeom

    stage, places = open_stage(Path(path)), dict[Any, Any]()
    parts: list[dict[str, Any]] = []
    points = 0
    everywhere = Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)
    meshes = [prim for prim in stage.Traverse(everywhere) if prim.IsA(UsdGeom.Mesh)]
    for number, prim in enumerate([prim for prim in meshes if _is_rendered(prim)] or meshes):
        try:
            own = _parts(prim, places, MOST_POINTS - points, with_morphs)
            refuse_beyond(len(parts) + len(own), MOST_PARTS, "parts")
        except (ValueError, RuntimeError) as error:  # the second is usd-core's
            raise MeshError(
                f"{path}: {prim.GetName()[:80]!r}: {error}. Export it again."
            ) from error
        for part in own:
            points += len(part["positions"]) * (1 + len(part["morphs"]))
            parts.append({**part, "mesh": number})
    return {"parts": parts, "z_up": UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z}


def _world_of(prim: Any, known: dict[Any, Any]) -> Any:
    """Return the matrix of a prim to the world, at the default time; of transforms that have
    samples in time alone, at the first one.
    """
    from pxr import Gf, Usd, UsdGeom

    above = []
    while prim and prim.GetPath() not in known:
        above.append(prim)
        prim = prim.GetParent()
    world = known[prim.GetPath()] if prim else Gf.Matrix4d(1)
    for one in reversed(above):
        if placed := UsdGeom.Xformable(one):
            is_sampled = any(move.Get() is None for move in placed.GetOrderedXformOps())
            time = Usd.TimeCode.EarliestTime() if is_sampled else Usd.TimeCode.Default()
            own = placed.GetLocalTransformation(time)
            world = own if placed.GetResetXformStack() else own * world
        known[one.GetPath()] = world
    return world


def _mesh_to_world(prim: Any, known: dict[Any, Any]) -> np.ndarray:
    """Return the matrix of a mesh to the world; one that a skeleton moves stands as it was bound,
    and its own transform does not count.

    Source: UsdSkel, Skinning a Point: geomBindTransform leads to the space of the skeleton.
    """
    from pxr import UsdGeom, UsdSkel

    binding = UsdSkel.BindingAPI(prim)
    bound, skeleton = binding.GetGeomBindTransformAttr().Get(), binding.GetInheritedSkeleton()
    joints = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance("skel:jointIndices")
    if bound is None or not skeleton or not joints or not UsdSkel.Root.Find(prim):
        return np.array(_world_of(prim, known))
    return np.array(bound * _world_of(skeleton.GetPrim(), known))


def _is_rendered(prim: Any) -> bool:
    """Tell whether a mesh is in a picture of the stage: no guide, no proxy, and not invisible."""
    from pxr import UsdGeom

    mesh, tokens = UsdGeom.Imageable(prim), UsdGeom.Tokens
    is_shown = mesh.ComputeVisibility() != tokens.invisible
    return is_shown and mesh.ComputePurpose() not in (tokens.guide, tokens.proxy)


def files_in(path: str) -> tuple[list[str], list[str]]:
    """Paths of the files of all layers, and of the maps that they name, in order; called in the
    child.

    No stage is opened: composing one may take all the time that a child has, once.
    """
    layers, maps = _layers_beside(Path(path)), set[str]()

    def look(layer: Any, place: Any) -> None:
        if place.IsPropertyPath() and place.name == "inputs:file":
            named = _file_at(_place_in_layer(layer, layer.GetAttributeAtPath(place)))
            maps.update([named] if named else [])

    for layer in layers:
        layer.Traverse(layer.pseudoRoot.path, partial(look, layer))
    return sorted({layer.realPath for layer in layers if layer.realPath}), sorted(maps)


def open_stage(path: Path) -> Any:
    """Return the stage of a file whose layers all lie beside it; called in the child.

    Raises:
        MeshError: it cannot be opened, or names what is not beside it.
    """
    from pxr import Usd

    layers = _layers_beside(path)
    with _usd_errors_named(path):
        stage = Usd.Stage.Open(str(path))
    del layers  # which it holds now
    return stage


@contextmanager
def _usd_errors_named(path: Path) -> Iterator[None]:
    from pxr import Tf

    try:
        yield
    except Tf.ErrorException as error:
        try:
            said = re.search(
                r" in file \S+ : '(.{1,300})", str(error)
            )  # behind names of its source
        except UnicodeDecodeError:  # it quotes the file
            said = None
        cause = said[1].strip(" '.") if said else "it is no sound USD"
        cause = re.sub(r"\bpxrInternal\S+", "what belongs there", cause)
        raise MeshError(f"{path} cannot be opened as USD: {cause}. Export it again.") from error


def _layers_beside(path: Path) -> list[Any]:
    """Open all layers before a stage composes them, which would open whatever they name.

    USD itself says where a name leads, so that a layer inside a package counts before one beside
    it; what is not found there would be sought in other folders, and is refused.

    Raises:
        MeshError: a name leads elsewhere (see `files_named_by_mesh`), or to nothing.
    """
    from pxr import Ar, Sdf

    read_file(path, first_bytes=1)
    waiting, seen = [str(path.absolute())], {str(path.absolute())}
    layers = []
    while waiting:
        with _usd_errors_named(path):
            layer = Sdf.Layer.FindOrOpen(waiting.pop())
        if layer is None:
            continue
        layers.append(layer)
        _refuse_clips(path, layer)
        for name in filter(None, layer.GetCompositionAssetDependencies()):  # "" is this layer
            refuse_odd_name(path, name)
            if Sdf.VariableExpression.IsExpression(name):
                raise MeshError(
                    f"{path} names {name[:80]!r}, an expression, and these are refused. Write the "
                    "name of the file in its place, or flatten the stage."
                )
            place = Sdf.ComputeAssetPathRelativeToLayer(layer, name)
            file = Path(Ar.SplitPackageRelativePathOuter(place)[0])
            if file.is_absolute():  # first, so that nobody learns what lies elsewhere
                refuse_outside(path, file, name)
            if not file.is_absolute() or not Ar.GetResolver().Resolve(place):
                raise MeshError(f"{path} names {name[:80]!r}, which is not there. Put it there.")
            if place not in seen:
                seen.add(place)
                waiting.append(place)
        if len(seen) > MOST_LAYERS:
            raise MeshError(f"{path} is made of more than {MOST_LAYERS} layers. Flatten it first.")
    return layers


def _refuse_clips(path: Path, layer: Any) -> None:
    found: list[Any] = []

    def look(place: Any) -> None:
        spec = layer.GetObjectAtPath(place)
        if spec is not None and spec.HasInfo("clips"):
            found.append(place)

    layer.Traverse(layer.pseudoRoot.path, look)
    if found:
        raise MeshError(f"{path} plays value clips, which lie in other files. Flatten it first.")


def _parts(prim: Any, places: dict[Any, Any], most: int, with_morphs: bool) -> list[dict[str, Any]]:
    """Return the fields of a `MeshPart` in triangles for each material of a mesh, with a point for
    every corner of a face.

    Raises:
        ValueError: its numbers do not fit each other, or it has more than `most` corners.
    """
    from pxr import UsdGeom

    mesh = UsdGeom.Mesh(prim)
    counts = _numbers(_value(mesh.GetFaceVertexCountsAttr()), np.int64)
    corners = _numbers(_value(mesh.GetFaceVertexIndicesAttr()), np.int64)
    points = _numbers(_value(mesh.GetPointsAttr()), float).reshape(-1, 3)
    if not len(counts) or not len(points):
        return []
    if counts.min() < 0 or counts.sum() != len(corners):
        raise ValueError(f"its faces ask for {counts.sum()} corners of {len(corners)}")
    refuse_beyond(len(corners), most, "corners with the meshes before it")
    if len(corners) and not 0 <= corners.min() <= corners.max() < len(points):
        raise ValueError(f"its faces name points beyond its {len(points)}")
    world = _mesh_to_world(prim, places)
    count = len(points)
    with np.errstate(all="ignore"):  # numbers beyond all bounds: `load_mesh` looks at the points
        points = points @ world[:3, :3] + world[3, :3]
        is_mirrored = np.linalg.det(world[:3, :3]) < 0
    morphs = _morphs(prim, count, world[:3, :3], corners, most) if with_morphs else []
    triangles = _triangles(counts)
    face_of = np.repeat(np.arange(len(counts)), np.maximum(counts - 2, 0))
    is_left_handed = mesh.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded
    if is_left_handed != is_mirrored:
        triangles = triangles[:, ::-1]
    worn, by_corner = _worn_by(prim, len(counts)), points[corners]
    laid: dict[_Placing, np.ndarray | None] = {}
    parts = []
    for material, chosen in worn:
        faces = triangles[chosen[face_of]]
        kept = np.arange(len(corners))
        if len(worn) > 1:  # corners of this material alone
            kept, new = np.unique(faces, return_inverse=True)
            faces = new.reshape(-1, 3)
        wears, placing = _worn_map(material)
        if placing not in laid:
            laid[placing] = _uv(prim, corners, placing)
        uv = laid[placing]
        parts.append(
            {
                "name": prim.GetName()[:MOST_NAME_BYTES],
                "material": wears,
                "positions": by_corner[kept],
                "faces": faces,
                "uv": None if uv is None else uv[kept],
                "morphs": [{**one, "offsets": one["offsets"][kept]} for one in morphs],
            }
        )
    return parts


def _worn_by(prim: Any, count: int) -> list[tuple[Any, np.ndarray]]:
    """Return each material of a mesh, and which of its `count` faces wear it: those of its subsets,
    and the mesh's own on the rest.

    Raises:
        ValueError: a subset has faces that are not there.
    """
    from pxr import UsdShade

    rest, worn = np.ones(count, dtype=bool), []
    for subset in UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets():
        rows = _numbers(_value(subset.GetIndicesAttr()), np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < count:
            raise ValueError(f"subset {subset.GetPrim().GetName()[:80]!r} has faces beyond {count}")
        chosen = np.zeros(count, dtype=bool)
        chosen[rows] = rest[rows]
        rest &= ~chosen
        if chosen.any():
            worn.append((_bound_material(subset.GetPrim()), chosen))
    return [*worn, (_bound_material(prim), rest)] if rest.any() or not worn else worn


def _bound_material(prim: Any) -> Any:
    """Return the material that final pictures show, bound to them or for every purpose; where there
    is none, that of previews.
    """
    from pxr import UsdShade

    binding, purposes = UsdShade.MaterialBindingAPI(prim), UsdShade.Tokens
    found, _ = binding.ComputeBoundMaterial(purposes.full)
    return found or binding.ComputeBoundMaterial(purposes.preview)[0]


_COLOUR_INPUTS = ("diffuseColor", "base_color", "baseColor")


@frozen
class _Placing:
    """How a texture is laid: by which primvar, and what is done to its coordinates, in order:
    factors, degrees counter-clockwise, and offsets.
    """

    primvar: str = ""
    moves: tuple[tuple[tuple[float, ...], float, tuple[float, ...]], ...] = ()
    unread: str = ""
    """A node among them that is not read."""

    def of(self, values: np.ndarray) -> np.ndarray:
        """Return coordinates of the map for those of the primvar."""
        for scale, turn_deg, offset in self.moves:
            (across, up), turn = (values * scale).T, np.radians(turn_deg)
            turned = (
                across * np.cos(turn) - up * np.sin(turn),
                across * np.sin(turn) + up * np.cos(turn),
            )
            values = np.stack(turned, axis=1) + offset
        return values


def _worn_map(material: Any) -> tuple[dict[str, Any], _Placing]:
    """Return the fields of a `Material`, with the path of its map where that is a file, and how the
    map is laid (UsdPreviewSurface).
    """
    if not material:
        return {"name": "(none)", "image": None}, _Placing()
    name = material.GetPrim().GetName()[:MOST_NAME_BYTES]
    colours = [colour for one in surfaces_of(material).values() if (colour := _colour_of(one))]
    texture = next(filter(None, map(_texture_behind, colours)), None)
    if texture is None:
        plain = (*(_floats(colours[0] if colours else None, 3) or _WHITE[:3]), 1.0)
        return {"name": name, "image": None, "colour": plain}, _Placing()
    tint = _floats(texture.GetInput("scale"), 4) or _WHITE
    places = map(place_of, texture.GetInput("file").GetValueProducingAttributes())
    image = _file_at(next(filter(None, places), ""))
    wraps = [texture.GetInput(name) for name in ("wrapS", "wrapT")]
    is_mirrored = any(one and one.Get() == "mirror" for one in wraps)
    placing = _placing_of(texture)
    wears = {"name": name, "image": image, "colour": tint, "is_map_mirrored": is_mirrored}
    return {**wears, "laid_by": placing.unread}, placing


def surfaces_of(material: Any) -> dict[str, Any]:
    """Return a material's surface shader for each render context; "" is for all others, and
    first.
    """
    contexts = {one.GetBaseName().rpartition(":")[0] for one in material.GetSurfaceOutputs()}
    found = {one: material.ComputeSurfaceSource(one)[0] for one in sorted(contexts)}
    return {context: surface for context, surface in found.items() if surface}


def _colour_of(surface: Any) -> Any:
    """Return the input of a surface shader's base colour; None if it has none."""
    return next(filter(None, map(surface.GetInput, _COLOUR_INPUTS)), None)


def _texture_behind(colour: Any) -> Any:
    """Return the texture shader that an input is connected to; None if there is none."""
    from pxr import UsdShade

    for source in colour.GetValueProducingAttributes(True):  # through node graphs, too
        shader = UsdShade.Shader(source.GetPrim()) if source else None
        if shader and shader.GetInput("file"):
            return shader
    return None


def files_behind(surface: Any) -> list[Any]:
    """Return the attributes that name the files which the network of a surface shader reads."""
    from pxr import Sdf, UsdShade

    found, seen, waiting = [], set(), [surface.GetPrim()]
    while waiting:
        prim = waiting.pop()
        if prim.GetPath() in seen:
            continue
        seen.add(prim.GetPath())
        for given in UsdShade.ConnectableAPI(prim).GetInputs():
            for source in filter(None, given.GetValueProducingAttributes()):
                if UsdShade.Output.IsOutput(source):
                    waiting.append(source.GetPrim())
                elif source.GetTypeName() == Sdf.ValueTypeNames.Asset:
                    found.append(source)
    return found


def place_of(attribute: Any) -> str:
    """Return the path of the file that an attribute names, `<UDIM>` in it left as it is; empty
    without a name. One in a package is `PACKAGE[NAME]`.
    """
    said = next((one for one in attribute.GetPropertyStack() if one.default), None)
    return "" if said is None else _place_in_layer(said.layer, said)


def _place_in_layer(layer: Any, spec: Any) -> str:
    """Return the path of the file that a layer says an input is, as `place_of`."""
    from pxr import Sdf

    is_file = spec and isinstance(spec.default, Sdf.AssetPath)
    return place_from_name(layer, spec.default.path) if is_file else ""


def place_from_name(layer: Any, name: str) -> str:
    """Return the path of the file that a layer names, as `place_of`. Without `./` in front it lies
    beside the layer where it, or a tile of it, is there; else the name is returned.
    """
    from pxr import Sdf, UsdShade

    tiles = UsdShade.UdimUtils.ResolveUdimPath(name, layer)
    return str(tiles or (name and Sdf.ComputeAssetPathRelativeToLayer(layer, name)))


def _file_at(place: str) -> str | None:
    """Return a place that `place_of` found, if it is a file outside packages."""
    from pxr import Ar

    return None if not place or Ar.IsPackageRelativePath(place) else place


def _placing_of(texture: Any) -> _Placing:
    """Return how a texture is laid: its primvar reader, and transforms before that."""
    from pxr import UsdShade

    tiled = {"uvtiling": (1.0, 1.0), "uvoffset": (0.0, 0.0)}  # MaterialX, as the next
    if any((_floats(texture.GetInput(name), 2) or plain) != plain for name, plain in tiled.items()):
        return _Placing(unread=str(texture.GetIdAttr().Get()))
    placing = _Placing()
    given = texture.GetInput("st") or texture.GetInput("texcoord")
    for _ in range(_MOST_NODES):
        source = next(iter(given.GetValueProducingAttributes(True)), None) if given else None
        shader = UsdShade.Shader(source.GetPrim()) if source else None
        if not shader:
            break
        kind = str(shader.GetIdAttr().Get())
        if kind != "UsdTransform2d":
            named = shader.GetInput("varname") or shader.GetInput("geomprop")
            is_fed = any(one.HasConnectedSource() for one in shader.GetInputs())
            if not named and (is_fed or "place2d" in kind):
                return replace(placing, unread=kind)
            found = next(iter(named.GetValueProducingAttributes()), None) if named else None
            return replace(placing, primvar=str(found.Get() or "") if found else "")
        move = (
            _floats(shader.GetInput("scale"), 2) or (1.0, 1.0),
            next(iter(_floats(shader.GetInput("rotation"), 1)), 0.0),
            _floats(shader.GetInput("translation"), 2) or (0.0, 0.0),
        )
        placing, given = replace(placing, moves=(move, *placing.moves)), shader.GetInput("in")
    return placing


def _floats(given: Any, count: int) -> tuple[float, ...]:
    """Return the numbers of an input that is connected to none; empty where it has not so many."""
    if not given:
        return ()
    values = np.atleast_1d(_numbers(given.Get(), float)).ravel()
    is_sound = len(values) == count and np.isfinite(values).all()
    return tuple(values.tolist()) if is_sound else ()


def _morphs(
    prim: Any, count: int, turn: np.ndarray, corners: np.ndarray, most: int
) -> list[dict[str, Any]]:
    """Fields of each `Morph`: blend shapes in the world, with an offset for every corner.

    Raises:
        ValueError: a shape moves points that are not there, or they are too many.
    """
    from pxr import UsdSkel

    binding = UsdSkel.BindingAPI(prim)
    names = [str(name) for name in binding.GetBlendShapesAttr().Get() or []]
    refuse_beyond(len(corners) * len(names), most, "corners in all blend shapes")
    morphs = []
    for name, target in zip(names, binding.GetBlendShapeTargetsRel().GetTargets(), strict=False):
        shape = UsdSkel.BlendShape(prim.GetStage().GetPrimAtPath(target))
        if not shape:
            raise ValueError(f"blend shape {name[:80]!r} is not there")
        offsets = _numbers(shape.GetOffsetsAttr().Get(), float).reshape(-1, 3)
        given = shape.GetPointIndicesAttr().Get()
        rows = _numbers(given or range(count), np.int64)
        if len(offsets) != len(rows):
            raise ValueError(
                f"blend shape {name[:80]!r} has {len(offsets)} offsets, expected {len(rows)}, one "
                f"for each {'of its point indices' if given else 'point'}"
            )
        if len(rows) and not 0 <= rows.min() <= rows.max() < count:
            raise ValueError(
                f"blend shape {name[:80]!r} has point indices from {rows.min()} to {rows.max()}; "
                f"expected 0 to {count - 1}"
            )
        dense = np.zeros((count, 3))
        dense[rows] = offsets
        with np.errstate(all="ignore"):  # `read_rig` looks at the numbers
            moved = dense @ turn
        morphs.append({"name": name[:MOST_NAME_BYTES], "offsets": moved[corners]})
    return morphs


def _value(attribute: Any) -> Any:
    """Return the default value, or the first of an attribute that has samples in time alone."""
    from pxr import Usd

    value = attribute.Get()
    return attribute.Get(Usd.TimeCode.EarliestTime()) if value is None else value


def _numbers(value: Any, kind: Any) -> np.ndarray:
    """Return an attribute's value; none where it has none.

    Raises:
        ValueError: it is of another type than its name says.
    """
    try:
        return np.array([] if value is None else value, dtype=kind)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"it has a {type(value).__name__} in place of numbers") from error


def _triangles(counts: np.ndarray) -> np.ndarray:
    """Return a fan of triangles for each face; their corners are counted through all faces."""
    fans = np.maximum(counts - 2, 0)
    first = np.repeat(np.cumsum(counts) - counts, fans)
    step = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
    return np.stack([first, first + step + 1, first + step + 2], axis=1)


def _uv(prim: Any, corners: np.ndarray, placing: _Placing) -> np.ndarray | None:
    """Coordinates of every corner, as a map is laid: its own primvar, st, or the first of its type.

    Raises:
        ValueError: there are not as many as the mesh needs.
    """
    from pxr import Usd, UsdGeom

    primvars = UsdGeom.PrimvarsAPI(prim).GetPrimvarsWithValues()
    fitting = [p for p in primvars if str(p.GetTypeName()) in _UV_TYPES]
    usual = [placing.primvar, "st", "UVMap"]
    fitting.sort(key=lambda one: [one.GetPrimvarName() != name for name in usual])
    if not fitting:
        return None
    found = fitting[0].ComputeFlattened() or fitting[0].ComputeFlattened(
        Usd.TimeCode.EarliestTime()
    )
    values = _numbers(found, float).reshape(-1, 2)
    is_by_corner = fitting[0].GetInterpolation() == UsdGeom.Tokens.faceVarying
    needed = len(corners) if is_by_corner else int(corners.max(initial=-1)) + 1
    if len(values) != needed if is_by_corner else len(values) < needed:
        raise ValueError(f"it has {len(values)} UVs, and needs {needed}")
    return placing.of(values if is_by_corner else np.asarray(values[corners]))
