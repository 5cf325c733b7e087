"""The face that a rendered frame shows, to compare the rig's with."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..bridge.command_line import track_arguments
from ..bridge.errors import BridgeError
from ..bridge.job import JobRequest
from ..bridge.rig_against_picture import disagreement
from ..preferences import chosen_runtime
from ..scene.rendered_frames import asked_frames
from .job_operator import new_job_folder


@dataclass(frozen=True, kw_only=True)
class RenderedFace:
    """A look at a frame.

    Attributes:
        frame: its number.
        located: the file that the look writes.
        request: the look; a job goes on without it.
    """

    frame: int
    located: Path
    request: JobRequest

    def objection_to(self, tracks: Path) -> str:
        """Message for an artist if the rig's tracks say another place; empty if they agree."""
        return disagreement(tracks, self.located, self.frame)


def look_at_rendered_frame(context: bpy.types.Context) -> RenderedFace | None:
    """Find the face in the rendered frame next to the current one; None if there is no frame.

    Where that cannot be done nothing is missing: the rig alone says where the face is then.
    """
    scene = context.scene
    try:
        asked, runtime = asked_frames(scene), chosen_runtime(context)
    except BridgeError:
        return None
    if not asked.numbers:
        return None
    frame = min(asked.numbers, key=lambda number: abs(number - scene.frame_current))
    folder = new_job_folder()
    located = folder / "located.json"
    request = JobRequest(
        arguments=tuple(track_arguments(str(asked.sequence.files[frame]), located)),
        title=f"Comparing with rendered frame {frame}",
        folder=folder,
        runtime=runtime,
        is_optional=True,
    )
    return RenderedFace(frame=frame, located=located, request=request)
