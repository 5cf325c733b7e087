"""Lips that meet each other and lie on the teeth; teeth, gums and tongue as one bite.

The bite keeps its form on every head: it is moved and scaled as a whole to where the hollow of
the mouth went. Its upper half never moves, its lower half turns with the jaw.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.frozen import frozen
from reggan_plugin.rig.own_teeth import pieces_of
from reggan_training.heads.anatomy.assets import (
    Faces,
    HeadAssets,
    PerPoint,
    Points,
    Proxy,
    mirrored_rows,
    part_of_mesh,
)
from reggan_training.heads.head import rise, unit

# The lowest points of the upper lip and the highest of the lower lip on hm08, from the middle to
# the avatar's own left corner of the mouth.
_UPPER_LINE = (474, 7229, 7228, 7227, 7226, 11964, 7225, 7181, 7179, 7178, 7193, 10401, 7188)
_LOWER_LINE = (523, 7264, 7265, 7230, 7197, 7206, 7204, 10376, 7192)
_UPPER_BONES = ("oris05", "oris03.L", "oris03.R", "levator06.L", "levator06.R")
_LOWER_BONES = ("oris01", "oris07.L", "oris07.R", "jaw")
_LINE_HEIGHT, _LINE_RISE = 0.6606, 1.3
"""Height of the base mesh's lip line in its middle, and how it rises with the side's square."""
_HALF_MOUTH = 0.0246
_PLACES = 45
_OVERLAP = 0.0004
_UPPER_SHARE = 0.35


@frozen(eq=False)
class LipSide:
    """One lip: its points with how far each goes along when it moves, and the line that meets.

    `side` and `line_side` are places across the base mesh's mouth, metres from its middle.
    """

    rows: Int[np.ndarray, " points"]
    share: PerPoint
    side: PerPoint
    line: Int[np.ndarray, " line"]
    line_side: Float[np.ndarray, " line"]

    def heights(self, body: Points) -> Float[np.ndarray, " places"]:
        """Height of the line at each place across the mouth."""
        return np.interp(_places(), self.line_side, body[self.line, 2])

    def lift(self, body: Points, by: Float[np.ndarray, " places"]) -> None:
        """Raise the lip in place by so much at each place across the mouth."""
        body[self.rows, 2] += self.share * np.interp(self.side, _places(), by)


@frozen(eq=False)
class Lips:
    """Both lips."""

    upper: LipSide
    lower: LipSide

    def gaps(self, body: Points) -> Float[np.ndarray, " places"]:
        """Distance of the lips at each place across the mouth, metres; below 0: overlap."""
        return self.upper.heights(body) - self.lower.heights(body)

    def close(self, body: Points, share: float) -> None:
        """Bring the lips together in place by a share of the gap; 1 = they meet."""
        for _ in range(2):
            shut = share * np.maximum(self.gaps(body) + _OVERLAP, 0)
            if not shut.any():
                return
            soft = np.convolve(np.pad(shut, 2, mode="edge"), np.ones(5) / 5, mode="valid")
            shut = np.maximum(shut, soft)
            self.upper.lift(body, -_UPPER_SHARE * shut)
            self.lower.lift(body, (1 - _UPPER_SHARE) * shut)


def _places() -> Float[np.ndarray, " places"]:
    return np.linspace(-_HALF_MOUTH, _HALF_MOUTH, _PLACES)


def find_lips(assets: HeadAssets, kept: Int[np.ndarray, " kept"]) -> Lips:
    """Find the lips on the base mesh among the body points that are kept."""
    base = assets.base.points
    points = base[kept]
    above, below = (
        np.sum([assets.skin_weights[bone][kept] for bone in bones], axis=0)
        for bones in (_UPPER_BONES, _LOWER_BONES)
    )
    side = points[:, 0]
    over_line = points[:, 2] - _LINE_HEIGHT - _LINE_RISE * side**2
    near = 1 - rise(np.abs(over_line), 0.002, 0.014)
    near = near * (1 - rise(np.abs(side), 0.0245, 0.0315)) * (points[:, 1] < -0.125)
    is_upper = (above > below) & (near > 0) & (over_line > -0.004)
    is_lower = (above <= below) & (near > 0) & (over_line < 0.004)
    lips = []
    for line, which in ((_UPPER_LINE, is_upper), (_LOWER_LINE, is_lower)):
        left = np.array(line)
        whole = np.concatenate([mirrored_rows(base, left[:0:-1]), left])
        lips.append(
            LipSide(
                rows=kept[which],
                share=near[which],
                side=side[which],
                line=whole,
                line_side=base[whole, 0],
            )
        )
    return Lips(upper=lips[0], lower=lips[1])


LOWER = ("teeth_lower", "gums_lower", "tongue")
"""Parts that go with the jaw."""
_FIRST_UPPER_TOOTH = 15060  # helper points before it belong to the lower jaw
_ARCH_AXIS_DEPTH = 0.108
"""The dental arch is seen from an upright axis so far in front of the base mesh's origin."""
_TURNS, _HEIGHTS = 56, 40
_TURN_RANGE = np.deg2rad(115.0)
_LOW, _HIGH = 0.630, 0.690
_LAYER = 0.0012
"""A lip stays so far in front of the teeth, or as far as it is at rest, in metres."""
_THIN_LAYER, _PIERCED = 0.0004, 0.003
"""What the teeth pierce by less than this at rest is laid before them as a thin layer."""
_SPREAD = 3
_NARROWED = np.array([0.97, 1.0, 1.0])
"""The asset's arch is so wide that gums show in the corners of a mouth that is stretched."""
_GUM_SEEN = 0.0045
"""Gum farther from the teeth than this is cut off: nobody sees it, and it could pierce a lip."""
_MOUTH_MIDDLE, _MOUTH_REACH = np.array([0.0, -0.14, 0.66]), 0.055
_POCKET, _SHRUNK = 0.014, 0.28
"""Deeper than half of this above and below the lips the mouth's hollow is made smaller: there
nobody sees it, and it would pierce a thin cheek when the jaw drops."""
_TONGUE_FORM = np.array([0.9, 0.8, 0.5])
_TONGUE_RESTS = np.array([0.0, -0.022, 0.008])
"""The tongue is flatter and farther back than the asset has it: an open mouth is hollow."""


