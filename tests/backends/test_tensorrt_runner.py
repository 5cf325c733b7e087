"""The runner against a GPU that does its work late: copies, order, replay, padding, failures."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.backends import tensorrt_runner
from reggan_plugin.backends.engine_key import EngineOptions
from reggan_plugin.backends.runner import Runner
from reggan_plugin.backends.tensorrt_engine import build_plan, load_plan
from reggan_plugin.backends.tensorrt_runner import (
    IN_FLIGHT,
    TensorRTRunner,
    pieces,
    runner_from_engine,
    runner_from_model,
    sizes_between,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import DeviceUnavailableError, EngineError, ModelError, UsageError
from reggan_plugin.models.shipped_models import find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

MODEL = find_model("reggan")
BATCH = (1, 2, 4)


def runner_on(trt: Any, device: Any, batch: tuple[int, int, int] = BATCH) -> TensorRTRunner:
    plan = build_plan(trt, MODEL, EngineOptions(batch=batch))
    return TensorRTRunner(load_plan(trt, plan), trt, device, {"card": "{}"})


def crops(count: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "image": random.random((count, 3, 8, 8), np.float32),
        "expression": random.random((count, 7), np.float32),
    }


def check(inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    expected = inputs["image"] + inputs["expression"].sum(axis=1)[:, None, None, None]
    np.testing.assert_allclose(outputs["face"], expected, rtol=1e-6)
    np.testing.assert_array_equal(outputs["mask"], inputs["image"][:, :1])


def test_it_is_a_runner_like_the_others(trt: Any, device: Any) -> None:
    runner = runner_on(trt, device)
    assert isinstance(runner, Runner)
    assert (runner.device, runner.metadata) == ("tensorrt", {"card": "{}"})
    device.index = 1
    assert runner_on(trt, device).device == "tensorrt:1"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 11, 33])
def test_every_number_of_crops_gives_each_its_own_answer(trt: Any, device: Any, count: int) -> None:
    inputs = crops(count)
    outputs = runner_on(trt, device).run(inputs)
    assert (outputs["face"].shape, outputs["mask"].shape) == ((count, 3, 8, 8), (count, 1, 8, 8))
    check(inputs, outputs)


def test_each_run_copies_in_runs_and_copies_out_in_this_order(trt: Any, device: Any) -> None:
    runner = runner_on(trt, device)
    runner.run(crops(1))
    device.done.clear()
    runner.run(crops(1, seed=1))
    (stream,) = {handle for handle, _ in device.done}
    assert [what for _, what in device.done] == [
        *["upload"] * 2,
        "run",
        *["download"] * 2,
    ]
    assert stream in device.streams


def test_a_graph_is_recorded_once_a_size_and_replayed(trt: Any, device: Any) -> None:
    runner = runner_on(trt, device)
    for seed in range(5):
        inputs = crops(3, seed)
        check(inputs, runner.run(inputs))
    assert device.replays == 5
    assert len(device.streams) == 1
    check(crops(1), runner.run(crops(1)))
    assert len(device.streams) == 2  # a lane for batch 1 beside that for batch 4
    assert device.replays == 6


def test_answers_stay_when_the_buffers_are_used_again(trt: Any, device: Any) -> None:
    runner = runner_on(trt, device)
    first, second = crops(2, seed=1), crops(2, seed=2)
    answer = runner.run(first)
    runner.run(second)
    check(first, answer)


def test_several_batches_are_under_way_at_once_and_not_more(trt: Any, device: Any) -> None:
    inputs = crops(4 * (IN_FLIGHT + 2))
    check(inputs, runner_on(trt, device).run(inputs))
    assert device.most_busy == IN_FLIGHT
    assert len(device.streams) == IN_FLIGHT


def test_what_is_missing_from_a_batch_is_its_last_crop(trt: Any, device: Any) -> None:
    """Not what an earlier batch left there: a NaN could slow or upset the rest."""
    runner = runner_on(trt, device, (4, 4, 4))
    runner.run(crops(4, seed=1))
    inputs = crops(3, seed=2)
    runner.run(inputs)
    (uploaded,) = [array for array in device.pinned if array.shape == (4, 3, 8, 8)][:1]
    np.testing.assert_array_equal(uploaded[3], inputs["image"][2])


def test_threads_share_a_runner_without_sharing_buffers(trt: Any, device: Any) -> None:
    runner = runner_on(trt, device)
    failures: list[AssertionError] = []

    def work(seed: int) -> None:
        try:
            for round_ in range(20):
                inputs = crops(1 + seed % 4, seed * 100 + round_)
                check(inputs, runner.run(inputs))
        except AssertionError as error:
            failures.append(error)

    before = device.activated
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert device.activated == before + 6 * 20  # CUDA's current device belongs to the thread


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({1, 16}, [1, 2, 4, 8, 16]),
        ({1, 4, 12}, [1, 2, 4, 8, 12]),
        ({3, 9}, [3, 4, 8, 9]),
        ({5}, [5]),
    ],
)
def test_between_the_sizes_of_an_engine_it_runs_powers_of_two(
    named: set[int], expected: list[int]
) -> None:
    assert sizes_between(named) == expected


@pytest.mark.parametrize(
    ("rows", "sizes", "expected"),
    [
        (1, [1, 4, 16], [(0, 1, 1)]),
        (3, [1, 4, 16], [(0, 3, 4)]),
        (16, [1, 4, 16], [(0, 16, 16)]),
        (21, [1, 4, 16], [(0, 16, 16), (16, 5, 16)]),
        (2, [8], [(0, 2, 8)]),
    ],
)
def test_batches_are_cut_and_padded_to_a_few_sizes(
    rows: int, sizes: list[int], expected: list[tuple[int, int, int]]
) -> None:
    assert list(pieces(rows, sizes)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"image": np.zeros((1, 3, 9, 8), np.float32)},
        {"image": np.zeros((1, 3, 8, 8), np.float64)},
        {"image": np.zeros((2, 3, 8, 8), np.float32)},
        {"image": np.float32(1)},
        {"extra": np.zeros((1, 1), np.float32)},
        {"image": np.zeros((0, 3, 8, 8), np.float32), "expression": np.zeros((0, 7), np.float32)},
    ],
)
def test_inputs_that_the_engine_does_not_take_are_named(
    trt: Any, device: Any, change: dict[str, Any]
) -> None:
    with pytest.raises(ModelError, match=r"image.*expression float32 \(N, 7\).*export it again"):
        runner_on(trt, device).run(crops(1) | change)


def test_a_gpu_that_fails_is_an_error_and_its_buffers_are_not_used_again(
    trt: Any, device: Any
) -> None:
    runner = runner_on(trt, device)
    runner.run(crops(1))
    device.fails = True
    with pytest.raises(DeviceUnavailableError, match="cudaErrorUnknown"):
        runner.run(crops(1))
    device.fails = False
    check(crops(1), runner.run(crops(1)))
    assert len(device.streams) == 2


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("no context", r"want of memory.*Close what else"),
        ("no run", r"refuses the run.*Build it again"),
        ("half tensors", r"image, expression, face, mask are not float32.*Export the model again"),
    ],
)
def test_an_engine_that_does_not_work_says_what_to_do(
    trt: Any, device: Any, fault: str, text: str
) -> None:
    trt._faults.add(fault)
    with pytest.raises(ModelError, match=text):
        runner_on(trt, device).run(crops(1))


def test_too_little_memory_names_the_batch(trt: Any, device: Any) -> None:
    device.room_bytes = 100
    with pytest.raises(DeviceUnavailableError, match="smaller --batch"):
        runner_on(trt, device).run(crops(1))


def test_an_engine_that_leaves_more_than_the_batch_open_is_refused(trt: Any, device: Any) -> None:
    engine = load_plan(trt, build_plan(trt, MODEL, EngineOptions()))
    engine._shapes["image"][2] = [1, 3, 16, 16]
    with pytest.raises(ModelError, match=r"leaves more of image open"):
        TensorRTRunner(engine, trt, device, {})


@pytest.fixture
def on_this_machine(trt: Any, device: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(tensorrt_runner, "load_tensorrt", lambda: trt)
    monkeypatch.setattr(tensorrt_runner, "open_cuda_device", lambda index: device)
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path / "cache"))
    return trt


def test_a_model_runs_by_an_engine_that_is_kept(on_this_machine: Any, tmp_path: Path) -> None:
    runner = runner_from_model(MODEL)
    assert "reggan_plugin.card" in runner.metadata
    check(crops(2), runner.run(crops(2)))
    assert list((tmp_path / "cache" / "engines").glob("reggan-fp32-sm90-trt*.plan"))
    runner_from_model(MODEL)
    assert [call for call, _ in on_this_machine._calls].count("build") == 1


def test_an_engine_that_a_user_names_runs_without_the_model(
    on_this_machine: Any, tmp_path: Path
) -> None:
    runner_from_model(MODEL)
    (plan,) = (tmp_path / "cache" / "engines").glob("*.plan")
    check(crops(2), runner_from_engine(plan).run(crops(2)))
    with pytest.raises(EngineError, match=r"none\.plan\.json does not exist.*Build it"):
        runner_from_engine(tmp_path / "none.plan")
    plan.write_bytes(b"not what was built")
    with pytest.raises(EngineError, match="damaged"):
        runner_from_engine(plan)


def test_render_takes_an_engine_by_its_path_on_tensorrt_alone(
    on_this_machine: Any, tmp_path: Path
) -> None:
    runner_from_model(MODEL)
    (plan,) = (tmp_path / "cache" / "engines").glob("*.plan")
    with pytest.raises(UsageError, match=r"native code.*where its device is named") as refused:
        ExpressionTransfer(plan)  # a file alone does not make it run
    assert "--device tensorrt" in with_remedy(refused.value.remark)
    transfer = ExpressionTransfer(plan, device="tensorrt")
    assert (transfer.card.name, transfer.device) == ("reggan", "tensorrt")
    assert ExpressionTransfer(plan, device="tensorrt:0").device == "tensorrt"
    with pytest.raises(UsageError, match=r"engine for TensorRT; for cpu name the \.onnx"):
        ExpressionTransfer(plan, device="cpu")
