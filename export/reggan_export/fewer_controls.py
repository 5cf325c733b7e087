"""A graph that is asked for fewer face shapes than its network knows entries."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from reggan_plugin.vocabulary.face_shapes import CONTROLS

_INPUT, _ALL, _PLACES = "controls", "all_controls", "places_of_controls"


def keep_controls(graph: onnx.ModelProto, controls: Sequence[str]) -> None:
    """Let the input `controls` have these entries alone; the network sees 0 for all others.

    Args:
        graph: whose input takes all of `CONTROLS`; changed in place.
        controls: of them, in their order.
    """
    if tuple(controls) == CONTROLS:
        return
    places = np.zeros((len(controls), len(CONTROLS)), np.float32)
    places[np.arange(len(controls)), [CONTROLS.index(name) for name in controls]] = 1.0
    for node in graph.graph.node:
        for number, name in enumerate(node.input):
            if name == _INPUT:
                node.input[number] = _ALL
    spread = helper.make_node("MatMul", [_INPUT, _PLACES], [_ALL], name="spread_controls")
    graph.graph.node.insert(0, spread)
    graph.graph.initializer.append(numpy_helper.from_array(places, _PLACES))
    (given,) = (one for one in graph.graph.input if one.name == _INPUT)
    given.type.tensor_type.shape.dim[1].dim_value = len(controls)
