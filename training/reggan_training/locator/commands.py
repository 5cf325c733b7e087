"""`reggan-plugin dev train-locator`, `mine-locator` and `evaluate-locator`."""

import logging
from pathlib import Path

import click
import cv2
import numpy as np
import torch

from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.faces.locator import FaceLocator
from reggan_training.data.split import Split, split_of
from reggan_training.locator.bank import build_bank
from reggan_training.locator.contact_sheet import ContactSheet
from reggan_training.locator.detector_network import FaceDetector
from reggan_training.locator.evaluate import (
    count_false_faces,
    draw_london_frames,
    judge_faces,
    measure_times,
    write_report,
)
from reggan_training.locator.evaluation_frames import (
    CHOSEN_BY,
    draw_face_frames,
    draw_faceless_set,
    read_photographs,
)
from reggan_training.locator.landmark_network import LandmarkNetwork
from reggan_training.locator.loop import LocatorRun, RunConfig, StageName
from reggan_training.locator.mining import mine_negatives
from reggan_training.locator.scoring import summarise, tabulate
from reggan_training.locator.sources import load_avatars
from reggan_training.locator.stages import DetectorStage, LandmarkStage, LocatorStage


@click.command("train-locator")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of rendered avatars with landmarks.json.",
)
@click.option(
    "--run",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Run folder; a run that is there is continued.",
)
@click.option(
    "--stage",
    type=click.Choice(("detector", "landmarks")),
    required=True,
    help="Which of the two networks.",
)
@click.option(
    "--kimg",
    type=click.FloatRange(min=0, min_open=True),
    default=500,
    show_default=True,
    help="Length of the run, in thousands of synthesised images.",
)
@click.option("--styles", type=click.IntRange(1), default=5, show_default=True, help="Per picture.")
@click.option(
    "--backgrounds",
    type=click.IntRange(2),
    default=800,
    show_default=True,
    help="How many to paint before the run.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all that is random.")
@click.option("--rate", type=float, default=2e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--start-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Run folder to take the first weights from.",
)
@click.option(
    "--negatives",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File written by mine-locator; repeatable.",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of PyTorch.")
@verbose_option
def train_locator(
    data: Path,
    folder: Path,
    stage: StageName,
    kimg: float,
    styles: int,
    backgrounds: int,
    seed: int,
    rate: float,
    start_from: Path | None,
    negatives: tuple[Path, ...],
    threads: int,
) -> None:
    """Train one of the locator's two networks on avatar pictures.

    The shipped weights were trained in turns: train, export, mine-locator, then train on with
    --start-from and --negatives.

    \b
    Example:
      reggan-plugin dev train-locator --data avatars --run runs/locator/detector --stage detector
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    torch.manual_seed(seed)
    config = RunConfig(
        stage=stage,
        total_kimg=kimg,
        learning_rate=rate,
        styles_per_picture=styles,
        backgrounds=backgrounds,
        seed=seed,
        start_from=str(start_from or ""),
        negatives=tuple(str(path) for path in negatives),
    )
    pictures = load_avatars(data, lambda identity: split_of(identity) == "train")
    bank = build_bank(
        pictures,
        styles_per_picture=styles,
        backgrounds=backgrounds,
        seed=seed,
        negatives=negatives,
    )
    chosen: LocatorStage = (
        DetectorStage(bank, FaceDetector())
        if stage == "detector"
        else LandmarkStage(bank, LandmarkNetwork())
    )
    LocatorRun(folder, config, chosen).run()
    click.echo(folder)


@click.command("mine-locator")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of rendered avatars; only identities of the train split are used.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with detector.onnx and landmarks.onnx.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write."
)
@click.option(
    "--frames", type=click.IntRange(1), default=900, show_default=True, help="How many to search."
)
@click.option("--seed", type=int, default=11, show_default=True, help="Of the frames.")
@verbose_option
def mine_locator(data: Path, model: Path, out: Path, frames: int, seed: int) -> None:
    """Collect what a half-trained locator takes for faces, to train on.

    \b
    Example:
      reggan-plugin dev mine-locator --data avatars --model weights/draft --out negatives.npz
    """
    cv2.setNumThreads(1)
    pictures = load_avatars(data, lambda identity: split_of(identity) == "train")
    bank = build_bank(pictures, styles_per_picture=1, backgrounds=600, seed=seed)
    mined = mine_negatives(FaceLocator(model), bank, pictures, frames=frames, seed=seed)
    np.savez_compressed(out, patches=mined.patches, crops=mined.crops)
    click.echo(f"{out} {len(mined.patches)} patches, {len(mined.crops)} crops")


@click.command("evaluate-locator")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of rendered avatars; only identities of the test split are used.",
)
@click.option(
    "--split",
    "chosen_split",
    type=click.Choice(("validation", "test")),
    default="test",
    show_default=True,
    help="`validation` for choosing, `test` for the table.",
)
@click.option(
    "--london",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of aligned real photographs with `neutral` and `happy`.",
)
@click.option(
    "--photographs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of photographs without people, as backgrounds and faceless frames.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with detector.onnx and landmarks.onnx.  [default: the shipped ones]",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Report folder."
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Use only every n-th picture.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the frames.")
@verbose_option
def evaluate_locator(
    data: Path,
    chosen_split: Split,
    london: Path | None,
    photographs: Path | None,
    model: Path | None,
    out: Path,
    every: int,
    seed: int,
) -> None:
    """Measure recall, landmark error and false faces beside OpenCV's frontal cascade.

    \b
    Example:
      reggan-plugin dev evaluate-locator --data avatars --out report/locator
    """
    cv2.setNumThreads(1)
    locator = FaceLocator(model)
    backgrounds = read_photographs(photographs) if photographs else []
    pictures = load_avatars(
        data, lambda name: split_of(name) == chosen_split and name not in CHOSEN_BY
    )[::every]
    out.mkdir(parents=True, exist_ok=True)
    faces_sheet, faceless_sheet = ContactSheet(), ContactSheet()
    frames = draw_face_frames(pictures, backgrounds, seed)
    rows = tabulate(judge_faces(locator, frames, faces_sheet))
    if london:
        real = draw_london_frames(london, backgrounds, seed)
        rows.append(summarise("london (eyes only)", judge_faces(locator, real, faces_sheet)))
    empty = draw_faceless_set(backgrounds, pictures[:: max(1, len(pictures) // 20)], seed)
    faceless = count_false_faces(locator, empty, faceless_sheet)
    times = measure_times(locator, pictures[0])
    notes = {"split": chosen_split, "seed": seed, "pictures": len(pictures)}
    click.echo(write_report(out, rows, faceless, times, notes))
    faces_sheet.write(out / "faces.png")
    faceless_sheet.write(out / "faceless.png")
