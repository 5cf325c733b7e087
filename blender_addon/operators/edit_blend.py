"""Put expressions into the blend of the panel, and take them out; sliders say how much of each."""

import bpy

from ..bridge.cues import cue_from_name
from ..bridge.expression_blend import blend_from_shares, shares_from_blend
from ..bridge.vocabulary import menu_of_expressions, name_from_identifier
from ..job_display import Undoable, redraw_sidebars, refusing
from ..scene.animated_values import fcurves_of, remove_fcurve
from ..scene.expression_choice import NO_EXPRESSION

_SHARE = 0.5
"""Of an expression that is added."""


class AddToBlend(bpy.types.Operator):
    """Add an expression to the blend, which begins with the one above; a slider appears for it."""

    bl_idname = "reggan.add_to_blend"
    bl_label = "Add to Blend"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 - Blender's own way

    expression: bpy.props.EnumProperty(name="Expression", items=menu_of_expressions())

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """One that is in it already keeps its share."""
        settings, name = context.scene.reggan, name_from_identifier(self.expression)
        blend = settings.blend.strip()
        if not blend and settings.expression != NO_EXPRESSION:
            blend = name_from_identifier(settings.expression)
        shares = shares_from_blend(blend, has_presets=bool(settings.presets)) if blend else {}
        settings.blend = blend_from_shares(
            {**shares, name: shares.get(name, _SHARE if shares else 1.0)}
        )
        return {"FINISHED"}


class RemoveFromBlend(bpy.types.Operator):
    """Take this expression out of the blend."""

    bl_idname = "reggan.remove_from_blend"
    bl_label = "Remove from Blend"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 - Blender's own way

    name: bpy.props.StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Without any left, the expression above counts."""
        settings = context.scene.reggan
        shares = dict(shares_from_blend(settings.blend, has_presets=bool(settings.presets)))
        if self.name in shares:
            _move_keys_up(context.scene, list(shares).index(self.name))
        shares.pop(self.name, None)
        settings.blend = blend_from_shares(shares)
        return {"FINISHED"}


def _move_keys_up(scene: bpy.types.Scene, place: int) -> None:
    """Take the keys of a share away; those below keep theirs."""
    animation = scene.animation_data
    if animation is None:
        return
    curves = [c for c in fcurves_of(animation) if c.data_path == "reggan.blend_shares"]
    for curve in sorted(curves, key=lambda curve: curve.array_index):
        if curve.array_index == place:
            remove_fcurve(animation, curve)
        elif curve.array_index > place:
            curve.array_index -= 1


class AddCue(Undoable, bpy.types.Operator):
    """Add a timeline marker at this frame that is named after the expression, as a cue."""

    bl_idname = "reggan.add_cue"
    bl_label = "Add Cue"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """In place of a cue that is there already."""
        scene, settings = context.scene, context.scene.reggan
        is_none = settings.expression == NO_EXPRESSION
        name = "none" if is_none else name_from_identifier(settings.expression)
        for marker in list(scene.timeline_markers):
            if marker.frame == scene.frame_current and cue_from_name(0, marker.name) is not None:
                scene.timeline_markers.remove(marker)
        scene.timeline_markers.new(name, frame=scene.frame_current)
        redraw_sidebars(context.window_manager)  # of other editors, too: they list the cues
        return {"FINISHED"}


classes = (AddToBlend, RemoveFromBlend, AddCue)
