"""`reggan-plugin perform`: a clip of a face in, a recorded performance out."""

import re
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.expression import ReaderOptions, reader_options
from reggan_plugin.commands.options.inputs_and_faces import stall_option
from reggan_plugin.commands.options.options_and_settings_file import (
    FiniteRange,
    GroupedCommand,
    given_files,
    grouped_option,
    output_option,
)
from reggan_plugin.commands.options.picture import reading_options
from reggan_plugin.commands.progress import ProgressStyle, progress_on_stderr, style_options
from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.retargeting import Retargeting, retargeted
from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import (
    refuse_existing,
    refuse_other_kind,
    refuse_overwriting,
    write_atomically,
)
from reggan_plugin.files.frame import Reading
from reggan_plugin.jobs.input_files import Found, find_sources
from reggan_plugin.jobs.plan import writable_folder
from reggan_plugin.jobs.results_and_events import (
    FrameTracked,
    Notice,
    Started,
    notices_of_range,
    notices_of_videos,
    unreadable_frames,
)
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout, stop_on_signals
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.perform.read_clip import raise_without_face, record
from reggan_plugin.perform.take_from_clip import Performance, performance_from_recording

SUMMARY_VERSION = 1


_performance_option = partial(grouped_option, "Performance")


def neutral_from_text(text: str) -> int | str:
    """Read a frame's number, `auto` or `none`."""
    if text in ("auto", "none"):
        return text
    if not re.fullmatch("[0-9]{1,9}", text):
        raise click.BadParameter(f"{text!r} is no number of a frame; give one, auto or none.")
    return int(text)


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin perform actor.mp4 --landmarker face_landmarker.task "
    "--out take.csv",
)
@click.argument("clip", metavar="CLIP")
@reading_options("Frames")
@stall_option
@grouped_option(
    "Frames",
    "--face N",
    type=click.IntRange(0),
    default=0,
    help="Which face to follow where there are several: 0 is the largest of the first frame that "
    "shows any.",
)
@reader_options("Reader")
@_performance_option(
    "--neutral auto|none|FRAME",
    type=neutral_from_text,
    default="auto",
    help="Frame in which the face rests. Its weights are removed from every frame. auto finds "
    "this frame; none keeps the weights as they are read. A video's frames are counted from 1.",
)
@_performance_option(
    "--smooth 0-5",
    type=FiniteRange(0, 5),
    default=1.0,
    help="How much jitter to remove. Blinks and lips that meet stay on their frames.",
)
@_performance_option(
    "--asymmetry 0-1",
    type=FiniteRange(0, 1),
    default=1.0,
    help="How much of the difference between left and right to keep: 0.5 halves it, 0 removes it. "
    "`render --curves-asymmetry` does so later.",
)
@output_option(
    "--out FILE.csv",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The take, for `render --curves`.",
)
@output_option("--overwrite", is_flag=True, help="Replace the take if it exists.")
@output_option("--json", "as_json", is_flag=True, help="Print one JSON summary.")
@style_options("Output")
@verbose_option
def perform(
    *,
    clip: str,
    reading: Reading,
    stall_s: float,
    face: int,
    reader: ReaderOptions,
    neutral: int | str,
    smooth: float,
    asymmetry: float,
    out: Path,
    overwrite: bool,
    as_json: bool,
    style: ProgressStyle,
) -> None:
    """Take the expression from a CLIP of a face: a video, a folder of frames, or one picture.

    The take holds ARKit's face shapes and the turn of the head, a row for each frame. Left and
    right are the face's own. `curves` shows it, `render --curves` plays it.

    Take only what the actor agreed to.
    """
    with progress_on_stderr(style, as_json=as_json) as report, stop_on_signals() as stop:
        io_timeout = IoTimeout(stall_s, stop.is_made)
        refuse_other_kind(out, ".csv")
        found = _one_clip(clip, io_timeout)
        [source] = found.sources
        frames = source.shot.frames
        inputs = [Path(clip)] if source.video else [one.path for one in frames]
        refuse_overwriting([out], [*inputs, *given_files()])
        refuse_existing([out], overwrite=overwrite)
        opened = reader.opened()
        report(Started(frames=len(frames), source=source.text, out=out, model=opened.name))

        def done(count: int, path: Path, faces: int, fault: str | None) -> None:
            report(
                FrameTracked(
                    done=count, frames=len(frames), source=path, faces=faces, message=fault
                )
            )

        with closing(opened), writable_folder(out.parent):
            recording = record(
                source,
                opened,
                face=face,
                reading=reading,
                io_timeout=io_timeout,
                done=done,
                stopped=stop.is_made,
            )
            stop.raise_if_made()
            raise_without_face(recording)
            made = performance_from_recording(
                recording, reader=opened, neutral=neutral, smooth=smooth
            )
            gaps = notices_of_range(source.shot.missing, source.shot.outside)
            notices = [*gaps, *notices_of_videos(found.left_out), *made.notices]
            for notice in notices:
                report(Notice(message=notice))
            take = retargeted(made.take, Retargeting(asymmetry=asymmetry))
            write_atomically(out, csv_of_take(take).encode(), is_new=not overwrite)
        click.echo(json_text(_document(made, out, notices), indent=2) if as_json else out)
        if recording.unreadable:
            raise unreadable_frames(recording.unreadable, len(frames))


def _one_clip(clip: str, io_timeout: IoTimeout) -> Found:
    """Find the frames of one clip.

    Raises:
        UsageError: the input names several.
    """
    found = io_timeout.call(clip, lambda: find_sources([clip]))
    clips = found.sources
    if len(clips) != 1:
        names = ", ".join(one.text for one in clips[:4])
        raise UsageError(
            f"{clip} holds {len(clips)} clips: {names}. A take is made of one; name it."
        )
    return found


def _document(made: Performance, out: Path, notices: Sequence[str]) -> dict[str, Any]:
    take = made.take
    return {
        "v": SUMMARY_VERSION,
        "written": [str(out)],
        "reader": take.kind,
        "rows": len(take.times_s),
        "rate_fps": take.rate_fps,
        "neutral": made.neutral,
        "gaps": [list(gap) for gap in made.gaps],
        "blinks": int((np.diff(made.lids.all(axis=1).astype(int), prepend=0) == 1).sum()),
        "frames_lips_meet": int(made.lips.sum()),
        "notices": list(notices),
    }
