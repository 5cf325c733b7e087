"""A child process that reads for us: what it gives back, and what becomes of it when it is bad."""

import os
import signal
import time
from typing import Any

import numpy as np
import pytest

from reggan_plugin import limits
from reggan_plugin.apart import run_apart
from reggan_plugin.errors import MeshError, SourceError

HERE = "tests.test_apart"


def plain(value: Any) -> dict[str, Any]:
    print("noise of a library")
    return {
        "value": value,
        "array": np.arange(6).reshape(2, 3),
        "more": [np.array([0.5], np.float32), None],
    }


def failing(how: str) -> None:
    match how:
        case "error":
            raise MeshError("a.obj is broken", kind="mesh-reference", found=3)
        case "value":
            raise ValueError("it is none")
        case "bug":
            raise KeyError("oh")
        case "memory":
            bytearray(limits.MOST_CHILD_BYTES)
        case "death":
            os.kill(os.getpid(), signal.SIGKILL)
        case "time":
            while True:
                time.process_time()


def call(function: str, *arguments: Any) -> Any:
    return run_apart(f"{HERE}:{function}", *arguments, file="a.obj")


def test_values_and_arrays_come_back() -> None:
    found = call("plain", {"name": "\udcff é", "numbers": [1, 0.5, None, True]})
    assert found["value"] == {"name": "\udcff é", "numbers": [1, 0.5, None, True]}
    np.testing.assert_array_equal(found["array"], [[0, 1, 2], [3, 4, 5]])
    assert found["more"][0].dtype == np.float32
    assert found["more"][1] is None


def test_errors_come_back_as_what_they_are() -> None:
    with pytest.raises(MeshError, match=r"a\.obj is broken") as refusal:
        call("failing", "error")
    assert refusal.value.kind == "mesh-reference"
    assert refusal.value.fields == {"found": 3}
    with pytest.raises(ValueError, match="it is none"):
        call("failing", "value")
    with pytest.raises(RuntimeError, match="KeyError: 'oh'"):
        call("failing", "bug")


def test_a_bomb_costs_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resource")
    with pytest.raises(SourceError, match=r"a\.obj ends the process that reads it"):
        call("failing", "death")
    if os.uname().sysname == "Linux":
        with pytest.raises(SourceError, match=r"a\.obj needs more than 4 GiB"):
            call("failing", "memory")
    monkeypatch.setattr(limits, "MOST_CHILD_SECONDS", 1)
    with pytest.raises(SourceError, match=r"a\.obj takes longer than"):
        call("failing", "time")


def test_no_module_of_the_folder_in_work_is_loaded(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert call("plain", 1)["value"] == 1
