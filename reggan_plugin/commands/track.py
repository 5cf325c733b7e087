"""`reggan-plugin track`: a shot in, the places of its faces in every frame out."""

import os
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import click

from reggan_plugin.commands.options.input import range_option, shot_option, stall_option
from reggan_plugin.commands.options.model import model_options, open_model
from reggan_plugin.commands.options.option_groups import (
    GroupedCommand,
    given_files,
    grouped_option,
    output_option,
)
from reggan_plugin.commands.options.picture import reading_options
from reggan_plugin.commands.progress import (
    ProgressStyle,
    libraries_on_stderr,
    progress_on_stderr,
    style_options,
)
from reggan_plugin.commands.terminal import verbose_option
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.tracks import TrackedFace
from reggan_plugin.faces.tracks_file import write_tracks
from reggan_plugin.file_safety import refuse_existing, refuse_other_kind, refuse_overwriting
from reggan_plugin.files.frame import Reading
from reggan_plugin.files.sequence import Sequence
from reggan_plugin.jobs.input_files import find_shot
from reggan_plugin.jobs.plan import make_writable_folder
from reggan_plugin.jobs.render_job import keep_part
from reggan_plugin.jobs.results_and_events import Notice, Started, notices_of_range
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout, stop_on_signals
from reggan_plugin.jobs.track_job import TrackResult, track_frames
from reggan_plugin.jobs.track_preview import preview_paths, write_preview
from reggan_plugin.json_and_toml import json_text

SUMMARY_VERSION = 1


def document_from_result(result: TrackResult) -> dict[str, Any]:
    """Return the JSON object, but for the files written."""
    tracks = result.tracks
    by_face: dict[int, dict[str, TrackedFace]] = defaultdict(dict)
    for key, frame in tracks.frames.items():
        for face in frame.faces:
            by_face[face.face][key] = face
    return {
        "v": SUMMARY_VERSION,
        "source": tracks.source,
        "frames": len(tracks.frames),
        "faces": [_summary_of(number, by_face[number]) for number in sorted(by_face)],
        "cuts": list(tracks.cuts),
        "exposure_ev": tracks.exposure_ev,
        "without_face": [key for key, frame in tracks.frames.items() if not frame.faces],
        "unreadable": [
            {"source": str(path), "message": message} for path, message in result.unreadable.items()
        ],
        "smoothing": tracks.smoothing,
        "seconds": result.seconds,
    }


def _summary_of(number: int, faces: dict[str, TrackedFace]) -> dict[str, Any]:
    keys = list(faces)
    found = [face.score for face in faces.values() if face.status == "found"]
    return {
        "face": number,
        "first": keys[0],
        "last": keys[-1],
        "found": len(found),
        "filled": len(faces) - len(found),
        "median_size_px": round(median(face.size_px for face in faces.values()), 1),
        "lowest_score": min(found),
    }


PART_OF_A_SHOT = (
    "These are the tracks of a part of the shot: smoothing ends where the part does, and faces "
    "are numbered within it. Track the whole shot to render its parts on several machines."
)


