"""What the project says of its model, as comparisons that can fail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

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


ALL_AVATARS = "all avatars"
ECS_QUANTITIES = ("ecs", "probability")
"""What the expression judge says: hits, and the mean probability of the wanted expression."""
CLAIMS = (
    Claim(quantity="psnr", rival=INPUT),
    Claim(quantity="ssim", rival=INPUT),
    *(Claim(quantity=quantity, rival=REGRESSIONS[0]) for quantity in ECS_QUANTITIES),
    Claim(quantity="perceptual", rival=REGRESSIONS[0], lower_is_better=True),
    Claim(quantity="psnr", rival=REGRESSIONS[0], allowance=0.3),
)


@dataclass(frozen=True)
class Verdict:
    """A claim on some styles: RegGAN's value less the rival's, paired by identity."""

    styles: str
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
            f"{self.styles}: {self.claim.quantity} of reggan should be {side} that of "
            f"{self.claim.rival}{limit}; the difference is {self.difference.mean:+.4f} "
            f"(95 %: {self.difference.low:+.4f} to {self.difference.high:+.4f})"
        )


def better_regression(results: Sequence[StyleResult]) -> str:
    """The form of the regression layer alone that has the higher mean PSNR."""

    def mean_psnr(method: str) -> float:
        return float(np.concatenate([r.values[method]["psnr"].ravel() for r in results]).mean())

    return max(REGRESSIONS, key=mean_psnr)


def judge_claims(
    styles: str, results: Sequence[StyleResult], regression: str, void: Collection[str]
) -> tuple[Verdict, ...]:
    """Every claim on the identities of all `results` together, under the name `styles`.

    `regression` is the form that stands for the layer alone; the ECS of the styles in `void`
    counts for nothing.
    """
    verdicts = []
    for claim in CLAIMS:
        is_ecs = claim.quantity in ECS_QUANTITIES
        counted = [one for one in results if not (is_ecs and one.style in void)]
        differences = [_paired_difference(one, claim, regression) for one in counted or results]
        estimate = estimate_mean(np.concatenate(differences))
        verdicts.append(Verdict(styles, claim, estimate, is_void=not counted))
    return tuple(verdicts)


def _paired_difference(
    result: StyleResult, claim: Claim, regression: str
) -> Float[np.ndarray, " identities"]:
    rival = INPUT if claim.rival == INPUT else regression
    difference = result.values[REGGAN][claim.quantity] - result.values[rival][claim.quantity]
    return difference.mean(axis=1)
