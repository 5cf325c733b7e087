"""Show the changed picture in the Image Editor while sliders move."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import bpy

from ..bridge.errors import BridgeError
from ..bridge.live_worker import LONGEST_PX
from ..bridge.tracks_file import box_of_face
from ..scene.image_files import file_of_image
from ..scene.live_picture import live_picture, show_live
from ..scene.made_images import image_to_change, source_of
from ..scene.sequence_images import show
from ..scene.settings import absolute_path
from .job_operator import new_job_folder
from .live import begin_live, is_shown, toggled


@dataclass(kw_only=True)
class LiveImage:
    """A picture in an Image Editor.

    Attributes:
        source: the name of the image.
        frame: the scene's frame that `path` is of.
        path: the file of the image.
        folder: for a file of it.
    """

    source: str
    frame: int
    path: Path
    folder: Path
    editors: ClassVar[tuple[str, ...]] = ("IMAGE_EDITOR",)
    button: ClassVar[str] = "reggan_live"

    def is_in_view(self, context: bpy.types.Context) -> bool:
        """Tell whether an Image Editor shows it, or its source while there is no answer yet."""
        live, source = live_picture(), bpy.data.images.get(self.source)
        if source is None:  # the next request says so
            return True
        shown = [
            area.spaces.active.image
            for window in context.window_manager.windows
            for area in window.screen.areas
            if area.type == "IMAGE_EDITOR"
        ]
        if live is not None:
            return live in shown
        return source in [source_of(image) for image in shown if image is not None]

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        """Return the file of the frame that is shown, its face, the expression."""
        source, scene = bpy.data.images.get(self.source), context.scene
        if source is None:
            raise BridgeError(f"{self.source} is gone, which was shown live. Open another image.")
        if source.source == "SEQUENCE" and scene.frame_current != self.frame:
            self.frame = scene.frame_current
            self.path = file_of_image(source, self.folder).path
        return {"frame": str(self.path), "face": _face(scene), "longest_px": LONGEST_PX}

    def take(self, context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:
        """Show it in the editor."""
        is_new = live_picture() is None
        source = bpy.data.images.get(self.source)
        image = show_live(out, answer["width"], answer["height"], source)
        if is_new:
            show(context, image)


class ToggleLive(bpy.types.Operator):
    """Show this image with the expression and the sliders as they are, again at every change."""

    bl_idname = "reggan.live"
    bl_label = "Live"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether this editor shows an image, or something is live already."""
        if is_shown(LiveImage) or image_to_change(context) is not None:
            return True
        cls.poll_message_set("Open an image in the Image Editor first")
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin or end."""
        return toggled(self, context, LiveImage, _begin)


def _begin(context: bpy.types.Context) -> None:
    image, folder = image_to_change(context), new_job_folder()
    path = file_of_image(image, folder, context.space_data).path
    frame = context.scene.frame_current
    subject = LiveImage(source=image.name, frame=frame, path=path, folder=folder)
    begin_live(context, subject, folder)


def _face(scene: bpy.types.Scene) -> Any:
    settings = scene.reggan
    if settings.use_rig_tracks and settings.rig_tracks:
        tracks = absolute_path(settings.rig_tracks, "Tracks")
        number = settings.face_index if settings.face == "INDEX" else 0
        return {"box": box_of_face(tracks, scene.frame_current, number)}
    return settings.face_index if settings.face == "INDEX" else 0


classes = (ToggleLive,)
