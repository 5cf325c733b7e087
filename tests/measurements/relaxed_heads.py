"""How near `neutral` brings a rendered face to the same face at rest, on held-out heads.

    python -m tests.measurements.relaxed_heads --data DIR [--heads 2] [--out FOLDER]

Heads of each family, and stylised ones, are rendered with expressions whose weights are known, and
at rest. Each is asked to be `neutral`: only its open mouth shut (as below a take), then with what
it shows read and taken away. Printed is the PSNR to the render at rest, where that differs from the
expression: as it was, mouth shut, relaxed; at rest, of the whole picture. `--out` keeps pictures.
"""

from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS, mix_from_request
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.landmarks.pictures import TEXTURES
from reggan_training.rendering.head_look import keep_textures
from tests.measurements.performed_clips import clip_of
from tests.measurements.rig_measures import study_heads

_SMILE = {"mouthSmile": 0.8, "cheekSquint": 0.4}
_DIFFERS = 0.03
"""Of a channel, for a pixel to count."""


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--heads", default=2, help="Of each family.")
@click.option("--side", default=512, help="Pixels of a picture's side.")
@click.option("--out", type=click.Path(path_type=Path))
def main(*, data: Path, heads: int, side: int, out: Path | None) -> None:
    """Print a line for each picture, and the means."""
    torch.set_num_threads(1)
    keep_textures(TEXTURES)
    states = {e.name: dict(e.weights) for e in BASIC_EXPRESSIONS if e.weights}
    states["closed smile"] = {n + s: w for n, w in _SMILE.items() for s in ("Left", "Right")}
    weights = np.zeros((1 + len(states), len(ARKIT_SHAPES)))
    for row, state in enumerate(states.values(), start=1):
        weights[row] = [min(state.get(name, 0.0), 1.0) for name in ARKIT_SHAPES]
    transfer = ExpressionTransfer(device="cpu")
    asked = [mix_from_request(name) for name in ({"shutMouth": 1}, "neutral")]
    found: dict[str, list[list[float]]] = {}
    for head in study_heads(data, heads):
        pictures = [np.rint(255 * one) for one in clip_of(head, weights, 0.0, side).pictures]
        rest = pictures[0]
        for name, picture in zip(("rest", *states), pictures, strict=True):
            counts = np.abs(picture - rest).max(axis=2) > 255 * _DIFFERS
            counts |= name == "rest"
            levels = picture.astype(np.uint8)
            results = [levels, *(transfer.apply(levels, mix) for mix in asked)]
            psnr_db = [_psnr_db(one[counts], rest[counts]) for one in results]
            found.setdefault(name, []).append(psnr_db)
            print(head.group, head.style, name, *(f"{db:.2f}" for db in psnr_db), flush=True)
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                strip = np.concatenate([*results, rest.astype(np.uint8)], axis=1)
                Image.fromarray(strip).save(out / f"{head.number:02d}_{head.group}_{name}.png")
    print("| faces | n | as it was | mouth shut | relaxed |\n|---|---|---|---|---|")
    for name, rows in found.items():
        means = " | ".join(f"{db:.2f}" for db in np.mean(rows, axis=0))
        print(f"| {name} | {len(rows)} | {means} |")


def _psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    error = np.square(one.astype(float) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


if __name__ == "__main__":
    main()
