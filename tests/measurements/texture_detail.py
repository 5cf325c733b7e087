"""How much of a map's fine detail is left where its texels move: 8k pores must stay 8k pores.

    python -m tests.measurements.texture_detail
    python -m tests.measurements.texture_detail --side 4096 --expression happy
    python -m tests.measurements.texture_detail --mesh head.glb --texture base_color.png

Without --mesh the head is that of the tests, with the face of a sample frame. Its map is enlarged
to --side texels, and so is the one of --texture; both get grain of two texels' width, as pores are.
For each expression this prints the energy of gradients after over before inside the changed texels,
as `evaluate-motion` measures it in frames, of all and of what a Gaussian of one texel takes away: 1
is as it should be, less is blur, more is ringing or noise. The same is printed of a map that an
enlarged picture of half its resolution would have left. Light and paint count in.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_training.metrics.motion.measures import measure_detail

from ..textures.conftest import make_head, sample_face, write_obj

Image.MAX_IMAGE_PIXELS = None
BAKED_PX = 1024
GRAIN_LEVELS = 6.0
"""Of 255, as a standard deviation."""
STRIP_PX = 512


def main() -> None:
    """Print a row for each expression."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mesh", type=Path)
    parser.add_argument("--texture", type=Path)
    parser.add_argument("--side", type=int, default=8192, metavar="PX")
    parser.add_argument("--expression", action="append")
    asked = parser.parse_args()
    if (asked.mesh is None) != (asked.texture is None):
        parser.error("--mesh and --texture go together")
    transfer = ExpressionTransfer()
    with tempfile.TemporaryDirectory() as scratch:
        mesh, texture = asked.mesh, Path(scratch, "map.png")
        if mesh is None:
            made = make_head(sample_face(transfer), BAKED_PX)
            mesh, picture = Path(scratch, "head.obj"), Image.fromarray(made.picture)
            write_obj(mesh, made)
        else:
            picture = Image.open(asked.texture).convert("RGB")
        Image.fromarray(with_grain(picture, asked.side)).save(texture, compress_level=1)
        face = PreparedFace(mesh, Look(texture=texture), transfer, Path(scratch))
        for name in asked.expression or ["happy", "angry", "surprised"]:
            print_detail(face, name)


def with_grain(picture: Image.Image, side_px: int) -> np.ndarray:
    """The picture enlarged, with grain; uint8 [side, side, 3]."""
    large = np.asarray(picture.resize((side_px, side_px), Image.Resampling.BICUBIC)).copy()
    random = np.random.default_rng(7)
    for top in range(0, side_px, STRIP_PX):
        strip = large[top : top + STRIP_PX]
        grain = random.normal(0, GRAIN_LEVELS, (strip.shape[0] + 2, side_px + 2))
        for _ in range(2):
            grain = (grain[1:] + grain[:-1])[:, 1:] + (grain[1:] + grain[:-1])[:, :-1]
        strip[:] = np.clip(np.rint(strip + grain[..., None] / 6), 0, 255)
    return large


def print_detail(face: PreparedFace, name: str) -> None:
    """Change the map and compare."""
    begin = time.process_time()
    changed = face.change(ExpressionMix({name: 1.0}))
    seconds = time.process_time() - begin
    (number,) = changed.tiles
    before, after = face.texture.tiles[number].colours, changed.tiles[number]
    moved = (before != after).any(axis=2)
    rows, columns = (np.flatnonzero(moved.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    ours, soft = (
        measure_detail(planes_of(made), planes_of(before[box]), moved[box])
        for made in (after[box], halved(before[box]))
    )
    print(
        f"{name}: {moved.sum() / 1e6:.1f} million texels of {max(before.shape)} px change; detail "
        f"{ours.whole:.2f}, fine {ours.fine:.2f}; of half the resolution {soft.whole:.2f}, "
        f"{soft.fine:.2f}; {seconds:.0f} s of a core",
        flush=True,
    )


def planes_of(levels: np.ndarray) -> np.ndarray:
    """Float [3, height, width], 0 to 1."""
    return np.moveaxis(levels.astype(np.float32) / np.float32(255), 2, 0)


def halved(levels: np.ndarray) -> np.ndarray:
    """What a picture of half the resolution would have left, enlarged again."""
    picture = Image.fromarray(levels)
    small = picture.reduce(2)
    return np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
