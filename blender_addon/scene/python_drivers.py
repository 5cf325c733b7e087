"""Scripts and Python drivers inside the file: whether they may run, and who depends on them."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from ..bridge.find_runtime import may_run_scripts
from .head_meshes import armatures_of


def scripts_may_run(context: bpy.types.Context) -> bool:
    """Tell whether the preferences let the scripts of this file run, also in a second Blender."""
    places = context.preferences.autoexec_paths
    return may_run_scripts(
        preference_allows=context.preferences.filepaths.use_scripts_auto_execute,
        was_blocked=bpy.app.autoexec_fail,
        file=bpy.data.filepath,
        excluded=[(place.path, place.use_glob) for place in places],
        arguments=sys.argv,
    )


def driver_that_stands_still(
    context: bpy.types.Context, objects: Iterable[bpy.types.Object | None]
) -> str:
    """Return the owner of a Python driver that will not run; empty if there is none or scripts may
    run.

    Blender itself evaluates simple expressions; those are no scripts.

    Args:
        context: of the panel.
        objects: those whose drivers count, with their parents and armatures.
    """
    if scripts_may_run(context):
        return ""
    return next((owner.name for owner in _owners(objects) if _has_python_driver(owner)), "")


def _has_python_driver(owner: bpy.types.ID) -> bool:
    animation = owner.animation_data
    return animation is not None and any(
        curve.driver.type == "SCRIPTED" and not curve.driver.is_simple_expression
        for curve in animation.drivers
    )


def _owners(objects: Iterable[bpy.types.Object | None]) -> Iterator[Any]:
    """Everything that can hold a driver of these objects, each once."""
    waiting, known = [found for found in objects if found is not None], set[str]()
    while waiting:
        found = waiting.pop()
        if found.name_full in known:
            continue
        known.add(found.name_full)
        keys = getattr(found.data, "shape_keys", None)
        yield from (owner for owner in (found, found.data, keys) if owner is not None)
        parents = [] if found.parent is None else [found.parent]
        waiting += [*parents, *armatures_of(found)]
