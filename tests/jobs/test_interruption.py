"""A signal asks a job to stop; Windows has one more of them."""

import signal

import pytest

from reggan_plugin.jobs.interruption import Interrupted, stop_on_signals


@pytest.mark.parametrize(
    ("name", "exit_code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGBREAK", 130)]
)
def test_the_first_signal_is_a_request_and_the_next_one_acts_as_usual(
    name: str, exit_code: int
) -> None:
    if not hasattr(signal, name):
        pytest.skip(f"this system has no {name}")
    number = signal.Signals[name]
    usual = signal.getsignal(number)
    with stop_on_signals() as stop:
        assert signal.getsignal(number) != usual
        signal.raise_signal(number)
        assert stop.is_made()
        assert signal.getsignal(number) == usual
        with pytest.raises(Interrupted) as stopped:
            stop.raise_if_made()
    assert stopped.value.exit_code == exit_code
