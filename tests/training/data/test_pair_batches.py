"""Pairs say what is true of them, come in the asked proportions, and repeat exactly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.pair_batches import (
    PairBatch,
    PairSampler,
    augment_colours,
    interpolate_along_flow,
    replace_surroundings,
)
from reggan_training.data.pair_table import Command, PairSettings, command_between, pairs_of
from reggan_training.data.sets import load_sets

SIDE = 64
MakeIdentity = Callable[..., Identity]
PLAIN = PairSettings(side_px=SIDE, jitter=0.0, augment=False)


def state(**intensities: float) -> np.ndarray:
    return np.array([intensities.get(name, 0.0) for name in EXPRESSION_NAMES])


@pytest.mark.parametrize(
    ("source", "target", "command"),
    [
        ({}, {"happy": 0.4}, (1, 0.4)),
        ({}, {"happy": 1.0}, (1, 1.0)),
        ({}, {"happy": 0.9}, (1, 1.0)),
        ({"sad": 0.3}, {"happy": 1.0}, (1, 1.0)),
        ({"sad": 0.3}, {}, (0, 1.0)),
        ({}, {}, (0, 1.0)),
        ({"happy": 0.2}, {"happy": 0.6}, (1, 0.5)),
        ({"happy": 0.6}, {"happy": 0.3}, (0, 0.5)),
        ({"happy": 1.0}, {"happy": 0.25}, (0, 0.75)),
        ({"sad": 0.3}, {"happy": 0.5}, None),
        ({"happy": 0.30}, {"happy": 0.31}, None),
    ],
)
def test_a_command_exists_where_the_blend_makes_the_target(
    source: dict[str, float], target: dict[str, float], command: tuple[int, float] | None
) -> None:
    found = command_between(state(**source), state(**target))
    pair = None if found is None else (found.expression, round(found.intensity, 6))
    assert pair == command


def test_closed_eyes_are_opened_by_commands_in_full_only() -> None:
    assert command_between(state(), state(happy=0.5), is_plain=False) is None
    assert command_between(state(), state(happy=1.0), is_plain=False) == Command(1, 1.0)
    assert command_between(state(happy=0.4), state(), is_plain=False) == Command(0, 1.0)


def test_disturbed_views_are_never_targets(make_identity: MakeIdentity) -> None:
    identity = make_identity(
        ("neutral", 1.0, True), ("happy", 1.0, True), ("happy", 0.4, True), ("happy", 0.3, False)
    )
    pairs = list(pairs_of(identity))
    assert {pair.target for pair in pairs} == {0, 1, 2}
    assert 3 in {pair.source for pair in pairs}
    assert all(pair.start < 0 for pair in pairs)


def shown_grey(images: torch.Tensor) -> torch.Tensor:
    return (images.mean(dim=(1, 2, 3)) * 255 / 16 - 1).round()


def test_every_drawn_pair_is_what_it_says(rendered: Path) -> None:
    identity = load_sets([rendered], ("train",))[0]
    batch = PairSampler([identity], PLAIN, seed=3).draw(400)
    views = torch.from_numpy(np.array(identity.images[:, 0, 0, 0], dtype=np.float32))
    views = (views / 16 - 1).round()
    by_grey = {int(grey): identity.states[view] for view, grey in enumerate(views)}
    for images, states in ((batch.source, batch.source_state), (batch.target, batch.target_state)):
        true = np.stack([by_grey[int(grey)] for grey in shown_grey(images)])
        assert np.allclose(states, true)
    strength = batch.expression.sum(dim=1, keepdim=True)
    expected = (1 - strength) * batch.source_state + batch.expression
    expected[:, 0] = 0
    assert torch.allclose(batch.target_state, expected, atol=1e-5)
    assert batch.is_render.all()
    full = batch.is_full > 0
    pure = ((batch.target_state == 0) | (batch.target_state == 1)).all(dim=1)
    assert torch.equal(full, pure & (strength[:, 0] == 1))
    assert torch.equal(batch.target_state[full, 1:], batch.expression[full, 1:])


def test_pairs_come_in_the_proportions_asked_for(rendered: Path) -> None:
    settings = PairSettings(
        side_px=16, neutral_share=0.4, partial_share=0.3, disturbed_share=0.2, augment=False
    )
    identities = load_sets([rendered], ("train",))
    batch = PairSampler(identities, settings, seed=0).draw(8000)
    greys = shown_grey(batch.source).int()
    counts = torch.bincount(greys, minlength=15) / len(greys)
    assert float(counts[0]) == pytest.approx(0.4, abs=0.03)
    assert float(counts[7:13].sum()) == pytest.approx(0.3, abs=0.03)
    assert float(counts[13:].sum()) == pytest.approx(0.2, abs=0.03)
    others = greys > 0
    relaxed = batch.expression[others, 0] == 1
    assert float(relaxed.float().mean()) == pytest.approx(settings.relax_share, abs=0.03)
    graded = batch.expression.sum(dim=1) < 1
    assert 0.1 < float(graded[greys == 0].float().mean()) < 0.5
    assert set(batch.label.tolist()) == set(range(7))


def test_incomplete_identities_are_asked_only_for_what_they_have(
    make_identity: MakeIdentity,
) -> None:
    identity = make_identity(("neutral", 1.0, True), ("surprised", 1.0, True))
    batch = PairSampler([identity], PLAIN, seed=1).draw(100)
    assert set(batch.label.tolist()) == {0, 6}
    assert not batch.expression[:, 1:6].any()
    between = batch.is_render == 0
    assert between.any()
    assert (batch.expression[between].sum(dim=1) <= 1).all()


def test_blends_of_two_are_interpolated_where_nothing_is_graded(tiny_avatars: Path) -> None:
    identities = load_sets([tiny_avatars], ("train",))
    batch = PairSampler(identities, PLAIN, seed=1).draw(200)
    blends = (batch.expression > 0).sum(dim=1) == 2
    assert blends.any()
    assert torch.allclose(batch.expression[blends].sum(dim=1), torch.ones(int(blends.sum())))
    assert torch.allclose(batch.target_state[blends], batch.expression[blends])
    assert (batch.is_render[blends] == 0).all()


def test_identities_without_pairs_are_refused(make_identity: MakeIdentity) -> None:
    with pytest.raises(SourceError, match="None of the 1 identities shows two expressions"):
        PairSampler([make_identity(("neutral", 1.0, True))], PLAIN, seed=1)


def equal(first: PairBatch, second: PairBatch) -> bool:
    return all(torch.equal(getattr(first, n), getattr(second, n)) for n in vars(first))


def test_batches_repeat_from_a_seed_and_stay_in_range(tiny_avatars: Path) -> None:
    identities = load_sets([tiny_avatars], ("train",))
    settings = PairSettings(side_px=SIDE)
    first, second = (PairSampler(identities, settings, seed=5).draw(6) for _ in range(2))
    assert equal(first, second)
    assert not equal(first, PairSampler(identities, settings, seed=6).draw(6))
    assert first.source.shape == (6, 3, SIDE, SIDE)
    for image in (first.source, first.target):
        assert 0 <= float(image.min()) <= float(image.max()) <= 1


def test_a_restored_sampler_goes_on_exactly(tiny_avatars: Path) -> None:
    identities = load_sets([tiny_avatars], ("train",))
    settings = PairSettings(side_px=SIDE)
    sampler = PairSampler(identities, settings, seed=5)
    for _ in range(3):
        sampler.draw(4)
    stand = sampler.state()
    expected = [sampler.draw(4) for _ in range(2)]
    resumed = PairSampler(identities, settings, seed=9)
    resumed.restore(stand)
    assert all(equal(batch, resumed.draw(4)) for batch in expected)
    assert resumed.state() == sampler.state()


def test_without_augmentation_a_neutral_source_is_the_identitys_own_crop(
    tiny_avatars: Path,
) -> None:
    identities = load_sets([tiny_avatars], ("train",))
    settings = PairSettings(
        side_px=SIDE, neutral_share=1, partial_share=0, disturbed_share=0, jitter=0, augment=False
    )
    batch = PairSampler(identities[:1], settings, seed=0).draw(4)
    crop = identities[0].cut(0, identities[0].place_crop(SIDE))
    expected = torch.from_numpy(crop).permute(2, 0, 1)
    # the crop is cut by a cubic, the batch by straight lines from stored levels
    assert float((batch.source - expected).abs().max()) < 0.04


def test_shares_over_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a share is 1\.2"):
        PairSettings(neutral_share=0.9, partial_share=0.3, disturbed_share=0.0)


def test_colour_is_changed_alike_in_both_pictures_of_a_pair() -> None:
    pair = torch.rand(1, 1, 3, SIDE, SIDE).expand(40, 2, 3, SIDE, SIDE).clone()
    random = np.random.default_rng(0)
    changed = augment_colours(replace_surroundings(pair, random), random)
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert not torch.allclose(changed[0, 0], changed[1, 0])
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1


def test_halfway_along_the_flow_a_bar_is_halfway_and_not_doubled() -> None:
    def bar(row: int) -> torch.Tensor:
        image = torch.zeros(1, 3, SIDE, SIDE)
        image[:, :, row : row + 4] = 1.0
        return image

    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 1] = 8 / SIDE
    half = interpolate_along_flow(bar(20), bar(28), flow, -flow, torch.tensor([0.5]))
    assert torch.allclose(half, bar(24), atol=1e-4)
