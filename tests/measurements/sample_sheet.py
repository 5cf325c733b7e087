"""The sample frames and what the default model makes of them, as pictures of the pages.

    python -m tests.measurements.sample_sheet training/results/avatars.jpg
    python -m tests.measurements.sample_sheet --pairs docs/before_after.jpg

A row for each sample: the input, then the six expressions. With `--pairs` the README's strip: each
sample before and after, all beside each other.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import reggan_plugin
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.names import BASIC_EXPRESSIONS

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
FRAMES = ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
FACE = np.array([[0.15, 0.08], [0.85, 0.78]])
"""Corners of what is shown, in parts of the square that the model sees."""
TILE_PX, PAIR_PX, GAP_PX, QUALITY = 240, 280, 16, 88
PAIRS = ("happy", "sad", "happy")
"""What is asked of each of the frames in the strip."""
BACKDROP = (0, 0, 0, 255)


def main(out: Path, *, pairs: bool) -> None:
    """Draw and write the picture."""
    transfer = ExpressionTransfer()
    rows = []
    side = PAIR_PX if pairs else TILE_PX
    for name, one_expression in zip(FRAMES, PAIRS, strict=True):
        (crop,) = transfer.find_faces(read_frame(SAMPLES / name), FaceChoice())
        corners = crop.place(FACE * crop.side_px)
        box = (*corners.min(axis=0).round().astype(int), *corners.max(axis=0).round().astype(int))
        image = Image.open(SAMPLES / name).convert("RGBA")  # what shows through decides with
        asked = [one_expression] if pairs else [one.name for one in BASIC_EXPRESSIONS[1:]]
        pictures = [image, *(transfer.apply(image, expression) for expression in asked)]
        backdrop = Image.new("RGBA", image.size, BACKDROP)
        pictures = [Image.alpha_composite(backdrop, one).convert("RGB") for one in pictures]
        tiles = [one.crop(box).resize((side, side), Image.Resampling.LANCZOS) for one in pictures]
        rows.append(np.concatenate([np.asarray(tile) for tile in tiles], axis=1))
    if pairs:
        gap = np.full((side, GAP_PX, 3), 255, np.uint8)
        rows = [np.concatenate([rows[0], *(part for row in rows[1:] for part in (gap, row))], 1)]
    picture = np.concatenate(rows)
    Image.fromarray(picture).save(out, quality=QUALITY, subsampling=0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.measurements.sample_sheet")
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", action="store_true", help="the strip of the README")
    options = parser.parse_args()
    main(options.out, pairs=options.pairs)
