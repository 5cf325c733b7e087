"""A `reggan-plugin live` beside Blender, warm from its first use to Blender's end. No threads.

Requests go through its pipe, one at a time; answers come into a file, which can be read without
waiting on every system.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import BridgeError
from .runtime import Runtime
from .runtime_process import start_process

INTERVAL_S = 0.02
"""Between two looks at it: for so long an answer or a moved slider waits at most."""
Request = Mapping[str, Any]


class LiveWorker:
    """A process that answers the newest request; those before it are never sent."""

    def __init__(self, runtime: Runtime, arguments: Sequence[str], folder: Path) -> None:
        """Start it.

        Args:
            runtime: that has reggan-plugin.
            arguments: of `live`: model and device.
            folder: an empty one, for its output.

        Raises:
            BridgeError: the runtime's Python cannot be started, or `folder` cannot be written.
        """
        self.arguments, self.runtime = tuple(arguments), runtime
        self._folder, self._waiting, self._asked, self._begun = folder, None, 0, b""
        self._is_busy = False
        # It works for a part of a second at a time, for which the artist waits.
        command = ["live", *arguments]
        self._process = start_process(
            runtime, command, folder, stdin=subprocess.PIPE, gives_way=False
        )
        self._answers = (folder / "stdout.txt").open("rb")

    _waiting: Request | None

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    @property
    def is_done(self) -> bool:
        """True if every request was answered or replaced by a newer one."""
        return not self._is_busy and self._waiting is None

    def ask(self, request: Request) -> None:
        """Ask for a picture, in place of what was asked for and not yet begun."""
        self._waiting = request
        self._send()

    def poll(self) -> list[dict[str, Any]]:
        """Answers that have come since. Never waits.

        Raises:
            BridgeError: it ended.
        """
        code = self._process.poll()  # before reading: nothing is written after this
        *lines, self._begun = (self._begun + self._answers.read()).split(b"\n")
        answers = [dict(json.loads(line)) for line in lines if line.strip()]
        if answers:
            self._is_busy = False
            self._send()
        if code is not None and not answers:
            said = (self._folder / "stderr.txt").read_text("utf-8", "replace").strip()
            raise BridgeError(self.runtime.reason_from_end(said, code))
        return answers

    def close(self) -> None:
        """End it; it ends by itself, too, when Blender does."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._answers.close()

    def _send(self) -> None:
        if self._is_busy or self._waiting is None or self._process.stdin is None:
            return
        self._asked += 1
        line = json.dumps({"id": self._asked, **self._waiting}) + "\n"
        self._waiting, self._is_busy = None, True
        with suppress(OSError):  # it ended: `poll` says why
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
