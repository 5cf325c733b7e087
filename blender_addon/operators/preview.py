"""Show one frame with every expression, as a contact sheet or as a menu of small faces."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import bpy

from ..bridge.command_line import sheet_arguments
from ..bridge.run_job import JobRequest, Progress
from ..bridge.sheet_cells import cells_text
from ..job_display import redraw_sidebars
from ..scene.expression_icons import FACES_NAME, keep_faces
from ..scene.files_from_images import file_of_image
from ..scene.image_origins import image_to_change
from ..scene.images_from_files import packed_sheet
from ..scene.rendered_frames import asked_frames
from ..scene.sequence_images import show_whole
from ..scene.settings_for_runtime import face_settings, model_arguments, presets_file
from .job_operator import JobOperator, new_job_folder

SHEET_NAME = "RegGAN preview"
_PAUSE_S = 0.02


class _SheetOperator(JobOperator):
    """The common part of the sheet and the menu."""

    _is_small: ClassVar[bool]
    _name: ClassVar[str]

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        settings = context.scene.reggan
        nothing_chosen = settings.frames_source == "SEQUENCE" and not settings.frames_path
        if image_to_change(context) is None and nothing_chosen:
            return "Open an image, or choose a rendered sequence first"
        return ""

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`sheet`."""
        scene, folder = context.scene, new_job_folder()
        image = image_to_change(context)
        face = face_settings(scene.reggan, image)
        if image is None:
            asked = asked_frames(scene)
            frame = asked.sequence.nearest(scene.frame_current)
            has_view = asked.are_exr and scene.reggan.frames_source == "SCENE"
        else:
            file = file_of_image(image, folder, context.space_data)
            frame, has_view = file.path, file.has_scene_view
        self._source = None if image is None else image.name
        self._sheet, self._has_view = folder / "sheet.png", has_view and not self._is_small
        arguments = sheet_arguments(
            frame,
            self._sheet,
            face,
            model_arguments(context),
            presets=presets_file(scene),
            small=self._is_small,
            for_view=self._has_view,
        )
        title = f"Drawing expressions of {frame.name}"
        return [JobRequest(arguments=arguments, title=title, folder=folder)]

    def _packed(self, progress: Progress) -> bpy.types.Image:
        source = self._source and bpy.data.images.get(self._source)
        cells = cells_text(progress.summary)
        return packed_sheet(self._sheet, self._name, source, cells, has_scene_view=self._has_view)


class Preview(_SheetOperator, bpy.types.Operator):
    """Show every expression on the image of this editor, or else on the current frame.

    Presets follow. A click on a face of the sheet chooses it.
    """

    bl_idname = "reggan.preview"
    bl_label = "Preview Expressions"
    _is_small, _name = False, SHEET_NAME

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Open the sheet in place of the last one."""
        if show_whole(context, self._packed(progress)):
            self._report({"INFO"}, "Click a face to choose it")
        else:
            self._report({"INFO"}, f"{SHEET_NAME} is ready: open it in an Image Editor")


class DrawFaces(_SheetOperator, bpy.types.Operator):
    """Draw this character's face with every expression and preset, once: as pictures of the menu
    here, and as assets that the Asset Browser and the editors' shelves show.
    """

    bl_idname = "reggan.draw_faces"
    bl_label = "Draw Faces"
    _is_small, _name = True, FACES_NAME

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Keep them with the .blend, in place of the last ones."""
        sheet = self._packed(progress)
        sheet.use_fake_user = True
        faces = keep_faces(sheet)
        if bpy.app.background:
            deque(faces, maxlen=0)
        else:
            bpy.app.timers.register(partial(_keep_some, faces))
        redraw_sidebars(context.window_manager)
        self._report({"INFO"}, "The faces are in the menu and in the Asset Browser now")


def _keep_some(faces: Iterator[int]) -> float | None:
    """Keep some faces as assets; Blender calls it until it answers None."""
    if next(faces, None) is not None:
        return _PAUSE_S
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo_push(message="Draw Faces")
    return None


classes = (Preview, DrawFaces)
