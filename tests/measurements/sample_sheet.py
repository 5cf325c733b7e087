"""The picture of the README: the sample frames and what the default model makes of them.

    python -m tests.measurements.sample_sheet training/results/avatars.jpg

A row for each sample: the input, then the six expressions.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import reggan_plugin
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.basic_expressions import BASIC_EXPRESSIONS

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
FRAMES = ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
FACE = np.array([[0.15, 0.08], [0.85, 0.78]])
"""Corners of what is shown, in parts of the square that the model sees."""
TILE_PX, QUALITY = 240, 88
BACKDROP = (0, 0, 0, 255)


def main(out: Path) -> None:
    """Draw and write the picture."""
    transfer = ExpressionTransfer()
    rows = []
    for name in FRAMES:
        (crop,) = transfer.find_faces(read_frame(SAMPLES / name), FaceChoice())
        corners = crop.place(FACE * crop.side_px)
        box = (*corners.min(axis=0).round().astype(int), *corners.max(axis=0).round().astype(int))
        image = Image.open(SAMPLES / name).convert("RGBA")  # what shows through decides with
        pictures = [image, *(transfer.apply(image, one.name) for one in BASIC_EXPRESSIONS[1:])]
        backdrop = Image.new("RGBA", image.size, BACKDROP)
        pictures = [Image.alpha_composite(backdrop, one).convert("RGB") for one in pictures]
        tiles = [
            one.crop(box).resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS) for one in pictures
        ]
        rows.append(np.concatenate([np.asarray(tile) for tile in tiles], axis=1))
    Image.fromarray(np.concatenate(rows)).save(out, quality=QUALITY, subsampling=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
