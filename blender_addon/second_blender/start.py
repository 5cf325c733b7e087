"""Start a second Blender on a copy of the file."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.find_runtime import SecondBlender, blender_arguments
from ..bridge.run_job import Job, JobRequest
from ..scene.python_drivers import scripts_may_run


def job_on_copy(
    title: str,
    work: str,
    asked: Mapping[str, Any],
    folder: Path,
    *,
    then: Sequence[JobRequest] = (),
) -> Job:
    """Save a copy of the file as it is now, and begin the work on it.

    Scripts and Python drivers in it run only if the preferences let them run in this Blender.

    Args:
        title: what the artist reads.
        work: a module of this folder, whose `run` is called.
        asked: what it is to do, as JSON takes it.
        folder: an empty one; it takes the copy.
        then: what is run afterwards, by runtimes of its own.

    Raises:
        BridgeError: the copy cannot be written, or Blender not be started.
    """
    copy, specification = folder / "copy.blend", folder / "specification.json"
    runs_scripts = scripts_may_run(bpy.context)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True, compress=False)
        given = {"blend": str(copy), "runs_scripts": runs_scripts, "work": work, "asked": asked}
        specification.write_text(json.dumps(given), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        raise BridgeError(
            f"No copy of this file could be written to {folder}: {str(error).strip()} Make room "
            "there, or choose another folder for temporary files in Blender's preferences."
        ) from error
    arguments = blender_arguments(
        copy, specification, is_module=not bpy.app.binary_path, runs_scripts=runs_scripts
    )
    # What it leaves there if it is killed goes with this Blender's own temporary files.
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    blender = SecondBlender(
        python=Path(bpy.app.binary_path or sys.executable), environment=os.environ | places
    )
    first = JobRequest(arguments=arguments, title=title, folder=folder)
    return Job(blender, [first, *then])
