"""Trains any architecture: solve what has a closed form, then descend on the rest and record it."""

import copy
import dataclasses
import logging
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import SPLITS, Identity, Split
from reggan_training.data.pair_batches import PairBatch, PairSampler
from reggan_training.data.sets import load_sets
from reggan_training.papers.configuration import TrainingSettings
from reggan_training.papers.held_out_curve import HeldOutPairs, choose_held_out
from reggan_training.papers.learnt_filters_and_masks import fit_closed_form
from reggan_training.papers.losses import paste
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.run_folder import InitialWeights, RunFolder, describe_data
from reggan_training.papers.train_step import Trainer, TrainingDivergedError
from reggan_training.training_run import Processes, join_processes, progress_line, run_training

Report = Callable[[str], None]
_GRID_IDENTITIES = 4
_MOST_DRAWERS = 8
_MEASURED_STEPS = 2


class Recorder:
    """Writes what a run leaves behind: losses, the held-out curve, checkpoints and grids.

    `events/` has the curves as `tensorboard --logdir` reads them.
    """

    def __init__(
        self,
        run: RunFolder,
        trainer: Trainer,
        held_out: HeldOutPairs,
        shown: Sequence[Identity],
        report: Callable[[str], None],
    ) -> None:
        """Drop what was logged after the checkpoint, and score a run that begins."""
        from tensorboardX import SummaryWriter  # writes events without TensorFlow or a server

        self.run, self._trainer, self._held_out = run, trainer, held_out
        self._shown, self._report = shown, report
        run.forget_after(trainer.images_seen / 1000)
        self._events = SummaryWriter(str(run.root / "events"), write_to_disk=True)
        self._images_then = trainer.images_seen
        self._every_images = 1000 * trainer.settings.validate_every_kimg
        if trainer.images_seen == 0:
            self._score()

    def score_if_due(self) -> None:
        """Add a point to the held-out curve, every few images and in the end."""
        seen, done = self._trainer.images_seen, self._trainer.progress >= 1
        before = seen - self._trainer.settings.batch_size
        if done or math.floor(seen / self._every_images) > math.floor(before / self._every_images):
            self._score()

    def close(self) -> None:
        """Finish the event file."""
        self._events.close()

    def _score(self) -> None:
        """Add a point to the held-out curve."""
        values = self._held_out.score(self._trainer.averaged)
        if values:
            self._log(values)
            self._report(
                f"{self._trainer.images_seen / 1000:7.1f} kimg  held out: L1 "
                f"{values['held_out_l1']:.4f} (input {values['held_out_input_l1']:.4f}), "
                f"{values['held_out_psnr_db']:.2f} dB"
            )

    def save(self, means: Mapping[str, float], since_s: float) -> None:
        """Write mean losses, the checkpoint and a grid; see `TrainingTask.store`."""
        trainer = self._trainer
        rate = (trainer.images_seen - self._images_then) / since_s
        self._log({"images_per_s": rate, **means})
        self.run.save(trainer.state())
        grid = sample_grid(trainer.averaged, self._shown)
        self.run.save_grid(f"{trainer.images_seen // 1000:06d}", grid)
        place = f"{trainer.images_seen / 1000:7.1f} kimg  {rate:5.1f} img/s"
        self._report(progress_line(place, means))
        self._images_then = trainer.images_seen

    def _log(self, values: Mapping[str, float]) -> None:
        self.run.log(kimg=self._trainer.images_seen / 1000, **values)
        for name, value in values.items():
            self._events.add_scalar(name, value, self._trainer.images_seen)
        self._events.flush()


def sample_grid(
    model: ExpressionModel, identities: Sequence[Identity]
) -> Float[Tensor, "rows columns 3 side side"]:
    """Rows: source, full expressions, then half of each, of some identities."""
    count, device = len(EXPRESSION_NAMES), model.masks.device
    asked = torch.cat([torch.eye(count), 0.5 * torch.eye(count)[1:]]).to(device)
    rows = []
    for identity in identities:
        view = identity.full_view(0) or 0
        crop = identity.place_crop(model.side_px, view)
        image = torch.from_numpy(identity.cut(view, crop)).permute(2, 0, 1)[None].to(device)
        with torch.inference_mode():
            many = image.expand(len(asked), -1, -1, -1)
            face, mask = model(many, asked)
        rows.append(torch.cat([image, paste(many, face, mask)[1:]]))
    return torch.stack(rows)


