"""Flat drawings of faces with their landmarks: large eyes or dots, hardly a nose, any mouth.

Features lie on a rounded front that turns; the head is an outline. Lengths are in half widths of
the head, x to the right, y down, from the head's middle.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.array_types import SixPoints
from reggan_plugin.frozen import frozen
from reggan_training.locator.labelled_pictures import MASK_SIDE, PICTURE_PX, LabelledPicture

CARTOON = "cartoon"
"""Style of these pictures."""
_SIDE = 2 * PICTURE_PX
_SHIFT = 4
"""Bits of a pixel's fractions, as OpenCV takes them."""

Canvas = UInt8[np.ndarray, "512 512 3"]
Line = Float[np.ndarray, "points 2"]
Colour = Float[np.ndarray, "3"]
_TURN = np.linspace(0, 2 * math.pi, 40, endpoint=False)


def draw_cartoon(rng: np.random.Generator) -> LabelledPicture:
    """Draw one character."""
    drawing = _Drawing(rng)
    drawing.draw_back()
    drawing.draw_head()
    drawing.draw_face()
    drawing.draw_front()
    half = (PICTURE_PX,) * 2
    mask = cv2.resize(drawing.mask, (MASK_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    return LabelledPicture(
        style=CARTOON,
        image=np.asarray(cv2.resize(drawing.canvas, half, interpolation=cv2.INTER_AREA), np.uint8),
        points=drawing.landmarks() / 2,
        mask=np.asarray(mask, dtype=np.uint8),
    )


@frozen
class _Shape:
    """Proportions of a character."""

    tall: float
    taper: float
    eye_x: float
    eye_y: float
    eye_wide: float
    eye_high: float
    nose_y: float
    mouth_y: float
    mouth_wide: float
    yaw: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "_Shape":
        tall = rng.uniform(0.85, 1.35)
        eye_x, eye_y = rng.uniform(0.28, 0.5), rng.uniform(-0.15, 0.35) * tall
        eye_wide = min(rng.uniform(0.08, 0.36), 0.88 * eye_x)
        chin = tall - eye_y
        nose_y = eye_y + chin * rng.uniform(0.25, 0.5)
        turned = rng.uniform(-65, 65) if rng.random() < 0.5 else rng.normal(0, 12)
        return cls(
            tall=tall,
            taper=rng.uniform(0.0, 1.0),
            eye_x=eye_x,
            eye_y=eye_y,
            eye_wide=eye_wide,
            eye_high=eye_wide * float(np.exp(rng.uniform(math.log(0.55), math.log(1.9)))),
            nose_y=nose_y,
            mouth_y=nose_y + (tall - nose_y) * rng.uniform(0.25, 0.65),
            mouth_wide=rng.uniform(0.07, 0.38),
            yaw=math.radians(turned),
        )


class _Drawing:
    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._shape = shape = _Shape.drawn(rng)
        self._unit = _SIDE * rng.uniform(0.19, 0.3)
        self._roll = math.radians(float(np.clip(rng.normal(0, 6), -15, 15)))
        self._middle = _SIDE * np.array([0.5, 0.5]) + rng.normal(0, 0.03 * _SIDE, 2)
        self._front = rng.uniform(0.6, 0.95)
        is_grey = rng.random() < 0.2
        self._skin = self._colour(0.35, 1.0) if rng.random() < 0.8 else self._colour(0.02, 1)
        self._hair = self._colour(0.02, 1.0)
        if is_grey:
            self._skin, self._hair = np.full(3, 250.0), np.full(3, rng.choice([15.0, 245.0]))
        self._ink = self._skin * 0.15 if rng.random() < 0.8 else self._colour(0, 0.3)
        self._width = int(rng.integers(0, 9)) if not is_grey else int(rng.integers(3, 9))
        self._has_hair = rng.random() < 0.85
        self.canvas = self._background()
        self.mask = np.zeros((_SIDE, _SIDE), np.uint8)
        self._outline = self._head_outline(shape)

    def landmarks(self) -> SixPoints:
        """In the order of `LANDMARK_NAMES`."""
        s = self._shape
        tip = self._placed(np.array([[0.0, s.nose_y]]), 0.12)
        others = [(s.eye_x, s.eye_y), (-s.eye_x, s.eye_y)]
        mouth = [(s.mouth_wide, s.mouth_y), (-s.mouth_wide, s.mouth_y), (0.0, s.tall * 0.99)]
        eyes, rest = self._placed(np.array(others)), self._placed(np.array(mouth))
        return np.concatenate([eyes, tip, rest])

    def draw_back(self) -> None:
        """Draw what lies behind the head: hair, neck, shoulders."""
        rng, s = self._rng, self._shape
        if self._has_hair and rng.random() < 0.7:
            size = rng.uniform(1.05, 1.45, 2) * [1, s.tall]
            low = rng.uniform(-0.3, 0.5)
            ring = np.column_stack([np.cos(_TURN) * size[0], np.sin(_TURN) * size[1] + low])
            self._fill(self._flat(ring), self._hair * 0.85, head=True)
        if rng.random() < 0.8:
            wide, neck = rng.uniform(0.9, 1.8), rng.uniform(0.25, 0.5)
            top = s.tall + rng.uniform(0.1, 0.35)
            body = [(-wide, 4), (-wide, top + 0.4), (-neck, top), (neck, top), (wide, top + 0.4),
                    (wide, 4)]  # fmt: skip
            throat = [(-neck, s.tall * 0.5), (neck, s.tall * 0.5), (neck, 3), (-neck, 3)]
            self._fill(self._flat(np.array(throat)), self._skin * 0.85, head=True)
            self._fill(self._flat(np.array(body)), self._colour(0, 1), head=True)

    def draw_head(self) -> None:
        """Draw the outline, ears and flat shading."""
        rng, s = self._rng, self._shape
        if rng.random() < 0.7:
            for side in (-1, 1):
                ear = np.column_stack([np.cos(_TURN) * 0.17, np.sin(_TURN) * 0.24])
                self._fill(
                    self._flat(ear + np.array([side * 0.98, s.eye_y + 0.1])), self._skin, head=True
                )
        self._fill(self._outline, self._skin, head=True)
        if rng.random() < 0.5:  # the side away from the light
            shade = np.zeros((_SIDE, _SIDE), np.uint8)
            cv2.fillPoly(shade, [self._fixed(self._outline)], 255, cv2.LINE_AA, _SHIFT)
            moved = np.zeros_like(shade)
            away = rng.normal(0, 0.35, 2) * self._unit
            cv2.fillPoly(moved, [self._fixed(self._outline + away)], 255, cv2.LINE_AA, _SHIFT)
            share = ((shade > 0) & (moved == 0))[..., None] * rng.uniform(0.1, 0.5)
            self.canvas = (self.canvas * (1 - share)).astype(np.uint8)
        if rng.random() < 0.3:
            for side in (-1, 1):
                spot = [side * s.eye_x * 1.25, s.eye_y + s.eye_high + 0.12]
                blush = self._skin * [1.0, 0.75, 0.75]
                self._fill(self._oval(spot, 0.16, 0.09), blush, outlined=False)

    def draw_face(self) -> None:
        """Eyes, brows, nose, mouth."""
        rng, s = self._rng, self._shape
        kind = rng.choice(4, p=(0.4, 0.35, 0.17, 0.08))
        iris, gaze = self._colour(0.02, 0.8), rng.normal(0, 0.12, 2)
        size, lid = rng.uniform(0.5, 0.95), rng.uniform(0.02, 0.1)
        has_brows, lift, tilt = rng.random() < 0.85, rng.uniform(0.06, 0.25), rng.normal(0, 0.15)
        thick = rng.uniform(0.03, 0.12)
        winks = rng.random() < 0.05
        for side in (-1, 1):
            spot = np.array([side * s.eye_x, s.eye_y])
            shut = kind == 3 or (winks and side == 1)
            self._draw_eye(spot, 3 if shut else int(kind), iris, gaze, size, lid)
            if has_brows:
                x = np.linspace(-1.1, 1.1, 8) * s.eye_wide
                y = -s.eye_high - lift - 0.06 * np.cos(x / s.eye_wide) + side * tilt * x
                self._stroke(spot + np.column_stack([x, y]), self._hair * 0.6, thick)
        self._draw_nose()
        self._draw_mouth()

    def draw_front(self) -> None:
        """Fringe, spectacles, hat."""
        rng, s = self._rng, self._shape
        if self._has_hair:
            self._draw_fringe()
        if rng.random() < 0.15:
            wide, high = s.eye_wide * rng.uniform(1.1, 1.5), s.eye_high * rng.uniform(1.1, 1.5)
            wide = min(wide, s.eye_x * 0.95)
            for side in (-1, 1):
                ring = self._oval([side * s.eye_x, s.eye_y], wide, high)
                self._line(np.concatenate([ring, ring[:1]]), self._ink, 0.05)
            bridge = np.array([[wide - s.eye_x, s.eye_y], [s.eye_x - wide, s.eye_y]])
            self._stroke(bridge, self._ink, 0.05)

    def _draw_eye(
        self, spot: Float[np.ndarray, "2"], kind: int, iris: Colour,
        gaze: Float[np.ndarray, "2"], size: float, lid: float
    ) -> None:  # fmt: skip
        s, rng = self._shape, self._rng
        wide, high = s.eye_wide, s.eye_high
        arc = np.linspace(math.pi * 1.05, math.pi * 1.95, 14)
        upper = spot + np.column_stack([np.cos(arc) * wide, np.sin(arc) * high])
        if kind == 3:  # shut
            bend = 1 if rng.random() < 0.5 else -1
            self._stroke(spot + (upper - spot) * [1, 0.5 * bend], self._ink, lid + 0.03)
            return
        if kind == 2:  # a dot
            self._fill(self._oval(spot, wide * 0.5, high * 0.5), self._ink, outlined=False)
            return
        if kind == 0:  # white, iris, pupil
            white = self._oval(spot, wide, high)
            self._fill(white, np.full(3, 250.0))
            radius = min(wide, high) * size * 0.8
            middle = spot + gaze * [wide, high]
            tall = radius * (1.0 if high < 1.2 * wide else 1.25)
        else:  # an iris as tall as the eye
            self._fill(self._oval(spot, wide, high), np.full(3, 245.0), outlined=False)
            middle, radius, tall = spot + gaze * [wide * 0.5, 0], wide * size * 0.8, high * 0.92
        self._fill(self._oval(middle, radius, tall), iris, outlined=False)
        self._fill(self._oval(middle, radius * 0.55, tall * 0.6), iris * 0.2, outlined=False)
        shine = middle - np.array([0.35 * radius, 0.4 * tall])
        self._fill(self._oval(shine, radius * 0.3, tall * 0.25), np.full(3, 255.0), outlined=False)
        self._stroke(upper, self._ink, lid)

    def _draw_nose(self) -> None:
        s, rng = self._shape, self._rng
        kind, size = rng.integers(6), rng.uniform(0.04, 0.14)
        if kind == 0:
            tip = np.array([[0.0, s.nose_y - 3 * size], [size, s.nose_y], [-0.3 * size, s.nose_y]])
            self._stroke(tip, self._ink, 0.03)
        elif kind == 1:
            spot = np.array([0.0, s.nose_y])
            self._fill(self._oval(spot, size * 0.5, size * 0.3), self._skin * 0.6, outlined=False)
        elif kind == 2:
            self._fill(self._oval(np.array([0.0, s.nose_y]), size, size * 0.8), self._skin * 0.93)
        elif kind == 3:
            x = np.linspace(-1, 1, 8)
            curve = np.column_stack([x * size, s.nose_y + size * 0.6 * np.cos(x * 1.4)])
            self._stroke(curve, self._ink, 0.03)

    def _draw_mouth(self) -> None:
        s, rng = self._shape, self._rng
        kind, bend = rng.integers(4), rng.normal(0.04, 0.1)
        x = np.linspace(-1, 1, 14)
        line = np.column_stack([x * s.mouth_wide, s.mouth_y + bend * (0.5 - x**2)])
        if kind < 2:
            self._stroke(line, self._ink, rng.uniform(0.02, 0.06))
            return
        depth = s.mouth_wide * rng.uniform(0.3, 1.3)
        depth = min(depth, (s.tall - s.mouth_y) * 0.8)
        lower = np.column_stack([x[::-1] * s.mouth_wide, s.mouth_y + depth * (1 - x**2)])
        hole = np.concatenate([line, lower])
        self._fill(self._placed(hole), self._colour(0.05, 0.5))
        if kind == 3:
            teeth = np.concatenate([line, line[::-1] + np.array([0, depth * 0.3])])
            self._fill(self._placed(teeth), np.full(3, 245.0), outlined=False)

    def _draw_fringe(self) -> None:
        """Draw a cap over the skull with strands that hang from it."""
        s, rng = self._shape, self._rng
        grow = rng.uniform(1.02, 1.2)
        line = -s.tall * rng.uniform(0.35, 0.75)
        if rng.random() < 0.6:
            line = s.eye_y - s.eye_high - rng.uniform(-0.05, 0.35)
        arc = np.linspace(math.pi * 1.0, math.pi * 2.0, 24)
        low = rng.uniform(-0.2, 0.8)
        cap = np.column_stack([np.cos(arc) * grow, np.sin(arc) * s.tall * grow])
        sides = np.array([[grow, low], [grow * 0.93, low]])
        count = int(rng.integers(3, 12))
        x = np.linspace(0.9, -0.9, 2 * count + 1)
        jag = rng.uniform(0.0, 0.35) * (np.arange(2 * count + 1) % 2)
        parting = rng.uniform(-0.2, 0.4) * np.abs(x - rng.uniform(-0.6, 0.6))
        teeth = np.column_stack([x, line - jag + parting])
        other = np.array([[-grow * 0.93, low], [-grow, low]])
        self._fill(self._flat(np.concatenate([cap, sides, teeth, other])), self._hair, head=True)

    def _head_outline(self, s: _Shape) -> Line:
        """Return an ellipse whose lower half tapers to the chin."""
        y = np.sin(_TURN)
        x = np.cos(_TURN) * (1 - s.taper * 0.45 * np.clip(y, 0, 1) ** 1.5)
        x = x + math.sin(s.yaw) * 0.25 * np.clip(y, 0, 1)
        return self._flat(np.column_stack([x, y * s.tall]))

    def _placed(self, points: Line, out: float = 0.0) -> Line:
        """Pixels of places on the front of the head; `out` lies before it."""
        s = self._shape
        x, y = points.T
        depth = np.sqrt(np.clip(1 - (0.8 * x) ** 2 - (0.55 * y / s.tall) ** 2, 0.05, 1)) + out
        turned = x * math.cos(s.yaw) + self._front * depth * math.sin(s.yaw)
        return self._flat(np.column_stack([turned, y]))

    def _flat(self, points: Line) -> Line:
        c, n = math.cos(self._roll), math.sin(self._roll)
        return points @ np.array([[c, n], [-n, c]]) * self._unit + self._middle

    def _oval(self, spot: Float[np.ndarray, "2"] | list[float], wide: float, high: float) -> Line:
        ring = np.column_stack([np.cos(_TURN) * wide, np.sin(_TURN) * high])
        return self._placed(np.asarray(spot) + ring)

    def _fill(
        self, pixels: Line, colour: Colour, *, outlined: bool = True, head: bool = False
    ) -> None:
        places = [self._fixed(pixels)]
        cv2.fillPoly(self.canvas, places, _rgb(colour), cv2.LINE_AA, _SHIFT)
        if outlined and self._width:
            ink = _rgb(self._ink)
            cv2.polylines(self.canvas, places, True, ink, self._width, cv2.LINE_AA, _SHIFT)
        if head:
            cv2.fillPoly(self.mask, places, 255, cv2.LINE_AA, _SHIFT)

    def _stroke(self, points: Line, colour: Colour, width: float) -> None:
        self._line(self._placed(points), colour, width)

    def _line(self, pixels: Line, colour: Colour, width: float) -> None:
        thick = max(1, round(width * self._unit))
        places = [self._fixed(pixels)]
        cv2.polylines(self.canvas, places, False, _rgb(colour), thick, cv2.LINE_AA, _SHIFT)

    def _fixed(self, pixels: Line) -> np.ndarray:
        return np.round(pixels * (1 << _SHIFT)).astype(np.int32)

    def _colour(self, low: float, high: float) -> Colour:
        return 255 * np.asarray(self._rng.uniform(low, high) * self._rng.uniform(0.6, 1.0, 3))

    def _background(self) -> Canvas:
        rng = self._rng
        cells = int(rng.choice([1, 1, 2, 3, 8]))
        coarse = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
        method = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        return np.asarray(cv2.resize(coarse, (_SIDE, _SIDE), interpolation=method), np.uint8)


def _rgb(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = np.clip(colour, 0, 255).astype(int)
    return int(red), int(green), int(blue)
