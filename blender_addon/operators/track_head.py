"""Project a head through the camera in every frame, into the tracks that `render` takes."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.find_runtime import SecondBlender, blender_arguments
from ..bridge.run_job import Job, JobRequest, Progress
from ..bridge.shape_keys import KeyWeight
from ..bridge.tracks_file import other_faces, write_tracks
from ..bridge.whole_file import write_whole
from ..head_settings import named_values
from ..job_display import redraw_views
from ..preferences import chosen_runtime
from ..scene.arkit_character import own_head
from ..scene.camera_view import camera_problem
from ..scene.files_from_images import file_stem
from ..scene.head_landmarks import head_problem
from ..scene.python_drivers import scripts_may_run
from ..scene.settings_for_runtime import absolute_path, what_moves_frames
from ..shape_settings import fill
from .job_operator import JobOperator, new_job_folder, scene_of_job, without_work_paths
from .rendered_faces import look_at_rendered_frames

_KEPT = "//reggan/"
"""Folder of what the extension makes of itself."""


class TrackHead(JobOperator, bpy.types.Operator):
    """Write where the chosen head is in every frame of the scene, as seen by its camera.

    A second Blender does it on a copy of this file, which takes its memory once more; Blender
    waits while the copy is saved.
    """

    bl_idname = "reggan.track_head"
    bl_label = "Track Head"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
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
        self._own, self._not_own = _own_head_of(
            context, folder, is_alone=not any(asked["others"].values())
        )
        asked["character"] = self._own and self._own.asked
        self._pictures = look_at_rendered_frames(context)
        then = [self._pictures.request] if self._pictures else []
        then += [self._trial(context, self._own)] if self._own else []
        return _job_on_copy(asked, folder, then)

    def _trial(self, context: bpy.types.Context, own: "_OwnHead") -> JobRequest:
        """Return a look of the runtime at the written head: whether it can be laid on a face."""

        def say(reason: str) -> None:
            self._not_own = self._not_own or reason

        folder = new_job_folder()
        blank = folder / "blank.png"  # nothing is read of it
        blank.touch()
        arguments = ("render", str(blank), "--expression", "happy", "--rig", str(own.written))
        return JobRequest(
            arguments=(*arguments, "--dry-run", "--out", str(folder / "out")),
            title="Trying the head's own shapes",
            folder=folder,
            runtime=chosen_runtime(context),
            if_failed=say,
        )

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Put the file where it belongs, let `Render` use it, and say what it will leave out."""
        scene = scene_of_job(self._scene_name, "Nothing was written; track it again.")
        write_tracks(absolute_path(self._path, "Tracks"), self._made.read_text(encoding="utf-8"))
        scene.reggan.rig_tracks, scene.reggan.use_rig_tracks = self._path, True
        account = json.loads(self._account.read_text(encoding="utf-8"))
        doubts = list(account["left_out"])
        self._not_own = without_work_paths(account.get("no_character") or self._not_own)
        if self._own is not None and not self._not_own:
            self._own.use(scene)
        said = [account["summary"], what_moves_frames(scene.reggan_character, self._not_own)]
        scene.reggan.tracks_compared = self._pictures is not None
        if self._pictures is not None:
            doubts.insert(0, self._pictures.objection_to(self._made))
        scene.reggan.tracks_account = "\n".join(filter(None, [*said, *doubts]))
        redraw_views(context)
        self._report({"INFO"}, " ".join(said))
        for doubt in filter(None, doubts):
            self._note(doubt)


def _job_on_copy(asked: Mapping[str, Any], folder: Path, then: Sequence[JobRequest]) -> Job:
    """Save a copy of the file as it is now, and begin to track the head in it.

    Scripts and Python drivers in it run only if the preferences let them run in this Blender.

    Args:
        asked: what the second Blender is to do, as JSON takes it.
        folder: an empty one; it takes the copy.
        then: what is run afterwards, by runtimes of its own.

    Raises:
        BridgeError: the copy cannot be written, or Blender not be started.
    """
    copy, specification = folder / "copy.blend", folder / "specification.json"
    runs_scripts = scripts_may_run(bpy.context)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True, compress=False)
        given = {"blend": str(copy), "runs_scripts": runs_scripts, "asked": asked}
        specification.write_text(json.dumps(given), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        raise BridgeError(
            f"No copy of this file could be written to {folder}: {str(error).strip()} Make room "
            "there, or choose another folder for temporary files in Blender's preferences."
        ) from error
    arguments = blender_arguments(
        copy, specification, is_module=not bpy.app.binary_path, runs_scripts=runs_scripts
    )
    # What it leaves there if it is killed goes with this Blender's own temporary files.
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    blender = SecondBlender(
        python=Path(bpy.app.binary_path or sys.executable), environment=os.environ | places
    )
    return Job(blender, [JobRequest(arguments=arguments, title="Track head", folder=folder), *then])


@dataclass(frozen=True, kw_only=True)
class _OwnHead:
    """The head of the scene as the rig of the change.

    Attributes:
        mesh: full name of the mesh with the face shapes.
        rows: the table of its keys.
        written: its file, in a work folder.
        kept: where that is kept, in the folder of results.
    """

    mesh: str
    rows: Sequence[KeyWeight]
    written: Path
    kept: str

    @property
    def asked(self) -> dict[str, Any]:
        """What the second Blender is told."""
        rows = [asdict(row) for row in self.rows]
        return {"mesh": self.mesh, "rows": rows, "file": str(self.written)}

    def use(self, scene: bpy.types.Scene) -> None:
        """Keep the file, and let all jobs take it."""
        path, settings = absolute_path(self.kept, "File"), scene.reggan_character
        try:
            path.parent.mkdir(exist_ok=True)
            write_whole(path, self.written.read_bytes())
        except OSError as error:
            raise BridgeError(
                f"The head cannot be kept at {path}: {error.strerror or error}. Make room there, "
                "or switch Its Own Shapes off."
            ) from error
        mesh = next(one for one in bpy.data.objects if one.name_full == self.mesh)
        if settings.mesh != mesh or not settings.rows:
            settings.mesh = mesh
            fill(settings, self.rows)
        settings.file, settings.uses = self.kept, True


def _own_head_of(
    context: bpy.types.Context, folder: Path, *, is_alone: bool
) -> tuple[_OwnHead | None, str]:
    """Return what is to be written of the head; else why nothing is, if that is of interest."""
    scene = context.scene
    character = scene.reggan_character
    is_chosen = character.uses and not character.file.startswith(_KEPT)
    if is_chosen:  # what the artist wrote stays
        return None, ""
    if not scene.reggan_head.takes_own_shapes:
        character.uses = False
        return None, "Its Own Shapes is off"
    if not is_alone:
        character.uses = False
        return None, "the tracks hold several heads, and a job takes one rig"
    try:
        chosen_runtime(context)
    except BridgeError as error:
        return None, str(error)
    mesh, rows, problem = own_head(scene, context.evaluated_depsgraph_get())
    if problem:
        character.uses = False
        return None, problem
    kept = f"{_KEPT}{file_stem(mesh.name)}_rig.glb"
    written = folder / f"{file_stem(mesh.name)}.glb"  # messages name it
    return _OwnHead(mesh=mesh.name_full, rows=rows, written=written, kept=kept), ""


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
        "character": None,
        "scene": context.scene.name_full,
        "layer": context.view_layer.name,
        "head": named_values(settings),
        "others": other_faces(existing, settings.face_number),
        "tracks": str(folder / "tracks.json"),
        "account": str(folder / "account.txt"),
    }


classes = (TrackHead,)
