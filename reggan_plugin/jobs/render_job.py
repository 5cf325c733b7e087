"""Runs the frames of a plan, and says what becomes of them; what holds for several is said once.

`render --jobs` renders a shot in several processes, with the same bits. Each opens the model for
itself and does all steps of a frame; frames know nothing of each other but the tracks and the
exposure, which all find alike.
"""

import json
import os
import signal
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from reggan_plugin import __version__
from reggan_plugin.errors import RegganError, Remark, SourceError, counted
from reggan_plugin.faces.face_finder import notices_of_landmarks
from reggan_plugin.faces.landmarks_and_pose import FADE_DEG
from reggan_plugin.faces.tracks import Tracks
from reggan_plugin.file_safety import status_of, write_atomically
from reggan_plugin.files.exr.writing_settings import GenerationLoss
from reggan_plugin.files.frame import Reading, name_of_frame
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import PICTURE_REVISION, RECORD_FOLDER, record_path, sha256_of
from reggan_plugin.jobs.frame_steps import (
    PIXELS_WHILE_RENDERING,
    FrameInput,
    FrameOutput,
    FrameSteps,
    ReadFrame,
    ShotExposure,
    UnchangedFrame,
    room_beside,
)
from reggan_plugin.jobs.plan import Existing, FrameTask, JobPlan, make_output_folder
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import (
    Finished,
    FrameDone,
    FrameResult,
    JobSummary,
    ModelInUse,
    Notice,
    Report,
    Started,
    notices_of_changed,
    notices_of_range,
)
from reggan_plugin.jobs.signals_and_timeouts import DEFAULT_STALL_S, IoTimeout
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.face_shapes import NEUTRAL

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from reggan_plugin.jobs.track_job import TrackResult

_WAITING = 2
"""Frames for each process that are begun or wait, so that none is idle."""
_LAST_FRAME_S = 30.0
"""For a frame that a process is at while another one is ended."""
_BYTES_OF_A_PROCESS = 3_000_000_000
"""Peak memory of a process at 8K; at 4K it is 1.8 GB."""
_LEAST_FRAMES = 8
"""Fewer frames for each process are not worth its start, which costs about a frame of 1080p."""
_CGROUP, _OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def idle_cores() -> int:
    """Return how many of the cores that this process may use have been idle for a minute.

    What others run is taken to run on these cores. It is 1 where nobody tells what they run.
    """
    if not hasattr(os, "getloadavg"):
        return 1
    if hasattr(os, "sched_getaffinity"):  # on a farm fewer than the machine has
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    idle = cores - os.getloadavg()[0]
    for text in _of_cgroups("cpu.max"):
        quota, period = text.split()
        if quota != "max":
            idle = min(idle, int(quota) / int(period))
    return max(1, round(idle))


