"""From a picture of the camera to the stage of the page: processor time of each step.

    python -m tests.measurements.camera_to_stage [PICTURES] [--landmarker FILE.task]

Pictures of the avatar sample, 480 px as the page sends them, are read as the *Performance* tab has
them read, by our own reader and by MediaPipe where a landmarker is given; then the page's program
draws the draft of the stage for the weights. Printed are medians: seconds of a core a step, by the
clock in brackets, and their sum, which is to be a third of a second at most. What the browser does
(a JPEG, two requests, a picture drawn) is not in it.
"""

import io
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
import numpy as np
from PIL import Image

from reggan_plugin.__main__ import keep_freed_memory
from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.commands.options.model import open_model
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.perform.read_expression import open_reader
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.change_from_json import change_from_json
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.page_actions import Studio

_SENT_PX, _STAGE_PX = 480, 512
"""Longer side of what the page sends, and of the draft on its stage."""
MOST_S = 1 / 3
Result = TypeVar("Result")


@click.command()
@click.argument("pictures", default=20)
@click.option("--landmarker", type=click.Path(exists=True, path_type=Path))
def main(*, pictures: int, landmarker: Path | None) -> None:
    """Print a line for each reader."""
    keep_freed_memory()  # as the command does
    shots = tuple(sample_shots())
    (path, *_) = sorted(one for shot in shots for one in shot.glob("avatar.*.png"))
    sent = _camera(path, pictures)
    for name in ("character", "person"):
        if name == "person" and landmarker is None:
            continue
        opens = partial(open_reader, name, landmarker if name == "person" else None)
        studio = Studio(partial(open_model, None, "cpu"), OpenFiles(), open_reader=opens)
        file = studio.files.open(path).first
        rows = []
        for place, content in enumerate(sent):
            read, seen = _timed(
                partial(studio.performance.read, content, place / 15, records=False)
            )
            change = change_from_json({"weights": seen["weights"]})
            shown, _ = _timed(
                partial(studio.change, file, FaceChoice(), _STAGE_PX, change, is_draft=True)
            )
            rows.append((*read, *shown))
        studio.close()
        work, clock, drawn, drawn_clock = (
            statistics.median(k) for k in zip(*rows[2:], strict=True)
        )
        print(
            f"{name}: read {work:.3f} ({clock:.3f}), drawn {drawn:.3f} ({drawn_clock:.3f}), "
            f"together {work + drawn:.3f} ({clock + drawn_clock:.3f}) s of {MOST_S:.3f}; load "
            f"{os.getloadavg()[0]:.1f}"
        )


def _camera(path: Path, pictures: int) -> list[bytes]:
    """Return JPEGs of a face whose mouth opens and shuts."""
    transfer, sent = ExpressionTransfer(device="cpu"), []
    with Image.open(path) as opened:
        frame = np.asarray(opened.convert("RGB"))
    for place in range(pictures):
        weight = 0.5 - 0.5 * np.cos(2 * np.pi * place / 10)
        levels = transfer.apply(frame, {"jawOpen": weight, "mouthSmile": 1 - weight})
        picture, buffer = Image.fromarray(levels), io.BytesIO()
        picture.thumbnail((_SENT_PX, _SENT_PX))
        picture.save(buffer, "JPEG", quality=85)
        sent.append(buffer.getvalue())
    return sent


def _timed(does: Callable[[], Result]) -> tuple[tuple[float, float], Result]:
    begin, used = time.perf_counter(), time.process_time()
    result = does()
    return (time.process_time() - used, time.perf_counter() - begin), result


if __name__ == "__main__":
    main()
