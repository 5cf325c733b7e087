"""The plan of a job: the frames it reads and the files it writes, decided before any work.

By default results are named `shot_happy/` beside `shot/`, `frame_happy.png` beside `frame.png`.
"""

import contextlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import Enum
from pathlib import Path

from reggan_plugin.errors import OutputError, OutputExistsError, UsageError
from reggan_plugin.file_safety import (
    found_at,
    identity_of,
    is_taken,
    named_twice,
    refuse_overwriting,
    refuse_way_up,
    remove_leftovers,
)
from reggan_plugin.files.content_credentials import SIDECAR_SUFFIX
from reggan_plugin.files.exr.writing_settings import GenerationLoss
from reggan_plugin.files.image_format import can_read, format_named, is_video
from reggan_plugin.files.sequence import (
    FrameRange,
    SourceFrame,
    name_before_number,
    name_of_source,
    range_outside,
)
from reggan_plugin.files.sequence import Sequence as Shot
from reggan_plugin.files.video import VideoFile
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.change_layers import LayerFiles, LayerName
from reggan_plugin.jobs.frame_record import RECORD_FOLDER, FrameFacts, read_record, record_path
from reggan_plugin.jobs.input_files import Source, one_sequence
from reggan_plugin.jobs.results_and_events import FrameResult, Outcome

PLACEHOLDER = "{expression}"
"""Stands in the name of an output for the expression."""


def named(pattern: Path, label: str) -> Path:
    """Return a path with the expression in its place."""
    return Path(str(pattern).replace(PLACEHOLDER, label))


def default_output_folder(source: str, label: str) -> Path:
    """Return the default folder for results: `<name>_<label>` beside the folder or files of
    `source`.
    """
    path = Path(source)
    named_by_folder = path.is_dir() or (not path.is_file() and not name_before_number(path))
    if named_by_folder:
        folder = path if path.is_dir() else path.parent
        parent = folder.parent if folder.name not in ("", "..") else folder.resolve().parent
    else:
        parent = path.parent
    return parent / f"{name_of_source(path)}_{label}"


def default_output_file(path: Path, label: str) -> Path:
    """Return the default file for the result of a picture or a video: `<name>_<label>.<ending>`."""
    return path.with_name(f"{path.stem}_{label}{path.suffix}")


class Existing(Enum):
    """Treatment of outputs that exist already."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    RESUME = "resume"
    """Keep those that an earlier run made in the same way from the same input."""
    REHASH = "rehash"
    """Likewise, and read every file for it, whatever its size and time say."""

    @property
    def keeps_finished(self) -> bool:
        """True if what an earlier run finished is kept."""
        return self in (Existing.RESUME, Existing.REHASH)


@frozen
class FrameTask:
    """One frame and the file that it becomes."""

    source: SourceFrame
    output: Path
    existing: Existing
    """What to do about files at its places, also those that appear while the job runs."""
    layers: Mapping[LayerName, Path] = field(default_factory=dict)
    """Files of the change beside it."""
    sidecar: Path | None = None
    """The file of its Content Credentials, where a signed frame's format cannot hold them."""

    @property
    def beside(self) -> list[Path]:
        """All files that are written with the output."""
        return [*self.layers.values(), *([] if self.sidecar is None else [self.sidecar])]

    def result(
        self,
        outcome: Outcome,
        message: str | None,
        facts: FrameFacts | None = None,
        loss: GenerationLoss | None = None,
    ) -> FrameResult:
        """Return what became of it; without facts, nothing is known of its face."""
        result = FrameResult(
            source=self.source.path,
            output=self.output,
            outcome=outcome,
            frame=self.source.number,
            message=message,
        )
        if facts is None:
            return result
        return replace(
            result,
            warnings=facts.warnings if outcome in ("written", "copied") else (),
            weights=facts.weights,
            intensity_share=facts.intensity_share,
            generation_loss=loss,
            seconds=facts.seconds,
        )


@frozen
class JobPlan:
    """The frames of a job in order, and the shot that they are a part of."""

    source: str
    shot: Shot
    """All frames of the source, whatever part was asked for."""
    out: Path
    tasks: tuple[FrameTask, ...]
    missing: FrameRange
    """Numbers within the shot that were asked for, and that it has no frames of."""
    outside: FrameRange
    """Those before the first and behind the last frame on disk."""
    is_whole: bool
    """True if all of the shot was asked for, not a range of it."""
    tracks_name: str = "render"
    """Name of its tracks: several shots may have one folder for their results."""
    whole: Path | None = None
    """The one file that all outputs go into in the end, where the source is a video."""
    existing: Existing
    """What to do about outputs that are there already."""
    video: VideoFile | None = None
    """The video that the frames are in, if they are in one."""

    @property
    def names_beside(self) -> dict[Path, list[str]]:
        """Names of the files that are written beside the outputs, by their folder."""
        names: dict[Path, list[str]] = {}
        for path in (path for task in self.tasks for path in task.beside):
            names.setdefault(path.parent, []).append(path.name)
        return names


