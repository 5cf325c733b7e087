"""Which face of a sheet is where."""

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.sheet_cells import cell_at, cells_from_text, cells_text

SUMMARY = {
    "cells": [
        {"expression": "happy", "intensity": 0.35, "box": [104, 28, 224, 224]},
        {"expression": "sad", "intensity": 1.0, "box": [104, 256, 224, 224]},
    ]
}


def test_a_place_of_the_sheet_names_its_face() -> None:
    cells = cells_from_text(cells_text(SUMMARY))
    size = (400, 500)
    first, second = cell_at(cells, size, 0.5, 0.9), cell_at(cells, size, 0.5, 0.1)
    assert first is not None
    assert (first.expression, first.intensity) == ("happy", 0.35)
    assert second is not None
    assert second.expression == "sad"


def test_labels_and_gaps_name_none() -> None:
    cells = cells_from_text(cells_text(SUMMARY))
    assert cell_at(cells, (400, 500), 0.1, 0.9) is None
    assert cell_at(cells, (400, 500), 0.5, 1 - 254 / 500) is None


def test_a_text_of_somebody_else_is_refused() -> None:
    with pytest.raises(BridgeError, match="Draw it again"):
        cells_from_text('[{"expression": "happy"}]')
