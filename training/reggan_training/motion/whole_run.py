"""A whole run from a seed: readers, regression layer, motion, mouth's paint, adversary.

The folder gets `run.json`, `regression.safetensors`, and for each of the networks a folder with
checkpoint and curve. Every stage that is finished is kept; a run goes on where it was stopped.
Motion needs no more than readers that have begun, and the painter no more than a motion network
that has: stages can run side by side, each in a process of its own. The adversary comes last.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from reggan_plugin.errors import OutputExistsError
from reggan_training.motion.earlier_model import EarlierModel
from reggan_training.motion.losses import LossWeights
from reggan_training.motion.mean_answer import fit_mean_answer, state_examples
from reggan_training.motion.motion_task import motion_run, trained_motion_network
from reggan_training.motion.mouth_adversary import OpposedPainter
from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.mouth_task import mouth_run, opposed_run, trained_mouth_painter
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.reader_task import Readers, reader_run, trained_readers
from reggan_training.motion.regression_examples import regression_examples
from reggan_training.motion.shape_regression import (
    SHAPE_REGRESSION,
    ShapeRegression,
    fit_shape_regression,
)
from reggan_training.motion.surface_regression import (
    MOVED,
    TURNED,
    fit_surface,
    rest_normals,
    surface_examples,
)
from reggan_training.motion.teeth import fit_teeth, shows_teeth
from reggan_training.motion.training_run import RunSettings, TrainingRun
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.mouth_sitting import draw_mouth_sitting
from reggan_training.pairs.pool import PairPool, PoolSettings
from reggan_training.pairs.portraits import draw_portraits
from reggan_training.pairs.producer import Draw
from reggan_training.pairs.sitting import draw_face_sitting
from reggan_training.provenance import commit_of_source

REGRESSION, RECORD = "regression.safetensors", "run.json"
READER, MOTION, MOUTH, ADVERSARY = "reader", "motion", "mouth", "adversary"
STAGES = (READER, MOTION, MOUTH, ADVERSARY)
"""In order. The regression layer is solved before the motion."""
HINT, CLOSED_FORM, TRUE_MOTION = "hint", "closed-form", "true-motion"
PARTS = (HINT, CLOSED_FORM, TRUE_MOTION)
"""What an ablation leaves out: the regression layer's picture, its motion of a face's places, and
the rig's motion as what is learnt, in whose place the picture alone teaches."""
_READER_POOL = PoolSettings(sittings=600, pairs=32, reuse=3.0, first=30)
_MOTION_POOL = PoolSettings(reuse=2.0)
_MOUTH_POOL = PoolSettings(sittings=60, pairs=20, reuse=5.0, first=5)

Report = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """What a run of all stages is.

    Attributes:
        heads: folder that `dataset heads` wrote.
        without: families that are left out.
        ablated: of `PARTS`, those left out.
        start_from: a model, by name or file, whose weights stages begin with; None for none.
        stages: of `STAGES`, those to train.
        reader, motion, mouth: of the readers, of the motion network, of the mouth's painter.
        adversary: of the painter against its adversary, over the finished `mouth`.
        width: of the motion network.
        painter_width: of the painter.
        producers: processes that draw pairs.
        reuse: how often a pair is drawn before it is replaced, in parts of a stage's own number.
        threads: of the trainer; 0 for PyTorch's choice.
        seed: of everything.
    """

    heads: Path
    without: tuple[str, ...] = ()
    ablated: tuple[str, ...] = ()
    start_from: str | None = None
    stages: tuple[str, ...] = STAGES
    reader: RunSettings = field(
        default_factory=lambda: RunSettings(length_kimg=500.0, batch=64, learning_rate=1e-3)
    )
    motion: RunSettings = field(default_factory=RunSettings)
    mouth: RunSettings = field(default_factory=lambda: RunSettings(length_kimg=30.0, batch=8))
    adversary: RunSettings = field(
        default_factory=lambda: RunSettings(length_kimg=20.0, batch=8, learning_rate=2e-4)
    )
    width: int = 40
    painter_width: int = 36
    producers: int = 1
    reuse: float = 1.0
    threads: int = 0
    seed: int = 0


