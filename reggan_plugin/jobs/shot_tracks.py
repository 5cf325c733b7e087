"""The tracks of a whole shot, made before it is rendered and kept beside its frames."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reggan_plugin import __version__
from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.errors import Remark, SourceError
from reggan_plugin.faces.tracks import Tracks
from reggan_plugin.files.reading import Reading
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.events import Notice, Report
from reggan_plugin.jobs.frame_record import PICTURE_REVISION, RECORD_FOLDER, sha256_of
from reggan_plugin.jobs.plan import JobPlan
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import ModelInUse
from reggan_plugin.jobs.stall_timeout import IoTimeout
from reggan_plugin.plurals import counted
from reggan_plugin.regular_file import status_of
from reggan_plugin.transfer.expression_transfer import Landmarker

if TYPE_CHECKING:
    from reggan_plugin.jobs.track_job import TrackResult

TRACKS_SUFFIX, KEY_SUFFIX = ".tracks.json", ".tracks.sha256"


def is_to_be_tracked(plan: JobPlan, settings: RenderSettings) -> bool:
    """Tell whether the shot is rendered as a whole, and nobody says where its faces are.

    Pictures without numbers are no shot: they may have nothing to do with each other.
    """
    frames = plan.shot.frames
    is_shot = len(frames) > 1 and frames.first_loose is None
    locates = settings.choice.needs_locator and not settings.mix.changes_nothing
    return plan.is_whole and is_shot and locates


def settings_with_kept_tracks(
    plan: JobPlan, settings: RenderSettings, model: ModelInUse | None
) -> RenderSettings:
    """Return the settings with the tracks that an earlier run made of the same frames for the same
    model, if it did.
    """
    if not is_to_be_tracked(plan, settings):
        return settings
    tracks = _kept_tracks(plan, _key_of(plan.shot.frames, settings.picture.reading, model))
    return settings if tracks is None else _with_tracks(settings, tracks)


def settings_with_tracks(
    plan: JobPlan,
    settings: RenderSettings,
    *,
    model: ModelInUse | None,
    landmarker: Landmarker | None,
    report: Report,
    io_timeout: IoTimeout,
    made: dict[str, Tracks] | None = None,
) -> RenderSettings:
    """Return the settings with tracks, where the shot is to be tracked and no signal stops it.

    Args:
        plan: of the shot.
        settings: what to do.
        model: for which it is tracked.
        landmarker: the model's; None where it has none.
        report: takes the progress.
        io_timeout: of reading.
        made: tracks of other jobs of this run, which may be of the same shot.

    Raises:
        OutputError: the tracks cannot be written.
    """
    settings = settings_with_kept_tracks(plan, settings, model)
    if not is_to_be_tracked(plan, settings):
        return settings
    from reggan_plugin.faces.tracks_file import read_tracks, write_tracks
    from reggan_plugin.jobs.track_job import track_frames  # one picture needs none of it

    made = {} if made is None else made
    key = _key_of(plan.shot.frames, settings.picture.reading, model)
    path, key_path = _files_of(plan)
    same = f"{plan.shot.folder} {key}"
    if same not in made:
        result = track_frames(
            plan.shot.frames,
            source=plan.source,
            reading=settings.picture.reading,
            report=report,
            stopped=io_timeout.stopped,
            io_timeout=io_timeout,
            landmarker=landmarker,
        )
        if result.interrupted:
            keep_part(result, path, len(plan.shot.frames), report)
            return settings
        made[same] = result.tracks
    write_tracks(made[same], path)
    write_atomically(key_path, _seal(key, path.read_bytes()).encode())
    # Read back, so that a run that finds the file gives the same bits.
    return _with_tracks(settings, read_tracks(path))


def keep_part(result: "TrackResult", out: Path, frames: int, report: Report) -> None:
    """Write what was tracked until somebody stopped it, under a name that no job waits for.

    Args:
        result: of a shot that was not tracked to its end.
        out: file of the whole shot's tracks.
        frames: of the whole shot.
        report: is told where the part is.

    Raises:
        OutputError: it cannot be written.
    """
    from reggan_plugin.faces.tracks_file import write_tracks

    done = len(result.tracks.frames)
    if not done:
        return
    part = out.with_suffix(f".part{out.suffix}")
    write_tracks(result.tracks, part)
    text = f"The tracks of the first {done} of {counted(frames, 'frame')} are in {part}."
    report(Notice(message=Remark(text, "part-of-tracks", part=part)))


def _with_tracks(settings: RenderSettings, tracks: Tracks) -> RenderSettings:
    return replace(settings, choice=replace(settings.choice, tracks=tracks))


def _files_of(plan: JobPlan) -> tuple[Path, Path]:
    """File of a shot's tracks, and the file that seals them."""
    folder = plan.out / RECORD_FOLDER
    return folder / f"{plan.tracks_name}{TRACKS_SUFFIX}", folder / f"{plan.tracks_name}{KEY_SUFFIX}"


def _kept_tracks(plan: JobPlan, key: str) -> Tracks | None:
    from reggan_plugin.faces.tracks_file import read_tracks

    path, key_path = _files_of(plan)
    with suppress(OSError, UnicodeDecodeError, SourceError):
        seal = key_path.read_text(encoding="ascii")
        if seal == _seal(key, path.read_bytes()):
            return read_tracks(path)
    return None


def _key_of(frames: Sequence[SourceFrame], reading: Reading, model: ModelInUse | None) -> str:
    """Digest of the frames' sizes and times, of how they are read, and of the model."""
    files = []
    for frame in frames:
        with suppress(OSError):
            status = status_of(frame.path)
            files.append((frame.path.name, status.st_size, status.st_mtime_ns))
    weights = None if model is None else model.sha256
    return json.dumps([__version__, PICTURE_REVISION, repr(reading), weights, files])


def _seal(key: str, content: bytes) -> str:
    """Digest of the key and the tracks; edited tracks do not match it."""
    return sha256_of(key.encode() + b"\0" + content)
