"""Pictures of heads with their landmarks, from any set that training reads, and styles for them.

A style turns a skin render into something like a statue, a cast or a drawing. The locator sees
luminance only, so a style is a tone curve, a relief or a line drawing: float32 [height, width] in
[0, 1] in and out.
"""

import math
from collections.abc import Collection, Iterator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from reggan_plugin.array_types import Plane, SixPoints
from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_training.data.identity_and_split import Split
from reggan_training.data.sets import load_sets

PICTURE_PX = 256
"""Side to which pictures are brought."""
MASK_SIDE = 96
Gray = Plane


@frozen
class LabelledPicture:
    """One picture: `points` are continuous pixel coordinates in LANDMARK_NAMES order.

    `mask` is 255 on the head, where that is known.
    """

    style: str
    image: UInt8[np.ndarray, "256 256 3"]
    points: SixPoints
    mask: UInt8[np.ndarray, "96 96"] | None = None


def load_pictures(
    root: Path, split: Split, *, without: Collection[str] = ()
) -> list[LabelledPicture]:
    """Read every picture of a split's identities, in a fixed order.

    Raises:
        SourceError: the set cannot be read, holds nobody of the split, or its pictures are not
            square.
    """
    pictures = list(_read_pictures(root, split, without))
    if not pictures:
        raise SourceError(f"{root} holds no identity of the {split} split. Add identities to it.")
    return pictures


def _read_pictures(root: Path, split: Split, without: Collection[str]) -> Iterator[LabelledPicture]:
    for identity in load_sets([root], [split]):
        height, width = identity.images.shape[1:3]
        if height != width:
            raise SourceError(
                f"{root}: the pictures of {identity.name} have {width}x{height} pixels; expected "
                "square ones, as `dataset pictures` makes them."
            )
        if identity.name in without:
            continue
        for image, points in zip(identity.images, identity.landmarks, strict=True):
            fitted = cv2.resize(image, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
            yield LabelledPicture(
                style=identity.style,
                image=np.asarray(fitted, dtype=np.uint8),
                points=points * (PICTURE_PX / width),
            )


def mix_channels(rgb: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator) -> Gray:
    """Return a grey picture: plain luma half of the time, else a random mix of the channels."""
    weights = np.array([0.299, 0.587, 0.114])
    if rng.random() < 0.5:
        weights = rng.dirichlet((1.0, 1.0, 1.0))
    return np.asarray(rgb @ (weights / 255.0), dtype=np.float32)


def stylise(
    gray: Gray, points: SixPoints, rng: np.random.Generator
) -> UInt8[np.ndarray, "height width"]:
    """Return one random style of the picture; landmarks stay where they are."""
    if rng.random() < 0.3:
        gray = _enlarge_eyes(gray, points, rng)
    if rng.random() < 0.35:
        gray = _blank_eyes(gray, points, rng)
    style = rng.choice(5, p=(0.25, 0.27, 0.2, 0.18, 0.1))
    gray = (_keep, _relief, _drawing, _metal, _etching)[style](gray, rng)
    return np.clip(gray * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _keep(gray: Gray, _: np.random.Generator) -> Gray:
    return gray


def _blur(gray: Gray, sigma: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), sigma), dtype=np.float32)


