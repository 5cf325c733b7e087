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
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

_LOADED = (
    *("av", "trimesh", "reggan_plugin.files.video_writing", "reggan_plugin.textures.read_mesh"),
    *("embreex", "reggan_plugin.commands.render", "reggan_plugin.commands.texture"),
)
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

    def __init__(self, command: list[str], *, env: dict[str, str], **_: Any) -> None:
        (stdin, to_child), (from_child, stdout) = os.pipe(), os.pipe()
        stderr = os.open(os.devnull, os.O_WRONLY)
        self._status = _started({"argv": command[-4:], "env": env}, stdin, stdout, stderr)
        self.stdin, self.stdout = os.fdopen(to_child, "wb"), os.fdopen(from_child, "rb")
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


def run_command(words: Sequence[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m reggan_plugin`, forked on Linux; what it says is captured."""
    if sys.platform != "linux":
        command = [sys.executable, "-m", "reggan_plugin", *words]
        return subprocess.run(command, capture_output=True, text=True, env=env)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
        own = [os.open(os.devnull, os.O_RDONLY), os.dup(out.fileno()), os.dup(said.fileno())]
        with _started({"words": words, "env": env}, *own) as status:
            code = int(status.read().split()[1])
        for one in (out, said):
            one.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), said.read())


@cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.set_inheritable(True)
    command = [sys.executable, __file__, str(theirs.fileno())]
    os.posix_spawn(sys.executable, command, os.environ)
    theirs.close()
    return ours


def _started(asked: dict[str, Any], stdin: int, stdout: int, stderr: int) -> IO[str]:
    """Start a child with these streams; returns where its number and its exit are written."""
    status, ended = os.pipe()
    words = json.dumps({**asked, "cwd": str(Path.cwd())}).encode()
    socket.send_fds(_server(), [words], [stdin, stdout, stderr, ended])
    for one in (stdin, stdout, stderr, ended):
        os.close(one)
    return os.fdopen(status)


def _serve(server: socket.socket) -> None:
    """Fork a child whenever one is asked for, until nobody can ask."""
    for name in _LOADED:
        try:
            __import__(name)
        except ImportError:
            continue
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who wait for children are not waited for
    while True:
        words, descriptors, _, _ = socket.recv_fds(server, _WORDS_BYTES, 4)
        if not words:
            return
        if os.fork() == 0:
            server.close()
            _wait_for_child(json.loads(words), *descriptors)
        for one in descriptors:
            os.close(one)


def _wait_for_child(
    asked: dict[str, Any], stdin: int, stdout: int, stderr: int, ended: int
) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(ended)
        _run(asked, stdin, stdout, stderr)
    for one in (stdin, stdout, stderr):
        os.close(one)
    os.write(ended, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(ended, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(asked: dict[str, Any], *streams: int) -> None:
    code = 1
    try:
        os.setsid()
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        for place, one in enumerate(streams):
            os.dup2(one, place)
            os.close(one)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))
        if "words" in asked:
            from reggan_plugin.cli import main

            sys.argv[1:] = asked["words"]
            sys.path[:] = asked["env"]["PYTHONPATH"].split(os.pathsep)
            code = main(asked["words"])
        else:
            from reggan_plugin import child_process

            sys.argv = asked["argv"]
            sys.path[:] = json.loads(sys.argv[1])
            child_process.main()
            code = 0
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    _serve(socket.socket(fileno=int(sys.argv[1])))
