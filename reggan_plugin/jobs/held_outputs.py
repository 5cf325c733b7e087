"""Which job writes which files of a folder: a note beside their records, while it runs.

No two jobs write the same file. Chunks of a farm share a folder: they write other files of it. A
note is touched by its job again and again, so that one that was killed is known by its age, on this
machine at once by its process.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from reggan_plugin.disk import read_regular
from reggan_plugin.documents import json_text
from reggan_plugin.errors import OutputError, counted
from reggan_plugin.jobs.frame_record import RECORD_FOLDER
from reggan_plugin.jobs.plan import JobPlan
from reggan_plugin.limits import MOST_DOCUMENT_BYTES

_SUFFIX = ".running"
_TOUCHED_EACH_S, _STALE_S = 20.0, 180.0


@contextmanager
def held_outputs(plan: JobPlan) -> Iterator[None]:
    """Hold the files that a plan writes, until the end of the block.

    A folder that takes no note is not held: what is wrong with it is said where it is written to.

    Raises:
        OutputError: another job that is running writes some of them.
    """
    folder = plan.out / RECORD_FOLDER
    names = [task.output.name for task in plan.tasks]
    host = _plain(socket.gethostname())
    own = folder / f"{host}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
    note = {"host": host, "pid": os.getpid(), "since": time.time(), "files": names}
    ended = threading.Event()
    try:
        if folder.is_symlink():
            raise OSError
        folder.mkdir(parents=True, exist_ok=True)
        begun = own.with_suffix(".begun")  # whoever reads a note finds it whole
        begun.write_text(json_text(note), encoding="utf-8")
        begun.replace(own)
    except OSError:
        yield
        return
    try:
        _refuse_held(folder, own, note, plan.out)
        threading.Thread(target=_keep_fresh, args=(own, ended), daemon=True).start()
        yield
    finally:
        ended.set()
        own.unlink(missing_ok=True)


def _refuse_held(folder: Path, own: Path, note: dict[str, Any], out: Path) -> None:
    """Refuse files that another job holds; where both have just begun, the earlier one goes on.

    Raises:
        OutputError: some are held.
    """
    now = own.stat().st_mtime  # by the clock of the disk, as the others' is
    for path in folder.glob(f"*{_SUFFIX}"):
        if path == own:
            continue
        try:
            other = json.loads(read_regular(path, MOST_DOCUMENT_BYTES))
            host, pid, since = _plain(str(other["host"])), int(other["pid"]), float(other["since"])
            both = sorted(set(map(str, other["files"])) & set(note["files"]))
            age_s = now - path.stat().st_mtime
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            continue  # it has just ended, or is none of ours
        if age_s > _STALE_S or (host == note["host"] and not _is_alive(pid)):
            with suppress(OSError):
                path.unlink()
        elif both and (since, path.name) < (note["since"], own.name):
            begun = time.strftime("%H:%M:%S", time.localtime(min(since, note["since"])))
            raise OutputError(
                f"{out}: another job is writing {counted(len(both), 'file')} of these, such as "
                f"{both[0]}: process {pid} on {host}, since {begun}. Wait until it has ended, stop "
                "it, or write into another folder.",
                kind="output-held",
            )


def _plain(host: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in host)[:40]


def _is_alive(pid: int) -> bool:
    """Tell whether a process of this machine runs; True where asking would end it."""
    if os.name == "nt" or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _keep_fresh(path: Path, ended: threading.Event) -> None:
    while not ended.wait(_TOUCHED_EACH_S):
        with suppress(OSError):
            os.utime(path)
