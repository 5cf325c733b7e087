"""Our own runner of TensorRT: what it asks for, batches, failures; against a fake, and on a GPU."""

import ctypes
import importlib.util
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.backends import tensorrt_runner
from reggan_plugin.backends.devices import EngineOptions, Runner
from reggan_plugin.backends.engine_cache import read_engine
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.backends.tensorrt_runner import (
    EngineBuilder,
    Gpu,
    TensorRTRunner,
    build_plan,
    runner_from_engine,
    runner_from_model,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import (
    DeviceMemoryError,
    DeviceUnavailableError,
    EngineError,
    ModelError,
    RegganError,
    UsageError,
)
from reggan_plugin.models.model_card import find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

MODEL = find_model("reggan")
GPU = Gpu(name="NVIDIA Fake", compute_capability="9.0", driver="13.0")


class FakeCuda:
    """The calls of CUDA's runtime that the runner makes, on arrays in this process."""

    def __init__(self, memory: dict[int, Any]) -> None:
        self.memory = memory

    def __call__(self, call: str, *arguments: Any) -> Any:
        if call == "cudaMalloc":
            address = 4096 * (1 + len(self.memory))
            self.memory[address] = np.full(arguments[0] // 4, np.nan, np.float32)
            return address
        if call == "cudaMemcpy":
            target, source, size_bytes, _ = arguments
            target, source = (
                self.memory[place].ctypes.data if place in self.memory else place
                for place in (target, source)
            )
            ctypes.memmove(target, source, size_bytes)
        return 7


@pytest.fixture
def trt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """fake_tensorrt.py, loaded anew, on a GPU that exists only here; a cache of its own."""
    pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed")
    path = Path(__file__).with_name("fake_tensorrt.py")
    spec = importlib.util.spec_from_file_location("fake_tensorrt", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(tensorrt_runner, "_cuda", FakeCuda(module._memory))
    monkeypatch.setattr(tensorrt_runner, "_release", lambda *_: None)
    monkeypatch.setattr(tensorrt_runner, "load_tensorrt", lambda: module)
    monkeypatch.setattr(tensorrt_runner, "open_gpu", lambda index: GPU)
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path / "cache"))
    return module


def runner_on(batch: tuple[int, int, int] = (1, 2, 4)) -> TensorRTRunner:
    return runner_from_model(MODEL, options=EngineOptions(batch=batch))


def crops(count: int) -> dict[str, Any]:
    random = np.random.default_rng(count)
    return {
        "image": random.random((count, 3, 8, 8), np.float32),
        "expression": random.random((count, 7), np.float32),
    }


def calls_of(trt: Any, what: str) -> list[Any]:
    return [value for call, value in trt._calls if call == what]


@pytest.mark.parametrize("count", [1, 2, 4, 5, 11])
@pytest.mark.parametrize("batch", [(1, 2, 4), (4, 4, 4)])
def test_every_number_of_crops_gives_each_its_own_answer(
    trt: Any, count: int, batch: tuple[int, int, int]
) -> None:
    runner = runner_on(batch)
    assert isinstance(runner, Runner)
    assert runner.device == "tensorrt"
    inputs = crops(count)
    first = runner.run(inputs)["face"]
    runner.run(crops(3))  # must not touch what was answered before
    expected = inputs["image"] + inputs["expression"].sum(axis=1)[:, None, None, None]
    np.testing.assert_allclose(first, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"image": np.zeros((1, 3, 8, 8), np.float64)},
        {"image": np.zeros((2, 3, 8, 8), np.float32)},
        {"image": np.float32(1)},
        {"extra": np.zeros((1, 1), np.float32)},
        {"image": np.zeros((0, 3, 8, 8), np.float32), "expression": np.zeros((0, 7), np.float32)},
    ],
)
def test_inputs_that_the_engine_does_not_take_are_named(trt: Any, change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"image.*expression float32 \(1, 7\).*export it again"):
        runner_on().run(crops(1) | change)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ("no driver", DeviceUnavailableError, r"initialization failure with error: 35"),
        ("no parse", ModelError, r"cannot read reggan\.onnx: No importer.*fp32 or fp16 one"),
        ("no tactic", ModelError, r"Could not find any implementation"),
        ("no load", DeviceUnavailableError, r"just built"),
        ("no context", ModelError, r"want of memory.*Close what else"),
        ("half tensors", ModelError, r"image, expression, face are not float32.*Export the model"),
        ("no run", ModelError, r"refuses the run.*Build it again"),
    ],
)
def test_what_fails_says_why_and_what_to_do(
    trt: Any, fault: str, error: type[RegganError], text: str
) -> None:
    trt._faults.add(fault)
    with pytest.raises(error, match=text):
        runner_on().run(crops(1))


