"""How much of a change each pixel takes."""

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.kernels.library import call


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
