"""Pixels, each where it is: colour, light, blur, blends, how much of a change each takes, PNG's
filters; percentile and median of values.

The latter are NumPy's, bit for bit, without `numpy.ma`, which NumPy's own load.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int, Pixels, Plane, Shaped, UInt8
from reggan_plugin.kernels.library import call, rows_of, stored_rows

BYTES_BEHIND, _LAST_FILTER = 8, 4
"""That a kernel reads beyond its last pixel, as LANES in png_filters.c; and PNG's number for the
last of its filters."""
_CELLS, _STEP, _TERMS = 1024, 21, 6


def srgb_curve(
    values: Float[np.ndarray, "*shape"], *, is_back: bool
) -> Float[np.ndarray, "*shape"]:
    """Put values through the curve of sRGB, or back, float32; it is odd, and goes on beyond 1.

    Args:
        values: of any kind; what is not finite stays as it is.
        is_back: from encoded to linear values.
    """
    values = np.ascontiguousarray(values, np.float32)
    result = np.empty(values.shape, np.float32)
    power = _power(2.4 if is_back else 1 / 2.4)
    call("srgb_curve", values, values.size, power, int(is_back), result)
    return result


def lie_within(values: Float[np.ndarray, "*shape"]) -> bool:
    """Tell whether all values lie in [0, 1], so that each is a number; true of none."""
    if values.dtype != np.float32:
        return bool(((values >= 0) & (values <= 1)).all())
    rows = values if values.ndim > 1 else values[None]
    if not rows.size:
        return True
    answer = np.zeros(1, np.int64)
    call("lie_within", *rows_of(rows), len(rows), rows[0].size, answer)
    return bool(answer[0])


def display_pixels(
    pixels: Float[np.ndarray, "rows columns 3"],
    alpha: Float[np.ndarray, "rows columns"] | None,
    gain: float | None,
) -> Float[np.ndarray, "rows columns 3"]:
    """Return stored pixels as a display image, float32; what is not finite stays so.

    Args:
        pixels: as stored.
        alpha: by which they are divided where it is finite and above 0; None if by nothing.
        gain: factor on linear values before they are encoded; None if they are encoded already.
    """
    result = np.empty((*pixels.shape[:2], 3), np.float32)
    power = None if gain is None else _power(1 / 2.4)
    stored = stored_rows(pixels, alpha)
    call("display_pixels", *stored, float(1 if gain is None else gain), power, result)
    return result


def tones(
    pixels: Float[np.ndarray, "rows columns 3"],
    alpha: Float[np.ndarray, "rows columns"] | None,
    weights: Float[np.ndarray, "3"],
    *,
    gain: float = 1.0,
    is_encoded: bool = False,
    is_held: bool = False,
) -> Float[np.ndarray, "rows columns"]:
    """Weigh the colours of stored pixels, float32.

    Args:
        pixels: as stored.
        alpha: by which they are divided where it is finite and above 0; None if by nothing.
        weights: of the three colours.
        gain: factor on the colours.
        is_encoded: whether they are then put through the curve of sRGB.
        is_held: whether they are then held in [0, 1].
    """
    weights = np.ascontiguousarray(weights, np.float32)
    if weights.shape != (3,):
        raise ValueError(f"{weights} weigh no three colours.")
    result = np.empty(pixels.shape[:2], np.float32)
    power = _power(1 / 2.4) if is_encoded else None
    stored = stored_rows(pixels, alpha)
    call("tones", *stored, float(gain), power, int(is_held), weights, result)
    return result


def relight(
    values: Float[np.ndarray, "pixels 3"],
    index: Int[np.ndarray, " pixels"],
    gains: Float[np.ndarray, "channels places"],
    cover: Float[np.ndarray, " places"] | None,
    paint: Float[np.ndarray, "places 3"] | None,
    *,
    exposure: float,
    is_encoded: bool,
) -> None:
    """Change the light of pixels and lay paint over them, in place, in linear light.

    Args:
        values: of the pixels, float32.
        index: the place of each.
        gains: factors on light at the places, of one channel for all or of three.
        cover: how far paint covers, 0 to 1; None if nowhere.
        paint: encoded by the curve of sRGB.
        exposure: factor on the light of paint.
        is_encoded: whether the pixels are encoded, too; else they are linear.
    """
    channels, size = gains.shape
    planes = [
        None if one is None else np.ascontiguousarray(one, np.float32) for one in (cover, paint)
    ]
    fits = all(one is None or len(one) == size for one in planes)
    is_whole = values.dtype == np.float32 and values.flags.c_contiguous
    if channels not in (1, 3) or not fits or values.shape != (len(index), 3) or not is_whole:
        raise ValueError(f"{values.shape}, {gains.shape} and what covers them do not fit.")
    if (cover is None) != (paint is None) or (size == 0 and len(index)):
        raise ValueError("Paint needs to say how far it covers.")
    index, gains = np.ascontiguousarray(index, np.int64), np.ascontiguousarray(gains, np.float32)
    encoded = _power(1 / 2.4) if is_encoded else None
    counted = values, index, len(index), size, gains, channels
    call("relight", *counted, *planes, float(exposure), encoded, _power(2.4))


def floats_from_halves(
    channels: Sequence[Float[np.ndarray, "rows columns"]],
) -> Float[np.ndarray, "rows columns 3"]:
    """Return float32 pixels of three channels of half floats, each value as it is."""
    shape = channels[0].shape
    if len(channels) != 3 or any(one.shape != shape for one in channels):
        raise ValueError(f"Channels of {[one.shape for one in channels]} make no pixels.")
    result = np.empty((*shape, 3), np.float32)
    halves = [np.ascontiguousarray(one, np.float16) for one in channels]
    call("floats_from_halves", *halves, halves[0].size, result)
    return result


@cache
def _power(exponent: float) -> Float[np.ndarray, " numbers"]:
    """Return what `colour.c` raises with: its cells, then the series of (1 + t)^exponent."""
    bits = np.arange(_CELLS, dtype=np.uint32) << np.uint32(_STEP)
    with np.errstate(invalid="ignore"):
        low = bits.view(np.float32).astype(np.float64)
    cells = np.zeros((_CELLS, 4), np.float32)
    middle = (low + np.append(low[1:], np.inf)) / 2
    usable = np.isfinite(middle) & (bits < np.uint32(0x7F800000)) & (low > 0)
    with np.errstate(over="ignore", under="ignore"):
        cells[usable, 0] = middle[usable]
        cells[usable, 1] = 1 / middle[usable]
        cells[usable, 2] = middle[usable] ** exponent
    terms = [1.0]
    for number in range(1, _TERMS):
        terms.append(terms[-1] * (exponent - number + 1) / number)
    return np.append(cells.ravel(), np.array(terms, np.float32))


_TOGETHER = 16
"""Pixels whose medians are found at once."""

_WIDEST = 1e5
"""Pixels of a blur; the largest picture has 16,384 to a side."""


def largest_around(
    levels: Shaped[np.ndarray, "rows columns"], reach: int
) -> Shaped[np.ndarray, "rows columns"]:
    """Return the largest values up to `reach` pixels away in x and y.

    Args:
        levels: whole numbers from 0 to 255, or whether a pixel is set.
        reach: in pixels.
    """
    if levels.ndim != 2 or levels.itemsize != 1 or reach < 0:
        raise ValueError(f"Levels of {levels.dtype} {levels.shape} have no {reach} pixels around.")
    levels = np.ascontiguousarray(levels)
    part, result = np.empty_like(levels), np.zeros_like(levels)
    call("largest_around", levels, *levels.shape, reach, part, result)
    return result


def follow_edges(
    mask: Float[np.ndarray, "rows columns"],
    guide: Float[np.ndarray, "rows columns"],
    reach: int,
    soft: float,
) -> Float[np.ndarray, "rows columns"]:
    """Let a mask follow the edges of its guide, float32; beyond the border the edge goes on.

    Args:
        mask: a coarse one.
        guide: a picture of the same size, in one channel.
        reach: in squares of 2 reach + 1 pixels the mask becomes a straight line of the guide.
        soft: variance of the guide below which a square counts as flat: there the mask stays soft.

    Source: He, Sun and Tang, Guided image filtering, ECCV 2010.
    """
    if mask.ndim != 2 or mask.shape != guide.shape or reach < 0:
        raise ValueError(f"A mask of {mask.shape} cannot follow {guide.shape} by {reach} pixels.")
    mask, guide = (np.ascontiguousarray(one, np.float32) for one in (mask, guide))
    parts, sums = np.empty((4, *mask.shape), np.float32), np.empty(mask.shape[1])
    result = np.empty_like(mask)
    if mask.size:
        call("follow_edges", guide, mask, *mask.shape, reach, float(soft), parts, sums, result)
    return result


def median_around(
    levels: UInt8[np.ndarray, "rows columns"], reach: int
) -> UInt8[np.ndarray, "rows columns"]:
    """Return medians over squares of 2 reach + 1 pixels, 15 at most; edges go on."""
    if levels.ndim != 2 or levels.dtype != np.uint8 or not 0 <= reach <= 7:
        raise ValueError(f"Levels of {levels.dtype} {levels.shape} have no {reach} pixels around.")
    wide = np.pad(levels, ((reach, reach), (reach, reach + _TOGETHER)), mode="edge")
    result = np.empty(levels.shape, np.uint8)
    call("median_around", wide, *levels.shape, reach, result)
    return result


def blur(
    plane: Float[np.ndarray, "rows columns"], sigma: float
) -> Float[np.ndarray, "rows columns"]:
    """Blur values from 0 to 1 by a Gaussian of a width in pixels, float32; edges go on.

    What is less than half a level of 255 becomes 0.

    Source: Gwosdek et al., Theoretical foundations of Gaussian convolution by extended box
    filtering, SSVM 2011 (three boxes whose ends count in part).
    """
    if plane.ndim != 2 or not 0 <= sigma <= _WIDEST:
        raise ValueError(f"A plane of {plane.shape} cannot be blurred by {sigma} pixels.")
    plane = np.ascontiguousarray(plane, np.float32)
    variance = sigma * sigma / 3
    whole = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    part /= 6 * (variance - (whole + 1) ** 2)
    some, other, result = np.empty_like(plane), np.empty_like(plane), np.zeros_like(plane)
    if plane.size:
        sums = np.empty(max(plane.shape))
        call("blur", plane, *plane.shape, whole + part, some, other, sums, result)
    return result


def run_on(
    values: Float[np.ndarray, "rows columns channels"], weight: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns channels"]:
    """Complete values that are known in part, float32.

    Args:
        values: multiplied by their weights, finite. Where a weight is 1 they stay as they are.
            They are written over, if they are whole float32 values.
        weight: how far they are known, 0 to 1.

    Source: Gortler et al., The lumigraph, SIGGRAPH 1996, section 3.4 (pull and push).
    """
    rows, columns, channels = values.shape
    if weight.shape != (rows, columns):
        raise ValueError(f"Weights of {weight.shape} do not fit values of {values.shape}.")
    result = np.require(values, np.float32, ["C", "W"])
    weight = np.ascontiguousarray(weight, np.float32)
    cells, height, width = 0, rows, columns
    while height > 2 or width > 2:
        height, width = (height + 1) // 2, (width + 1) // 2
        cells += height * width
    levels = np.empty(cells * (channels + 1), np.float32)
    call("run_on", result, weight, rows, columns, channels, levels)
    return result


def line_ends(
    is_open: Bool[np.ndarray, "rows columns"],
    is_known: Bool[np.ndarray, "rows columns"],
    own: Int[np.ndarray, " pixels"],
    ways: Int[np.ndarray, "lines steps 2"],
) -> tuple[Int[np.ndarray, "lines pixels"], Float[np.ndarray, "lines pixels"]]:
    """Go from pixels along lines as long as all is open.

    Args:
        is_open: where a line goes on.
        is_known: where it ends.
        own: flat indices of the pixels.
        ways: rows and columns from a pixel at each step of a line.

    Returns:
        Flat indices of what is known at the first step that is not open, -1 where that is not known
        or where there are no more steps; and the number of steps, all of them for -1.
    """
    rows, columns = is_open.shape
    own, ways = np.ascontiguousarray(own, np.int64), np.ascontiguousarray(ways, np.int64)
    is_inside = not len(own) or (own.min() >= 0 and own.max() < is_open.size)
    if is_known.shape != is_open.shape or ways.shape[2:] != (2,) or not is_inside:
        raise ValueError(f"{own} and {ways.shape} do not fit {is_open.shape}.")
    state = np.ascontiguousarray(is_open + 2 * is_known, np.uint8)
    ends = np.empty((len(ways), len(own)), np.int64)
    steps = np.empty(ends.shape, np.float32)
    sizes = rows, columns, own, len(own)
    call("line_ends", state, *sizes, ways, len(ways), ways.shape[1], ends, steps)
    return ends, steps


def sureness(
    values: Float[np.ndarray, "rows columns 3"],
    alpha: Float[np.ndarray, "rows columns"] | None,
    hidden: Float[np.ndarray, "rows columns"] | None,
    ramp: tuple[float, float],
) -> Float[np.ndarray, "rows columns"] | None:
    """How far each pixel counts, float32; None if all count in full.

    Args:
        values: a pixel with any that is not finite counts for nothing.
        alpha: NaN is 0 and infinity 1; None if all pixels are opaque.
        hidden: how far something stands before each; None if nothing does.
        ramp: up to the first alpha a pixel counts for nothing, from the second on in full.
    """
    if hidden is not None and hidden.shape != values.shape[:2]:
        raise ValueError(f"What is hidden, {hidden.shape}, does not fit values of {values.shape}.")
    *stored, rows, columns = stored_rows(values, alpha)
    hidden = None if hidden is None else np.ascontiguousarray(hidden, np.float32)
    share, few = np.empty((rows, columns), np.float32), np.zeros(1, np.uint8)
    unsure, span = float(ramp[0]), float(ramp[1] - ramp[0])
    call("sureness", *stored, hidden, rows, columns, unsure, span, share, few)
    return share if few[0] else None


def lay_over(
    values: Float[np.ndarray, "rows columns 3"],
    share: Float[np.ndarray, "rows columns"],
    colours: Pixels,
    corner: tuple[int, int],
    factor: int,
) -> Float[np.ndarray, "rows columns 3"]:
    """Lay values over colours by their share; what is not finite is 0.

    Args:
        values: written over, if they are whole float32 values; where the share is 1 they stay.
        share: 0 to 1.
        colours: averages over blocks of pixels, finite; between the blocks' middles they lie on
            straight lines, and beyond them the edge goes on.
        corner: row and column of the first value, counted in pixels from the first block's corner.
        factor: side of a block, in pixels.
    """
    shape = values.shape[:2]
    if values.shape != (*shape, 3):
        raise ValueError(f"Values of {values.shape} have no three channels.")
    if share.shape != shape or colours.ndim != 3 or colours.shape[2] != 3 or not colours.size:
        raise ValueError(
            f"Shares of {share.shape} and colours of {colours.shape} do not fit {values.shape}."
        )
    if factor < 1:
        raise ValueError(f"A block of {factor} pixels has no average.")
    result = np.require(values, np.float32, ["C", "W"])
    share, colours = (np.ascontiguousarray(one, np.float32) for one in (share, colours))
    call("lay_over", result, share, *shape, colours, *colours.shape[:2], *corner, factor)
    return result


def average_blocks(
    pixels: Pixels,
    alpha: Plane | None,
    hidden: Plane | None,
    factor: int,
    *,
    is_premultiplied: bool,
) -> tuple[Float[np.ndarray, "rows columns 3"], Float[np.ndarray, "rows columns"]]:
    """Average what is known of colours over blocks of pixels, at the far edges over what is left.

    Args:
        pixels: as stored; one with any that is not finite counts for nothing.
        alpha: how far each counts; what is not finite is 0. None if all are opaque.
        hidden: how far something stands before each; None if nothing does.
        factor: side of a block, in pixels.
        is_premultiplied: whether the pixels are multiplied by alpha.

    Returns:
        The three colours times their weight, and the weight.
    """
    if hidden is not None and hidden.shape != pixels.shape[:2]:
        raise ValueError(f"What is hidden, {hidden.shape}, does not fit {pixels.shape}.")
    if factor < 1:
        raise ValueError(f"A block of {factor} pixels has no average.")
    hidden = None if hidden is None else np.ascontiguousarray(hidden, np.float32)
    *stored, height, width = stored_rows(pixels, alpha)
    rows, columns = -(-height // factor), -(-width // factor)
    colours = np.zeros((rows, columns, 3), np.float32)
    weight = np.zeros((rows, columns), np.float32)
    known = int(is_premultiplied and alpha is not None)
    if weight.size:
        sizes = height, width, known, factor, rows, columns
        call("average_blocks", *stored, hidden, *sizes, colours, weight)
    return colours, weight


def undo_png_filters(
    rows: UInt8[np.ndarray, " bytes"], height: int, width: int, step: int
) -> UInt8[np.ndarray, "height width step"] | None:
    """Undo what PNG's filters did to rows of pixels, in place; None if one has no filter of PNG's.

    Args:
        rows: each with the number of its filter before it; then `BYTES_BEHIND`, which are read.
        height: number of rows.
        width: pixels of each.
        step: bytes of a pixel, up to 8.
    """
    along = width * step
    if (
        height < 1
        or width < 1
        or not 0 < step <= BYTES_BEHIND
        or len(rows) != height * (along + 1) + BYTES_BEHIND
    ):
        raise ValueError(f"{len(rows)} bytes are not {height} rows of {width} pixels of {step}.")
    if rows[: -BYTES_BEHIND : along + 1].max() > _LAST_FILTER:
        return None
    call("undo_filters", rows, height, along, step)
    return rows[: height * along].reshape(height, width, step)


def is_sound_lzw(stream: bytes) -> bool:
    """Tell whether all codes of a TIFF's LZW stream name what its table has by then."""
    answer = np.zeros(1, np.int64)
    call("look_at_lzw", np.frombuffer(stream, np.uint8), len(stream), answer)
    return bool(answer[0])


