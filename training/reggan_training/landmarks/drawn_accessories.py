"""What is drawn on a rendered picture in two dimensions, as drawn characters and portraits have it.

Lashes and lid lines, solid brows, fringes, spectacles, hats and hands over the face; shapes behind
the head; outlines where parts of the head meet.
"""

from typing import Final, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from reggan_plugin.array_types import CropPixels
from reggan_plugin.rig.dense_landmarks import eye_rows, rows_of

SIDE_PX: Final = 384
"""Of a picture."""
EYE_PX: Final = 106.7
"""Pixels of an eye distance, about."""
Picture = UInt8[np.ndarray, "side side 3"]
"""sRGB-encoded."""
Plane = UInt8[np.ndarray, "side side"]


_FINE: Final = 2
"""Pixels of what is drawn over a face in one of the picture's."""
_SHIFT: Final = 3
"""Bits of a pixel's fractions, as OpenCV takes them."""
_NARROW: Final = 0.16
"""Height over width below which an eye's lashes point down."""
_LASHES, _SOLID_BROWS, _FRINGES, _SPECTACLES, _HATS, _HANDS = 0.7, 0.2, 0.3, 0.25, 0.06, 0.1
"""Shares of the pictures that have them."""

Points = Float[np.ndarray, "points 2"]
Mask = UInt8[np.ndarray, "fine fine"]
"""Opacity, 0 to 255, at `_FINE` times the picture's resolution."""


class DrawnOver(NamedTuple):
    """A picture with more drawn on, and how opaque what hides the face is, 0 to 255."""

    pixels: Picture
    spectacles: Plane
    others: Plane


def draw_over_face(
    pixels: Picture, points: Points, random: np.random.Generator, *, eye_px: float = EYE_PX
) -> DrawnOver:
    """Draw lashes, solid brows, a fringe, a hat, spectacles and a hand, each now and then.

    Args:
        pixels: not changed.
        points: landmarks, pixels.
        random: of everything.
        eye_px: pixels of an eye distance, about.
    """
    spectacles, others = np.zeros((2, SIDE_PX, SIDE_PX), np.uint8)
    unit, skin = eye_px * _FINE, _skin_colour(pixels, points)
    if random.random() < _LASHES:
        lashes = _shrunk(_lashes(points, random, unit))
        pixels = _blended(pixels, lashes, random.uniform(0, 50, 3))
    if random.random() < _SOLID_BROWS:
        brows = _shrunk(_solid_brows(points, random, unit))
        colour = random.uniform(0, 140, 3) * random.uniform(0.2, 1)
        pixels = _blended(pixels, brows, colour)
    if random.random() < _FRINGES:
        fringe = _shrunk(_fringe(points, random, unit))
        colour = random.uniform(0, 255, 3) * random.uniform(0.1, 1)
        if random.random() < 0.5:
            colour = _streaks(colour, random)
        pixels, others = _blended(pixels, fringe, colour), np.maximum(others, fringe)
    if random.random() < _SPECTACLES:
        spectacles = _shrunk(_spectacles(points, random, unit))
        colour = random.uniform(0, 230, 3) * random.uniform(0, 1)
        if random.random() < 0.5:
            colour = _sheen(colour, random)
        pixels, others = _blended(pixels, spectacles, colour), np.minimum(others, 255 - spectacles)
    over = []
    if random.random() < _HATS:
        over.append((_shrunk(_hat(points, random, unit)), random.uniform(0, 230, 3)))
    if random.random() < _HANDS:
        colour = np.clip(skin * random.uniform(0.75, 1.2) + random.normal(0, 8, 3), 0, 255)
        over.append((_shrunk(_hand(points, random, unit)), colour))
    for thing, colour in over:
        pixels = _blended(pixels, thing, _darker_at_its_edge(thing, colour, random))
        spectacles, others = np.minimum(spectacles, 255 - thing), np.maximum(others, thing)
    return DrawnOver(pixels, spectacles, others)


def _skin_colour(pixels: Picture, points: Points) -> Float[np.ndarray, "3"]:
    """Mean colour at the landmarks of the cheeks, as far as they are in the picture."""
    own = np.concatenate([points[rows_of("cheek", side)] for side in ("right", "left")])
    x, y = np.clip(np.nan_to_num(own), 0, SIDE_PX - 1).astype(int).T
    return pixels[y, x].mean(axis=0)


def _darker_at_its_edge(
    thing: Plane, colour: Float[np.ndarray, "3"], random: np.random.Generator
) -> CropPixels:
    deviation = float(random.uniform(3, 14))
    inside = cv2.GaussianBlur(thing, (0, 0), deviation).astype(np.float32) / 255
    return colour * (0.45 + 0.55 * inside**2)[..., None]


