"""What training sees: pairs that stay pairs, intensities between renders, masks of change."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from reggan_plugin.errors import SourceError
from reggan_training.change_masks import RING_SHARE, masks_from_pairs
from reggan_training.data.augment import augment_colours, replace_surroundings
from reggan_training.data.avatar_set import load_avatar_set
from reggan_training.data.pairs import PairSampler, PairSettings, interpolate_along_flow
from reggan_training.data.split import split_of
from reggan_training.loop import LossWeights, TrainingSettings, train
from reggan_training.networks.reggan import RegGANSettings
from reggan_training.regression import RegressionSettings
from reggan_training.run_folder import RunFolder

SIDE = 64


def test_no_identity_is_in_two_splits_and_other_styles_are_for_testing() -> None:
    splits = [split_of(f"photo_{number:05d}") for number in range(100)]
    assert splits.count("train") == 70
    assert splits.count("validation") == 10
    assert {split_of(f"{style}_00001") for style in ("stone", "toon")} == {"test"}


def test_a_missing_picture_is_named(tiny_avatars: Path, tmp_path: Path) -> None:
    (tmp_path / "landmarks.json").write_bytes((tiny_avatars / "landmarks.json").read_bytes())
    with pytest.raises(SourceError, match=r"neutral.photo_00001\.jpg is missing"):
        load_avatar_set(tmp_path, ("train",))


def test_batches_repeat_from_a_seed_and_stay_in_range(tiny_avatars: Path) -> None:
    identities = load_avatar_set(tiny_avatars, ("train",))
    settings = PairSettings(side_px=SIDE)
    first, second = (PairSampler(identities, settings, seed=5).draw(6) for _ in range(2))
    assert torch.equal(first.source, second.source)
    assert first.source.shape == (6, 3, SIDE, SIDE)
    for image in (first.source, first.target):
        assert 0 <= float(image.min()) <= float(image.max()) <= 1
    full = first.is_full > 0
    assert torch.equal(first.expression[full].amax(dim=1), torch.ones(int(full.sum())))
    assert (first.expression.sum(dim=1) <= 1.0 + 1e-6).all()


def test_colour_is_changed_alike_in_both_pictures_of_a_pair() -> None:
    pair = torch.rand(1, 1, 3, SIDE, SIDE).expand(5, 2, 3, SIDE, SIDE).clone()
    random = np.random.default_rng(0)
    changed = augment_colours(replace_surroundings(pair, random), random)
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert not torch.allclose(changed[0, 0], changed[1, 0])


def test_halfway_along_the_flow_a_bar_is_halfway_and_not_doubled() -> None:
    def bar(row: int) -> torch.Tensor:
        image = torch.zeros(3, SIDE, SIDE)
        image[:, row : row + 4] = 1.0
        return image

    flow = np.zeros((8, 8, 2), dtype=np.float32)
    flow[..., 1] = 8 / SIDE
    half = interpolate_along_flow(bar(20), bar(28), flow, -flow, 0.5)
    assert torch.allclose(half, bar(24), atol=1e-4)


def test_masks_cover_what_changes_and_spare_the_ring() -> None:
    random = np.random.default_rng(0)
    images = np.repeat(random.random((5, 1, 128, 128, 3), dtype=np.float32), 3, axis=1)
    images[:, 1, 70:90, 50:78] = 0.0
    images[:, 2, :, :] = 1.0
    masks = masks_from_pairs(images, 64)
    assert masks[1, 40, 32] > 0.9
    assert masks[1, 15, 32] == 0.0
    ring = int(np.ceil(RING_SHARE * 64))
    for edge in (masks[:, :ring], masks[:, -ring:], masks[:, :, :ring], masks[:, :, -ring:]):
        assert not edge.any()


def tiny_settings(kimg: float) -> TrainingSettings:
    return TrainingSettings(
        length_kimg=kimg,
        batch_size=2,
        warmup_kimg=0.004,
        weights=LossWeights(),
        pairs=PairSettings(side_px=SIDE),
        model=RegGANSettings(side_px=SIDE, quarter_channels=8, eighth_channels=8, eighth_blocks=1),
        regression=RegressionSettings(side_px=SIDE // 2),
    )


def test_a_run_leaves_its_record_and_resumes(tiny_avatars: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    out = tmp_path / "run"
    train(tiny_avatars, out, tiny_settings(0.008), report=lines.append)
    run = RunFolder(out)
    config = run.read_config()
    assert config["identities"] == ["photo_00001", "photo_00002", "photo_00003"]
    assert config["settings"]["seed"] == 1
    assert run.load()["images_seen"] == 8
    assert (out / "log.jsonl").read_text().count("\n") == 1
    assert len(list((out / "grids").glob("*.jpg"))) == 1

    train(tiny_avatars, out, tiny_settings(0.008), report=lines.append)
    assert any("resuming at 0.0 kimg" in line for line in lines)
    other = dataclasses.replace(tiny_settings(0.008), batch_size=4)
    with pytest.raises(SourceError, match="another settings"):
        train(tiny_avatars, out, other, report=lines.append)
    train(tiny_avatars, out, tiny_settings(0.010), report=lines.append)
    assert run.load()["images_seen"] == 10
    assert len(run.read_config()["sessions"]) == 3