def filter_png_rows(
    rows: UInt8[np.ndarray, "height bytes"],
    step: int,
    above: UInt8[np.ndarray, "1 bytes"] | None = None,
) -> UInt8[np.ndarray, "height one_more"]:
    """Filter rows as PNG does, each by what leaves least of it, and put the filter's number first.

    Each byte becomes its difference from the pixel to the left, from the row above, or from the
    average of both.

    Args:
        rows: of pixels.
        step: bytes of a pixel.
        above: the row before the first one; None if there is none.
    """
    height, width = rows.shape
    above = np.zeros((1, width), np.uint8) if above is None else np.ascontiguousarray(above)
    if above.shape != (1, width) or not 0 < step <= width:
        raise ValueError(f"Rows of {rows.shape}, {step} a pixel, do not go on {above.shape}.")
    result = np.empty((height, width + 1), np.uint8)
    call("filter_rows", np.ascontiguousarray(rows), height, width, step, above, result)
    return result


def blended(
    values: Float[np.ndarray, "rows columns 3"],
    over: Float[np.ndarray, "rows columns 3"],
    share: Float[np.ndarray, "rows columns"],
) -> Float[np.ndarray, "rows columns 3"]:
    """Lay colours over others by a share, 0 to 1; `values` are written over if they are float32."""
    result = np.require(values, np.float32, ["C", "W"])
    over, share = (np.ascontiguousarray(one, np.float32) for one in (over, share))
    if result.shape != over.shape or result.shape != (*share.shape, 3):
        raise ValueError(f"{over.shape} by {share.shape} do not fit {result.shape}.")
    call("blend", result, over, share, share.size)
    return result


