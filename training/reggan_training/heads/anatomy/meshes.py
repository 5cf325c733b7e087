"""Meshes of a head, and the Wavefront files that they come from.

Axes everywhere in this package: metres, z up, x to the right of a picture of the face (the
avatar's own left), the face looking along −y. The asset files are in decimetres, y up, the face
looking along +z.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.errors import SourceError

Points: TypeAlias = Float[np.ndarray, "_ 3"]
Faces: TypeAlias = Int[np.ndarray, "_ 4"]
"""Rows of the corners; a triangle repeats its last."""

METRES_PER_FILE_UNIT = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjMesh:
    """A Wavefront file: points, uv points, and the faces of each group.

    `uv_faces` name, corner by corner, the row of `uv`.
    """

    points: Points
    uv: Float[np.ndarray, "uv_points 2"]
    faces: Faces
    uv_faces: Faces
    groups: dict[str, Int[np.ndarray, " group_faces"]]

    def points_of(self, group: str) -> Int[np.ndarray, " group_points"]:
        """List the points that a group's faces use, in rising order."""
        return np.unique(self.faces[self.groups[group]])


def points_from_file(values: Float[np.ndarray, "points 3"]) -> Points:
    """Decimetres with y up, as the files have them, in this package's axes."""
    turned = values[:, [0, 2, 1]] * np.array([1.0, -1.0, 1.0])
    return turned * METRES_PER_FILE_UNIT


def read_obj(path: Path) -> ObjMesh:
    """One Wavefront file, in this package's axes.

    Raises:
        SourceError: there is no such file, or a line of it cannot be read.
    """
    points: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[list[int]] = []
    groups: dict[str, list[int]] = {}
    group = "default"
    for number, line in enumerate(_lines(path), start=1):
        kind, _, rest = line.partition(" ")
        try:
            if kind == "v":
                points.append([float(value) for value in rest.split()[:3]])
            elif kind == "vt":
                uv.append([float(value) for value in rest.split()[:2]])
            elif kind == "g":
                group = rest.strip() or "default"
            elif kind == "f":
                groups.setdefault(group, []).append(len(corners))
                corners.append(_corners(rest))
        except (ValueError, IndexError) as error:
            raise SourceError(
                f"{path}:{number} reads {line!r}; a Wavefront v, vt, g or f line of three or four"
                " corners with uv was expected. Fetch the file again."
            ) from error
    if not corners:
        raise SourceError(f"{path} holds no face. Fetch the file again.")
    table = np.array(corners) - 1
    return ObjMesh(
        points=points_from_file(np.array(points, dtype=np.float64)),
        uv=np.array(uv, dtype=np.float64),
        faces=table[:, :4],
        uv_faces=table[:, 4:],
        groups={name: np.array(rows) for name, rows in groups.items()},
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Fetch the assets.") from error


def _corners(text: str) -> list[int]:
    pairs = [corner.split("/")[:2] for corner in text.split()]
    if len(pairs) not in (3, 4):
        raise ValueError(text)
    pairs += pairs[-1:] * (4 - len(pairs))
    return [int(point) for point, _ in pairs] + [int(uv) for _, uv in pairs]


def part_of_mesh(
    mesh: ObjMesh, rows: Int[np.ndarray, " part_faces"]
) -> tuple[Faces, Int[np.ndarray, " points"]]:
    """Cut the named faces out of a mesh, by rows of their own, and say which points these are."""
    points, faces = np.unique(mesh.faces[rows], return_inverse=True)
    return faces.reshape(-1, 4), points


def mirrored_rows(base: Points, rows: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """Find the points that lie at these points' mirror images on the symmetrical base mesh."""
    mirrored = base[rows] * np.array([-1.0, 1.0, 1.0])
    distance = np.linalg.norm(base[None] - mirrored[:, None], axis=2)
    return distance.argmin(axis=1)
