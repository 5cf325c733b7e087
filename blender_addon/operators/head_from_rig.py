"""Project a head through the camera in every frame, into the tracks that `render` takes."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, ClassVar

import bpy

from ..bridge.errors import BridgeError
from ..bridge.progress import Progress
from ..bridge.projection import SeenFace, face_in_view
from ..bridge.stepped_job import SteppedJob
from ..bridge.tracks_file import other_faces, tracks_from_faces, write_tracks
from ..camera_view import camera_problem, hidden_points, view_of
from ..head_in_scene import BoxedHead, has_parts, head_problem, points_by_parts
from ..scene_settings import absolute_path
from .job_operator import JobOperator


class TrackHead(JobOperator, bpy.types.Operator):
    """Write where the chosen head is in every frame of the scene, as seen by its camera."""

    bl_idname = "reggan.track_head"
    bl_label = "Track Head"
    interval_s: ClassVar[float] = 0.02

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """No head, or no camera to see it."""
        return head_problem(context.scene.reggan_head) or camera_problem(context.scene)

    def job(self, context: bpy.types.Context) -> SteppedJob:
        """The frames one by one, in Blender itself: only it can evaluate the scene."""
        scene = context.scene
        path = scene.reggan.rig_tracks or f"//{Path(bpy.data.filepath).stem}_tracks.json"
        others = other_faces(absolute_path(path, "Tracks"), scene.reggan_head.face_number)
        self._scene_name, self._path = scene.name, path
        self._tracked = _TrackedHead(scene.name, context.view_layer.name, others)
        return SteppedJob("Track head", self._tracked.steps())

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Write the file and let `Render` use it."""
        write_tracks(absolute_path(self._path, "Tracks"), self._tracked.document())
        settings = bpy.data.scenes[self._scene_name].reggan
        settings.rig_tracks, settings.use_rig_tracks = self._path, True
        self.report({"INFO"}, self._tracked.account(self._path))

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator together with its file: there is no frame to go back to."""
        self._tracked.goes_back = False
        super().cancel(context)


class _TrackedHead:
    """The work of one run; holds names and numbers, nothing of Blender."""

    def __init__(self, scene_name: str, layer_name: str, others: dict[str, Any]) -> None:
        self._scene_name, self._layer_name = scene_name, layer_name
        self._others = others
        self._faces: dict[int, SeenFace] = {}
        self._cuts: list[int] = []
        self._box: BoxedHead | None = None
        self.goes_back = True
        """Whether the frame that was shown is shown again at the end."""

    def steps(self) -> Generator[Progress, None, None]:
        """Go through the frames, and back to the one that was shown."""
        scene = self._scene()
        shown, subframe = scene.frame_current, scene.frame_subframe
        frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        try:
            camera = None
            for done, frame in enumerate(frames):
                yield Progress(done=done, total=len(frames), message=f"Frame {frame}")
                scene = self._scene()
                scene.frame_set(frame)
                if frame == frames[0] and not has_parts(scene.reggan_head):
                    self._box = BoxedHead()
                    for _ in self._box.measure(scene.reggan_head):
                        yield Progress(total=len(frames), message="Measuring the head")
                        scene = self._scene()
                self._faces[frame] = self._face(scene)
                if camera not in (None, scene.camera.name):  # bound to markers of the timeline
                    self._cuts.append(frame)
                camera = scene.camera.name
            yield Progress(done=len(frames), total=len(frames), message="Writing")
        finally:
            if self.goes_back and (found := bpy.data.scenes.get(self._scene_name)) is not None:
                found.frame_set(shown, subframe=subframe)

    def document(self) -> dict[str, Any]:
        """The tracks file."""
        scene = self._scene()
        return tracks_from_faces(
            self._faces,
            face=scene.reggan_head.face_number,
            source=f"scene {scene.name}",
            cuts=self._cuts,
            others=self._others,
        )

    def account(self, path: str) -> str:
        """What was found, for the status bar."""
        counts: dict[str, int] = {}
        for face in self._faces.values():
            counts[face.status] = counts.get(face.status, 0) + 1
        places = {"given": "in sight", "outside": "outside the picture", "behind": "behind it"}
        parts = [f"{number} {places.get(status, status)}" for status, number in counts.items()]
        front = f", front {self._box.front}" if self._box is not None else ""
        return f"{path}: {len(self._faces)} frames{front}: {', '.join(parts)}"

    def _face(self, scene: bpy.types.Scene) -> SeenFace:
        settings, layer = scene.reggan_head, scene.view_layers[self._layer_name]
        depsgraph = layer.depsgraph
        points = (
            points_by_parts(settings, depsgraph)
            if self._box is None
            else self._box.points(settings, depsgraph)
        )
        view = view_of(scene, depsgraph)
        seen = face_in_view(view, points)
        if seen.status != "given" or not settings.tests_occlusion:
            return seen
        return face_in_view(view, points, hidden_points(scene, depsgraph, points))

    def _scene(self) -> bpy.types.Scene:
        scene = bpy.data.scenes.get(self._scene_name)
        problem = head_problem(scene.reggan_head) if scene is not None else "The scene is gone"
        if problem:
            raise BridgeError(f"{problem}. Nothing was written.")
        return scene


classes = (TrackHead,)
