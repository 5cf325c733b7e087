"""Change the expression in the texture map of a head; the results are new images."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..bridge.command_line import FRONTS, MapOnHead, flat_arguments, texture_arguments
from ..bridge.errors import BridgeError
from ..bridge.expression_blend import PanelRequest
from ..bridge.remedies import with_remedy
from ..bridge.run_job import JobRequest, Progress
from ..scene.base_colour import base_colour_of, uv_map_of_image, wear_copies
from ..scene.expression_choice import still_expression
from ..scene.files_from_images import file_of_image, file_stem
from ..scene.head_as_glb import TextureImage, export_head, without_what_hides
from ..scene.image_origins import start_of
from ..scene.images_from_files import new_image, packed_sheet, whereabouts
from ..scene.sequence_images import show, show_whole
from ..scene.settings_for_runtime import chosen_expressions, model_arguments
from .job_operator import JobOperator, new_job_folder

SHEET_NAME = "RegGAN texture preview"
_NAMES = "names.json"
"""Beside a head that is handed over: its own names by those of the copies."""


class _TextureOperator(JobOperator):
    """The common part of changing a map and previewing it."""

    _folder: Path

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        settings = context.scene.reggan_texture
        if settings.layout == "FLAT":
            return "" if settings.image else "Choose the unfolded map as Image"
        return problem_of_map(context)

    def reason(self, progress: Progress) -> str:
        """Return the error in the names of the artist's file."""
        return _in_own_names(progress.message, self._folder)


class EditTexture(_TextureOperator, bpy.types.Operator):
    """Change the expression in the base colour map of the head. The results are new images"""

    bl_idname = "reggan.edit_texture"
    bl_label = "Change Texture Map"

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`texture`."""
        settings, folder = context.scene.reggan_texture, new_job_folder()
        self._folder = folder
        asked = _asked(context)
        labels = [one.label for one in asked]
        worn = worn_image(context)
        self._source = file_of_image(map_to_change(context, worn), folder)
        tiles = ".<UDIM>" if self._source.tiles else ""
        ending = f"{tiles}{self._source.path.suffix}"
        self._made = {label: folder / f"{label}{ending}" for label in labels}
        out = folder / f"{labels[0] if len(labels) == 1 else '{expression}'}{ending}"
        assigns = settings.assigns and settings.layout == "MESH"
        self._assigned = (context.active_object.name, worn.image.name) if assigns else None
        arguments = texture_arguments(
            self._source.path,
            _placed(context, worn, folder),
            asked=asked,
            model=model_arguments(context),
            force=settings.takes_any_image,
            out=out,
        )
        title = f"Making {self._source.image} {', '.join(labels)}"
        if settings.layout == "MESH":
            _, left_out = without_what_hides(context.active_object, _selected_meshes(context))
            if left_out:
                self._note(f"Not drawn, as it is no part of the face: {', '.join(left_out)}.")
        return [JobRequest(arguments=arguments, title=title, folder=folder)]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Show the first new image; assign it where that was asked for."""
        images = [new_image(made, self._source, label) for label, made in self._made.items()]
        for notice in progress.summary.get("notices", ()):
            self._note(_in_own_names(with_remedy(notice), self._folder))
        show(context, images[0])
        if self._assigned is not None:
            _assign(*self._assigned, images[0], next(iter(self._made)))
        for image in images:
            self._report({"INFO"}, f"{image.name} is {whereabouts(image)}")


class PreviewTexture(_TextureOperator, bpy.types.Operator):
    """Show the head with every expression of its map, without light"""

    bl_idname = "reggan.preview_texture"
    bl_label = "Preview Texture Map"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        if context.scene.reggan_texture.layout == "FLAT":
            return "The preview shows a head: choose On the Head, and select its mesh"
        return super()._why_not(context)

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`texture --sheet`."""
        worn, folder = worn_image(context), new_job_folder()
        image, self._folder = map_to_change(context, worn), folder
        self._sheet, self._source = folder / "sheet.png", image.name
        arguments = texture_arguments(
            file_of_image(image, folder).path,
            _placed(context, worn, folder),
            model=model_arguments(context),
            force=context.scene.reggan_texture.takes_any_image,
            sheet=self._sheet,
        )
        title = f"Drawing expressions of {context.active_object.name}"
        return [JobRequest(arguments=arguments, title=title, folder=folder)]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Open the sheet in place of the last one."""
        image = packed_sheet(self._sheet, SHEET_NAME, bpy.data.images.get(self._source))
        if not show_whole(context, image):
            self._report({"INFO"}, f"{SHEET_NAME} is ready: open it in an Image Editor")


