"""The faces that rendered frames show, to compare the rig's with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..bridge.command_line import track_arguments
from ..bridge.errors import BridgeError
from ..bridge.run_job import JobRequest
from ..bridge.tracks_file import disagreement, refuse_frames_of_other_size
from ..preferences import chosen_runtime
from ..scene.rendered_frames import asked_frames
from .job_operator import new_job_folder


@dataclass(frozen=True, kw_only=True)
class RenderedFaces:
    """A look at the frames of a shot.

    Attributes:
        frames: their files.
        located: the file that the look writes.
        request: the look; a job goes on without it.
    """

    frames: Sequence[Path]
    located: Path
    request: JobRequest

    def objection_to(self, tracks: Path) -> str:
        """Message for an artist if the rig's tracks say another place; empty if they agree."""
        try:
            refuse_frames_of_other_size(tracks, self.frames)
        except BridgeError as error:  # the tracks are right for frames that are rendered anew
            return str(error)
        return disagreement(tracks, self.located)


def look_at_rendered_frames(context: bpy.types.Context) -> RenderedFaces | None:
    """Find the faces in all rendered frames of the scene; None if there is no frame.

    Where that cannot be done nothing is missing: the rig alone says where the face is then.
    """
    try:
        asked, runtime = asked_frames(context.scene), chosen_runtime(context)
    except BridgeError:
        return None
    if not asked.numbers:
        return None
    folder = new_job_folder()
    located = folder / "located.json"
    arguments = track_arguments(asked.sequence.source, located, asked.frame_range)
    request = JobRequest(
        arguments=(*arguments, "--no-smooth"),
        title="Comparing with the rendered frames",
        folder=folder,
        runtime=runtime,
        if_failed=lambda _reason: None,  # the rig alone says where the face is
    )
    files = [asked.sequence.files[number] for number in asked.numbers]
    return RenderedFaces(frames=files, located=located, request=request)
