"""The plans of several sources: where the results of each of them go."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.errors import UsageError
from reggan_plugin.files.frame import can_read
from reggan_plugin.files.sequence import Sequence as Shot
from reggan_plugin.files.sequence import range_outside
from reggan_plugin.files.video import is_video
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.output_names import (
    PLACEHOLDER,
    default_output_file,
    default_output_folder,
    named,
)
from reggan_plugin.jobs.plan import (
    Existing,
    JobPlan,
    is_name_of_picture,
    picture_named,
    plan_outputs,
    refuse_source_folder,
)
from reggan_plugin.jobs.sources import Source
from reggan_plugin.jobs.video_job import frames_folder

_OTHER_KINDS = re.compile(
    r"\.(3gp|apng|arw|avi|avif|cin|cr[23]|dds|dng|dpx|flv|hdr|heic|heif|ico|j2k|jfif|jp2|jpe|jxl"
    r"|m2ts|mpe?g|mts|mxf|nef|ogv|p[bgnp]m|pcx|pdf|pfm|pic|ps[bd]|raw|rgbe|sgi|svg|wmv|xcf"
    r"|bpm|exrr|jepg|jgp|jpge|mvo|pgn|pngg|tff|tfi|tiif|wbep"
    r"|blend|csv|fbx|glb|gltf|html?|json|log|md|obj|toml|txt|usd[acz]?|xml|ya?ml|zip)",
    re.IGNORECASE,
)
"""Endings of files that are not written, and mistyped ones of those that are."""


def plan_sources(
    sources: Sequence[Source],
    *,
    frame_range: str | None,
    out: Path | None,
    label: str,
    existing: Existing,
    out_is_folder: bool = False,
    is_one_of_several: bool = False,
    layer_files: LayerFiles | None = None,
) -> list[JobPlan]:
    """Decide what to read and write for each source; nothing on disk is changed.

    `refuse_plans` has still to look at them.

    Args:
        sources: what was named.
        frame_range: part of every sequence, or None for all of it.
        out: a folder for everything, or the file of a single picture; `{expression}` in it is the
            label. By default results go beside their sources, to `<folder>_<label>` or
            `<name>_<label>.<ending>`; they have the same names in the folder of several
            expressions.
        label: the expression.
        existing: what to do about outputs that are there already.
        out_is_folder: whether a slash at its end says that `out` is one.
        is_one_of_several: whether other expressions go to the same `out`.
        layer_files: the change as files beside the frames.

    Raises:
        RangeOutsideError: a sequence has no frame of the range.
        UsageError: one file is to hold several results.
    """
    out, is_shared = out_of(out, label, is_one_of_several=is_one_of_several)
    chosen = [_chosen(source.shot, frame_range) for source in sources]
    file = None if out is None or out_is_folder or out.is_dir() else out
    if file is not None:
        if is_shared and (is_name_of_picture(file) or is_video(file)):
            raise UsageError(
                f"{file} is one file, and each expression has its own. Name a folder, or write "
                "{expression} into the name.",
                kind="picture-for-many",
            )
        _refuse_one_file(file, sources, chosen)
    homes = Counter((source.home, source.below) for source in sources)
    plans = []
    for source, own in zip(sources, chosen, strict=True):
        place = _Place(out=out, file=file, label=label, is_shared=is_shared)
        whole, is_alone = place.of_video(source), homes[source.home, source.below] == 1
        plan = plan_outputs(
            source.text,
            source.shot,
            own,
            *place.of_frames(source, own, whole),
            existing,
            layer_files=layer_files,
            tracks_name="render" if is_alone else Path(source.text).name,
            whole=whole,
        )
        plans.append(plan)
    return plans


def out_of(out: Path | None, label: str, *, is_one_of_several: bool) -> tuple[Path | None, bool]:
    """Return the output with the expression in its place, and whether other expressions share
    it.
    """
    if out is None or PLACEHOLDER not in str(out):
        return out, out is not None and is_one_of_several
    return named(out, label), False


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
    """Refuse an output that would be a folder named like a file, `smile.avi`.

    Raises:
        UsageError: it would.
    """
    if can_read(out) or is_video(out) or not _OTHER_KINDS.fullmatch(out.suffix):
        return
    suffix = Path(sources[0].text).suffix
    right = f"Let it end in {suffix}" if suffix else "Let it end in .mp4 for a video"
    raise UsageError(
        f"{out} is named like a file of a kind that is not written. {right}. If you mean a folder, "
        f"write {out}/ with a slash.",
        kind="output-of-other-format",
    )


def _chosen(shot: Shot, frame_range: str | None) -> Shot:
    if frame_range is None:
        return shot
    chosen = shot.part(frame_range)
    if not chosen.frames and not chosen.missing:
        raise range_outside(shot, frame_range)
    return chosen


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the results of one expression go.

    Attributes:
        out: as it was named; None is beside the sources.
        file: the same, if it is one file.
        label: the expression.
        is_shared: whether `out` takes results of other expressions, too.
    """

    out: Path | None
    file: Path | None
    label: str
    is_shared: bool

    def of_video(self, source: Source) -> Path | None:
        """Return the file that a video becomes; None of other sources."""
        if self.file is not None and is_video(self.file):
            return self.file
        if source.video is None:
            return None
        path = source.video.path
        own = default_output_file(path, self.label)
        if self.out is not None:
            name = own.name if self.is_shared else path.name
            return self.out / source.shared / source.below / name
        return own if source.below == Path() else self._beside(source) / path.name

    def of_frames(
        self, source: Source, chosen: Shot, video: Path | None
    ) -> tuple[list[Path], Path]:
        """Return the file that each chosen frame becomes, and the folder of them all."""
        paths = [frame.path for frame in chosen.frames]
        if video is not None:
            folder = frames_folder(video)
            return [folder / path.name for path in paths], folder
        if self.file is not None and is_name_of_picture(self.file):
            return [picture_named(self.file, chosen)], self.file.parent
        if source.is_by_file and (self.out is None or self.is_shared):
            folder = self.out or source.shot.folder
            return [folder / default_output_file(path, self.label).name for path in paths], folder
        if self.out is None or self.is_shared:
            folder = self._beside(source)
        else:
            folder = self.out / source.shared / source.below
        refuse_source_folder(source.shot.folder, folder)
        return [folder / path.name for path in paths], folder

    def _beside(self, source: Source) -> Path:
        """Return the folder that is named after the source, beside it or in what is shared."""
        own = default_output_folder(source.home, self.label)
        return (own if self.out is None else self.out / own.name) / source.below