def _assign(head: str, old: str, new: Any, label: str) -> None:
    try:
        things = bpy.data.objects[head], bpy.data.images[old]
    except KeyError as error:
        raise BridgeError(
            f"{new.name} is made, but what was to wear it is gone: {error}. Assign the image "
            "yourself."
        ) from error
    wear_copies(*things, new, label)


def problem_of_map(context: bpy.types.Context) -> str:
    """Return the reason why no map is worn by an active head; empty if one is."""
    settings, head = context.scene.reggan_texture, context.active_object
    if head is None or head.type != "MESH":
        return "Select the mesh with the face first; its eyes and teeth may be selected, too"
    if not head.data.uv_layers:
        return "The mesh has no UV map: unwrap it first"
    if settings.material is None and settings.image is None and head.active_material is None:
        return "The mesh has no material: choose the Image that it wears"
    return ""


def worn_image(context: bpy.types.Context) -> TextureImage:
    """Return the map that is asked for. Not kept beyond one callback."""
    settings = context.scene.reggan_texture
    if settings.layout == "FLAT":
        return TextureImage(image=settings.image, material=None, uv_map="")
    head = context.active_object
    material = settings.material or head.active_material
    if material is not None and material not in [slot.material for slot in head.material_slots]:
        raise BridgeError(
            f"{head.name} has no material {material.name!r}. Choose one of its own, or select the "
            "object that wears it."
        )
    if settings.image is not None:
        image = settings.image
        uv_map = uv_map_of_image(material, image) if material else ""
    else:
        image, uv_map = base_colour_of(material)
    layers = head.data.uv_layers
    active = next((layer.name for layer in layers if layer.active_render), layers[0].name)
    uv_map = settings.uv_map or uv_map or active
    if uv_map not in layers:
        names = ", ".join(layer.name for layer in layers)
        raise BridgeError(f"{head.name} has no UV map {uv_map!r}; it has {names}. Choose one.")
    return TextureImage(image=image, material=material, uv_map=uv_map)


def _asked(context: bpy.types.Context) -> tuple[PanelRequest, ...]:
    """Take what the panel above asks for; or each expression of the list, as strong as there."""
    settings = context.scene.reggan_texture
    if not settings.makes_several:
        return (still_expression(context),)
    names = chosen_expressions(settings, "Texture Map")
    intensity = context.scene.reggan.intensity
    return tuple(PanelRequest(blend=name, intensity=intensity) for name in names)


def map_to_change(context: bpy.types.Context, worn: TextureImage) -> Any:
    """Return the map itself, or the one that it was made of."""
    image = start_of(context, worn.image)
    if image is None:
        raise BridgeError(
            f"The map that {worn.image.name} was made of is gone. Choose another Image, or tick Go "
            "On from Result."
        )
    return image


def _placed(context: bpy.types.Context, worn: TextureImage, folder: Path) -> list[str]:
    """Return the options that place the face on the map; writes the head's mesh."""
    settings = context.scene.reggan_texture
    if settings.layout == "FLAT":
        box = tuple(settings.face_box)
        return flat_arguments(box if box[2] > 0 and box[3] > 0 else None)
    return placed_on_head(context, worn, folder).arguments()


def placed_on_head(context: bpy.types.Context, worn: TextureImage, folder: Path) -> MapOnHead:
    """Return the active head with what of the selection is seen with its face, as a file."""
    settings, head = context.scene.reggan_texture, context.active_object
    others, _ = without_what_hides(head, _selected_meshes(context))
    mesh = folder / f"{file_stem(head.name)}.glb"
    material, names = export_head([head, *others], worn, mesh)
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")
    chosen = context.scene.reggan_head
    of_armature = chosen.head is not None and chosen.head.type == "ARMATURE"
    return MapOnHead(
        mesh=mesh,
        material=material,
        front=FRONTS.get(settings.front),
        head_bone=(chosen.bone or None) if of_armature else None,
    )


def _selected_meshes(context: bpy.types.Context) -> list[Any]:
    return [thing for thing in context.selected_objects if thing.type == "MESH"]


def _in_own_names(message: str, folder: Path) -> str:
    """Return a message in which objects and materials have the names of the artist's file."""
    path = folder / _NAMES
    names = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for copy in sorted(names, key=len, reverse=True):
        message = message.replace(copy, names[copy])
    return message


classes = (EditTexture, PreviewTexture)
