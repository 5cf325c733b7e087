"""A `reggan-plugin live` beside Blender, warm from its first use to Blender's end. No threads.

Requests go through its pipe as they come, and it answers the newest; answers come into a file,
which can be read without waiting on every system.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import BridgeError
from .find_runtime import Runtime
from .run_job import start_process

LONGEST_PX = 1024
"""Side of the picture, and texels of a map, that it shows at most."""
_MOST_AHEAD = 1 if os.name == "nt" else 8
"""Requests in the pipe, so few that it never fills: Blender would wait for one that is full. On
Windows the process answers each of them: see `newest_lines` in reggan_plugin/ui/live_pipe.py."""
_MOST_BYTES_AHEAD = 32_768
"""Half of what a pipe holds."""
Request = Mapping[str, Any]


class LiveWorker:
    """A process that answers the newest request; those that it replaced have no answer."""

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
        self._folder, self._waiting, self._begun = folder, None, b""
        self._asked, self._has_answered = 0, False
        self._ahead: dict[int, int] = {}  # bytes sent, by number, neither answered nor replaced
        # It works for a part of a second at a time, for which the artist waits.
        command = ["live", *arguments]
        self._process = start_process(
            runtime, command, folder, stdin=subprocess.PIPE, gives_way=False
        )
        self._answers = (folder / "stdout.txt").open("rb")

    _waiting: Request | None

    @property
    def is_done(self) -> bool:
        """True if every request was answered or replaced by a newer one."""
        return not self._ahead and self._waiting is None

    def ask(self, request: Request) -> int:
        """Ask for a picture, in place of what was asked for and not yet begun.

        Returns:
            The `id` of its answer.
        """
        self._asked += 1
        self._waiting = {"id": self._asked, **request}
        self._send()
        return self._asked

    def poll(self) -> list[dict[str, Any]]:
        """Answers that have come since, the newest last. Never waits.

        Raises:
            BridgeError: it ended.
        """
        self._send()  # the answers before are read by now
        code = self._process.poll()  # before reading: nothing is written after this
        *lines, self._begun = (self._begun + self._answers.read()).split(b"\n")
        answers = [dict(json.loads(line)) for line in lines if line.strip()]
        if answers:
            self._has_answered = True
            newest = answers[-1]["id"]
            self._ahead = {n: size for n, size in self._ahead.items() if n > newest}
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
        if self._waiting is None or self._process.stdin is None:
            return
        # Until it has answered it may not read yet; and the files of tiles keep their names, so
        # that none may be written while Blender reads it.
        is_alone = not self._has_answered or "texture" in self._waiting
        if len(self._ahead) >= (1 if is_alone else _MOST_AHEAD):
            return
        line = json.dumps(self._waiting).encode() + b"\n"
        if self._ahead and sum(self._ahead.values()) + len(line) > _MOST_BYTES_AHEAD:
            return
        self._ahead[self._waiting["id"]] = len(line)
        self._waiting = None
        with suppress(OSError):  # it ended: `poll` says why
            self._process.stdin.write(line)
            self._process.stdin.flush()