def _free_bytes() -> int:
    """Return the memory that programs may take, or that of one process where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = 1024 * int(next(one for one in lines if one.startswith("MemAvailable")).split()[1])
    except (OSError, StopIteration):
        return _BYTES_OF_A_PROCESS
    for most, taken in zip(_of_cgroups("memory.max"), _of_cgroups("memory.current"), strict=False):
        if most.strip() != "max":
            free = min(free, int(most) - int(taken))
    return free


def _of_cgroups(name: str) -> Iterator[str]:
    """Yield what a file says in each control group (version 2) that holds this process."""
    own = Path()
    with suppress(OSError, StopIteration):
        lines = _OWN_GROUP.read_text().splitlines()
        own = Path(next(line for line in lines if line.startswith("0::"))[3:].strip("/"))
    for folder in (own, *own.parents):
        with suppress(OSError):  # a container sees the last part alone; the root has no limit
            yield (_CGROUP / folder / name).read_text()


@frozen
class SideBySide:
    """Processes that render.

    Attributes:
        processes: so many; None takes as many as are surely faster than one: of the frames, the
            idle cores and the free memory there is enough for each.
        open_transfer: opens the model in each; it goes to the processes, so it is a function of
            a module, or a `partial` of one.
        idle: cores without work when the run began; later ones have its own.
    """

    processes: int | None
    open_transfer: Callable[[], ExpressionTransfer]
    idle: int = field(default_factory=idle_cores)

    def count_for(self, frames: int) -> int:
        """Return the number of processes for so many frames."""
        if self.processes is not None:
            return min(self.processes, frames)
        most = min(self.idle, frames // _LEAST_FRAMES)
        return max(1, min(most, _free_bytes() // _BYTES_OF_A_PROCESS)) if most > 1 else 1


_ENDED = "A process that renders was ended from outside, perhaps for lack of memory."
_steps: list[FrameSteps] = []
"""Of a process that renders: one."""


@frozen
class RenderRun:
    """The model of a run of jobs, who hears of it, and when it ends.

    Attributes:
        transfer: may be None where the settings change nothing.
        model: what the summary says of `transfer`.
        report: takes the progress.
        stopped: asked before each frame; once true, the current frame is the last one.
        stall_s: how long a disk or network folder may keep a frame waiting.
        track_first: whether a whole shot is tracked before it is rendered.
        side: processes that share the frames; None renders in this one.
        made_tracks: by the jobs up to now, of shots that others may have, too.
    """

    transfer: ExpressionTransfer | None
    model: ModelInUse | None
    report: Report
    stopped: Callable[[], bool] = lambda: False
    stall_s: float = DEFAULT_STALL_S
    track_first: bool = False
    side: SideBySide | None = None
    made_tracks: dict[str, Tracks] = field(default_factory=dict)


def run_side_by_side(
    plan: JobPlan,
    settings: RenderSettings,
    run: RenderRun,
    open_transfer: Callable[[], ExpressionTransfer],
    count: int,
    exposure: ShotExposure,
) -> Iterator[FrameResult]:
    """Yield the result of every frame in order; `exposure` learns what their processes know.

    `count` is the number of processes, in each of which `open_transfer` opens the model. If one is
    ended from outside, the frames that are not done are begun again in one process less, once.

    Raises:
        RegganError: processes were ended from outside twice, or the only one was.
    """
    # most runs have one process
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    waiting = deque(plan.tasks)
    said: tuple[str, ...] = ()
    others = set(active_children())  # of a program that calls
    for processes in (count, max(1, count - 1)):
        pool = ProcessPoolExecutor(
            processes,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(open_transfer, settings, plan, run.model, run.stall_s),
        )
        under_way: deque[tuple[FrameTask, Future[tuple[FrameResult, float | None]]]] = deque()
        try:
            while waiting or under_way:
                if run.stopped():
                    waiting.clear()
                while waiting and len(under_way) < _WAITING * processes:
                    under_way.append((waiting[0], pool.submit(_render, waiting[0])))
                    waiting.popleft()
                if under_way:
                    result, exposure_ev = under_way[0][1].result()
                    under_way.popleft()
                    if exposure.known_ev is None:
                        exposure.known_ev = exposure_ev
                    yield replace(result, warnings=(*result.warnings, *said))
                    said = ()
        except BrokenProcessPool as error:
            _end_workers(set(active_children()) - others)
            if said or processes < count or count == 1:
                raise RegganError(_ENDED, kind="process-ended") from error
            said = (Remark(f"{_ENDED} Its frames were begun again.", "process-ended"),)
        else:
            return
        finally:
            pool.shutdown(cancel_futures=True)
        # now that the other processes have ended, too
        waiting.extendleft(_begun(task) for task, _ in reversed(under_way))


def _end_workers(workers: Iterable["BaseProcess"]) -> None:
    """End the processes beside one that was ended, after the frames that they are at.

    One that waits for work may wait for a lock that the other took along, and would do so for good.
    """
    until = time.monotonic() + _LAST_FRAME_S
    for worker in workers:
        worker.join(max(until - time.monotonic(), 0.0))
        worker.kill()


def _begun(task: FrameTask) -> FrameTask:
    """Return the task of a frame that another process may have begun: its record tells that."""
    is_begun = task.existing is Existing.REFUSE and record_path(task.output).exists()
    return replace(task, existing=Existing.OVERWRITE) if is_begun else task


def _begin(
    open_transfer: Callable[[], ExpressionTransfer],
    settings: RenderSettings,
    plan: JobPlan,
    model: ModelInUse | None,
    stall_s: float,
) -> None:
    """Prepare a process; the first one decides what Ctrl-C ends."""
    Thread(target=_end_with_parent, daemon=True).start()
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    output = FrameOutput(settings, model, IoTimeout(stall_s))
    frames = plan.shot.frames
    _steps.append(FrameSteps(settings, open_transfer(), frames, output, IoTimeout(stall_s)))


def _end_with_parent() -> None:
    """End with the process that began this one, also if that is killed: nobody wants the frames."""
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _render(task: FrameTask) -> tuple[FrameResult, float | None]:
    (steps,) = _steps
    [ready] = steps.change([(task, steps.read(task))])
    return steps.write(task, ready), steps.exposure.known_ev


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
    plan: JobPlan, settings: RenderSettings, run: RenderRun, io_timeout: IoTimeout
) -> RenderSettings:
    """Return the settings with tracks of a shot that is to be tracked, unless a signal stops it.

    Raises:
        OutputError: the tracks cannot be written.
    """
    from reggan_plugin.faces.tracks_file import read_tracks, write_tracks
    from reggan_plugin.jobs.track_job import track_frames  # one picture needs none of it

    key = _key_of(plan.shot.frames, settings.picture.reading, run.model)
    kept = _kept_tracks(plan, key)
    if kept is not None:
        return _with_tracks(settings, kept)
    path, key_path = _files_of(plan)
    made, same = run.made_tracks, f"{plan.shot.folder} {key}"
    if same not in made:
        result = track_frames(
            plan.shot.frames,
            source=plan.source,
            reading=settings.picture.reading,
            report=run.report,
            stopped=run.stopped,
            io_timeout=io_timeout,
            landmarker=run.transfer.landmarker if run.transfer else None,
        )
        if result.interrupted:
            keep_part(result, path, len(plan.shot.frames), run.report)
            return settings
        made[same] = result.tracks
    write_tracks(made[same], path)
    _part_of(path).unlink(missing_ok=True)
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
    part = _part_of(out)
    write_tracks(result.tracks, part)
    text = f"The tracks of the first {done} of {counted(frames, 'frame')} are in {part}."
    report(Notice(message=Remark(text, "part-of-tracks", part=part)))


def _part_of(tracks: Path) -> Path:
    return tracks.with_suffix(f".part{tracks.suffix}")


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


UNSMOOTHED = Remark(
    "Each frame's face is located by itself, unsmoothed, so it may jitter from frame to frame.",
    "unsmoothed",
)

SPEAKS = Remark(
    "The mouth opens and shuts in this shot, and what is asked for shuts it: speech is lost.",
    "speaks",
)
_SPEECH, _SHUTS = 0.12, 0.5
"""Eye distances by which the gap of lips changes in speech, and the weight that ends it."""


def run_job(plan: JobPlan, settings: RenderSettings, run: RenderRun) -> JobSummary:
    """Write the outputs of a plan; a frame that fails is named in the summary.

    Raises:
        OutputError: the output folder takes no files.
        UsageError: a curve, and frames without numbers; or a face that the tracks do not have.
    """
    begin = time.perf_counter()
    model, transfer, side = run.model, run.transfer, run.side
    writing, reading = IoTimeout(run.stall_s), IoTimeout(run.stall_s, run.stopped)
    writing.call(str(plan.out), lambda: make_output_folder(plan))
    processes = 1
    if side is not None and transfer is not None:
        processes = side.count_for(len(plan.tasks))
    run.report(
        Started(
            frames=len(plan.tasks),
            source=plan.source,
            out=plan.out,
            expression=dict(settings.mix.intensities),
            model=f"{model.name} {model.version}" if model else None,
            device=model.device if model else None,
            device_reason=model.device_reason if model else None,
            processes=processes,
        )
    )
    if run.track_first and is_to_be_tracked(plan, settings):
        settings = settings_with_tracks(plan, settings, run, reading)
    if settings.choice.tracks is not None:
        settings.choice.tracks.refuse_unknown(settings.choice.which)
    output = FrameOutput(settings, model, writing)
    steps = FrameSteps(settings, transfer, plan.shot.frames, output, reading)
    log = ResultLog(len(plan.tasks), model.device if model else None, run.report)
    for message in [] if run.stopped() else _notices_of_job(plan, settings):
        log.note(message)
    if side is not None and processes > 1:
        opens, exposure = side.open_transfer, steps.exposure
        log.take(run_side_by_side(plan, settings, run, opens, processes, exposure))
    else:
        log.take(_results(plan, steps, transfer.batch if transfer else 1, run.stopped))
    summary = replace(
        summary_of(plan, settings, model, log.results),
        exposure_ev=steps.exposure.known_ev,
        notices=dict(log.notices),
        interrupted=len(log.results) < len(plan.tasks),
        seconds=round(time.perf_counter() - begin, 3),
    )
    run.report(
        Finished(**summary.count(), interrupted=summary.interrupted, seconds=summary.seconds)
    )
    return summary


def summary_of(
    plan: JobPlan,
    settings: RenderSettings,
    model: ModelInUse | None,
    results: Sequence[FrameResult],
) -> JobSummary:
    """Summary of a plan, but for what only its run knows: its notices and its time."""
    tracks = settings.choice.tracks
    return JobSummary(
        source=plan.source,
        out=plan.out,
        expression=dict(settings.mix.intensities),
        by_face=settings.mix.intensities_by_face,
        model=model,
        exposure_ev=settings.exposure_ev,
        results=tuple(results),
        missing=plan.missing,
        is_tracked=tracks is not None and bool(tracks.numbers),
    )


def _results(
    plan: JobPlan, steps: FrameSteps, together: int, stopped: Callable[[], bool]
) -> Iterator[FrameResult]:
    """Run the steps of all frames, several frames at the same time.

    One frame alone stays in this thread: memory that another thread has used is not used again.
    """
    if len(plan.tasks) == 1 and not stopped():
        task = plan.tasks[0]
        [ready] = steps.change([(task, steps.read(task))])
        return iter([steps.write(task, ready)])
    from reggan_plugin.jobs.frames_in_flight import most_in_flight, run_overlapped

    return run_overlapped(
        plan.tasks,
        read=steps.read,
        process=steps.change,
        write=steps.write,
        room_beside=partial(_room_beside, most=most_in_flight(together)),
        stopped=stopped,
        together=together,
    )


def _notices_of_job(plan: JobPlan, settings: RenderSettings) -> list[str]:
    notices = []
    if not plan.tasks:
        notices.append("No frame of the range is on disk: nothing to do.")
    notices += notices_of_range(plan.missing, plan.outside)
    if settings.curve is not None and (numbers := plan.shot.frames.numbers):
        notices += settings.curve.notices_on(numbers[0], numbers[-1])
    if settings.choice.landmarks is not None and plan.tasks:
        notices += notices_of_landmarks(settings.choice.landmarks)
    tracks = settings.choice.tracks
    if settings.choice.which == "largest" and tracks is not None:
        notices += _notices_of_largest(tracks)
    shuts = settings.mix.control_weights().get(NEUTRAL, 0) > _SHUTS and not settings.mix.relaxed
    if shuts and settings.curve is None and tracks is not None and _speaks(tracks):
        notices.append(SPEAKS)
    located = settings.choice.needs_locator and not settings.mix.changes_nothing
    frames = plan.shot.frames
    if located and plan.tasks and len(frames) > 1 and frames.first_loose is None:
        notices.append(UNSMOOTHED)
    return notices


def _speaks(tracks: Tracks) -> bool:
    """Tell whether a face opens and shuts its mouth, by the gap of its lips in eye distances."""
    gaps = defaultdict(list)
    upper, lower = LIP_PAIRS
    for frame in tracks.frames.values():
        for face in frame.faces:
            if face.in_shot is not None and face.landmarks is not None:
                lips = face.in_shot.places[lower] - face.in_shot.places[upper]
                eye = np.linalg.norm(face.landmarks[0] - face.landmarks[1])
                gaps[face.face].append(np.linalg.norm(lips, axis=1).max() / max(float(eye), 1e-6))
    ways = (np.percentile(own, [10, 90]) for own in gaps.values())
    return any(high - low > _SPEECH for low, high in ways)


def _notices_of_largest(tracks: Tracks) -> list[str]:
    """Say how many faces are left as they are, or that this is no shot at all."""
    if len(tracks.frames) > 2 and len(tracks.cuts) == len(tracks.frames) - 1:
        return [
            "Nearly each of these pictures shows somebody else: they are no shot, and the largest "
            "face of each is changed by itself."
        ]
    numbers, largest = tracks.numbers, tracks.largest
    if len(largest) == len(numbers):
        return []
    changed = "one is changed, the largest"
    if len(largest) > 1:
        changed = f"{len(largest)} are changed, the largest one between each two cuts"
    others = " or ".join(map(str, numbers)) if len(numbers) < 8 else f"0 to {numbers[-1]}"
    found = f"The shot has {len(numbers)} faces and {changed}."
    return [Remark(found, "faces-of-shot", others=others)]


def _room_beside(content: ReadFrame, most: int) -> int:
    """Return the number of frames as large as this one that may be in flight beside it, of `most`
    in all.
    """
    match content:
        case FrameInput():
            pixels = content.frame.pixels.size // 3
            return room_beside(pixels, most, PIXELS_WHILE_RENDERING)
        case UnchangedFrame():
            return most - 1
        case _:
            return 0  # nobody knows yet how large the next one is


LOST = (
    "{compression} compressed pixels beside the change a second time: they differ by up to "
    "{largest:.3g} ({rms:.2g} on average, both in the file's own values)."
)

FADED = (
    "The head is turned too far for this model. Over the next "
    f"{FADE_DEG:g} degrees the change fades to nothing: {{frames}}."
)


@dataclass(eq=False)
class ResultLog:
    """Collects results, and reports each of them and each new notice."""

    frames: int
    device: str | None
    report: Report
    results: list[FrameResult] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)

    def note(self, message: str, frames: int = 0) -> None:
        """Say something about so many frames, or the whole job."""
        self.notices[message] = frames
        self.report(Notice(message=message))

    def take(self, results: Iterable[FrameResult]) -> None:
        """Take the results of all frames as they come, then say what holds for several."""
        for result in results:
            self.results.append(result)
            for message in result.warnings:
                if message not in self.notices:
                    self.report(Notice(message=message, source=result.source))
                self.notices[message] += 1
            done = len(self.results)
            self.report(FrameDone(done=done, frames=self.frames, result=result, device=self.device))
        for message in notices_of_changed(self.results):
            self.note(message)
        faded = [result.intensity_share < 1.0 for result in self.results]
        if any(faded):  # a head is turned further than the model's card allows
            names = [name_of_frame(result.source) for result in self.results]
            self.note(FADED.format(frames=_runs(names, faded)), sum(faded))
        losses: dict[str, list[GenerationLoss]] = defaultdict(list)
        for loss in (result.generation_loss for result in self.results):
            if loss is not None:
                losses[loss.compression].append(loss)
        for compression, own in losses.items():
            worst = max(own, key=lambda loss: loss.largest)
            text = LOST.format(compression=compression, largest=worst.largest, rms=worst.rms)
            self.note(Remark(text, "compressed-twice", compression=compression), len(own))


def _runs(names: Sequence[str], chosen: Sequence[bool]) -> str:
    """Return the chosen names; those that follow each other as `first to last`."""
    runs = []
    for is_chosen, group in groupby(zip(names, chosen, strict=True), key=itemgetter(1)):
        own = [name for name, _ in group]
        if is_chosen:
            runs.append(own[0] if len(own) == 1 else f"{own[0]} to {own[-1]}")
    return ", ".join(runs)
