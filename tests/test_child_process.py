"""A child process that reads for us: what it gives back, and what becomes of it when it is bad."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from reggan_plugin import child_process, limits
from reggan_plugin.child_process import _ARRAY, _read, run_apart, talk_apart
from reggan_plugin.errors import MeshError, SourceError

HERE = "tests.test_child_process"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "subprocess", subprocess)


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


def talking(first: int) -> Generator[Any, Any, None]:
    """Work for 0.4 s of a processor at each word; die at the word `die`."""
    said = yield first
    while said != "end":
        if said == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        begin = time.process_time()
        while time.process_time() - begin < (9 if said == "late" else 0.4):
            pass
        said = yield {"said": said, "array": np.zeros((0, 3), np.uint8)}


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
    monkeypatch.setattr(limits, "MOST_CHILD_SECONDS", 2)
    with pytest.raises(SourceError, match=r"a\.obj takes longer than"):
        call("failing", "time")


def test_a_talk_is_bounded_from_word_to_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CHILD_SECONDS", 2)
    talk = talk_apart(f"{HERE}:talking", 7, file="a.mp4")
    assert next(talk) == 7
    for word in range(4):
        answer = talk.send(word)
        assert (answer["said"], answer["array"].shape) == (word, (0, 3))
    with pytest.raises(StopIteration):
        talk.send("end")
    for word, fault in (("die", "ends the process"), ("late", "takes longer than 2 s")):
        talk = talk_apart(f"{HERE}:talking", 7, file="a.mp4")
        next(talk)
        with pytest.raises(SourceError, match=rf"a\.mp4 {fault}"):
            talk.send(word)


def test_a_talk_that_is_left_open_ends_in_silence_with_its_program() -> None:
    program = f"""
import os
from reggan_plugin.child_process import talk_apart
os.held = talk_apart({f"{HERE}:talking"!r}, 7, file="a.mp4")
assert next(os.held) == 7
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert ended.stderr == b""


def test_arrays_that_no_child_gives_are_none() -> None:
    for kind, shape in (("|O", [1]), ("<f8", [2**40]), ("<f8", [-1]), ("no", [1]), ("<f8", "x")):
        text = json.dumps({"result": {_ARRAY: [kind, shape]}}).encode()
        assert _read(io.BytesIO(len(text).to_bytes(8, "little") + text + bytes(8))) is None
    assert _read(io.BytesIO((2**60).to_bytes(8, "little"))) is None


def test_no_module_of_the_folder_in_work_is_loaded(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert call("plain", 1)["value"] == 1
