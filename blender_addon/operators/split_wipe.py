"""Before and after in the Image Editor: in turn, or in one picture with an edge to drag."""

from array import array
from dataclasses import dataclass, field
from typing import Any

import bpy
import gpu
from bpy.props import FloatProperty
from gpu_extras.batch import batch_for_shader

from ..bridge.errors import BridgeError
from ..job_display import (
    Explained,
    Internal,
    is_under_mouse,
    open_areas,
    redraw_sidebars,
    redraw_views,
    refusing,
)
from ..scene.expression_icons import pixels_of
from ..scene.files_from_images import file_of_image
from ..scene.image_origins import before_and_after, is_made, mark_live, results_of, source_of
from ..scene.sequence_images import show
from .job_operator import new_job_folder

_NOT_CHANGED = "Change this image or its frames first"


class ToggleBeforeAfter(Internal, Explained, bpy.types.Operator):
    """Show the picture before its change, or the newest result made of it."""

    bl_idname = "reggan.toggle_before_after"
    bl_label = "Before / After"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        image = getattr(context, "edit_image", None)
        return "" if image and (is_made(image) or results_of(image)) else _NOT_CHANGED

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show the other one."""
        image = context.edit_image
        other = source_of(image) if is_made(image) else results_of(image)[0]
        if other is None:
            self.report({"INFO"}, f"What {image.name} was made of is gone")
            return {"CANCELLED"}
        show(context, other)
        return {"FINISHED"}


NAME = "RegGAN wipe"
_EDGE = (1.0, 1.0, 1.0, 0.9)
_wipes: list["_Wipe"] = []
"""What is shown; at most one."""


@dataclass(kw_only=True)
class _Wipe:
    """Two pictures and the edge between them.

    Attributes:
        before, after: names of the images.
        share: of the width, from the left, that shows `before`.
        frame: of the scene, whose pixels are held.
        pixels: RGBA of both, rows from the bottom.
    """

    before: str
    after: str
    share: float
    frame: int
    pixels: tuple["array[float]", "array[float]"] = field(repr=False)

    def draw(self) -> None:
        """Put both into the image that is shown."""
        image = bpy.data.images.get(NAME)
        if image is not None:
            before, after = self.pixels
            width, height = image.size
            both, shown = after[:], 4 * round(self.share * width)
            for begin in range(0, 4 * width * height, 4 * width):
                both[begin : begin + shown] = before[begin : begin + shown]
            image.pixels.foreach_set(both)
            image.update()


class SplitWipe(Internal, Explained, bpy.types.Operator):
    """Show before and after side by side, with an edge between them to drag; again ends it."""

    bl_idname = "reggan.split_wipe"
    bl_label = "Split Wipe"

    share: FloatProperty(
        name="Edge",
        description="Where the edge is, from the left",
        default=0.5,
        min=0.0,
        max=1.0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        image = getattr(context, "edit_image", None)
        is_shown = image and (image.name == NAME or None not in before_and_after(image))
        return "" if is_shown else _NOT_CHANGED

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show it, or end it."""
        if _wipes:
            end_wipe(context)
        else:
            begin_wipe(context, self.share)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Show it, and follow the mouse until it ends."""
        done = self.execute(context)
        if not _wipes or bpy.app.background:
            return done
        self._is_held = False
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set("RegGAN: drag the edge. Esc ends the wipe")
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Move the edge with the mouse held; everything else works as always."""
        region = _region_under(context, event)
        areas = open_areas(context.window_manager, "IMAGE_EDITOR")
        is_gone = not any(map(_shows_wipe, areas))
        if not _wipes or is_gone or (event.type == "ESC" and region is not None):
            end_wipe(context)
            context.workspace.status_text_set(None)
            return {"CANCELLED"}
        wipe = _wipes[0]
        if context.scene.frame_current != wipe.frame:
            self._read_again(context, wipe)
        if event.type == "LEFTMOUSE":
            self._is_held = event.value == "PRESS" and region is not None
            if region is None:
                return {"PASS_THROUGH"}
        elif not (event.type == "MOUSEMOVE" and self._is_held):
            return {"PASS_THROUGH"}
        if self._is_held and region is not None:
            x = event.mouse_x - region.x
            wipe.share = min(max(region.view2d.region_to_view(x, 0)[0], 0.0), 1.0)
            wipe.draw()
            redraw_views(context)
        return {"RUNNING_MODAL"}

    def _read_again(self, context: bpy.types.Context, wipe: _Wipe) -> None:
        """Take the pixels of the frame that the scene shows now."""
        wipe.frame = context.scene.frame_current
        try:
            wipe.pixels = _pixels_of(wipe.before, wipe.after)[0]
        except BridgeError as error:
            self.report({"WARNING"}, str(error))
            return
        wipe.draw()


