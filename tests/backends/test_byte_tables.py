"""TensorRT gets a graph without tables of bytes, with the same answers; other files stay."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from reggan_plugin.backends.byte_tables import without_byte_tables
from reggan_plugin.errors import ModelError


def model_with(table: np.ndarray) -> onnx.ModelProto:
    """y = x + table, the table kept in its own type."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    nodes = [
        helper.make_node("Cast", ["table"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "numbers"], ["y"]),
    ]
    tables = [numpy_helper.from_array(table, "table")]
    graph = helper.make_graph(nodes, "sum", value[:1], value[1:], tables)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def test_a_table_of_bytes_becomes_numbers(tmp_path: Path) -> None:
    file, x = tmp_path / "sum.onnx", np.arange(4, dtype=np.float32)
    onnx.save(model_with(np.array([-3, 0, 5, 127], np.int8)), file)
    content = without_byte_tables(file)
    kinds = {one.data_type for one in onnx.load_from_string(content).graph.initializer}
    assert kinds == {TensorProto.FLOAT}
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": x})[0].tolist() == [-3, 1, 7, 130]


def test_other_files_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "sum.onnx"
    onnx.save(model_with(np.arange(4, dtype=np.float16)), file)
    assert without_byte_tables(file) == file.read_bytes()


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    file = tmp_path / "sum.onnx"
    file.write_bytes(b"\xff\xff\xff")
    with pytest.raises(ModelError, match=r"sum\.onnx cannot be loaded.*Export it again"):
        without_byte_tables(file)