@frozen(eq=False)
class Bite:
    """Teeth, gums and tongue on the base mesh.

    `upper` and `lower` give the teeth's and gums' outer radius from the arch's axis, by turn
    about it and height; 0 where there is nothing.
    """

    faces: Mapping[str, Faces]
    points: Mapping[str, Points]
    upper: Float[np.ndarray, "turns heights"]
    lower: Float[np.ndarray, "turns heights"]


@frozen(eq=False)
class TeethPlacement:
    """A similarity from the base mesh's bite to one head's."""

    scale: float
    shift: Float[np.ndarray, "3"]

    def placed(self, points: Points) -> Points:
        """Points of the base mesh's bite in this head."""
        return self.scale * points + self.shift

    def unplaced(self, points: Points) -> Points:
        """Points of this head where the base mesh's bite is."""
        return (points - self.shift) / self.scale


@cache
def read_bite(assets: HeadAssets) -> Bite:
    """Read the bite of the base mesh, cut into its parts."""
    teeth = assets.teeth
    fitted = teeth.fit(assets.base.points) * _NARROWED
    faces: dict[str, Faces] = {}
    points: dict[str, Points] = {}
    for name, chosen in rows_of_bite(teeth).items():
        if name.startswith("gums"):
            chosen = chosen & _near(fitted, points[name.replace("gums", "teeth")], _GUM_SEEN)
        rows = np.flatnonzero(chosen[teeth.mesh.faces].all(axis=1))
        faces[name], taken = part_of_mesh(teeth.mesh, rows)
        points[name] = fitted[taken]
    rows = np.arange(len(assets.tongue.mesh.faces))
    faces["tongue"], taken = part_of_mesh(assets.tongue.mesh, rows)
    tongue = assets.tongue.fit(assets.base.points)[taken]
    floor = np.array([0.0, 0.0, tongue[:, 2].min()])
    points["tongue"] = floor + (tongue - floor) * _TONGUE_FORM + _TONGUE_RESTS
    return Bite(
        faces=faces,
        points=points,
        upper=_outline([points[name] for name in ("teeth_upper", "gums_upper")]),
        lower=_outline([points[name] for name in ("teeth_lower", "gums_lower")]),
    )


