"""Tables of shape keys are filled and edited; the character is written with its own."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.shape_keys import driving_table, recognise
from ..bridge.vocabulary import SHAPE_NAMES
from ..job_display import Explained, Undoable, refusing
from ..scene.arkit_character import (
    character_problem,
    meshes_of_character,
    missing_shapes,
    rows_of,
    write_character,
)
from ..scene.settings_for_runtime import character_file
from ..shape_settings import fill, key_names


class RecogniseShapeKeys(Undoable, Explained, bpy.types.Operator):
    """Fill the table anew from the names of the shape keys (ARKit's, and those of other makers)."""

    bl_idname = "reggan.recognise_shape_keys"
    bl_label = "Recognise"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        mesh = context.scene.reggan_character.mesh
        has_keys = mesh is not None and key_names(mesh)
        return "" if has_keys else "Choose the mesh of the face, one that has shape keys"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Replace the lines, and name what was not found."""
        settings = context.scene.reggan_character
        found = recognise(key_names(settings.mesh))
        if not found:
            self.report({"WARNING"}, "No name is known. Add lines by hand.")
            return {"CANCELLED"}
        fill(settings, found)
        shapes = {line.shape for line in found}
        self.report({"INFO"}, f"{len(shapes)} of {len(SHAPE_NAMES)} face shapes are recognised")
        return {"FINISHED"}


class AddExpressionKey(Undoable, bpy.types.Operator):
    """Add a line to the table."""

    bl_idname = "reggan.add_expression_key"
    bl_label = "Add Line"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Of the chosen line's shape, without a key."""
        settings = context.scene.reggan_character
        chosen = settings.active_row
        shape = settings.rows[chosen].shape if chosen < len(settings.rows) else "jawOpen"
        settings.rows.add().shape = shape
        settings.active_row = len(settings.rows) - 1
        return {"FINISHED"}


class _RemoveLine(Undoable, Explained):
    """Mixin of operators that take a line out of a table, before `bpy.types.Operator`."""

    bl_label = "Remove Line"
    _table: Callable[[Any], Any]

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        table = cls._table(context.scene)
        is_chosen = table is not None and table.active_row < len(table.rows)
        return "" if is_chosen else "No line is chosen"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it; the one before is chosen then."""
        table = type(self)._table(context.scene)
        table.rows.remove(table.active_row)
        table.active_row = max(0, table.active_row - 1)
        return {"FINISHED"}


class RemoveExpressionKey(_RemoveLine, bpy.types.Operator):
    """Take the chosen line out of the table."""

    bl_idname = "reggan.remove_expression_key"
    _table = staticmethod(attrgetter("reggan_character"))


class FillDrivingTable(Undoable, Explained, bpy.types.Operator):
    """Fill the table anew from the names of the object's shape keys, a line for each."""

    bl_idname = "reggan.fill_driving_table"
    bl_label = "Recognise"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        driving = context.scene.reggan.driving_object
        if driving is None or not key_names(driving):
            return "Choose an object with shape keys"
        is_linked = driving.library is not None
        return "The object is linked: its table is edited in its own file" if is_linked else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Replace the lines, and say how many keys are not known."""
        driving = context.scene.reggan.driving_object
        rows = driving_table(key_names(driving))
        fill(driving.reggan_driving, rows)
        unknown = sum(not row.shape for row in rows)
        self.report({"INFO"}, f"{len(key_names(driving)) - unknown} shape keys are recognised")
        return {"FINISHED"}


class AddDrivingKey(Undoable, bpy.types.Operator):
    """Add a line for the chosen shape key: it may move several face shapes."""

    bl_idname = "reggan.add_driving_key"
    bl_label = "Add Line"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """After the chosen one."""
        table = context.scene.reggan.driving_object.reggan_driving
        chosen = table.active_row
        key = table.rows[chosen].key if chosen < len(table.rows) else ""
        table.rows.add().key = key
        table.rows.move(len(table.rows) - 1, min(chosen + 1, len(table.rows) - 1))
        table.active_row = min(chosen + 1, len(table.rows) - 1)
        return {"FINISHED"}


class RemoveDrivingKey(_RemoveLine, bpy.types.Operator):
    """Take the chosen line out of the table."""

    bl_idname = "reggan.remove_driving_key"
    _table = staticmethod(
        lambda scene: getattr(scene.reggan.driving_object, "reggan_driving", None)
    )


class WriteCharacter(Explained, bpy.types.Operator):
    """Write the character at rest, with each face shape of the table, as a file."""

    bl_idname = "reggan.write_character"
    bl_label = "Write Character"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        settings = context.scene.reggan_character
        missing = missing_shapes(rows_of(settings))
        return character_problem(settings) or (
            f"No line of the table makes {', '.join(missing)}: they are needed" if missing else ""
        )

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        settings = context.scene.reggan_character
        path = character_file(settings)
        if path.exists() and not settings.replaces:
            raise BridgeError(f"{path} is there already. Choose a new name, or tick Write Again.")
        meshes = meshes_of_character(context.scene, settings.mesh)
        written = write_character(meshes, rows_of(settings), path)
        settings.uses = True
        self.report(
            {"INFO"}, f"{path.name} has {len(written)} face shapes; results use it from now on"
        )
        return {"FINISHED"}


classes = (
    RecogniseShapeKeys,
    AddExpressionKey,
    RemoveExpressionKey,
    FillDrivingTable,
    AddDrivingKey,
    RemoveDrivingKey,
    WriteCharacter,
)
