"""Frames and their records on their way to the disk, and which of them are there already."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.change.picture import EditedFrame
from reggan_plugin.disk import write_atomically
from reggan_plugin.errors import OutputError, SourceError, StalledError
from reggan_plugin.files.credentials_signed import DIGITAL_SOURCE_TYPE, PictureSigner, sidecar_of
from reggan_plugin.files.exr.writing_settings import GenerationLoss
from reggan_plugin.files.formats import format_named, format_of
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.samples import is_changed
from reggan_plugin.jobs.change_layers import FrameChange, layer_files
from reggan_plugin.jobs.frame_record import (
    FileState,
    FrameFacts,
    FrameRecord,
    RecordedModel,
    read_record,
    sha256_of,
    write_record,
)
from reggan_plugin.jobs.frames_between_steps import ChangedFrame, EndedFrame, UnchangedFrame
from reggan_plugin.jobs.interruption import IoTimeout
from reggan_plugin.jobs.plan import FrameTask
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import TURNED_AWAY, FrameResult, ModelInUse, Outcome


def stamped(content: bytes, text: str) -> bytes:
    """Return the file with a stamp, in place of an older one.

    Args:
        content: a file of one of the formats.
        text: ASCII without NUL.
    """
    found = format_of(content)
    assert found is not None, "only files that were read are written"
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


def is_stamped(content: bytes) -> bool:
    """Tell whether a file has a stamp, which every format holds as plain text."""
    return b'"settings_sha256"' in content


class FrameOutput:
    """Writes what a job makes of its frames."""

    def __init__(
        self, settings: RenderSettings, model: ModelInUse | None, io_timeout: IoTimeout
    ) -> None:
        """Write frames that `model` changed as `settings` ask.

        Raises:
            MissingExtraError, SigningError: they are to be signed, and cannot be.
        """
        self._settings, self._model, self._io_timeout = settings, model, io_timeout
        self._version = __version__
        signing = settings.signing
        self._signer = None if signing is None else PictureSigner(signing, version=self._version)

    def untouched(self, task: FrameTask, facts: FrameFacts) -> FrameRecord | None:
        """Return the record of an earlier run that would do the same, if no file changed since.

        Size and time of the files tell, so that none is read.
        """
        record = self._same_record(task, facts)
        if record is None:
            return None
        path = task.source.path
        is_untouched = partial(record.is_untouched, path, task.output)
        return record if self._io_timeout.call(str(path), is_untouched) else None

    def finished(self, task: FrameTask, facts: FrameFacts) -> FrameRecord | None:
        """Return the record of an earlier run that would do the same, if its output is as it left
        it.
        """
        record = self._same_record(task, facts)
        if record is None or record.input_sha256 != facts.input_sha256:
            return None
        if record.output_sha256 is None:
            return record
        with suppress(SourceError, StalledError):
            content = self._io_timeout.call(str(task.output), lambda: read_content(task.output))
            return record if sha256_of(content) == record.output_sha256 else None
        return None

    def _same_record(self, task: FrameTask, facts: FrameFacts) -> FrameRecord | None:
        """Return the record of a run that did the same to an input, which may have changed
        since.
        """
        record = read_record(task.output)
        if record is None or record.outcome == "failed":
            return None
        is_same = record.is_of(
            settings_sha256=facts.settings_sha256,
            input_sha256=record.input_sha256,
            model_sha256=self._model.sha256 if self._model else None,
        )
        has_layers = record.output_sha256 is None or all(
            path.exists() for path in task.layers.values()
        )
        return record if is_same and has_layers else None

    def write(self, task: FrameTask, ready: ChangedFrame | UnchangedFrame) -> FrameResult:
        """Write a frame and its record.

        Raises:
            OutputError: it cannot be written.
            SigningError: it cannot be signed.
            SourceError: it is to be signed, and its source is not what it was.
            StalledError: the folder does not answer.
        """
        begin = time.perf_counter()
        outcome: Outcome
        message: str | None
        if isinstance(ready, ChangedFrame):
            edited = ready.answered.compose()
            change = _change(ready.frame, edited)
            file = self._encode(task, ready, edited, change)
            outcome, message = "written", _faded(file.facts)
            beside = list(layer_files(change, task.layers)) if task.layers else []
        else:
            file = _EncodedFile(content=ready.content, facts=ready.facts)
            outcome, message = "copied", ready.reason
            beside = self._layers_of_no_change(task, ready.content)
        facts = file.facts.after(time.perf_counter() - begin)
        modified_ns = time.time_ns() // 1000 * 1000  # some disks keep no more digits
        state = FileState(size=len(file.content), modified_ns=modified_ns)
        record = self._record(task, outcome, message, facts, file.content)
        record = replace(record, output_state=state)

        def write() -> None:
            write_record(record, task.output)  # first: see `jobs/frame_record.py`
            _write_manifest(task.output, file.manifest)
            for path, layer in beside:
                write_atomically(path, layer)
            write_atomically(task.output, file.content, modified_ns)

        self._io_timeout.call(str(task.output), write)
        return _result(task, outcome, message, facts, file.loss)

    def end(self, task: FrameTask, ended: EndedFrame) -> FrameResult:
        """Write the record of a frame that gets no output, if there is room for it."""
        if ended.facts is not None:
            record = self._record(task, ended.outcome, ended.message, ended.facts, None)
            with suppress(OutputError, StalledError):  # of which the message tells already
                self._io_timeout.call(str(task.output), lambda: write_record(record, task.output))
        return _result(task, ended.outcome, ended.message, ended.facts)

    @property
    def _recorded_model(self) -> RecordedModel | None:
        model = self._model
        if model is None:
            return None
        return RecordedModel(name=model.name, version=model.version, sha256=model.sha256)

    def _layers_of_no_change(self, task: FrameTask, content: bytes) -> list[tuple[Path, bytes]]:
        """Layers that change nothing, so that a shot has them for every frame."""
        if not task.layers:
            return []
        frame = self._settings.picture.reading.decode(content, task.source.path)
        weight = np.zeros(frame.pixels.shape[:2], np.float32)
        change = FrameChange(frame=frame, pixels=frame.pixels, weight=weight)
        return list(layer_files(change, task.layers))

    def _encode(
        self, task: FrameTask, ready: ChangedFrame, edited: EditedFrame, change: FrameChange
    ) -> "_EncodedFile":
        """Return the file; that of a frame in which no pixel changed says nothing of a change."""
        facts = replace(ready.facts, stats=_stats(ready.frame, edited))
        encoded = self._settings.picture.encode(change, edited.alpha)
        facts = replace(facts, warnings=(*facts.warnings, *encoded.notices))
        loss = encoded.generation_loss
        if loss is not None:
            lost = {"loss_largest": loss.largest, "loss_rms": loss.rms}
            facts = replace(facts, stats={**facts.stats, **lost})
        file = _EncodedFile(content=encoded.content, facts=facts, loss=loss)
        if not is_changed(ready.frame.pixels, edited.pixels):
            return file
        if self._settings.stamp:
            file = replace(
                file,
                content=stamped(
                    file.content, json.dumps(stamp_content(facts, self._recorded_model))
                ),
            )
        if self._signer is None:
            return file
        signed = self._signer.sign(
            file.content,
            parent=self._source(task, facts),
            title=task.output.name,
            facts=stamp_content(facts, self._recorded_model),
        )
        return replace(file, content=signed.content, manifest=signed.sidecar)

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
            version=self._version,
            device=None if self._model is None else self._model.device,
        )


def _write_manifest(output: Path, manifest: bytes | None) -> None:
    """Write a manifest beside the file that cannot hold it; an earlier file's would be invalid."""
    place, named = sidecar_of(output), format_named(output.name)
    if manifest is not None:
        write_atomically(place, manifest)
    elif named is not None and not named.holds_credentials and output.exists():
        place.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class _EncodedFile:
    """A picture as it will be on disk, and what is said of it."""

    content: bytes
    facts: FrameFacts
    manifest: bytes | None = None
    """Content Credentials for a file beside it, if it cannot hold them."""
    loss: GenerationLoss | None = None


