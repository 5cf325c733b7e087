"""A whole run from a seed: regression layer, then motion, gain and cover, then the mouth's paint.

The folder gets `run.json`, `regression.safetensors`, and for each of the two networks a folder with
checkpoint and curve. Every stage that is finished is kept; a run goes on where it was stopped.
"""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from reggan_training.motion.motion_task import motion_run, trained_motion_network
from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.mouth_task import mouth_run
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.regression_examples import regression_examples
from reggan_training.motion.shape_regression import (
    SHAPE_REGRESSION,
    ShapeRegression,
    fit_shape_regression,
)
from reggan_training.motion.training_run import RunSettings, TrainingRun
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.mouth_sitting import draw_mouth_sitting
from reggan_training.pairs.pool import Draw, PairPool, PoolSettings
from reggan_training.pairs.sitting import draw_sitting
from reggan_training.provenance import commit_of_source

REGRESSION, RECORD, MOTION, MOUTH = "regression.safetensors", "run.json", "motion", "mouth"
_MOUTH_POOL = {"sittings": 60, "pairs": 24, "reuse": 5.0, "first": 8}

Report = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """What a run of all stages is.

    Attributes:
        heads: folder that `dataset heads` wrote.
        without: families that are left out.
        motion, mouth: of the two networks.
        width: of the motion network.
        painter_width: of the painter.
        producers: processes that draw pairs.
        threads: of the trainer; 0 for PyTorch's choice.
        seed: of everything.
    """

    heads: Path
    without: tuple[str, ...] = ()
    motion: RunSettings = field(default_factory=RunSettings)
    mouth: RunSettings = field(default_factory=lambda: RunSettings(length_kimg=30.0))
    width: int = 24
    painter_width: int = 32
    producers: int = 1
    threads: int = 0
    seed: int = 0


def train_whole(settings: WholeRun, folder: Path, report: Report) -> None:
    """Train all stages into a folder.

    Args:
        settings: of the run.
        folder: created if it is not there.
        report: told the stage's name and its mean losses now and then.

    Raises:
        SourceError: there is no head to train on.
        TrainingDivergedError: a loss is not finite; what was written before stays.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    folder.mkdir(parents=True, exist_ok=True)
    files = training_files(settings.heads, settings.without)
    _record(settings, folder, files)
    torch.manual_seed(settings.seed)
    network = MotionRegGAN(settings.width, regression=_regression(files, folder, settings.seed))
    run = motion_run(network, settings.motion, _made(folder / MOTION))
    pool = PoolSettings(seed=settings.seed, producers=settings.producers)
    _finish(run, files, _draw_face(network.side_px), pool, lambda m: report(MOTION, m))
    torch.manual_seed(settings.seed + 1)
    finished = trained_motion_network(folder / MOTION)
    painter = MouthPainter(settings.painter_width)
    paint = mouth_run(painter, finished, settings.mouth, _made(folder / MOUTH))
    pool = PoolSettings(seed=settings.seed + 1, producers=settings.producers, **_MOUTH_POOL)  # type: ignore[arg-type]
    _finish(paint, files, draw_mouth_sitting, pool, lambda m: report(MOUTH, m))


def _finish(
    run: TrainingRun,
    files: list[Path],
    draw: Draw,
    pool_settings: PoolSettings,
    report: Callable[[dict[str, float]], None],
) -> None:
    if run.step >= run.settings.steps:
        return
    batch = run.settings.batch
    pool = PairPool(lambda: files, draw, pool_settings, start_step=run.step, batch=batch)
    try:
        for means in run.run(pool):
            report(means)
    finally:
        pool.close()


def _draw_face(side_px: int) -> Draw:
    return lambda path, seed, count: draw_sitting(path, seed, count, side_px).compact()


def _regression(files: Collection[Path], folder: Path, seed: int) -> ShapeRegression:
    path = folder / REGRESSION
    if not path.exists():
        unique = sorted(set(files))
        examples = regression_examples(unique, SHAPE_REGRESSION.side_px, seed)
        save_file(dict(fit_shape_regression(examples).named_buffers()), path)
    layer = ShapeRegression()
    layer.load_state_dict(load_file(path))
    return layer


def _record(settings: WholeRun, folder: Path, files: list[Path]) -> None:
    """Write down what the run is; each session adds its commit."""
    path = folder / RECORD
    known = json.loads(path.read_text("utf-8")) if path.exists() else {"sessions": []}
    identities = sorted({f"{file.parent.name}/{file.name.split('-v')[0]}" for file in files})
    session = {
        "commit": commit_of_source(),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    known |= {
        "settings": {**asdict(settings), "heads": str(settings.heads)},
        "identities": identities,
        "files": len(set(files)),
        "sessions": [*known["sessions"], session],
    }
    path.write_text(json.dumps(known, indent=1), encoding="utf-8")


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