def train(
    data: Sequence[Path],
    out: Path,
    settings: TrainingSettings,
    *,
    report: Report,
    initial: InitialWeights | None = None,
    device: str = "cpu",
    checkpoint_every_s: float = 120.0,
) -> RunFolder:
    """Train, or resume, the run in `out` until it has seen `length_kimg`.

    Raises:
        SourceError: the data is incomplete, or `out` holds a run with other settings.
        UsageError: the initial weights are of another network.
        TrainingDivergedError: a loss is not finite; the last checkpoint stays.
        Interrupted: a signal came; the state was saved.
    """
    with join_processes(device) as processes:
        session = Session(data, settings, processes, report, initial)
        return session.run(RunFolder(out), checkpoint_every_s)


class Session:
    """One go at a run, from the data on disk to the last checkpoint."""

    def __init__(
        self,
        data: Sequence[Path],
        settings: TrainingSettings,
        processes: Processes,
        report: Report,
        initial: InitialWeights | None = None,
    ) -> None:
        """Read the identities.

        Raises:
            SourceError: the data is incomplete, or nothing in it is to be trained on.
        """
        self.settings, self.processes, self.initial = settings, processes, initial
        self.report = report if processes.is_first else logging.getLogger(__name__).debug
        if settings.batch_size % processes.count:
            raise UsageError(
                f"A batch of {settings.batch_size} does not divide among {processes.count} "
                "processes; take a multiple.",
                kind="batch-does-not-divide",
            )
        styles = settings.training_styles
        self.identities = load_sets(
            data,
            SPLITS if settings.every_identity else ["train"],
            training_styles=styles,
            limit=settings.identities,
        )
        if not self.identities:
            raise SourceError(
                f"{', '.join(map(str, data))} holds no identity to train on; the training styles "
                f"are {', '.join(styles)}, and numbers that end in 8, 9 or 0 are held out. Name "
                "another set or other styles, or take every identity.",
                kind="set-without-training",
            )
        held_out: list[Split] = [] if settings.every_identity else ["validation"]
        self.held_out = choose_held_out(load_sets(data, held_out, training_styles=styles))
        start = f"{initial.source} {initial.sha256}" if initial else None
        self.data = describe_data(data, self.identities, start)

    def run(self, run: RunFolder, checkpoint_every_s: float) -> RunFolder:
        """Start or resume, and go on to the end."""
        settings, is_first = self.settings, self.processes.is_first
        state = run.load() if run.checkpoint.is_file() else None
        if is_first:
            place = f"{self.processes.count} x {self.processes.device.type}"
            run.open_session(settings, self.data, device=place)
        self.report(f"run folder: {run.root}")
        self.report(
            f"{len(self.identities)} identities, {len(self.held_out)} held out, "
            f"on {self.processes.device.type}"
        )
        held_out = HeldOutPairs(self.held_out, settings.model.side_px)
        model = self.start_model(fit=state is None)
        if not list(model.parameters()):
            if state is None and is_first:
                run.forget_after(-1.0)
                run.log(kimg=0.0, **held_out.score(model.eval()))
                run.write_model_state(model)
            return run
        trainer = self.start_trainer(model)
        if state is not None:
            trainer.restore(state)
            self.report(f"resuming at {trainer.images_seen / 1000:.1f} kimg")
        shown = (self.held_out or self.identities)[:_GRID_IDENTITIES]
        recorder = Recorder(run, trainer, held_out, shown, self.report) if is_first else None
        batches = self.batches(trainer)
        try:
            task = _Descent(trainer, batches, recorder, checkpoint_every_s)
            run_training(task, self.processes)
        finally:
            batches.close()  # type: ignore[attr-defined]
            if recorder is not None:
                recorder.close()
        return run

    def start_model(self, *, fit: bool) -> ExpressionModel:
        """Make the model with its initial weights, its closed form solved if asked for."""
        torch.manual_seed(self.settings.seed)
        model = build_model(self.settings.model)
        if self.initial is not None:
            self.initial.load_into(model)
        if fit and self.settings.closed_form == "fit":
            started = time.monotonic()
            fit_closed_form(model, self.identities, keep_unseen=self.initial is not None)
            self.report(f"masks and filters solved in {time.monotonic() - started:.0f} s")
        return model

    def start_trainer(self, model: ExpressionModel) -> Trainer:
        """Make a trainer at its first step, with the discriminator of the initial weights."""
        trainer = Trainer(self.settings, model, self.processes)
        discriminator = trainer.adversary.discriminator
        known = self.initial.discriminator if self.initial else {}
        shapes = {name: value.shape for name, value in discriminator.state_dict().items()}
        if known and shapes == {name: value.shape for name, value in known.items()}:
            discriminator.load_state_dict(known)
        return trainer

    def batches(self, trainer: Trainer) -> Iterator[PairBatch]:
        """Yield this process's part of every batch from the trainer's step on, without end."""
        settings, processes = self.settings, self.processes
        seed = settings.seed + 7919 * processes.rank
        sampler = PairSampler(self.identities, settings.pairs, seed)
        size = settings.batch_size // processes.count
        drawers = 1
        if processes.device.type == "cuda":
            drawers = min(_MOST_DRAWERS, (os.cpu_count() or 1) // processes.count or 1)
        return drawn_ahead(sampler, size, trainer.steps, drawers)


class _Descent:
    """A trainer as a task; one process of the run records it."""

    def __init__(
        self,
        trainer: Trainer,
        batches: Iterator[PairBatch],
        recorder: Recorder | None,
        every_s: float,
    ) -> None:
        self._trainer, self._batches = trainer, batches
        self._recorder, self._every_s = recorder, every_s

    @property
    def progress(self) -> float:
        """By images."""
        return self._trainer.progress

    def take_step(self) -> dict[str, float]:
        """Train on one batch; score when it is time to."""
        try:
            values = self._trainer.train_step(next(self._batches))
        except TrainingDivergedError as error:
            raise _diverged(error, self._recorder) from error
        if self._recorder is not None:
            self._recorder.score_if_due()
        return values

    def is_due(self, since_s: float) -> bool:
        """Every few minutes."""
        return since_s > self._every_s

    def store(self, losses: Mapping[str, float], since_s: float) -> None:
        """Write what a run leaves behind."""
        if self._recorder is not None:
            self._recorder.save(losses, since_s)


def drawn_ahead(
    sampler: PairSampler, batch_size: int, first: int, drawers: int
) -> Iterator[PairBatch]:
    """Batches from number `first` on, drawn on other threads while the networks work."""

    def draw(number: int) -> PairBatch:
        one = copy.copy(sampler)  # shares the pictures; a batch depends on its number alone
        one.restore({**sampler.state(), "batches": number})
        return one.draw(batch_size)

    with ThreadPoolExecutor(drawers, thread_name_prefix="draw") as pool:
        numbers = iter(range(first, 2**62))
        waiting = deque(pool.submit(draw, next(numbers)) for _ in range(drawers + 1))
        try:
            while True:
                batch = waiting.popleft().result()
                waiting.append(pool.submit(draw, next(numbers)))
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)


