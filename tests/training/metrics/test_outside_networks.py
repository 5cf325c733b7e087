"""Networks that a user brings: found, fed, asked; and what is said where they are missing."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.metrics.judges import Judges
from reggan_training.papers.comparison.evaluation import ALL_AVATARS, EvaluationSet, evaluate_runs
from reggan_training.papers.comparison.measure import Contender
from reggan_training.papers.comparison.outside_networks import (
    WEIGHT_FILES,
    NetworkInput,
    OutsideNetwork,
    load_gauges,
    missing_files,
)
from reggan_training.papers.comparison.report import json_from_evaluation, markdown_from_record

LABELS = ["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
PLAIN = {"side_px": 16, "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}


def write_network(path: Path, outputs: int, batch: str | int = "batch", **how: object) -> None:
    """A stand-in: the mean of each channel and of each quarter of the picture, mixed."""
    random = np.random.default_rng(outputs)
    weights = random.normal(size=(12, outputs)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 16, 16])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [batch, outputs])],
        [numpy_helper.from_array(weights, "weights")],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    path.with_suffix(".json").write_text(json.dumps({**PLAIN, **how}))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    write_network(tmp_path / "expression.onnx", 8, labels=LABELS)
    write_network(tmp_path / "face.onnx", 6, window=[0.1, -0.1, 0.9, 0.7])
    write_network(tmp_path / "inception.onnx", 10)
    write_network(tmp_path / "qualiclip.onnx", 1, batch=1)
    return tmp_path


def test_without_a_folder_one_line_says_what_is_not_measured() -> None:
    (line,) = missing_files(None)
    for word in ("without weights of others", "expression.onnx", "FID and KID", "QualiCLIP"):
        assert word in line


def test_each_missing_file_is_named_with_whose_to_take_and_how_it_is_fed(weights: Path) -> None:
    assert missing_files(weights) == []
    (weights / "expression.onnx").unlink()
    (line,) = missing_files(weights)
    assert f"{weights / 'expression.onnx'} is missing" in line
    assert "hsemotion-onnx" in line
    assert '"side_px": 224' in line
    assert len(load_gauges(weights)) == 3


def test_all_of_them_measure_and_stand_in_the_report(
    weights: Path, spot_run: Callable[..., Contender], spot_judges: Judges, held_out: EvaluationSet
) -> None:
    few = EvaluationSet({"stone": held_out.by_style["stone"][:1]}, ())
    runs = [spot_run("good")]
    evaluation = evaluate_runs(runs, spot_judges, few, lambda line: None, load_gauges(weights))
    record = json_from_evaluation(evaluation)
    cells = record["splits"]["all"][ALL_AVATARS]["methods"]["good"]
    for quantity in ("outside_ecs", "outside_probability", "outside_fss", "quality", "fid", "kid"):
        assert np.isfinite(cells[quantity]["mean"]), quantity
    assert 0 <= cells["outside_ecs"]["mean"] <= 1
    untouched = record["splits"]["all"][ALL_AVATARS]["methods"]["input"]
    assert untouched["outside_fss"]["mean"] == pytest.approx(1.0, abs=1e-5)
    assert cells["fid"]["mean"] < untouched["fid"]["mean"]
    table = markdown_from_record(record)
    outside = table.split("## With outside networks")[1]
    assert "| faces | n | method | ECS | probability | FSS | FID | KID | QualiCLIP |" in outside


def test_labels_are_matched_by_name_and_others_are_wrong_answers(weights: Path) -> None:
    (gauge, *_) = load_gauges(weights)
    crops = torch.rand(len(EXPRESSION_NAMES), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    answers = OutsideNetwork(weights / "expression.onnx")(crops).softmax(dim=1)
    order = [5, 4, 6, 0, 2, 3, 7]  # ours, in the order of the labels
    values = gauge(crops, crops, torch.arange(len(EXPRESSION_NAMES)))
    expected = answers[torch.arange(len(order)), torch.tensor(order)]
    assert torch.allclose(values["outside_probability"], expected)
    hits = answers.argmax(dim=1) == torch.tensor(order)
    assert torch.equal(values["outside_ecs"], hits.float())


def test_a_network_of_fixed_batch_is_asked_one_by_one(tmp_path: Path) -> None:
    write_network(tmp_path / "face.onnx", 4, batch=1)
    fixed = OutsideNetwork(tmp_path / "face.onnx")
    write_network(tmp_path / "face.onnx", 4)
    crops = torch.rand(3, 3, 16, 16)
    assert torch.allclose(fixed(crops), OutsideNetwork(tmp_path / "face.onnx")(crops), atol=1e-6)


def test_a_window_is_cut_and_normalised() -> None:
    crops = torch.zeros(1, 3, 32, 32)
    crops[:, :, 8:24, 8:24] = 1.0
    seen = NetworkInput(
        side_px=16, mean=(0.5,) * 3, std=(0.25,) * 3, window=(0.25, 0.25, 0.75, 0.75)
    ).prepare(crops)
    assert seen.shape == (1, 3, 16, 16)
    assert np.allclose(seen, 2.0, atol=1e-5)
    beyond = NetworkInput(side_px=16, mean=(0.0,) * 3, std=(1.0,) * 3, window=(-0.5, 0, 0.5, 1))
    crops[:, :, :, :4] = 1.0
    assert np.allclose(beyond.prepare(crops)[:, :, :, :7], 1.0, atol=1e-5)  # the border goes on


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.with_suffix(".json").unlink(), "expression.json is missing; it says how"),
        (lambda p: p.with_suffix(".json").write_text("{"), "Write for example"),
        (lambda p: p.with_suffix(".json").write_text('{"side": 4}'), "Write for example"),
        (lambda p: p.with_suffix(".json").write_text(json.dumps(PLAIN)), "labels name no neutral"),
        (lambda p: p.write_bytes(b"no network"), "Export or download it again"),
    ],
)
def test_a_file_that_does_not_fit_names_the_remedy(
    weights: Path, change: Callable[[Path], object], message: str
) -> None:
    change(weights / "expression.onnx")
    with pytest.raises(SourceError, match=message):
        load_gauges(weights)


def test_every_example_is_one_that_can_be_read() -> None:
    for one in WEIGHT_FILES.values():
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in one.example.items()}
        assert NetworkInput(**values).side_px > 0  # type: ignore[arg-type]
