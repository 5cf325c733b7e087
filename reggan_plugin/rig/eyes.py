"""Eyes: what is seen of an eyeball as its lids move and as it turns.

The eyeball's own pixels stay where they are. What a lid uncovers is completed from them: the iris
is a circle with the rings of its visible part and the texture of the opposite side, the white goes
on from its own side, and so does the light on both.
"""

from collections.abc import Mapping

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import CroppedFace
from reggan_plugin.kernels.pixel_values import blur, percentile
from reggan_plugin.kernels.sampling import sampled
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
_MOST_SHADE, _SHADE_REACH, _SHADE_INSET, _SHADE_SOFT = 0.5, 0.035, 0.006, 0.008
"""How much darker an eyeball can be beside a lid; over so many eye distances; eye distances from
the lids' edges on that tell it; and over which it is averaged. Measured on 144 pictures of twelve
heads' eyes (docs/maintainers/results.md)."""
_FEWEST_SEEN = 12
"""Pixels that are needed to see an eyeball at all."""
_LEAST_LIGHT = 0.02
"""Of an eyeball, sRGB-encoded, against which shadows are read."""
_BLEND = 0.016
"""Eye distances over which what is completed becomes what was seen: a sharp end leaves chips."""
_LEFT_LINE, _LEFT_START, _LEFT_OVER, _LEAST_EDGE = 0.012, 0.024, 0.024, 0.004
"""A lid that moves off by the first, in eye distances, leaves its whole line behind; so far within
its old edge the eyeball begins there, over so many; and over so many where a lid leaves none."""
_GLINT, _GLINT_OF_WHITE, _GLINT_OF_SKIN, _GLINT_PX = 0.12, 0.75, 1.1, 0.7
"""How much brighter than the iris a mirrored light is, in the darkest channel, and than these
shares of the eye's white and of the skin around it; blur of its edge, pixels. By eye."""
_RINGS, _SHARP_RING = 24, 17
_RING_TONE = 30
"""Percentile of a ring's pixels that is its colour: with 40 mirrored windows still colour rings,
with 25 an iris without any becomes too dark. Measured on 48 eyes (docs/maintainers/results.md)."""
_MIRRORED = 0.2
"""How much lighter than an iris a pixel is whose light goes on by half: windows do not, beneath a
lid that hid no window. Measured likewise: 0.1 and 0.3 are further from the truth."""
_RIM, _RIM_WIDTH, _FEWEST_WHITE = 1.08, 0.16, 8
"""Radii of an iris beyond which all is white, over which it becomes so, and pixels of the white
that are needed to tell its colour."""
_SLOPE_RIDGE, _UNLIKE = 0.02, 0.06
"""How much an iris counts as lit evenly; and difference from its ring's colour from which on a
pixel is a mirrored light or the pupil's edge. By eye."""
_TURNED = np.radians(75)
_TURNS = tuple(
    ((np.cos(turn), flip * np.sin(turn)), (-np.sin(turn), flip * np.cos(turn)))
    for turn, flip in ((0.0, -1), (_TURNED, 1), (-_TURNED, 1))
)
"""Ways from a place of an iris to those that may lend it their texture: below the middle what is
above it, then what lies beside it."""
_LIGHTER, _DARKER = 1.5, 6.0
"""Most of a texture, in its median: what is lighter is a mirrored light, and none is lent."""
_MOST_OFF, _SCALES = 0.24, np.array([0.75, 0.83, 0.91, 1.0, 1.1])
"""Where the edge of an iris is looked for: radii of its landmarks beside them; in their size."""
_ANGLES, _EDGE, _CONTRAST = 24, 0.08, 0.3
"""Places on an edge that are compared, at so many radii to either side, in their darkest channel:
a difference from which on it counts in full."""
_RING_RIDGE, _USUAL_SCALE, _AS_GOOD, _NO_EDGE = 1.0, 0.9, 0.05, 0.08
"""How much landmarks count, which lie outside the iris; contrast by which other circles are worse
that count nearly as much: the best alone would change from one frame to the next; and contrast
below which there is no iris. Measured on 72 eyes of 12 heads: all of a drawn eyeball is 13.5 levels
off instead of 15.6."""


@frozen(eq=False)
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


