"""Shapes of a set are those of the heads that count."""

from pathlib import Path

import pytest

from reggan_plugin.errors import SourceError
from reggan_training.pairs.head_controls import controls_of_heads
from reggan_training.pairs.head_file import read_head


def test_shapes_are_those_that_some_head_has(flat_head_set: Path) -> None:
    (first, *_) = sorted(flat_head_set.glob("*/*.npz"))
    identity = f"{first.parent.name}/{first.name.split('-v')[0]}"
    found = controls_of_heads(flat_head_set, {identity, "ict/elsewhere"})
    assert set(found) == {*read_head(first).controls, "neutral"}
    assert found[-1] == "neutral"


def test_heads_that_are_elsewhere_are_missed(flat_head_set: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds none of the heads .* such as ict/one"):
        controls_of_heads(flat_head_set, {"ict/one"})
    (tmp_path / "ict").mkdir()
    (tmp_path / "ict/one-v0.head.npz").write_bytes(b"no head")
    with pytest.raises(SourceError, match="is not a rasterised head"):
        controls_of_heads(tmp_path, {"ict/one"})
