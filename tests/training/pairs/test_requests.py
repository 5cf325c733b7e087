"""What is asked for leads from the source's weights to the target's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, CONTROLS, NEUTRAL
from reggan_training.pairs.truth import least_rest, request_of_pair

_WEIGHTS = st.dictionaries(
    st.sampled_from(ARKIT_SHAPES[:6]), st.floats(0.03, 1.5, allow_nan=False), max_size=4
)


@given(source=_WEIGHTS, target=_WEIGHTS, extra=st.floats(0, 1))
def test_a_request_reaches_its_target(
    source: dict[str, float], target: dict[str, float], extra: float
) -> None:
    least = least_rest(source, target)
    rest = least + extra * (1 - least)
    vector = request_of_pair(source, target, rest)
    assert vector[CONTROLS.index(NEUTRAL)] == np.float32(rest)
    assert (vector >= 0).all()
    for name, asked in zip(CONTROLS[:-1], vector, strict=False):
        reached = (1 - rest) * source.get(name, 0.0) + asked
        assert abs(reached - target.get(name, 0.0)) < 1e-5


def test_nothing_needs_to_go_where_the_target_only_adds() -> None:
    assert least_rest({"jawOpen": 0.3}, {"jawOpen": 0.5, "browInnerUp": 1.0}) == 0.0
    assert least_rest({"jawOpen": 0.5}, {}) == 1.0
    assert least_rest({}, {"jawOpen": 1.0}) == 0.0
