"""`reggan-plugin track`: a shot in, the places of its faces in every frame out, also drawn into
small copies of the frames, for a person to check.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.inputs_and_faces import range_option, shot_option, stall_option
from reggan_plugin.commands.options.model import model_options, open_model
from reggan_plugin.commands.options.options_and_settings_file import (
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
from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.errors import RegganError, UsageError
from reggan_plugin.faces.tracks import TrackedFace, TrackedFrame, Tracks
from reggan_plugin.faces.tracks_file import write_tracks
from reggan_plugin.file_safety import (
    named_twice,
    refuse_existing,
    refuse_other_kind,
    refuse_overwriting,
    write_atomically,
)
from reggan_plugin.files.frame import Reading, read_content
from reggan_plugin.files.sequence import Sequence as Shot
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.frames_in_flight import run_overlapped
from reggan_plugin.jobs.input_files import find_shot, videos_beside
from reggan_plugin.jobs.plan import make_writable_folder
from reggan_plugin.jobs.render_job import keep_part
from reggan_plugin.jobs.results_and_events import (
    Notice,
    Started,
    notices_of_range,
    notices_of_videos,
)
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout, stop_on_signals
from reggan_plugin.jobs.track_job import TrackResult, track_frames
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.transfer.display_picture import display_picture

LONGEST_PX = 960
_COLOURS = ("#ffb000", "#4db8ff", "#ff5fa2", "#5fe07f", "#c792ff", "#ff7a4d")
"""Of the identities, in turn."""
_PAPER, _FONT_PX, _DOT_PX = (32, 32, 34), 14, 2.5


def preview_paths(frames: Sequence[SourceFrame], folder: Path) -> list[Path]:
    """Path of the picture of each frame."""
    return [folder / f"{frame.path.stem}.jpg" for frame in frames]


def write_preview(
    tracks: Tracks,
    frames: Sequence[SourceFrame],
    reading: Reading,
    folder: Path,
    stopped: Callable[[], bool],
) -> Iterator[Path]:
    """Write one JPEG a frame, with boxes, points, identities and scores; yield what is written.

    A filled face is drawn without its points. A frame that cannot be read becomes a grey picture
    that says so.

    Raises:
        OutputError: the folder takes no files.
    """
    make_writable_folder(folder)
    targets = dict(zip(frames, preview_paths(frames, folder), strict=True))

    def draw(frame: SourceFrame) -> bytes:
        key = tracks.key_of(frame.number, frame.path.name)
        picture = _picture(frame, reading)
        return _jpeg(*picture, key, tracks.frames[key], is_cut=key in tracks.cuts)

    def write(frame: SourceFrame, content: bytes) -> Path:
        write_atomically(targets[frame], content)
        return targets[frame]

    yield from run_overlapped(
        frames,
        read=draw,
        process=lambda pairs: [content for _, content in pairs],
        write=write,
        room_beside=lambda _: 1,
        stopped=stopped,
    )


def _jpeg(
    picture: Image.Image,
    frame_px: float,
    origin: tuple[int, int],
    key: str,
    tracked: TrackedFrame,
    *,
    is_cut: bool,
) -> bytes:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_FONT_PX)
    for face in tracked.faces:
        _draw_face(draw, font, face, frame_px, origin)
    caption = " | ".join(filter(None, [key, "cut" if is_cut else None, tracked.note]))
    draw.text((6, 4), caption, "white", font, stroke_width=2, stroke_fill="black")
    return encoded_picture(picture, "JPEG", quality=88)


def _picture(source: SourceFrame, reading: Reading) -> tuple[Image.Image, float, tuple[int, int]]:
    """Return a small picture, the frame's pixels that one of its spans, and the frame's (x, y)
    origin.
    """
    try:
        frame = reading.decode(read_content(source.path), source.path)
    except (RegganError, MemoryError):  # the note says why
        return Image.new("RGB", (LONGEST_PX, LONGEST_PX * 9 // 16), _PAPER), 1.0, (0, 0)
    image, factor = display_picture(frame, None, LONGEST_PX)
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    return picture, float(factor), frame.origin_px[::-1]


def _draw_face(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    face: TrackedFace,
    frame_px: float,
    origin: tuple[int, int],
) -> None:
    colour = _COLOURS[face.face % len(_COLOURS)]
    x, y = ((face.box_px[axis] - origin[axis]) / frame_px for axis in (0, 1))
    right, bottom = x + face.box_px[2] / frame_px, y + face.box_px[3] / frame_px
    draw.rectangle((x, y, right, bottom), outline=colour, width=2)
    label = f"{face.face} {face.status} {face.score:.2f}"
    draw.text((x + 3, bottom + 3), label, colour, font, stroke_width=2, stroke_fill="black")
    if face.landmarks is None or face.status == "filled":
        return
    for point in (face.landmarks - origin) / frame_px:
        box = (*(point - _DOT_PX).tolist(), *(point + _DOT_PX).tolist())
        draw.ellipse(box, fill=colour, outline="black")


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
        left_out = notices_of_videos(videos_beside(shot))
        for message in (*part, *notices_of_range(shot.missing, shot.outside), *left_out):
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


def _outputs_beside_inputs(shot: Shot, out: Path, preview: Path | None) -> list[Path]:
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
    twice = named_twice(drawn)
    if twice is not None:
        raise UsageError(
            f"Two of the frames would both be drawn as {twice}. Rename one, or leave --preview out."
        )
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
