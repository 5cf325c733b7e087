"""The backdrop of an avatar: a picture painted from its look."""

import numpy as np
from jaxtyping import Float

from reggan_training.avatars.lighting import Lighting
from reggan_training.avatars.texture_noise import layered_noise, smooth_noise


def paint_backdrop(
    lighting: Lighting, seed: int, size: tuple[int, int]
) -> Float[np.ndarray, "height width 3"]:
    """An sRGB-encoded background, first row at the top.

    Raises:
        ValueError: a kind of background that does not exist.
    """
    generator = np.random.default_rng([seed, 1])
    first, second, third = (np.array(colour) for colour in lighting.background_colours)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    y, x = y / size[0], x / size[1]
    match lighting.background:
        case "plain":
            blend = 0.08 * layered_noise(size, 5, 3, generator)
        case "gradient":
            turn = generator.uniform(0, 2 * np.pi)
            blend = 0.5 + 0.6 * ((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn))
        case "spot":
            centre = generator.uniform(0.2, 0.8, 2)
            blend = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.18)
        case "blobs":
            blend = 0.5 + 0.33 * layered_noise(size, 4, 3, generator)
        case "room":
            return _blurred_room(first, second, third, generator, x, y)
        case _:
            raise ValueError(f"unknown background {lighting.background!r}")
    picture = first + blend[..., None].clip(0, 1) * (second - first)
    tint = 0.06 * smooth_noise(size, 3, generator)
    return (picture + tint[..., None] * (third - 0.5)).clip(0.0, 1.0)


def _blurred_room(
    first: np.ndarray,
    second: np.ndarray,
    third: np.ndarray,
    generator: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
) -> Float[np.ndarray, "height width 3"]:
    """Walls, a floor and a few upright shapes, far out of focus."""
    picture = first + (x * 0.25)[..., None] * (second - first)
    for _ in range(int(generator.integers(4, 9))):
        colour = (first, second, third)[generator.integers(3)] * generator.uniform(0.5, 1.5)
        centre, half = generator.uniform(0, 1, 2), generator.uniform(0.04, 0.22, 2) * (1.0, 2.0)
        softness = generator.uniform(0.012, 0.04)
        inside = np.ones_like(x)
        for place, middle, reach in ((x, centre[0], half[0]), (y, centre[1], half[1])):
            inside = inside / (
                1 + np.exp(((np.abs(place - middle) - reach) / softness).clip(-40, 40))
            )
        picture = picture + (0.8 * inside)[..., None] * (colour - picture)
    return picture.clip(0.0, 1.0)
