"""Children that read foreign files are forked from a process that has loaded what they need.

The program starts Python anew for each: 0.2 to 0.5 s of a processor, 390 times in all tests. Here
they have the same bounds, words and ends, without that. `test_child_process.py` starts them as the
program does, and so does every command that a test runs as a process.
"""

import io
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_LOADED = ("av", "trimesh", "reggan_plugin.files.video_writing", "reggan_plugin.textures.read_mesh")
"""Before the first child; what is not installed is left out."""
_WORDS_BYTES = 2**20


def fork_children() -> None:
    """Have `child_process` start its children so, on Linux."""
    if sys.platform == "linux":
        from reggan_plugin import child_process

        calls = {"PIPE": None, "DEVNULL": None, "Popen": _Forked}
        child_process.subprocess = SimpleNamespace(**calls)  # type: ignore[assignment]


class _Forked:
    """As much of a `subprocess.Popen` as `child_process` asks for."""

    _server: socket.socket | None = None

    def __init__(self, command: list[str], *, env: dict[str, str], **_: Any) -> None:
        asked = {"argv": command[-4:], "env": env, "cwd": str(Path.cwd())}
        (stdin, to_child), (from_child, stdout), (status, ended) = (os.pipe() for _ in range(3))
        words = json.dumps(asked, ensure_ascii=True).encode()
        socket.send_fds(self._asked(), [words], [stdin, stdout, ended])
        for one in (stdin, stdout, ended):
            os.close(one)
        self.stdin, self.stdout = os.fdopen(to_child, "wb"), os.fdopen(from_child, "rb")
        self._status = os.fdopen(status)
        self._pid, self._code = int(self._status.readline()), None

    def wait(self) -> int:
        if self._code is None:
            with self._status:
                self._code = int(self._status.readline())
        return self._code

    def kill(self) -> None:
        if self._code is None:
            try:
                os.kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    @classmethod
    def _asked(cls) -> socket.socket:
        if cls._server is None:
            cls._server, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            theirs.set_inheritable(True)
            command = [sys.executable, __file__, str(theirs.fileno())]
            os.posix_spawn(sys.executable, command, os.environ)
            theirs.close()
        return cls._server


def _serve(server: socket.socket) -> None:
    """Fork a child whenever one is asked for, until nobody can ask."""
    for name in _LOADED:
        try:
            __import__(name)
        except ImportError:
            continue
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who wait for children are not waited for
    while True:
        words, descriptors, _, _ = socket.recv_fds(server, _WORDS_BYTES, 3)
        if not words:
            return
        if os.fork() == 0:
            server.close()
            _wait_for_child(json.loads(words), *descriptors)
        for one in descriptors:
            os.close(one)


def _wait_for_child(asked: dict[str, Any], stdin: int, stdout: int, ended: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(ended)
        _run(asked, stdin, stdout)
    os.close(stdin)
    os.close(stdout)
    os.write(ended, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(ended, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(asked: dict[str, Any], stdin: int, stdout: int) -> None:
    code = 1
    try:
        os.setsid()
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        nothing = os.open(os.devnull, os.O_WRONLY)
        for place, one in enumerate((stdin, stdout, nothing)):
            os.dup2(one, place)
            os.close(one)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))
        _, folders, *_ = sys.argv = asked["argv"]
        sys.path[:] = json.loads(folders)
        from reggan_plugin import child_process

        child_process.main()
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    _serve(socket.socket(fileno=int(sys.argv[1])))
