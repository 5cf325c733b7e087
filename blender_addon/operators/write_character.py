"""Write a character as the file that `--rig` takes: its mesh with its own face shapes."""

import bpy

from ..bridge.errors import BridgeError
from ..scene.character import (
    character_problem,
    meshes_of_character,
    missing_shapes,
    rows_of,
    write_character,
)
from ..scene.settings import character_file


class WriteCharacter(bpy.types.Operator):
    """Write the character at rest, with each face shape of the table, as a file."""

    bl_idname = "reggan.write_character"
    bl_label = "Write Character"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether there is a mesh whose keys make the shapes that have to be there."""
        settings = context.scene.reggan_character
        problem = character_problem(settings)
        missing = missing_shapes(rows_of(settings))
        if not problem and missing:
            problem = f"No line of the table makes {', '.join(missing)}: they are needed"
        if problem:
            cls.poll_message_set(problem)
        return not problem

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        settings = context.scene.reggan_character
        try:
            path = character_file(settings)
            if path.exists() and not settings.replaces:
                raise BridgeError(
                    f"{path} is there already. Choose a new name, or tick Write Again."
                )
            written = write_character(
                meshes_of_character(context.scene, settings.mesh), rows_of(settings), path
            )
        except BridgeError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        settings.uses = True
        self.report(
            {"INFO"}, f"{path.name} has {len(written)} face shapes; results use it from now on"
        )
        return {"FINISHED"}


classes = (WriteCharacter,)
