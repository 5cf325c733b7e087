"""Many identities rendered by several worker processes."""

import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from reggan_plugin.jobs.interruption import stop_on_signals
from reggan_training.avatars.identity_plan import PLAN_VERSION, identity_name
from reggan_training.avatars.render_settings import RenderSettings
from reggan_training.avatars.set_files import (
    check_resumable,
    is_finished,
    remove_unfinished,
    write_manifest,
)

_POLL_S = 0.2
_WORKER = (sys.executable, "-m", "reggan_training.avatars.worker")


@dataclass(frozen=True, kw_only=True)
class SetSettings:
    """What a set is made of. Everything but the numbers and the processes shapes its pictures."""

    assets: Path
    root: Path
    styles: tuple[str, ...] = ("skin",)
    identities: int
    first_number: int = 1000
    seed: int = 0
    render: RenderSettings = field(default_factory=RenderSettings)
    processes: int = 1

    def to_json(self) -> dict[str, Any]:
        """What a rerun into the same folder must agree with."""
        return {"plan_version": PLAN_VERSION, "seed": self.seed, "render": asdict(self.render)}

    def tasks(self) -> list[tuple[str, int]]:
        """Style and number of every identity; styles take turns, so that a part is a sample."""
        numbers = range(self.first_number, self.first_number + self.identities)
        return [(style, number) for number in numbers for style in self.styles]


@dataclass(kw_only=True, eq=False)
class _Progress:
    """What the worker threads share; guarded by `lock`."""

    waiting: deque[tuple[str, int]]
    total: int
    report: Callable[[str], None]
    finished: Callable[[], None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    failed: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    done: int = 0
    is_stopping: bool = False
    started: float = field(default_factory=time.monotonic)

    def next_task(self) -> tuple[str, int] | None:
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
    tasks = [task for task in settings.tasks() if not is_finished(root, identity_name(*task))]
    report(f"{len(settings.tasks()) - len(tasks)} identities are there, {len(tasks)} to render")
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
        if worker is None or worker.poll() is not None:
            worker = _start_worker(settings, progress, command)
        answer = _ask(worker, {"style": task[0], "number": task[1]})
        if answer is None:
            code = worker.wait()
            progress.note(identity_name(*task), f"the worker ended with status {code}")
        else:
            progress.note(answer["name"], answer["error"])
    if worker is not None and worker.stdin is not None:
        worker.stdin.close()
        worker.wait()


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
    _send(worker.stdin, setup)
    return worker


def _ask(worker: subprocess.Popen[str], task: dict[str, Any]) -> dict[str, Any] | None:
    """The worker's answer; None if it died over the task."""
    _send(worker.stdin, task)
    line = worker.stdout.readline() if worker.stdout is not None else ""
    answer: dict[str, Any] | None = json.loads(line) if line else None
    return answer


def _send(pipe: IO[str] | None, content: dict[str, Any]) -> None:
    if pipe is None:
        return
    try:
        pipe.write(json.dumps(content) + "\n")
        pipe.flush()
    except BrokenPipeError:
        pass  # the worker died; the missing answer tells
