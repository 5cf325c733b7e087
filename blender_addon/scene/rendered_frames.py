"""The rendered frames that an artist chose: a sequence, or the scene's own output."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.frame_sequence import (
    FrameSequence,
    pattern_from_output,
    range_text,
    sequence_from_path,
    sequences_below,
)
from .settings_for_runtime import absolute_path
from .shots import Shot, shots_of, views_of


class FramesNotRenderedError(BridgeError):
    """The scene's output holds no frame that is asked for."""


@dataclass(frozen=True, kw_only=True)
class FrameSelection:
    """Frames on disk.

    Attributes:
        sequence: all that is there.
        numbers: of the frames that are wanted and there; empty for a picture without a number.
        frame_range: the part of the sequence, or None for all of it.
        missing: how many frames of the scene's range were not rendered yet.
    """

    sequence: FrameSequence
    numbers: tuple[int, ...]
    frame_range: str | None = None
    missing: int = 0

    @property
    def ends(self) -> tuple[Path, Path] | None:
        """The first and the last wanted frame; None without numbers."""
        if not self.numbers:
            return None
        return self.sequence.files[self.numbers[0]], self.sequence.files[self.numbers[-1]]

    @property
    def are_exr(self) -> bool:
        """True if all of them are EXR files."""
        paths = self.sequence.files.values() or [Path(self.sequence.source)]
        return all(path.suffix.lower() == ".exr" for path in paths)


def asked_frames(scene: bpy.types.Scene) -> FrameSelection:
    """Return the frames that the settings of a scene name; of several shots its own camera's.

    Raises:
        BridgeError: there are none.
    """
    settings = scene.reggan
    if settings.frames_source == "SEQUENCE":
        if not settings.frames_path:
            raise BridgeError("No sequence is chosen. Choose one frame of it, or its folder.")
        path = absolute_path(settings.frames_path, "Sequence")
        if path.is_file() and path.suffix.lower() not in bpy.path.extensions_image:
            raise BridgeError(
                f"{path.name} is no picture. Choose one frame of the sequence as Sequence, or its "
                "folder."
            )
        sequence = sequence_from_path(path, bpy.path.extensions_image)
        return FrameSelection(sequence=sequence, numbers=tuple(sorted(sequence.files)))
    return _frames_of_scene(scene, shots_of(scene)[0])


def asked_sequences(scene: bpy.types.Scene) -> list[FrameSelection]:
    """Return the frames that the settings of a scene name: of all shots, or all of a folder.

    Raises:
        BridgeError: there are none.
    """
    settings = scene.reggan
    if settings.frames_source == "SEQUENCE" and settings.frames_path:
        path = absolute_path(settings.frames_path, "Sequence")
        if path.is_dir():
            found = sequences_below(path, bpy.path.extensions_image)
            if found:
                return [
                    FrameSelection(sequence=one, numbers=tuple(sorted(one.files))) for one in found
                ]
    if settings.frames_source == "SCENE":
        return [_frames_of_scene(scene, shot) for shot in shots_of(scene)]
    return [asked_frames(scene)]


def _frames_of_scene(scene: bpy.types.Scene, shot: Shot) -> FrameSelection:
    pattern = shot.placed(output_pattern(scene))
    wanted = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    try:
        sequence = sequence_from_path(pattern, bpy.path.extensions_image)
    except BridgeError as error:
        still = None if shot.folder else _still_path(scene.render)
        if still is not None:
            return FrameSelection(sequence=FrameSequence(source=str(still), files={}), numbers=())
        raise FramesNotRenderedError(
            f"No frame of this scene is on disk; expected {pattern}. Render the frame or the "
            "animation first, or choose another sequence."
        ) from error
    numbers = tuple(number for number in sorted(sequence.files) if number in wanted)
    if not numbers:
        raise FramesNotRenderedError(
            f"No frame from {wanted[0]} to {wanted[-1]} is at {pattern}; there are "
            f"{min(sequence.files)} to {max(sequence.files)}. Render the animation first, or set "
            "the scene's frame range."
        )
    is_part = len(numbers) < len(sequence.files)
    return FrameSelection(
        sequence=sequence,
        numbers=numbers,
        frame_range=range_text(wanted[0], wanted[-1], scene.frame_step) if is_part else None,
        missing=len(wanted) - len(numbers),
    )


def output_pattern(scene: bpy.types.Scene) -> Path:
    """Return the pattern of the scene's rendered frames; of several views, the first one's.

    Raises:
        BridgeError: it renders no single frames.
    """
    render = scene.render
    if render.is_movie_format:
        raise BridgeError(
            f"The scene renders a video ({render.image_settings.file_format}), which holds no "
            "single frames. In the Output properties choose PNG or OpenEXR as file format, and "
            "render the animation."
        )
    absolute_path(render.filepath, "The scene's output")
    view = next(iter(views_of(render)), "")
    try:
        pattern = pattern_from_output(lambda frame: render.frame_path(frame=frame, view=view))
    except RuntimeError as error:  # of path templates
        raise BridgeError(
            f"The scene's output cannot be read: {error}. Mend it in the Output properties."
        ) from error
    if not pattern.suffix:
        raise BridgeError(
            f"The scene's frames have no file extension ({pattern.name}). Switch on File "
            "Extensions in the Output properties, and render the animation."
        )
    return pattern


def _still_path(render: Any) -> Path | None:
    """Return a picture that was rendered under the output's own name, without a number."""
    name = bpy.path.abspath(render.filepath)
    if render.use_file_extension:
        name = bpy.path.ensure_ext(name, render.file_extension)
    path = Path(os.path.normpath(name))
    return path if path.is_file() else None
