"""What the project says of its model, as comparisons that can fail."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reggan_training.metrics.measure import INPUT, REGGAN, REGRESSIONS, StyleResult
from reggan_training.metrics.statistics import Estimate, estimate_mean


@dataclass(frozen=True, kw_only=True)
class Claim:
    """RegGAN is better than a method in a quantity, or at most `allowance` worse.

    `rival` is `input` or `regression`, by which the better of its two forms is meant.
    """

    quantity: str
    rival: str
    lower_is_better: bool = False
    allowance: float = 0.0


CLAIMS = (
    Claim(quantity="psnr", rival=INPUT),
    Claim(quantity="ssim", rival=INPUT),
    Claim(quantity="ecs", rival=REGRESSIONS[0]),
    Claim(quantity="perceptual", rival=REGRESSIONS[0], lower_is_better=True),
    Claim(quantity="psnr", rival=REGRESSIONS[0], allowance=0.3),
)


@dataclass(frozen=True)
class Verdict:
    """A claim on one style: RegGAN's value less the rival's, paired by identity."""

    style: str
    claim: Claim
    difference: Estimate
    is_void: bool

    @property
    def holds(self) -> bool:
        """Whether the mean difference is on the claimed side."""
        gain = -self.difference.mean if self.claim.lower_is_better else self.difference.mean
        return gain >= -self.claim.allowance if self.claim.allowance else gain > 0

    @property
    def sentence(self) -> str:
        """The difference with its interval, and what was claimed."""
        side = "below" if self.claim.lower_is_better else "above"
        limit = f" less {self.claim.allowance:g}" if self.claim.allowance else ""
        return (
            f"{self.style}: {self.claim.quantity} of reggan should be {side} that of "
            f"{self.claim.rival}{limit}; the difference is {self.difference.mean:+.4f} "
            f"(95 %: {self.difference.low:+.4f} to {self.difference.high:+.4f})"
        )


def better_regression(results: Sequence[StyleResult]) -> str:
    """The form of the regression layer alone that has the higher mean PSNR."""

    def mean_psnr(method: str) -> float:
        return float(np.concatenate([r.values[method]["psnr"].ravel() for r in results]).mean())

    return max(REGRESSIONS, key=mean_psnr)


def judge_claims(result: StyleResult, regression: str, *, ecs_is_void: bool) -> tuple[Verdict, ...]:
    """Every claim on one style; `regression` is the form that stands for the layer alone."""
    verdicts = []
    for claim in CLAIMS:
        rival = INPUT if claim.rival == INPUT else regression
        difference = result.values[REGGAN][claim.quantity] - result.values[rival][claim.quantity]
        estimate = estimate_mean(difference.mean(axis=1))
        is_void = ecs_is_void and claim.quantity == "ecs"
        verdicts.append(Verdict(result.style, claim, estimate, is_void))
    return tuple(verdicts)
