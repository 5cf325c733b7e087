"""Render a character's expressions into a set of pictures that `reggan-plugin train` takes."""

from typing import Any

import bpy

from ..bridge.character_set import (
    RECORD_FOLDER,
    begin_set,
    finish_set,
    pictures_to_render,
    training_command,
)
from ..bridge.character_views import (
    LENS_MM,
    SENSOR_MM,
    SetView,
    camera_pose,
    face_frame,
    file_stem,
    lamps,
    plan_views,
)
from ..bridge.job import Job
from ..bridge.progress import Progress
from ..bridge.vectors import Point
from ..scene.character_in_scene import (
    belongings,
    character_problem,
    key_names,
    rows_of,
    values_by_expression,
)
from ..scene.head_in_scene import head_in_scene, head_problem
from ..scene.settings import absolute_path
from ..second_blender.start import job_on_copy
from .job_operator import JobOperator, new_job_folder


class RenderTrainingSet(JobOperator, bpy.types.Operator):
    """Render neutral and every expression of the character, under varied camera and light.

    A second Blender does it on a copy of this file, which takes its memory once more; Blender
    waits while the head is measured and the copy is saved.
    """

    bl_idname = "reggan.render_training_set"
    bl_label = "Render Training Set"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """No character, or no head to look at."""
        problem = character_problem(context.scene.reggan_character)
        return problem or head_problem(context.scene.reggan_head)

    def job(self, context: bpy.types.Context) -> Job:
        """A Blender without a window, on a copy of the file as it is now."""
        scene = context.scene
        settings = scene.reggan_character
        typed = settings.folder or f"//{file_stem(settings.mesh.name)}_set"
        self._out = absolute_path(typed, "Folder")
        self._model = scene.reggan.model
        self._size_px = settings.size_px
        self._points = _points(context)
        self._views = plan_views(
            settings.mesh.name,
            settings.views,
            max_yaw_deg=settings.max_yaw_deg,
            max_pitch_deg=settings.max_pitch_deg,
        )
        work = _work(scene, self._points, self._views)
        begin_set(self._out, _made_by(work), replaces=settings.replaces)
        pictures = pictures_to_render(self._out, self._views, work["values"])
        work["pictures"] = [
            {"view": number, "expression": name, "file": str(path)}
            for number, name, path in pictures
        ]
        work["partial"] = str(self._out / RECORD_FOLDER / "partial.png")
        if unsaved := [image.name for image in bpy.data.images if image.is_dirty and image.users]:
            names = ", ".join(unsaved)
            self._note(f"{names}: changes that are not saved will not be in the pictures.")
        return job_on_copy("Render training set", "character_renderer", work, new_job_folder())

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Write where the face is in each picture; the panel shows the command that trains."""
        finish_set(self._out, self._points, self._views, self._size_px)
        command = training_command(self._out, self._model)
        context.window_manager.reggan_training_command = command
        made = f"{progress.total} pictures are in {self._out.name}"
        self._report({"INFO"}, f"{made}. Train on them by the line in this panel")


def _points(context: bpy.types.Context) -> list[Point]:
    """The six landmarks of the head as it stands now."""
    settings, depsgraph = context.scene.reggan_head, context.evaluated_depsgraph_get()
    return head_in_scene(settings, depsgraph).points(settings, depsgraph)


def _work(scene: bpy.types.Scene, points: list[Point], views: list[SetView]) -> dict[str, Any]:
    """Input of `character_renderer.py`, but for the pictures and files."""
    settings, face = scene.reggan_character, face_frame(points)
    owned = belongings(scene, settings.mesh)
    values = values_by_expression(rows_of(settings), key_names(settings.mesh))
    is_lit = settings.light == "VARIED"
    return {
        "scene": scene.name_full,
        "engine": scene.render.engine,
        "largest_deg": [settings.max_yaw_deg, settings.max_pitch_deg],
        "size_px": settings.size_px,
        "samples": settings.samples,
        "is_lit": is_lit,
        "belongings": [found.name_full for found in owned] if settings.is_alone else None,
        "meshes": [
            found.name_full for found in owned if set(key_names(found)) & set(values["neutral"])
        ],
        "values": values,
        "lens_mm": LENS_MM,
        "sensor_mm": SENSOR_MM,
        "eye_distance": face.eye_distance,
        "views": [
            {
                "camera": camera_pose(face, view),
                "lamps": lamps(face, view),
                "background": view.background if is_lit else None,
            }
            for view in views
        ],
    }


def _made_by(work: dict[str, Any]) -> dict[str, Any]:
    """Settings that earlier pictures must agree with. One camera stands for all others."""
    kept = (
        "engine",
        "largest_deg",
        "size_px",
        "samples",
        "is_lit",
        "belongings",
        "meshes",
        "values",
    )
    cameras = [[[round(v, 5) for v in row] for row in v["camera"]] for v in work["views"][:1]]
    return {name: work[name] for name in kept} | {"camera": cameras}


classes = (RenderTrainingSet,)
