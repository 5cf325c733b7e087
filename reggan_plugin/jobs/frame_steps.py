"""The three steps of a frame: read it, change its faces, write it with its record; and how many
frames may be in memory at once.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.change.pipeline import EditedFrame, FrameAnswers, FrameCrops
from reggan_plugin.errors import (
    FRAME_FAULTS,
    DeviceUnavailableError,
    ModelError,
    OutputError,
    OutputExistsError,
    RegganError,
    Remark,
    SourceError,
    StalledError,
)
from reggan_plugin.faces.face_finder import ChosenFaces
from reggan_plugin.file_safety import path_from, refuse_existing, write_atomically
from reggan_plugin.files.content_credentials import (
    DIGITAL_SOURCE_TYPE,
    SIDECAR_SUFFIX,
    PictureSigner,
)
from reggan_plugin.files.exr.writing_settings import EncodedFrame
from reggan_plugin.files.frame import (
    Encoding,
    Frame,
    name_of_frame,
    read_content,
    refuse_other_files,
)
from reggan_plugin.files.image_format import faults_named, format_of, is_changed
from reggan_plugin.files.sequence import FrameList, SourceFrame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop
from reggan_plugin.jobs.change_layers import FrameChange, layer_files
from reggan_plugin.jobs.finished_frames import FinishedFrames
from reggan_plugin.jobs.frame_record import (
    SETTLED_S,
    FileState,
    FrameFacts,
    FrameRecord,
    RecordedFace,
    RecordedFile,
    RecordedModel,
    digest_of,
    read_record,
    sha256_of,
    state_of,
    write_record,
)
from reggan_plugin.jobs.plan import Existing, FrameTask
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame, names_of
from reggan_plugin.jobs.results_and_events import (
    INTENSITY_0,
    NO_FACE,
    TURNED_AWAY,
    FrameResult,
    ModelInUse,
    Outcome,
    face_not_found,
    none_of_number,
)
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.transfer.display_picture import picture_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

_SAMPLES = 24
"""Points to a side by which the part of a crop in the picture is counted."""


@frozen(eq=False)
class FrameInput:
    """A frame as it goes to the model: cropped, with what is known of it."""

    frame: Frame
    cut: FrameCrops
    facts: FrameFacts


@frozen(eq=False)
class ChangedFrame:
    """A frame that waits to be composed and written."""

    frame: Frame
    answered: FrameAnswers
    facts: FrameFacts


@frozen(eq=False)
class UnchangedFrame:
    """A file that waits to be copied byte for byte."""

    content: bytes
    reason: str
    facts: FrameFacts


@frozen
class EndedFrame:
    """A frame that gets no output: an earlier run finished it, or it is skipped or failed."""

    outcome: Outcome
    message: str
    facts: FrameFacts | None
    """None where the record of an earlier run stays."""


ReadFrame = FrameInput | UnchangedFrame | EndedFrame
ReadyFrame = ChangedFrame | UnchangedFrame | EndedFrame


def recorded_face(shape: tuple[int, int], crop: FaceCrop, share: float) -> RecordedFace:
    """Return a face as it stands in a record.

    Args:
        shape: (height, width) of the picture.
        crop: where the face lies in it.
        share: what the turn of its head leaves of the intensity.
    """
    middles = (np.arange(_SAMPLES) + 0.5) * crop.side_px / _SAMPLES
    points = crop.place(np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2))
    inside = ((points >= 0) & (points < shape[::-1])).all(axis=1)
    corners = crop.corners().round(2)
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    return RecordedFace(
        face=crop.face,
        score=crop.score,
        status=crop.status,
        yaw_deg=None if crop.yaw_deg is None else round(crop.yaw_deg, 2),
        share=round(share, 4),
        inside=round(float(inside.mean()), 3),
        box_px=(left, top, round(right - left, 2), round(bottom - top, 2)),
    )


def read_input(io_timeout: IoTimeout, path: Path, facts: FrameFacts) -> tuple[bytes, FrameFacts]:
    """Return the bytes of a frame's file, and the facts with what tells it from other files.

    Raises:
        UnreadableFrameError: it cannot be read.
        StalledError: its folder does not answer.
    """
    state, content = io_timeout.call(
        str(path), lambda: (state_of(path, settled_s=SETTLED_S), read_content(path))
    )
    return content, replace(facts, input_sha256=sha256_of(content), input_state=state)


Step = TypeVar("Step")

JOB_FAULTS = (ModelError, DeviceUnavailableError)
"""Of `FRAME_FAULTS`, but every other frame would meet them, too."""


def unless_it_fails(
    task: FrameTask, facts: FrameFacts, step: Callable[[], Step]
) -> Step | EndedFrame:
    """Run a step; an error ends its frame alone."""
    try:
        return step()
    except JOB_FAULTS:
        raise
    except RegganError as error:
        message: str = error.remark
    except OSError as error:
        message = f"{task.source.path}: {error}."
    except MemoryError:
        path = task.source.path
        message = Remark(
            f"{path} does not fit into the memory that is free. Close other programs, or say where "
            "the face is, so that it need not be searched for.",
            "out-of-memory",
            source=path,
        )
    return EndedFrame(outcome="failed", message=message, facts=facts)


SEEN_THROUGH = (
    "The face lies where alpha is 0, so none of its pixels changes. Render it with alpha."
)
NO_LAYERS = Remark("It is copied as it is, without the layers of others.", "no-layers")
LEFT_OUT = "The face lies where the matte is 0 or no number, so none of its pixels changes."
PIXELS_WHILE_RENDERING = 18_000_000
"""Two 4K frames: a third one takes half a gigabyte more of memory, and a frame is read while
another one is changed and written anyway."""
_PAIRS_UP_TO = 8192 * 4320
"""Pixels of a frame that is never alone where several may be: it is read while one is changed."""
PIXELS_WHILE_TRACKING = 100_000_000
"""Frames that are only looked at."""


def room_beside(pixels: int, most: int, pixels_in_all: int) -> int:
    """Return the number of frames of so many pixels that may be in memory beside one, of `most` in
    all.
    """
    least = 2 if pixels <= _PAIRS_UP_TO else 1
    return min(most, max(least, pixels_in_all // pixels)) - 1


def stamped(content: bytes, text: str) -> bytes:
    """Return the file with a stamp, in place of an older one.

    Args:
        content: a file of one of the formats.
        text: ASCII without NUL.

    Raises:
        OutputError: it is none, as only a package that adds formats can make it.
    """
    found = format_of(content)
    if found is None:
        raise OutputError(
            f"What was to be written begins with {content[:8]!r}, as no picture does. Mend the "
            "package that adds this format, or uninstall it."
        )
    return found.stamp(content, text)


def stamp_content(facts: FrameFacts, model: RecordedModel | None) -> dict[str, Any]:
    """Return the stamp of a frame, as a JSON object."""
    return {
        "version": __version__,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "model": asdict(model) if model else None,
        "expression": facts.expression,
        "weights": facts.weights,
        **({"by_face": facts.by_face} if facts.by_face else {}),
        "settings_sha256": facts.settings_sha256,
        "input_sha256": facts.input_sha256,
    }


class FrameOutput:
    """Writes what a job makes of its frames.

    Attributes:
        earlier: what is there already.
    """

    def __init__(
        self, settings: RenderSettings, model: ModelInUse | None, io_timeout: IoTimeout
    ) -> None:
        """Write frames that `model` changed as `settings` ask.

        Raises:
            MissingExtraError, SigningError: they are to be signed, and cannot be.
        """
        self._settings, self._model, self._io_timeout = settings, model, io_timeout
        self.earlier = FinishedFrames(settings, model, io_timeout)
        self._recorded_model = (
            None
            if model is None
            else RecordedModel(name=model.name, version=model.version, sha256=model.sha256)
        )
        signing = settings.signing
        self._signer = None if signing is None else PictureSigner(signing, version=__version__)

    def write(self, task: FrameTask, ready: ChangedFrame | UnchangedFrame) -> FrameResult:
        """Write a frame and its record.

        Raises:
            OutputError: it cannot be written.
            SigningError: it cannot be signed.
            SourceError: it is to be signed, and its source is not what it was.
            StalledError: the folder does not answer.
        """
        begin, facts = time.perf_counter(), ready.facts
        outcome: Outcome
        message: str | None
        if isinstance(ready, ChangedFrame):
            change = FrameChange(frame=ready.frame, edited=ready.answered.compose())
            file, facts = self._encode(task, change, facts)
            share = facts.intensity_share
            faded = f"{TURNED_AWAY}: {share:.0%} of the intensity"
            outcome, message = "written", None if share == 1.0 else faded
            beside = list(layer_files(change, task.layers)) if task.layers else []
            if file.sidecar is not None:
                assert task.sidecar is not None, "the plan knows which formats hold no credentials"
                beside.append((task.sidecar, file.sidecar))
        else:
            file = EncodedFrame(content=ready.content)
            outcome, message = "copied", ready.reason
            lacks_layers = bool(self._settings.picture.writing.layers)
            facts = replace(facts, warnings=(NO_LAYERS,) if lacks_layers else ())
            beside = self._layers_of_no_change(task, ready.content)
        made = self._io_timeout.call(str(task.output), partial(_made_earlier, task))
        credentials = task.output.with_suffix(SIDECAR_SUFFIX)
        written = {path_from(task.output.parent, path) for path, _ in beside}
        stale = made.keys() - written - {task.output.name, credentials.name}
        facts = replace(facts, warnings=(*facts.warnings, *_stale_layers(task, stale)))
        facts = facts.after(time.perf_counter() - begin)
        modified_ns = time.time_ns() // 1000 * 1000  # some disks keep no more digits
        state = FileState(size=len(file.content), modified_ns=modified_ns)
        record = self._record(task, outcome, message, facts, file.content)
        files = {
            path_from(task.output.parent, path): RecordedFile(
                sha256=sha256_of(content),
                state=FileState(size=len(content), modified_ns=modified_ns),
            )
            for path, content in beside
        }
        record = replace(record, output_state=state, beside=files)

        def write() -> None:
            is_new = task.existing is Existing.REFUSE
            if is_new:  # before its record, which would speak of it
                refuse_existing([task.output, *task.beside], overwrite=False)
            # first: see `jobs/frame_record.py`
            write_record(replace(record, replaced=made), task.output)
            for path, content in beside:
                write_atomically(path, content, modified_ns, is_new=is_new)
            if credentials.name in made.keys() - written:
                credentials.unlink()  # they are invalid now; nobody else's are removed
            write_atomically(task.output, file.content, modified_ns, is_new=is_new)

        self._io_timeout.call(str(task.output), write)
        return task.result(outcome, message, facts, file.generation_loss)

    def end(self, task: FrameTask, ended: EndedFrame) -> FrameResult:
        """Write the record of a frame that gets no output, if there is room for it.

        Of a skipped one, what an earlier run wrote is removed first; where that is no file of ours,
        the frame fails, and the record of the earlier run stays.
        """
        if ended.outcome == "skipped" and ended.facts is not None:
            clear = partial(_remove_earlier, task, ended)
            step = partial(self._io_timeout.call, str(task.output), clear)
            cleared = unless_it_fails(task, ended.facts, step)
            if cleared.outcome == "failed" and read_record(task.output) is not None:
                cleared = replace(cleared, facts=None)
            ended = cleared
        if ended.facts is not None:
            record = self._record(task, ended.outcome, ended.message, ended.facts, None)

            def write() -> None:
                write_record(replace(record, replaced=_made_earlier(task)), task.output)

            with suppress(OutputError, StalledError):  # of which the message tells already
                self._io_timeout.call(str(task.output), write)
        return task.result(ended.outcome, ended.message, ended.facts)

    def _layers_of_no_change(self, task: FrameTask, content: bytes) -> list[tuple[Path, bytes]]:
        """Layers that change nothing, so that a shot has them for every frame."""
        if not task.layers:
            return []
        frame = self._settings.picture.reading.decode(content, task.source.path)
        change = FrameChange(frame=frame, edited=EditedFrame.unchanged(frame.pixels))
        return list(layer_files(change, task.layers))

    def _encode(
        self, task: FrameTask, change: FrameChange, facts: FrameFacts
    ) -> tuple[EncodedFrame, FrameFacts]:
        """Return the file; that of a frame in which no pixel changed says nothing of a change."""
        edited = change.edited
        with faults_named(task.source.path):
            file = self._settings.picture.encode(change)
        loss = file.generation_loss
        lost = {} if loss is None else {"loss_largest": loss.largest, "loss_rms": loss.rms}
        stats, warnings = {**_stats(edited), **lost}, (*facts.warnings, *file.notices)
        facts = replace(facts, stats=stats, warnings=warnings)
        if not is_changed(edited.before[edited.box], edited.inside):
            limits = ((change.frame.alpha, SEEN_THROUGH), (change.frame.matte, LEFT_OUT))
            said = [
                sentence
                for plane, sentence in limits
                if plane is not None
                and plane[edited.box].size
                and not (plane[edited.box] > 0).any()
            ]
            return file, replace(facts, warnings=(*facts.warnings, *said))
        content, sidecar, stamp = file.content, None, stamp_content(facts, self._recorded_model)
        if self._settings.stamp:
            content = stamped(content, json.dumps(stamp))
        if self._signer is not None:
            parent = self._source(task, facts)
            content, sidecar = self._signer.sign(
                content, parent=parent, title=task.output.name, facts=stamp
            )
        return replace(file, content=content, sidecar=sidecar), facts

    def _source(self, task: FrameTask, facts: FrameFacts) -> bytes:
        """Return the file that the frame was made from, read again: few frames are signed."""
        path = task.source.path
        content = self._io_timeout.call(str(path), lambda: read_content(path))
        if sha256_of(content) != facts.input_sha256:
            raise SourceError(f"{path} was changed while it was worked on. Render it again.")
        return content

    def _record(
        self,
        task: FrameTask,
        outcome: Outcome,
        message: str | None,
        facts: FrameFacts,
        content: bytes | None,
    ) -> FrameRecord:
        return FrameRecord(
            **vars(facts),
            source=str(task.source.path),
            output=str(task.output),
            outcome=outcome,
            message=message,
            output_sha256=None if content is None else sha256_of(content),
            output_bytes=None if content is None else len(content),
            model=self._recorded_model,
            version=__version__,
            device=None if self._model is None else self._model.device,
        )


def _made_earlier(task: FrameTask) -> dict[str, str]:
    """Return the files of a frame that earlier runs made, as they made them, and that are there
    still, as a record has them. What somebody else put in their place is none.
    """
    record = read_record(task.output)
    if record is None:
        return {}
    made = [
        *record.replaced.items(),
        *((name, file.sha256) for name, file in record.beside.items()),
        (task.output.name, record.output_sha256),
    ]
    found = {name: digest_of(task.output.parent / name) for name, _ in made}
    return {name: digest for name, digest in made if digest and digest == found[name]}


def _stale_layers(task: FrameTask, names: Iterable[str]) -> list[Remark]:
    """Say of layers of an earlier run, by their path from the output's folder, that they stay."""
    paths = [(task.output.parent / name).resolve() for name in names]
    folders = ", ".join(sorted({str(path.parent.parent) for path in paths}))
    text = f"Layers of an earlier run stay in {folders}, and do not fit if the change is another."
    return [Remark(text, "layers-of-earlier-run")] if folders else []


