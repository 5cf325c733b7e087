"""Keys for the sliders from a take, and a take from a video; both are edited in Blender."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..bridge.cues import Key, keys_of_take
from ..bridge.errors import BridgeError
from ..bridge.run_job import JobRequest, Progress
from ..bridge.vocabulary import FIT_WORDS, SHAPE_NAMES
from ..job_display import Internal, Undoable
from ..preferences import preferences_of
from ..scene.animated_values import fcurves_of
from ..scene.expression_choice import NO_EXPRESSION, fit_of_take, take_file
from ..scene.files_from_images import file_stem, numbered
from ..scene.sequence_images import stored_path
from ..scene.settings_for_runtime import absolute_path
from .job_operator import BeginsJob, JobOperator, new_job_folder, scene_of_job


class _TakeOperator(JobOperator):
    """The common part: a take is read, and keyed as a new action."""

    def _reading(self, context: bpy.types.Context, take: Path) -> JobRequest:
        folder = new_job_folder()
        self._read, self._scene = folder / "keys.csv", context.scene.name_full
        fit = fit_of_take(context.scene)
        arguments = ("curves", str(take), *fit, "--csv", str(self._read), "--json")
        return JobRequest(arguments=arguments, title=f"Reading {take.name}", folder=folder)

    def _key(self, take: Path) -> None:
        scene = scene_of_job(self._scene, "Read the take again in another.")
        render = scene.render
        keys = keys_of_take(
            self._read,
            fps=render.fps / render.fps_base,
            first_frame=scene.frame_start,
            offset=scene.reggan.take_offset.strip(),
        )
        action = key_sliders(scene, keys, take.stem)
        settings = scene.reggan
        settings.driven_by, settings.expression, settings.blend = "PANEL", NO_EXPRESSION, ""
        frames = [frame for line in keys.values() for frame, _ in line]
        self._report(
            {"INFO"},
            f"Action {action.name}: {len(keys)} face shapes, frames {min(frames):.0f} to "
            f"{max(frames):.0f}. Expression is None, so that the take alone moves the face",
        )


class KeysFromTake(_TakeOperator, bpy.types.Operator):
    """Key the sliders of Face Shapes as the take moves them, as a new action."""

    bl_idname = "reggan.keys_from_take"
    bl_label = "Key the Sliders"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        return "" if context.scene.reggan.take else "Choose a recorded performance as Take"

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`curves`."""
        self._take = take_file(context.scene)
        return [self._reading(context, self._take)]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Make the action."""
        self._key(self._take)


class TakeFromVideo(_TakeOperator, bpy.types.Operator):
    """Read the expression of a face in a video, keep it as a take, and key the sliders by it."""

    bl_idname = "reggan.take_from_video"
    bl_label = "Take from Video"
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`perform`, then `curves`."""
        clip, out = Path(bpy.path.abspath(self.filepath)), new_job_folder()
        if not clip.is_file():
            raise BridgeError(f"There is no video at {clip}. Choose a file.")
        landmarker = preferences_of(context).landmarker
        given = ["--landmarker", bpy.path.abspath(landmarker)] if landmarker else []
        self._made = out / f"{file_stem(clip.stem)}.csv"
        self._kept = take_beside_blend(self._made.name)
        arguments = ("perform", str(clip), *given, "--out", str(self._made), "--json")
        title = f"Reading the face in {clip.name}"
        first = JobRequest(arguments=arguments, title=title, folder=out)
        return [first, self._reading(context, self._made)]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Keep the take beside the .blend, choose it, and key the sliders."""
        try:
            self._kept.parent.mkdir(exist_ok=True)
            self._made.replace(self._kept)
        except OSError as error:
            raise BridgeError(
                f"The take cannot be kept at {self._kept}: {error.strerror}. Make room there."
            ) from error
        del progress
        context.scene.reggan.take = bpy.path.relpath(str(self._kept))
        self._key(self._kept)


class ChooseVideo(Internal, BeginsJob, ImportHelper, bpy.types.Operator):
    """Choose a video of a face; its expression becomes keys of the sliders."""

    bl_idname = "reggan.choose_video"
    bl_label = "Take from Video…"
    filter_movie: BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:  # noqa: ARG003
        is_saved = bool(bpy.data.filepath)
        return "" if is_saved else "Save the .blend first: the take is kept beside it"

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Begin the job."""
        bpy.ops.reggan.take_from_video("INVOKE_DEFAULT", filepath=self.filepath)
        return {"FINISHED"}


