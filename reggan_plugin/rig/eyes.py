"""Eyes: what is seen of an eyeball as its lids move and as it turns.

The eyeball's own pixels stay where they are. What a lid uncovers is completed from them: the iris
is a circle with the radial profile of its visible part, the white goes on from its own side.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.imaging.crop import CroppedFace
from reggan_plugin.interpolation import median, percentile, sampled
from reggan_plugin.kernels.pictures import blur
from reggan_plugin.rig.raster import (
    Window,
    channels_averaged,
    extended,
    grown,
    mask_of,
    smooth_arc,
    square_around,
    window_places,
)

LEAST_MOTION, _ALL_DRAWN = 0.004, 0.012
"""Of the lids' edges, in eye distances, from which on an eye is drawn anew, and nothing else is
seen: what is drawn never has all of an iris, which would change from one frame to the next."""
_LEAST_TURN = 1e-3
"""Eye distances of the iris' way, likewise."""
_BAND = 0.028
"""Eye distances inside the lids' edges where the eyeball is painted even if it was seen before:
there the motion of the lid must not end yet, and a lid that moves off leaves its line behind."""
_INSET = 0.016
"""Eye distances inside the source's lids from which on pixels are the eyeball's own: before that
they have the line and the shadow of the lid."""
_SHUT = 0.012
"""Slits narrower than this, in eye distances, are shut."""
_SIDEWAYS, _UP, _DOWN = 0.105, 0.085, 0.105
"""Way of the iris at weight 1, in eye distances: on an eyeball with a radius of 0.2 that turns by
30° sideways, 25° up and 30° down, which is what heads of the training do."""
_MOST_SHADE, _SHADE_REACH, _SHADE_INSET, _FEWEST = 0.5, 0.035, 0.006, 8
"""How much darker an eyeball can be beside a lid; over so many eye distances; eye distances from
the lids' edges on that tell it; pixels that are needed to see it."""
_LEAST_LIGHT = 0.02
"""Of an eyeball, sRGB-encoded, against which shadows are read."""
_BLEND = 0.016
"""Eye distances over which what is completed becomes what was seen: a sharp end leaves chips."""
_GLINT, _GLINT_OF_WHITE, _GLINT_OF_SKIN, _GLINT_PX = 0.12, 0.75, 1.1, 0.7
"""How much brighter than the iris a mirrored light is, and than these shares of the eye's white and
of the skin around it; blur of its edge, pixels. By eye."""
_RINGS = 24
_SLOPE_RIDGE, _UNLIKE = 0.02, 0.06
"""How much an iris counts as lit evenly; and difference from its ring's colour from which on a
pixel is a mirrored light or the pupil's edge. By eye, and against the truth of 12 heads: drawn
irises are 24 levels off instead of 27."""
_LEAST_SPREAD = 1e-6
_MOST_OFF, _ENOUGH, _RING_RIDGE, _AS_GOOD = 0.2, 1500, 40.0, 0.02
"""Of an iris's landmarks, in its radii; pixels that tell its rings; how much landmarks count: on 12
held-out heads these are 0.06 radii off, with 40 the centre is 0.07 off, with 2 it was 0.14, drawn
to highlights; share by which other rings are worse that count nearly as much: the best ones alone
would change from one frame to the next."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lids:
    """Edges of the lids of an eye: the upper one from the outer corner, the lower one back.

    Attributes:
        upper, lower: in parts of the crop's side; both have the corners.
    """

    upper: Float[np.ndarray, "13 2"]
    lower: Float[np.ndarray, "13 2"]

    @classmethod
    def from_loop(cls, loop: Float[np.ndarray, "24 2"]) -> "Lids":
        """Take the landmarks of `layout.eye_rows`."""
        return cls(upper=loop[:13], lower=np.concatenate([loop[12:], loop[:1]])[::-1])

    def outline(self) -> Float[np.ndarray, "corners 2"]:
        """Trace the smooth outline of the opening."""
        return np.concatenate([smooth_arc(self.upper), smooth_arc(self.lower[::-1])[1:-1]])

    def parted(self, down: Float[np.ndarray, "2"], least: float) -> "Lids":
        """Lids that do not overlap: where less than `least` is between them, they meet."""
        gap = (self.lower - self.upper) @ down
        share = np.clip((gap - least) / max(least, 1e-9), 0, 1)[:, None]
        meeting = (self.upper + self.lower) / 2
        return Lids(
            upper=meeting + share * (self.upper - meeting),
            lower=meeting + share * (self.lower - meeting),
        )

    @property
    def widest(self) -> float:
        """Largest distance between the edges."""
        return float(np.linalg.norm(self.lower - self.upper, axis=1).max())


@dataclass(frozen=True, kw_only=True, eq=False)
class Opening:
    """What is painted between edges of skin that move: an eyeball, or the inside of a mouth.

    Attributes:
        window: of the planes.
        edge: closed line of the skin's edge, in parts of the crop's side; its two halves lie on
            each other where nothing is open.
        open: share of each pixel inside it.
        inside: what is seen there, sRGB-encoded.
        was_open: share of each pixel of the source that was inside the opening, or on the line
            between its shut edges.
        was_window: of `was_open`.
        was_rims: heights where the source's upper and lower lip end, at the columns of `was_open`;
            beyond them its own texture stands in for what is lost. None: all skin around does.
        middle: line between its two edges, from the picture's left to its right.
        still: 1 where the source's own pixels are seen, which do not move.
        soft: eye distances over which its edge turns in.
        share: how much of what is painted is seen, over what moves.
    """

    window: Window
    edge: Float[np.ndarray, "corners 2"]
    open: Float[np.ndarray, "side side"]
    inside: Float[np.ndarray, "side side 3"]
    was_open: Float[np.ndarray, "was_side was_side"]
    was_window: Window
    middle: Float[np.ndarray, "places 2"]
    still: Float[np.ndarray, "side side"]
    soft: float = 0.0
    share: float = 1.0
    was_rims: Float[np.ndarray, "2 was_side"] | None = None


def gaze_of(weights: Mapping[str, float], side: str) -> Float[np.ndarray, "2"]:
    """Way of the iris for the `eyeLook` shapes of a side: to the picture's right, and down."""

    def weight(direction: str) -> float:
        return weights.get(f"eyeLook{direction}{side.capitalize()}", 0.0)

    outwards = 1.0 if side == "left" else -1.0
    right = _SIDEWAYS * outwards * (weight("Out") - weight("In"))
    return np.array([right, _DOWN * weight("Down") - _UP * weight("Up")])