def draw_backdrop(
    pixels: Picture, head: Bool[np.ndarray, "side side"], random: np.random.Generator
) -> Picture:
    """Replace what is behind the head by shapes and gradients, half of the time.

    Args:
        pixels: not changed.
        head: false behind it.
        random: of everything.
    """
    if random.random() < 0.5:
        return pixels
    size = int(random.choice([3, 6, 12, 24]))
    coarse = random.integers(0, 256, (size, size, 3)).astype(np.uint8)
    back = cv2.resize(coarse, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(random.integers(0, 12))):
        _draw_shape(back, random)
    if random.random() < 0.6:
        back = cv2.GaussianBlur(back, (0, 0), float(random.uniform(0.6, 8)))
    head = cv2.GaussianBlur(head.astype(np.float32), (3, 3), 0)[..., None]
    return (pixels * head + back * (1 - head)).astype(np.uint8)


def draw_outlines(pixels: Picture, part: Plane, random: np.random.Generator) -> Picture:
    """Draw dark lines where parts meet.

    Args:
        pixels: not changed.
        part: number of what each pixel shows.
        random: of width and colour.
    """
    is_edge = cv2.dilate(part, np.ones((2, 2))) != cv2.erode(part, np.ones((2, 2)))
    width = int(random.integers(1, 4))
    wide = cv2.dilate(is_edge.astype(np.uint8), np.ones((width, width)))
    line = cv2.GaussianBlur(wide.astype(np.float32), (3, 3), 0)[..., None]
    return (pixels * (1 - line) + line * random.uniform(0, 60, 3)).astype(np.uint8)


def _lashes(points: Points, random: np.random.Generator, unit: float) -> Mask:
    mask = _nothing()
    length = random.uniform(0.02, 0.11) * unit
    count, width = int(random.integers(8, 26)), int(random.integers(1, 4))
    has_line, line = random.random() < 0.5, int(random.integers(1, 8))
    strength = int(random.integers(110, 256))
    for side in ("right", "left"):
        upper = points[rows_of("lid_upper", side)] * _FINE
        lower = points[rows_of("lid_lower", side)] * _FINE
        wide = max(float(np.linalg.norm(upper[-1] - upper[0])), 1e-6)
        across = (upper[-1] - upper[0]) / wide
        up = np.array([across[1], -across[0]]) * (1 if side == "right" else -1)
        lift = 0.8 if np.linalg.norm(upper[6] - lower[5]) / wide > _NARROW else -0.6
        if has_line:
            _draw_line(mask, upper + up * line / 2, strength, line)
        for place in np.linspace(0.3, 11.5, count):
            k = int(place)
            base = upper[k] * (1 - place + k) + upper[k + 1] * (place - k)
            out = (base - upper.mean(axis=0)) @ across / wide
            way = (up * lift + across * out * 1.2) * length
            tip = base + way * random.uniform(0.6, 1.1)
            _draw_stroke(mask, base, tip, strength, width)
    return mask


def _solid_brows(points: Points, random: np.random.Generator, unit: float) -> Mask:
    mask = _nothing()
    width = max(int(random.uniform(0.04, 0.2) * unit), 2)
    for side in ("right", "left"):
        _draw_line(mask, points[rows_of("brow", side)] * _FINE, 255, width)
    return mask


def _fringe(points: Points, random: np.random.Generator, unit: float) -> Mask:
    """Strands that hang down to about the brows, from a parting to both sides."""
    mask = _nothing()
    brows = np.concatenate([points[rows_of("brow", side)] for side in ("right", "left")]) * _FINE
    left, right = brows[:, 0].min() - 40 * _FINE, brows[:, 0].max() + 40 * _FINE
    height = brows[:, 1].mean() - random.uniform(-0.15, 0.7) * unit
    parting, width = random.uniform(left, right), int(random.integers(4, 40))
    for x in np.linspace(left, right, int(random.integers(12, 70))):
        lower = abs(x - parting) * random.uniform(-0.1, 0.45)
        end = np.array([x, height + lower + random.normal(0, 6 * _FINE)])
        _draw_stroke(mask, np.array([x - (x - parting) * 0.2, 0]), end, 255, width)
    return mask


def _spectacles(points: Points, random: np.random.Generator, unit: float) -> Mask:
    """Square or oval rims about the eyes, and what joins them."""
    mask = _nothing()
    width = int(random.integers(2, 16))
    wide, high = random.uniform(0.28, 0.5, 2) * unit
    middles = [points[eye_rows(side)].mean(axis=0) * _FINE for side in ("right", "left")]
    is_square = random.random() < 0.5
    for middle in middles:
        if is_square:
            first, last = middle - np.array([wide, high * 0.8]), middle + np.array([wide, high])
            cv2.rectangle(mask, _fixed(first), _fixed(last), 255, width, cv2.LINE_AA, _SHIFT)
        else:
            axes = (int(wide * (1 << _SHIFT)), int(high * (1 << _SHIFT)))
            cv2.ellipse(mask, _fixed(middle), axes, 0, 0, 360, 255, width, cv2.LINE_AA, _SHIFT)
    across = np.array([wide, 0])
    _draw_stroke(mask, middles[0] + across, middles[1] - across, 255, width)
    return mask


