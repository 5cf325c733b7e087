"""The template of all MakeHuman heads: the points of each part, and the motion of each unit.

Works in the axes and metres of `anatomy` (z up, the face looking along -y); only the finished
mesh is turned into those of `head`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.assets import HeadAssets, Target, read_target
from reggan_training.heads.anatomy.head import head_skin
from reggan_training.heads.anatomy.lids import LidRings, find_lids
from reggan_training.heads.anatomy.meshes import Faces
from reggan_training.heads.anatomy.regions import read_regions
from reggan_training.heads.anatomy.teeth import Bite, read_bite
from reggan_training.heads.makehuman.layout import cut_skin, lay_out
from reggan_training.heads.makehuman.mean import fitted_eyes, mean_head
from reggan_training.heads.makehuman.sockets import Socket, find_socket
from reggan_training.heads.refinement import Refinement

LEFT_OUT = ("tongueOut",)
"""Units of the asset that are no control of ours."""
JAW_GROUP = "helper-lower-teeth"
_SHARED_REGIONS = ("lips", "beard", "moustache", "scalp", "cheeks", "nose", "eye_rings", "ears")


@dataclass(frozen=True, kw_only=True, eq=False)
class MakeHumanTemplate:
    """The same for all identities.

    The vertices of a head are those of the skin, the lashes, both eyeballs, the bite's parts,
    then two that no triangle uses: the fronts of the eyeballs.

    Attributes:
        rows: body points of the skin before it is refined.
        units: by control the body points that it moves and how far, metres.
        lids: both eyes' lids, by body points.
        sockets: both eyes' surroundings.
        hollow: body points of the mouth's inside.
        skin: the skin's faces before it is refined.
        finer: the finer skin.
        triangles, parts, canonical, regions, eye_angle: as in `HeadMesh`.
    """

    assets: HeadAssets
    rows: Int[np.ndarray, " skin_points"]
    units: Mapping[str, Target]
    lids: Mapping[str, LidRings]
    sockets: Mapping[str, Socket]
    bite: Bite
    hollow: Int[np.ndarray, " points"]
    skin: Faces
    finer: Refinement
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


def read_template(assets: HeadAssets, units: Path) -> MakeHumanTemplate:
    """Read the template that all heads share.

    Raises:
        SourceError: the folder holds no unit, or one of them cannot be read.
    """
    moves = read_units(units)
    skin, rows = head_skin(assets.base)
    lids = find_lids(assets.base, assets.skin_weights, rows)
    sockets = {
        side: find_socket(assets, rows, lids[side], eye)
        for side, eye in fitted_eyes(assets, assets.base.points).items()
    }
    weights = _skin_regions(assets, rows, lids)
    bite = read_bite(assets)
    hollow = rows[weights["inside_mouth"] > 0.5]
    mean = mean_head(assets, rows, lids, bite, hollow)
    finer, skin_kinds = cut_skin(skin, rows, sockets, weights["inside_mouth"], mean.skin)
    layout = lay_out(finer, skin_kinds, mean, weights, bite)
    return MakeHumanTemplate(
        assets=assets,
        rows=rows,
        units=moves,
        lids=lids,
        sockets=sockets,
        bite=bite,
        hollow=hollow,
        skin=skin,
        finer=finer,
        triangles=layout.triangles,
        parts=layout.parts,
        canonical=layout.canonical,
        regions=layout.regions,
        eye_angle=layout.eye_angle,
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


def _skin_regions(
    assets: HeadAssets, skin: Int[np.ndarray, " points"], lids: Mapping[str, LidRings]
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
