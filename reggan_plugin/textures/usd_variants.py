"""Maps as variants of a USD material, in a new file of the character."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reggan_plugin.apart import run_apart
from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.errors import UsageError
from reggan_plugin.textures.usd_character import open_stage

VARIANT_SET, UNCHANGED = "expression", "unchanged"
_COLOUR_INPUTS = ("diffuseColor", "base_color", "baseColor")


def write_usd_variants(source: Path, material: str, maps: Mapping[str, Path], out: Path) -> None:
    """Write the character with a variant of its material for each map.

    The variant `unchanged` is chosen in the file. What `source` names is named from the new file's
    folder; its sublayers become one, since what they say themselves would count more than variants.

    Args:
        source: the character.
        material: name of the material that wears the map.
        maps: by expression; a UDIM set by its pattern.
        out: the new file, as text.

    Raises:
        UsageError: the material takes its colour from no texture.
        MeshError: the source cannot be opened.
        OutputError: the file cannot be written.
    """
    named = {label: str(one.absolute()) for label, one in maps.items()}
    text = run_apart(
        f"{__name__}:text_with_variants", str(source), material, named, str(out), file=source
    )
    write_atomically(out, text.encode())


def text_with_variants(source: str, material: str, maps: dict[str, str], out: str) -> str:
    """Return the new file; called in the child, with what `write_usd_variants` takes."""
    from pxr import Sdf, Tf, Usd, UsdShade, UsdUtils

    before = open_stage(Path(source))
    path = _texture_of(before, material, source)
    file = path.texture.AppendProperty("inputs:file")
    own = before.GetAttributeAtPath(file).Get()
    layer = UsdUtils.FlattenLayerStack(before)
    spec = layer.GetAttributeAtPath(file)
    if spec is not None:
        spec.ClearDefaultValue()
    stage = Usd.Stage.Open(layer)
    choices = stage.GetPrimAtPath(path.material).GetVariantSets().AddVariantSet(VARIANT_SET)
    for label, map_file in {**maps, UNCHANGED: own.resolvedPath or own.path}.items():
        name = Tf.MakeValidIdentifier(label)
        choices.AddVariant(name)
        choices.SetVariantSelection(name)
        with choices.GetVariantEditContext():
            texture = UsdShade.Shader(stage.GetPrimAtPath(path.texture))
            texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(map_file))
    UsdUtils.ModifyAssetPaths(layer, lambda name: _named_from(Path(out), name))
    return str(layer.ExportToString())


@dataclass(frozen=True)
class _Paths:
    """Of a material, and of the texture of its colour, in a stage."""

    material: Any
    texture: Any


def _texture_of(stage: Any, material: str, source: str) -> _Paths:
    """Return the shader that reads the file of a material's colour, inside the material.

    Raises:
        UsageError: there is none.
    """
    from pxr import Usd, UsdShade

    for prim in stage.Traverse():
        if not prim.IsA(UsdShade.Material) or prim.GetName() != material:
            continue
        for inner in Usd.PrimRange(prim):
            shader = UsdShade.Shader(inner)
            for name in _COLOUR_INPUTS if shader else ():
                found = _file_behind(shader.GetInput(name))
                if found is not None and found.HasPrefix(prim.GetPath()):
                    return _Paths(prim.GetPath(), found)
    raise UsageError(
        f"{source}: the colour of material {material!r} comes from no texture file inside it, so "
        "there is nothing that a variant could change. Give the material a texture.",
        kind="mesh-cannot-be-written",
    )


def _file_behind(colour: Any) -> Any:
    """Return the path of the texture shader that an input is connected to; None if there is
    none.
    """
    if not colour:
        return None
    from pxr import UsdShade

    for source in _sources(colour):
        shader = UsdShade.Shader(source.GetPrim())
        if shader and shader.GetInput("file"):
            return shader.GetPath()
    return None


def _sources(colour: Any) -> list[Any]:
    """Return the outputs that give an input its value, through node graphs, too."""
    return [attribute for attribute in colour.GetValueProducingAttributes(True) if attribute]


def _named_from(out: Path, name: str) -> str:
    """Return an asset as the file names it: relative, with / on every system; others as they
    are.
    """
    if not Path(name).is_absolute():
        return name
    text = Path(os.path.relpath(name, out.absolute().parent)).as_posix()
    return text if text.startswith("../") else f"./{text}"
