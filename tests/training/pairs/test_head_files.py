"""Rasterised heads on disk, and what is drawn from them."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL
from reggan_training.pairs.head_file import read_head, write_head
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.mouth_sitting import draw_mouth_sitting
from reggan_training.pairs.rasterising import rasterise_head
from reggan_training.pairs.render_set import render_heads
from reggan_training.pairs.sitting import Pairs, draw_sitting
from reggan_training.pairs.states import sample_states


def test_a_written_head_reads_as_it_was(flat_family, tmp_path: Path) -> None:
    states = [{}, {"jawOpen": 0.8}, {"mouthSmileLeft": 0.5}]
    head = rasterise_head(flat_family.head("a"), states, np.random.default_rng(1))
    write_head(head, tmp_path / "a.head.npz")
    again = read_head(tmp_path / "a.head.npz")
    assert again.states == head.states
    assert np.array_equal(again.face.triangle, head.face.triangle)
    assert np.array_equal(again.mouth.barycentric, head.mouth.barycentric)
    assert np.abs(again.positions - head.positions).max() < 1e-4  # eye distances
    assert np.allclose(again.camera.crop_from_plane, head.camera.crop_from_plane)


def test_a_damaged_head_is_named(tmp_path: Path) -> None:
    path = tmp_path / "b.head.npz"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(SourceError, match=r"b\.head\.npz is not a rasterised head"):
        read_head(path)


def test_rendering_goes_on_where_it_stopped(flat_family, flat_head_set: Path) -> None:
    before = {path: path.read_bytes() for path in flat_head_set.rglob("*.npz")}
    missing = next(iter(before))
    missing.unlink()
    named = {"happy": {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, "open": {"jawOpen": 1.0}}
    written = list(render_heads(flat_family, flat_family.identities(3, 5), named, flat_head_set))
    assert written == [missing]
    assert read_head(missing).states == _head_in(before[missing], missing).states


def _head_in(content: bytes, path: Path):
    copy = path.with_suffix(".copy")
    copy.write_bytes(content)
    head = read_head(copy)
    copy.unlink()
    return head


def test_a_seed_gives_the_same_pairs(flat_head_set: Path) -> None:
    path = training_files(flat_head_set)[0]
    first, second = (draw_sitting(path, (3, 1), 4, 64) for _ in range(2))
    other = draw_sitting(path, (3, 2), 4, 64)
    for name in ("source", "target", "motion", "controls"):
        assert getattr(first, name).equal(getattr(second, name))
    assert not first.source.equal(other.source)


def test_the_truth_carries_the_source_to_the_target(flat_head_set: Path) -> None:
    from reggan_training.motion.sampling import warp

    pairs = draw_sitting(training_files(flat_head_set)[0], (1, 1), 12, 128)
    moved = warp(pairs.source, pairs.motion)
    trusted = (pairs.visible * pairs.hit).bool().expand_as(moved)
    error = (moved - pairs.target).abs()[trusted].mean()
    still = (pairs.source - pairs.target).abs()[trusted].mean()
    assert still > 0.002
    assert error < 0.6 * still


def test_compact_pairs_unpack_as_they_were(flat_head_set: Path) -> None:
    pairs = draw_sitting(training_files(flat_head_set)[0], (1, 1), 3, 64)
    again = Pairs.from_compact(pairs.compact())
    assert (again.source - pairs.source).abs().max() <= 0.5 / 255 + 1e-6
    assert (again.motion - pairs.motion).abs().max() < 1e-4
    assert again.controls.equal(pairs.controls)


def test_two_mirrors_are_none(flat_head_set: Path) -> None:
    pairs = draw_sitting(training_files(flat_head_set)[0], (1, 1), 3, 64)
    rows = (pairs.controls[:, 0] >= 0).bool()  # all of them
    once, twice = pairs.mirrored(rows), pairs.mirrored(rows).mirrored(rows)
    assert twice.source.equal(pairs.source)
    assert twice.motion.equal(pairs.motion)
    assert twice.controls.equal(pairs.controls)
    left = CONTROLS.index("mouthSmileLeft")
    assert once.controls[:, CONTROLS.index("mouthSmileRight")].equal(pairs.controls[:, left])


def test_the_mouth_is_drawn_at_twice_its_own_pixels(flat_head_set: Path) -> None:
    rows = draw_mouth_sitting(training_files(flat_head_set)[0], (1, 1), 2)
    assert rows["source"].shape == (2, 3, 256, 256)
    assert rows["target"].shape == (2, 3, 224, 224)
    assert rows["controls"][:, CONTROLS.index(NEUTRAL)].min() >= 0


def test_states_name_only_what_the_head_has(flat_family) -> None:
    head = flat_family.head("a")
    named = {"happy": {"mouthSmileLeft": 1.0, "cheekPuff": 1.0}}
    first, again = (sample_states(np.random.default_rng(2), head.controls, named) for _ in range(2))
    assert first == again
    assert len(first) == 16
    assert first[0] == {}
    assert {name for state in first for name in state} <= set(head.controls)
    assert all(0 < value <= 1.5 for state in first for value in state.values())


def test_identities_do_not_cross_the_split(tmp_path: Path) -> None:
    for family, name in (
        ("ict", "ict-7-00089"), ("ict", "ict-7-00090"), ("makehuman", "mh-7-00199"),
        ("valid", "MENA_M_3"), ("valid", "White_F_1"), ("mine", "hero-99"),
    ):  # fmt: skip
        (tmp_path / family).mkdir(exist_ok=True)
        (tmp_path / family / f"{name}-v0.head.npz").touch()
    kept = {path.name for path in training_files(tmp_path)}
    assert kept == {f"{n}-v0.head.npz" for n in ("ict-7-00089", "White_F_1", "hero-99")}
    assert all("valid" not in path.parts for path in training_files(tmp_path, without=["valid"]))


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no head to train on"):
        training_files(tmp_path)
