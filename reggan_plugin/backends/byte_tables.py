"""Tables of bytes in a model file: TensorRT refuses them, so numbers take their place."""

import os
import tempfile
from pathlib import Path

import onnxruntime

from reggan_plugin.errors import ModelError
from reggan_plugin.models.onnx_messages import GRAPH, MalformedError, fields_of, onnx_message

_INITIALIZER, _DATA_TYPE = 5, 2
_BYTES = (2, 3)
"""uint8 and int8. Source: onnx/onnx.proto, GraphProto, TensorProto.DataType."""


def without_byte_tables(model: Path) -> bytes:
    """A model file for TensorRT, which takes bytes for quantised numbers wherever they stand.

    ONNX Runtime works out what depends on constants alone, with the same numbers. It would also run
    half precision in single, so that files without such tables stay as they are; int8 files do not
    become readable by it.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        content = model.read_bytes()
        if not _has_byte_tables(content):
            return content
    except (MalformedError, OSError) as error:
        raise ModelError(f"{model} cannot be loaded: {error}. Export it again.") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / model.name
        options.optimized_model_filepath = os.fspath(folded)
        try:
            onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes of its own
            raise ModelError(f"{model} cannot be loaded by ONNX Runtime: {error}") from error
        return folded.read_bytes()


def _has_byte_tables(content: bytes) -> bool:
    return any(
        part == _DATA_TYPE and value in _BYTES
        for field, graph in fields_of(onnx_message(content))
        if field == GRAPH and isinstance(graph, memoryview)
        for member, tensor in fields_of(graph)
        if member == _INITIALIZER and isinstance(tensor, memoryview)
        for part, value in fields_of(tensor)
    )