def take_beside_blend(name: str) -> Path:
    """Return a free path for a take in the folder of results.

    Raises:
        BridgeError: the .blend was never saved.
    """
    path = absolute_path(f"//reggan/{name}", "The take")
    return next(one for one in numbered(path, path.suffix) if not one.exists())


def key_sliders(scene: bpy.types.Scene, keys: dict[str, list[Key]], name: str) -> Any:
    """Key face shapes in a new action, which has the scene's other keys, too; returns it.

    The scene's action before it stays in the file as it is.
    """
    animation = scene.animation_data or scene.animation_data_create()
    if animation.action is not None:
        animation.action.use_fake_user = True
        animation.action = animation.action.copy()
    shapes = scene.reggan_shapes
    for shape, line in keys.items():
        shapes.keyframe_insert(shape, frame=line[0][0])
    curves = {curve.data_path: curve for curve in fcurves_of(scene.animation_data)}
    for shape, line in keys.items():
        curve = curves[f"reggan_shapes.{shape}"]
        points = curve.keyframe_points
        points.clear()
        points.add(len(line))
        points.foreach_set("co", [value for key in line for value in key])
        for point in points:
            point.interpolation = "LINEAR"
        curve.update()
    action = scene.animation_data.action
    action.name, action.use_fake_user = f"Take {name}", True
    scene.frame_set(scene.frame_current)
    return action


class AddFit(Undoable, bpy.types.Operator):
    """Fit takes to this face: add a line that makes shapes stronger or weaker."""

    bl_idname = "reggan.add_fit"
    bl_label = "Fit to This Face"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the first word that has no line yet."""
        rows = context.scene.reggan_fit.rows
        used = {row.shape for row in rows}
        free = next((one for one in (*FIT_WORDS, *SHAPE_NAMES) if one not in used), "")
        if not free:
            self.report({"WARNING"}, "Every face shape has a line")
            return {"CANCELLED"}
        rows.add().shape = free
        return {"FINISHED"}


class RemoveFit(Undoable, bpy.types.Operator):
    """Take this line out: its shapes move as in the take."""

    bl_idname = "reggan.remove_fit"
    bl_label = "Remove Line"
    line: IntProperty(options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        context.scene.reggan_fit.rows.remove(self.line)
        return {"FINISHED"}


class DropTake(Undoable, bpy.types.Operator):
    """Let this recorded performance drive the face."""

    bl_idname = "reggan.drop_take"
    bl_label = "RegGAN Take"
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose it, and let it drive."""
        settings = context.scene.reggan
        settings.driven_by, settings.take = "TAKE", stored_path(Path(self.filepath))
        self.report({"INFO"}, f"{Path(self.filepath).name} drives the face: press Change Frames")
        return {"FINISHED"}


class REGGAN_FH_take(bpy.types.FileHandler):  # noqa: N801 - Blender asks for such names
    """Takes that are dropped onto an Image Editor or a 3D viewport."""

    bl_idname = "REGGAN_FH_take"
    bl_label = "RegGAN Take"
    bl_import_operator = "reggan.drop_take"
    bl_file_extensions = ".csv;.txt;.json;.vrma"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Tell whether it is dropped where the tab is."""
        return context.area is not None and context.area.type in ("IMAGE_EDITOR", "VIEW_3D")


classes = (KeysFromTake, TakeFromVideo, ChooseVideo, AddFit, RemoveFit, DropTake, REGGAN_FH_take)
