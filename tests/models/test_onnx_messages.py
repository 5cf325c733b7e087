"""What an .onnx file says of itself is read without opening it."""

from pathlib import Path

import onnx
import pytest

from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import ModelError
from reggan_plugin.models.model_card import find_model
from reggan_plugin.models.onnx_messages import metadata_from_onnx


def test_metadata_is_what_a_session_says() -> None:
    model = find_model()
    assert metadata_from_onnx(model) == dict(open_runner(model, "cpu").metadata)


def test_metadata_of_any_text_is_kept(tmp_path: Path) -> None:
    graph = onnx.helper.make_graph([], "empty", [], [])
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, {"größe": "x" * 300, "empty": ""})
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    assert metadata_from_onnx(path) == {"größe": "x" * 300, "empty": ""}


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(ModelError, match=r"notes\.onnx"):
        metadata_from_onnx(path)