def weigh_change(
    displacement: Float[np.ndarray, "2 rows columns"],
    light: Float[np.ndarray, "channels rows columns"],
    cover: Float[np.ndarray, "rows columns"],
    takes: Float[np.ndarray, "rows columns"],
    full: tuple[float, float, float],
    least: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Float[np.ndarray, "rows columns"]]:
    """Weigh a change, and multiply it by its weight: what is too small does not count.

    Args:
        displacement: written over, as the next two are, if they are whole float32 values.
        light: change of its logarithm.
        cover: 0 or 1, soft between.
        takes: what each pixel takes of the change, in [0, 1].
        full: displacement, light and cover from which on a change counts in full.
        least: part of them up to which it counts for nothing.

    Returns:
        The three of them, and the weight: 0 to 1.
    """
    planes = [np.require(one, np.float32, ["C", "W"]) for one in (displacement, light, cover)]
    takes, weight = np.ascontiguousarray(takes, np.float32), np.empty(cover.shape, np.float32)
    shapes = [one.shape[-2:] for one in (*planes, takes)]
    if len(displacement) != 2 or shapes != 4 * [weight.shape]:
        raise ValueError(f"Planes of {shapes} are not those of one change.")
    moved, lit, covered = planes
    per = (float(np.float32(1 / one)) for one in full)
    call(
        "weigh_change",
        moved,
        lit,
        len(lit),
        covered,
        takes,
        weight.size,
        *per,
        float(least),
        weight,
    )
    return moved, lit, covered, weight


