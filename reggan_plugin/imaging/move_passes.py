"""Other passes of a render moved along with the face, each by the rule that its numbers need."""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int, Plane, RegionPlane, Shaped
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.composite_motion import FrameMotion, StoredPicture, composite_motion
from reggan_plugin.imaging.crop import Region
from reggan_plugin.imaging.in_front_and_behind import Beside, Front, Underlay
from reggan_plugin.imaging.moved_part import MovedPart
from reggan_plugin.imaging.pass_rules import PassRule
from reggan_plugin.kernels.sampling import PictureSampler

_LINEAR = PixelCoding(is_linear=True, is_premultiplied=True)
_JUMP = 8.0
"""Times the usual step between neighbours that is a jump from one surface to another."""
_LEAST_DETERMINANT = 0.1
"""Of the motion's Jacobian; where it is less the motion folds, and vectors stay as they are."""
_UNIT = 0.1
"""By how much the usual length of a unit normal may differ from 1."""

Planes = Shaped[np.ndarray, "height width channels"]
RegionPlanes = Shaped[np.ndarray, "rows columns channels"]


@frozen(eq=False)
class PassMotion:
    """The change of a frame, for its passes.

    Attributes:
        parts: of the change, of one face after another.
        alpha: of the picture before the change; None if it has none.
        moves_alpha: whether that moved along.
        corner: (row, column) of the picture at which the planes begin.
    """

    parts: Sequence[MovedPart]
    alpha: Plane | None
    moves_alpha: bool
    corner: tuple[int, int]

    def region(self, part: MovedPart) -> Region:
        """Rows and columns of a part, counted from the planes' first."""
        rows, columns = (
            slice(axis.start - start, axis.stop - start)
            for axis, start in zip(part.region, self.corner, strict=True)
        )
        return rows, columns

    def front(self, part: MovedPart) -> Front | None:
        """Return what stands before the face of a part, likewise."""
        row, column = self.corner
        return None if part.front is None else part.front.moved(-column, -row)

    def beside(self, part: MovedPart) -> Beside | None:
        """Return what the head of a part moves over, likewise."""
        row, column = self.corner
        return None if part.beside is None else part.beside.moved(-column, -row)


@np.errstate(invalid="ignore", over="ignore")
def move_pass(planes: Planes, rule: PassRule, motion: PassMotion) -> None:
    """Move the channels of a pass, in place; pixels without a change keep their bits.

    A pass may hold infinite numbers, and stays so.
    """
    for _, of_face in groupby(motion.parts, key=lambda part: part.face):
        before = planes.copy()
        for part in of_face:
            region = motion.region(part)
            if rule in ("light", "colour"):
                planes[region] = _filtered(before, rule, motion, part, region)
                continue
            rows, columns = np.nonzero(part.weight > 0)
            if rows.size:
                places = _Places.of(part, motion, region, rows, columns)
                planes[region][rows, columns] = _MOVES[rule](before, places, part)


@frozen(eq=False)
class _Places:
    """The changed pixels of a part, and where in the planes their surfaces come from."""

    rows: Int[np.ndarray, " places"]
    columns: Int[np.ndarray, " places"]
    x: Float[np.ndarray, " places"]
    y: Float[np.ndarray, " places"]
    nearest: tuple[Int[np.ndarray, " places"], Int[np.ndarray, " places"]]

    @classmethod
    def of(
        cls,
        part: MovedPart,
        motion: PassMotion,
        region: Region,
        rows: Int[np.ndarray, " places"],
        columns: Int[np.ndarray, " places"],
    ) -> "_Places":
        """From the part's displacement; a place that shows no face is the pixel's own."""
        right, down = (part.displacement[rows, columns, axis] for axis in (0, 1))
        own_y, own_x = rows + region[0].start, columns + region[1].start
        x, y = own_x + right.astype(np.float64), own_y + down.astype(np.float64)
        if motion.alpha is not None:
            height, width = motion.alpha.shape
            there = motion.alpha[
                np.clip(np.rint(y), 0, height - 1).astype(np.int64),
                np.clip(np.rint(x), 0, width - 1).astype(np.int64),
            ]
            outside = (there == 0) & (motion.alpha[own_y, own_x] > 0)
            x, y = np.where(outside, own_x, x), np.where(outside, own_y, y)
        front = motion.front(part)
        if front is not None:
            x, y = _kept_behind(front, (own_x, own_y), (x, y))
        near = np.rint(y).astype(np.int64), np.rint(x).astype(np.int64)
        return cls(rows=rows, columns=columns, x=x, y=y, nearest=near)

    def pick(self, planes: Planes) -> Shaped[np.ndarray, "places channels"]:
        """Return the nearest pixels' values, bit for bit."""
        height, width = planes.shape[:2]
        y, x = self.nearest
        return planes[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]


def _kept_behind(
    front: Front,
    own: tuple[Int[np.ndarray, " places"], Int[np.ndarray, " places"]],
    source: tuple[Float[np.ndarray, " places"], Float[np.ndarray, " places"]],
) -> tuple[Float[np.ndarray, " places"], Float[np.ndarray, " places"]]:
    """Where surfaces come from, (x, y): at the front and behind it the pixel's own place."""
    (own_x, own_y), (x, y) = own, source
    stays = np.zeros(len(x), bool)
    for across, down in (
        (own_x, own_y),
        (np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)),
    ):
        if len(x):
            rows = slice(int(down.min()), int(down.max()) + 1)
            columns = slice(int(across.min()), int(across.max()) + 1)
            stays |= front.stays((rows, columns))[down - rows.start, across - columns.start]
    return np.where(stays, own_x, x), np.where(stays, own_y, y)