@frozen
class OutputRequest:
    """What is asked of results.

    Attributes:
        out: a folder for everything, or the file of a single picture; `{expression}` in it is the
            label. By default results go beside their sources, to `<folder>_<label>` or
            `<name>_<label>.<ending>`; they have the same names in the folder of several
            expressions.
        out_is_folder: whether a slash at its end says that `out` is one.
        existing: what to do about outputs that are there already.
        layer_files: the change as files beside the frames.
        is_signed: whether the results get Content Credentials.
    """

    out: Path | None = None
    out_is_folder: bool = False
    existing: Existing = Existing.REFUSE
    layer_files: LayerFiles | None = None
    is_signed: bool = False


def plan_job(
    source: str,
    frame_range: str | None,
    out: Path | None,
    label: str,
    existing: Existing,
    *,
    layer_files: LayerFiles | None = None,
    is_signed: bool = False,
) -> JobPlan:
    """Decide what to read and write of one sequence; nothing on disk is changed.

    Args:
        source: folder, file or pattern.
        frame_range: part of the sequence, or None for all of it.
        out: as in `OutputRequest`.
        label: the expression.
        existing: as in `OutputRequest`.
        layer_files: as in `OutputRequest`.
        is_signed: as in `OutputRequest`.

    Raises:
        SourceError: the source holds no frame, or more than one sequence.
        UsageError: an output would take the place of an input.
        OutputExistsError: outputs exist and `existing` refuses them.
    """
    asked = OutputRequest(out=out, existing=existing, layer_files=layer_files, is_signed=is_signed)
    sources = [one_sequence(source)]
    [plan] = plan_sources(sources, asked, label, frame_range=frame_range, is_chunk=True)
    refuse_plans([plan], [task.source.path for task in plan.tasks], existing)
    return plan


def plan_outputs(
    source: str,
    shot: Shot,
    chosen: Shot,
    outputs: Iterable[Path],
    folder: Path,
    asked: OutputRequest,
    *,
    tracks_name: str = "render",
    whole: Path | None = None,
    video: VideoFile | None = None,
) -> JobPlan:
    """Return the plan that makes an output of each of the chosen frames of a shot.

    `folder` holds all outputs; `refuse_plans` has still to look at them.
    """
    existing, layers = asked.existing, asked.layer_files
    if whole is not None and existing is Existing.REFUSE:
        existing = Existing.OVERWRITE  # frames wait in a folder of ours
    tasks = tuple(
        FrameTask(
            source=frame,
            output=output,
            existing=existing,
            layers={} if layers is None else layers.paths_of(frame.path),
            sidecar=_sidecar_of(output) if asked.is_signed else None,
        )
        for frame, output in zip(chosen.frames, outputs, strict=True)
    )
    return JobPlan(
        source=source,
        shot=shot,
        out=folder,
        tasks=tasks,
        missing=chosen.missing,
        outside=chosen.outside,
        is_whole=chosen is shot,
        tracks_name=tracks_name,
        whole=whole,
        existing=asked.existing,
        video=video,
    )


def _sidecar_of(output: Path) -> Path | None:
    found = format_named(output.name)
    holds = found is not None and found.holds_credentials
    return None if holds else output.with_suffix(SIDECAR_SUFFIX)


