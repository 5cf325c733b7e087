"""Meshes fitted to the body by its own points: teeth, tongue, brows (.mhclo and .obj)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.meshes import (
    METRES_PER_FILE_UNIT,
    ObjMesh,
    Points,
    points_from_file,
    read_obj,
)

_AXES = {"x_scale": 0, "z_scale": 1, "y_scale": 2}  # the file's y is up, its z is depth


@dataclass(frozen=True, kw_only=True, eq=False)
class Proxy:
    """A mesh whose every point is a weighted sum of three body points and an offset.

    `scales` holds for each of our axes two body points and the distance (metres) that they had
    where the offsets were measured: offsets grow with that distance.
    """

    mesh: ObjMesh
    anchors: Int[np.ndarray, "points 3"]
    weights: Float[np.ndarray, "points 3"]
    offsets: Float[np.ndarray, "points 3"]
    scales: tuple[tuple[int, int, float], ...]

    def fit(self, body: Points) -> Points:
        """Positions of the proxy's points on this body, in metres."""
        sizes = [
            abs(body[first, axis] - body[second, axis]) / distance
            for axis, (first, second, distance) in enumerate(self.scales)
        ]
        carried = np.einsum("pk,pkc->pc", self.weights, body[self.anchors])
        return carried + self.offsets * np.array(sizes)


def read_proxy(path: Path) -> Proxy:
    """A .mhclo file and the .obj beside it.

    Raises:
        SourceError: a file is missing, or the .mhclo does not bind every point of the .obj.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Fetch the assets.") from error
    settings: dict[str, list[str]] = {}
    rows: list[list[float]] = []
    is_table = False
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if is_table and words[0].lstrip("-").isdigit():
            rows.append(_row(words))
        elif words[0] == "verts":
            is_table = True
        else:
            is_table = False
            settings[words[0]] = words[1:]
    mesh = read_obj(path.parent / settings.get("obj_file", [path.stem + ".obj"])[0])
    missing = [name for name in _AXES if len(settings.get(name, [])) != 3]
    if len(rows) != len(mesh.points) or missing:
        raise SourceError(
            f"{path} binds {len(rows)} points and lacks {missing or 'no setting'}; its mesh has"
            f" {len(mesh.points)} points, and x_scale, y_scale, z_scale are needed."
            " Fetch both files again."
        )
    table = np.array(rows)
    return Proxy(
        mesh=mesh,
        anchors=table[:, :3].astype(np.int64),
        weights=table[:, 3:6],
        offsets=points_from_file(table[:, 6:9]),
        scales=tuple(_scale(settings[name]) for name in _AXES),
    )


def _row(words: list[str]) -> list[float]:
    if len(words) == 1:  # bound to one body point alone
        return [float(words[0])] * 3 + [1.0, 0.0, 0.0] + [0.0] * 3
    return [float(word) for word in words[:9]]


def _scale(words: list[str]) -> tuple[int, int, float]:
    return int(words[0]), int(words[1]), float(words[2]) * METRES_PER_FILE_UNIT
