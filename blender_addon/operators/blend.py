"""Put expressions into the blend of the panel, and take them out; sliders say how much of each."""

import bpy

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import blend_from_shares, shares_from_blend
from ..bridge.vocabulary import menu_of_expressions, name_from_identifier
from ..scene.asked_expression import NO_EXPRESSION

_SHARE = 0.5
"""Of an expression that is added."""


class AddToBlend(bpy.types.Operator):
    """Add an expression to the blend, which begins with the one above; a slider appears for it."""

    bl_idname = "reggan.add_to_blend"
    bl_label = "Add to Blend"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 - Blender's own way

    expression: bpy.props.EnumProperty(name="Expression", items=menu_of_expressions())

    def execute(self, context: bpy.types.Context) -> set[str]:
        """One that is in it already keeps its share."""
        settings, name = context.scene.reggan, name_from_identifier(self.expression)
        blend = settings.blend.strip()
        if not blend and settings.expression != NO_EXPRESSION:
            blend = name_from_identifier(settings.expression)
        try:
            shares = shares_from_blend(blend, has_presets=bool(settings.presets)) if blend else {}
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
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
        shares.pop(self.name, None)
        settings.blend = blend_from_shares(shares)
        return {"FINISHED"}


classes = (AddToBlend, RemoveFromBlend)
