"""A file that says something else than its source is found out."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxscript")

from click.testing import CliRunner, Result

from reggan_export.commands.export_model import verify
from reggan_export.int8_export import quantise_for_cpu
from reggan_export.onnx_file import restore_weights, store_weights_as_half, write_verified
from reggan_export.picture_model_export import graph_of
from reggan_export.source_network import card_from, network_from
from reggan_export.verify.crops_and_bounds import BOUNDS, questions_from_metadata, verify_crops
from reggan_export.verify.verify_model import verify_model
from reggan_export.verify.verify_report import Bound, difference_between
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import ModelCardError, ModelHashError, ModelParityError, UsageError
from reggan_plugin.models.model_card import (
    CARD_KEY,
    REFINED_OUTPUTS,
    RIG_OUTPUTS,
    find_model,
    installed_models,
    seal,
    weights_folder,
)
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES

RunMaker = Callable[..., Path]
Exporter = Callable[..., Result]
SHIPPED = sorted(weights_folder().rglob("*.onnx"))
LEVELS = Bound(quantity="picture", unit="levels", statistic="max", limit=0.5)


@pytest.mark.parametrize("model", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_has_a_card_and_passes(model: Path, tmp_path: Path) -> None:
    assert CARD_KEY in open_runner(model, "cpu").metadata
    assert model.stat().st_size <= 20e6
    document = tmp_path / "parity.json"
    result = CliRunner().invoke(verify, [str(model), "--json", str(document)])
    assert result.exit_code == 0, result.exception
    report = json.loads(document.read_text())
    assert report["passed"]
    assert "without graph optimisation" in report["reference"]
    assert {name.partition(".")[0] for name in report["frames"]} == {"avatar", "statue", "toon"}
    cpu = next(one for one in report["comparisons"] if one["subject"] == "cpu")
    if model == find_model():
        asked = [bound["quantity"] for bound in report["bounds"]]
        assert asked == [*RIG_OUTPUTS, *REFINED_OUTPUTS]
    elif model in installed_models().values():
        asked = set(cpu["probes"])
        assert {*EXPRESSION_NAMES, *(f"{name}:0.5" for name in EXPRESSION_NAMES)} < asked
        assert any("+" in name for name in asked)
        assert cpu["probes"]["all"]["picture"]["psnr_db"] > 90
    else:
        assert {bound["unit"] for bound in report["bounds"]} == {"probability", "pixels"}
    assert (
        "cuda" in report["not_opened"]
        or len(report["comparisons"]) > 1
        or model.parent.name == "face_locator"
    )


def test_another_run_s_weights_are_found_out(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    out, document = tmp_path / "model.onnx", tmp_path / "parity.json"
    own, other = make_run("regression"), make_run("regression", seed=2)
    run_export("onnx", own, "--out", out)
    told = run_export("verify", out, "--checkpoint", own).stdout
    assert "Within the bounds." in told
    failed = run_export("verify", out, "--checkpoint", other, "--json", document, fails=True)
    assert isinstance(failed.exception, ModelParityError)
    assert "on cpu picture differs by" in str(failed.exception)
    assert "at most 0.5 is allowed" in str(failed.exception)
    report = json.loads(document.read_text())
    assert not report["passed"]
    assert report["comparisons"][0]["probes"]["all"]["picture"]["max"] > 0.5


def test_what_is_not_proven_is_not_written(make_run: RunMaker, tmp_path: Path) -> None:
    run, out = make_run("regression"), tmp_path / "model.onnx"
    network = network_from(run)
    card = card_from(run, network).to_json()
    network.regression.changes.mul_(1.2)  # type: ignore[operator, union-attr]
    with pytest.raises(ModelParityError, match="Nothing was written"):
        write_verified(
            graph_of(network), card, out, lambda file: verify_model(file, checkpoint=run)
        )
    assert not list(tmp_path.glob("*.onnx"))


def test_a_damaged_file_and_one_without_a_card_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    shutil.copy(SHIPPED[0], damaged)
    with damaged.open("r+b") as file:
        file.seek(-100, 2)
        file.write(b"damage")
    with pytest.raises(ModelHashError):
        verify_model(damaged)
    bare = tmp_path / "bare.onnx"
    model = onnx.load(SHIPPED[0])
    del model.metadata_props[:]
    onnx.save(model, bare)
    with pytest.raises(ModelCardError, match="exported by reggan-plugin"):
        verify_model(bare)


def test_what_is_no_number_is_infinitely_far_away() -> None:
    found = np.array([1.0, np.nan], np.float32)
    difference = difference_between(found, np.array([1.0, 2.0], np.float32))
    assert difference.max == math.inf
    assert not LEVELS.holds(difference)
    assert LEVELS.numbers(difference)["max"] is None  # JSON knows no infinity
    other_shape = difference_between(found[:1], found)
    assert not LEVELS.holds(other_shape + difference_between(found[:1], found[:1]))


def test_differences_add_up_and_leave_the_unseen_out_of_the_mean() -> None:
    zeros, found = np.zeros((2, 2), np.float32), np.array([[0, 3], [0, 4]], np.float32)
    seen = np.array([[True, True], [False, False]])
    difference = difference_between(found, zeros, counted=seen)
    assert (difference.max, difference.mean) == (4.0, 1.5)  # the largest is looked for everywhere
    total = difference + difference_between(zeros, zeros)
    assert (total.max, total.mean, total.values) == (4.0, 0.5, 6)
    one_level = difference_between(zeros + 1, zeros)
    assert one_level.psnr_db == pytest.approx(48.1308, abs=1e-4)  # 20 log10(255)


def test_the_bounds_are_those_that_were_promised() -> None:
    stated = {name: (bound.statistic, bound.limit) for name, bound in BOUNDS.items()}
    assert stated == {"fp32": ("max", 0.5), "fp16": ("max", 2.0), "int8": ("mean", 1.0)}


def test_real_crops_are_faces_of_the_model_s_side(make_run: RunMaker) -> None:
    run = make_run("sargan")
    crops = verify_crops(card_from(run, network_from(run)))
    assert crops.shape == (3, 3, 64, 64)
    assert crops.std(axis=(1, 2, 3)).min() > 0.05


def test_large_weights_alone_are_stored_as_half() -> None:
    names = ["large", "small"]
    weights = [np.ones(300, np.float32), np.ones(3, np.float32)]
    tensors = [onnx.numpy_helper.from_array(*pair) for pair in zip(weights, names, strict=True)]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "made", [], [], tensors))
    store_weights_as_half(model)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {"large.half": onnx.TensorProto.FLOAT16, "small": onnx.TensorProto.FLOAT}


@pytest.mark.parametrize("part", ["find", "finer", "refine"])
def test_a_fault_of_the_default_model_is_found_out(part: str, tmp_path: Path) -> None:
    path = find_model("reggan")
    model = onnx.load(path)
    restore_weights(model.graph)
    branches = (a.g for node in model.graph.node for a in node.attribute if a.HasField("g"))
    layers = [t for branch in branches for t in branch.initializer if len(t.dims) == 4]
    layer = max((t for t in layers if t.name.startswith(part)), key=lambda t: t.dims[0])
    values = onnx.numpy_helper.to_array(layer) * np.float32(1.15)
    layer.CopyFrom(onnx.numpy_helper.from_array(values, layer.name))
    onnx.save(model, tmp_path / "spoilt.onnx")
    seal(tmp_path / "spoilt.onnx")
    right, wrong = (open_runner(file, "cpu") for file in (path, tmp_path / "spoilt.onnx"))
    proof = questions_from_metadata(right.metadata, "it")
    apart = [
        proof.compare(inputs, right.run(inputs), wrong.run(inputs))
        for inputs in proof.probes.values()
    ]
    assert not all(bound.holds(one[bound.quantity]) for one in apart for bound in proof.bounds)


def test_a_rig_is_not_taken_for_a_network_of_named_expressions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a rig .*Start from sargan"):
        network_from(find_model("reggan"))
    with pytest.raises(UsageError, match=r"finds landmarks .*contract 1"):
        quantise_for_cpu(find_model("reggan"), tmp_path / "small.onnx")