def put_in_place(
    values: Float[np.ndarray, "places 3"],
    index: Int[np.ndarray, " places"],
    pixels: Float[np.ndarray, "rows columns 3"],
    weight: Float[np.ndarray, "rows columns"],
    change: Float[np.ndarray, "rows columns"],
    front: Float[np.ndarray, " pixels"] | None,
) -> None:
    """Put moved values among pixels, in place; one that is not finite leaves its pixel as it is.

    Args:
        values: moved.
        index: of their places in the flattened region, rising.
        pixels: before; written over.
        weight: takes the weight of the change where a pixel was moved.
        change: weight of the change.
        front: share of each pixel that stays, since something stands before it; None if none does.
    """
    planes = values, pixels, weight
    is_whole = all(one.dtype == np.float32 and one.flags.c_contiguous for one in planes)
    if not is_whole or index.dtype != np.int64 or not index.flags.c_contiguous:
        raise ValueError("Values, pixels and weights are not what a kernel writes to.")
    sizes = [
        len(values),
        pixels.size // 3,
        change.size,
        change.size if front is None else front.size,
    ]
    if sizes != [len(index), *3 * [weight.size]] or (
        len(index) and not 0 <= index[0] <= index[-1] < weight.size
    ):
        raise ValueError(f"Planes of {sizes} do not fit {len(index)} places of {weight.size}.")
    change = np.ascontiguousarray(change, np.float32)
    front = None if front is None else np.ascontiguousarray(front, np.float32)
    call("put_in_place", values, index, len(index), front, change, pixels, weight)


def percentile(values: Float[np.ndarray, "..."], percent: float) -> np.floating:
    """Return the value that so many per cent of `values` (floats, at least one) do not exceed.

    Between two of them it lies on a straight line, as NumPy's does by default.
    """
    place = percent / 100 * (values.size - 1)
    low = int(place)
    high = min(low + 1, values.size - 1)
    parted = np.partition(values, (low, high), axis=None)
    share, step = place - low, parted[high] - parted[low]
    return parted[low] + step * share if share < 0.5 else parted[high] - step * (1 - share)


def median(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " columns"]:
    """Return the middle value of each column, or the mean of the two in the middle."""
    last = len(rows) - 1
    middle = last // 2, (last + 1) // 2
    return np.partition(rows, middle, axis=0)[list(middle)].mean(axis=0)