@frozen(eq=False)
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
        was_lost: heights of the source's upper and lower edge at the columns of `was_open`, and how
            far beyond them its skin is lost, up is negative. None: all skin around stands in for
            what is lost, not that of each edge by itself.
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
    was_lost: Float[np.ndarray, "2 2 was_side"] | None = None


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
    untouched = _untouched(was, before, after, at, eye, float(np.abs(gaze).max()))
    ball, shade_now = _completed(own, was, before, after, at, iris, eye, px, untouched)
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
    was: Float[np.ndarray, "side side"],
    before: Lids,
    after: Lids,
    at: Float[np.ndarray, "side side 2"],
    iris: Float[np.ndarray, "8 2"],
    eye: float,
    px: float,
    untouched: Float[np.ndarray, "side side"],
) -> tuple[Float[np.ndarray, "side side 3"], Float[np.ndarray, "..."]]:
    """Complete the eyeball as if there were no lids before it; and the shadow of the new ones.

    Args:
        own: what the source shows.
        was: share of each pixel inside the source's lids.
        before: the lids in the source.
        after: the lids in the result.
        at: places of the pixels, in parts of the crop's side.
        iris: its edge, likewise.
        eye: an eye distance, likewise.
        px: an eye distance in pixels.
        untouched: where the source's pixels may stay up to the lids.
    """
    seen, inner = (grown(was > 0.99, -inset * px) for inset in (_INSET, _SHADE_INSET))
    if seen.sum() < _FEWEST_SEEN:
        mean = own.reshape(-1, 3).mean(axis=0)
        return np.broadcast_to(mean, own.shape), np.ones(1, np.float32)
    unit, ellipse, contrast = _on_the_iris(own, seen, at, iris)
    ring = np.sqrt(unit[..., 0] * unit[..., 0] + unit[..., 1] * unit[..., 1])
    white = seen & (ring > _RIM)
    sure = np.clip(2 * blur(seen.astype(np.float32), max(0.6, _BLEND * px)) - 1, 0, 1)
    ball = _rings(own, seen, white, unit, ring)
    ball = ball + _texture(own - ball, sure, unit, ring, ellipse * (px / eye))
    shade_was, shade_now = _lid_shades(own, ball, inner, before, after, at, eye)
    own = own / np.maximum(shade_was, 1 - _MOST_SHADE)
    glint = _glint(own, was, white, ball, ring)
    glint = blur(glint.astype(np.float32), _GLINT_PX)
    keep = np.maximum(np.maximum(sure, untouched), glint)[..., None]
    # light goes on over the edge of what is seen, from the iris to the iris alone
    on = np.clip((_RIM - ring) / _RIM_WIDTH, 0, 1)
    over = own - ball
    mirrored = _darkest(over).clip(0) / _MIRRORED
    ball += on[..., None] * extended(over, sure * np.clip(2 * on - 1, 0, 1) / (1 + mirrored**2))
    if contrast < _NO_EDGE:
        plain = extended(own, sure)
        ball = plain + np.float32(max(contrast / _NO_EDGE, 0)) * (ball - plain)
    return ball + keep * (own - ball), shade_now


def _rings(
    own: Float[np.ndarray, "side side 3"],
    seen: Bool[np.ndarray, "side side"],
    white: Bool[np.ndarray, "side side"],
    unit: Float[np.ndarray, "side side 2"],
    ring: Float[np.ndarray, "side side"],
) -> Float[np.ndarray, "side side 3"]:
    """Draw an eyeball with the rings of what is seen of its iris, in a white that goes on.

    Args:
        own: what the source shows.
        seen: where that is the eyeball, without the lids' lines.
        white: where it is beyond the iris.
        unit: places in radii of the iris, from its middle.
        ring: how far they are from it.
    """
    if white.sum() < _FEWEST_WHITE:
        white = seen & (ring > 0.9) if (seen & (ring > 0.9)).any() else seen
    beyond = (ring - _RIM) / 0.5
    lit = extended(own, white / (1 + beyond * beyond))
    # a white that is lit from one side makes no light ring of the iris's edge on the other
    lit -= own[white].mean(axis=0)
    lit *= np.clip(1 - (_RIM - ring) / _RIM_WIDTH, 0, 1)[..., None]
    number = np.minimum((ring[seen] * _RINGS / 1.2).astype(int), _RINGS)
    # a window that the iris mirrors is lighter than its rings, and may fill half of what is seen
    known = np.flatnonzero(np.bincount(number))
    colours, places = (own - lit)[seen], unit[seen]
    tones = np.array(
        [
            [percentile(one, _RING_TONE if n < _RINGS else 50) for one in colours[number == n].T]
            for n in known
        ]
    )
    # rings as thin as pixels would not meet the texture that is lent to them; an edge stays sharp
    wide = np.concatenate([tones[:1], tones, tones[-1:]])
    averaged = (wide[:-2] + 2 * tones + wide[2:]) / 4
    tones = np.where((known < _SHARP_RING)[:, None], averaged, tones)
    ring_of = np.searchsorted(known, number)
    count = np.bincount(ring_of)[:, None]
    middles = np.stack([np.bincount(ring_of, one) for one in places.T], axis=1) / count
    iris = number < _RINGS
    slope = _slope((colours - tones[ring_of])[iris], (places - middles[ring_of])[iris])
    values = np.where((known < _RINGS)[:, None], tones - middles @ slope, tones)
    where = np.clip(ring * _RINGS / 1.2 - 0.5, 0, _RINGS)
    drawn = np.stack([np.interp(where, known, values[:, c]) for c in range(3)], axis=2)
    drawn += np.clip((_RIM - ring) / _RIM_WIDTH, 0, 1)[..., None] * (unit @ slope)
    return np.clip(drawn, tones.min(axis=0), tones.max(axis=0)).astype(np.float32) + lit