def _remove_earlier(task: FrameTask, ended: EndedFrame) -> EndedFrame:
    """Remove what an earlier run wrote for a frame that is skipped now; nobody else's.

    Returns the same, or with a message of files of places that this run does not ask for, which
    are left since somebody changed them.

    Raises:
        OutputExistsError: a file is there that no record says was written so.
    """
    record, folder = read_record(task.output), task.output.parent
    places = {path_from(folder, path): path for path in (task.output, *task.beside)}
    names = () if record is None else (*record.beside, *record.replaced)
    earlier = {name: folder / name for name in names if name not in places}
    there = {name: path for name, path in {**places, **earlier}.items() if path.exists()}
    changed = there.keys() - _made_earlier(task).keys()
    for name in changed:
        if name in places:
            raise OutputExistsError(
                f"{places[name]} exists, and no record says that it was written like this; but "
                f"{task.source.path.name} is skipped and should have no result. Remove it, or name "
                "another folder.",
                kind="not-own-result",
            )
    for name, path in there.items():
        if name not in changed:
            path.unlink()
    if not changed:
        return ended
    left = ", ".join(str(there[name].resolve()) for name in sorted(changed))
    return replace(ended, message=f"{ended.message}; left, as it was changed since: {left}")


_COMPARED_AT_ONCE = 1 << 16
"""Pixels, so that what is worked on stays in the processor's cache."""


