"""Frames and their records on their way to the disk, and which of them are there already."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, replace

import numpy as np

from reggan_plugin.atomic import write_atomically
from reggan_plugin.errors import OutputError, SourceError, StalledError
from reggan_plugin.face_edit import EditedFrame
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.stamp import stamped
from reggan_plugin.jobs.frame_content import (
    ChangedFrame,
    EndedFrame,
    FrameFacts,
    UnchangedFrame,
)
from reggan_plugin.jobs.patience import Patience
from reggan_plugin.jobs.plan import FrameTask
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import TURNED_AWAY, FrameResult, ModelInUse, Outcome
from reggan_plugin.jobs.side_car import (
    FrameRecord,
    RecordedModel,
    own_version,
    read_record,
    sha256_of,
    write_record,
)


class FrameOutput:
    """Writes what a job makes of its frames."""

    def __init__(
        self, settings: RenderSettings, model: ModelInUse | None, patience: Patience
    ) -> None:
        """Write frames that `model` changed as `settings` ask."""
        self._settings, self._model, self._patience = settings, model, patience
        self._version = own_version()

    def finished(self, task: FrameTask, facts: FrameFacts) -> FrameRecord | None:
        """The record of an earlier run that would do the same, if its output is as it left it."""
        record = read_record(task.output)
        if record is None or record.outcome == "failed":
            return None
        if not record.is_of(
            settings_sha256=facts.settings_sha256,
            input_sha256=facts.input_sha256,
            model_sha256=self._model.sha256 if self._model else None,
        ):
            return None
        if record.output_sha256 is None:
            return record
        with suppress(SourceError, StalledError):
            content = self._patience.call(str(task.output), lambda: read_content(task.output))
            return record if sha256_of(content) == record.output_sha256 else None
        return None

    def write(self, task: FrameTask, ready: ChangedFrame | UnchangedFrame) -> FrameResult:
        """Write a frame and its record.

        Raises:
            OutputError: it cannot be written.
            StalledError: the folder does not answer.
        """
        begin = time.perf_counter()
        outcome: Outcome
        message: str | None
        if isinstance(ready, ChangedFrame):
            content, facts = self._encode(ready)
            outcome, message = "written", _faded(facts)
        else:
            content, facts = ready.content, ready.facts
            outcome, message = "copied", ready.reason
        facts = facts.after(time.perf_counter() - begin)
        record = self._record(task, outcome, message, facts, content)

        def write() -> None:
            write_record(record, task.output)  # first: see `jobs/side_car.py`
            write_atomically(task.output, content)

        self._patience.call(str(task.output), write)
        return _result(task, outcome, message, facts)

    def end(self, task: FrameTask, ended: EndedFrame) -> FrameResult:
        """Write the record of a frame that gets no output, if there is room for it."""
        if ended.facts is not None:
            record = self._record(task, ended.outcome, ended.message, ended.facts, None)
            with suppress(OutputError, StalledError):  # of which the message tells already
                self._patience.call(str(task.output), lambda: write_record(record, task.output))
        return _result(task, ended.outcome, ended.message, ended.facts)

    @property
    def _recorded_model(self) -> RecordedModel | None:
        model = self._model
        if model is None:
            return None
        return RecordedModel(name=model.name, version=model.version, sha256=model.sha256)

    def _encode(self, ready: ChangedFrame) -> tuple[bytes, FrameFacts]:
        edited = ready.answered.compose()
        facts = replace(ready.facts, stats=_stats(ready.frame, edited))
        encoded = self._settings.picture.encode(
            ready.frame, edited.pixels, edited.weight, edited.alpha
        )
        loss = encoded.generation_loss
        if loss is not None:
            lost = {"loss_largest": loss.largest, "loss_rms": loss.rms}
            facts = replace(facts, generation_loss=loss, stats={**facts.stats, **lost})
        content = encoded.content
        return (stamped(content, self._stamp(facts)) if self._settings.stamp else content), facts

    def _stamp(self, facts: FrameFacts) -> str:
        """What the record says of how a frame was made, on one line."""
        fields = {
            "version": self._version,
            "model": asdict(self._recorded_model) if self._recorded_model else None,
            "expression": dict(facts.mix.intensities),
            "weights": facts.mix.control_weights(),
            "settings_sha256": facts.settings_sha256,
            "input_sha256": facts.input_sha256,
        }
        return json.dumps(fields)

    def _record(
        self,
        task: FrameTask,
        outcome: Outcome,
        message: str | None,
        facts: FrameFacts,
        content: bytes | None,
    ) -> FrameRecord:
        return FrameRecord(
            source=str(task.source.path),
            output=str(task.output),
            outcome=outcome,
            message=message,
            expression=dict(facts.mix.intensities),
            weights=facts.mix.control_weights(),
            settings_sha256=facts.settings_sha256,
            input_sha256=facts.input_sha256,
            output_sha256=None if content is None else sha256_of(content),
            output_bytes=None if content is None else len(content),
            model=self._recorded_model,
            version=self._version,
            device=None if self._model is None else self._model.device,
            batch=facts.batch,
            exposure_ev=facts.exposure_ev,
            faces=facts.faces,
            seconds=round(facts.seconds, 3),
            warnings=facts.warnings,
            stats=facts.stats,
        )


def _result(
    task: FrameTask, outcome: Outcome, message: str | None, facts: FrameFacts | None
) -> FrameResult:
    return FrameResult(
        source=task.source.path,
        output=task.output,
        outcome=outcome,
        frame=task.source.number,
        message=message,
        notices=facts.warnings if facts and outcome == "written" else (),
        intensity_share=facts.intensity_share if facts else 1.0,
        generation_loss=facts.generation_loss if facts else None,
        seconds=round(facts.seconds, 3) if facts else 0.0,
    )


def _faded(facts: FrameFacts) -> str | None:
    share = facts.intensity_share
    return None if share == 1.0 else f"{TURNED_AWAY}: {share:.0%} of the intensity"


def _stats(frame: Frame, edited: EditedFrame) -> dict[str, float]:
    """The numbers about a change that a record holds."""
    weight = edited.weight
    height, width = weight.shape
    changed = weight > 0
    edges = (weight[0], weight[-1], weight[:, 0], weight[:, -1])
    change = np.abs(edited.pixels[changed] - frame.pixels[changed])
    return {
        "width": width,
        "height": height,
        "changed_share": round(float(changed.mean()), 5),
        "mean_change": round(float(change.mean()), 6) if change.size else 0.0,
        "largest_change": round(float(change.max()), 6) if change.size else 0.0,
        "weight_at_edge": round(max(float(edge.max()) for edge in edges), 4),
    }
