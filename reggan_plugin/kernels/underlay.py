"""Pixels laid over what runs on beneath them."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call, stored_rows


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
    colours: Float[np.ndarray, "3 height width"],
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
    shape = _checked(values)
    if share.shape != shape or colours.ndim != 3 or len(colours) != 3 or not colours.size:
        raise ValueError(
            f"Shares of {share.shape} and colours of {colours.shape} do not fit {values.shape}."
        )
    if factor < 1:
        raise ValueError(f"A block of {factor} pixels has no average.")
    result = np.require(values, np.float32, ["C", "W"])
    share, colours = (np.ascontiguousarray(one, np.float32) for one in (share, colours))
    call("lay_over", result, share, *shape, colours, *colours.shape[1:], *corner, factor)
    return result


def average_blocks(
    pixels: Float[np.ndarray, "height width 3"],
    alpha: Float[np.ndarray, "height width"] | None,
    hidden: Float[np.ndarray, "height width"] | None,
    factor: int,
    *,
    is_premultiplied: bool,
) -> Float[np.ndarray, "4 rows columns"]:
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
    sums = np.zeros((4, rows, columns), np.float32)
    known = int(is_premultiplied and alpha is not None)
    if sums.size:
        call("average_blocks", *stored, hidden, height, width, known, factor, rows, columns, sums)
    return sums


def _checked(values: Float[np.ndarray, "rows columns 3"]) -> tuple[int, int]:
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"Values of {values.shape} have no three channels.")
    return values.shape[0], values.shape[1]
