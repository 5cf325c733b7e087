"""Pictures to write and read again."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float

from reggan_plugin.files.frame import Frame

Pixels = Float[np.ndarray, "height width 3"]
Edit = Callable[[Frame], tuple[Pixels, Bool[np.ndarray, "height width"]]]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(1001)


@pytest.fixture
def edit(random: np.random.Generator) -> Edit:
    """Give three in four pixels of a middle rectangle another value; return pixels and mask."""

    def change_some(frame: Frame) -> tuple[Pixels, Bool[np.ndarray, "height width"]]:
        height, width, _ = frame.pixels.shape
        mask = np.zeros((height, width), bool)
        mask[height // 3 : -(-height * 2 // 3), width // 3 : -(-width * 2 // 3)] = True
        mask[::2, ::2] = False
        pixels = frame.pixels.copy()
        pixels[mask] = random.uniform(0.1, 0.9, pixels[mask].shape)
        return pixels, mask

    return change_some


@pytest.fixture
def image(random: np.random.Generator) -> Callable[..., Any]:
    """Random samples over the full range of an integer type, or around 0.5 for floats."""

    def make(height: int, width: int, channels: int, dtype: str) -> Any:
        kind = np.dtype(dtype)
        if kind.kind == "f":
            return random.normal(0.5, 1.0, (height, width, channels)).astype(kind)
        return random.integers(0, np.iinfo(kind).max, (height, width, channels), kind, True)

    return make