def rows_of_bite(teeth: Proxy) -> dict[str, Bool[np.ndarray, " points"]]:
    """Which points of the asset are whose: both rows of teeth, then both rows of gums."""
    is_upper = (teeth.anchors >= _FIRST_UPPER_TOOTH).all(axis=1)
    is_lower = (teeth.anchors < _FIRST_UPPER_TOOTH).all(axis=1)
    piece = pieces_of(teeth.mesh.faces, len(teeth.mesh.points))
    is_gum = piece == np.bincount(piece).argmax()
    return {
        "teeth_upper": is_upper & ~is_gum,
        "teeth_lower": is_lower & ~is_gum,
        "gums_upper": is_upper & is_gum,
        "gums_lower": is_lower & is_gum,
    }


def _near(points: Points, others: Points, distance: float) -> Bool[np.ndarray, " points"]:
    """Tell which points have one of the others within a distance."""
    near = [
        np.linalg.norm(part[:, None] - others, axis=2).min(axis=1) < distance
        for part in np.array_split(points, 16)
    ]
    return np.concatenate(near)


def placement_from_hollow(hollow: Points, base_hollow: Points) -> TeethPlacement:
    """Fit the similarity (without turn) that takes the base mesh's mouth hollow to this head's."""
    middle, base_middle = hollow.mean(axis=0), base_hollow.mean(axis=0)
    away = base_hollow - base_middle
    scale = float(((hollow - middle) * away).sum() / (away**2).sum())
    return TeethPlacement(scale=scale, shift=middle - scale * base_middle)


def _arch_coordinates(points: Points) -> tuple[PerPoint, PerPoint, Points]:
    """Turn cell, height cell and the vector from the arch's axis of points by the base bite."""
    away = points + np.array([0.0, _ARCH_AXIS_DEPTH, 0.0])
    turn = np.arctan2(away[:, 0], -away[:, 1])
    across = (turn / _TURN_RANGE + 1) / 2 * _TURNS
    up = (points[:, 2] - _LOW) / (_HIGH - _LOW) * _HEIGHTS
    return across, up, away * np.array([1.0, 1.0, 0.0])


def _outline(pieces: list[Points]) -> Float[np.ndarray, "turns heights"]:
    points = np.concatenate(pieces)
    across, up, away = _arch_coordinates(points)
    outline = np.zeros((_TURNS, _HEIGHTS))
    ok = (across >= 0) & (across < _TURNS) & (up >= 0) & (up < _HEIGHTS)
    cells = across[ok].astype(np.int64), up[ok].astype(np.int64)
    np.maximum.at(outline, cells, np.linalg.norm(away, axis=1)[ok])
    for _ in range(2):  # close the gaps between points
        wide = np.pad(outline, 1)
        near = [wide[i : i + _TURNS, j : j + _HEIGHTS] for i in range(3) for j in range(3)]
        outline = np.maximum(outline, np.max(near, axis=0) - 0.0004)
    return np.maximum(outline, 0)


def clearance(outline: Float[np.ndarray, "turns heights"], points: Points) -> PerPoint:
    """Distance of points (by the base bite) to the teeth; infinite above and below them."""
    across, up, away = _arch_coordinates(points)
    ok = (across >= 0) & (across < _TURNS) & (up >= 0) & (up < _HEIGHTS)
    cells = (
        np.clip(across, 0, _TURNS - 1).astype(np.int64),
        np.clip(up, 0, _HEIGHTS - 1).astype(np.int64),
    )
    radius = np.where(ok, outline[cells], 0)
    return np.where(radius > 0, np.linalg.norm(away, axis=1) - radius, np.inf)


