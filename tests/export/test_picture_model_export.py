"""A run of any architecture becomes a file that the runtime takes and that says the same."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

pytest.importorskip("onnxscript")

from click.testing import Result

import reggan_plugin
from reggan_export.verify.verify_model import verify_model
from reggan_plugin.errors import OutputExistsError, SourceError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.models.model_card import check_seal
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.papers.networks.architectures import architectures
from reggan_training.papers.ridge_regression import RegressionSettings

RunMaker = Callable[..., Path]
Exporter = Callable[..., Result]
FRAME = Path(reggan_plugin.__file__).parent / "samples/avatar_png/avatar.1001.png"
QUICK = "sargan"
"""Instance normalisation, attention, nearest enlarging and transposed convolutions in one."""
IN_THE_GATE = "reggan"
"""Exported by the test of `export int8`, which goes on from its file; `QUICK` is in half."""


def types_of_weights(graph: onnx.GraphProto) -> dict[str, int]:
    """By name, of what a convolution takes as its weights."""
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    casts = {node.output[0]: node.attribute[0].i for node in graph.node if node.op_type == "Cast"}
    taken = {node.input[1] for node in graph.node if node.op_type.startswith("Conv")}
    return {name: casts.get(name, types.get(name, 0)) for name in taken}


def check_that_it_renders(model_file: Path) -> None:
    transfer = ExpressionTransfer(model_file, device="cpu")
    frame = read_frame(FRAME)
    (crop,) = transfer.find_faces(frame, FaceChoice())
    assert crop.side_px == transfer.card.image_size_px
    changed = (transfer.apply(frame.pixels, "happy") != frame.pixels).any(axis=2)
    assert 0.001 < changed.mean() < 0.5
    assert not changed[:20].any()


def check_that_it_goes_into_the_runtime(
    architecture: str, run: Path, out: Path, run_export: Exporter
) -> None:
    told = run_export("onnx", run, "--out", out, "--max-yaw", "30", "--name", "mine").stdout
    assert "Within the bounds." in told
    check_that_it_renders(out)
    card = ExpressionTransfer(out, device="cpu").card
    assert (card.name, card.architecture, card.precision) == ("mine", architecture, "fp32")
    assert (card.image_size_px, card.max_yaw_deg) == (64, 30.0)
    assert card.expressions == EXPRESSION_NAMES
    model = onnx.load(out)
    assert {own.domain: own.version for own in model.opset_import}[""] == 20
    norms = sum(node.op_type == "InstanceNormalization" for node in model.graph.node)
    assert (f"{norms} instance normalisations" in told) == (norms > 0)


@pytest.mark.long
@pytest.mark.parametrize("architecture", [one for one in architectures() if one != IN_THE_GATE])
def test_every_architecture_goes_into_the_runtime(
    architecture: str, make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    run, out = make_run(architecture), tmp_path / "model.onnx"
    check_that_it_goes_into_the_runtime(architecture, run, out, run_export)


def check_that_it_computes_in_half(model_file: Path) -> None:
    check_that_it_renders(model_file)
    assert ExpressionTransfer(model_file, device="cpu").card.precision == "fp16"
    graph = onnx.load(model_file).graph
    for value in (*graph.input, *graph.output):
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT
    types = types_of_weights(graph)
    full = {name for name, kind in types.items() if kind == TensorProto.FLOAT}
    assert full == {name for name in types if "one_hot" in name}
    assert len(types) > 5


@pytest.mark.long
@pytest.mark.parametrize("architecture", [QUICK, "reggan"])
def test_convolutions_are_computed_in_half(
    architecture: str, make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    run, out = make_run(architecture), tmp_path / "half.onnx"
    told = run_export("onnx", run, "--out", out, "--precision", "fp16").stdout
    assert "PyTorch rounded to fp16: picture" in told  # a CPU computes the file in fp32
    check_that_it_computes_in_half(out)


def test_a_network_of_convolutions_takes_another_side_and_then_half_precision(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    larger, half = tmp_path / "larger.onnx", tmp_path / "half.onnx"
    options = ("--size", "96", "--max-yaw", "20", "--version", "3")
    run_export("onnx", make_run(QUICK), "--out", larger, *options)
    check_that_it_renders(larger)
    told = run_export("onnx", larger, "--out", half, "--precision", "fp16").stdout
    assert f"PyTorch, {larger}" in told
    assert "PyTorch rounded to fp16: picture" in told  # a CPU computes the file in fp32
    check_that_it_computes_in_half(half)
    card = ExpressionTransfer(half, device="cpu").card
    assert (card.image_size_px, card.max_yaw_deg) == (96, 20.0)
    assert (card.version, card.name) == ("3", "half")
    assert check_seal(half) == card.weights_sha256


def test_a_layer_with_filters_for_each_channel_goes_into_the_runtime(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    layer = RegressionSettings(side_px=48, dilation=3, shared_channels=False, with_bias=False)
    run, out = make_run("regression", 48, layer), tmp_path / "model.onnx"
    run_export("onnx", run / "checkpoint.safetensors", "--out", out)
    check_that_it_renders(out)
    (comparison,) = verify_model(out, checkpoint=run, devices=()).comparisons
    assert 0 < comparison.over_all("picture").max < 0.5  # rounded weights, and nothing else


def test_weights_that_half_cannot_hold_are_stored_whole(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    run, out = make_run("regression", filters=4.0), tmp_path / "model.onnx"
    told = run_export("onnx", run, "--out", out).stdout
    assert "weights stored as float32" in told
    assert "float16" not in {
        TensorProto.DataType.Name(tensor.data_type).lower()
        for tensor in onnx.load(out).graph.initializer
    }
    (comparison,) = verify_model(out, checkpoint=run, devices=()).comparisons
    assert comparison.over_all("picture").max < 0.05


@pytest.mark.parametrize(
    ("architecture", "side_px", "field"),
    [
        ("reggan", 128, "refinement.place"),
        ("reggan-paper", 96, "regression.side_px"),
        (QUICK, 100, "multiple of 16"),
    ],
)
def test_a_side_that_cannot_be_had_is_refused_by_the_field_that_forbids_it(
    architecture: str,
    side_px: int,
    field: str,
    make_run: RunMaker,
    tmp_path: Path,
    run_export: Exporter,
) -> None:
    out = tmp_path / "model.onnx"
    options = ("--out", out, "--size", str(side_px))
    error = run_export("onnx", make_run(architecture), *options, fails=True).exception
    assert isinstance(error, UsageError)
    assert field in str(error)
    assert "Train with that side_px" in str(error)
    assert not out.exists()


def test_what_cannot_be_exported_is_said_before_any_work(
    tmp_path: Path, run_export: Exporter
) -> None:
    taken = tmp_path / "taken.onnx"
    taken.write_bytes(b"mine")
    error = run_export("onnx", tmp_path, "--out", taken, fails=True).exception
    assert isinstance(error, OutputExistsError)
    assert "exists." in str(error)
    assert taken.read_bytes() == b"mine"
    picture = tmp_path / "picture.png"
    picture.touch()
    error = run_export("onnx", picture, "--out", tmp_path / "x.onnx", fails=True).exception
    assert isinstance(error, SourceError)
    assert "config.json" in str(error)
