"""Arithmetic of points and directions in space, where there is no numpy and no mathutils."""

import math
from collections.abc import Sequence

Point = tuple[float, float, float]


def mixed(factors: Sequence[float], points: Sequence[Sequence[float]]) -> Point:
    """Return the sum of points, each times its factor."""
    x, y, z = (sum(f * p[i] for f, p in zip(factors, points, strict=True)) for i in range(3))
    return x, y, z


def middle(a: Point, b: Point) -> Point:
    """Half-way between two points."""
    return mixed((0.5, 0.5), (a, b))


def difference(a: Point, b: Point) -> Point:
    """Return the way from `b` to `a`."""
    return mixed((1, -1), (a, b))


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the scalar product."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def length(a: Point) -> float:
    """Length of a vector."""
    return math.sqrt(dot(a, a))


def unit(a: Point) -> Point:
    """Return the same direction, of length 1."""
    return mixed((1 / length(a),), (a,))


def cross(a: Point, b: Point) -> Point:
    """Return the vector product: at right angles to both."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def without_part_along(a: Point, axis: Point) -> Point:
    """Return the part of `a` at right angles to `axis`, which may have any length but 0."""
    return mixed((1, -dot(a, axis) / dot(axis, axis)), (a, axis))
