"""How well the locator finds faces.

python -m tests.measurements.locator --data DIR --out report
"""

from pathlib import Path

import click
import cv2

from reggan_plugin.faces.locator import FaceLocator
from reggan_training.commands.options import FOLDER, FOLDER_TO_WRITE, SET
from reggan_training.data.identity_and_split import Split
from reggan_training.locator.labelled_pictures import load_pictures
from tests.measurements.locator.contact_sheet import ContactSheet
from tests.measurements.locator.evaluate import (
    count_false_faces,
    draw_london_frames,
    judge_faces,
    measure_times,
    write_report,
)
from tests.measurements.locator.evaluation_frames import (
    CHOSEN_BY,
    draw_face_frames,
    draw_faceless_set,
    read_photographs,
)
from tests.measurements.locator.scoring import summarise, tabulate


@click.command()
@click.option(
    "--data",
    type=SET,
    required=True,
    help="Set of square pictures; only identities of the chosen split are used.",
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
    "--london", type=FOLDER, help="Folder of aligned real photographs with `neutral` and `happy`."
)
@click.option(
    "--photographs",
    type=FOLDER,
    help="Folder of photographs without people, as backgrounds and faceless frames.",
)
@click.option(
    "--model",
    type=FOLDER,
    help="Folder with detector.onnx and landmarks.onnx.  [default: the shipped ones]",
)
@click.option("--out", type=FOLDER_TO_WRITE, required=True, help="Report folder.")
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Use only every n-th picture.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the frames.")
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
    """Measure recall, landmark error and false faces beside OpenCV's frontal cascade."""
    cv2.setNumThreads(1)
    locator = FaceLocator(model)
    backgrounds = read_photographs(photographs) if photographs else []
    pictures = load_pictures(data, chosen_split, without=CHOSEN_BY)[::every]
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


if __name__ == "__main__":
    evaluate_locator()