def changed_eye(
    picture: CroppedFace,
    before: Lids,
    after: Lids,
    iris: Float[np.ndarray, "8 2"],
    gaze: Float[np.ndarray, "2"],
    eye: float,
    axes: Float[np.ndarray, "2 2"],
) -> Opening | None:
    """Draw what is seen of an eyeball between moved lids; None if nothing of it changes.

    Args:
        picture: the face.
        before: the lids in the source, in parts of the crop's side.
        after: the lids in the result, likewise.
        iris: its edge in the source, likewise.
        gaze: way of the iris, eye distances along `axes`.
        eye: an eye distance in parts of the crop's side.
        axes: columns: the face's right and down in the crop.
    """
    before = before.parted(axes[:, 1], 0.0)
    after = after.parted(axes[:, 1], _SHUT * eye)
    moved = max(np.abs(after.upper - before.upper).max(), np.abs(after.lower - before.lower).max())
    moved, turns = moved / eye, np.abs(gaze).max() >= _LEAST_TURN
    if moved < LEAST_MOTION and not turns:
        return None
    share = np.clip((moved - LEAST_MOTION) / (_ALL_DRAWN - LEAST_MOTION), 0, 1)
    places = np.concatenate([before.upper, before.lower, after.upper, after.lower])
    window = square_around(places, 0.08 * eye)
    side_px = int(np.clip(round((window[2] - window[0]) * picture.side_px), 48, 1024))
    px = eye * side_px / (window[2] - window[0])
    at = window_places(window, side_px)
    own = picture.at(at).astype(np.float32)
    was, now = (mask_of(lids.outline(), window, side_px) for lids in (before, after))
    if after.widest < 1e-4:
        now = np.zeros_like(now)  # shut: all that is seen is lid
    seen = grown(was > 0.99, -_INSET * px)
    ball, keep = _completed(own, seen, was, at, iris, px)
    inner = grown(was > 0.99, -_SHADE_INSET * px)
    shade_was, shade_now = _lid_shades(own, ball, inner, before, after, at, eye)
    ball = ball + keep * (own / np.maximum(shade_was, 1 - _MOST_SHADE) - ball)
    if turns:
        moved_at = at - axes @ gaze * eye - [window[0], window[1]]
        ball = sampled(ball, moved_at * (side_px / (window[2] - window[0]))).astype(np.float32)
        still = np.zeros_like(now)
    else:
        still = grown((was > 0.99) & (now > 0.99), -_BAND * px).astype(np.float32)
    ball = ball * shade_now
    return Opening(
        window=window,
        edge=after.outline(),
        open=now,
        inside=np.clip(ball, 0, 1),
        was_open=was,
        was_window=window,
        middle=rightwards(smooth_arc((after.upper + after.lower) / 2)),
        still=still,
        share=1.0 if turns else float(share),
    )


