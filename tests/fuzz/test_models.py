"""Model files that are damaged, or that reach beyond themselves: refused before they are opened."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from reggan_plugin.cli import main
from reggan_plugin.errors import ModelError
from reggan_plugin.models.model_card import (
    CARD_KEY,
    CONTROL_FLOW_NEEDED,
    WALKED,
    check_seal,
    find_model,
    seal,
    weights_folder,
)
from reggan_plugin.models.unsafe_onnx import contents_of

from .damage import damaged

Streams = pytest.CaptureFixture[str]


def tensor_elsewhere(location: str) -> TensorProto:
    """Four numbers in another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def model_of(nodes: list[onnx.NodeProto], tensors: list[TensorProto]) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    graph = helper.make_graph(nodes, "graph", [value], [result], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    card = f'{{"weights_sha256": "{"0" * 64}"}}'
    helper.set_model_props(model, {CARD_KEY: card})
    return model


def add(constant: str) -> onnx.NodeProto:
    return helper.make_node("Add", ["x", constant], ["y"])


def in_the_graph(location: str) -> onnx.ModelProto:
    return model_of([add("w")], [tensor_elsewhere(location)])


def in_a_constant(location: str) -> onnx.ModelProto:
    constant = helper.make_node("Constant", [], ["w"], value=tensor_elsewhere(location))
    return model_of([constant, add("w")], [])


def in_a_branch(location: str) -> onnx.ModelProto:
    result = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4])
    branch = helper.make_graph([], "branch", [], [result], [tensor_elsewhere(location)])
    true = numpy_helper.from_array(np.array(True), "is_true")
    chosen = helper.make_node("If", ["is_true"], ["w"], then_branch=branch, else_branch=branch)
    return model_of([chosen, add("w")], [true])


def in_a_function(location: str) -> onnx.ModelProto:
    constant = helper.make_node("Constant", [], ["w"], value=tensor_elsewhere(location))
    model = model_of([helper.make_node("own", ["x"], ["y"], domain="mine")], [])
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(
        helper.make_function("mine", "own", ["x"], ["y"], [constant, add("w")], opset)
    )
    return model


def in_a_sparse_tensor(location: str) -> onnx.ModelProto:
    model = model_of([add("w")], [])
    model.graph.sparse_initializer.add().values.CopyFrom(tensor_elsewhere(location))
    return model


def in_an_engine(location: str) -> onnx.ModelProto:
    node = helper.make_node(
        "EPContext", ["x"], ["y"], domain="com.microsoft", embed_mode=0, ep_cache_context=location
    )
    return model_of([node], [])


def loop() -> onnx.NodeProto:
    """Runs for as long as 2⁶² rounds take."""
    value = helper.make_tensor_value_info
    rounds = [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, [])]
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["u"])],
        "body",
        [*rounds, value("v", TensorProto.FLOAT, [4])],
        [value("on", TensorProto.BOOL, []), value("u", TensorProto.FLOAT, [4])],
    )
    return helper.make_node("Loop", ["most", "yes", "x"], ["w"], body=body)


def looped() -> onnx.ModelProto:
    most = numpy_helper.from_array(np.array(2**62), "most")
    return model_of([loop(), add("w")], [most, numpy_helper.from_array(np.array(True), "yes")])


def looped_in_a_function() -> onnx.ModelProto:
    model = model_of([helper.make_node("own", ["x"], ["y"], domain="mine")], [])
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(
        helper.make_function("mine", "own", ["x"], ["y"], [loop(), add("w")], opset)
    )
    return model


def branched() -> onnx.ModelProto:
    result = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4])
    inside = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    branch = helper.make_graph([], "branch", [], [result], [inside])
    true = numpy_helper.from_array(np.array(True), "is_true")
    chosen = helper.make_node("If", ["is_true"], ["w"], then_branch=branch, else_branch=branch)
    return model_of([chosen, add("w")], [true])


def scanned() -> onnx.ModelProto:
    value = helper.make_tensor_value_info("v", TensorProto.FLOAT, [])
    twice = helper.make_node("Add", ["v", "v"], ["u"])
    result = helper.make_tensor_value_info("u", TensorProto.FLOAT, [])
    body = helper.make_graph([twice], "body", [value], [result])
    return model_of([helper.make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1)], [])


