"""How well a performance is read from clips of held-out heads whose weights are known.

    python -m tests.measurements.perform_on_heads --data DIR --clips FOLDER \\
        [--landmarker face_landmarker.task]

One head of each family, and a stylised one, speak and act (`performed_clips`); the clips are
rendered into `--clips` once, a second or two a frame. Our own reader reads them, and MediaPipe
where a landmarker is given. Of each, all frames or every nth:

    error        mean distance of the weights of all shapes that the head has; *nothing*: of weights
                 that are 0
    alone        the same, of the reader's answer to single pictures, without the face at rest
    correlation  mean (median) over the shapes that move
    lips         of frames that say that lips meet, those within one that is read of a true one; and
                 the other way round
    blinks       found of those there, and how many are claimed
    seconds      of the processor to read a picture, child processes left out

Then a table by shape, both sides together: the mean error of each reader over the heads that have
the shape and move it, and that of weights that are 0.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from reggan_plugin.perform.character_reader import CharacterReader
from reggan_plugin.perform.face_reading import FaceReader
from reggan_plugin.perform.mediapipe_landmarker import MediaPipeReader
from reggan_plugin.perform.read_clip import Recording
from reggan_plugin.perform.take_from_clip import performance_from_recording
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.landmarks.pictures import TEXTURES
from reggan_training.rendering.head_look import keep_textures
from tests.measurements.performed_clips import FPS, PerformedClip, acted_weights, clip_of
from tests.measurements.rig_measures import study_heads

_LEAST_MOTION = 0.3
"""Weight that a shape has to reach to count among those that move."""
_NOTHING = "nothing"
_NEAR = 2
"""Frames around the start of a blink in which it counts as found."""


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--clips", type=click.Path(path_type=Path), required=True, help="Kept there.")
@click.option("--landmarker", type=click.Path(exists=True, path_type=Path))
@click.option("--frames", default=150, help="Of a clip.")
@click.option("--every", default=3, help="Read every nth frame.")
@click.option("--side", default=384, help="Pixels of a clip's side.")
def main(
    *, data: Path, clips: Path, landmarker: Path | None, frames: int, every: int, side: int
) -> None:
    """Print a line for each head and reader."""
    torch.set_num_threads(1)
    if not clips.exists():
        _render(data, clips, frames, side)
    readers: list[FaceReader] = [CharacterReader("cpu")]
    if landmarker is not None:
        readers.append(MediaPipeReader(landmarker))
    by_shape: dict[str, dict[str, list[float]]] = {}
    for folder in sorted(path for path in clips.iterdir() if path.is_dir()):
        for reader in readers:
            print(_line(folder, reader, every, by_shape), flush=True)
    names = [reader.name for reader in readers]
    print(f"| shape | {' | '.join(names)} | all weights 0 |\n|---|{'---|' * (1 + len(names))}")
    for shape, errors in sorted(by_shape.items()):
        means = " | ".join(f"{np.mean(errors[name]):.3f}" for name in (*names, _NOTHING))
        print(f"| {shape} | {means} |")
    for reader in readers:
        reader.close()


def _render(data: Path, clips: Path, frames: int, side: int) -> None:
    keep_textures(TEXTURES)
    for number, head in enumerate(study_heads(data, 1)):
        clip = clip_of(head, acted_weights(frames, number), 0.0, side)
        folder = clips / f"{number:02d}_{head.group}"
        folder.mkdir(parents=True)
        for place, picture in enumerate(clip.pictures, start=1):
            levels = (picture * 255 + 0.5).astype(np.uint8)
            Image.fromarray(levels).save(folder / f"a.{place:04d}.png")
        np.savez(folder / "truth.npz", weights=clip.weights, has=clip.has, lips=clip.lips_gap)
        print(f"{folder.name}: {head.name}, {head.style}", flush=True)


def _line(
    folder: Path, reader: FaceReader, every: int, by_shape: dict[str, dict[str, list[float]]]
) -> str:
    """Return the line of a clip and a reader, and note down the errors of its shapes."""
    with np.load(folder / "truth.npz") as truth:
        clip = PerformedClip(
            pictures=[], weights=truth["weights"], has=truth["has"], lips_gap=truth["lips"]
        )
    paths = sorted(folder.glob("a.*.png"))[::every]
    rows = np.arange(0, len(clip.weights), every)
    begin, readings = time.process_time(), []
    for path in paths:
        with Image.open(path) as picture:
            faces = reader.read(np.asarray(picture.convert("RGB")))
        readings.append(faces[0] if faces else None)
    seconds = (time.process_time() - begin) / len(paths)
    made = performance_from_recording(
        Recording(
            name=folder.name,
            numbers=tuple((rows + 1).tolist()),
            times_s=rows / FPS,
            has_times=True,
            readings=readings,
            others=[0] * len(rows),
        ),
        reader=reader,
    )
    found, true = made.take.weights, clip.weights[rows]
    alone = np.array([np.zeros(len(true[0])) if one is None else one.weights for one in readings])
    moving = [k for k in np.flatnonzero(clip.has) if true[:, k].max() > _LEAST_MOTION]
    for k in moving:
        shape = ARKIT_SHAPES[k].removesuffix("Left").removesuffix("Right")
        shape = ARKIT_SHAPES[k] if shape in ("jaw", "mouth") else shape
        errors = by_shape.setdefault(shape, {})
        errors.setdefault(reader.name, []).append(float(np.abs(found - true)[:, k].mean()))
        errors.setdefault(_NOTHING, []).append(float(true[:, k].mean()))
    correlations = [_correlation(found[:, k], true[:, k]) for k in moving]
    lids = made.lids.any(axis=1)
    shut = set(rows[lids].tolist())
    blinks = clip.blinks
    seen = sum(any(abs(at - one) <= _NEAR + every for one in shut) for at in blinks)
    claimed = int((np.diff(lids.astype(int), prepend=0) == 1).sum())
    lips = _near(made.lips, clip.lips_shut[rows]), _near(clip.lips_shut[rows], made.lips)
    error, nothing, single = (
        float(np.abs(one - true)[:, clip.has].mean()) for one in (found, 0 * true, alone)
    )
    return (
        f"| {folder.name}, {reader.name} | {error:.3f} | {nothing:.3f} | {single:.3f} | "
        f"{np.mean(correlations):.2f} ({np.median(correlations):.2f}) | {lips[0]:.2f}, "
        f"{lips[1]:.2f} | {seen} of {len(blinks)}, {claimed} | {seconds:.3f} |"
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if min(one.std(), other.std()) < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _near(claimed: Sequence[bool] | np.ndarray, true: Sequence[bool] | np.ndarray) -> float:
    """Share of the rows of one that are within a row of the other."""
    rows, others = np.flatnonzero(claimed), np.flatnonzero(true)
    if not len(rows) or not len(others):
        return float("nan")
    return float(np.mean([np.abs(others - row).min() <= 1 for row in rows]))


if __name__ == "__main__":
    main()