def rightwards(line: Float[np.ndarray, "places 2"]) -> Float[np.ndarray, "places 2"]:
    """Sort a line by its x."""
    return line[np.argsort(line[:, 0])]


def _completed(
    own: Float[np.ndarray, "side side 3"],
    seen: Bool[np.ndarray, "side side"],
    was: Float[np.ndarray, "side side"],
    at: Float[np.ndarray, "side side 2"],
    iris: Float[np.ndarray, "8 2"],
    px: float,
) -> tuple[Float[np.ndarray, "side side 3"], Float[np.ndarray, "side side 1"]]:
    """Complete the eyeball as if there were no lids before it; and how much of it is seen.

    Args:
        own: what the source shows.
        seen: where that is the eyeball, without the lids' lines.
        was: share of each pixel inside the source's lids.
        at: places of the pixels, in parts of the crop's side.
        iris: its edge, likewise.
        px: pixels of an eye distance.
    """
    if seen.sum() < 12:
        mean = own.reshape(-1, 3).mean(axis=0)
        return np.broadcast_to(mean, own.shape).copy(), np.zeros((*seen.shape, 1), np.float32)
    centre = iris.mean(axis=0)
    turn = np.arange(8) * np.pi / 4
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    ellipse = np.linalg.lstsq(circle, iris - centre, rcond=None)[0].T
    unit = _on_the_rings(own, seen, (at - centre) @ np.linalg.inv(ellipse).T)
    ring = np.sqrt(unit[..., 0] * unit[..., 0] + unit[..., 1] * unit[..., 1])
    white = seen & (ring > 1.12)
    if white.sum() < 8:
        white = seen & (ring > 0.9) if (seen & (ring > 0.9)).any() else seen
    ball = extended(own * white[..., None], white.astype(np.float32))
    inside = seen & (ring < 1.2)
    if inside.sum() > 12:
        number = np.minimum((ring[inside] * _RINGS / 1.2).astype(int), _RINGS - 1)
        # medians: a window that the iris mirrors is no part of its rings
        known = np.flatnonzero(np.bincount(number))
        colours, places = own[inside], unit[inside]
        medians = np.array([median(colours[number == n]) for n in known])
        ring_of = np.searchsorted(known, number)
        count = np.bincount(ring_of)[:, None]
        middles = np.stack([np.bincount(ring_of, one) for one in places.T], axis=1) / count
        slope = _slope(colours - medians[ring_of], places - middles[ring_of])
        steps = np.arange(_RINGS)
        values = medians - middles @ slope
        profile = np.stack([np.interp(steps, known, values[:, c]) for c in range(3)], 1)
        share = np.clip((1.12 - ring) / 0.16, 0, 1)
        iris_px = np.nonzero(share)
        where = np.clip(ring[iris_px] * _RINGS / 1.2 - 0.5, 0, _RINGS - 1)
        drawn = np.stack([np.interp(where, steps, profile[:, c]) for c in range(3)], axis=1)
        drawn += unit[iris_px] @ slope
        drawn = np.clip(drawn, medians.min(axis=0), medians.max(axis=0))
        ball = ball.astype(np.float64)
        ball[iris_px] += share[iris_px][:, None] * (drawn - ball[iris_px])
    keep = blur(seen.astype(np.float32), max(0.6, _BLEND * px))
    keep = np.clip(keep * 2 - 1, 0, 1)
    glint = _glint(own, was, white, ball, ring)
    keep = np.maximum(keep, blur(glint.astype(np.float32), _GLINT_PX))[..., None]
    return ball.astype(np.float32), keep


def _slope(
    colours: Float[np.ndarray, "seen 3"], places: Float[np.ndarray, "seen 2"]
) -> Float[np.ndarray, "2 3"]:
    """Fit how light falls off across an iris; both less what their ring has.

    Rings that are seen at the lit end alone would be drawn lit all around.
    """
    usual = np.abs(colours).max(axis=1) < _UNLIKE
    places, colours = places[usual], colours[usual]
    square = places.T @ places + _SLOPE_RIDGE * len(places) * np.eye(2)
    return np.linalg.solve(square + 1e-9 * np.eye(2), places.T @ colours)


def _glint(
    own: Float[np.ndarray, "side side 3"],
    was: Float[np.ndarray, "side side"],
    white: Bool[np.ndarray, "side side"],
    ball: Float[np.ndarray, "side side 3"],
    ring: Float[np.ndarray, "side side"],
) -> Bool[np.ndarray, "side side"]:
    """Find the light that an iris mirrors right under the lid, which is no line of the lid."""
    skin, light = was < 0.01, channels_averaged(own)
    if not (white.any() and skin.any()):
        return np.zeros_like(white)
    bound = max(
        _GLINT_OF_WHITE * float(percentile(light[white], 50)),
        _GLINT_OF_SKIN * float(percentile(light[skin], 75)),
    )
    return (was > 0.99) & (ring < 1) & (light > bound) & (light > channels_averaged(ball) + _GLINT)


