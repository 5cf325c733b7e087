"""The training loop of the motion network: steps, EMA weights, checkpoints, resume."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reggan_plugin.errors import TrainingDivergedError
from reggan_training.motion.augment import augmented
from reggan_training.motion.losses import LossWeights, pair_losses
from reggan_training.motion.network import MotionRegGAN
from reggan_training.pairs.pool import PairPool
from reggan_training.pairs.sitting import Pairs

_log = logging.getLogger(__name__)
_CHECKPOINT, _CURVE = "checkpoint.safetensors", "losses.jsonl"
_LONGEST_GRADIENT = 1.0


@dataclass(frozen=True, kw_only=True)
class MotionTraining:
    """What a run of motion training is.

    Attributes:
        length_kimg: pairs drawn, in thousands.
        batch: pairs of a step.
        learning_rate: after the warm-up; falls along a cosine in the last `decay` of the run.
        warmup_steps: over which it rises.
        decay: share of the run.
        ema: decay of the EMA weights a step.
        half_precision: convolutions in bfloat16; coordinates and sampling stay float32.
        report_steps: between lines of the curve; checkpoints are written with them.
        seed: of augmentation.
        losses: weights.
    """

    length_kimg: float = 200.0
    batch: int = 16
    learning_rate: float = 1.5e-3
    warmup_steps: int = 100
    decay: float = 0.3
    ema: float = 0.995
    half_precision: bool = True
    report_steps: int = 200
    seed: int = 0
    losses: LossWeights = field(default_factory=LossWeights)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return round(1000 * self.length_kimg / self.batch)

    def rate_at(self, step: int) -> float:
        """Learning rate of a step: warm-up, plateau, cosine."""
        rising = min(1.0, (step + 1) / self.warmup_steps)
        left = (1 - step / self.steps) / self.decay
        falling = 0.5 - 0.5 * float(torch.cos(torch.tensor(torch.pi * min(1.0, max(left, 0.0)))))
        return self.learning_rate * rising * max(falling, 0.01)


class MotionTrainer:
    """A run in memory; `run` makes its steps."""

    def __init__(self, network: MotionRegGAN, settings: MotionTraining, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = {k: v.detach().clone() for k, v in self._learnt().items()}
        self.adam = torch.optim.AdamW(
            network.parameters(),
            settings.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=1e-4,
            fused=True,
        )
        self.step = 0
        if (folder / _CHECKPOINT).exists():
            self._resume()

    def run(self, pool: PairPool) -> Iterator[dict[str, float]]:
        """Train to the end; yields mean losses at every report, after the checkpoint is written.

        Raises:
            TrainingDivergedError: a loss is not finite; the last checkpoint stays.
        """
        totals: dict[str, float] = {}
        began, waited = time.monotonic(), pool.waited_s
        while self.step < self.settings.steps:
            for name, value in self._improve(pool).items():
                totals[name] = totals.get(name, 0.0) + float(value)
            self.step += 1
            if self.step % self.settings.report_steps == 0 or self.step == self.settings.steps:
                steps = self.settings.report_steps
                means = {name: total / steps for name, total in totals.items()}
                if not all(torch.isfinite(torch.tensor(list(means.values())))):
                    raise TrainingDivergedError(f"Losses are not finite: {means}. Lower the rate.")
                passed = time.monotonic() - began
                means |= {
                    "kimg": self.step * self.settings.batch / 1000,
                    "pairs_per_s": steps * self.settings.batch / passed,
                    "busy": 1 - (pool.waited_s - waited) / passed,
                }
                self._checkpoint(means)
                yield means
                totals, began, waited = {}, time.monotonic(), pool.waited_s

    def _improve(self, pool: PairPool) -> dict[str, Tensor]:
        settings = self.settings
        for group in self.adam.param_groups:
            group["lr"] = settings.rate_at(self.step)
        random = torch.Generator().manual_seed(settings.seed * 1_000_003 + self.step)
        pairs = augmented(Pairs.from_compact(pool.draw(self.step)), random)
        image = pairs.source.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.half_precision):
            answer = self.network(image, pairs.controls)
        losses = pair_losses(pairs, answer, settings.losses)
        self.adam.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_GRADIENT)
        self.adam.step()
        self._average()
        with torch.no_grad():
            error = (
                128
                * (
                    nn.functional.interpolate(answer.motion, scale_factor=2, mode="bilinear")
                    - pairs.motion
                )
            ).norm(dim=1, keepdim=True)
            trusted = (
                pairs.visible * pairs.hit * (128 * pairs.motion.norm(dim=1, keepdim=True) > 0.4)
            )
            losses["moving_error_px"] = (error * trusted).sum() / trusted.sum().clamp(min=1)
            losses["moving_px"] = (
                128 * pairs.motion.norm(dim=1, keepdim=True) * trusted
            ).sum() / trusted.sum().clamp(min=1)
        return losses

    def _average(self) -> None:
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self._learnt().items():
                self.ema[name].lerp_(value, 1 - decay)

    def _learnt(self) -> dict[str, Tensor]:
        return dict(self.network.named_parameters())

    def _checkpoint(self, means: dict[str, float]) -> None:
        tensors = {f"ema.{k}": v for k, v in self.ema.items()}
        tensors |= {f"net.{k}": v.detach() for k, v in self._learnt().items()}
        names = [k for k, _ in self.network.named_parameters()]
        for index, state in self.adam.state_dict()["state"].items():
            tensors |= {f"adam.{names[index]}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors["regression.delta"] = self.network.regression.delta
        tensors = {k: v.contiguous() for k, v in tensors.items()}
        metadata = {"step": str(self.step), "settings": json.dumps(asdict(self.settings))}
        temporary = self.folder / (_CHECKPOINT + ".partial")
        save_file(
            tensors,
            temporary,
            metadata | {"width": str(self.network.width), "side_px": str(self.network.side_px)},
        )
        temporary.replace(self.folder / _CHECKPOINT)
        with (self.folder / _CURVE).open("a", encoding="utf-8") as curve:
            curve.write(json.dumps({"step": self.step, **means}) + "\n")

    def _resume(self) -> None:
        from safetensors import safe_open

        path = self.folder / _CHECKPOINT
        tensors = load_file(path)
        with safe_open(path, "pt") as stored:
            self.step = int(stored.metadata()["step"])
        parameters = self._learnt()
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(tensors[f"net.{name}"])
                self.ema[name].copy_(tensors[f"ema.{name}"])
            self.network.regression.delta.copy_(tensors["regression.delta"])
        state = self.adam.state_dict()
        for index, name in enumerate(parameters):
            keys = [
                k
                for k in tensors
                if k.startswith(f"adam.{name}.") and k.count(".") == name.count(".") + 2
            ]
            state["state"][index] = {k.rsplit(".", 1)[1]: tensors[k] for k in keys}
        self.adam.load_state_dict(state)


def load_motion_network(path: Path) -> MotionRegGAN:
    """The network of a checkpoint with its EMA weights, for evaluation and export."""
    from safetensors import safe_open

    tensors = load_file(path)
    with safe_open(path, "pt") as stored:
        metadata = stored.metadata()
    network = MotionRegGAN(width=int(metadata["width"]), side_px=int(metadata["side_px"]))
    network.regression.delta.copy_(tensors["regression.delta"])
    own = {k.removeprefix("ema."): v for k, v in tensors.items() if k.startswith("ema.")}
    network.load_state_dict(own | {"regression.delta": network.regression.delta}, strict=True)
    return network.eval()
