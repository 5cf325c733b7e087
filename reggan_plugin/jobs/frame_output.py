"""A frame between the steps of a job, and on its way to the disk with its record; how many may be
in memory at once.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.change.pipeline import EditedFrame, FrameAnswers, FrameCrops
from reggan_plugin.errors import (
    DeviceUnavailableError,
    ModelError,
    OutputError,
    OutputExistsError,
    RegganError,
    Remark,
    SourceError,
    StalledError,
)
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.file_safety import is_taken, path_from, refuse_existing, write_atomically
from reggan_plugin.files.content_credentials import (
    DIGITAL_SOURCE_TYPE,
    SIDECAR_SUFFIX,
    PictureSigner,
)
from reggan_plugin.files.exr.writing_settings import EncodedFrame
from reggan_plugin.files.formats import format_of
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.image_format import faults_named, is_changed
from reggan_plugin.frozen import frozen
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
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import TURNED_AWAY, FrameResult, ModelInUse, Outcome
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout

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
            beside = self._layers_of_no_change(task, ready.content)
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
            credentials = task.output.with_suffix(SIDECAR_SUFFIX)
            earlier = read_record(task.output) if is_taken(credentials) else None
            # first: see `jobs/frame_record.py`
            write_record(replace(record, replaced=_places_taken(task)), task.output)
            for path, content in beside:
                write_atomically(path, content, modified_ns, is_new=is_new)
            own = None if earlier is None else earlier.beside.get(credentials.name)
            is_left = credentials.name not in files
            if own is not None and is_left and own.sha256 == digest_of(credentials):
                credentials.unlink()  # they are invalid now; nobody else's are removed
            write_atomically(task.output, file.content, modified_ns, is_new=is_new)

        self._io_timeout.call(str(task.output), write)
        return task.result(outcome, message, facts, file.generation_loss)

    def end(self, task: FrameTask, ended: EndedFrame) -> FrameResult:
        """Write the record of a frame that gets no output, if there is room for it.

        Of a skipped one, what an earlier run wrote is removed first; where that is no file of ours,
        the frame fails.
        """
        if ended.outcome == "skipped" and ended.facts is not None:
            path, remove = str(task.output), partial(_remove_earlier, task)
            clear = partial(self._io_timeout.call, path, remove)
            ended = unless_it_fails(task, ended.facts, clear) or ended
        if ended.facts is not None:
            record = self._record(task, ended.outcome, ended.message, ended.facts, None)

            def write() -> None:
                write_record(replace(record, replaced=_places_taken(task)), task.output)

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


def _places_taken(task: FrameTask) -> dict[str, str]:
    """Return what stands where a frame is written, as a record has it."""
    places = dict.fromkeys((task.output, *task.beside))
    found = {path_from(task.output.parent, path): digest_of(path) for path in places}
    return {name: digest for name, digest in found.items() if digest is not None}


def _remove_earlier(task: FrameTask) -> None:
    """Remove what an earlier run wrote for a frame that is skipped now; nobody else's.

    Raises:
        OutputExistsError: a file is there that no record says was written so.
    """
    record, own = read_record(task.output), {}
    if record is not None:
        own = {path: file.sha256 for path, file in record.files_beside(task.output)}
        own[task.output] = record.output_sha256 or ""
    signed = [path for path in own if path.suffix == SIDECAR_SUFFIX]
    places = dict.fromkeys((task.output, *task.beside, *signed))
    there = [path for path in places if path.exists()]
    for path in there:
        if own.get(path) != digest_of(path):
            raise OutputExistsError(
                f"{path} exists, and no record says that it was written like this; but "
                f"{task.source.path.name} is skipped and should have no result. Remove it, or name "
                "another folder."
            )
    for path in there:
        path.unlink()


_COMPARED_AT_ONCE = 1 << 18
"""Pixels."""


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
        places = np.flatnonzero(weight[part] > 0)  # twice as fast as by the mask
        after, before = (
            np.ascontiguousarray(image[part]).reshape(-1, 3).take(places, axis=0)
            for image in (edited.inside, old)
        )
        change = np.abs(np.subtract(after, before, out=after), out=after)
        count += len(places)
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
