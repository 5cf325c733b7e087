"""A graph that is asked for some controls answers as one that is asked for all, the rest at 0."""

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxruntime import InferenceSession

from reggan_export.fewer_controls import keep_controls
from reggan_plugin.vocabulary.face_shapes import CONTROLS


def graph_of_all() -> onnx.ModelProto:
    """Answers with the controls that reach the network."""
    shape = ["batch", len(CONTROLS)]
    given = helper.make_tensor_value_info("controls", TensorProto.FLOAT, shape)
    answer = helper.make_tensor_value_info("seen", TensorProto.FLOAT, shape)
    node = helper.make_node("Identity", ["controls"], ["seen"])
    graph = helper.make_graph([node], "all", [given], [answer])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_kept_controls_reach_their_own_places() -> None:
    graph = graph_of_all()
    keep_controls(graph, ("jawOpen", "mouthSmileLeft", "neutral"))
    onnx.checker.check_model(graph, full_check=True)
    session = InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 3]
    (seen,) = session.run(None, {"controls": np.array([[0.25, 0.5, 1.0]], np.float32)})
    found = {name: value for name, value in zip(CONTROLS, seen[0], strict=True) if value}
    assert found == {"jawOpen": 0.25, "mouthSmileLeft": 0.5, "neutral": 1.0}


def test_all_controls_leave_a_graph_as_it_is() -> None:
    graph, before = graph_of_all(), graph_of_all()
    keep_controls(graph, CONTROLS)
    assert graph == before