def _directional_slope(gray: Gray, angle: float) -> Gray:
    """Return the slope towards `angle`, scaled to a standard deviation of 1."""
    across = cv2.Sobel(gray, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    slope = math.cos(angle) * across + math.sin(angle) * down
    return np.asarray(slope / (slope.std() + 1e-4), dtype=np.float32)


def _relief(gray: Gray, rng: np.random.Generator) -> Gray:
    """Stone and clay: one albedo for skin, hair and eyes; form shown by shading only."""
    flat = gray / (_blur(gray, rng.uniform(6, 24)) + 0.08)
    flat = flat / (flat.mean() + 1e-4)
    shade = _blur(gray, rng.uniform(2, 8))
    slope = np.tanh(_directional_slope(_blur(gray, rng.uniform(0.6, 2.5)), rng.uniform(0, 6.28)))
    tone = rng.uniform(0.25, 0.75)
    mixed = (
        tone
        + rng.uniform(0.05, 0.35) * (flat - 1.0)
        + rng.uniform(0.02, 0.16) * slope
        + rng.uniform(0.0, 0.8) * (shade - shade.mean())
    )
    return np.asarray(mixed, dtype=np.float32)


def _drawing(gray: Gray, rng: np.random.Generator) -> Gray:
    """Toon: few flat tones and dark lines along the edges."""
    byte = np.clip(gray * 255, 0, 255).astype(np.uint8)
    smooth = np.asarray(cv2.medianBlur(byte, int(rng.choice((3, 5, 7)))), dtype=np.float32) / 255.0
    levels = int(rng.integers(3, 8))
    flat = np.floor(smooth * levels + rng.uniform(0, 1)) / levels
    ridge = _blur(gray, 1.2) - _blur(gray, rng.uniform(2.0, 3.5))
    ink = np.clip(1.0 + rng.uniform(5, 30) * np.minimum(ridge + rng.uniform(0.0, 0.02), 0), 0, 1)
    return np.asarray(np.clip(flat, 0.02, 1.0) * ink, dtype=np.float32)


def _metal(gray: Gray, rng: np.random.Generator) -> Gray:
    """Metals: reflections fold the tone curve, highlights burn out, shadows go black."""
    smooth = _blur(gray, rng.uniform(0.6, 2.0))
    flat = smooth / (_blur(smooth, rng.uniform(15, 40)) + 0.1) * 0.5
    base = rng.uniform(0.2, 1.0)
    source = base * smooth + (1 - base) * flat
    folded = 0.5 - 0.5 * np.cos(math.pi * (rng.uniform(1.0, 2.6) * source + rng.uniform(-0.2, 0.4)))
    slope = _directional_slope(smooth, rng.uniform(0, 6.28))
    metal = rng.uniform(0.4, 0.9) * folded + (0.1 * slope + 0.3 * smooth)
    return np.asarray(np.clip(metal, 0, 1) ** rng.uniform(0.8, 2.4), dtype=np.float32)


def _etching(gray: Gray, rng: np.random.Generator) -> Gray:
    """Local contrast only, as in an engraving or a strongly processed photograph."""
    detail = gray - _blur(gray, rng.uniform(2, 10))
    strength = 0.18 / (detail.std() + 0.02)
    return np.asarray(rng.uniform(0.35, 0.65) + strength * detail, dtype=np.float32)


def _blank_eyes(gray: Gray, points: SixPoints, rng: np.random.Generator) -> Gray:
    """Fill both irises with the tone around them: statues have none."""
    distance = float(np.hypot(*(points[0] - points[1])))
    mask = np.zeros_like(gray)
    for x, y in points[:2]:
        axes = (int(distance * rng.uniform(0.13, 0.2)), int(distance * rng.uniform(0.07, 0.12)))
        cv2.ellipse(mask, (int(x), int(y)), axes, 0, 0, 360, (1.0,), -1)
    tone = np.quantile(gray[mask > 0], 0.75) if rng.random() < 0.7 else rng.uniform(0.2, 0.9)
    mask = _blur(mask, 1.5)
    fill = 0.8 * tone + 0.2 * _blur(gray, distance * 0.08)
    return np.asarray(gray * (1 - mask) + fill * mask, dtype=np.float32)


def _enlarge_eyes(gray: Gray, points: SixPoints, rng: np.random.Generator) -> Gray:
    """Magnify both eyes about their centres, as in cartoons."""
    distance = float(np.hypot(*(points[0] - points[1])))
    rows, columns = np.indices(gray.shape, dtype=np.float32)
    strength = rng.uniform(0.15, 0.5)
    shift_x, shift_y = np.zeros_like(gray), np.zeros_like(gray)
    for x, y in points[:2] - 0.5:
        across, down = columns - np.float32(x), rows - np.float32(y)
        weight = strength * np.exp(-(across**2 + down**2) / (2 * (0.22 * distance) ** 2))
        shift_x -= weight * across
        shift_y -= weight * down
    moved = cv2.remap(gray, columns + shift_x, rows + shift_y, cv2.INTER_LINEAR)
    return np.asarray(moved, dtype=np.float32)