def _result(
    task: FrameTask,
    outcome: Outcome,
    message: str | None,
    facts: FrameFacts | None,
    loss: GenerationLoss | None = None,
) -> FrameResult:
    return FrameResult(
        source=task.source.path,
        output=task.output,
        outcome=outcome,
        frame=task.source.number,
        message=message,
        warnings=facts.warnings if facts and outcome == "written" else (),
        weights=facts.weights if facts else {},
        intensity_share=facts.intensity_share if facts else 1.0,
        generation_loss=loss,
        seconds=facts.seconds if facts else 0.0,
    )


def _faded(facts: FrameFacts) -> str | None:
    share = facts.intensity_share
    return None if share == 1.0 else f"{TURNED_AWAY}: {share:.0%} of the intensity"


def _change(frame: Frame, edited: EditedFrame) -> FrameChange:
    return FrameChange(frame=frame, pixels=edited.pixels, weight=edited.weight, parts=edited.parts)


def _stats(frame: Frame, edited: EditedFrame) -> dict[str, float]:
    """Return the numbers about a change that a record holds."""
    weight = edited.weight
    height, width = weight.shape
    changed = weight > 0
    edges = (weight[0], weight[-1], weight[:, 0], weight[:, -1])
    places = np.flatnonzero(changed)  # twice as fast as by the mask
    new, old = (
        image.reshape(-1, 3).take(places, axis=0) for image in (edited.pixels, frame.pixels)
    )
    change = np.abs(np.subtract(new, old, out=new), out=new)
    return {
        "width": width,
        "height": height,
        "changed_share": round(float(changed.mean()), 5),
        "mean_change": round(float(change.mean()), 6) if change.size else 0.0,
        "largest_change": round(float(change.max()), 6) if change.size else 0.0,
        "weight_at_edge": round(max(float(edge.max()) for edge in edges), 4),
    }
