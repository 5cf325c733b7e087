"""Registration: adds the classes to Blender in order, and removes them in reverse order."""

from importlib import import_module
from types import ModuleType
from typing import Any

import bpy
from bpy.app.handlers import persistent

_MODULES = (
    "scene.expression_icons",
    "shape_settings",
    "panel_settings",
    "head_settings",
    "texture_settings",
    "job_display",
    "preferences",
    "operators.job_operator",
    "operators.doctor_and_environment",
    "operators.change_frames",
    "operators.render_and_apply",
    "operators.preview",
    "operators.mix_node_group",
    "operators.track_head",
    "operators.face_points",
    "operators.shape_key_table",
    "operators.change_image",
    "operators.change_texture",
    "operators.split_wipe",
    "operators.live",
    "operators.edit_blend",
    "operators.take_keys",
    "operators.face_shapes",
    "operators.apply_face",
    "operators.menus",
    "panels.expression_and_frames",
    "panels.face_shape_sliders",
    "panels.head",
    "panels.texture",
)
"""Each has what Blender is given for it, and gives back, some of:

- `classes`;

- `settings`: owner, name and property;
- `entries`: a menu of Blender's, `append` or `prepend`, and a function that draws in it;
- `handlers`: a list of `bpy.app.handlers`, and a function that it calls;
- `drawings`: a kind of editor, and a function that draws over it; without a window there are none;
- `keys`: a name of `_KEYMAPS`, an operator, a key, how it is pressed, and keys that are held;
- `attach()` and `detach()` for the rest.
"""
_IMAGE = {"name": "Image", "space_type": "IMAGE_EDITOR"}
_KEYMAPS = {
    "IMAGE": (_IMAGE,),
    # a click in a picture; its tool goes first from Blender 5 on
    "PICTURE": (_IMAGE, {**_IMAGE, "name": "Image Editor Tool: Sample", "tool": True}),
    "VIEWPORT": ({"name": "3D View", "space_type": "VIEW_3D"},),
    "FILES": ({"name": "File Browser Main", "space_type": "FILE_BROWSER"},),
}
_bound: list[tuple[Any, Any]] = []
_drawn: list[tuple[Any, Any]] = []


def register() -> None:
    """Add everything."""
    for module in _modules():
        for cls in getattr(module, "classes", ()):
            _describe(cls)
            bpy.utils.register_class(cls)
        for owner, name, value in getattr(module, "settings", ()):
            setattr(owner, name, value)
        for menu, place, draw in getattr(module, "entries", ()):
            getattr(menu, place)(draw)
        for listeners, function in getattr(module, "handlers", ()):
            listeners.append(persistent(function))
        if not bpy.app.background:
            for space, draw in getattr(module, "drawings", ()):
                _drawn.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))
        for key in getattr(module, "keys", ()):
            _bind(*key)
        if hasattr(module, "attach"):
            module.attach()


def unregister() -> None:
    """Stop running jobs and take everything out."""
    import_module(".operators.job_operator", __package__).stop_running_jobs()
    for keys, item in _bound:
        keys.keymap_items.remove(item)
    for space, drawn in _drawn:
        space.draw_handler_remove(drawn, "WINDOW")
    _bound.clear()
    _drawn.clear()
    for module in reversed(_modules()):
        if hasattr(module, "detach"):
            module.detach()
        for listeners, function in getattr(module, "handlers", ()):
            listeners.remove(function)
        for menu, _, draw in getattr(module, "entries", ()):
            menu.remove(draw)
        for owner, name, _ in getattr(module, "settings", ()):
            delattr(owner, name)
        for cls in reversed(getattr(module, "classes", ())):
            bpy.utils.unregister_class(cls)


def _bind(keymap: str, operator: str, key: str, press: str, held: Any = ()) -> None:
    """Let a key call an operator; without a window there are none."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is not None:
        for place in _KEYMAPS[keymap]:
            keys = configuration.keymaps.new(**place)
            _bound.append((keys, keys.keymap_items.new(operator, key, press, **dict(held))))


def _describe(cls: Any) -> None:
    """Take an operator's tooltip from its docstring, in one line; Blender adds the last dot."""
    if issubclass(cls, bpy.types.Operator) and cls.__doc__:
        cls.bl_description = " ".join(cls.__doc__.split()).removesuffix(".")


def _modules() -> list[ModuleType]:
    return [import_module(f".{name}", __package__) for name in _MODULES]
