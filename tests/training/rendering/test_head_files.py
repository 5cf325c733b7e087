"""Rasterised heads on disk, and what is drawn from them."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.errors import SourceError
from reggan_training.metrics.motion.test_heads import read_head, write_head
from reggan_training.rendering.face_states import sample_states
from reggan_training.rendering.rasterising import frontal_camera, rasterise_head


def test_a_written_head_reads_as_it_was(flat_family, tmp_path: Path) -> None:
    states = [{}, {"jawOpen": 0.8}, {"mouthSmileLeft": 0.5}]
    mesh = flat_family.head("a")
    head = rasterise_head(mesh, states, frontal_camera(mesh.landmarks(mesh.rest), 10.0))
    write_head(head, tmp_path / "a.head.npz")
    again = read_head(tmp_path / "a.head.npz")
    assert again.states == head.states
    assert np.array_equal(again.face.triangle, head.face.triangle)
    assert np.array_equal(again.face.barycentric, head.face.barycentric)
    assert np.abs(again.positions - head.positions).max() < 1e-4  # eye distances
    assert np.allclose(again.camera.crop_from_plane, head.camera.crop_from_plane)


def test_a_damaged_head_is_named(tmp_path: Path) -> None:
    path = tmp_path / "b.head.npz"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(SourceError, match=r"b\.head\.npz is not a rasterised head"):
        read_head(path)


def test_states_name_only_what_the_head_has(flat_family) -> None:
    head = flat_family.head("a")
    named = {"happy": {"mouthSmileLeft": 1.0, "cheekPuff": 1.0}}
    first, again = (sample_states(np.random.default_rng(2), head.controls, named) for _ in range(2))
    assert first == again
    assert len(first) == 16
    assert first[0] == {}
    assert {name for state in first for name in state} <= set(head.controls)
    assert all(0 < value <= 1.5 for state in first for value in state.values())