def train_whole(settings: WholeRun, folder: Path, report: Report) -> None:
    """Train all stages into a folder.

    Args:
        settings: of the run.
        folder: created if it is not there.
        report: told the stage's name and its mean losses now and then.

    Raises:
        UnknownModelError: there is no model of the name `start_from`.
        UsageError: that model has no face shapes.
        MissingExtraError: the package `onnx`, which reads it, is not installed.
        ModelError: it is damaged or not ours, or its tables cannot be told.
        SourceError: there is no head to train on, or no motion for the painter to begin with.
        OutputExistsError: the folder holds a run that leaves out other families or parts.
        TrainingDivergedError: a loss is not finite; what was written before stays.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    earlier = EarlierModel(settings.start_from)
    files = training_files(settings.heads, settings.without)
    folder.mkdir(parents=True, exist_ok=True)
    _record(settings, folder, files, earlier)

    finish = partial(_finish, settings, report)
    torch.manual_seed(settings.seed)
    if READER in settings.stages:
        reading = reader_run(_readers(earlier), settings.reader, _made(folder / READER))
        finish(READER, reading, draw_portraits, _READER_POOL)
    if MOTION in settings.stages:
        regression = _regression(files, folder, settings.seed, earlier)
        ablate(regression, settings.ablated)
        surface = trained_readers(folder / READER).surface
        network = MotionRegGAN(settings.width, regression=regression, surface=surface)
        earlier.start(network, "network")
        weights = LossWeights.without_motion() if TRUE_MOTION in settings.ablated else LossWeights()
        moving = motion_run(network, settings.motion, _made(folder / MOTION), weights)
        draw = partial(draw_face_sitting, side_px=network.side_px)
        finish(MOTION, moving, draw, _MOTION_POOL)
    if MOUTH in settings.stages:
        painter = MouthPainter(settings.painter_width)
        earlier.start(painter, "painter")
        painting = mouth_run(painter, _moved_by(folder), settings.mouth, _made(folder / MOUTH))
        finish(MOUTH, painting, draw_mouth_sitting, _MOUTH_POOL)
    if ADVERSARY in settings.stages:
        opposed = OpposedPainter(trained_mouth_painter(folder / MOUTH).requires_grad_(True))
        painting = opposed_run(
            opposed, _moved_by(folder), settings.adversary, _made(folder / ADVERSARY)
        )
        finish(ADVERSARY, painting, draw_mouth_sitting, _MOUTH_POOL)


def _readers(earlier: EarlierModel) -> Readers:
    readers = Readers()
    earlier.start(readers.source, "reader")
    earlier.start(readers.surface, "network.surface")
    return readers


def _finish(
    settings: WholeRun,
    report: Report,
    stage: str,
    run: TrainingRun,
    draw: Draw,
    pool_settings: PoolSettings,
) -> None:
    if run.settings.done_at(run.step, 0.0) >= 1:
        return
    own = replace(
        pool_settings,
        seed=settings.seed,
        producers=settings.producers,
        reuse=settings.reuse * pool_settings.reuse,
    )

    # asked again and again: heads may still be rasterised
    paths = partial(training_files, settings.heads, settings.without)
    pool = PairPool(paths, draw, own, start_step=run.step, batch=run.settings.batch)
    try:
        for means in run.run(pool):
            report(stage, means)
    finally:
        pool.close()


def _moved_by(folder: Path) -> MotionRegGAN:
    return trained_motion_network(folder / MOTION, trained_readers(folder / READER).surface)


def _regression(
    files: Collection[Path], folder: Path, seed: int, earlier: EarlierModel
) -> ShapeRegression:
    path = folder / REGRESSION
    if not path.exists():
        unique = sorted(set(files))
        layer = ShapeRegression()
        solved = fit_surface(surface_examples(unique), _earlier_surface(earlier))
        layer.surface.store(solved[:, MOVED])
        layer.light.store(solved[:, TURNED], rest_normals(unique))
        if shows_teeth(unique) or not earlier.give(
            layer, "network.regression", ("teeth.sheets", "teeth.jaw")
        ):
            layer.teeth = fit_teeth(unique)
        if not earlier.give(layer, "network.regression", ("delta", "mean_motion", "mean_cover")):
            side = SHAPE_REGRESSION.side_px
            hinting = fit_shape_regression(regression_examples(unique, side, seed))
            layer.delta.copy_(hinting.delta)
            motion, cover = fit_mean_answer(state_examples(unique, side), side)
            layer.mean_motion.copy_(motion)
            layer.mean_cover.copy_(cover)
        save_file(dict(layer.named_buffers()), path)
    layer = ShapeRegression()
    layer.load_state_dict(load_file(path))
    return layer


def ablate(regression: ShapeRegression, ablated: Collection[str]) -> None:
    """Take those of `PARTS` that are the regression layer's out of it."""
    if HINT in ablated:
        regression.delta.zero_()
    if CLOSED_FORM in ablated:
        regression.surface.size.zero_()


def _earlier_surface(earlier: EarlierModel) -> Tensor | None:
    """What a model knows of how places move and turn, for heads that show it of few shapes."""
    moved = earlier.table("network.regression.surface")
    turned = earlier.table("network.regression.light.change")
    if moved is None or turned is None:
        return None
    return torch.cat([moved, F.interpolate(turned, moved.shape[2:])], dim=1)


def _record(settings: WholeRun, folder: Path, files: list[Path], earlier: EarlierModel) -> None:
    """Write down what the run is; each session adds its commit, and keeps others' stages.

    Raises:
        OutputExistsError: the folder's run leaves out something else.
    """
    path = folder / RECORD
    known = json.loads(path.read_text("utf-8")) if path.exists() else {"sessions": []}
    _refuse_other_run(settings, folder, known["sessions"])
    identities = sorted({f"{file.parent.name}/{file.name.split('-v')[0]}" for file in files})
    session = {
        "commit": commit_of_source(),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "stages": list(settings.stages),
        "without": list(settings.without),
        "ablated": list(settings.ablated),
        "started_from": earlier.facts,
    }
    now = json.loads(json.dumps(asdict(settings), default=str))
    before = known.get("settings", now)
    now |= {stage: before[stage] for stage in STAGES if stage not in settings.stages}
    known |= {
        "settings": now,
        "identities": identities,
        "files": len(set(files)),
        "sessions": [*known["sessions"], session],
    }
    path.write_text(json.dumps(known, indent=1), encoding="utf-8")


def _refuse_other_run(
    settings: WholeRun, folder: Path, sessions: Sequence[Mapping[str, list[str]]]
) -> None:
    """Stages of one folder learn from the same heads and the same parts."""
    now = {"without": sorted(settings.without), "ablated": sorted(settings.ablated)}
    before = {name: sorted(sessions[-1].get(name, [])) for name in now} if sessions else now
    if before != now:
        raise OutputExistsError(
            f"{folder} holds a run that {_left_out(before)}, and this one {_left_out(now)}. Leave "
            "out the same, or name another folder.",
            kind="run-without-other-parts",
        )


def _left_out(by_kind: Mapping[str, list[str]]) -> str:
    names = [name for names in by_kind.values() for name in names]
    return f"leaves out {', '.join(names) or 'nothing'}"


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
