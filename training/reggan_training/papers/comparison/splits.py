"""The trials of each row of the tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from reggan_training.data.split import STYLES
from reggan_training.metrics.trials import PHOTOGRAPHS, Kind
from reggan_training.papers.comparison.measure import Measurements

ALL_AVATARS = "all avatars"
ECS_QUANTITIES = ("ecs", "probability")
"""Figures of the expression judge: hits, and the mean probability of the wanted expression."""
YAW_EDGES_DEG = (0.0, 10.0, 25.0, 45.0)
UNKNOWN_YAW = "unknown"
_AVATARS = tuple(style for style in STYLES if style != PHOTOGRAPHS)


@dataclass(frozen=True, eq=False)
class Split:
    """Some of the trials, under a name; `group` is what the splits differ in."""

    group: str
    name: str
    trials: Bool[np.ndarray, " trials"]


def splits_of(table: Measurements) -> list[Split]:
    """Everything the tables show, in their order; splits without a trial are left out."""
    full, half = table.are_of(Kind.FULL), table.are_of(Kind.HALF)
    avatars = table.have_style(_AVATARS)
    splits = [Split("all", ALL_AVATARS, full & avatars)]
    splits += [Split("style", style, full & table.have_style([style])) for style in STYLES]
    splits += yaw_splits(table)
    splits += [
        Split("source", "neutral", full & avatars),
        Split("source", "not neutral", table.are_of(Kind.DISTURBED) & avatars),
        Split("half", ALL_AVATARS, half & avatars),
    ]
    splits += [Split("half", style, half & table.have_style([style])) for style in STYLES]
    return [split for split in splits if split.trials.any()]


def yaw_splits(table: Measurements) -> list[Split]:
    """Avatars with neutral sources by how far the head turns; those of unknown yaw apart."""
    asked = table.are_of(Kind.FULL) & table.have_style(_AVATARS)
    turn = np.abs(table.yaw_deg)
    splits = [
        Split("yaw", yaw_name(low, high), asked & (turn >= low) & (turn < high))
        for low, high in zip(YAW_EDGES_DEG, (*YAW_EDGES_DEG[1:-1], np.inf), strict=False)
    ]
    splits.append(Split("yaw", UNKNOWN_YAW, asked & np.isnan(turn)))
    return [split for split in splits if split.trials.any()]


def yaw_name(low_deg: float, high_deg: float) -> str:
    """Such as `10–25°`; the last bin is named after the widest turn that is rendered."""
    return f"{low_deg:.0f}–{min(high_deg, YAW_EDGES_DEG[-1]):.0f}°"


def counted(
    table: Measurements, split: Split, quantity: str, void_styles: Sequence[str]
) -> Bool[np.ndarray, " trials"]:
    """Select the trials of a split that count for a quantity: ECS needs a judge to be believed."""
    if quantity not in ECS_QUANTITIES:
        return split.trials
    return split.trials & ~table.have_style(void_styles)