def _texture(
    rest: Float[np.ndarray, "side side 3"],
    sure: Float[np.ndarray, "side side"],
    unit: Float[np.ndarray, "side side 2"],
    ring: Float[np.ndarray, "side side"],
    ellipse: Float[np.ndarray, "2 2"],
) -> Float[np.ndarray, "side side 3"]:
    """Lend each place of an eyeball the texture of another one of its ring that is seen.

    Args:
        rest: what the source shows beyond rings.
        sure: how far that is the eyeball.
        unit: places in radii of the iris, from its middle.
        ring: how far they are from it.
        ellipse: a radius in pixels.
    """
    known = (sure > 0.5) & (ring < 0.9)
    usual = float(percentile(np.abs(rest[known]), 50)) if known.any() else 0.0
    usable = sure * ((-_darkest(-rest) < 4 * _LIGHTER * usual) | (ring > 0.9))
    fine = np.clip(rest, -_DARKER * usual, _LIGHTER * usual) * usable[..., None]
    fine = np.concatenate([fine, usable[..., None]], axis=2)
    rows, columns = np.mgrid[: len(rest), : len(rest)] + np.float32(0.5)
    left, texture = np.ones_like(sure), np.zeros_like(rest)
    for turn in _TURNS:
        way = unit @ (ellipse @ (np.array(turn) - np.eye(2))).T.astype(np.float32)
        there = sampled(fine, np.stack([columns, rows], axis=2) + way)
        texture += left[..., None] * there[..., :3]
        left = left * (1 - there[..., 3])
    return texture


