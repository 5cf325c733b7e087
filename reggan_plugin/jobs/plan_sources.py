"""The plans of several sources: where the results of each of them go."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from reggan_plugin.errors import UsageError
from reggan_plugin.files.frame import can_read
from reggan_plugin.files.sequence import Sequence as Shot
from reggan_plugin.files.sequence import range_outside
from reggan_plugin.files.video import is_video
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.output_names import default_output_file, default_output_folder
from reggan_plugin.jobs.plan import (
    Existing,
    JobPlan,
    is_name_of_picture,
    picture_named,
    plan_outputs,
    refuse_plans,
    refuse_source_folder,
)
from reggan_plugin.jobs.sources import Source
from reggan_plugin.jobs.video_job import frames_folder

_OTHER_KINDS = re.compile(
    r"\.(3gp|apng|arw|avi|avif|cin|cr[23]|dds|dng|dpx|flv|hdr|heic|heif|ico|j2k|jfif|jp2|jpe|jxl"
    r"|m2ts|mpe?g|mts|mxf|nef|ogv|p[bgnp]m|pcx|pdf|pfm|pic|ps[bd]|raw|rgbe|sgi|svg|wmv|xcf"
    r"|bpm|exrr|jepg|jgp|jpge|mvo|pgn|pngg|tff|tfi|tiif|wbep)",
    re.IGNORECASE,
)
"""Endings of pictures and videos that are not written, and mistyped ones of those that are."""


def plan_sources(
    sources: Sequence[Source],
    *,
    frame_range: str | None,
    out: Path | None,
    label: str,
    existing: Existing,
    out_is_folder: bool = False,
    layer_files: LayerFiles | None = None,
    inputs: Iterable[Path] = (),
) -> list[JobPlan]:
    """Decide what to read and write for each source; nothing on disk is changed.

    Args:
        sources: what was named.
        frame_range: part of every sequence, or None for all of it.
        out: a folder for everything, or the file of a single picture. By default results go
            beside their sources, to `<folder>_<label>` or `<name>_<label>.<ending>`.
        label: the expression.
        existing: what to do about outputs that are there already.
        out_is_folder: whether `out` is one whatever its name.
        layer_files: the change as files beside the frames.
        inputs: further files that the jobs read.

    Raises:
        RangeOutsideError: a sequence has no frame of the range.
        UsageError: an output would take the place of an input or another output.
        OutputExistsError: outputs exist and `existing` refuses them.
    """
    chosen = [_chosen(source.shot, frame_range) for source in sources]
    file = None if out is None or out_is_folder or out.is_dir() else out
    if file is not None:
        _refuse_one_file(file, sources, chosen)
    homes = Counter(source.home for source in sources)
    plans = []
    for source, own in zip(sources, chosen, strict=True):
        whole = _video_output(source, out, file, label)
        plan = plan_outputs(
            source.text,
            source.shot,
            own,
            *_outputs(source, own, out, file, label, whole),
            existing,
            layer_files=layer_files,
            tracks_name=Path(source.text).name if homes[source.home] > 1 else "render",
            whole=whole,
        )
        plans.append(plan)
    refuse_plans(plans, (*_read_files(sources, chosen), *inputs), existing)
    return plans


def _read_files(sources: Sequence[Source], chosen: Sequence[Shot]) -> list[Path]:
    videos = [source.video.path for source in sources if source.video is not None]
    return [*(frame.path for one in chosen for frame in one.frames), *videos]


def _refuse_one_file(out: Path, sources: Sequence[Source], chosen: Sequence[Shot]) -> None:
    """Refuse an output that names one file, and is no folder, where there are more results.

    Raises:
        UsageError: it does.
    """
    frames = sum(len(one.frames) for one in chosen)
    if is_name_of_picture(out) and frames != 1:
        found = f"{out} is one picture, but {frames} are to be written."
    elif is_video(out) and len(sources) != 1:
        found = f"{out} is one video, but {len(sources)} are to be written."
    else:
        _refuse_other_kind(out, sources)
        return
    raise UsageError(f"{found} Name a folder.", kind="picture-for-many")


def _refuse_other_kind(out: Path, sources: Sequence[Source]) -> None:
    """Refuse an output of a single file that would be a folder named like one, `smile.avi`.

    Raises:
        UsageError: it would.
    """
    of_one_file = len(sources) == 1 and (sources[0].video is not None or sources[0].is_by_file)
    if not of_one_file or can_read(out) or is_video(out):
        return
    if _OTHER_KINDS.fullmatch(out.suffix):
        raise UsageError(
            f"{out} is named like a file of a kind that is not written. Let it end in "
            f"{Path(sources[0].text).suffix}, or name a folder.",
            kind="output-of-other-format",
        )


def _video_output(source: Source, out: Path | None, file: Path | None, label: str) -> Path | None:
    """Return the file that a video becomes, `file` if that is one; None of other sources."""
    if source.video is None:
        return None
    path = source.video.path
    if out is None:
        return default_output_file(path, label)
    if file is not None and is_video(file):
        return file
    return out / source.below / path.name


def _chosen(shot: Shot, frame_range: str | None) -> Shot:
    if frame_range is None:
        return shot
    chosen = shot.part(frame_range)
    if not chosen.frames and not chosen.missing:
        raise range_outside(shot, frame_range)
    return chosen


def _outputs(
    source: Source,
    chosen: Shot,
    out: Path | None,
    file: Path | None,
    label: str,
    video: Path | None,
) -> tuple[list[Path], Path]:
    """Return the file that each chosen frame becomes, and the folder of them all."""
    paths = [frame.path for frame in chosen.frames]
    if video is not None:
        folder = frames_folder(video)
        return [folder / path.name for path in paths], folder
    if file is not None and is_name_of_picture(file):
        return [picture_named(file, chosen)], file.parent
    if out is None and source.is_by_file:
        return [default_output_file(path, label) for path in paths], source.shot.folder
    folder = default_output_folder(source.home, label) if out is None else out / source.below
    refuse_source_folder(source.shot.folder, folder)
    return [folder / path.name for path in paths], folder
