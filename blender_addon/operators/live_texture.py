"""Show the changed map on the head in the viewport while sliders move."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import bpy

from ..bridge.command_line import FRONTS
from ..bridge.errors import BridgeError
from ..bridge.live_worker import LONGEST_PX
from ..job_display import Explained
from ..scene.image_files import file_of_image
from ..scene.live_picture import MAP_NAME, show_live, show_live_tiles, wear_live
from .change_texture import map_to_change, placed_on_head, problem_of_map, worn_image
from .job_operator import new_job_folder
from .live import begin_live, is_shown, stop, toggled


@dataclass(frozen=True, kw_only=True)
class LiveHead:
    """A head that wears a map.

    Attributes:
        head: the name of the object.
        worn: the name of the map that its material shows.
        source: the name of the map that it is made of.
        asked: the request but for the expression.
    """

    head: str
    worn: str
    source: str
    asked: dict[str, Any]
    editors: ClassVar[tuple[str, ...]] = ("IMAGE_EDITOR", "VIEW_3D")
    button: ClassVar[str] = "reggan_live_map"

    def is_in_view(self, _context: bpy.types.Context) -> bool:
        """Tell that it is: it is worn by the head, whatever the editors show."""
        return True

    def request(self, _context: bpy.types.Context) -> dict[str, Any]:
        """Return the head as it was when it was begun."""
        if self.head not in bpy.data.objects or self.worn not in bpy.data.images:
            raise BridgeError(f"{self.head} or its map is gone, which was shown live.")
        return dict(self.asked)

    def take(self, _context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:
        """Let the head wear it."""
        worn = bpy.data.images[self.worn]
        if "tiles" in answer:
            image = show_live_tiles(out, worn)
        else:
            image = show_live(out, answer["width"], answer["height"], worn, MAP_NAME)
        if not wear_live(bpy.data.objects[self.head], worn, image):
            raise BridgeError(
                f"No material of {self.head} shows {self.worn}, or it comes from another file. "
                "Assign the image first, or make the material local."
            )


class ToggleLiveMap(Explained, bpy.types.Operator):
    """Show the expression on the head in the viewport, again at every change.

    The head's material shows a temporary image, which Esc and this button take away. It is in no
    file that you save.
    """

    bl_idname = "reggan.live_map"
    bl_label = "Live on Head"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        return "" if is_shown(LiveHead) else problem_of_map(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin or end."""
        answer = toggled(self, context, LiveHead, _begin)
        if is_shown(LiveHead) and not _shows_materials(context):
            self.report({"INFO"}, "Switch the viewport to Material Preview to see it")
        return answer


class EndLiveMap(bpy.types.Operator):
    """Put the head's own map back."""

    bl_idname = "reggan.end_live_map"
    bl_label = "End Live on Head"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Tell whether a head is shown live: the key is Blender's own else."""
        return is_shown(LiveHead)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """End it."""
        stop()
        return {"FINISHED"}


def _begin(context: bpy.types.Context) -> None:
    worn, folder = worn_image(context), new_job_folder()
    source = map_to_change(context, worn)
    file = file_of_image(source, folder)
    placed, settings = placed_on_head(context, worn, folder), context.scene.reggan_texture
    asked = {
        "texture": str(file.path),
        "mesh": str(placed.mesh),
        "material": placed.material,
        "front": FRONTS.get(settings.front),
        "head_bone": placed.head_bone,
        "force": settings.takes_any_image,
        "longest_px": LONGEST_PX,
    }
    head = context.active_object.name
    subject = LiveHead(head=head, worn=worn.image.name, source=source.name, asked=asked)
    begin_live(context, subject, folder)


def _shows_materials(context: bpy.types.Context) -> bool:
    return any(
        area.type == "VIEW_3D" and area.spaces.active.shading.type in ("MATERIAL", "RENDERED")
        for window in context.window_manager.windows
        for area in window.screen.areas
    )


classes = (ToggleLiveMap, EndLiveMap)
keys = (("VIEWPORT", EndLiveMap.bl_idname, "ESC", "PRESS"),)
