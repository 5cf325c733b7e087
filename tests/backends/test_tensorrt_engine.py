"""Engines are built strongly typed with the shapes asked for, and found again."""

import logging
from pathlib import Path
from typing import Any

import pytest

from reggan_plugin.backends.engine_builder import EngineBuilder, load_engine_file
from reggan_plugin.backends.engine_cache import EngineCache
from reggan_plugin.backends.engine_file import read_engine
from reggan_plugin.backends.engine_key import EngineOptions
from reggan_plugin.backends.tensorrt_engine import build_plan, load_plan
from reggan_plugin.errors import DeviceUnavailableError, EngineError, ModelError
from reggan_plugin.models.shipped_models import find_model

MODEL = find_model("reggan")


def builds(trt: Any) -> int:
    return sum(call == "build" for call, _ in trt._calls)


def test_networks_are_strongly_typed_and_fp32_is_fp32(trt: Any) -> None:
    build_plan(trt, MODEL, EngineOptions())
    assert trt._calls[0] == (
        "create_network",
        1 << trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED,
    )
    assert ("clear_flag", trt.BuilderFlag.TF32) in trt._calls


def test_shapes_and_portability_reach_the_builder(trt: Any) -> None:
    plan = build_plan(trt, MODEL, EngineOptions(batch=(1, 4, 16), portable=True))
    assert ("build", "AMPERE_PLUS") in trt._calls
    engine = load_plan(trt, plan)
    assert [shape[0] for shape in engine.get_tensor_profile_shape("image", 0)] == [1, 4, 16]
    assert [shape[0] for shape in engine.get_tensor_profile_shape("expression", 0)] == [1, 4, 16]
    build_plan(trt, MODEL, EngineOptions())
    assert trt._calls[-1] == ("build", "NONE")


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ("no driver", DeviceUnavailableError, r"initialization failure with error: 35"),
        ("no parse", ModelError, r"cannot read reggan\.onnx: No importer.*fp32 or fp16 one"),
        ("no tactic", ModelError, r"Could not find any implementation"),
    ],
)
def test_a_build_that_fails_says_why_and_what_to_do(
    trt: Any, fault: str, error: type[Exception], text: str
) -> None:
    trt._faults.add(fault)
    with pytest.raises(error, match=text):
        build_plan(trt, MODEL, EngineOptions())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"+timed"),
        (b"known", b"known+timed"),
        (b"rubbish", b"+timed"),
        (b"other GPU", b"+timed"),
    ],
)
def test_timings_are_kept_and_those_of_no_use_are_replaced(
    trt: Any, tmp_path: Path, before: bytes | None, after: bytes
) -> None:
    path = tmp_path / "timings"
    if before is not None:
        path.write_bytes(before)
    build_plan(trt, MODEL, EngineOptions(), path)
    assert path.read_bytes() == after


def test_timings_that_cannot_be_kept_do_not_cost_the_engine(trt: Any, tmp_path: Path) -> None:
    assert build_plan(trt, MODEL, EngineOptions(), tmp_path / "no folder" / "timings")