@frozen(eq=False)
class Mouth:
    """A head's bite, and the lips that lie before it.

    Attributes:
        bite: of the base mesh.
        placement: of the bite in this head.
        rows: body points of the skin before the teeth.
        upper, lower: the least distance of each of these to the upper and the lower teeth.
        near: links between neighbours among them, along which pushes spread.
    """

    bite: Bite
    placement: TeethPlacement
    rows: Int[np.ndarray, " points"]
    upper: PerPoint
    lower: PerPoint
    near: Int[np.ndarray, "links 2"]

    def keep_before_teeth(self, body: Points, jaw: Float[np.ndarray, "3 4"]) -> None:
        """Push lips in place off the teeth that they would go through, away from the arch's axis.

        `jaw` moves the lower teeth from where they are at rest.
        """
        points = body[self.rows]
        for _ in range(2):
            at = self.placement.unplaced(points)
            in_jaw = self.placement.unplaced((points - jaw[:, 3]) @ jaw[:, :3])
            push = np.maximum(
                _lack(self.upper, clearance(self.bite.upper, at)),
                _lack(self.lower, clearance(self.bite.lower, in_jaw)),
            )
            if not push.any():
                break
            push = self.placement.scale * _spread(push, self.near)
            away = at + np.array([0.0, _ARCH_AXIS_DEPTH, 0.0])
            away[:, 2] = 0
            points = points + push[:, None] * unit(away)
        body[self.rows] = points


def set_mouth(
    assets: HeadAssets,
    body: Points,
    skin: Int[np.ndarray, " points"],
    faces: Faces,
    hollow: Int[np.ndarray, " hollow"],
) -> Mouth:
    """Set the bite in its place; the body's lips are closed over it in place.

    `skin` are the body points that `faces` join, `hollow` those inside the mouth. A point keeps a
    thin layer before the teeth, or less where it has less at rest.
    """
    base = assets.base.points
    lips = find_lips(assets, skin)
    lips.close(body, 1.0)
    bite = read_bite(assets)
    placement = placement_from_hollow(body[hollow], base[hollow])
    deep = np.clip(np.abs(base[hollow, 2] - _MOUTH_MIDDLE[2]) / _POCKET - 0.5, 0, 1)
    inwards = body[hollow].mean(axis=0) - body[hollow]
    body[hollow] += _SHRUNK * deep[:, None] * inwards
    rows = skin[np.linalg.norm(base[skin] - _MOUTH_MIDDLE, axis=1) < _MOUTH_REACH]
    at = placement.unplaced(body[rows])
    away = at + np.array([0.0, _ARCH_AXIS_DEPTH, 0.0])
    reach = np.hypot(away[:, 0], away[:, 1])
    in_front = (away[:, 1] < 0.02) & (reach > 0.015)
    layers = []
    for outline in (bite.upper, bite.lower):
        rim = outline.max(axis=1)
        across = np.clip(_arch_coordinates(at)[0], 0, _TURNS - 1).astype(np.int64)
        outside = reach - rim[across]
        is_before = in_front & (outside > -_PIERCED)
        layers.append(np.where(is_before, np.clip(outside, _THIN_LAYER, _LAYER), -np.inf))
    place = np.full(len(body), -1)
    place[rows] = np.arange(len(rows))
    quads = skin[faces]
    near = place[np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])]
    near = near[(near >= 0).all(axis=1)]
    upper, lower = layers
    mouth = Mouth(bite=bite, placement=placement, rows=rows, upper=upper, lower=lower, near=near)
    mouth.keep_before_teeth(body, np.eye(3, 4))
    lips.close(body, 1.0)
    return mouth


def _lack(least: PerPoint, clear: PerPoint) -> PerPoint:
    """Clearance that is missing; points deep behind the teeth are none of the lips'."""
    lack = np.where(np.isfinite(least), least - clear, 0.0)
    return np.where((lack > 0) & (lack < 0.02), lack, 0.0)


def _spread(push: PerPoint, near: Int[np.ndarray, "links 2"]) -> PerPoint:
    """Pushes softened over neighbours, nowhere less than they were."""
    one, other = near.T
    count = 1 + np.bincount(near.ravel(), minlength=len(push))
    soft = push
    for _ in range(_SPREAD):
        total = soft + np.bincount(one, soft[other], len(push))
        total += np.bincount(other, soft[one], len(push))
        soft = np.maximum(push, total / count)
    return soft
