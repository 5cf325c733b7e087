"""Build the mouth that the runtime draws behind opened lips.

    python -m reggan_training.rig.mouth_asset --makehuman DIR --out reggan_plugin/rig/mouth.npz

Teeth, gums and tongue are MakeHuman's (CC0), refined where they are seen; palate, cheeks and
throat are lofted around them, so that nothing is open behind the teeth. The same folder gives
the same file, byte for byte.
"""

from io import BytesIO
from pathlib import Path

import click
import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.rig.mouth_rig import PARTS
from reggan_training.heads.anatomy.assets import read_assets
from reggan_training.heads.occlusion import occlusion
from reggan_training.rig.mouth_hollow import hollow, palate, plate
from reggan_training.rig.mouth_pieces import Piece, bite_pieces, joined, loose_parts

_SHADED_BY = {
    "upper": ("teeth_upper", "gums_upper", "palate"),
    "lower": ("teeth_lower", "gums_lower", "tongue"),
    "walls": ("hollow", "gums_upper", "gums_lower", "teeth_upper", "teeth_lower", "tongue"),
    "plates": ("plate_upper", "plate_lower"),
}
"""What hides the sky from what: nothing that the jaw takes away."""
_OF = {
    "teeth_upper": ("tooth", "upper"),
    "gums_upper": ("gum", "upper"),
    "teeth_lower": ("tooth", "lower"),
    "gums_lower": ("gum", "lower"),
    "tongue": ("tongue", "lower"),
    "palate": ("wall", "upper"),
    "hollow": ("wall", "walls"),
    "plate_upper": ("plate", "plates"),
    "plate_lower": ("plate", "plates"),
}
"""Of each piece: its part, and what shades it."""
_WITH_JAW = ("teeth_lower", "gums_lower", "tongue", "plate_lower")
_FAR = {"tongue": 0.16, "hollow": 0.2}
_NEAR = 0.09
"""How far off a surface still hides the sky: half of the reach of a shade that fades."""
_CERVICAL = {"teeth_upper": 0.17, "teeth_lower": 0.15}
"""Height of a crown, over which its colour goes from the neck's to the edge's."""


@click.command()
@click.option("--makehuman", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@verbose_option
def main(makehuman: Path, out: Path) -> None:
    """Build the mouth's geometry from a folder of the CC0 head assets."""
    arrays = mouth_arrays(makehuman)
    content = BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)  # it writes no dates
    write_atomically(out, content.getvalue())
    vertices, triangles = len(arrays["points"]), len(arrays["triangles"])
    click.echo(f"{out}: {vertices} vertices, {triangles} triangles, {out.stat().st_size} bytes")


def mouth_arrays(makehuman: Path) -> dict[str, np.ndarray]:
    """What the file holds: see `reggan_plugin.rig.mouth_rig`."""
    pieces = bite_pieces(read_assets(makehuman))
    pieces |= {
        "palate": palate(),
        "hollow": hollow(),
        "plate_upper": plate(pieces["teeth_upper"].points, is_upper=True),
        "plate_lower": plate(pieces["teeth_lower"].points, is_upper=False),
    }
    whole = joined([pieces[name] for name in _OF])
    low, high = whole.points.min(axis=0), whole.points.max(axis=0)
    columns = [_columns(pieces, name) for name in _OF]
    return {
        "bounds": np.stack([low, high]).astype(np.float32),
        "points": np.rint((whole.points - low) / (high - low) * 65535).astype(np.uint16),
        "normals": whole.normals.astype(np.float16),
        "triangles": whole.triangles.astype(np.uint16),
    } | {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}


def _columns(pieces: dict[str, Piece], name: str) -> dict[str, np.ndarray]:
    """Values at the points of one piece, as bytes."""
    points = pieces[name].points
    part, _ = _OF[name]
    tooth = np.zeros(len(points), np.int64)
    cervical = jaw = np.ones(len(points))
    if part == "tooth":
        tooth = loose_parts(pieces[name].triangles, len(points)) + 1
        cervical = _cervical(points, tooth, _CERVICAL[name], is_upper=name == "teeth_upper")
        tooth += 0 if name == "teeth_upper" else tooth.max()
    if name == "hollow":
        jaw = _jaw_share(points)
    elif name not in _WITH_JAW:
        jaw = np.zeros(len(points))
    return {
        "part": np.full(len(points), PARTS.index(part), np.uint8),
        "tooth": tooth.astype(np.uint8),
        "jaw": _bytes(jaw),
        "sky": _bytes(1 - _hidden(pieces, name)),
        "cervical": _bytes(cervical),
    }


def _bytes(shares: Float[np.ndarray, " points"]) -> np.ndarray:
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)


def _jaw_share(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Of the hollow: its floor goes with the jaw, its top stays, cheeks stretch between."""
    share = np.clip(0.5 - (points[:, 1] - 0.02) / 0.5, 0, 1)
    return share * share * (3 - 2 * share)


def _cervical(
    points: Float[np.ndarray, "points 3"],
    tooth: Int[np.ndarray, " points"],
    crown: float,
    *,
    is_upper: bool,
) -> Float[np.ndarray, " points"]:
    """0 at a tooth's edge, 1 at its neck."""
    height = points[:, 1] if is_upper else -points[:, 1]
    edge = np.full(tooth.max() + 1, np.inf)
    np.minimum.at(edge, tooth, height)
    return np.clip((height - edge[tooth]) / crown, 0, 1)


def _hidden(pieces: dict[str, Piece], name: str) -> Float[np.ndarray, " points"]:
    """Share of the sky over a piece's points that its neighbours hide."""
    others = [other for other in _SHADED_BY[_OF[name][1]] if other != name]
    scene = joined([pieces[name], *(pieces[other] for other in others)])
    rows = np.arange(len(pieces[name].points))
    return occlusion(scene.points, scene.triangles, rows, far=_FAR.get(name, _NEAR))


if __name__ == "__main__":
    main()
