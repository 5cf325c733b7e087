"""A whole run: processes draw a pool, and one trains on it meanwhile."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from reggan_plugin.errors import SourceError
from reggan_training.heads.head import HeadFamily
from reggan_training.landmarks.pool import PicturePool, arrays_of
from reggan_training.landmarks.pool_drawing import (
    POOL,
    TEST_POOL,
    DrawingProcesses,
    DrawingTask,
    DrawRows,
    landmark_rows,
)
from reggan_training.landmarks.training import SHARES, LandmarkTask, Measurement, Report
from reggan_training.training_run import run_training

_POLL_S: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class DrawnRun:
    """What a run is.

    Attributes:
        folder: gets `pool/`, `pool_test/`, checkpoints, and the log.
        open_families: opens families of heads; is pickled.
        length_s: seconds of training, counted from when the first rows are there.
        drawing_s: seconds of drawing, counted from the start; 0 trains on what was drawn before.
        processes: that draw.
        without: families that are not drawn to train on.
        first: rows to wait for.
        test_pictures: rows of held-out heads.
        seed: of the first weights.
    """

    folder: Path
    open_families: Callable[[], list[HeadFamily]]
    length_s: float
    drawing_s: float
    processes: int = 1
    without: tuple[str, ...] = ()
    first: int = 1000
    test_pictures: int = 300
    seed: int = 1


def train_landmarks(run: DrawnRun, report: Report) -> None:
    """Draw pictures and train all networks on them; go on where a run was stopped.

    Args:
        run: what to do.
        report: told each measurement.

    Raises:
        SourceError: no pictures were drawn, or none of held-out heads.
    """

    def train(pool: PicturePool, test: PicturePool, told: Report) -> None:
        run_training(LandmarkTask(run.folder, pool, test, run.length_s, told))

    train_on_drawn(run, landmark_rows, arrays_of(SHARES), train, report)


def train_on_drawn(
    run: DrawnRun,
    draw: DrawRows,
    arrays: Iterable[str],
    train: Callable[[PicturePool, PicturePool, Report], None],
    report: Report,
) -> None:
    """Draw a pool, and train on it as soon as there is enough.

    Args:
        run: what to do.
        draw: rows of a head.
        arrays: of a row.
        train: on a pool, measured on another.
        report: told each measurement.

    Raises:
        SourceError: no rows were drawn, or none of held-out heads.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(run.seed)
    task = DrawingTask(
        run=run.folder,
        open_families=run.open_families,
        without=run.without,
        until=time.time() + run.drawing_s,
        test_pictures=run.test_pictures,
        draw=draw,
    )
    names = tuple(arrays)
    pool, test = (PicturePool(run.folder / name, names) for name in (POOL, TEST_POOL))
    with DrawingProcesses(task, run.processes if run.drawing_s > 0 else 0) as drawing:
        _wait_for_pictures(run, pool, test, drawing)

        def report_both(found: Measurement) -> None:
            drawing.draw_on()  # says so where one has ended
            report(found)

        train(pool, test, report_both)


def _wait_for_pictures(
    run: DrawnRun, pool: PicturePool, test: PicturePool, drawing: DrawingProcesses
) -> None:
    """Wait until there are enough to begin with, or no more will come."""
    while True:
        still_drawn = drawing.draw_on()
        pool.refresh()
        test.refresh()
        if pool.count >= run.first and test.count >= run.test_pictures:
            return
        if not still_drawn:
            break
        time.sleep(_POLL_S)
    if not pool.count or not test.count:
        raise SourceError(
            f"{run.folder} holds {pool.count} pictures to train on and {test.count} of held-out "
            "heads, and nothing draws more of them. A hundred take about a minute of one core.",
            kind="too-few-pictures",
        )
