"""A mask within limits: parts that add up, growth in all directions, a rim that stays 0."""

import numpy as np
import pytest

from reggan_plugin.change.region_limits import RegionLimits, limit_mask
from reggan_plugin.errors import UsageError

CANONICAL = np.array([[0.63, 0.3], [0.37, 0.3], [0.5, 0.48], [0.6, 0.62], [0.4, 0.62], [0.5, 0.81]])
FACE_SIDE = 2.6 * 0.26  # of the crop
SIDE = 256
RIM = int(np.ceil(0.04 * SIDE))


def disc(radius: float, side: int = SIDE) -> np.ndarray:
    """1 within `radius` (part of the side) of the middle, else 0."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    return (np.hypot(axis[:, None], axis) <= radius).astype(np.float32)[..., None]


def width(mask: np.ndarray) -> float:
    """Of the middle row, as a part of the side."""
    return float(mask[mask.shape[0] // 2, :, 0].sum()) / mask.shape[0]


def test_no_limits_give_the_mask_itself() -> None:
    mask = disc(0.3)
    assert limit_mask(mask, RegionLimits(), CANONICAL) is mask


@pytest.mark.parametrize("blur", [0.0, 0.05])
def test_upper_and_lower_share_the_mask_and_meet_on_the_nose(blur: float) -> None:
    whole, upper, lower = (
        limit_mask(disc(0.4), RegionLimits(part=part, blur=blur), CANONICAL)
        for part in ("all", "upper", "lower")
    )
    np.testing.assert_allclose(upper + lower, whole, atol=1e-6)
    eyes, nose, mouth = (round(y * SIDE) for y in (0.3, 0.46, 0.62))
    assert np.array_equal(upper[:eyes], whole[:eyes])
    assert not upper[mouth:].any()
    assert np.array_equal(lower[mouth:], whole[mouth:])
    assert not lower[:eyes].any()
    assert upper[nose, SIDE // 2] == pytest.approx(0.5 * whole[nose, SIDE // 2], abs=0.05)


@pytest.mark.parametrize("side", [128, 256])
@pytest.mark.parametrize("grow", [0.1, -0.1])
def test_growth_is_a_part_of_the_face_whatever_the_models_size(side: int, grow: float) -> None:
    before = disc(0.2, side)
    after = limit_mask(before, RegionLimits(grow=grow), CANONICAL)
    assert width(after) - width(before) == pytest.approx(2 * grow * FACE_SIDE, abs=1.5 / side)
    assert after.dtype == np.float32
    assert np.array_equal(after, after.transpose(1, 0, 2))
    diagonal = np.diagonal(after[..., 0])  # a disc stays a disc
    assert diagonal.sum() / side * np.sqrt(2) == pytest.approx(width(after), abs=4 / side)
    wider = after >= before if grow > 0 else after <= before
    assert wider.all()


def test_blur_softens_and_keeps_the_middle() -> None:
    mask = limit_mask(disc(0.3), RegionLimits(blur=0.04), CANONICAL)
    row = mask[SIDE // 2, :, 0]
    sigma_px = 0.04 * FACE_SIDE * SIDE
    at_edge = row[round(0.2 * SIDE)]
    assert at_edge == pytest.approx(0.5, abs=0.06)
    slope = np.abs(np.diff(row)).max()
    assert slope == pytest.approx(1 / (sigma_px * np.sqrt(2 * np.pi)), rel=0.1)
    assert row[SIDE // 2] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("limits", [RegionLimits(grow=0.25), RegionLimits(blur=0.25)])
def test_the_rim_stays_0(limits: RegionLimits) -> None:
    mask = limit_mask(disc(0.45), limits, CANONICAL)
    for edge in (mask[:RIM], mask[-RIM:], mask[:, :RIM], mask[:, -RIM:]):
        assert not edge.any()
    assert mask[RIM:-RIM, RIM:-RIM].any()
    assert mask.min() >= 0
    assert mask.max() <= 1


def test_an_empty_mask_stays_empty() -> None:
    nothing = np.zeros((SIDE, SIDE, 1), dtype=np.float32)
    assert not limit_mask(nothing, RegionLimits(part="upper", grow=0.1, blur=0.1), CANONICAL).any()


@pytest.mark.parametrize("value", [0.3, -0.3, float("nan")])
def test_limits_that_leave_nothing_are_refused(value: float) -> None:
    with pytest.raises(UsageError, match=r"such as 0\.05"):
        RegionLimits(grow=value)
    with pytest.raises(UsageError, match=r"0 to 0\.25"):
        RegionLimits(blur=value)
