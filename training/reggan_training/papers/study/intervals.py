"""Confidence interval of a share of answers."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Int

_Z_95 = 1.959963984540054
"""Quantile of the standard normal distribution at 97.5 %."""
RESAMPLES = 10_000
_SEED = 0


@dataclass(frozen=True)
class Share:
    """A share of answers with its 95 % confidence interval, all in [0, 1]."""

    share: float
    low: float
    high: float


def wilson_share(wins: int, answers: int) -> Share:
    """A share among independent answers, with Wilson's score interval.

    With p = wins / n and z the normal quantile:
    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22(158), 1927, p. 209.

    Raises:
        ValueError: there is no answer.
    """
    if answers < 1:
        raise ValueError("no answer to take a share of")
    share, per_answer = wins / answers, _Z_95**2 / answers
    middle = (share + per_answer / 2) / (1 + per_answer)
    spread = share * (1 - share) / answers + per_answer / (4 * answers)
    half = _Z_95 * sqrt(spread) / (1 + per_answer)
    return Share(share, max(0.0, middle - half), min(1.0, middle + half))


def share_over_raters(
    wins: Int[np.ndarray, " raters"], answers: Int[np.ndarray, " raters"]
) -> Share:
    """A share of the answers of several raters, the same on every call.

    One rater's answers hang together, so whole raters are drawn, with replacement, and the
    percentiles of the pooled share are taken (cluster bootstrap). Few raters who happen to agree
    would make that interval too short; it is therefore widened to Wilson's for the pooled answers
    wherever that reaches further. For one rater it is Wilson's.

    Source: Davison & Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8
    (resampling of groups) and section 5.3.1 (percentiles).

    Raises:
        ValueError: there is no answer.
    """
    asked = answers > 0
    wins, answers = wins[asked], answers[asked]
    pooled = wilson_share(int(wins.sum()), int(answers.sum()))
    if len(answers) == 1:
        return pooled
    random = np.random.default_rng(_SEED)
    drawn = random.integers(len(answers), size=(RESAMPLES, len(answers)))
    shares = wins[drawn].sum(axis=1) / answers[drawn].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return Share(pooled.share, min(pooled.low, float(low)), max(pooled.high, float(high)))
