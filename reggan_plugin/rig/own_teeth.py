"""The mouth's inside from a mesh of the user's own: teeth, gums and tongue in their own colours."""

from collections.abc import Callable
from typing import Final

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.errors import MeshError
from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_plugin.kernels.shapes import vertex_normals
from reggan_plugin.rig.head_part import Part
from reggan_plugin.rig.mouth_drawing import GUM, PLATE, TONGUE, TOOTH, WALL, MouthRig, mouth_rig
from reggan_plugin.rig.own_rig import OwnRig, RigMesh

_INSIDE: Final = {Part.TEETH: TOOTH, Part.GUMS: GUM, Part.TONGUE: TONGUE}
_LONGEST: Final = 0.04
"""Edge in eye distances from which on triangles are halved: colours are taken at vertices."""
_MOST_TRIANGLES: Final = 60_000
_FRONT: Final = 0.12
"""Eye distances behind the foremost tooth within which teeth are incisors."""
_HIGH_ROW: Final = 0.3
"""Height of a row in eye distances from which on it has gums of its own; crowns have 0.17."""
_FALLS: Final = 0.4
"""Share of the largest fall of the teeth with the jaw from which on a piece is a lower one."""
_FEWEST: Final = 8
"""Triangles that a plane is read from."""
_LEAST_SIZE: Final = 1e-9
"""Of teeth in their file's unit: arithmetic loses smaller ones."""
_LOOKED_AT: Final = 7
"""Of our own mouth one vertex in so many says how much light others leave."""

Points = Float[np.ndarray, "_ 3"]
Faces = Int[np.ndarray, "_ 3"]


def own_mouth(mesh: RigMesh, head: OwnRig | None = None) -> MouthRig | None:
    """Make a mouth with the teeth of a mesh, and of ours what the mesh has not.

    Args:
        mesh: a head with teeth, or a denture alone.
        head: where the head is; None for a denture, which gets the size and the place of ours.

    Returns:
        None if a head has no teeth of its own.

    Raises:
        MeshError: a denture has no upper row.
    """
    parts = mesh.parts
    if head is None and not (parts == Part.TEETH).any():  # no name says what is what
        parts = np.where(np.isin(parts, tuple(_INSIDE)), parts, Part.TEETH)
    drawn = np.isin(parts, tuple(_INSIDE))
    if head is not None and not (parts == Part.TEETH).any():
        return None
    ours = mouth_rig()
    axes = mesh.fronts[0] if head is None else head.axes
    points = mesh.points @ axes.T if head is None else (mesh.points - head.origin) @ axes.T
    points = points / (1.0 if head is None else head.unit)
    rows = np.flatnonzero(drawn)
    if len(rows) and not np.ptp(points[mesh.triangles[rows]], axis=(0, 1)).max() > _LEAST_SIZE:
        raise MeshError(f"{mesh.name}: its teeth have no size. Look at the scale of its nodes.")
    is_lower = _lower(points, mesh, rows, parts[rows], axes)
    upper = np.unique(mesh.triangles[rows[~is_lower & (parts[rows] == Part.TEETH)]])
    if not len(upper):
        raise MeshError(
            f"{mesh.name} holds no upper row of teeth. Expected a denture with both rows, upright "
            "and looking to the front, as separate pieces or parts."
        )
    if head is None:
        own = ours.points[(ours.part == TOOTH) & (ours.jaw < 0.5)]
        points *= float(np.ptp(own[:, 0])) / max(float(np.ptp(points[upper, 0])), 1e-9)
    edge = _incisors_edge(points[upper])
    fine = _Fine.of(points - edge, mesh.triangles[rows], rows)
    part = np.array([_INSIDE[Part(one)] for one in parts[rows]])
    return _joined(ours, mesh, fine, part, is_lower, edge if head is not None else None)


