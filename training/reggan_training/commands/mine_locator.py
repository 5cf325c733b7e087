"""`reggan-plugin dev mine-locator`: what a half-trained locator takes for faces."""

from pathlib import Path

import click
import numpy as np

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.faces.locator import FaceLocator
from reggan_training.commands.options import FILE_TO_WRITE, FOLDER, SET, number_option

_BACKGROUNDS = 600


@click.command("mine-locator")
@click.option(
    "--data",
    type=SET,
    required=True,
    help="Set of square pictures; only identities of the train split are used.",
)
@click.option(
    "--heads",
    type=FOLDER,
    multiple=True,
    help="Folder of drawn heads, as `train-locator --draw` writes it. May be given several times.",
)
@number_option(
    "--cartoons", default=0, least=0, help="How many flat drawings of characters to add."
)
@click.option(
    "--model", type=FOLDER, required=True, help="Folder with detector.onnx and landmarks.onnx."
)
@click.option("--out", type=FILE_TO_WRITE, required=True, help="File to write.")
@number_option("--frames", default=900, help="How many frames to search.")
@click.option("--seed", type=int, default=11, show_default=True, help="Seed of the frames.")
@verbose_option
def mine_locator(
    data: Path,
    heads: tuple[Path, ...],
    cartoons: int,
    model: Path,
    out: Path,
    frames: int,
    seed: int,
) -> None:
    """Collect what a half-trained locator takes for faces, to train on.

    \b
    Example:
      reggan-plugin dev mine-locator --data pictures --model weights/draft --out negatives.npz
    """
    import cv2

    from reggan_training.locator.drawn_heads import pictures_to_train_on
    from reggan_training.locator.mining import mine_negatives
    from reggan_training.locator.styled_faces import build_bank

    cv2.setNumThreads(1)
    pictures = pictures_to_train_on(data, heads, cartoons, seed)
    bank = build_bank(pictures, styles_per_picture=1, backgrounds=_BACKGROUNDS, seed=seed)
    mined = mine_negatives(FaceLocator(model), bank, pictures, frames=frames, seed=seed)
    np.savez_compressed(out, patches=mined.patches, crops=mined.crops)
    click.echo(f"{out} {len(mined.patches)} patches, {len(mined.crops)} crops")
