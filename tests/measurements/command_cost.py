"""What one command takes, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class CommandCost(NamedTuple):
    """Processor time of a command, user and system, and its largest memory."""

    seconds: float
    memory_bytes: int


def cost_of(words: Sequence[str], environment: Mapping[str, str] | None = None) -> CommandCost:
    """Run `reggan-plugin` with these words; ends the program if it fails.

    Args:
        words: such as `render`, and what follows it.
        environment: all of its variables; None is this process's own.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "reggan_plugin", *words], stdout=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words[0]} ended with {process.returncode}")
    return CommandCost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
