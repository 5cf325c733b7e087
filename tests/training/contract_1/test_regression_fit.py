"""Shards of a fit add up to one pass, and a penalty is chosen by held-out faces."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.contract_1.change_masks import ChangeCounts
from reggan_training.contract_1.regression import RegressionSettings
from reggan_training.contract_1.regression_fit import (
    Shard,
    solve_parts,
    sum_part,
    validate_penalties,
)
from reggan_training.contract_1.regression_sums import (
    check_that_parts_add,
    merged_counts,
    merged_sums,
)
from reggan_training.data.identity import CANONICAL_LANDMARKS, Identity
from reggan_training.data.set_files import Entry

SIDE = 32
LAYER = RegressionSettings(side_px=SIDE // 2, shared_channels=False)
COUNT = len(EXPRESSION_NAMES)


def face(number: int, expressions: int = COUNT) -> Entry:
    """Smooth noise, with a bar across whose height is that of the expression."""
    random = np.random.default_rng(number)
    images = np.repeat(random.integers(90, 160, (1, SIDE, SIDE, 3), np.uint8), expressions, 0)
    for expression in range(1, expressions):
        images[expression, 2 * expression + 8 : 2 * expression + 12, 8:24] += 60
    identity = Identity(
        name=f"skin_{number:05d}",
        style="skin",
        images=images,
        landmarks=np.repeat(CANONICAL_LANDMARKS[None] * SIDE, expressions, 0),
        states=np.concatenate([np.zeros((1, COUNT)), np.eye(COUNT)[1:expressions]]),
        is_plain=np.ones(expressions, bool),
    )
    return Entry(name=identity.name, style="skin", place=Path("made"), load=lambda: identity)


FACES = [face(number) for number in range(5)]


def sum_shard(folder: Path, shard: Shard, layer: RegressionSettings = LAYER) -> Path:
    sum_part(
        FACES,
        folder,
        layer,
        image_side_px=SIDE,
        shard=shard,
        data=("made",),
        report=lambda _: None,
    )
    return folder


def test_merged_shards_are_one_pass(tmp_path: Path) -> None:
    """Largest difference: 1e-12 of the sums' size; 1e-6 of the float32 weights; masks equal."""
    whole = [sum_shard(tmp_path / "whole", Shard())]
    parts = [sum_shard(tmp_path / f"{index}", Shard(index=index, count=3)) for index in (1, 2, 3)]
    for expression in EXPRESSION_NAMES:
        one, many = merged_sums(whole, expression, LAYER), merged_sums(parts, expression, LAYER)
        assert (one.gram - many.gram).abs().max() < 1e-12 * one.gram.max()
        assert (one.moment - many.moment).abs().max() < 1e-12 * one.moment.max()
    for one_filter, other in zip(solve_parts(whole, LAYER), solve_parts(parts, LAYER), strict=True):
        assert (one_filter - other).abs().max() < 1e-6
    alike = [merged_counts(folders, SIDE).masks(8) for folders in (whole, parts)]
    assert np.array_equal(*alike)
    assert alike[0].max() > 0.5
    names = [name for record in check_that_parts_add(parts) for name in record.identities]
    assert sorted(names) == [one.name for one in FACES]


def test_the_penalty_of_least_error_is_chosen(tmp_path: Path) -> None:
    part = sum_shard(tmp_path / "part", Shard())
    errors = validate_penalties([part], LAYER, [face(8), face(18)], (0.4, 1e5))
    assert errors.best_penalty == 0.4
    assert tuple(errors.unchanged) == EXPRESSION_NAMES
    for expression in EXPRESSION_NAMES[1:]:
        assert errors.by_penalty[0.4][expression] < 0.5 * errors.unchanged[expression]
        assert errors.by_penalty[1e5][expression] > 0.9 * errors.unchanged[expression]


def test_an_expression_that_nobody_shows_copies_the_input(tmp_path: Path) -> None:
    record = sum_part(
        [face(1, expressions=2)],
        tmp_path / "part",
        layer := replace(LAYER, towards_identity=False),
        image_side_px=SIDE,
        shard=Shard(),
        data=("made",),
        report=lambda _: None,
    )
    assert record.pairs == {name: 2 * (name in ("neutral", "happy")) for name in EXPRESSION_NAMES}
    filters = list(solve_parts([tmp_path / "part"], layer))
    copying = torch.zeros(layer.columns)
    copying[layer.taps // 2] = 1.0
    assert torch.equal(filters[2][0, :, 3, 3], copying)
    assert not torch.allclose(filters[1][0, :, 8, 8], copying, atol=1e-3)


def test_parts_that_do_not_add_are_named(tmp_path: Path) -> None:
    first = sum_shard(tmp_path / "first", Shard(index=1, count=2))
    again = sum_shard(tmp_path / "again", Shard())
    other = sum_shard(tmp_path / "other", Shard(index=2, count=2), replace(LAYER, dilation=2))
    cheaper = sum_shard(tmp_path / "cheap", Shard(index=2, count=2), replace(LAYER, penalty=9.0))
    with pytest.raises(SourceError, match=r"skin_00000 is in .*first and in .*again.*once"):
        check_that_parts_add([first, again])
    with pytest.raises(SourceError, match=r"other holds .*dilation=2.*same options"):
        check_that_parts_add([first, other])
    check_that_parts_add([first, cheaper])
    (first / "part.json").unlink()
    with pytest.raises(SourceError, match=r"first holds no part\.json.*run it again"):
        check_that_parts_add([first, cheaper])
    document = json.loads((again / "part.json").read_text())
    (again / "part.json").write_text(json.dumps({**document, "schema": 0}))
    with pytest.raises(SourceError, match=r"another version.*sum this part again"):
        check_that_parts_add([again])


def test_a_shard_without_a_pair_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Shard 7/7 of made has 0 .*fewer shards"):
        sum_shard(tmp_path / "part", Shard(index=7, count=7))
    assert not (tmp_path / "part/part.json").exists()


def test_counts_of_changes_do_not_depend_on_who_counted() -> None:
    random = np.random.default_rng(0)
    images = random.random((4, 3, SIDE, SIDE, 3), dtype=np.float32)
    whole, first, second = (ChangeCounts(3, SIDE) for _ in range(3))
    for number, own in enumerate(images):
        for expression in (1, 2):
            whole.add(expression, own[0], own[expression])
            (first, second)[number % 2].add(expression, own[0], own[expression])
    first.merge(second)
    assert np.array_equal(first.masks(8), whole.masks(8))
