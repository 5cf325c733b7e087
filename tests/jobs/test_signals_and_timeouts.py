"""A signal asks a job to stop; Windows has one more of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reggan_plugin.jobs.signals_and_timeouts import Interrupted, stop_on_signals


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


IN_NATIVE_CODE = """
import sys
import numpy as np, onnxruntime
from reggan_plugin.jobs.signals_and_timeouts import stop_on_signals

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
with stop_on_signals():
    print("begins", flush=True)
    session.run(None, {"x": np.zeros(1, np.float32)})
"""


def endless_model(path: Path) -> Path:
    """A loop of 2⁶² rounds: native code that does not come back."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["u"])],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("v", TensorProto.FLOAT, [1]),
        ],
        [value("on", TensorProto.BOOL, []), value("u", TensorProto.FLOAT, [1])],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["most", "yes", "x"], ["y"], body=body)],
        "graph",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
        [
            numpy_helper.from_array(np.array(2**62), "most"),
            numpy_helper.from_array(np.array(True), "yes"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.mark.skipif(os.name == "nt", reason="signals of Windows end other processes at once")
def test_sigterm_twice_ends_a_process_inside_native_code(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_NATIVE_CODE, str(endless_model(tmp_path / "endless.onnx"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        assert process.poll() is None  # one is a request: the current frame is finished
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 143
    assert b"Ended by a second signal" in said


def test_nothing_watches_once_the_job_is_over() -> None:
    before = signal.set_wakeup_fd(-1)
    with stop_on_signals():
        assert signal.set_wakeup_fd(-1) != before
    assert signal.set_wakeup_fd(before) == before