def _lower(
    points: Points,
    mesh: RigMesh,
    rows: Int[np.ndarray, " drawn"],
    parts: Int[np.ndarray, " drawn"],
    axes: Float[np.ndarray, "3 3"],
) -> Bool[np.ndarray, " drawn"]:
    """Triangles that go with the jaw: by name, by motion, or the lower ones of the pieces."""
    named = np.zeros(len(rows), int) if mesh.rows_of_teeth is None else mesh.rows_of_teeth[rows]
    if (named > 0).any() and (named < 0).any():
        return (named < 0) | ((named == 0) & (parts == Part.TONGUE))
    triangles = mesh.triangles[rows]
    piece = pieces_of(triangles, len(points))[triangles[:, 0]]
    corners = points[triangles].mean(axis=1)
    jaw = mesh.shapes.get("jawOpen")
    fall = np.zeros(len(rows)) if jaw is None else -(jaw @ axes.T)[triangles, 1].mean(axis=1)
    numbers, of = np.unique(piece, return_inverse=True)
    count = np.bincount(of)
    if fall.max() > 0:
        return (np.bincount(of, fall) / count > _FALLS * fall.max())[of]
    is_tooth = np.isin(parts, (Part.TEETH, Part.GUMS))
    heights = corners[:, 1] - _bite(corners[is_tooth])(corners[:, 2])
    if len(numbers) > 1:  # whole pieces are on one side of the bite
        heights = (np.bincount(of, heights) / count)[of]
    if not is_tooth.any():
        return np.ones(len(rows), bool)
    low, high = heights[is_tooth].min(), heights[is_tooth].max()
    for _ in range(8):  # two means of the pieces' heights
        is_high = heights >= (low + high) / 2
        if is_high[is_tooth].all() or not is_high[is_tooth].any():
            break
        low, high = heights[is_tooth & ~is_high].mean(), heights[is_tooth & is_high].mean()
    return ~is_high | (parts == Part.TONGUE)


def _bite(corners: Points) -> Callable[[np.ndarray], np.ndarray]:
    """Height of the plane between both rows at a depth: it rises to the back."""
    if len(corners) < _FEWEST or np.ptp(corners[:, 2]) < _LEAST_SIZE:
        return np.zeros_like
    slope, height = np.polyfit(corners[:, 2], corners[:, 1], 1)
    return lambda depth: height + slope * depth


def pieces_of(
    triangles: Int[np.ndarray, "faces corners"], count: int
) -> Int[np.ndarray, " vertices"]:
    """Find the least vertex that each vertex is joined to by triangles, or quads."""
    piece = np.arange(count)
    while True:
        before = piece.copy()
        np.minimum.at(piece, triangles, piece[triangles].min(axis=1)[:, None])
        piece = piece[piece]
        if (piece == before).all():
            return piece


def _incisors_edge(upper: Points) -> Float[np.ndarray, "3"]:
    """Find the middle of the edge of the upper incisors."""
    front = upper[upper[:, 2] > upper[:, 2].max() - _FRONT]
    middle = (upper[:, 0].min() + upper[:, 0].max()) / 2
    return np.array([middle, front[:, 1].min(), front[:, 2].max()])


class _Fine:
    """Triangles halved until they are small, with the place of each corner in the file's.

    Attributes:
        points, triangles: the finer mesh.
        parent: place of the triangle that each is of among the coarse ones.
        row, weights: for each vertex, the file's triangle it is on and its weights there.
    """

    def __init__(self, points: Points, triangles: Faces, parent: np.ndarray) -> None:
        self.points, self.triangles, self.parent = points, triangles, parent
        self.row = np.zeros(0, int)
        self.weights = np.zeros((0, 3))

    @classmethod
    def of(cls, points: Points, triangles: Faces, rows: Int[np.ndarray, " drawn"]) -> "_Fine":
        """Halve edges until the longest ones are short."""
        used, dense = np.unique(triangles, return_inverse=True)
        fine = cls(points[used], dense.reshape(-1, 3), np.arange(len(triangles)))
        places = np.broadcast_to(np.eye(3), (len(triangles), 3, 3))
        while 4 * len(fine.triangles) <= _MOST_TRIANGLES:
            corners = fine.points[fine.triangles]
            edges = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
            if np.sort(edges.ravel())[int(0.9 * edges.size)] < _LONGEST:
                break
            places = fine._halve(places)
        fine.row, fine.weights = np.zeros(len(fine.points), int), np.zeros((len(fine.points), 3))
        for corner in range(3):
            fine.row[fine.triangles[:, corner]] = rows[fine.parent]
            fine.weights[fine.triangles[:, corner]] = places[:, corner]
        return fine

    def _halve(self, places: Float[np.ndarray, "triangles 3 3"]) -> np.ndarray:
        """Make four triangles of each; places of their corners."""
        triangles = self.triangles
        ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2), axis=2)
        edges, number = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
        middle = len(self.points) + number.reshape(-1, 3)
        self.points = np.concatenate([self.points, self.points[edges].mean(axis=1)])
        between = (places + np.roll(places, -1, axis=1)) / 2
        a, b, c = triangles.T
        ab, bc, ca = middle.T
        quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        self.triangles = np.concatenate([np.stack(one, axis=1) for one in quarters])
        self.parent = np.tile(self.parent, 4)
        (pa, pb, pc), (pab, pbc, pca) = (np.moveaxis(one, 1, 0) for one in (places, between))
        corners = [(pa, pab, pca), (pab, pb, pbc), (pca, pbc, pc), (pab, pbc, pca)]
        return np.concatenate([np.stack(one, axis=1) for one in corners])


