"""Rows and columns of a frame: parts of rectangles, and the part that a model's answer changes."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.crop import Region


def part_inside(part: Region, region: Region) -> Region:
    """Return the same rows and columns, counted from the region's corner."""
    (rows, columns), (top, left) = part, (axis.start for axis in region)
    return (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )


def box_of(values: Float[np.ndarray, "rows columns"], region: Region) -> Region:
    """Return the rows and columns of a region in which values are above 0."""
    rows, columns = (np.flatnonzero((values > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(region[0].start, region[0].start), slice(region[1].start, region[1].start)
    top, left = region[0].start, region[1].start
    return (
        slice(top + int(rows[0]), top + int(rows[-1]) + 1),
        slice(left + int(columns[0]), left + int(columns[-1]) + 1),
    )


def clipped(corners: Float[np.ndarray, "corners 2"], region: Region) -> Region:
    """Return the part of a region that a polygon with these corners lies in; may be empty."""
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    edges = [
        np.clip([low[axis], high[axis]], within.start, within.stop).astype(int).tolist()
        for axis, within in ((1, region[0]), (0, region[1]))
    ]
    return slice(*edges[0]), slice(*edges[1])
