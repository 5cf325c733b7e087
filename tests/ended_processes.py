"""Ending a process that a command has started, as an operating system short of memory does."""

import multiprocessing
import os
import signal
import time


def end_a_child(how: signal.Signals = signal.SIGKILL, *, within_s: float = 60.0) -> None:
    """Send the first child of this process a signal, as soon as there is one."""
    latest = time.monotonic() + within_s
    while not (children := multiprocessing.active_children()):
        assert time.monotonic() < latest, "no process was started"
        time.sleep(0.05)
    os.kill(min(child.pid for child in children if child.pid), how)