def _stats(edited: EditedFrame) -> dict[str, float]:
    """Return the numbers about a change that a record holds."""
    (height, width), (rows, columns) = edited.before.shape[:2], edited.box
    weight = edited.inside_weight
    edges = (
        (rows.start == 0, weight[:1]),
        (rows.stop == height, weight[-1:]),
        (columns.start == 0, weight[:, :1]),
        (columns.stop == width, weight[:, -1:]),
    )
    at_edge = [float(edge.max(initial=0.0)) for is_edge, edge in edges if is_edge]
    old, count, total, largest = edited.before[edited.box], 0, 0.0, np.float32(0.0)
    step = max(1, _COMPARED_AT_ONCE // max(1, weight.shape[1]))
    for top in range(0, len(weight), step):  # a large face takes hundreds of megabytes
        part = slice(top, top + step)
        counts = weight[part] > 0
        with np.errstate(invalid="ignore"):
            change = edited.inside[part] - old[part]
        np.abs(change, out=change)
        if not np.isfinite(change.max(initial=0.0)):  # as what stays as it is may be
            change[~counts] = 0
        count += int(np.count_nonzero(counts))
        total += float(change.sum(dtype=np.float64))
        largest = np.maximum(largest, change.max(initial=0.0))  # also of what is no number
    return {
        "width": width,
        "height": height,
        "changed_share": round(count / (height * width), 5),
        "mean_change": round(total / max(1, 3 * count), 6),
        "largest_change": round(float(largest), 6),
        "weight_at_edge": round(max(at_edge, default=0.0), 4),
    }


@dataclass(eq=False)
class ShotExposure:
    """The exposure that was given, or that of the first face of the shot.

    Attributes:
        known_ev: stops, if somebody says them; else None until a frame needs them.
        shot: all frames.
        look: the exposure of a frame's face; None if it has none or is not linear.
    """

    known_ev: float | None
    shot: Sequence[SourceFrame]
    look: Callable[[SourceFrame], float | None]
    _measuring: threading.Lock = field(default_factory=threading.Lock, init=False)

    def at(
        self, source: SourceFrame, own: Callable[[], float | None] | None = None
    ) -> float | None:
        """Return the exposure of the shot, for a frame that has a face: no later one is looked at.

        `own` measures this frame, where it is at hand.
        """
        with self._measuring:
            if self.known_ev is None:
                earlier = takewhile(lambda frame: frame.path != source.path, self.shot)
                measured = (ev for ev in map(self._try, earlier) if ev is not None)
                self.known_ev = next(measured, None)
            if self.known_ev is None:
                self.known_ev = self._try(source) if own is None else own()
            return self.known_ev

    def _try(self, source: SourceFrame) -> float | None:
        try:
            return self.look(source)
        except JOB_FAULTS:
            raise
        except FRAME_FAULTS:  # said of the frame when its own turn comes
            return None


CHANGED_BEFORE = (
    "An expression was changed in this picture before; the new one is laid over that. The original "
    "gives a better result."
)
UNSEEN_IN_BOX = (
    "No face is recognised in the box; the change is laid there as if one stood upright."
)
HALVED = (
    "The device has no memory for {asked} faces at once; from here on it is given {batch}. The "
    "last bits of these frames may differ from those of a run that did not have to."
)


class FrameSteps:
    """Each step returns what the next one takes; faults that a frame can have are its end.

    Other exceptions are bugs, or would meet every other frame, too, and go through. The steps run
    in different threads, so that the model has one for itself.
    """

    def __init__(
        self,
        settings: RenderSettings,
        transfer: ExpressionTransfer | None,
        shot: FrameList,
        output: FrameOutput,
        io_timeout: IoTimeout,
    ) -> None:
        """Prepare the steps.

        Args:
            settings: what to do.
            transfer: may be None where the settings change nothing.
            shot: all frames of the sequence; the first with a face sets the exposure.
            output: writes frames and their records.
            io_timeout: of reading.
        """
        self._settings, self._transfer, self._shot = settings, transfer, shot
        self._by_frame = SettingsByFrame(settings, shot)
        self._output, self._io_timeout = output, io_timeout
        tracks = settings.choice.tracks
        given_ev = settings.exposure_ev
        if given_ev is None and tracks is not None:
            given_ev = tracks.exposure_ev
        self.exposure = ShotExposure(given_ev, shot, self._look)

    def read(self, task: FrameTask) -> ReadFrame:
        """Read a frame and find its faces, if there is anything to be done to it."""
        facts = self._by_frame.facts_at(task.source)
        begin = time.perf_counter()
        read = unless_it_fails(task, facts, lambda: self._read(task, facts))
        if read.facts is None:
            return read
        return replace(read, facts=read.facts.after(time.perf_counter() - begin))

    def change(self, frames: Sequence[tuple[FrameTask, ReadFrame]]) -> list[ReadyFrame]:
        """Run the model; the frames share its batches."""
        waiting = [(task, one) for task, one in frames if isinstance(one, FrameInput)]
        changed = iter(self._answer(waiting))
        return [next(changed) if isinstance(one, FrameInput) else one for _, one in frames]

    def write(self, task: FrameTask, content: ReadyFrame) -> FrameResult:
        """Compose and encode a changed frame, or copy an unchanged one; write its record."""
        if isinstance(content, EndedFrame):
            return self._output.end(task, content)
        result = unless_it_fails(task, content.facts, lambda: self._output.write(task, content))
        return self._output.end(task, result) if isinstance(result, EndedFrame) else result

    def _read(self, task: FrameTask, facts: FrameFacts) -> ReadFrame:
        path, earlier = task.source.path, self._output.earlier
        is_same, resumes = partial(self._has_same_exposure, task), task.existing.keeps_finished
        if resumes:
            why = earlier.why_left(task, facts, is_same)
            if why is not None:
                outcome: Outcome = "failed" if isinstance(why, Remark) else "skipped"
                return EndedFrame(outcome=outcome, message=why, facts=None)
            self._io_timeout.call(str(task.output), lambda: earlier.refuse_foreign(task))
        content, facts = read_input(self._io_timeout, path, facts)
        why = earlier.why_finished(task, facts, is_same) if resumes else None
        if why is not None:
            return EndedFrame(outcome="skipped", message=why, facts=None)
        mix = self._by_frame.mix_at(task.source)
        if mix.changes_nothing:
            refuse_other_files(content, path)
            return UnchangedFrame(content=content, reason=INTENSITY_0, facts=facts)
        frame = self._settings.picture.decode(content, task.source)
        is_stamped = b'"settings_sha256"' in content  # which every format holds as plain text
        said = (CHANGED_BEFORE,) if is_stamped else ()
        transfer = self._transfer
        assert transfer is not None, "a mix that changes something has a model"
        crops = transfer.find_faces(frame, self._settings.choice, names_of(task.source))
        shares = [transfer.intensity_share(crop) for crop in crops]
        faces = tuple(map(partial(recorded_face, frame.pixels.shape[:2]), crops, shares))
        facts = replace(facts, warnings=(*said, *frame.notices, *self._left(crops)), faces=faces)
        if not crops:
            return self._without_face(task, content, facts, crops.there)
        if not any(shares):
            return UnchangedFrame(content=content, reason=TURNED_AWAY, facts=facts)
        exposure_ev = None
        if frame.encoding is Encoding.SCENE_LINEAR:
            exposure_ev = self.exposure.at(
                task.source, lambda: transfer.auto_exposure(frame, crops)
            )
        asked = self._settings.picture
        picture = replace(
            picture_of(frame, exposure_ev or 0.0),
            limits=asked.limits,
            moves_alpha=asked.moves_alpha,
            keeps_parts=asked.keeps_parts(frame),
        )
        cut = transfer.cut(picture, mix, crops)
        return FrameInput(frame=frame, cut=cut, facts=replace(facts, exposure_ev=exposure_ev))

    def _has_same_exposure(self, task: FrameTask, record: FrameRecord) -> bool:
        """Tell whether an earlier run, of which this is the record, had the same exposure."""
        known_ev = record.exposure_ev
        return known_ev is None or known_ev == self.exposure.at(task.source)

    def _look(self, source: SourceFrame) -> float | None:
        """Return the exposure of another frame of the shot; None if it is not linear or has no
        face.
        """
        if self._transfer is None:  # nothing changes, whatever a record says
            return None
        content = self._io_timeout.call(str(source.path), lambda: read_content(source.path))
        frame = self._settings.picture.reading.decode(content, source.path)
        if frame.encoding is not Encoding.SCENE_LINEAR:
            return None
        crops = self._transfer.find_faces(frame, self._settings.choice, names_of(source))
        return self._transfer.auto_exposure(frame, crops) if crops else None

    def _left(self, crops: ChosenFaces) -> list[Remark]:
        """Say which of several faces was taken, where nobody chose it; of faces with an expression
        of their own that are not there; and of an odd box.
        """
        choice = self._settings.choice
        absent = [str(face) for face in self._settings.mix.by_face if face not in crops.there]
        if crops and absent:
            return [Remark(f"No such face for an expression of its own: {', '.join(absent)}.")]
        if choice.box is not None and any(crop.yaw_deg is None for crop in crops):
            return [Remark(UNSEEN_IN_BOX, "unseen-in-box")]
        others = [str(face) for face in crops.there if face not in [crop.face for crop in crops]]
        if not (crops and others and choice.which == "largest" and choice.tracks is None):
            return []
        found = f"{len(crops.there)} faces were found and one is changed, the largest (0)."
        return [Remark(found, "other-faces", others=", ".join(others))]

    def _without_face(
        self, task: FrameTask, content: bytes, facts: FrameFacts, there: Sequence[int]
    ) -> UnchangedFrame | EndedFrame:
        said = none_of_number(self._settings.choice.which, there) if there else NO_FACE
        match self._settings.on_missing_face:
            case "copy":
                return UnchangedFrame(content=content, reason=said, facts=facts)
            case "skip":
                return EndedFrame(outcome="skipped", message=said, facts=facts)
            case "fail":
                path = task.source.path
                raise face_not_found(name_of_frame(path), said, source=path)

    def _answer(self, waiting: Sequence[tuple[FrameTask, FrameInput]]) -> list[ReadyFrame]:
        """Run the model; where frames fail together, each is tried alone."""
        if not waiting:
            return []
        assert self._transfer is not None
        transfer, begin, asked = self._transfer, time.perf_counter(), self._transfer.batch
        (task, first), cuts = waiting[0], [one.cut for _, one in waiting]
        answers = unless_it_fails(task, first.facts, lambda: transfer.answer(cuts))
        if isinstance(answers, EndedFrame):
            alone = [self._answer([one]) for one in waiting] if len(waiting) > 1 else [[answers]]
            return [result for own in alone for result in own]
        seconds = (time.perf_counter() - begin) / len(waiting)
        text = HALVED.format(asked=asked, batch=transfer.batch)
        halved = (Remark(text, "batch-halved", asked=asked, batch=transfer.batch),)
        warnings = halved if transfer.batch < asked else ()
        return [
            ChangedFrame(
                frame=one.frame,
                answered=answered,
                facts=replace(
                    one.facts, batch=transfer.batch, warnings=one.facts.warnings + warnings
                ).after(seconds),
            )
            for (_, one), answered in zip(waiting, answers, strict=True)
        ]
