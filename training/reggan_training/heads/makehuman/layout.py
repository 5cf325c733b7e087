"""Triangles of a MakeHuman head, what each is, and what is known of its vertices."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from reggan_training.heads.anatomy.eyeball import eye_faces, eye_points
from reggan_training.heads.anatomy.head import SIDES
from reggan_training.heads.anatomy.meshes import Points
from reggan_training.heads.anatomy.teeth import Bite
from reggan_training.heads.head import REGIONS, Part
from reggan_training.heads.makehuman.lashes import lash_faces
from reggan_training.heads.makehuman.mean import BITE_PARTS, MeanHead
from reggan_training.heads.makehuman.sockets import Socket
from reggan_training.heads.occlusion import occlusion
from reggan_training.heads.refinement import Refinement, refine

_KINDS: Mapping[str, Part] = {
    "lashes": Part.LASHES,
    **dict.fromkeys(SIDES, Part.EYE),
    **dict.fromkeys(("teeth_upper", "teeth_lower"), Part.TEETH),
    **dict.fromkeys(("gums_upper", "gums_lower"), Part.GUMS),
    "tongue": Part.TONGUE,
}
_LIPS_DEPTH, _THROAT = 0.5, 0.7
"""Depth of the lips in front of the eyes, and of darkness behind the lips; eye distances."""
_OPEN, _DEEP = 0.25, 0.85
"""Occluded shares of the hemisphere that count as open and as deep."""
_SOCKET_SHADE = 0.8


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """As in `HeadMesh`."""

    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    canonical: Float[np.ndarray, "vertices 3"]
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: Float[np.ndarray, " vertices"]


def cut_skin(
    faces: Int[np.ndarray, "quads 4"],
    rows: Int[np.ndarray, " points"],
    sockets: Mapping[str, Socket],
    inside_mouth: Float[np.ndarray, " points"],
    canonical: Points,
) -> tuple[Refinement, UInt8[np.ndarray, " triangles"]]:
    """The skin, finer around eyes, nose and mouth, and a `Part` for each of its triangles.

    What lies in the sockets behind the lids' edge is left out.
    """
    is_tucked = np.isin(rows, np.concatenate([socket.tucked for socket in sockets.values()]))
    is_pocket = np.isin(rows, np.concatenate([socket.pocket for socket in sockets.values()]))
    faces = faces[~(is_pocket & ~is_tucked)[faces].any(axis=1)]
    kinds = np.full(len(faces), Part.SKIN, dtype=np.uint8)
    kinds[inside_mouth[faces].mean(axis=1) > 0.5] = Part.MOUTH
    kinds[is_tucked[faces].any(axis=1)] = Part.SOCKET
    finer = refine(faces, _is_detailed(canonical)[faces].all(axis=1), len(rows))
    return finer, kinds[finer.source]


def lay_out(
    finer: Refinement,
    skin_kinds: UInt8[np.ndarray, " triangles"],
    mean: MeanHead,
    weights: Mapping[str, Float[np.ndarray, " points"]],
    bite: Bite,
) -> Layout:
    """The whole head from its skin; `weights` are the regions of the skin before it is refined."""
    skin = finer.points(mean.skin)
    canonical = np.concatenate([skin, mean.others])
    triangles, kinds, start = [finer.triangles], [skin_kinds], len(skin)
    meshes_of = {"lashes": lash_faces(), **dict.fromkeys(SIDES, eye_faces())}
    meshes_of |= {name: bite.faces[name] for name in BITE_PARTS}
    for name, faces in meshes_of.items():
        both = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
        both = both[(both[:, 1] != both[:, 2]) & (both[:, 0] != both[:, 2])]
        triangles.append(both + start)
        kinds.append(np.full(len(both), _KINDS[name], dtype=np.uint8))
        start += int(faces.max()) + 1
    all_triangles, all_kinds = np.concatenate(triangles), np.concatenate(kinds)
    angle = _eye_angle(all_triangles[all_kinds == Part.EYE], len(canonical))
    table = np.zeros((len(canonical), len(REGIONS)))
    for column, name in enumerate(REGIONS):
        if name in weights:
            table[: len(skin), column] = finer.mixed(weights[name][:, None])[:, 0]
    lips = table[:, REGIONS.index("lips")]
    table[:, REGIONS.index("shade")] = _shade(canonical, all_triangles, all_kinds, angle, lips)
    return Layout(
        triangles=all_triangles,
        parts=all_kinds,
        canonical=canonical.astype(np.float32),
        regions=np.rint(255 * np.clip(table, 0, 1)).astype(np.uint8),
        eye_angle=angle.astype(np.float32),
    )


def _is_detailed(canonical: Points) -> Bool[np.ndarray, " points"]:
    """Which points of the mean head lie at the eyes, the nose or the mouth."""
    side, up, front = np.abs(canonical[:, 0]), canonical[:, 1], canonical[:, 2]
    eyes = (np.abs(side - 0.5) < 0.45) & (np.abs(up - 0.03) < 0.36)
    nose = (side < 0.34) & (up > -0.85) & (up < -0.1)
    mouth = (side < 0.62) & (up > -1.5) & (up < -0.8) & (front > 0.1)
    return (eyes | nose | mouth) & (front > -0.1)


def _eye_angle(
    triangles: Int[np.ndarray, "triangles 3"], count: int
) -> Float[np.ndarray, " vertices"]:
    ball = eye_points(np.zeros(3), 1.0, 0.0, 0.0)
    away = np.arccos(np.clip(-ball[:, 1] / np.linalg.norm(ball, axis=1), -1, 1))
    angle = np.full(count, np.pi)
    angle[np.unique(triangles)] = np.tile(away, 2)
    return angle


def _shade(
    canonical: Points,
    triangles: Int[np.ndarray, "triangles 3"],
    kinds: UInt8[np.ndarray, " triangles"],
    eye_angle: Float[np.ndarray, " vertices"],
    lips: Float[np.ndarray, " vertices"],
) -> Float[np.ndarray, " vertices"]:
    """Depth of a vertex: on skin by what it sees, in the mouth by its way behind the lips.

    Lips are half as dark as they are at rest, since they part.
    """
    of_vertex = np.full(len(canonical), Part.LASHES)
    of_vertex[triangles] = kinds[:, None]
    of_vertex[triangles[kinds == Part.SKIN]] = Part.SKIN
    outer = np.isin(kinds, (Part.SKIN, Part.SOCKET, Part.MOUTH))
    hidden = occlusion(canonical, triangles[outer], np.flatnonzero(of_vertex == Part.SKIN))
    shade = np.zeros(len(canonical))
    shade[of_vertex == Part.SKIN] = np.clip((hidden - _OPEN) / (_DEEP - _OPEN), 0, 1)
    shade *= 1 - 0.5 * lips
    inside = np.isin(of_vertex, (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE))
    deep = np.clip((_LIPS_DEPTH - canonical[:, 2]) / _THROAT, 0, 1)
    shade = np.where(inside, deep, shade)
    shade = np.where(of_vertex == Part.EYE, 0.8 * np.clip((eye_angle - 0.7) / 0.6, 0, 1), shade)
    return np.where(of_vertex == Part.SOCKET, _SOCKET_SHADE, shade)