def _joined(
    ours: MouthRig,
    mesh: RigMesh,
    fine: _Fine,
    part: Int[np.ndarray, " coarse"],
    is_lower: Bool[np.ndarray, " coarse"],
    place: Float[np.ndarray, "3"] | None,
) -> MouthRig:
    """Join the user's pieces, and of ours the hollow, plates and what is missing."""
    own_part, jaw = np.zeros(len(fine.points), int), np.zeros(len(fine.points))
    for corner in range(3):
        own_part[fine.triangles[:, corner]] = part[fine.parent]
        jaw[fine.triangles[:, corner]] = is_lower[fine.parent]
    kept_parts = [WALL, PLATE]
    if not (part == TONGUE).any():
        kept_parts.append(TONGUE)
    upper = fine.points[(own_part == TOOTH) & (jaw < 0.5)]
    if not (part == GUM).any() and float(np.ptp(upper[:, 1])) < _HIGH_ROW:
        kept_parts.append(GUM)
    kept = np.isin(ours.part, kept_parts)
    rows = np.flatnonzero(kept)
    number = np.zeros(len(kept), int)
    number[rows] = np.arange(len(rows))
    ours_kept = number[ours.triangles[kept[ours.triangles].all(axis=1)]]
    colour = linear_from_srgb(np.clip(mesh.colours(fine.row, fine.weights), 0, 1))
    return MouthRig(
        points=np.concatenate([ours.points[rows], fine.points]).astype(np.float32),
        normals=np.concatenate(
            [ours.normals[rows], vertex_normals(fine.points, fine.triangles)]
        ).astype(np.float32),
        triangles=np.concatenate([ours_kept, fine.triangles + len(rows)]),
        part=np.concatenate([ours.part[rows], own_part]),
        tooth=np.concatenate([ours.tooth[rows], np.zeros(len(fine.points), int)]),
        jaw=np.concatenate([ours.jaw[rows], jaw]).astype(np.float32),
        sky=np.concatenate([ours.sky[rows], _sky(ours, fine.points, own_part)]).astype(np.float32),
        cervical=np.concatenate([ours.cervical[rows], np.ones(len(fine.points))]).astype(
            np.float32
        ),
        colour=np.concatenate([np.full((len(rows), 3), np.nan), colour]),
        place=place,
    )


def _sky(
    ours: MouthRig, points: Points, part: Int[np.ndarray, " vertices"]
) -> Float[np.ndarray, " vertices"]:
    """How much of the surroundings neighbours leave free: as of ours in the same place."""
    free = np.ones(len(points))
    for own in np.unique(part):
        here = np.flatnonzero(part == own)
        known = np.flatnonzero(ours.part == own)[::_LOOKED_AT]
        there = ours.points[known].astype(np.float32)
        for some in np.array_split(here, max(1, len(here) // 2000)):
            at = points[some].astype(np.float32)
            square = (there**2).sum(axis=1) - 2 * at @ there.T
            free[some] = ours.sky[known[square.argmin(axis=1)]]
    return free
