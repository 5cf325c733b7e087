"""Settings that all pictures of a set share."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AvatarRenderSettings:
    """Settings of Cycles, and what is made of each identity."""

    side_px: int = 256
    samples: int = 8
    bounces: int = 3
    denoise_quality: str = "BALANCED"
    seed: int = 0
    """Of Cycles' own sampling."""
    glb: bool = False
