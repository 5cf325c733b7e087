"""A training run: steps, EMA weights, checkpoints, resume. What is learnt is handed in."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reggan_plugin.errors import SourceError, TrainingDivergedError
from reggan_training.pairs.pool import PairPool
from reggan_training.pairs.producer import Rows

CHECKPOINT, CURVE = "checkpoint.safetensors", "losses.jsonl"
_LONGEST_GRADIENT = 1.0
_BETAS, _WEIGHT_DECAY = (0.9, 0.98), 1e-4

Losses = dict[str, Tensor]
"""Weighted losses by name, whose sum is lowered; names that begin with `_` are only reported."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a run is, apart from what it learns.

    Attributes:
        length_kimg: pairs drawn, in thousands.
        length_s: seconds of a session instead, where a machine is lent by the hour; what the
            run sees then depends on how fast the machine is.
        batch: pairs of a step.
        learning_rate: after the warm-up; falls along a cosine in the last `decay` of the run.
        warmup_steps: over which it rises.
        decay: share of the run.
        ema: decay of the EMA weights a step.
        half_precision: convolutions in bfloat16; coordinates and sampling stay float32. Faster on
            GPUs and on processors with AVX512-BF16 or AMX, slower on others.
        report_steps: between lines of the curve; a checkpoint is written with each.
        seed: of augmentation and first weights.
        device: that trains, as PyTorch names it.
    """

    length_kimg: float = 120.0
    length_s: float | None = None
    batch: int = 16
    learning_rate: float = 6e-4
    warmup_steps: int = 100
    decay: float = 0.7
    ema: float = 0.995
    half_precision: bool = False
    report_steps: int = 200
    seed: int = 0
    device: str = "cpu"

    @property
    def steps(self) -> int:
        """Steps of the whole run, one at least."""
        return max(1, round(1000 * self.length_kimg / self.batch))

    def done_at(self, step: int, passed_s: float) -> float:
        """Share of the run that is done before a step, so many seconds into a session."""
        return step / self.steps if self.length_s is None else passed_s / self.length_s

    def rate_at(self, step: int, done: float) -> float:
        """Learning rate of a step when a share of the run is done: warm-up, plateau, cosine."""
        rising = min(1.0, (step + 1) / self.warmup_steps)
        left = min(1.0, max(0.0, (1 - done) / self.decay))
        falling = 0.5 - 0.5 * float(torch.cos(torch.tensor(torch.pi * left)))
        return self.learning_rate * rising * max(falling, 0.01)


class TrainingRun:
    """A run in memory and its folder.

    Args:
        network: what learns; its parameters in a checkpoint of the folder are taken over.
        losses_of: losses of rows from the pool, with a generator of the step's own.
        settings: of the run.
        folder: gets checkpoint and curve; exists.
        about: what a reader of the checkpoint has to know, as text by name.
        fixed: tensors that do not learn and travel with the checkpoint.
    """

    def __init__(
        self,
        network: nn.Module,
        losses_of: Callable[[Rows, torch.Generator], Losses],
        settings: RunSettings,
        folder: Path,
        *,
        about: Mapping[str, str],
        fixed: Mapping[str, Tensor],
    ) -> None:
        network.to(settings.device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._losses_of, self.settings, self.folder = losses_of, settings, folder
        self._about, self._fixed = dict(about), dict(fixed)
        learning = network.named_parameters()
        self._parameters = {name: value for name, value in learning if value.requires_grad}
        self.ema = {name: value.detach().clone() for name, value in self._parameters.items()}
        self._adam = torch.optim.AdamW(
            self._parameters.values(),
            settings.learning_rate,
            betas=_BETAS,
            weight_decay=_WEIGHT_DECAY,
            fused=True,
        )
        self.step = 0
        if (folder / CHECKPOINT).exists():
            self._resume()

    def run(self, pool: PairPool) -> Iterator[dict[str, float]]:
        """Train to the end; yields mean losses at every report, after the checkpoint is written.

        `busy` is the share of the time that was not spent waiting for pairs.

        Raises:
            TrainingDivergedError: a loss is not finite; the last checkpoint stays.
        """
        totals: Losses = {}
        session = began = time.monotonic()
        counted, waited, done = 0, pool.waited_s, self.settings.done_at(self.step, 0.0)
        while done < 1:
            for name, value in self._improve(pool, self.settings.rate_at(self.step, done)).items():
                totals[name] = totals.get(name, 0.0) + value.detach()  # a GPU is not waited for
            self.step, counted = self.step + 1, counted + 1
            done = self.settings.done_at(self.step, time.monotonic() - session)
            if self.step % self.settings.report_steps and done < 1:
                continue
            means = {name.lstrip("_"): float(total) / counted for name, total in totals.items()}
            if not torch.tensor(list(means.values())).isfinite().all():
                raise TrainingDivergedError(f"Losses are not finite: {means}. Lower the rate.")
            passed = time.monotonic() - began
            means |= {
                "kimg": self.step * self.settings.batch / 1000,
                "pairs_per_s": counted * self.settings.batch / passed,
                "busy": 1 - (pool.waited_s - waited) / passed,
            }
            self._write(means)
            yield means
            totals, counted, began, waited = {}, 0, time.monotonic(), pool.waited_s

    def _improve(self, pool: PairPool, rate: float) -> Losses:
        for group in self._adam.param_groups:
            group["lr"] = rate
        random = torch.Generator(self.settings.device)
        random.manual_seed(self.settings.seed * 1_000_003 + self.step)
        rows = pool.draw(self.step)
        losses = self._losses_of(
            {name: values.to(self.settings.device) for name, values in rows.items()}, random
        )
        lowered = [value for name, value in losses.items() if not name.startswith("_")]
        self._adam.zero_grad()
        torch.stack(lowered).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters.values(), _LONGEST_GRADIENT)
        self._adam.step()
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.ema.values()), list(self._parameters.values()), 1 - decay
            )
        return losses

    def _write(self, means: Mapping[str, float]) -> None:
        tensors = {f"ema.{name}": value for name, value in self.ema.items()}
        tensors |= {f"net.{name}": value.detach() for name, value in self._parameters.items()}
        names = list(self._parameters)
        for index, state in self._adam.state_dict()["state"].items():
            tensors |= {f"adam.{names[index]}|{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors |= {f"fixed.{name}": value for name, value in self._fixed.items()}
        facts = self._about | {
            "step": str(self.step),
            "settings": json.dumps(asdict(self.settings)),
        }
        unfinished = self.folder / f"{CHECKPOINT}.partial"
        save_file({k: v.contiguous() for k, v in tensors.items()}, unfinished, facts)
        unfinished.replace(self.folder / CHECKPOINT)
        with (self.folder / CURVE).open("a", encoding="utf-8") as curve:
            curve.write(json.dumps({"step": self.step, **means}) + "\n")

    def _resume(self) -> None:
        stored = read_checkpoint(self.folder)
        self.step = int(stored.facts["step"])
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(stored.tensors[f"net.{name}"])
                self.ema[name].copy_(stored.tensors[f"ema.{name}"])
        state = self._adam.state_dict()
        for index, (name, parameter) in enumerate(self._parameters.items()):
            own = stored.below(f"adam.{name}|")
            state["state"][index] = {key: _laid_out_as(parameter, own[key]) for key in own}
        self._adam.load_state_dict(state)


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """A value of the optimiser in the parameter's memory layout, as the fused step expects it."""
    return value if value.shape != parameter.shape else torch.empty_like(parameter).copy_(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A checkpoint as it lies on disk.

    Attributes:
        tensors: by name: `ema.`, `net.`, `adam.` and `fixed.` and what they are of.
        facts: what the run said about itself, `step` and `settings`.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, str]

    @property
    def shown(self) -> int:
        """Pairs that the run has been shown."""
        return int(self.facts["step"]) * int(json.loads(self.facts["settings"])["batch"])

    def below(self, prefix: str) -> dict[str, Tensor]:
        """Tensors whose names begin with a prefix, by what follows it."""
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a run.

    Raises:
        SourceError: the folder has none, or it is damaged.
    """
    path = folder / CHECKPOINT
    try:
        with safe_open(path, "pt") as stored:
            facts = stored.metadata() or {}
        return Checkpoint(tensors=load_file(path), facts=facts)
    except Exception as error:
        raise SourceError(
            f"{path} cannot be read ({error}). Train into this folder first."
        ) from error