def _diverged(error: TrainingDivergedError, recorder: Recorder | None) -> TrainingDivergedError:
    kept = "no checkpoint had been written"
    start: Path | None = None
    if recorder is not None and recorder.run.checkpoint.is_file():
        seen = int(recorder.run.load()["images_seen"]) / 1000
        kept = f"the checkpoint of {seen:.1f} kimg is kept in {recorder.run.root}"
        start = recorder.run.root
    return TrainingDivergedError(
        f"{error} Training stopped; {kept}. Take half the learning rate in a new folder.",
        kind="diverged-at-once" if start is None else "diverged-after-checkpoint",
        start=start,
    )


def describe_run(session: Session) -> dict[str, Any]:
    """Describe the resolved configuration, the size of each network, and an estimate of the time.

    Takes a step to warm up and two that are timed, on real pairs; nothing is written.
    """
    started = time.monotonic()
    model = session.start_model(fit=True)
    estimate = {"closed_form_s": round(time.monotonic() - started, 1)}
    parameters = {"generator": _count(model), "discriminator": 0}
    if parameters["generator"]:
        trainer = session.start_trainer(model)
        parameters["discriminator"] = _count(trainer.adversary.discriminator)
        estimate |= _time_steps(session, trainer)
    return {
        "settings": dataclasses.asdict(session.settings),
        "identities": len(session.identities),
        "held_out_identities": len(session.held_out),
        "device": str(session.processes.device),
        "processes": session.processes.count,
        "parameters": parameters,
        "estimate": estimate,
    }


def _time_steps(session: Session, trainer: Trainer) -> dict[str, float]:
    """Time steps as they are after the warm-up, when the discriminator has a say."""
    settings = session.settings
    trainer.images_seen = round(1000 * settings.warmup_kimg)
    batches = session.batches(trainer)
    trainer.train_step(next(batches))
    started, seen = time.monotonic(), trainer.images_seen
    for _ in range(_MEASURED_STEPS):
        trainer.train_step(next(batches))
    rate = (trainer.images_seen - seen) / (time.monotonic() - started)
    return {
        "images_per_s": round(rate, 1),
        "hours": round(1000 * settings.length_kimg / rate / 3600, 2),
    }


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