def searched() -> onnx.ModelProto:
    """Another domain's operator that runs a graph in rounds."""
    body = helper.make_graph([], "decoder", [], [])
    node = helper.make_node("GreedySearch", ["x"], ["y"], domain="com.microsoft", decoder=body)
    return model_of([node], [])


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (looped, "Loop"),
        (looped_in_a_function, "Loop"),
        (branched, "If"),
        (scanned, "Scan"),
        (searched, "a node with a graph of its own"),
    ],
)
def test_what_can_run_without_end_is_refused_before_it_is_opened(
    build: Callable[[], onnx.ModelProto], named: str, tmp_path: Path, capsys: Streams
) -> None:
    path = tmp_path / "face.onnx"
    path.write_bytes(build().SerializeToString())
    seal(path)
    with pytest.raises(ModelError, match=f"contains {named}, which can run without end"):
        check_seal(path)
    assert main(["models", str(path)]) == 1
    capsys.readouterr()


def test_an_architecture_that_needs_a_loop_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "face.onnx"
    model = looped()
    model.metadata_props[0].value = model.metadata_props[0].value[:-1] + ', "architecture": "own"}'
    path.write_bytes(model.SerializeToString())
    seal(path)
    monkeypatch.setitem(CONTROL_FLOW_NEEDED, "own", frozenset({"Loop"}))
    check_seal(path)
    monkeypatch.setitem(CONTROL_FLOW_NEEDED, "own", frozenset({"If"}))
    with pytest.raises(ModelError, match="contains Loop"):
        check_seal(path)


@pytest.mark.parametrize("location", ["../x", "/etc/passwd", "x.bin"])
@pytest.mark.parametrize(
    "build",
    [
        *(in_the_graph, in_a_constant, in_a_branch, in_a_function),
        *(in_a_sparse_tensor, in_an_engine),
    ],
)
def test_a_model_that_reaches_into_other_files_is_refused(
    build: Callable[[str], onnx.ModelProto], location: str, tmp_path: Path, capsys: Streams
) -> None:
    path = tmp_path / "sealed" / "face.onnx"
    path.parent.mkdir()
    path.write_bytes(build(location).SerializeToString())
    seal(path)
    for name in ("x", "sealed/x.bin"):  # so that only the rule stands in the way
        np.zeros(4, np.float32).tofile(tmp_path / name)
    with pytest.raises(ModelError, match=r"in another file.*with its weights inside"):
        check_seal(path)
    assert main(["models", str(path)]) == 1
    assert "in another file" in capsys.readouterr().err


def test_a_model_with_its_weights_inside_refers_to_nothing(tmp_path: Path) -> None:
    inside = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    path = tmp_path / "face.onnx"
    path.write_bytes(model_of([add("w")], [inside]).SerializeToString())
    assert seal(path) == check_seal(path)


def test_files_that_a_start_does_not_walk_are_complete_and_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = [
        find_model(),
        find_model("reggan"),
        *(weights_folder() / "face_locator").glob("*.onnx"),
    ]
    assert {check_seal(path) for path in files} == WALKED, "name the hash of a new file there"
    monkeypatch.setattr("reggan_plugin.models.model_card.WALKED", frozenset())
    for path in files:
        check_seal(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x00\x00\x00\x00ORTM" + bytes(64), id="ONNX Runtime's format"),
        pytest.param(b"\x3a\xff\xff\xff\xff\x0f", id="a graph longer than the file"),
        pytest.param(b"\x80" * 64, id="a number without end"),
        pytest.param(b"\x3b" * 64, id="groups"),
    ],
)
def test_what_is_no_onnx_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="Use a model exported"):
        contents_of(content, Path("face.onnx"))


def test_messages_nested_without_end_are_refused() -> None:
    nested = b""
    for _ in range(200):  # graph → node → attribute → graph → ...
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            nested = tag + varint(len(nested)) + nested
    with pytest.raises(ModelError, match="nested more than"):
        contents_of(b"\x3a" + varint(len(nested)) + nested, Path("face.onnx"))


@given(data=st.data())
def test_damaged_model_files_are_walked_or_refused(data: st.DataObject) -> None:
    sound = in_a_branch("x.bin").SerializeToString()
    content = data.draw(damaged(sound, start=0))
    try:
        contents_of(content, Path("face.onnx"))
    except ModelError as error:
        message = str(error)
    else:
        return
    assert "face.onnx" in message


def varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])
