"""Landmarks of a head whose topology nobody knows, from where its face shapes act."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.errors import MeshError
from reggan_training.heads.eyeballs import fit_sphere
from reggan_training.heads.joined_head import SIDES, FileEye

Points = Float[np.ndarray, "points 3"]
Rows = Int[np.ndarray, " rows"]
Offsets = Mapping[str, Points]

NEEDED_SHAPES: Final = (
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
)
_LIP_SHARE: Final = 0.3
"""Lips move by at least this share of what jawOpen, mouthPucker and mouthFunnel move most."""
_LOOKS: Final = ("Down", "In", "Out", "Up")


@dataclass(frozen=True, kw_only=True)
class FacePoints:
    """One vertex each."""

    nose_tip: int
    mouth_left: int
    mouth_right: int
    chin: int


def find_eyes(
    points: Points,
    eye_rows: Int[np.ndarray, " eye"],
    lid_rows: Int[np.ndarray, " skin"],
    offsets: Offsets,
) -> dict[str, FileEye]:
    """Both eyes: spheres through the eyeballs, or what the lids close over where there are none.

    Args:
        points: all vertices, the head about x = 0.
        eye_rows: vertices of eyeballs.
        lid_rows: vertices of the skin.
        offsets: ARKit shapes.
    """
    eyes = {}
    for side, sign in zip(SIDES, (1, -1), strict=True):
        rows = eye_rows[sign * points[eye_rows, 0] > 0]
        moved = [offsets.get(f"eyeLook{look}{side.capitalize()}") for look in _LOOKS]
        has_morphs = any(m is not None and m[rows].any() for m in moved)
        eye = _eyeball(points, rows, not has_morphs) if len(rows) else None
        eyes[side] = eye or _eye_behind_lids(
            points, lid_rows, offsets[f"eyeBlink{side.capitalize()}"]
        )
    return eyes


def find_face_points(
    points: Points, skin: Rows, eyes: Mapping[str, FileEye], offsets: Offsets
) -> FacePoints:
    """Nose tip, mouth corners and chin among the vertices of the skin."""
    left, right = (eyes[side].centre for side in SIDES)
    span = float(np.linalg.norm(left - right))
    middle = (left + right) / 2
    places = (points[skin] - middle) / span
    jaw = _way(offsets["jawOpen"])[skin]
    corners = {
        side: _corner(offsets, side, skin, jaw, places[:, 1] < -0.3, places[:, 0] * sign > 0.05)
        for side, sign in zip(SIDES, (1, -1), strict=True)
    }
    mouth_y = np.mean([places[row, 1] for row in corners.values()])
    is_middle = np.abs(places[:, 0]) < 0.12
    between = is_middle & (places[:, 1] < 0.4 * mouth_y) & (places[:, 1] > 0.85 * mouth_y)
    below = is_middle & (places[:, 1] < mouth_y - 0.1) & (jaw > 0.6 * jaw.max())
    return FacePoints(
        nose_tip=int(skin[_highest(places[:, 2], between, "nose")]),
        mouth_left=int(skin[corners["left"]]),
        mouth_right=int(skin[corners["right"]]),
        chin=int(skin[_highest(0.7 * places[:, 2] - places[:, 1], below, "chin")]),
    )


def _corner(
    offsets: Offsets,
    side: str,
    skin: Rows,
    jaw: Float[np.ndarray, " rows"],
    is_low: Bool[np.ndarray, " rows"],
    is_own: Bool[np.ndarray, " rows"],
) -> int:
    """Corner of the mouth: where the smile pulls most; cheeks do not follow the jaw."""
    smile = _way(offsets[f"mouthSmile{side.capitalize()}"])[skin]
    follows = np.minimum(jaw / (_LIP_SHARE * jaw.max()), 1.0)
    for name in ("mouthPucker", "mouthFunnel"):
        if name in offsets:
            way = _way(offsets[name])[skin]
            follows = follows * np.minimum(way / max(_LIP_SHARE * way.max(), 1e-12), 1.0)
    return _highest(smile * follows, is_low & is_own, f"{side} mouth corner")


def _eyeball(points: Points, rows: Rows, turns: bool) -> FileEye | None:
    """The sphere through an eyeball; None if the mesh is none, as a flat iris is."""
    low, high = points[rows].min(axis=0), points[rows].max(axis=0)
    size = (high - low).max()
    centre, radius = fit_sphere(points[rows])
    is_inside = bool(((centre > low - 0.6 * size) & (centre < high + 0.6 * size)).all())
    if not is_inside or not 0.3 * size < radius < 1.5 * size:
        return None
    return FileEye(rows=rows, centre=centre, radius=radius, turns=turns)


def _eye_behind_lids(points: Points, skin: Rows, blink: Points) -> FileEye:
    """The middle of what a blink moves; a ball of a common size behind it is taken for granted."""
    way = _way(blink)[skin]
    if not way.any():
        raise MeshError("A blink moves no skin and no eyeball was found: the eyes are nowhere.")
    strong = skin[way > 0.5 * way.max()]
    low, high = points[strong].min(axis=0), points[strong].max(axis=0)
    radius = float(high[0] - low[0]) / 2
    centre = np.array([*((low + high) / 2)[:2], high[2] - radius])
    return FileEye(rows=np.zeros(0, dtype=np.int64), centre=centre, radius=radius, turns=False)


def _highest(
    values: Float[np.ndarray, " rows"], allowed: Bool[np.ndarray, " rows"], what: str
) -> int:
    if not allowed.any():
        raise MeshError(f"No {what} was found where faces have one: is the mesh a human head?")
    return int(np.where(allowed, values, -np.inf).argmax())


def _way(offsets: Points) -> Float[np.ndarray, " points"]:
    way: Float[np.ndarray, " points"] = np.linalg.norm(offsets, axis=1)
    return way