@click.command(
    cls=GroupedCommand,
    epilog="\b\nExample:\n  reggan-plugin track shot/ --out tracks.json --preview drawn/",
)
@shot_option("Frames")
@range_option
@reading_options("Frames")
@stall_option
@grouped_option(
    "Tracks",
    "--no-smooth",
    is_flag=True,
    help="Do not smooth the positions, and leave out dense landmarks.",
)
@model_options
@output_option(
    "-o --out FILE.json",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The tracks, for `render --tracks`.",
)
@output_option(
    "--preview DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also draw the tracks on small copies of the frames.",
)
@grouped_option(
    "Tracks",
    "--allow-gaps",
    is_flag=True,
    help="Exit with 0 though frames cannot be read, as farm jobs do, which then render the others. "
    "They are named all the same.",
)
@output_option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@output_option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON summary instead of the paths that were written.",
)
@style_options("Output")
@verbose_option
def track(
    *,
    source: str,
    frame_range: str | None,
    reading: Reading,
    stall_s: float,
    no_smooth: bool,
    model: str | None,
    device: str,
    out: Path,
    preview: Path | None,
    allow_gaps: bool,
    overwrite: bool,
    as_json: bool,
    style: ProgressStyle,
) -> None:
    """Follow every face through a SHOT and write where it is in each frame.

    SHOT is a folder, one file, or a sequence (shot.####.exr, shot.%04d.png).

    A face keeps its number from frame to frame. Short gaps are filled, and cuts are found.
    Positions are smoothed without lag, and so are the model's dense landmarks, so that rendered
    faces flicker less. A frame that cannot be read is named, and filled like a gap. The file is
    JSON. You may edit it.
    """
    with progress_on_stderr(style, as_json=as_json) as report, stop_on_signals() as stop:
        io_timeout = IoTimeout(stall_s, stop.is_made)
        shot = io_timeout.call(source, lambda: find_shot(source, frame_range))
        refuse_existing(_outputs_beside_inputs(shot, out, preview), overwrite=overwrite)
        transfer, in_use = (None, None) if no_smooth else open_model(model, device)
        make_writable_folder(out.parent)
        started = Started(frames=len(shot.frames), source=source, out=out)
        if in_use is not None:
            started = replace(
                started,
                model=f"{in_use.name} {in_use.version}",
                device=in_use.device,
                device_reason=in_use.device_reason,
            )
        report(started)
        part = [] if frame_range is None else [PART_OF_A_SHOT]
        for message in (*part, *notices_of_range(shot.missing, shot.outside)):
            report(Notice(message=message))
        with libraries_on_stderr():
            result = track_frames(
                shot.frames,
                source=source,
                reading=reading,
                smooth=not no_smooth,
                report=report,
                stopped=stop.is_made,
                io_timeout=io_timeout,
                landmarker=transfer.landmarker if transfer else None,
            )
        if result.interrupted:
            keep_part(result, out, len(shot.frames), report)
        stop.raise_if_made()
        write_tracks(result.tracks, out, is_new=not overwrite)
        drawn = []
        if preview is not None:
            pictures = write_preview(result.tracks, shot.frames, reading, preview, stop.is_made)
            drawn = list(pictures)
        _print_result(result, out, drawn, as_json)
        stop.raise_if_made()
        if not allow_gaps:
            result.raise_for_failure()


def _outputs_beside_inputs(shot: Sequence, out: Path, preview: Path | None) -> list[Path]:
    """Return all files to write, none of which is read.

    Raises:
        UsageError: one is, or two have one name.
    """
    sources = [frame.path for frame in shot.frames]
    folders = {Path(os.path.realpath(path)).parent for path in sources} | {shot.folder.resolve()}
    if preview is not None and preview.resolve() in folders:
        raise UsageError(
            "--preview is where the source frames lie, and pictures beside them would be taken "
            "for frames. Name another file or folder."
        )
    drawn = [] if preview is None else preview_paths(shot.frames, preview)
    twice = next((path for path, count in Counter(drawn).items() if count > 1), None)
    if twice is not None:
        raise UsageError(
            f"Two of the frames would both be drawn as {twice}. Rename one, or leave --preview out."
        )
    if out in drawn:
        raise UsageError(f"{out} is the name of a picture of --preview, too. Name another file.")
    refuse_overwriting((out, *drawn), [*sources, *given_files()])
    refuse_other_kind(out, ".json")
    return [out, *drawn]


def _print_result(result: TrackResult, out: Path, drawn: list[Path], as_json: bool) -> None:
    if not as_json:
        for path in (out, *drawn):
            click.echo(path)
        return
    document: dict[str, Any] = document_from_result(result)
    click.echo(json_text({**document, "out": str(out), "preview": list(map(str, drawn))}, indent=2))
