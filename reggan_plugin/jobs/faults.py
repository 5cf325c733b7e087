"""Faults that one frame can have without the others having them, too."""

from collections.abc import Callable
from typing import TypeVar

from reggan_plugin.errors import DeviceUnavailableError, ModelError, RegganError, Remark
from reggan_plugin.jobs.frame_record import FrameFacts
from reggan_plugin.jobs.frames_between_steps import EndedFrame
from reggan_plugin.jobs.plan import FrameTask

Step = TypeVar("Step")

FRAME_FAULTS = (RegganError, OSError, MemoryError)
"""Other exceptions are bugs."""
JOB_FAULTS = (ModelError, DeviceUnavailableError)
"""Of the first kind, but every other frame would meet them, too."""


def unless_it_fails(
    task: FrameTask, facts: FrameFacts, step: Callable[[], Step]
) -> Step | EndedFrame:
    """Run a step; an error ends its frame alone."""
    try:
        return step()
    except JOB_FAULTS:
        raise
    except RegganError as error:
        message: str = error.remark
    except OSError as error:
        message = f"{task.source.path}: {error}."
    except MemoryError:
        path = task.source.path
        message = Remark(
            f"{path} does not fit into the memory that is free. Close other programs, or say where "
            "the face is, so that it need not be searched for.",
            "out-of-memory",
            source=path,
        )
    return EndedFrame(outcome="failed", message=message, facts=facts)
