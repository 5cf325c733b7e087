"""What all MakeHuman heads share: which points make which part, and how the units move them.

Works in the axes and metres of `avatars` (z up, the face looking along -y); only the finished
mesh is turned into those of `head`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from reggan_plugin.errors import SourceError
from reggan_training.avatars import meshes
from reggan_training.avatars.assets import HeadAssets, Target, read_target
from reggan_training.avatars.eyeball import Eye, eye_part, eye_points
from reggan_training.avatars.head import EYE_GROUPS, SIDES, body_parts, fitted_eye
from reggan_training.avatars.head_shape import ANCESTRIES, HeadShape, shaped_body
from reggan_training.avatars.lids import Lids, find_lids
from reggan_training.avatars.meshes import Points
from reggan_training.avatars.regions import read_regions
from reggan_training.avatars.teeth import Bite, placement_from_hollow, read_bite
from reggan_training.heads.head import REGIONS, Part
from reggan_training.heads.makehuman_lashes import LASH_TRIANGLES, lash_faces, lash_points
from reggan_training.heads.makehuman_sockets import Socket, find_socket

LEFT_OUT = ("tongueOut",)
"""Units of the asset that are no control of ours."""
JAW_GROUP = "helper-lower-teeth"
BITE_PARTS: Mapping[str, Part] = {
    "teeth_upper": Part.TEETH,
    "teeth_lower": Part.TEETH,
    "gums_upper": Part.GUMS,
    "gums_lower": Part.GUMS,
    "tongue": Part.TONGUE,
}
_SHARED_REGIONS = ("lips", "beard", "moustache", "scalp", "cheeks", "nose", "eye_rings", "ears")


@dataclass(frozen=True, kw_only=True, eq=False)
class Template:
    """The same for all identities.

    The vertices of a head are those of the skin, the lashes, both eyeballs, the bite's parts,
    then two that no triangle uses: the fronts of the eyeballs.

    Attributes:
        rows: body points of the skin.
        units: by control the body points that it moves and how far, metres.
        lids: both eyes' lids, by body points.
        sockets: both eyes' surroundings.
        hollow: body points of the mouth's inside.
        skin: the skin's faces.
        triangles, parts, canonical, regions, eye_angle: as in `HeadMesh`.
    """

    assets: HeadAssets
    rows: Int[np.ndarray, " skin_points"]
    units: Mapping[str, Target]
    lids: Mapping[str, Lids]
    sockets: Mapping[str, Socket]
    bite: Bite
    hollow: Int[np.ndarray, " points"]
    skin: meshes.Part
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    canonical: Float[np.ndarray, "vertices 3"]
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: Float[np.ndarray, " vertices"]

    def vertex_of(self, body_point: int) -> int:
        """The vertex that a point of the skin became.

        Raises:
            KeyError: the point is not of the skin that is kept.
        """
        found = np.flatnonzero(self.rows == body_point)
        if not len(found):
            raise KeyError(f"body point {body_point} is cut off")
        return int(found[0])


def read_template(assets: HeadAssets, units: Path) -> Template:
    """What all heads share.

    Raises:
        SourceError: the folder holds no unit, or one of them cannot be read.
    """
    moves = read_units(units)
    cut_parts, cut_rows = body_parts(assets.base)
    skin, rows = cut_parts["skin"], cut_rows["skin"]
    lids = find_lids(assets.base, assets.rig, rows)
    sockets = {
        side: find_socket(assets, rows, lids[side], eye)
        for side, eye in fitted_eyes(assets, assets.base.points).items()
    }
    weights = _skin_regions(assets, rows, lids)
    bite = read_bite(assets)
    hollow = rows[weights["inside_mouth"] > 0.5]
    meshes_of = {"skin": skin.faces, "lashes": lash_faces()}
    meshes_of |= {side: eye_part(side).faces for side in SIDES}
    meshes_of |= {name: bite.parts[name].faces for name in BITE_PARTS}
    is_tucked = np.isin(rows, np.concatenate([socket.tucked for socket in sockets.values()]))
    is_hidden = np.isin(rows, np.concatenate([socket.pocket for socket in sockets.values()]))
    is_hidden &= ~is_tucked
    counts = {name: int(faces.max()) + 1 for name, faces in meshes_of.items()}
    triangles, kinds, start = [], [], 0
    for name, faces in meshes_of.items():
        if name == "skin":
            faces = faces[~is_hidden[faces].any(axis=1)]
        kind = _kinds(name, faces, weights["inside_mouth"], is_tucked)
        both, of_both = triangles_from_quads(faces, kind)
        triangles.append(both + start)
        kinds.append(of_both)
        start += counts[name]
    points = _mean_points(assets, rows, lids, bite, hollow)
    canonical = np.concatenate([points, [[0.5, 0, 0.27], [-0.5, 0, 0.27]]])
    ball = eye_points(np.zeros(3), 1.0, 0.0, 0.0)
    eye_start = len(rows) + 3 * LASH_TRIANGLES
    angle = np.full(len(canonical), np.pi)
    toward = -ball[:, 1] / np.linalg.norm(ball, axis=1)
    angle[eye_start : eye_start + 2 * len(ball)] = np.tile(np.arccos(np.clip(toward, -1, 1)), 2)
    table = np.zeros((len(canonical), len(REGIONS)))
    for column, name in enumerate(REGIONS):
        if name in weights:
            table[: len(rows), column] = weights[name]
    vertex_kinds = np.full(len(canonical), Part.SKIN)
    all_triangles, all_kinds = np.concatenate(triangles), np.concatenate(kinds)
    vertex_kinds[all_triangles] = all_kinds[:, None]
    vertex_kinds[all_triangles[all_kinds == Part.SKIN]] = Part.SKIN
    table[:, REGIONS.index("shade")] = _shade(canonical, vertex_kinds, angle)
    return Template(
        assets=assets,
        rows=rows,
        units=moves,
        lids=lids,
        sockets=sockets,
        bite=bite,
        hollow=hollow,
        skin=skin,
        triangles=all_triangles,
        parts=all_kinds,
        canonical=canonical.astype(np.float32),
        regions=np.rint(255 * np.clip(table, 0, 1)).astype(np.uint8),
        eye_angle=angle.astype(np.float32),
    )


def read_units(folder: Path) -> dict[str, Target]:
    """The face units of a folder by their ARKit names.

    Raises:
        SourceError: the folder holds no unit, or one of them cannot be read.
    """
    files = [path for path in sorted(folder.glob("*.target")) if path.stem not in LEFT_OUT]
    if not files:
        raise SourceError(
            f"{folder} holds no .target file. Name the folder of the CC0 face units `faceunits01`"
            " of makehumancommunity."
        )
    return {path.stem: read_target(path) for path in files}


def fitted_eyes(assets: HeadAssets, body: Points) -> dict[str, Eye]:
    """The eyeballs of a body by side."""
    return {
        side: fitted_eye(body[assets.base.points_of(group)]) for side, group in EYE_GROUPS.items()
    }


def head_axes(points: Points) -> Points:
    """Points of `avatars`' axes in those of `head`: y up, z to the front."""
    return points[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0])


