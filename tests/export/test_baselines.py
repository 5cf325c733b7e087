"""What a model is compared with does the work that its papers say, and is counted right."""

import dataclasses
import json
import re
import shlex
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch.utils.flop_counter import FlopCounterMode

from reggan_export import benchmark_baselines as baselines_module
from reggan_export.benchmark_baselines import ExportBaselines, count_work
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.benchmark import model_on_device
from reggan_plugin.benchmark.model_on_device import open_contestant
from reggan_plugin.cli import main
from reggan_plugin.errors import ModelError
from reggan_plugin.models.model_card import find_model
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.papers.ridge_regression import RegressionSettings

SPEED_PAGE = Path(__file__).resolve().parents[2] / "docs/speed.md"
SIDE = 32


def test_a_small_graph_is_counted_exactly(tmp_path: Path) -> None:
    """A 3x3 convolution from 2 to 4 channels, by groups, and an addition."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 1, 3, 3], np.zeros(36))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["y"], group=2, pads=[1, 1, 1, 1]),
            helper.make_node("Add", ["y", "y"], ["z"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 4, 8, 8])],
        [weights],
    )
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(graph), path)
    work = count_work(path)
    assert work.operations == 2 * (4 * 64) * 9 + 4 * 64
    assert work.weight_bytes == 4 * 36
    assert work.face_bytes == 4 * (2 * 64 + 4 * 64)
    assert work.inner_bytes == 2 * 4 * (4 * 64)  # y, written and read


def test_a_graph_of_unknown_shapes_is_not_counted(tmp_path: Path) -> None:
    detector = find_model("reggan").parent / "face_locator" / "detector.onnx"
    with pytest.raises(ModelError, match="leave only the batch open"):
        count_work(detector)


def test_a_peer_runs_at_the_model_s_side_and_its_work_is_pytorch_s_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines_module, "PEERS", ("us-gan",))
    card_of = baselines_module._card_of
    monkeypatch.setattr(
        baselines_module, "_card_of", lambda m: dataclasses.replace(card_of(m), image_size_px=SIDE)
    )
    [path] = ExportBaselines().write_peers(find_model("reggan"), tmp_path)
    contestant = open_contestant(path, "cpu", threads=1, largest_batch=3)
    assert contestant.card.architecture == "us-gan"
    answer = contestant.runner.run(contestant.inputs(3))
    assert answer["face"].shape == (3, 3, SIDE, SIDE)

    settings = ModelSettings(
        architecture="us-gan", side_px=SIDE, regression=RegressionSettings(side_px=SIDE)
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        build_model(settings).eval()(torch.rand(1, 3, SIDE, SIDE), torch.zeros(1, 7))
    assert count_work(path).operations == pytest.approx(counter.get_total_flops(), rel=0.03)


def test_a_rig_is_not_timed_in_pytorch_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    baselines = ExportBaselines()
    assert baselines.open_in_pytorch(find_model("reggan"), ["cpu"], 1) == []
    assert "reggan.onnx is a rig" in caplog.text
    ours = open_contestant(find_model("reggan"), "cpu", threads=1, largest_batch=1)
    roof = baselines.find_roof(ours, (1,), 1)
    assert roof is not None
    assert roof.gigaoperations > 0.5
    assert roof.weight_mb > 2


def test_pytorch_runs_the_shipped_weights_and_nothing_beats_the_roof() -> None:
    baselines, model = ExportBaselines(), find_model("sargan")
    [eager] = [
        one for one in baselines.open_in_pytorch(model, ["cpu"], 1) if one.device == "torch-cpu"
    ]
    inputs = eager.inputs(1)
    ours = open_runner(model, "cpu", threads=1).run(inputs)
    theirs = eager.runner.run(inputs)
    difference = np.abs(ours["face"] * ours["mask"] - theirs["face"] * theirs["mask"])
    assert 255 * difference.max() < 2
    roof = baselines.find_roof(eager, (1, 4), 1)
    assert roof is not None
    assert roof.link_gb_s is None
    assert roof.gigaoperations == pytest.approx(2.481, abs=0.01)
    rounding_ms = 4 * 0.5e-4
    assert roof.least_ms[1] < roof.least_ms[4] <= 4 * roof.least_ms[1] + 2 * rounding_ms


def test_without_the_exporter_s_packages_peers_name_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    point = EntryPoint("baselines", "no_torch_here.baselines:Baselines", "reggan_plugin.benchmark")
    monkeypatch.setattr(
        "reggan_plugin.benchmark.model_on_device.entry_points", lambda group: [point]
    )
    assert main(["bench", "--peers", "--device", "cpu"]) == 1
    assert 'pip install "reggan-plugin[export]"' in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
def test_the_page_s_comparison_runs_and_ours_is_the_fastest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines_module, "PEERS", ("stargan",))  # each takes long to export
    page = SPEED_PAGE.read_text(encoding="utf-8")
    [line] = re.findall(r"^reggan-plugin (bench --peers.*?)(?:\s+#.*)?$", page, re.M)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_on_device, "_PROCESSES", 1)
    short = ["--rounds", "3", "--batch", "1", "--threads", "1", "--height", "240", "--frames", "1"]
    assert main([*shlex.split(line), *short]) == 0
    report = json.loads((tmp_path / "bench.json").read_text())
    on_cpu = {one["model"]: one for one in report["models"] if one["device"] == "cpu"}
    assert on_cpu["stargan"]["times_first"]["1"] > 2
    assert report["pipeline"]
