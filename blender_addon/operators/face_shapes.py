"""Reset the sliders of the face shapes, set them as a picture shows them, keep them as a preset."""

from collections.abc import Sequence
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..bridge.errors import BridgeError
from ..bridge.preset_file import add_preset
from ..bridge.run_job import JobRequest, Progress
from ..bridge.vocabulary import SHAPE_NAMES, mirrored_shape, side_of_shape
from ..job_display import Explained, Internal, Undoable, refusing
from ..panel_settings import shares_of_blend
from ..preferences import preferences_of
from ..scene.expression_choice import NO_EXPRESSION, shapes_of_panel
from ..scene.settings_for_runtime import absolute_path
from .job_operator import BeginsJob, JobOperator, new_job_folder, scene_of_job


class ResetShapes(Undoable, bpy.types.Operator):
    """Set all face shapes to 0."""

    bl_idname = "reggan.reset_shapes"
    bl_label = "Reset Shapes"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Also those that are animated, in this frame."""
        for name in SHAPE_NAMES:
            context.scene.reggan_shapes.property_unset(name)
        return {"FINISHED"}


class MirrorShapes(Undoable, bpy.types.Operator):
    """Exchange the sliders of the two sides, or let one side be as the other."""

    bl_idname = "reggan.mirror_shapes"
    bl_label = "Mirror Shapes"

    way: bpy.props.EnumProperty(
        name="Way",
        items=[
            ("SWAP", "Exchange Sides", "Left becomes right, and right left"),
            ("LEFT", "Left to Right", "Both sides are as the character's own left"),
            ("RIGHT", "Right to Left", "Both sides are as the character's own right"),
        ],
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """In this frame; keys stay as they are."""
        weights = context.scene.reggan_shapes
        before = {name: getattr(weights, name) for name in SHAPE_NAMES}
        for name in SHAPE_NAMES:
            stem, side = side_of_shape(name)
            from_other = self.way == "SWAP" or (side and side.upper() != self.way)
            if self.way != "SWAP" and stem in ("jaw", "mouth"):
                continue  # a jaw to the left is no side of a face
            if from_other:
                setattr(weights, name, before[mirrored_shape(name)])
        return {"FINISHED"}


class LikePicture(JobOperator, bpy.types.Operator):
    """Set the sliders to what the face in a picture shows."""

    bl_idname = "reggan.like_picture"
    bl_label = "Like a Picture"
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`read`, by MediaPipe where the preferences have its model; else as a character's face."""
        picture = Path(bpy.path.abspath(self.filepath))
        if not picture.is_file():
            raise BridgeError(f"There is no picture at {picture}. Choose a file.")
        self._scene = context.scene.name_full
        model = preferences_of(context).landmarker
        reader = ["--reader", "person", "--landmarker", bpy.path.abspath(model)] if model else []
        arguments = ("read", str(picture), *reader, "--json")
        title = f"Reading the face in {picture.name}"
        return [JobRequest(arguments=arguments, title=title, folder=new_job_folder())]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Set them; no expression is chosen beside them."""
        scene = scene_of_job(self._scene, "Read the picture in another.")
        weights = progress.summary["weights"]
        for name in SHAPE_NAMES:
            setattr(scene.reggan_shapes, name, weights.get(name, 0.0))
        scene.reggan.expression, scene.reggan.blend = NO_EXPRESSION, ""
        self._report({"INFO"}, f"{len(weights)} face shapes are as in the picture")


class ChoosePicture(Internal, BeginsJob, ImportHelper, bpy.types.Operator):
    """Choose a picture of a face; the sliders show its expression."""

    bl_idname = "reggan.choose_picture"
    bl_label = "Like a Picture…"
    filter_image: BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Begin the job."""
        bpy.ops.reggan.like_picture("INVOKE_DEFAULT", filepath=self.filepath)
        return {"FINISHED"}


class SavePreset(Undoable, Explained, bpy.types.Operator):
    """Keep blend and face shapes under a name in the file of presets; Blend can name it then."""

    bl_idname = "reggan.save_preset"
    bl_label = "Save as Preset"

    name: bpy.props.StringProperty(name="Name", description="Of the new expression")
    replaces: bpy.props.BoolProperty(
        name="Replace",
        description="Replace a preset of that name; what else the file says of it goes, too",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        return "" if _weights(context.scene) else "Move a slider first"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it to the file, which is made if there is none."""
        settings = context.scene.reggan
        typed = settings.presets or "//presets.toml"
        path: Path = absolute_path(typed, "Presets")
        add_preset(path, self.name, _weights(context.scene), replaces=self.replaces)
        settings.presets = typed
        said = f"{self.name} is in {path.name}: write it into Blend, or draw the faces anew"
        self.report({"INFO"}, said)
        return {"FINISHED"}


def _weights(scene: bpy.types.Scene) -> dict[str, float]:
    """Weights of blend and face shapes, those above 0."""
    weights = {**shares_of_blend(scene.reggan), **shapes_of_panel(scene)}
    return {name: round(weight, 3) for name, weight in weights.items() if weight}


classes = (ResetShapes, MirrorShapes, LikePicture, ChoosePicture, SavePreset)