def refuse_plans(plans: Sequence[JobPlan], inputs: Iterable[Path], existing: Existing) -> None:
    """Refuse outputs that are inputs, layers beside the source frames, two results for one name,
    and what `existing` refuses.

    Raises:
        UsageError: an output would take the place of an input or of another output, or a link
            leads layers, which would be taken for frames, into the folder of the frames.
        OutputExistsError: outputs exist and `existing` refuses them.
    """
    tasks = [task for plan in plans for task in plan.tasks]
    outputs: list[Path] = []
    for plan in plans:
        outputs += [plan.whole] if plan.whole else [task.output for task in plan.tasks]
    beside = [path for task in tasks for path in task.beside]
    folders = {path.parent for task in tasks for path in task.layers.values()}
    sources = {task.source.path.parent for task in tasks} if folders else set()
    homes = {identity_of(folder) for folder in sources} - {None}
    for folder in folders:
        if identity_of(folder) in homes:
            raise UsageError(
                f"{folder} is where the source frames lie, and layers beside them would be taken "
                "for frames. Name another folder for the layers."
            )
    twice = named_twice([*outputs, *beside])
    if twice is not None and any(twice in task.layers.values() for task in tasks):
        raise UsageError(
            f"Two of the results would both have the layer {twice}.", kind="layers-of-one-name"
        )
    if twice is not None and twice not in outputs:
        raise UsageError(
            f"Two of the results would both have their credentials in {twice}. Render one of them "
            "into another folder."
        )
    if twice is not None:
        raise UsageError(
            f"Two of the inputs would both become {twice}. Name them one after another, or "
            "leave the output out, so that each result lies beside its source."
        )
    written = [path for output in outputs for path in (output, record_path(output))]
    refuse_overwriting((*written, *beside), inputs)
    refuse_existing(outputs, existing, beside)
    for plan in plans if existing.keeps_finished else ():
        for task in plan.tasks[:1]:  # before the shot is tracked; of others while they are rendered
            if (record := read_record(task.output)) is not None:
                record.refuse_another(task.output, task.source.path)


def is_name_of_picture(out: Path) -> bool:
    """Tell whether an output is named like a picture, and is no folder."""
    return can_read(out) and not out.is_dir()


def make_output_folder(plan: JobPlan) -> None:
    """Create the folder of a job, make sure that it takes files, and clear it of what killed runs
    left of the files that are now to be written.

    Raises:
        OutputError: it cannot be created or written to.
    """
    names = [task.output.name for task in plan.tasks]
    records = [record_path(task.output) for task in plan.tasks]
    whole = [] if plan.whole is None else [plan.whole, record_path(plan.whole)]
    own = plan.out / RECORD_FOLDER
    clears = [(plan.out, names), (own, [path.name for path in records])]
    clears += [(path.parent, [path.name]) for path in whole]
    make_writable_folder(own, clears, said=plan.out)
    for folder, beside in plan.names_beside.items():
        make_writable_folder(folder, [(folder, beside)])


def make_writable_folder(
    folder: Path, clears: Iterable[tuple[Path, list[str]]] = (), *, said: Path | None = None
) -> None:
    """Create a folder, and make sure that it takes files.

    Args:
        folder: with those above it.
        clears: folders, and names of files of which killed runs may have left something there.
        said: the folder that an error names; None is this one.

    Raises:
        OutputError: it cannot be created or written to.
        UsageError: as `refuse_way_up`.
    """
    said = said or folder
    refuse_way_up(folder)
    try:
        if folder.name == RECORD_FOLDER and folder.is_symlink():
            raise OutputError(
                f"{folder} is a link. Records are written beside their frames alone, as elsewhere "
                "they may replace files of others. Remove the link."
            )
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for place, names in clears:
            remove_leftovers(place, names)
    except OSError as error:
        leads_nowhere = said.is_symlink() and not said.exists()
        reason = "it is a link that leads nowhere" if leads_nowhere else error.strerror
        raise OutputError(
            f"{said} takes no files: {reason}. Name another folder, or give yourself "
            "the right to write there."
        ) from error
    except RecursionError:
        raise OutputError(
            f"{str(said)[:200]} has too many folders within folders. Name another."
        ) from None


