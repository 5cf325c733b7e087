"""A device that was named is had or refused; only `auto` may take another, and says why."""

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from reggan_plugin.backends import onnx_runtime_runner
from reggan_plugin.backends.devices import AUTO_ORDER, PROVIDERS, Runner
from reggan_plugin.backends.onnx_runtime_runner import OnnxRuntimeRunner, open_runner
from reggan_plugin.errors import DeviceMemoryError, DeviceUnavailableError, ModelError, UsageError
from reggan_plugin.models.model_card import find_model
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES

FOR_THIS_SYSTEM = [kind for kind, provider in PROVIDERS.items() if provider.is_for_this_system]


def test_the_cpu_runs_the_shipped_model() -> None:
    runner = open_runner(find_model("sargan"), "cpu", threads=1)
    assert isinstance(runner, Runner)
    assert (runner.device, runner.reason) == ("cpu", "asked for")
    asked = np.eye(len(EXPRESSION_NAMES), dtype=np.float32)[:2]
    answer = runner.run({"image": np.zeros((2, 3, 128, 128), np.float32), "expression": asked})
    assert {name: value.shape for name, value in answer.items()} == {
        "face": (2, 3, 128, 128),
        "mask": (2, 1, 128, 128),
    }


def test_passes_that_are_left_out_change_no_bit_of_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(3)
    inputs = {
        "image": random.random((1, 3, 128, 128), np.float32),
        "expression": random.random((1, len(EXPRESSION_NAMES)), np.float32),
    }
    answer = open_runner(find_model("sargan"), "cpu").run(inputs)
    monkeypatch.setattr(onnx_runtime_runner, "IDLE_ON_CPU", ())
    for name, expected in open_runner(find_model("sargan"), "cpu").run(inputs).items():
        np.testing.assert_array_equal(answer[name], expected, err_msg=name)


@pytest.mark.parametrize("name", ["cuda:x", "cuda:", "cpu:7", "openvino:0", ""])
def test_what_is_no_device_is_a_wrong_request(name: str) -> None:
    with pytest.raises(UsageError, match="is not a device; name auto, gpu, or one of cpu, cuda"):
        open_runner(find_model("sargan"), name)


@pytest.mark.parametrize("kind", [kind for kind in PROVIDERS if kind != "cpu"])
def test_a_device_that_is_not_installed_is_refused_with_its_remedy(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(DeviceUnavailableError) as refusal:
        open_runner(find_model("sargan"), kind)
    assert "pip install" in refusal.value.remedy
    assert str(refusal.value) == f"{refusal.value.found} {refusal.value.remedy}"


def test_auto_goes_on_to_the_cpu_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiled_in = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: compiled_in)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    open_session = onnxruntime.InferenceSession

    def without_driver(path: str, options: object, **others: object) -> object:
        if others["providers"] != ["CPUExecutionProvider"]:
            assert others["enable_fallback"] == 0  # ONNX Runtime would go on on the CPU
        if others["providers"][0][0] == "CUDAExecutionProvider":  # type: ignore[index]
            raise RuntimeError("CUDA failure 35: driver version is insufficient")
        return open_session(path, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", without_driver)
    with caplog.at_level(logging.INFO):  # which -v shows
        runner = open_runner(find_model("sargan"), "auto")
    assert runner.device == "cpu"
    assert "cuda: cuda cannot load sargan.onnx: CUDA failure 35" in caplog.text
    assert "rtx: The plug-in onnxruntime_ep_nv_tensorrt_rtx is not installed" in runner.reason
    assert "cuda cannot load sargan.onnx: CUDA failure 35" in runner.reason
    for foreign in set(AUTO_ORDER) - set(FOR_THIS_SYSTEM):
        assert foreign not in runner.reason
    with pytest.raises(DeviceUnavailableError, match=r"driver version"):
        open_runner(find_model("sargan"), "cuda")


def test_a_session_that_went_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As onnxruntime-gpu 1.31.1 does where a library of CUDA is missing: it logs and goes on."""
    monkeypatch.setattr(
        onnxruntime, "preload_dlls", lambda: print("Failed to load libcublas.so.13")
    )
    compiled_in = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: compiled_in)
    open_session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda path, options, **_: open_session(path, options, providers=["CPUExecutionProvider"]),
    )
    with pytest.raises(DeviceUnavailableError, match=r"needs for cuda:1 are missing.*pip install"):
        open_runner(find_model("sargan"), "cuda:1")
    assert capsys.readouterr().out == ""  # where results go


def test_inputs_that_the_graph_does_not_take_are_the_model_s_fault() -> None:
    with pytest.raises(ModelError, match="export it again"):
        open_runner(find_model("sargan"), "cpu").run({"image": np.zeros((1, 3, 8, 8), np.float32)})


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_file_that_is_no_model_is_named(device: str, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"x\.onnx"):
        open_runner(path, device)


@pytest.mark.parametrize(
    "said",
    [
        "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 9",
        "CUDA failure 2: out of memory ; GPU=0",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
    ],
)
def test_a_device_without_memory_can_be_told_from_one_that_fails(said: str) -> None:
    class Session:
        def get_outputs(self) -> list[object]:
            return []

        def get_modelmeta(self) -> object:
            return SimpleNamespace(custom_metadata_map={})

        def run(self, *_: object) -> None:
            raise RuntimeError(said)

    with pytest.raises(DeviceMemoryError, match="Close what else"):
        OnnxRuntimeRunner(Session(), "cuda").run({})  # type: ignore[arg-type]
