"""A job: the workers that one press of a button runs, one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .progress import Progress
from .runtime import Runtime
from .runtime_process import RuntimeProcess, start


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """One run of `reggan-plugin`."""

    arguments: tuple[str, ...]
    title: str
    """What the artist reads while it runs: "Render happy"."""
    folder: Path
    """For the worker's output; a fresh one for each request."""
    runtime: Runtime | None = None
    """The runtime that runs it, if not the job's own."""
    if_failed: Callable[[str], None] | None = None
    """Told why this failed: the job goes on then, and ends well."""
    objection: Callable[[], str] | None = None
    """Asked when this has ended: why the job is not to go on; empty if it is."""


class Job:
    """Runs requests in turn; the first that does not end well ends it."""

    def __init__(self, runtime: Runtime, requests: Sequence[JobRequest]) -> None:
        if not requests:
            raise ValueError("a job needs a request")
        self._runtime = runtime
        self._waiting = list(requests)
        self._of = len(requests)
        self._is_cancelled = False
        self.results: list[Progress] = []
        """The ends of the requests that have ended, in their order."""
        self._start_next()

    def poll(self) -> Progress:
        """Progress of the whole job. Never waits.

        Raises:
            BridgeError: the next request's worker cannot be started.
        """
        progress = self._worker.poll()
        if progress.state == "running":
            return self._of_all(progress)
        if progress.state == "failed" and self._request.if_failed is not None:
            self._request.if_failed(progress.message)
            progress = replace(progress, state="done", message="")
        if progress.state == "done" and self._request.objection is not None:
            objection = self._request.objection()
            progress = replace(progress, state="failed" if objection else "done", message=objection)
        if len(self.results) + len(self._waiting) < self._of:
            self.results.append(progress)
        if progress.state != "done" or not self._waiting:
            return progress
        if self._is_cancelled:
            return replace(progress, state="cancelled", message="Cancelled.")
        self._start_next()
        return self._of_all(Progress())

    def cancel(self) -> None:
        """Ask the worker to stop, and start no other; asked again, stop it at once."""
        self._is_cancelled = True
        self._worker.cancel()

    def kill(self) -> None:
        """End it at once and let go of it."""
        self._is_cancelled = True
        self._worker.kill()

    def wait(self) -> Progress:
        """Return the job's end, however long that takes."""
        while True:
            self._worker.wait()
            progress = self.poll()
            if progress.state != "running":
                return progress

    def _start_next(self) -> None:
        self._request = request = self._waiting.pop(0)
        self.title = request.title
        runtime = request.runtime or self._runtime
        self._worker: RuntimeProcess = start(runtime, request.arguments, request.folder)

    def _of_all(self, progress: Progress) -> Progress:
        """With several requests each counts a hundred parts."""
        if self._of == 1:
            return progress
        done = round(100 * (len(self.results) + progress.factor))
        return replace(progress, done=done, total=100 * self._of)