def test_networks_are_strongly_typed_fp32_is_fp32_and_options_reach_the_builder(trt: Any) -> None:
    plan = build_plan(trt, MODEL, EngineOptions(batch=(1, 4, 16), portable=True))
    typed = trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    assert trt._calls[:3] == [
        ("create_network", 1 << typed),
        ("clear_flag", trt.BuilderFlag.TF32),
        ("build", "AMPERE_PLUS"),
    ]
    engine = trt.Runtime(None).deserialize_cuda_engine(plan)
    assert [shape[0] for shape in engine.get_tensor_profile_shape("image", 0)] == [1, 4, 16]


def test_a_model_is_built_once_and_runs_by_the_engine_that_is_kept(
    trt: Any, tmp_path: Path
) -> None:
    assert "reggan_plugin.card" in runner_from_model(MODEL).metadata
    assert list((tmp_path / "cache" / "engines").glob("reggan-fp32-sm90-trt*.plan"))
    runner_from_model(MODEL)
    assert len(calls_of(trt, "build")) == 1
    other = tmp_path / MODEL.name  # an empty field more: the graph is the same
    other.write_bytes(MODEL.read_bytes() + b"\x1a\x00")
    runner_from_model(other)
    assert len(calls_of(trt, "build")) == 2


def test_an_exported_engine_serves_until_tensorrt_refuses_it(trt: Any) -> None:
    portable = EngineOptions(portable=True, batch=(1, 4, 16))
    made, _ = EngineBuilder(MODEL, portable).cached(exactly=True)
    builder = EngineBuilder(MODEL, EngineOptions())
    assert builder.cached(exactly=False)[0] == made
    trt._refused.add(made.plan)  # an older GPU
    own, _ = builder.cached(exactly=False)
    assert own.key["gpu"] == GPU.name
    trt._refused.add(own.plan)  # a newer driver
    again, _ = builder.cached(exactly=True)
    assert read_engine(own.path, builder.key).plan == again.plan != own.plan
    assert len(calls_of(trt, "build")) == 3


def test_a_damaged_engine_never_reaches_tensorrt(trt: Any) -> None:
    builder = EngineBuilder(MODEL, EngineOptions())
    stored, _ = builder.cached(exactly=True)
    stored.path.write_bytes(stored.plan[:-1] + b"x")
    builder.cached(exactly=True)
    assert stored.plan[:-1] + b"x" not in calls_of(trt, "load")


def test_an_engine_that_a_user_names_runs_where_its_device_is_named_too(
    trt: Any, tmp_path: Path
) -> None:
    plan = tmp_path / "my.plan"
    EngineBuilder(MODEL, EngineOptions()).build_at(plan)
    with pytest.raises(UsageError, match=r"native code.*where its device is named") as refused:
        ExpressionTransfer(plan)  # a file alone does not make it run
    assert "--device tensorrt" in with_remedy(refused.value.remark)
    with pytest.raises(UsageError, match=r"engine for TensorRT; for cpu name the \.onnx"):
        ExpressionTransfer(plan, device="cpu")
    transfer = ExpressionTransfer(plan, device="tensorrt:0")
    assert (transfer.card.name, transfer.device) == ("reggan", "tensorrt")
    trt._refused.add(plan.read_bytes())
    with pytest.raises(EngineError, match=r"for NVIDIA Fake.*Build it on this machine"):
        runner_from_engine(plan)
    plan.write_bytes(b"not what was built")
    with pytest.raises(EngineError, match="damaged"):
        runner_from_engine(plan)
    with pytest.raises(EngineError, match=r"none\.plan\.json does not exist.*Build it"):
        runner_from_engine(tmp_path / "none.plan")


def test_cuda_has_what_is_called_and_its_errors_have_names() -> None:
    runtime = pytest.importorskip("cuda.bindings.runtime")
    called = set(re.findall(r'"(cuda[A-Z]\w+)"', inspect.getsource(tensorrt_runner)))
    assert {"cudaMalloc", "cudaMemcpy", "cudaFree"} < called
    kinds = (runtime, runtime.cudaMemcpyKind)
    assert not {name for name in called if not any(hasattr(kind, name) for kind in kinds)}
    with pytest.raises(DeviceMemoryError, match="cudaErrorMemoryAllocation: "):
        tensorrt_runner._checked(runtime.cudaError_t.cudaErrorMemoryAllocation, None)
    with pytest.raises(DeviceUnavailableError, match="number 99 was asked for"):
        tensorrt_runner.open_gpu(99)
    if not tensorrt_runner.count_gpus():  # wrong arguments would be a TypeError before that
        for call in (("cudaMalloc", 24), ("cudaStreamCreate",), ("cudaSetDevice", 0)):
            with pytest.raises(DeviceUnavailableError, match="cudaErrorInsufficientDriver"):
                tensorrt_runner._cuda(*call)


@pytest.mark.gpu
def test_an_engine_answers_as_onnx_runtime_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorrt")
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path))
    random = np.random.default_rng(3)
    inputs = {"image": random.random((3, 3, 384, 384), np.float32)}
    expected = open_runner(MODEL, "cpu").run(inputs)
    for name, found in open_runner(MODEL, "tensorrt").run(inputs).items():
        np.testing.assert_allclose(found, expected[name], atol=1e-2, err_msg=name)