def _darkest(picture: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns"]:
    """Return `picture.min(axis=2)`, in a tenth of the time."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    return np.minimum(np.minimum(red, green), blue)


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
    skin, light = was < 0.01, _darkest(own)
    if not (white.any() and skin.any()):
        return np.zeros_like(white)
    bound = max(
        _GLINT_OF_WHITE * float(percentile(light[white], 50)),
        _GLINT_OF_SKIN * float(percentile(light[skin], 75)),
    )
    iris, over = (was > 0.99) & (ring < 1), light - _darkest(ball)
    glint = iris & (light > bound) & (over > _GLINT)
    return glint | (grown(glint, 2) & iris & (over > _GLINT / 3))


def _on_the_iris(
    own: Float[np.ndarray, "side side 3"],
    seen: Bool[np.ndarray, "side side"],
    at: Float[np.ndarray, "side side 2"],
    iris: Float[np.ndarray, "8 2"],
) -> tuple[Float[np.ndarray, "side side 2"], Float[np.ndarray, "2 2"], float]:
    """Find the edge of an iris: where the eyeball becomes lighter outwards all around.

    Half of an iris is often hidden, and a centre that is off by a tenth of it shows two pupils:
    the one that is seen, and the one that is drawn.

    Returns:
        Places in radii of the iris, from its middle; a radius in parts of the crop's side; and how
        much lighter it is outside, at most 1.

    Source: Daugman, High confidence visual recognition of persons by a test of statistical
    independence, 1993, section III (a circle of most contrast).
    """
    middle = iris.mean(axis=0)
    turn = np.arange(8) * np.pi / 4
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    ellipse = np.linalg.lstsq(circle, iris - middle, rcond=None)[0].T
    around = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    edge = np.stack([np.cos(around), np.sin(around)], axis=1) @ ellipse.T
    along = np.linspace(-_MOST_OFF, _MOST_OFF, 7)
    x, y, scale = (one.ravel() for one in np.meshgrid(along, along, _SCALES, indexing="ij"))
    middles = middle + np.stack([x, y], axis=1) @ ellipse.T
    sides = scale[:, None] + np.array([-_EDGE, _EDGE])
    places = middles[:, None, None] + sides[..., None, None] * edge
    last = len(seen) - 1
    pixels = np.rint((places - at[0, 0]) * (last / (at[-1, -1] - at[0, 0]))).astype(int)
    columns, rows = np.moveaxis(pixels.clip(0, last), -1, 0)
    inside, outside = np.moveaxis(_darkest(own)[rows, columns], 1, 0)
    both = seen[rows, columns].all(axis=1)
    step = np.tanh((outside - inside) / _CONTRAST) * both
    contrast = step.sum(axis=1) / (both.sum(axis=1) + _ANGLES / 8)
    score = contrast - _RING_RIDGE * (x * x + y * y + (scale - _USUAL_SCALE) ** 2)
    likely = np.exp((score - score.max()) / _AS_GOOD)
    likely = likely / likely.sum()
    radius = ellipse * float(likely @ scale)
    unit = (at - likely @ middles) @ np.linalg.inv(radius).T
    return unit.astype(np.float32), radius, float(likely @ contrast)


def _untouched(
    was: Float[np.ndarray, "side side"],
    before: Lids,
    after: Lids,
    at: Float[np.ndarray, "side side 2"],
    eye: float,
    turn: float,
) -> Float[np.ndarray, "side side"]:
    """Find where the eyeball is the source's own up to lids that stay or close.

    A lid that moves off leaves its line behind, and so does an eyeball that turns beneath it.

    Args:
        was: share of each pixel inside the source's lids.
        before: the lids in the source.
        after: the lids in the result.
        at: places of the pixels, in parts of the crop's side.
        eye: an eye distance, likewise.
        turn: way of the iris, eye distances.
    """
    own = was.astype(np.float32)
    for edges, sign in (((before.upper, after.upper), 1), ((before.lower, after.lower), -1)):
        depth, now = (sign * _below(edge, at) / eye for edge in edges)
        leaves = np.clip((now - depth + turn) / _LEFT_LINE, 0, 1)
        start, over = _LEFT_START * leaves, _LEAST_EDGE + _LEFT_OVER * leaves
        own = np.minimum(own, np.clip((depth - start) / over, 0, 1).astype(np.float32))
    return own


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

    What the source shows over the completed eyeball is shadow near the lids; it goes along with the
    nearer one, so that corners stay dark, and the line of the lashes stays beneath them.

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
    (top, bottom), moved = (
        (_below(lids.upper, at), -_below(lids.lower, at)) for lids in (before, after)
    )
    step = float(at[1, 0, 1] - at[0, 0, 1])
    soft = max(0.6, _SHADE_SOFT * eye / step)
    known = blur(inner.astype(np.float32), soft)
    shade = blur(np.clip(light, 1 - _MOST_SHADE, 1) * inner, soft) / np.maximum(known, 1e-6)
    shade = extended(shade[..., None], (known > 0.05).astype(np.float32))
    depth = np.minimum(top, bottom).clip(0) / (_SHADE_REACH * eye)
    shade = 1 + (shade - 1) * np.exp(-depth * depth)[..., None]
    rows, columns = np.mgrid[: len(own), : len(own)] + np.float32(0.5)
    half, shades = ((top + bottom) / 2).clip(0), []
    for above, below in ((top, bottom), moved):
        from_upper, from_lower = above.clip(0, half) - top, bottom - below.clip(0, half)
        rows_before = rows + np.where(above < below, from_upper, from_lower) / step
        places = np.stack([columns, rows_before], axis=2).astype(np.float32)
        shades.append(sampled(shade.astype(np.float32), places))
    return shades


def _below(
    edge: Float[np.ndarray, "13 2"], at: Float[np.ndarray, "side side 2"]
) -> Float[np.ndarray, "side side"]:
    """How far places lie below a lid's edge, in parts of the crop's side."""
    edge = rightwards(smooth_arc(edge))
    return at[..., 1] - np.interp(at[0, :, 0], edge[:, 0], edge[:, 1])[None]
