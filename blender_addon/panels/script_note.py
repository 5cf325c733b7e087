"""A word where a rig needs Python that the preferences do not let run."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..job_display import wrapped
from ..scene.scripts import driver_that_stands_still


def draw_script_note(
    layout: bpy.types.UILayout, context: bpy.types.Context, objects: Sequence[Any]
) -> None:
    """Name the owner of a Python driver that will stand still in the second Blender.

    Args:
        layout: of the panel.
        context: of the panel.
        objects: whose drivers count, with their parents and armatures; None is passed over.
    """
    owner = driver_that_stands_still(context, objects)
    if not owner:
        return
    box = layout.box()
    box.label(text="A Python driver will stand still", icon="ERROR")
    column = box.column(align=True)
    text = (
        f"{owner} has a driver with Python code. This job runs in a second Blender, which runs "
        "no scripts unless you allow them: Preferences > Save & Load > Auto Run Python Scripts. "
        "Allow them only for files that you trust."
    )
    for line in wrapped(text, context):
        column.label(text=line)
