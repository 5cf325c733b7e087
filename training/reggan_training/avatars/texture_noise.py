"""Smooth noise for textures, equal for equal seeds on every machine's numpy."""

import numpy as np
from jaxtyping import Float


def smooth_noise(
    shape: tuple[int, int],
    cells: float,
    generator: np.random.Generator,
    *,
    widening: float = 1.0,
) -> Float[np.ndarray, "height width"]:
    """Noise with mean 0 and deviation 1 whose blobs are about 1/`cells` of the longer side.

    `widening` makes the blobs so many times wider than high.
    """
    rows = max(2, round(cells * shape[0] / max(shape)) + 3)
    columns = max(2, round(cells / widening * shape[1] / max(shape)) + 3)
    coarse = generator.standard_normal((rows, columns))
    noise = _spline_rows(_spline_rows(coarse, shape[0]).T, shape[1]).T
    return (noise - noise.mean()) / max(float(noise.std()), 1e-9)


def layered_noise(
    shape: tuple[int, int],
    cells: float,
    layers: int,
    generator: np.random.Generator,
    *,
    widening: float = 1.0,
) -> Float[np.ndarray, "height width"]:
    """Octaves of smooth noise, each half as strong as the one before; deviation 1."""
    total = sum(
        smooth_noise(shape, cells * 2**layer, generator, widening=widening) * 0.5**layer
        for layer in range(layers)
    )
    return np.asarray(total / np.std(total))


def _spline_rows(values: Float[np.ndarray, "rows columns"], count: int) -> np.ndarray:
    """Rows interpolated to `count` by the uniform cubic B-spline."""
    place = np.linspace(1.0, values.shape[0] - 2.0 - 1e-6, count)
    base = np.floor(place).astype(np.int64)
    t = (place - base)[:, None]
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    last = values.shape[0] - 1
    return sum(
        weight * values[np.minimum(base + offset, last)]
        for weight, offset in zip(weights, (-1, 0, 1, 2), strict=True)
    )
