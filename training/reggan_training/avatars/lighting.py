"""Lamps, ambient light and background of an avatar, drawn from a seed."""

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """One area lamp, aimed at the head."""

    azimuth_deg: float
    """0 is the camera's direction, positive the head's left."""
    elevation_deg: float
    size: float
    """Side, in head heights."""
    strength: float
    """Irradiance at the head, 1 being that of a well-lit white page."""
    colour: Rgb
    """Linear."""


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """Three lamps, the light from all around, and what is behind the head."""

    lamps: tuple[Lamp, Lamp, Lamp]
    ambient: float
    ambient_colour: Rgb
    """Linear."""
    background: str
    """`plain`, `gradient`, `spot`, `blobs` or `room`."""
    background_colours: tuple[Rgb, Rgb, Rgb]
    """sRGB-encoded."""


def sample_lighting(style: str, generator: np.random.Generator) -> Lighting:
    """Key, fill and rim lamp around a head of this style."""
    side = float(generator.choice([-1.0, 1.0]))
    warmth = generator.normal(0.0, 0.35)
    contrast = generator.uniform(0.15, 0.75)
    key = Lamp(
        azimuth_deg=float(side * generator.uniform(5, 65)),
        elevation_deg=float(generator.uniform(5, 55)),
        size=float(generator.uniform(0.5, 2.2)),
        strength=float(generator.uniform(0.75, 1.15)),
        colour=_colour_of_warmth(warmth),
    )
    fill = Lamp(
        azimuth_deg=float(-side * generator.uniform(20, 80)),
        elevation_deg=float(generator.uniform(-5, 35)),
        size=2.5,
        strength=float((1 - contrast) * generator.uniform(0.25, 0.5)),
        colour=_colour_of_warmth(warmth - generator.uniform(0, 0.4)),
    )
    rim = Lamp(
        azimuth_deg=float(-side * generator.uniform(115, 165)),
        elevation_deg=float(generator.uniform(15, 55)),
        size=1.2,
        strength=float(generator.uniform(0.1, 1.1)),
        colour=_colour_of_warmth(generator.normal(0, 0.5)),
    )
    colours = generator.uniform(0.06, 0.75, (3, 3))
    grey = colours.mean(axis=1, keepdims=True)
    colours = grey + generator.choice([0.0, 0.3, 0.7]) * (colours - grey)
    colours = colours.round(4).tolist()
    return Lighting(
        lamps=(key, fill, rim),
        ambient=float(generator.uniform(0.12, 0.4)) + (0.15 if style == "metal" else 0.0),
        ambient_colour=_colour_of_warmth(generator.normal(-0.2, 0.3)),
        background=str(generator.choice(["plain", "gradient", "spot", "blobs", "room"])),
        background_colours=(tuple(colours[0]), tuple(colours[1]), tuple(colours[2])),
    )


def _colour_of_warmth(warmth: float) -> Rgb:
    """Linear lamp colour: 0 is white, 1 a candle, -1 a blue sky; green stays 1."""
    bounded = float(np.clip(warmth, -1.0, 1.0))
    return (1.0 + 0.28 * bounded, 1.0, 1.0 - 0.38 * bounded)