def _on_the_rings(
    own: Float[np.ndarray, "side side 3"],
    seen: Bool[np.ndarray, "side side"],
    unit: Float[np.ndarray, "side side 2"],
) -> Float[np.ndarray, "side side 2"]:
    """Places in units of the iris, shifted and scaled so that what is seen has rings of one colour.

    Half of an iris is often hidden, and a centre that is off by a tenth of it shows two pupils:
    the one that is seen, and the one that is drawn.
    """
    right, down = np.moveaxis(unit, 2, 0)
    near = seen & (right * right + down * down < (1.0 + _MOST_OFF) ** 2)
    if near.sum() < _FEWEST:
        return unit
    step = max(1, int(near.sum()) // _ENOUGH)
    some = np.flatnonzero(near)[::step]
    places, light = unit.reshape(-1, 2)[some], own.reshape(-1, 3)[some].mean(axis=1)
    along, scales = np.linspace(-_MOST_OFF, _MOST_OFF, 7), np.array([0.9, 1.0, 1.1])
    x, y = (axis.ravel() for axis in np.meshgrid(along, along, indexing="ij"))
    away = np.hypot(places[:, 0] - x[:, None], places[:, 1] - y[:, None])
    first = np.arange(len(x))[:, None] * (_RINGS + 1)
    lights, spreads = np.tile(light, len(x)).astype(np.float64), []
    for scale in scales:
        number = np.minimum((away / scale * _RINGS / 1.2).astype(int), _RINGS) + first
        bins, size = number.ravel(), len(x) * (_RINGS + 1)
        count = np.maximum(np.bincount(bins, minlength=size), 1)
        total = np.bincount(bins, lights, minlength=size)
        spread = (light**2).sum() - (total**2 / count).reshape(len(x), -1).sum(axis=1)
        # a landmark is right unless colours say otherwise
        spreads.append(spread * (1 + _RING_RIDGE * (x * x + y * y + (scale - 1) ** 2)))
    off = np.maximum(spreads, _LEAST_SPREAD)  # an eye of one colour has less than none by rounding
    likely = np.exp((1 - off / off.min()) / _AS_GOOD)
    likely /= likely.sum()
    each = likely.sum(axis=0)
    shift = np.array([each @ x, each @ y])
    best = (unit - shift) / (likely.sum(axis=1) @ scales)
    return best.astype(unit.dtype)


def _lid_shades(
    own: Float[np.ndarray, "side side 3"],
    ball: Float[np.ndarray, "side side 3"],
    inner: Bool[np.ndarray, "side side"],
    before: Lids,
    after: Lids,
    at: Float[np.ndarray, "side side 2"],
    eye: float,
) -> list[Float[np.ndarray, "side side 1"]]:
    """Shadows of the lids on the eyeball, in the source and in the result, as factors.

    How dark they are is read from the source: what is seen beside each edge, and further off,
    over the completed eyeball.

    Args:
        own: what the source shows.
        ball: the eyeball, completed.
        inner: where the source shows it.
        before: the lids in the source.
        after: the lids in the result.
        at: places of the pixels, in parts of the crop's side.
        eye: an eye distance, likewise.
    """
    light = channels_averaged(own) / np.maximum(channels_averaged(ball), _LEAST_LIGHT)
    shades = [np.ones(inner.shape, np.float32) for _ in range(2)]
    for edges, sign in (((before.upper, after.upper), 1), ((before.lower, after.lower), -1)):
        depths = [sign * _below(edge, at) / (_SHADE_REACH * eye) for edge in edges]
        near, far = inner & (depths[0] < 0.6), inner & (depths[0] > 1.5)
        if near.sum() < _FEWEST or far.sum() < _FEWEST:
            continue
        beside, beyond = (float(percentile(light[part], 50)) for part in (near, far))
        dark = 1 - beside / max(beyond, _LEAST_LIGHT)
        dark = min(max(dark, 0.0), _MOST_SHADE)
        for shade, depth in zip(shades, depths, strict=True):
            shade *= 1 - dark * np.exp(-np.clip(depth, 0, None))
    return [shade[..., None] for shade in shades]


def _below(
    edge: Float[np.ndarray, "13 2"], at: Float[np.ndarray, "side side 2"]
) -> Float[np.ndarray, "side side"]:
    """How far places lie below a lid's edge, in parts of the crop's side."""
    edge = rightwards(smooth_arc(edge))
    return at[..., 1] - np.interp(at[0, :, 0], edge[:, 0], edge[:, 1])[None]
