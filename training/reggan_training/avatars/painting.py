"""A rendering as if painted: flat dabs of colour with crisp edges, on canvas."""

import numpy as np
from jaxtyping import Float

from reggan_training.avatars.texture_noise import smooth_noise

Picture = Float[np.ndarray, "height width 3"]

_SECTORS = 8
_SHARPNESS = 6.0
"""Power by which calm sectors outweigh restless ones."""
_RADIUS_SHARE = 1 / 48


def paint_over(picture: Picture, seed: int) -> Picture:
    """The picture in oils: equal dabs and canvas for equal seeds.

    Every pixel becomes a mean of its calmest surroundings, so that edges stay where they are.
    Source: Papari, Petkov, Campisi, Artistic edge and corner enhancing smoothing, IEEE TIP 2007.
    """
    radius = max(2, round(picture.shape[0] * _RADIUS_SHARE))
    dabs = calm_means(calm_means(picture, radius), max(2, radius // 2))
    generator = np.random.default_rng([seed, 3])
    size = dabs.shape[:2]
    strokes = smooth_noise(size, 45, generator, widening=3.0)
    canvas = smooth_noise(size, size[0] / 2.5, generator)
    grey = dabs.mean(axis=2, keepdims=True)
    vivid = grey + 1.2 * (dabs - grey)
    return (vivid * (1 + 0.025 * strokes + 0.018 * canvas)[..., None]).clip(0.0, 1.0)


def calm_means(picture: Picture, radius: int) -> Picture:
    """Means of eight overlapping sectors around each pixel, weighted by how even they are."""
    height, width = picture.shape[:2]
    framed = np.pad(picture, ((radius, radius), (radius, radius), (0, 0)), mode="reflect")
    sums = np.zeros((_SECTORS, height, width, 3))
    squares = np.zeros((_SECTORS, height, width, 3))
    totals = np.zeros(_SECTORS)
    for down, right, shares in _offsets(radius):
        rows = slice(radius + down, radius + down + height)
        columns = slice(radius + right, radius + right + width)
        piece = framed[rows, columns]
        for sector in np.flatnonzero(shares):
            sums[sector] += shares[sector] * piece
            squares[sector] += shares[sector] * piece**2
            totals[sector] += shares[sector]
    means = sums / totals[:, None, None, None]
    spread = (squares / totals[:, None, None, None] - means**2).clip(0).sum(axis=3)
    weights = 1 / (1 + (255 * np.sqrt(spread)) ** _SHARPNESS)
    return np.asarray((means * weights[..., None]).sum(axis=0) / weights.sum(axis=0)[..., None])


def _offsets(radius: int) -> list[tuple[int, int, Float[np.ndarray, " sectors"]]]:
    """Places in a disc, each with its share in every sector."""
    centres = np.arange(_SECTORS) * (2 * np.pi / _SECTORS)
    places = []
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            distance = np.hypot(down, right)
            if distance > radius:
                continue
            away = np.angle(np.exp(1j * (np.arctan2(down, right) - centres)))
            inside = (
                np.abs(away) <= np.pi / _SECTORS + 1e-9 if distance else np.ones(_SECTORS, bool)
            )
            fall = np.exp(-2 * (distance / radius) ** 2)
            places.append((down, right, fall * inside))
    return places
