"""Project a head through the camera in every frame, into the tracks that `render` takes."""

import json
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.job import Job
from ..bridge.progress import Progress
from ..bridge.tracks_file import other_faces, write_tracks
from ..head_settings import named_values
from ..job_display import redraw_views
from ..scene.camera_view import camera_problem
from ..scene.head_in_scene import head_problem
from ..scene.settings import absolute_path, character_file
from ..second_blender.start import job_on_copy
from .job_operator import JobOperator, new_job_folder
from .rendered_faces import look_at_rendered_frames


class TrackHead(JobOperator, bpy.types.Operator):
    """Write where the chosen head is in every frame of the scene, as seen by its camera.

    A second Blender does it on a copy of this file, which takes its memory once more; Blender
    waits while the copy is saved.
    """

    bl_idname = "reggan.track_head"
    bl_label = "Track Head"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """No head, or no camera to see it."""
        return head_problem(context.scene.reggan_head) or camera_problem(context.scene)

    def job(self, context: bpy.types.Context) -> Job:
        """Return a Blender without a window, on a copy of the file as it is now."""
        scene, folder = context.scene, new_job_folder()
        path = (
            scene.reggan.rig_tracks or f"//{Path(bpy.data.filepath).stem or 'untitled'}_tracks.json"
        )
        asked = work_of_tracking(context, absolute_path(path, "Tracks"), folder)
        self._scene_name, self._path = scene.name_full, path
        self._made, self._account = Path(asked["tracks"]), Path(asked["account"])
        self._pictures = look_at_rendered_frames(context)
        look = [self._pictures.request] if self._pictures else []
        return job_on_copy("Track head", "head_tracker", asked, folder, then=look)

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Put the file where it belongs, let `Render` use it, and say what it will leave out."""
        scene = next((s for s in bpy.data.scenes if s.name_full == self._scene_name), None)
        if scene is None:
            raise BridgeError(
                f"The scene {self._scene_name} was renamed or removed while its head was tracked. "
                "Nothing was written; track it again."
            )
        write_tracks(absolute_path(self._path, "Tracks"), self._made.read_text(encoding="utf-8"))
        scene.reggan.rig_tracks, scene.reggan.use_rig_tracks = self._path, True
        account = json.loads(self._account.read_text(encoding="utf-8"))
        doubts = list(account["left_out"])
        account["summary"] += f" {_what_moves_it(scene)}"
        scene.reggan.tracks_compared = self._pictures is not None
        if self._pictures is not None:
            doubts.insert(0, self._pictures.objection_to(self._made))
        scene.reggan.tracks_account = "\n".join(filter(None, [account["summary"], *doubts]))
        redraw_views(context)
        self._report({"INFO"}, account["summary"])
        for doubt in filter(None, doubts):
            self._note(doubt)


def _what_moves_it(scene: bpy.types.Scene) -> str:
    """Return the sentence that tells which head the change is made with."""
    settings = scene.reggan_character
    if settings.uses:
        try:
            name = character_file(settings).name
        except BridgeError:  # a job says what is wrong with it
            name = "This Character's Rig"
        return f"Frames are changed with the shapes and teeth of {name}."
    return "Frames are changed with RegGAN's own head, laid on these points."


def work_of_tracking(context: bpy.types.Context, existing: Path, folder: Path) -> dict[str, Any]:
    """Input of `second_blender/head_tracker.py`.

    Args:
        context: of the button.
        existing: tracks whose other heads are kept, if there are any.
        folder: for what it writes.

    Raises:
        BridgeError: the existing file holds no tracks.
    """
    settings = context.scene.reggan_head
    return {
        "scene": context.scene.name_full,
        "layer": context.view_layer.name,
        "head": named_values(settings),
        "others": other_faces(existing, settings.face_number),
        "tracks": str(folder / "tracks.json"),
        "account": str(folder / "account.txt"),
    }


classes = (TrackHead,)
