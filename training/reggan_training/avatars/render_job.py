"""Many identities rendered by several worker processes."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reggan_plugin.jobs.interruption import stop_on_signals
from reggan_training.avatars.identity_plan import PLAN_VERSION
from reggan_training.avatars.render_settings import AvatarRenderSettings
from reggan_training.avatars.task import Task
from reggan_training.data.new_set import (
    check_resumable,
    is_finished,
    remove_unfinished,
    write_manifest,
)

_POLL_S = 0.2
_WORKER = (sys.executable, "-m", "reggan_training.avatars.worker")


@dataclass(frozen=True, kw_only=True)
class SetSettings:
    """Settings of a set.

    The seed and `render` shape its pictures; the rest says how many, and where.
    """

    assets: Path
    root: Path
    styles: tuple[str, ...] = ("skin",)
    identities: int
    first_number: int = 1000
    seed: int = 0
    render: AvatarRenderSettings = field(default_factory=AvatarRenderSettings)
    processes: int = 1

    def to_json(self) -> dict[str, Any]:
        """Settings that a rerun into the same folder must agree with."""
        return {"plan_version": PLAN_VERSION, "seed": self.seed, "render": asdict(self.render)}

    def tasks(self) -> list[Task]:
        """Every identity; styles take turns, so that a part is a sample."""
        numbers = range(self.first_number, self.first_number + self.identities)
        return [Task(style=style, number=number) for number in numbers for style in self.styles]


@dataclass(kw_only=True, eq=False)
class _Progress:
    """State that the worker threads share; guarded by `lock`."""

    waiting: deque[Task]
    total: int
    report: Callable[[str], None]
    finished: Callable[[], None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    failed: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    done: int = 0
    is_stopping: bool = False
    started: float = field(default_factory=time.monotonic)

    def next_task(self) -> Task | None:
        with self.lock:
            return self.waiting.popleft() if self.waiting and not self.is_stopping else None

    def note(self, name: str, error: str | None) -> None:
        with self.lock:
            if self.is_stopping:
                return
            self.done += 1
            if error is None:
                self.finished()
            else:
                self.failed[name] = error
            pace = (time.monotonic() - self.started) / self.done
            left = pace * (self.total - self.done) / 60
            what = "rendered" if error is None else f"FAILED ({error})"
            self.report(f"{self.done}/{self.total} {name} {what}, {left:.0f} min left")


def render_set(
    settings: SetSettings,
    software: Mapping[str, str],
    report: Callable[[str], None],
    worker_command: Sequence[str] = _WORKER,
) -> dict[str, str]:
    """Render what is not there yet; returns the error of each identity that failed, by its name.

    A worker that dies takes only its own identity with it.

    Raises:
        OutputExistsError: the folder holds a set of other settings.
        Interrupted: a signal came; unfinished identities were removed.
    """
    root = settings.root
    check_resumable(root, settings.to_json())
    root.mkdir(parents=True, exist_ok=True)
    remove_unfinished(root)
    write_manifest(root, settings.to_json(), software)
    tasks = [task for task in settings.tasks() if not is_finished(root, task.name)]
    report(f"{len(settings.tasks()) - len(tasks)} are there, {len(tasks)} to render")
    progress = _Progress(
        waiting=deque(tasks),
        total=len(tasks),
        report=report,
        finished=lambda: write_manifest(root, settings.to_json(), software),
    )
    with stop_on_signals() as request:
        threads = [
            threading.Thread(target=_serve, args=(settings, progress, worker_command), daemon=True)
            for _ in range(min(settings.processes, len(tasks)))
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if request.is_made() and not progress.is_stopping:
                _stop(progress)
            for thread in threads:
                thread.join(_POLL_S / len(threads))
        if request.is_made():
            remove_unfinished(root)
        request.raise_if_made()
    return progress.failed


def _stop(progress: _Progress) -> None:
    with progress.lock:
        progress.is_stopping = True
        for worker in progress.workers:
            worker.kill()


def _serve(settings: SetSettings, progress: _Progress, command: Sequence[str]) -> None:
    """Feed one worker after the other until nothing is left to do."""
    worker: subprocess.Popen[str] | None = None
    while (task := progress.next_task()) is not None:
        if worker is None:
            worker = _start_worker(settings, progress, command)
        answer = _ask(worker, asdict(task))
        if answer is None:
            progress.note(task.name, f"the worker ended with status {_end(worker)}")
            worker = None
        else:
            progress.note(task.name, answer["error"])
    if worker is not None:
        _end(worker)


def _end(worker: subprocess.Popen[str]) -> int:
    """Tell a worker that there is no more; its exit status."""
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # it died over what was told last
                pipe.close()
    return worker.wait()


def _start_worker(
    settings: SetSettings, progress: _Progress, command: Sequence[str]
) -> subprocess.Popen[str]:
    setup = {
        "assets": str(settings.assets.resolve()),
        "root": str(settings.root.resolve()),
        "seed": settings.seed,
        "render": asdict(settings.render),
    }
    log = (settings.root / ".worker.log").open("a")
    with log:
        worker = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    with progress.lock:
        progress.workers.append(worker)
        if progress.is_stopping:
            worker.kill()
    _send(worker, setup)
    return worker


def _ask(worker: subprocess.Popen[str], task: dict[str, Any]) -> dict[str, Any] | None:
    """The worker's answer; None if it died over the task."""
    _send(worker, task)
    line = worker.stdout.readline() if worker.stdout is not None else ""
    answer: dict[str, Any] | None = json.loads(line) if line else None
    return answer


def _send(worker: subprocess.Popen[str], content: Mapping[str, Any]) -> None:
    if worker.stdin is None:
        raise ValueError("the worker was started without a pipe to its input")
    with contextlib.suppress(BrokenPipeError):  # it died; the missing answer tells
        worker.stdin.write(json.dumps(content) + "\n")
        worker.stdin.flush()