def begin_wipe(context: bpy.types.Context, share: float) -> None:
    """Show before and after of the editor's image in one.

    Raises:
        BridgeError: a file is missing, or they are of different sizes.
    """
    before, after = before_and_after(context.edit_image)
    pixels, like = _pixels_of(before.name, after.name)
    image = bpy.data.images.new(NAME, *like["size"], alpha=True, float_buffer=like["is_float"])
    image.name = NAME
    image.colorspace_settings.name = like["colour_space"]  # clears it: before pixels
    image.use_view_as_render = after.use_view_as_render
    mark_live(image, before)
    frame = context.scene.frame_current
    _wipes[:] = [
        _Wipe(before=before.name, after=after.name, share=share, frame=frame, pixels=pixels)
    ]
    _wipes[0].draw()
    show(context, image)
    redraw_sidebars(context.window_manager)


def end_wipe(context: bpy.types.Context) -> None:
    """Show the result again, and remove the picture of both."""
    image = bpy.data.images.get(NAME)
    after = bpy.data.images.get(_wipes[0].after) if _wipes else None
    _wipes.clear()
    if image is not None:
        if after is not None and getattr(context, "edit_image", None) == image:
            show(context, after)
        elif after is not None:
            image.user_remap(after)
        bpy.data.images.remove(image)
    redraw_views(context)


def is_wiped() -> bool:
    """Tell whether a wipe is shown."""
    return bool(_wipes)


def _pixels_of(
    before: str, after: str
) -> tuple[tuple["array[float]", "array[float]"], dict[str, Any]]:
    """Return the pixels of two images at the scene's frame, and how they are stored."""
    (one, like), (other, like_other) = _read(before), _read(after)
    if like["size"] != like_other["size"]:
        raise BridgeError(
            f"{before} and {after} are of different sizes. Change the image or frames again."
        )
    return (one, other), like_other


def _read(name: str) -> tuple["array[float]", dict[str, Any]]:
    image = bpy.data.images.get(name)
    if image is None:
        raise BridgeError(f"{name} is gone. Change the frames again.")
    file = file_of_image(image, new_job_folder())
    loaded = bpy.data.images.load(str(file.path))
    try:
        if file.colour_space is not None:
            loaded.colorspace_settings.name = file.colour_space
        pixels = pixels_of(loaded)
        like = {
            "size": tuple(loaded.size),
            "is_float": loaded.is_float,
            "colour_space": loaded.colorspace_settings.name,
        }
    finally:
        bpy.data.images.remove(loaded)
    return pixels, like


def _shows_wipe(area: Any) -> bool:
    return getattr(area.spaces.active.image, "name", "") == NAME


def _region_under(context: bpy.types.Context, event: bpy.types.Event) -> Any:
    """Return the picture's region under the mouse; None beside it, or over a sidebar."""
    for area in context.screen.areas:
        if area.type != "IMAGE_EDITOR" or not _shows_wipe(area):
            continue
        under = [region for region in area.regions if is_under_mouse(region, event)]
        if [region.type for region in under] == ["WINDOW"]:
            return under[0]
    return None


def _draw_edge() -> None:
    context = bpy.context
    image = context.space_data.image
    if not _wipes or image is None or image.name != NAME:
        return
    view = context.region.view2d
    ends = [view.view_to_region(_wipes[0].share, v, clip=False) for v in (0.0, 1.0)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    batch = batch_for_shader(shader, "LINES", {"pos": ends})
    shader.bind()
    shader.uniform_float("color", _EDGE)
    batch.draw(shader)
    gpu.state.blend_set("NONE")


classes = (ToggleBeforeAfter, SplitWipe)
drawings = ((bpy.types.SpaceImageEditor, _draw_edge),)


def detach() -> None:
    """End them all."""
    _wipes.clear()
