"""What each device of ONNX Runtime is opened with; the sessions are the CPU's, called otherwise."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from reggan_plugin.backends import onnx_runtime_runner
from reggan_plugin.backends.devices import PROVIDERS
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.models.model_card import find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES

Open = Callable[[str], tuple[Any, list[tuple[str, dict[str, str]]]]]
INPUTS = {
    "image": np.zeros((1, 3, 128, 128), np.float32),
    "expression": np.zeros((1, len(EXPRESSION_NAMES)), np.float32),
}


class NamedSession:
    """A session on the CPU that says it were another's."""

    def __init__(self, real: onnxruntime.InferenceSession, provider: str) -> None:
        self._real, self._provider = real, provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get_providers(self) -> list[str]:
        return [self._provider, "CPUExecutionProvider"]


@pytest.fixture
def opened_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    """Opens a device as if it were here; returns the session's options and providers."""
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path))
    names = [provider.name for provider in PROVIDERS.values()]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    for kind, provider in PROVIDERS.items():
        monkeypatch.setitem(PROVIDERS, kind, dataclasses.replace(provider, only_on=None))
    open_session = onnxruntime.InferenceSession
    seen: list[tuple[Any, list[tuple[str, dict[str, str]]]]] = []

    def as_asked(path: str, options: Any, providers: Any, **_: Any) -> Any:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        real = open_session(path, options, providers=["CPUExecutionProvider"])
        if providers == ["CPUExecutionProvider"]:  # a look at the inputs
            return real
        seen.append((options, providers))
        return NamedSession(real, providers[0][0])

    monkeypatch.setattr(onnxruntime, "InferenceSession", as_asked)

    def open_device(name: str) -> tuple[Any, list[tuple[str, dict[str, str]]]]:
        assert open_runner(find_model("sargan"), name, threads=3, batch=(1, 4, 8)).device == name
        return seen[-1]

    return open_device


def test_cuda_repeats_itself_and_keeps_fp32(opened_with: Open) -> None:
    """It searches no algorithms by the clock, and adds up in one order."""
    options, providers = opened_with("cuda:1")
    assert options.use_deterministic_compute
    assert providers == [
        (
            "CUDAExecutionProvider",
            {"device_id": "1", "cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
        )
    ]


def test_tensorrt_gets_shapes_and_caches_for_this_version_and_file(
    opened_with: Open, tmp_path: Path
) -> None:
    _, providers = opened_with("tensorrt-ep:1")
    (name, options), (beside, beside_options) = providers
    assert (name, beside) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert beside_options["device_id"] == options["device_id"] == "1"
    shapes = {key: options[f"trt_profile_{key}_shapes"] for key in ("min", "opt", "max")}
    assert shapes == {
        "min": "image:1x3x128x128,expression:1x7",
        "opt": "image:4x3x128x128,expression:4x7",
        "max": "image:8x3x128x128,expression:8x7",
    }
    cache = Path(options["trt_engine_cache_path"])
    assert cache.parent == tmp_path / f"onnxruntime-{onnxruntime.__version__}" / "tensorrt-ep"
    assert cache.is_dir()
    assert options["trt_timing_cache_path"] == str(cache)


def test_directml_plans_no_memory(opened_with: Open) -> None:
    options, providers = opened_with("directml:2")
    assert not options.enable_mem_pattern
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert providers == [("DmlExecutionProvider", {"device_id": "2"})]
    assert opened_with("cuda")[0].enable_mem_pattern


def test_openvino_gets_the_threads_and_coreml_a_cache(opened_with: Open) -> None:
    options, [(_, settings)] = opened_with("openvino")
    assert (settings["num_of_threads"], options.intra_op_num_threads) == ("3", 3)
    _, [(_, settings)] = opened_with("coreml")
    assert Path(settings["ModelCacheDirectory"]).is_dir()


def test_two_models_never_share_a_cache(opened_with: Open, tmp_path: Path) -> None:
    """TensorRT's provider names its engines by the graph alone, whatever its weights."""
    opened_with("tensorrt-ep")
    changed = tmp_path / "changed.onnx"
    content = bytearray(find_model("sargan").read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    open_runner(changed, "tensorrt-ep")
    folders = list((tmp_path / f"onnxruntime-{onnxruntime.__version__}" / "tensorrt-ep").iterdir())
    assert len(folders) == 2


def test_a_cache_that_cannot_be_made_is_named(
    opened_with: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path / "file"))
    with pytest.raises(DeviceUnavailableError, match="Set REGGAN_PLUGIN_CACHE"):
        open_runner(find_model("sargan"), "coreml")


def test_a_render_says_which_device_and_why(opened_with: Open) -> None:
    transfer = ExpressionTransfer(device="cuda")
    assert (transfer.device, transfer.device_reason) == ("cuda", "asked for")


# The plug-in's way: a library is registered, and the devices that it finds are added.


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A plug-in package; ONNX Runtime's own device for the CPU stands for the card."""
    registered: list[tuple[str, str]] = []
    package = SimpleNamespace(get_library_path=lambda: "library.so", registered=registered)
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", package)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: package)
    as_cpu = dataclasses.replace(PROVIDERS["rtx"], name="CPUExecutionProvider", options={})
    monkeypatch.setitem(PROVIDERS, "rtx", as_cpu)
    monkeypatch.setattr(
        onnxruntime,
        "register_execution_provider_library",
        lambda name, path: registered.append((name, path)),
    )
    onnx_runtime_runner._register.cache_clear()
    return package


def test_a_plug_in_is_registered_once_and_its_device_really_runs(plug_in: SimpleNamespace) -> None:
    for _ in range(2):
        runner = open_runner(find_model("sargan"), "rtx")
        assert runner.run(INPUTS)["face"].shape == (1, 3, 128, 128)
    assert runner.device == "rtx"
    assert plug_in.registered == [("CPUExecutionProvider", "library.so")]
    assert open_runner(find_model("sargan"), "auto").device == "rtx"


def test_a_card_that_is_not_there_is_refused(plug_in: SimpleNamespace) -> None:
    with pytest.raises(DeviceUnavailableError, match=r"finds 1 devices.*number 7.*nvidia-smi"):
        open_runner(find_model("sargan"), "rtx:7")


def test_a_plug_in_without_a_driver_names_the_library(
    plug_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text is what onnxruntime 1.31.1 says of the real plug-in 0.5.0."""

    def fail(name: str, path: str) -> None:
        raise RuntimeError(
            "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /x/lib.so with error: "
            "libcuda.so.1: cannot open shared object file: No such file or directory"
        )

    monkeypatch.setattr(onnxruntime, "register_execution_provider_library", fail)
    with pytest.raises(DeviceUnavailableError, match=r"load: libcuda\.so\.1.*NVIDIA's driver"):
        open_runner(find_model("sargan"), "rtx")
    assert "libcuda.so.1" in open_runner(find_model("sargan"), "auto").reason


def test_an_onnxruntime_before_plug_ins_is_named(
    plug_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(onnxruntime, "register_execution_provider_library")
    with pytest.raises(DeviceUnavailableError, match=r"1\.24 and newer.*reggan-plugin\[rtx\]"):
        open_runner(find_model("sargan"), "rtx")
