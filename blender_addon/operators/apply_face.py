"""A face of the Asset Browser, or of the shelf of an editor, chosen as expression."""

from typing import Any

import bpy
from bpy.props import EnumProperty, PointerProperty, StringProperty

from ..job_display import redraw_sidebars
from ..scene.face_assets import face_of_action, face_of_asset
from ..scene.face_icons import choose_expression

_keys: list[tuple[Any, Any]] = []
_LIBRARIES = [("LOCAL", "", "", 1), ("ALL", "", "", 2), ("ESSENTIALS", "", "", 3)]


class ApplyFace(bpy.types.Operator):
    """Make the face show the expression of this picture; with cues it is that of the next one."""

    bl_idname = "reggan.apply_face"
    bl_label = "Apply Face"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's own way

    # what a shelf says of the asset that was clicked; Blender names them
    asset_library_type: EnumProperty(
        items=[*_LIBRARIES, ("CUSTOM", "", "", 100)], options={"HIDDEN", "SKIP_SAVE"}
    )
    asset_library_identifier: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    relative_asset_identifier: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether it is called by a shelf, or on a face in the Asset Browser."""
        asset = getattr(context, "asset", None)
        return asset is None or bool(_face(asset.local_id, asset.name))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose the expression."""
        asset = getattr(context, "asset", None)
        if asset is not None:
            face = _face(asset.local_id, asset.name)
        else:
            name = self.relative_asset_identifier.replace("\\", "/").rpartition("/")[2]
            is_local = self.asset_library_type == "LOCAL"
            face = _face(bpy.data.actions.get(name) if is_local else None, name)
        if not face:
            self.report({"ERROR"}, "This is no face of RegGAN. Choose one that Draw Faces made")
            return {"CANCELLED"}
        self.report({"INFO"}, choose_face(context.scene, face))
        redraw_sidebars(context.window_manager)
        return {"FINISHED"}


def _face(action: Any, name: str) -> str:
    return face_of_action(action) if action is not None else face_of_asset(name)


def choose_face(scene: bpy.types.Scene, face: str) -> str:
    """Set the panel to an expression; what was set, in words."""
    settings = scene.reggan
    if settings.driven_by not in ("PANEL", "CUES"):
        settings.driven_by = "PANEL"
    choose_expression(scene, face)
    cue = settings.driven_by == "CUES" and not settings.blend
    if scene.tool_settings.use_keyframe_insert_auto and not cue and not settings.blend:
        settings.keyframe_insert("expression")
        return f"{face.capitalize()}, keyed at frame {scene.frame_current}"
    return f"{face.capitalize()}: press Add Cue" if cue else face.capitalize()


def _take_dropped(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    if settings.dropped_face is not None:
        choose_face(context.scene, face_of_action(settings.dropped_face))
        settings.dropped_face = None


def _is_face(_settings: bpy.types.PropertyGroup, action: bpy.types.Action) -> bool:
    return bool(face_of_action(action))


class RegganFaces(bpy.types.PropertyGroup):
    """A place to drop a face on; empty again at once."""

    dropped_face: PointerProperty(
        name="Face",
        description="Drop a face of the Asset Browser here, or choose one: it becomes the "
        "expression",
        type=bpy.types.Action,
        poll=_is_face,
        update=_take_dropped,
        options=set(),
    )


class _Shelf:
    """Mixin: the faces at the lower edge of an editor; a click chooses one."""

    bl_options = {"NO_ASSET_DRAG"}  # noqa: RUF012 - Blender's own way
    bl_activate_operator = "reggan.apply_face"
    bl_default_preview_size = 96

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:  # noqa: ARG003
        """Tell whether this character's faces were drawn."""
        return any(map(face_of_action, bpy.data.actions))

    @classmethod
    def asset_poll(cls, asset: Any) -> bool:
        """Tell whether an asset is a face."""
        return asset.id_type == "ACTION" and bool(_face(asset.local_id, asset.name))


class REGGAN_AST_image(_Shelf, bpy.types.AssetShelf):  # noqa: N801 - Blender asks for such names
    """Faces in the Image Editor."""

    bl_space_type = "IMAGE_EDITOR"


class REGGAN_AST_viewport(_Shelf, bpy.types.AssetShelf):  # noqa: N801
    """Faces in the 3D viewport."""

    bl_space_type = "VIEW_3D"


def _draw_in_menu(menu: Any, context: bpy.types.Context) -> None:
    asset = getattr(context, "asset", None)
    if asset is not None and _face(asset.local_id, asset.name):
        menu.layout.operator(ApplyFace.bl_idname, icon="USER")
        menu.layout.separator()


classes = (ApplyFace, RegganFaces, REGGAN_AST_image, REGGAN_AST_viewport)


def attach() -> None:
    """Add the place to drop on, the menu's entry and the double click."""
    bpy.types.Scene.reggan_faces = PointerProperty(type=RegganFaces)
    bpy.types.ASSETBROWSER_MT_context_menu.prepend(_draw_in_menu)
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is not None:
        keys = configuration.keymaps.new(name="File Browser Main", space_type="FILE_BROWSER")
        item = keys.keymap_items.new(ApplyFace.bl_idname, "LEFTMOUSE", "DOUBLE_CLICK")
        _keys.append((keys, item))


def detach() -> None:
    """Take them away again."""
    del bpy.types.Scene.reggan_faces
    bpy.types.ASSETBROWSER_MT_context_menu.remove(_draw_in_menu)
    for keys, item in _keys:
        keys.keymap_items.remove(item)
    _keys.clear()
