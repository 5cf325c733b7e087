"""Choose an expression by a click on its face in the preview sheet."""

import bpy
from bpy.props import FloatProperty

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import MAX_INTENSITY
from ..bridge.sheet_cells import SheetCell, cell_at, cells_from_text
from ..job_display import redraw_sidebars
from ..scene.animated_values import values_by_frame
from ..scene.face_icons import choose_expression
from ..scene.made_images import cells_of
from .picture_clicks import Clicks, bind_clicks, unbind_clicks

_INTENSITY = "reggan.intensity"
_clicks: Clicks = []


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

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose the face at `u`, `v`: from the lower left corner, in parts of the sheet."""
        image = context.edit_image
        try:
            cell = cell_at(cells_from_text(cells_of(image)), tuple(image.size), self.u, self.v)
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
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


classes = (ChooseInSheet,)


def attach() -> None:
    """Attach it to a left click in the Image Editor."""
    _clicks.extend(bind_clicks(ChooseInSheet.bl_idname))


def detach() -> None:
    """Take the click away again."""
    unbind_clicks(_clicks)
