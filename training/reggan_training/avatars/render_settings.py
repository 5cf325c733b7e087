"""How much work goes into a picture."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """Settings of Cycles that all pictures of a set share."""

    side_px: int = 256
    samples: int = 8
    bounces: int = 3
    denoise_quality: str = "BALANCED"
    seed: int = 0
