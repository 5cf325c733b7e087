"""Jobs that an artist cancels."""

from typing import Any

import pytest


def cancel_after_two(monkeypatch: pytest.MonkeyPatch, operator: type) -> None:
    """Let the jobs of an operator be cancelled once two of their frames or pictures are done.

    Args:
        monkeypatch: of the test.
        operator: its class. Its job must have many more.
    """
    begin = operator.job  # type: ignore[attr-defined]

    def begin_and_cancel(pressed: Any, context: Any) -> Any:
        job = begin(pressed, context)
        while job.poll().done < 2:
            pass
        job.cancel()
        return job

    monkeypatch.setattr(operator, "job", begin_and_cancel)