@contextlib.contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Create a folder as `make_writable_folder`; if what is done fails, it goes while it is empty.

    Raises:
        OutputError: it cannot be created or written to.
    """
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    make_writable_folder(folder)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # something is in it
            for place in new:
                place.rmdir()
        raise


def refuse_existing(
    outputs: Sequence[Path], existing: Existing, beside: Sequence[Path] = ()
) -> None:
    """Refuse outputs, and files beside them, that exist, unless `existing` lets the job replace or
    keep them; `FinishedFrames.refuse_foreign` looks at each of those beside outputs that are kept.

    Raises:
        OutputExistsError: one exists; or, for RESUME, exists without a record.
    """
    there = [output for output in outputs if is_taken(output)]
    if existing is Existing.REFUSE and there:
        many = f"{len(there)} of {len(outputs)} outputs exist in {there[0].parent}, first "
        found = found_at(there[0]) if len(outputs) == 1 else f"{many}{there[0].name}"
        raise OutputExistsError(
            f"{found}, and nothing is replaced unless you say so.", kind="outputs-exist"
        )
    foreign = [output for output in there if not record_path(output).exists()]
    if existing.keeps_finished and foreign:
        raise OutputExistsError(
            f"{len(foreign)} of {len(outputs)} outputs exist in {there[0].parent} and have no "
            f"record of reggan-plugin's, first {foreign[0].name}: nothing says how they were made. "
            "Name another place, or replace them.",
            kind="outputs-without-record",
        )
    if existing is Existing.REFUSE and beside:
        refuse_existing(beside, existing)


def refuse_source_folder(source: Path, folder: Path) -> None:
    """Refuse to write into the folder in which the source frames lie.

    Raises:
        UsageError: the folder is that one.
    """
    if folder.exists() and folder.samefile(source):
        raise UsageError(
            f"The results would go to {folder}, where the source frames lie, and the input is "
            "never overwritten. Name another folder."
        )


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
    asked: OutputRequest,
    label: str,
    *,
    frame_range: str | None = None,
    is_one_of_several: bool = False,
    is_chunk: bool = False,
) -> list[JobPlan]:
    """Decide what to read and write for each source; nothing on disk is changed.

    `refuse_plans` has still to look at them.

    Args:
        sources: what was named.
        asked: of the results.
        label: the expression.
        frame_range: part of every sequence, or None for all of it.
        is_one_of_several: whether other expressions go to the same `out`.
        is_chunk: whether the range may hold no frame, as farms ask for such chunks of a sequence;
            then `out` is a folder unless it is named like a picture.

    Raises:
        RangeOutsideError: a sequence has no frame of the range.
        UsageError: one file is to hold several results.
    """
    out = asked.out
    is_shared = out is not None and is_one_of_several and PLACEHOLDER not in str(out)
    out = None if out is None else named(out, label)
    layers = asked.layer_files
    if layers is not None:
        layers = replace(layers, folder=named(layers.folder, label))
        asked = replace(asked, layer_files=layers)
    chosen = [
        source.shot if frame_range is None else source.shot.part(frame_range) for source in sources
    ]
    for source, own in zip(sources, chosen, strict=True):
        if frame_range is not None and not (own.frames or own.missing or is_chunk):
            raise range_outside(source.shot, frame_range)
    file = None if out is None or asked.out_is_folder or out.is_dir() else out
    if file is not None and is_chunk and not is_name_of_picture(file):
        file = None
    if file is not None:
        if is_shared and (is_name_of_picture(file) or is_video(file)):
            raise UsageError(
                f"{file} is one file, and each expression has its own. Name a folder, or write "
                "{expression} into the name.",
                kind="picture-for-many",
            )
        _refuse_one_file(file, sources, chosen)
    homes = Counter((source.home, source.below) for source in sources)
    place = _Place(out=out, file=file, label=label, is_shared=is_shared)
    plans = []
    for source, own in zip(sources, chosen, strict=True):
        whole, is_alone = place.of_video(source), homes[source.home, source.below] == 1
        plan = plan_outputs(
            source.text,
            source.shot,
            own,
            *place.of_frames(source, own, whole),
            asked,
            tracks_name="render" if is_alone else Path(source.text).name,
            whole=whole,
            video=source.video,
        )
        plans.append(plan)
    return plans


def _refuse_one_file(out: Path, sources: Sequence[Source], chosen: Sequence[Shot]) -> None:
    """Refuse an output that names one file, and is no folder, where there are more results; or that
    would be a folder named like a file, `smile.avi`.

    Raises:
        UsageError: it does.
    """
    frames = sum(len(one.frames) for one in chosen)
    if is_name_of_picture(out) and frames != 1:
        found = f"{out} is one picture, but {frames} are to be written."
    elif is_video(out) and len(sources) != 1:
        found = f"{out} is one video, but {len(sources)} are to be written."
    elif can_read(out) or is_video(out) or not _OTHER_KINDS.fullmatch(out.suffix):
        return
    else:
        suffix = Path(sources[0].text).suffix
        right = f"Let it end in {suffix}" if suffix else "Let it end in .mp4 for a video"
        raise UsageError(
            f"{out} is named like a file of a kind that is not written. {right}. If you mean a "
            f"folder, write {out}/ with a slash.",
            kind="output-of-other-format",
        )
    raise UsageError(f"{found} Name a folder.", kind="picture-for-many")


@frozen
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
            for path in paths:  # of which `_refuse_one_file` leaves one
                if format_named(path.name) is not format_named(self.file.name):
                    raise UsageError(
                        f"{path.name} keeps its format, so its result is no {self.file.suffix} "
                        f"file. Name it {self.file.with_suffix(path.suffix).name}.",
                        kind="output-of-other-format",
                    )
            return [self.file for _ in paths], self.file.parent
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


def frames_folder(out: Path) -> Path:
    """Folder of the finished frames of a video."""
    return record_path(out).with_suffix(".frames")
