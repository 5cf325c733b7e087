"""A face chosen as expression: in the Asset Browser, in an editor's shelf, or on the sheet."""

from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, PointerProperty, StringProperty

from ..bridge.expression_blend import MAX_INTENSITY
from ..bridge.sheet_cells import SheetCell, cell_at, cells_from_text
from ..job_display import Undoable, redraw_sidebars, refusing
from ..scene.animated_values import values_by_frame
from ..scene.expression_icons import choose_expression, face_of_action, face_of_asset
from ..scene.image_origins import cells_of

_LIBRARIES = [("LOCAL", "", "", 1), ("ALL", "", "", 2), ("ESSENTIALS", "", "", 3)]


class ApplyFace(Undoable, bpy.types.Operator):
    """Make the face show the expression of this picture; with cues it is that of the next one."""

    bl_idname = "reggan.apply_face"
    bl_label = "Apply Face"

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


def _take_dropped(scene: bpy.types.Scene, _context: bpy.types.Context) -> None:
    if scene.reggan_dropped_face is not None:
        choose_face(scene, face_of_action(scene.reggan_dropped_face))
        scene.reggan_dropped_face = None  # for the next one


_DROPPED = PointerProperty(
    name="Face",
    description="Drop a face of the Asset Browser here, or choose one: it becomes the expression",
    type=bpy.types.Action,
    poll=lambda _scene, action: bool(face_of_action(action)),
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


_INTENSITY = "reggan.intensity"


class ChooseInSheet(bpy.types.Operator):
    """Choose the expression whose face is clicked on the sheet."""

    bl_idname = "reggan.choose_in_sheet"
    bl_label = "Choose This Face"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 - Blender's own way

    u: FloatProperty(options={"SKIP_SAVE"})
    v: FloatProperty(options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Return true where an Image Editor shows a sheet."""
        image = getattr(context, "edit_image", None)
        return image is not None and bool(cells_of(image))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Return a click beside all faces is for other tools."""
        is_viewed = context.space_data.mode == "VIEW"  # and not painted on
        if not is_viewed or context.region is None or context.region.type != "WINDOW":
            return {"PASS_THROUGH"}
        place = context.region.view2d.region_to_view(event.mouse_region_x, event.mouse_region_y)
        self.u, self.v = place
        return self.execute(context)

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose the face at `u`, `v`: from the lower left corner, in parts of the sheet."""
        image = context.edit_image
        cell = cell_at(cells_from_text(cells_of(image)), tuple(image.size), self.u, self.v)
        if cell is None:
            return {"PASS_THROUGH"}
        self.report({"INFO"}, _choose(context.scene, cell))
        redraw_sidebars(context.window_manager)
        return {"FINISHED"}


def _choose(scene: bpy.types.Scene, cell: SheetCell) -> str:
    """Set the panel to a face of the sheet; what was set, in words."""
    settings = scene.reggan
    settings.driven_by = "PANEL"
    choose_expression(scene, cell.expression)
    if values_by_frame(scene, {_INTENSITY: (0.0, MAX_INTENSITY)}, [scene.frame_current]):
        return f"{cell.expression.capitalize()}; the intensity stays animated"
    settings.intensity = cell.intensity
    return f"{cell.expression.capitalize()} at {100 * cell.intensity:.0f} %"


classes = (ApplyFace, REGGAN_AST_image, REGGAN_AST_viewport, ChooseInSheet)
settings = ((bpy.types.Scene, "reggan_dropped_face", _DROPPED),)
entries = ((bpy.types.ASSETBROWSER_MT_context_menu, "prepend", _draw_in_menu),)
keys = (
    ("FILES", ApplyFace.bl_idname, "LEFTMOUSE", "DOUBLE_CLICK"),
    ("PICTURE", ChooseInSheet.bl_idname, "LEFTMOUSE", "PRESS"),
)
