"""The order of the landmarks: engines count on it, and a trained file is only right with it."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT, GROUPS, MIRROR, eye_rows, rows_of
from tests.measurements.house_convention import table


def test_groups_follow_each_other_and_cover_every_landmark() -> None:
    rows = [row for group in GROUPS for row in range(*group.rows.indices(COUNT))]
    assert rows == list(range(COUNT))
    assert COUNT == 174


def test_the_mirror_of_the_mirror_is_the_landmark() -> None:
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(COUNT))


def test_the_mirror_exchanges_sides_and_turns_lines_of_the_middle_round() -> None:
    np.testing.assert_array_equal(MIRROR[rows_of("brow", "right")], rows_of("brow", "left"))
    np.testing.assert_array_equal(MIRROR[rows_of("jaw")], rows_of("jaw")[::-1])
    np.testing.assert_array_equal(MIRROR[rows_of("bridge")], rows_of("bridge"))


def test_an_eye_is_both_of_its_lids() -> None:
    expected = [*rows_of("lid_upper", "left"), *rows_of("lid_lower", "left")]
    assert eye_rows("left").tolist() == expected


def test_a_group_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="brow middle"):
        rows_of("brow")


def test_the_table_of_shapes_is_that_of_the_template() -> None:
    page = Path(__file__).parents[2] / "docs/maintainers/convention.md"
    assert table() in page.read_text(encoding="utf-8")