def test_an_engine_is_built_for_this_gpu_once(
    trt: Any, device: Any, cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    def builder() -> EngineBuilder:
        return EngineBuilder(MODEL, EngineOptions(), trt=trt, device=device, cache=cache)

    with caplog.at_level(logging.WARNING):
        stored, _ = builder().cached(exactly=True)
    assert "Building a TensorRT engine for reggan.onnx on NVIDIA Fake" in caplog.text
    assert stored.key["gpu"] == "NVIDIA Fake"
    assert stored.key["compute_capability"] == "9.0"
    assert "reggan_plugin.card" in stored.metadata
    assert (cache.folder / "timing-trt11.4.0.106-sm90.cache").read_bytes() == b"+timed"
    assert builder().cached(exactly=True)[0] == stored
    assert builds(trt) == 1
    device.name = "NVIDIA Other"
    assert builder().cached(exactly=True)[0].path != stored.path
    trt.__version__ = "11.4.0.107"
    builder().cached(exactly=True)
    assert builds(trt) == 3


def test_a_portable_engine_serves_where_none_is_for_this_very_gpu(
    trt: Any, device: Any, cache: EngineCache
) -> None:
    portable = EngineOptions(portable=True)
    made, _ = EngineBuilder(MODEL, portable, trt=trt, device=device, cache=cache).cached(
        exactly=True
    )
    device.name = "NVIDIA Other"
    exact = EngineBuilder(MODEL, EngineOptions(), trt=trt, device=device, cache=cache)
    assert exact.cached(exactly=False)[0] == made
    trt._refused.add(made.plan)  # an older GPU
    assert exact.cached(exactly=False)[0].key["gpu"] == "NVIDIA Other"
    assert builds(trt) == 2


@pytest.mark.parametrize(
    ("exported", "is_taken"),
    [((1, 4, 16), True), ((1, 1, 1), True), ((8, 8, 8), False), ((2, 4, 16), False)],
)
def test_an_engine_exported_for_other_batches_serves_if_it_takes_the_one_that_is_wanted(
    trt: Any, device: Any, cache: EngineCache, exported: tuple[int, int, int], is_taken: bool
) -> None:
    def cached(batch: tuple[int, int, int], *, exactly: bool) -> Path:
        options = EngineOptions(batch=batch)
        builder = EngineBuilder(MODEL, options, trt=trt, device=device, cache=cache)
        return builder.cached(exactly=exactly)[0].path

    made = cached(exported, exactly=True)
    assert (cached((1, 1, 16), exactly=False) == made) is is_taken
    assert cached((1, 1, 16), exactly=True) != made
    assert cached((1, 1, 16), exactly=False) != made  # what was asked for comes first


def test_an_engine_of_another_model_or_gpu_does_not_serve(
    trt: Any, device: Any, cache: EngineCache, tmp_path: Path
) -> None:
    def cached(model: Path) -> Path:
        builder = EngineBuilder(model, EngineOptions(), trt=trt, device=device, cache=cache)
        return builder.cached(exactly=False)[0].path

    first = cached(MODEL)
    other = tmp_path / MODEL.name
    other.write_bytes(
        MODEL.read_bytes() + b"\x1a\x00"
    )  # an empty field more: the graph is the same
    assert cached(other) != first
    device.name = "NVIDIA Other"
    assert cached(MODEL) != first


def test_an_engine_that_tensorrt_refuses_is_built_again_once(
    trt: Any, device: Any, cache: EngineCache
) -> None:
    builder = EngineBuilder(MODEL, EngineOptions(), trt=trt, device=device, cache=cache)
    first, _ = builder.cached(exactly=True)
    trt._refused.add(first.plan)
    second, _ = builder.cached(exactly=True)
    assert second.plan != first.plan
    assert read_engine(second.path, builder.key).plan == second.plan
    assert builds(trt) == 2
    trt._faults.add("no load")
    with pytest.raises(DeviceUnavailableError, match=r"just built"):
        builder.cached(exactly=True)
    assert builds(trt) == 3


def test_a_damaged_engine_never_reaches_tensorrt(trt: Any, device: Any, cache: EngineCache) -> None:
    builder = EngineBuilder(MODEL, EngineOptions(), trt=trt, device=device, cache=cache)
    stored, _ = builder.cached(exactly=True)
    damaged = stored.plan[:-1] + b"x"
    stored.path.write_bytes(damaged)
    builder.cached(exactly=True)
    assert ("load", damaged) not in trt._calls


def test_a_users_engine_for_another_gpu_is_refused_with_what_it_is_for(
    trt: Any, device: Any, tmp_path: Path, cache: EngineCache
) -> None:
    builder = EngineBuilder(MODEL, EngineOptions(), trt=trt, device=device, cache=cache)
    stored = builder.build_at(tmp_path / "my.plan")
    assert load_engine_file(read_engine(tmp_path / "my.plan"), trt)
    trt._refused.add(stored.plan)
    with pytest.raises(EngineError, match=r"for NVIDIA Fake.*Build it on this machine"):
        load_engine_file(stored, trt)
