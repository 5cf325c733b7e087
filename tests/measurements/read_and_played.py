"""Takes read from a head: played on another head beside that head's true render, and read turned.

    python -m tests.measurements.read_and_played --data DIR --clips FOLDER [--frames 8]

`--clips` is what `perform_on_heads` rendered. *Played*: our reader's take of a clip moves a head of
the next family, rendered at rest; the truth is that head rendered with the clip's true weights.
PSNR (dB) to it where it differs from rest: at rest, with the true weights and with those that were
read, both moved by the default model. *Turned*: the same head is rendered anew before a camera
aside; error is the mean distance to the true weights, beyond the same head at rest in that turn.
"""

from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from reggan_plugin.perform.character_reader import CharacterReader
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, SHUT_MOUTH
from reggan_training.landmarks.pictures import TEXTURES
from reggan_training.rendering.head_look import keep_textures
from tests.measurements.performed_clips import clip_of
from tests.measurements.rig_measures import StudyHead, study_heads

_DIFFERS = 8
"""Levels of a channel, for a pixel to count."""
_TURNS_DEG = (0.0, 20.0, 40.0)


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--clips", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--frames", default=8, help="Of a clip, those that show most.")
@click.option("--side", default=384)
def main(*, data: Path, clips: Path, frames: int, side: int) -> None:
    """Print a line for each clip."""
    torch.set_num_threads(1)
    keep_textures(TEXTURES)
    reader, transfer = CharacterReader("cpu"), ExpressionTransfer(device="cpu")
    heads = list(study_heads(data, 1))
    folders = sorted(path for path in clips.iterdir() if path.is_dir())
    for place, folder in enumerate(folders):
        with np.load(folder / "truth.npz") as truth:
            weights = truth["weights"]
        rows = np.sort(np.argsort(-weights.sum(axis=1))[:: len(weights) // (4 * frames)][:frames])
        pictures = [_read(folder / f"a.{row + 1:04d}.png") for row in (0, *rows)]
        faces = [reader.read(picture)[0] for picture in pictures]
        found = reader.beyond_rest(faces[1:], faces[:1])
        other = heads[(place + 1) % len(heads)]
        played = _played(transfer, other, weights[rows], found, side)
        print(f"{folder.name} on {other.group}: {played}")
        turned = _turned(reader, heads[place], weights[rows], side)
        print(f"{folder.name} turned: {turned}", flush=True)


def _played(
    transfer: ExpressionTransfer, head: StudyHead, true: np.ndarray, found: np.ndarray, side: int
) -> str:
    states = np.concatenate([np.zeros((1, len(ARKIT_SHAPES))), true])
    rest, *wanted = (np.rint(255 * one) for one in clip_of(head, states, 0.0, side).pictures)
    start, psnr_db = rest.astype(np.uint8), []
    for number, picture in enumerate(wanted):
        differs = np.abs(picture - rest).max(axis=2) > _DIFFERS
        moved = [transfer.apply(start, _mix(one[number])) for one in (true, found)]
        psnr_db.append([_psnr_db(one[differs], picture[differs]) for one in (rest, *moved)])
    at_rest, by_true, by_read = np.mean(psnr_db, axis=0)
    return (
        f"{at_rest:.2f} dB at rest, {by_true:.2f} with true weights, {by_read:.2f} with read ones"
    )


def _turned(reader: CharacterReader, head: StudyHead, true: np.ndarray, side: int) -> str:
    states = np.concatenate([np.zeros((1, len(ARKIT_SHAPES))), true])
    said = []
    for turn_deg in _TURNS_DEG:
        clip = clip_of(head, states, turn_deg, side)
        found = [reader.read(np.rint(255 * one).astype(np.uint8)) for one in clip.pictures]
        seen = [number for number, faces in enumerate(found) if faces and number]
        if not found[0] or not seen:
            said.append(f"{turn_deg:.0f} deg: not found")
            continue
        read = reader.beyond_rest([found[number][0] for number in seen], found[0][:1])
        error = np.abs(read - clip.weights[seen])[:, clip.has].mean()
        nothing = clip.weights[seen][:, clip.has].mean()
        said.append(f"{turn_deg:.0f} deg: {len(seen)} found, {error:.3f} of {nothing:.3f}")
    return "; ".join(said)


def _mix(weights: np.ndarray) -> ExpressionMix:
    shown = {name: float(w) for name, w in zip(ARKIT_SHAPES, weights, strict=True) if w > 0}
    return ExpressionMix({**shown, SHUT_MOUTH: 1.0})


def _read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    error = np.square(one.astype(float) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


if __name__ == "__main__":
    main()