def triangles_from_quads(
    faces: Int[np.ndarray, "quads 4"], kinds: UInt8[np.ndarray, " quads"]
) -> tuple[Int[np.ndarray, "triangles 3"], UInt8[np.ndarray, " triangles"]]:
    """Both halves of quads whose last corner may repeat the one before, with their kinds."""
    halves = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    a, b, c = halves.T
    is_real = (a != b) & (b != c) & (a != c)
    return halves[is_real], np.concatenate([kinds, kinds])[is_real]


def _skin_regions(
    assets: HeadAssets, skin: Int[np.ndarray, " points"], lids: Mapping[str, Lids]
) -> dict[str, Float[np.ndarray, " points"]]:
    base = assets.base.points
    middle = np.mean([eye.centre for eye in fitted_eyes(assets, base).values()], axis=0)
    drawn = read_regions(assets, skin, base[skin] - middle)
    weights = {name: drawn[name] for name in (*_SHARED_REGIONS, "inside_mouth")}
    margins = [
        rings[:2].ravel() for lid in lids.values() for rings in (lid.upper_rings, lid.lower_rings)
    ]
    return weights | {
        "brows": drawn["brow"],
        "lid_margins": np.isin(skin, np.concatenate(margins)).astype(np.float64),
    }


def _kinds(
    name: str,
    faces: Int[np.ndarray, "quads 4"],
    inside_mouth: Float[np.ndarray, " points"],
    is_tucked: Bool[np.ndarray, " points"],
) -> UInt8[np.ndarray, " quads"]:
    """A `Part` for each face of one of the meshes."""
    count = len(faces)
    if name in BITE_PARTS:
        return np.full(count, BITE_PARTS[name], dtype=np.uint8)
    if name != "skin":
        return np.full(count, Part.EYE if name in SIDES else Part.LASHES, dtype=np.uint8)
    kinds = np.full(count, Part.SKIN, dtype=np.uint8)
    kinds[inside_mouth[faces].mean(axis=1) > 0.5] = Part.MOUTH
    kinds[is_tucked[faces].any(axis=1)] = Part.SOCKET
    return kinds


def _mean_points(
    assets: HeadAssets,
    rows: Int[np.ndarray, " points"],
    lids: Mapping[str, Lids],
    bite: Bite,
    hollow: Int[np.ndarray, " points"],
) -> Points:
    """All vertices but the last two on the mean head, in eye distances and `head`'s axes."""
    shares = dict.fromkeys(ANCESTRIES, 1 / len(ANCESTRIES))
    body = shaped_body(assets, HeadShape(ancestry=shares, gender=0.5))
    eyes = fitted_eyes(assets, body)
    placement = placement_from_hollow(body[hollow], assets.base.points[hollow])
    points = [body[rows], lash_points(lids, body, eyes)]
    points += [eye_points(eye.centre, eye.radius, 0.0, 0.0) for eye in eyes.values()]
    points += [placement.placed(bite.points[name]) for name in BITE_PARTS]
    middle = np.mean([eye.centre for eye in eyes.values()], axis=0)
    unit = eyes["left"].centre[0] - eyes["right"].centre[0]
    return head_axes(np.concatenate(points) - middle) / unit


def _shade(
    canonical: Float[np.ndarray, "vertices 3"],
    kinds: Int[np.ndarray, " vertices"],
    eye_angle: Float[np.ndarray, " vertices"],
) -> Float[np.ndarray, " vertices"]:
    """How deep a vertex lies: in the mouth by its way behind the lips, in the socket fully."""
    inside = np.isin(kinds, (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE))
    lips = 0.5
    shade = np.where(inside, np.clip((lips - canonical[:, 2]) / 0.7, 0, 1), 0.0)
    shade = np.where(kinds == Part.EYE, 0.8 * np.clip((eye_angle - 0.7) / 0.6, 0, 1), shade)
    return np.where(kinds == Part.SOCKET, 0.8, shade)
