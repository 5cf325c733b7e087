"""A whole run from a seed: regression layer, source reader, motion, mouth's paint, adversary.

The folder gets `run.json`, `regression.safetensors`, and for each of the networks a folder with
checkpoint and curve. Every stage that is finished is kept; a run goes on where it was stopped.
Reader and motion do not need each other, and the painter needs no more than a motion network that
has begun: stages can run side by side, each in a process of its own. The adversary comes last.
"""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from reggan_training.motion.mean_answer import fit_mean_answer, state_examples
from reggan_training.motion.motion_task import motion_run, trained_motion_network
from reggan_training.motion.mouth_adversary import RivalledPainter
from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.mouth_task import mouth_run, rivalled_run, trained_mouth_painter
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.reader_task import draw_portraits, reader_run
from reggan_training.motion.regression_examples import regression_examples
from reggan_training.motion.shape_regression import (
    SHAPE_REGRESSION,
    ShapeRegression,
    fit_shape_regression,
)
from reggan_training.motion.source_reader import SourceReader
from reggan_training.motion.surface_regression import fit_surface, surface_examples
from reggan_training.motion.training_run import RunSettings, TrainingRun
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.mouth_sitting import draw_mouth_sitting
from reggan_training.pairs.pool import Draw, PairPool, PoolSettings
from reggan_training.pairs.sitting import draw_sitting
from reggan_training.provenance import commit_of_source

REGRESSION, RECORD = "regression.safetensors", "run.json"
READER, MOTION, MOUTH, ADVERSARY = "reader", "motion", "mouth", "adversary"
STAGES = (READER, MOTION, MOUTH, ADVERSARY)
"""After the regression layer, which each of them begins with."""
_READER_POOL = PoolSettings(sittings=800, pairs=16, reuse=12.0, first=30)
_MOUTH_POOL = PoolSettings(sittings=60, pairs=20, reuse=5.0, first=5)

Report = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """What a run of all stages is.

    Attributes:
        heads: folder that `dataset heads` wrote.
        without: families that are left out.
        stages: of `STAGES`, those to train.
        reader, motion, mouth: of the three networks.
        adversary: of the painter against its adversary, over the finished `mouth`.
        width: of the motion network.
        painter_width: of the painter.
        producers: processes that draw pairs.
        threads: of the trainer; 0 for PyTorch's choice.
        seed: of everything.
    """

    heads: Path
    without: tuple[str, ...] = ()
    stages: tuple[str, ...] = STAGES
    reader: RunSettings = field(
        default_factory=lambda: RunSettings(length_kimg=500.0, batch=64, learning_rate=1e-3)
    )
    motion: RunSettings = field(default_factory=RunSettings)
    mouth: RunSettings = field(default_factory=lambda: RunSettings(length_kimg=30.0, batch=8))
    adversary: RunSettings = field(
        default_factory=lambda: RunSettings(length_kimg=20.0, batch=8, learning_rate=2e-4)
    )
    width: int = 32
    painter_width: int = 24
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
        SourceError: there is no head to train on, or no motion for the painter to begin with.
        TrainingDivergedError: a loss is not finite; what was written before stays.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    folder.mkdir(parents=True, exist_ok=True)
    files = training_files(settings.heads, settings.without)
    _record(settings, folder, files)
    regression = _regression(files, folder, settings.seed)

    def finish(stage: str, run: TrainingRun, draw: Draw, pool: PoolSettings) -> None:
        own = replace(pool, seed=settings.seed, producers=settings.producers)
        _finish(run, files, draw, own, lambda means: report(stage, means))

    torch.manual_seed(settings.seed)
    if READER in settings.stages:
        reading = reader_run(SourceReader(), settings.reader, _made(folder / READER))
        finish(READER, reading, draw_portraits, _READER_POOL)
    if MOTION in settings.stages:
        network = MotionRegGAN(settings.width, regression=regression)
        moving = motion_run(network, settings.motion, _made(folder / MOTION))
        finish(MOTION, moving, _draw_face(network.side_px), PoolSettings())
    if MOUTH in settings.stages:
        moved_by = trained_motion_network(folder / MOTION)
        painter = MouthPainter(settings.painter_width)
        painting = mouth_run(painter, moved_by, settings.mouth, _made(folder / MOUTH))
        finish(MOUTH, painting, draw_mouth_sitting, _MOUTH_POOL)
    if ADVERSARY in settings.stages:
        moved_by = trained_motion_network(folder / MOTION)
        rivalled = RivalledPainter(trained_mouth_painter(folder / MOUTH).requires_grad_(True))
        painting = rivalled_run(rivalled, moved_by, settings.adversary, _made(folder / ADVERSARY))
        finish(ADVERSARY, painting, draw_mouth_sitting, _MOUTH_POOL)


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
        layer = fit_shape_regression(examples)
        states = state_examples(unique, SHAPE_REGRESSION.side_px)
        motion, cover = fit_mean_answer(states, SHAPE_REGRESSION.side_px)
        layer.mean_motion.copy_(motion)
        layer.mean_cover.copy_(cover)
        layer.surface.copy_(fit_surface(surface_examples(unique)))
        save_file(dict(layer.named_buffers()), path)
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
