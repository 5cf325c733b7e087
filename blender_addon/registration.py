"""Registration: adds the classes to Blender in order, and removes them in reverse order."""

from importlib import import_module
from types import ModuleType
from typing import Any

import bpy

_MODULES = (
    "scene.face_icons",
    "driving_settings",
    "fit_settings",
    "properties",
    "shape_settings",
    "head_settings",
    "character_settings",
    "texture_settings",
    "job_display",
    "preferences",
    "operators.job_operator",
    "operators.doctor",
    "operators.own_environment",
    "operators.change_frames",
    "operators.render_and_apply",
    "operators.preview",
    "operators.add_compositor_group",
    "operators.track_head",
    "operators.place_points",
    "operators.drag_point",
    "operators.points_overlay",
    "operators.shape_key_table",
    "operators.write_character",
    "operators.change_image",
    "operators.change_texture",
    "operators.before_after",
    "operators.split_wipe",
    "operators.live",
    "operators.live_image",
    "operators.live_texture",
    "operators.blend",
    "operators.take_keys",
    "operators.face_shapes",
    "operators.choose_in_sheet",
    "operators.apply_face",
    "operators.menus",
    "operators.manual",
    "panels.frames",
    "panels.shapes",
    "panels.head",
    "panels.character",
    "panels.texture",
)
"""Each has `classes`, and may have `attach()` and `detach()` for what is not a class."""


def register() -> None:
    """Add everything."""
    for module in _modules():
        for cls in module.classes:
            _describe(cls)
            bpy.utils.register_class(cls)
        if hasattr(module, "attach"):
            module.attach()


def unregister() -> None:
    """Stop running jobs and take everything out."""
    import_module(".operators.job_operator", __package__).stop_running_jobs()
    for module in reversed(_modules()):
        if hasattr(module, "detach"):
            module.detach()
        for cls in reversed(module.classes):
            bpy.utils.unregister_class(cls)


def _describe(cls: Any) -> None:
    """Take an operator's tooltip from its docstring, in one line; Blender adds the last dot."""
    if issubclass(cls, bpy.types.Operator) and cls.__doc__:
        cls.bl_description = " ".join(cls.__doc__.split()).removesuffix(".")


def _modules() -> list[ModuleType]:
    return [import_module(f".{name}", __package__) for name in _MODULES]
