"""Ending the processes that a command has started, as an operating system short of memory does."""

import multiprocessing
import os
import signal


def end_children(how: signal.Signals = signal.SIGKILL) -> int:
    """Send every child of this process a signal; returns how many there were."""
    children = [child.pid for child in multiprocessing.active_children() if child.pid]
    for pid in children:
        os.kill(pid, how)
    return len(children)
