"""The three steps of a frame: read it, change its faces, write it."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reggan_plugin.errors import FRAME_FAULTS, Remark
from reggan_plugin.faces.face_finder import ChosenFaces
from reggan_plugin.files.frame import Encoding, read_content, refuse_other_files
from reggan_plugin.files.sequence import FrameList, SourceFrame
from reggan_plugin.jobs.frame_output import (
    JOB_FAULTS,
    ChangedFrame,
    EndedFrame,
    FrameInput,
    FrameOutput,
    ReadFrame,
    ReadyFrame,
    UnchangedFrame,
    read_input,
    recorded_face,
    unless_it_fails,
)
from reggan_plugin.jobs.frame_record import FrameFacts, FrameRecord
from reggan_plugin.jobs.plan import FrameTask
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame, names_of
from reggan_plugin.jobs.results_and_events import (
    CHANGED_SINCE,
    EXISTS,
    INTENSITY_0,
    NO_FACE,
    TURNED_AWAY,
    FrameResult,
    Outcome,
    face_not_found,
    none_of_number,
)
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.transfer.display_picture import picture_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer


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
                self.known_ev = self._measure(source, own or (lambda: self._try(source)))
            return self.known_ev

    def _measure(self, source: SourceFrame, own: Callable[[], float | None]) -> float | None:
        for earlier in self.shot:
            if earlier.path == source.path:
                break
            exposure_ev = self._try(earlier)
            if exposure_ev is not None:
                return exposure_ev
        return own()

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
                outcome: Outcome = "skipped" if why in (EXISTS, CHANGED_SINCE) else "failed"
                return EndedFrame(outcome=outcome, message=why, facts=None)
            self._io_timeout.call(str(task.output), lambda: earlier.refuse_foreign(task))
        content, facts = read_input(self._io_timeout, path, facts)
        if resumes and earlier.is_finished(task, facts, is_same):
            return EndedFrame(outcome="skipped", message=EXISTS, facts=None)
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
                raise face_not_found(path.name, said, source=path)

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
