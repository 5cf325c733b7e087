"""The CC0 head assets on disk: base mesh, morph targets, proxies, rig, region masks.

Axes everywhere in this package: metres, z up, x to the right of a picture of the face (the
avatar's own left), the face looking along −y. The asset files are in decimetres, y up, the face
looking along +z.

Sources, all CC0 1.0: `makehuman/data` of makehumancommunity/makehuman, `base` of
makehumancommunity/makehuman-assets, `textures` of makehumancommunity/mpfb2.
"""

import json
from functools import cache, cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

from reggan_plugin.array_types import Plane
from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_training.heads.head import SparseOffsets

Points: TypeAlias = Float[np.ndarray, "_ 3"]
PerPoint: TypeAlias = Float[np.ndarray, " points"]
Faces: TypeAlias = Int[np.ndarray, "_ 4"]
"""Rows of the corners; a triangle repeats its last."""

METRES_PER_FILE_UNIT = 0.1
SkinWeights = dict[str, Float[np.ndarray, " points"]]
"""Weight of each body point, by bone; those of a point that has any sum to 1."""
_AXES = {"x_scale": 0, "z_scale": 1, "y_scale": 2}  # the file's y is up, its z is depth
MASK_NAMES = ("ears", "inside-mouth", "lips")


@frozen(eq=False)
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
    for number, line in enumerate(_text(path).splitlines(), start=1):
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


def _text(path: Path) -> str:
    """Read a file of the assets.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Fetch the assets.") from error


def _corners(text: str) -> list[int]:
    pairs = [corner.split("/")[:2] for corner in text.split()]
    if len(pairs) not in (3, 4):
        raise ValueError(text)
    pairs += pairs[-1:] * (4 - len(pairs))
    return [int(point) for point, _ in pairs] + [int(uv) for _, uv in pairs]


def triangles_from_quads(faces: Faces) -> Int[np.ndarray, "triangles 3"]:
    """Cut each face in two; what repeats a corner is left out."""
    both = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    return both[(both != np.roll(both, 1, axis=1)).all(axis=1)]


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


def read_skin_weights(path: Path, points: int) -> SkinWeights:
    """Read an .mhw file, for a body of so many points.

    Raises:
        SourceError: the file is missing or holds no weights.
    """
    try:
        table = json.loads(_text(path))["weights"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} holds no weights ({error!r}). Fetch the file again.") from error
    weights: SkinWeights = {}
    for bone, rows in table.items():
        weights[bone] = np.zeros(points)
        if rows:
            row, value = np.array(rows, dtype=np.float64).T
            np.add.at(weights[bone], row.astype(np.int64), value)
    total = np.sum(list(weights.values()), axis=0)
    return {bone: weight / np.where(total > 0, total, 1) for bone, weight in weights.items()}


@frozen(eq=False)
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
    """Read a .mhclo file and the .obj beside it.

    Raises:
        SourceError: a file is missing, or the .mhclo does not bind every point of the .obj.
    """
    settings: dict[str, list[str]] = {}
    rows: list[list[float]] = []
    is_table = False
    for line in _text(path).splitlines():
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
        scales=tuple(
            (int(one[0]), int(one[1]), float(one[2]) * METRES_PER_FILE_UNIT)
            for one in (settings[name] for name in _AXES)
        ),
    )


def _row(words: list[str]) -> list[float]:
    if len(words) == 1:  # bound to one body point alone
        return [float(words[0])] * 3 + [1.0, 0.0, 0.0] + [0.0] * 3
    return [float(word) for word in words[:9]]


@frozen(eq=False)
class HeadAssets:
    """The folder of the assets; parts are read when first used, and kept."""

    data: Path
    proxies: Path
    masks: Path
    targets: dict[str, Path]

    @cached_property
    def base(self) -> ObjMesh:
        """The base mesh hm08."""
        return read_obj(self.data / "3dobjs/base.obj")

    @cached_property
    def skin_weights(self) -> SkinWeights:
        """The weights of the default rig's bones."""
        path = self.data / "rigs/default_weights.mhw"
        return read_skin_weights(path, points=len(self.base.points))

    @cached_property
    def teeth(self) -> Proxy:
        """Both rows of teeth with their gums."""
        return read_proxy(self.proxies / "teeth/teeth_base/teeth_base.mhclo")

    @cached_property
    def tongue(self) -> Proxy:
        """The tongue."""
        return read_proxy(self.proxies / "tongue/tongue01/tongue01.mhclo")

    def mask(self, name: str) -> Plane:
        """Read a region mask over the body's uv, 0 to 1, first row at v = 1."""
        with Image.open(self.masks / f"mpfb_{name}.jpg") as picture:
            return np.asarray(picture.convert("L"), dtype=np.float64) / 255

    def target(self, name: str) -> SparseOffsets:
        """Read a morph by its path below `targets/` without ending.

        Raises:
            SourceError: there is no such morph, or its lines are not index and three numbers.
        """
        if name not in self.targets:
            raise SourceError(
                f"{self.data / 'targets'} lacks {name}.target. Fetch the whole of"
                " makehuman/data/targets."
            )
        return read_target(self.targets[name])


def read_assets(root: Path) -> HeadAssets:
    """Read the assets below a folder: our own excerpt, or full checkouts side by side.

    Raises:
        SourceError: one of the parts is not there; the text names the file.
    """
    data = _folder_with(root, "3dobjs/base.obj")
    assets = HeadAssets(
        data=data,
        proxies=_folder_with(root, "teeth/teeth_base/teeth_base.mhclo"),
        masks=_folder_with(root, "mpfb_lips.jpg"),
        targets={
            path.relative_to(data / "targets").with_suffix("").as_posix(): path
            for path in sorted((data / "targets").rglob("*.target"))
        },
    )
    needed = [
        data / "rigs/default_weights.mhw",
        *(assets.masks / f"mpfb_{name}.jpg" for name in MASK_NAMES),
        assets.proxies / "tongue/tongue01/tongue01.mhclo",
    ]
    for path in needed:
        if not path.is_file():
            raise _missing(path.relative_to(root).as_posix(), root)
    if not assets.targets:
        raise _missing("makehuman/data/targets/**/*.target", root)
    return assets


def _folder_with(root: Path, tail: str) -> Path:
    depth = len(Path(tail).parts) - 1
    usual = ("makehuman/data", "makehuman-assets/base", "mpfb/textures", "data", "base", "")
    for place in usual:
        if (root / place / tail).is_file():
            return root / place
    for path in sorted(root.rglob(Path(tail).name)):
        if path.as_posix().endswith("/" + tail):
            return path.parents[depth]
    raise _missing(tail, root)


def _missing(name: str, root: Path) -> SourceError:
    return SourceError(
        f"{root} holds no {name}. Name a folder with the CC0 assets: makehuman/data,"
        " makehuman-assets/base and the region masks mpfb/textures, as in their repositories"
        " (makehumancommunity/makehuman, makehuman-assets, mpfb2)."
    )


@cache
def read_target(path: Path) -> SparseOffsets:
    """One .target file: the body points that a morph moves, and how far, in metres at weight 1.

    Raises:
        SourceError: a line of it is not an index and three numbers.
    """
    text = " ".join(line for line in _text(path).splitlines() if not line.startswith("#"))
    try:
        table = np.array(text.split(), dtype=np.float64).reshape(-1, 4)
    except ValueError as error:
        raise SourceError(
            f"{path} holds a line that is not an index and three numbers. Fetch it again."
        ) from error
    return SparseOffsets(rows=table[:, 0].astype(np.int64), offsets=points_from_file(table[:, 1:]))
