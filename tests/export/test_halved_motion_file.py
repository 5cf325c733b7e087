"""A model of contract 2 in half precision: its convolutions alone, and a proof that rounds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxscript")

from click.testing import Result
from onnx import TensorProto, helper, numpy_helper, shape_inference

from reggan_plugin.errors import UsageError
from reggan_plugin.models.model_card import card_from_metadata
from reggan_plugin.models.model_hash import seal
from reggan_plugin.models.onnx_messages import metadata_from_onnx

from ..motion_models import write_motion_model

Exporter = Callable[..., Result]


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """A model whose paint is a convolution of the picture."""
    path = write_motion_model(tmp_path / "painting.onnx", cover=1.0, answers_to="jawOpen")
    model = onnx.load(path)
    random = np.random.default_rng(1)
    weights = random.uniform(0, 0.07, (3, 3, 3, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "weights"))
    blur = helper.make_node("Conv", ["image", "weights"], ["blurred"], pads=[1] * 4)
    model.graph.node.insert(0, blur)
    (painted,) = (node for node in model.graph.node if node.output[0] == "paint")
    painted.input[0] = "blurred"
    onnx.save(model, path)
    seal(path)
    return path


def types_in(path: Path) -> dict[str, int]:
    """Of every value in a graph."""
    graph = shape_inference.infer_shapes(onnx.load(path), strict_mode=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def test_a_file_of_contract_2_gets_convolutions_in_half(
    painting: Path, tmp_path: Path, run_export: Exporter
) -> None:
    half = tmp_path / "half.onnx"
    told = run_export("onnx", painting, "--out", half, "--precision", "fp16").stdout
    assert "Within the bounds." in told
    assert "painting.onnx by ONNX Runtime" in told
    card = card_from_metadata(metadata_from_onnx(half), "half")
    assert (card.precision, card.name) == ("fp16", "half")
    types = types_in(half)
    (blur,) = (node for node in onnx.load(half).graph.node if node.op_type == "Conv")
    assert {types[name] for name in (*blur.input, *blur.output)} == {TensorProto.FLOAT16}
    assert types["blurred"] == types["image"] == types["motion"] == TensorProto.FLOAT

    # what a GPU rounds is rounded for the proof, as a CPU would compute all of it in float32
    _, rounded = (part.partition("\nall ")[2].split() for part in told.split("picture ")[1:])
    assert 1e-4 < float(rounded[0]) < 0.3

    again = run_export("onnx", half, "--out", tmp_path / "again.onnx", "--precision", "fp16",
                       fails=True).exception  # fmt: skip
    assert isinstance(again, UsageError)
    assert "fp16 already; take the fp32 file" in str(again)


def test_half_precision_that_would_spoil_the_picture_is_not_written(
    painting: Path, tmp_path: Path, run_export: Exporter
) -> None:
    model = onnx.load(painting)
    (blur,) = (node for node in model.graph.node if node.op_type == "Conv")
    bias = numpy_helper.from_array(np.full(3, 900.0, np.float32), "bias")
    less = numpy_helper.from_array(np.float32(-900.0), "less")
    model.graph.initializer.extend([bias, less])
    blur.input.append("bias")
    blur.output[0] = "high"
    model.graph.node.insert(1, helper.make_node("Add", ["high", "less"], ["blurred"]))
    onnx.save(model, painting)
    seal(painting)
    half = tmp_path / "half.onnx"
    error = run_export("onnx", painting, "--out", half, "--precision", "fp16", fails=True).exception
    assert "on ONNX Runtime rounded to fp16 picture differs by" in str(error)
    assert not half.exists()


def test_a_file_of_contract_2_is_quantised(
    painting: Path, tmp_path: Path, run_export: Exporter
) -> None:
    small = tmp_path / "small.onnx"
    assert "Within the bounds." in run_export("int8", painting, "--out", small).stdout
    (blur,) = (node for node in onnx.load(small).graph.node if node.op_type == "Conv")
    integers = {
        name
        for node in onnx.load(small).graph.node
        if node.op_type == "DequantizeLinear"
        for name in node.output
    }
    assert set(blur.input) <= integers
    assert card_from_metadata(metadata_from_onnx(small), "small").precision == "int8"