def _hat(points: Points, random: np.random.Generator, unit: float) -> Mask:
    """Draw a cap's brim, or a cloth, that comes down to above the brows."""
    mask = _nothing()
    eyes = [points[eye_rows(side)].mean(axis=0) * _FINE for side in ("right", "left")]
    middle, across = (eyes[0] + eyes[1]) / 2, eyes[1] - eyes[0]
    width = random.uniform(0.9, 1.7) * unit
    edge = middle[1] - random.uniform(0.3, 0.9) * unit
    bend = random.uniform(-0.25, 0.35) * unit
    x = np.linspace(-1, 1, 24)
    slope = across[1] / max(float(np.hypot(*across)), 1e-6)
    line = np.column_stack([middle[0] + x * width, edge + bend * x**2 + slope * x * width])
    top = np.array([[line[-1, 0], -10.0], [line[0, 0], -10.0]])
    trace = np.round(np.concatenate([line, top]) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [trace], 255, cv2.LINE_AA, _SHIFT)
    return mask


def _hand(points: Points, random: np.random.Generator, unit: float) -> Mask:
    """Fingers, or a stick that is held, from outside to somewhere on the face."""
    mask = _nothing()
    target = points[int(random.integers(len(points)))] * _FINE
    angle = random.uniform(0, 2 * np.pi)
    out = np.array([np.cos(angle), abs(np.sin(angle))])
    beside = np.array([out[1], -out[0]])
    width = random.uniform(0.08, 0.24) * unit
    for finger in range(int(random.integers(1, 5))):
        tip = target + beside * finger * width * 1.05 + out * random.uniform(0, 0.3) * unit
        root = tip + out * 5 * unit + beside * random.normal(0, 0.5) * unit
        _draw_stroke(mask, tip, root, 255, max(int(width), 1))
    return mask


def _streaks(colour: Float[np.ndarray, "3"], random: np.random.Generator) -> CropPixels:
    """Give a colour lighter and darker streaks from above to below, as strands have."""
    noise = cv2.resize(random.normal(0, 1, (6, SIDE_PX // 2)), (SIDE_PX, SIDE_PX))
    return np.clip(colour * np.exp(0.35 * noise)[..., None], 0, 255)


def _sheen(colour: Float[np.ndarray, "3"], random: np.random.Generator) -> CropPixels:
    """Give a colour lights and shades, as metal and horn have."""
    noise = cv2.resize(random.normal(0, 1, (24, 24)), (SIDE_PX, SIDE_PX))
    light = np.clip(noise * random.uniform(0.2, 1), 0, 1)[..., None]
    return colour * (1 - light) + random.uniform(120, 255) * light


def _nothing() -> Mask:
    return np.zeros((SIDE_PX * _FINE, SIDE_PX * _FINE), np.uint8)


def _draw_line(mask: Mask, line: Points, strength: int, width: int) -> None:
    trace = np.round(line * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(mask, [trace], False, strength, width, cv2.LINE_AA, _SHIFT)


def _draw_stroke(
    mask: Mask,
    start: Float[np.ndarray, "2"],
    end: Float[np.ndarray, "2"],
    strength: int,
    width: int,
) -> None:
    cv2.line(mask, _fixed(start), _fixed(end), strength, width, cv2.LINE_AA, _SHIFT)


def _fixed(place: Float[np.ndarray, "2"]) -> tuple[int, int]:
    """Write a place in OpenCV's fractions of a pixel."""
    x, y = np.round(place * (1 << _SHIFT))
    return int(x), int(y)


def _shrunk(mask: Mask) -> Plane:
    """Shrink a mask to the picture's resolution."""
    return cv2.resize(mask, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)


def _blended(pixels: Picture, opacity: Plane, colour: Float[np.ndarray, "*of_all 3"]) -> Picture:
    """Lay one colour, or one for each pixel, over a picture."""
    share = (opacity.astype(np.float32) / 255)[..., None]
    return (pixels * (1 - share) + share * colour).astype(np.uint8)


def _draw_shape(picture: Picture, random: np.random.Generator) -> None:
    """Draw a rectangle, a circle or a line, in place."""
    colour = tuple(int(c) for c in random.integers(0, 256, 3))
    a, b = (tuple(int(v) for v in random.integers(0, SIDE_PX, 2)) for _ in range(2))
    kind = random.integers(3)
    if kind == 0:
        cv2.rectangle(picture, a, b, colour, -1)
    elif kind == 1:
        cv2.circle(picture, a, int(random.integers(4, 90)), colour, -1)
    else:
        cv2.line(picture, a, b, colour, int(random.integers(1, 16)), cv2.LINE_AA)
