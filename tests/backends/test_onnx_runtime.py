"""A device that was named is had or refused; only `auto` may take another."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from reggan_plugin.backends import onnx_runtime
from reggan_plugin.backends.onnx_runtime import available_devices, runner_from_onnx
from reggan_plugin.errors import DeviceUnavailableError, ModelError, UsageError
from reggan_plugin.models import find_model


def test_the_cpu_is_always_there_and_last() -> None:
    assert available_devices()[-1] == "cpu"
    assert runner_from_onnx(find_model(), "cpu").device == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:", "cpu:7", ""])
def test_what_is_no_device_is_a_wrong_request(name: str) -> None:
    with pytest.raises(UsageError, match="is not a device"):
        runner_from_onnx(find_model(), name)


def test_a_provider_that_is_not_compiled_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceUnavailableError, match="doctor"):
        runner_from_onnx(find_model(), "cuda:0")


def test_auto_goes_on_to_the_cpu_where_cuda_fails_and_a_named_cuda_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled_in = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: compiled_in)
    open_session = onnxruntime.InferenceSession

    def without_driver(
        path: str, options: object, providers: list[tuple[str, object]], enable_fallback: int
    ) -> object:
        assert not enable_fallback  # ONNX Runtime would go on silently on the CPU
        if providers[0][0] == "CUDAExecutionProvider":
            raise RuntimeError("CUDA failure 35: driver version is insufficient")
        return open_session(path, options, providers=providers)

    monkeypatch.setattr(onnx_runtime.onnxruntime, "InferenceSession", without_driver)
    assert runner_from_onnx(find_model(), "auto").device == "cpu"
    with pytest.raises(DeviceUnavailableError, match="driver version"):
        runner_from_onnx(find_model(), "cuda")


def test_inputs_that_the_graph_does_not_take_are_the_model_s_fault() -> None:
    with pytest.raises(ModelError, match="export it again"):
        runner_from_onnx(find_model(), "cpu").run({"image": np.zeros((1, 3, 8, 8), np.float32)})


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"x\.onnx"):
        runner_from_onnx(path, "cpu")
