"""What the panels offer is what the runtime knows; blends are read as the runtime reads them."""

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.expressions import EXPRESSION_NAMES, MAX_INTENSITY, shares_from_blend
from reggan_plugin import expressions as runtime


def test_the_panels_offer_what_the_runtime_knows() -> None:
    assert EXPRESSION_NAMES == runtime.EXPRESSION_NAMES
    assert MAX_INTENSITY == runtime.MAX_INTENSITY


@pytest.mark.parametrize("blend", ["happy", "happy:0.6+surprised:0.3", " Sad : 0.5 + angry "])
def test_a_blend_is_read_as_the_runtime_reads_it(blend: str) -> None:
    assert shares_from_blend(blend) == runtime.parse_expression_mix(blend).intensities


@pytest.mark.parametrize(
    ("blend", "found"),
    [
        ("hapy", "'hapy'"),
        ("", "''"),
        ("happy+happy:0.2", "'happy' twice"),
        ("happy:lots", "'lots'"),
        ("happy:1.6", "'1.6'"),
        ("happy:nan", "'nan'"),
    ],
)
def test_a_blend_that_cannot_be_read_is_named_with_an_example(blend: str, found: str) -> None:
    with pytest.raises(BridgeError, match=r"happy:0\.6\+surprised:0\.3") as refusal:
        shares_from_blend(blend)
    assert found in str(refusal.value)