def _filtered(
    before: Planes, rule: PassRule, motion: PassMotion, part: MovedPart, region: Region
) -> RegionPlanes:
    """Filter as the picture itself is: straight values, continued beneath the rim."""
    count = before.shape[2]
    pixels = np.empty((*before.shape[:2], 3), np.float32)
    pixels[..., :count] = before
    pixels[..., count:] = before[..., count - 1 :]
    front = motion.front(part)
    underlay = Underlay(pixels, motion.alpha, region, is_premultiplied=True, front=front)
    source = StoredPicture(
        pixels=pixels,
        alpha=motion.alpha,
        coding=_LINEAR,
        underlay=underlay,
        beside=motion.beside(part),
    )
    gain = part.log_gain if rule == "light" else np.zeros_like(part.log_gain)
    change = FrameMotion(
        displacement=part.displacement,
        footprint=part.footprint,
        log_gain=gain,
        cover=np.zeros_like(part.cover),
        paint=np.zeros_like(part.paint),
        weight=part.weight,
    )
    moved = composite_motion(source, change, region, moves_alpha=motion.moves_alpha)
    changed = moved.weight > 0
    result = before[region].copy()
    result[changed] = moved.pixels[..., :count][changed].astype(before.dtype)
    return result


def _nearest(
    before: Planes, places: _Places, part: MovedPart
) -> Shaped[np.ndarray, "places channels"]:
    del part
    return places.pick(before)


def _across_jumps(
    before: Planes, places: _Places, part: MovedPart
) -> Shaped[np.ndarray, "places channels"]:
    """In straight lines between four pixels of one surface; the nearest where they are of two."""
    del part
    values = before.astype(np.float32)
    height, width = values.shape[:2]
    x, y = np.clip(places.x, 0, width - 1), np.clip(places.y, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    corners = np.stack(
        [values[top, left], values[top, right], values[bottom, left], values[bottom, right]]
    )
    across, down = x - left, y - top
    shares = ((1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across)
    between = np.einsum("cpk,cp->pk", corners, np.stack(shares).astype(np.float32))
    low, high = corners.min(axis=0), corners.max(axis=0)
    between, step = np.clip(between, low, high), high - low  # which rounding left
    finite = step[np.isfinite(step).all(axis=1)]
    usual = np.median(finite, axis=0, keepdims=True) if len(finite) else 0.0
    smooth = (step <= _JUMP * usual).all(axis=1) & np.isfinite(between).all(axis=1)
    exact = (across == 0) & (down == 0)
    taken = (smooth & ~exact)[:, None]
    return np.where(taken, between.astype(before.dtype), places.pick(before))


def _normals(
    before: Planes, places: _Places, part: MovedPart
) -> Shaped[np.ndarray, "places channels"]:
    """Return filtered, then as long as the nearest one was; kept in [0, 1] where they are stored
    so.
    """
    del part
    near = places.pick(before).astype(np.float32)
    is_encoded = _are_encoded(near)
    values = before.astype(np.float32)
    values = 2 * values - 1 if is_encoded else values
    near = 2 * near - 1 if is_encoded else near
    moved = PictureSampler(np.nan_to_num(values)).at(places.x, places.y)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    wanted = np.linalg.norm(near, axis=1, keepdims=True)
    usable = (length > 0) & np.isfinite(wanted)
    turned = np.where(usable, moved * wanted / np.where(usable, length, 1), near)
    return np.asarray((turned + 1) / 2 if is_encoded else turned).astype(before.dtype)


def _are_encoded(normals: Float[np.ndarray, "places channels"]) -> bool:
    """Tell whether 0 to 1 stands for -1 to 1: then they have length 1 after and not before
    decoding.
    """
    if not (normals >= 0).all():
        return False
    as_is, decoded = (
        float(np.median(np.abs(np.linalg.norm(n, axis=1) - 1))) for n in (normals, 2 * normals - 1)
    )
    return decoded < _UNIT < as_is


def _vectors(
    before: Planes, places: _Places, part: MovedPart
) -> Shaped[np.ndarray, "places channels"]:
    """Vectors on the picture in pairs (x, y), y upwards, through the inverse of the Jacobian."""
    moved = _across_jumps(before, places, part).astype(np.float32)
    xx, xy, yx, yy = (one[places.rows, places.columns] for one in _jacobian(part.displacement))
    determinant = xx * yy - xy * yx
    usable = determinant > _LEAST_DETERMINANT
    safe = np.where(usable, determinant, 1)
    for first in range(0, moved.shape[1] - 1, 2):
        x, y = moved[:, first].copy(), -moved[:, first + 1]
        moved[:, first] = np.where(usable, (yy * x - xy * y) / safe, x)
        moved[:, first + 1] = np.where(usable, -(xx * y - yx * x) / safe, -y)
    return moved.astype(before.dtype)


def _jacobian(displacement: Float[np.ndarray, "rows columns 2"]) -> tuple[RegionPlane, ...]:
    """Of the way from a pixel to where it comes from: d x/d x, d x/d y, d y/d x, d y/d y."""
    if min(displacement.shape[:2]) < 2:
        zeros = np.zeros(displacement.shape[:2], np.float32)
        return zeros + 1, zeros, zeros, zeros + 1
    (xy, xx), (yy, yx) = (np.gradient(displacement[..., axis]) for axis in (0, 1))
    return xx + 1, xy, yx, yy + 1


_Move = Callable[[Planes, _Places, MovedPart], Shaped[np.ndarray, "places channels"]]
_MOVES: dict[PassRule, _Move] = {
    "nearest": _nearest,
    "depth": _across_jumps,
    "normal": _normals,
    "motion": _vectors,
}


def changed_by(parts: Sequence[MovedPart], shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return the pixels of a picture that a change touches."""
    changed = np.zeros(shape, bool)
    for part in parts:
        changed[part.region] |= part.weight > 0
    return changed
