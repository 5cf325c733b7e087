"""The project's claims about its model, as comparisons that can fail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reggan_training.metrics.contenders import INPUT, REGRESSIONS, Contender
from reggan_training.metrics.measure import Measurements
from reggan_training.metrics.monotony import LEAST_SHARE, Rises
from reggan_training.metrics.splits import ALL_AVATARS, Split, counted
from reggan_training.metrics.statistics import Estimate, estimate_mean, mean_of_each
from reggan_training.metrics.trials import PHOTOGRAPHS

CROSS_FADE = "cross-fade"
REGRESSION = "regression layer"
ECS_QUANTITIES = ("ecs", "probability")
"""Figures of the expression judge: hits, and the mean probability of the wanted expression."""
RISE = "rise"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The first run is better than a method in a quantity, or at most `allowance` worse.

    `baseline` is `INPUT`, `REGRESSION` (the better of its two forms) or `CROSS_FADE`; `group` is
    that of the splits on which it is made.
    """

    quantity: str
    baseline: str
    lower_is_better: bool = False
    allowance: float = 0.0
    group: str = "full"

    @property
    def title(self) -> str:
        """The head of a column."""
        return f"{self.quantity} − {self.baseline}"


CLAIMS = (
    Claim(quantity="psnr", baseline=INPUT),
    Claim(quantity="ssim", baseline=INPUT),
    *(Claim(quantity=quantity, baseline=REGRESSION) for quantity in ECS_QUANTITIES),
    Claim(quantity="perceptual", baseline=REGRESSION, lower_is_better=True),
    Claim(quantity="psnr", baseline=REGRESSION, allowance=0.3),
    Claim(quantity="psnr", baseline=INPUT, group="half"),
    Claim(quantity="psnr", baseline=CROSS_FADE, group="half"),
    Claim(quantity="perceptual", baseline=CROSS_FADE, lower_is_better=True, group="half"),
)
MONOTONY = Claim(quantity=RISE, baseline=f"{LEAST_SHARE:.0%}", group="monotony")


@dataclass(frozen=True)
class Verdict:
    """A claim on some trials: the run's value less the baseline's, paired by identity."""

    group: str
    split: str
    claim: Claim
    run: str
    difference: Estimate
    is_void: bool

    @property
    def holds(self) -> bool:
        """True if the mean difference is on the claimed side."""
        gain = -self.difference.mean if self.claim.lower_is_better else self.difference.mean
        if self.claim.quantity == RISE:
            return gain >= 0
        return gain >= -self.claim.allowance if self.claim.allowance else gain > 0

    @property
    def sentence(self) -> str:
        """The difference with its interval, and what was claimed."""
        interval = f"(95 %: {self.difference.low:+.4f} to {self.difference.high:+.4f})"
        where = f"{self.split}{' at half intensity' if self.group == 'half' else ''}"
        if self.claim.quantity == RISE:
            return (
                f"{where}: the wanted expression of {self.run} should rise with the intensity on "
                f"{LEAST_SHARE:.0%} of the faces; the share less that is "
                f"{self.difference.mean:+.4f} {interval}"
            )
        side = "below" if self.claim.lower_is_better else "above"
        limit = f" less {self.claim.allowance:g}" if self.claim.allowance else ""
        return (
            f"{where}: {self.claim.quantity} of {self.run} should be {side} that of "
            f"{self.claim.baseline}{limit}; the difference is {self.difference.mean:+.4f} "
            f"{interval}"
        )


def better_regression(table: Measurements, split: Split) -> str | None:
    """The form of the regression layer alone that has the higher mean PSNR, if there is any."""
    forms = [form for form in REGRESSIONS if form in table.values]
    return max(
        forms, key=lambda form: table.values[form]["psnr"][split.trials].mean(), default=None
    )


def judge_claims(
    table: Measurements,
    splits: Sequence[Split],
    run: Contender,
    regression: str | None,
    void_styles: Collection[str],
) -> list[Verdict]:
    """Every claim on all avatars and on every style of them, unless its baseline is absent.

    Photographs count where there are no avatars: a model of people is not asked about statues,
    nor one of avatars about people.

    `regression` is the form that stands for the layer alone; the ECS of `void_styles` counts
    for nothing.
    """
    baselines = {INPUT: INPUT, REGRESSION: regression, CROSS_FADE: run.cross_fade}
    has_avatars = any(split.name != PHOTOGRAPHS for split in splits)
    verdicts = []
    for split in splits:
        if split.name == PHOTOGRAPHS and has_avatars:
            continue
        group = "full" if split.group in ("all", "style") else split.group
        for claim in CLAIMS:
            baseline = baselines[claim.baseline]
            if claim.group != group or baseline is None or baseline not in table.values:
                continue
            trials = counted(table, split, claim.quantity, list(void_styles))
            is_void = not trials.any()
            chosen = Split(split.group, split.name, split.trials if is_void else trials)
            difference = paired_difference(table, chosen, claim.quantity, run.name, baseline)
            estimate = estimate_mean(difference)
            verdicts.append(Verdict(group, split.name, claim, run.name, estimate, is_void))
    return verdicts


def judge_monotony(run: str, rises: Rises, void_styles: Collection[str]) -> list[Verdict]:
    """The claim that expressions rise, on all avatars whose judge can be believed."""
    avatars = [style for style in dict.fromkeys(rises.styles) if style != PHOTOGRAPHS]
    if not avatars:
        return []
    styles = [style for style in avatars if style not in void_styles]
    share = rises.of_styles(styles or avatars).share
    less = Estimate(share.mean - LEAST_SHARE, share.low - LEAST_SHARE, share.high - LEAST_SHARE)
    return [Verdict("monotony", ALL_AVATARS, MONOTONY, run, less, is_void=not styles)]


def paired_difference(
    table: Measurements, split: Split, quantity: str, first: str, second: str
) -> Float[np.ndarray, " identities"]:
    """Lead of the first method over the second, for each identity."""
    difference = table.values[first][quantity] - table.values[second][quantity]
    names = np.array(table.identities)[split.trials].tolist()
    return mean_of_each(difference[split.trials], names)
