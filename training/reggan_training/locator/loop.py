"""A training run: a folder with its configuration, its log and a checkpoint to resume from."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from reggan_training.locator.exported_weights import load_exported
from reggan_training.locator.stages import LocatorStage
from reggan_training.provenance import commit_of_source
from reggan_training.training_run import append_line, progress_line, run_training

log = logging.getLogger(__name__)

StageName = Literal["detector", "landmarks"]
CHECKPOINT_NAME = "checkpoint.pt"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Settings of a run; durations count images seen, in thousands (kimg)."""

    stage: StageName
    total_kimg: float
    batch: int = 48
    learning_rate: float = 2e-3
    warm_up_kimg: float = 10.0
    weight_decay: float = 1e-4
    average_kimg: float = 10.0
    styles_per_picture: int = 5
    backgrounds: int = 800
    seed: int = 1
    start_from: str = ""
    """Run folder whose EMA weights this run starts from, or an exported network; empty for random
    weights."""
    heads: tuple[str, ...] = ()
    """Folders of drawn heads, beside the set."""
    every: int = 1
    """Of a pool among them one picture of so many is taken."""
    cartoons: int = 0
    """Flat drawings, beside the set."""
    negatives: tuple[str, ...] = ()
    """Files of what earlier weights took for faces."""

    def __post_init__(self) -> None:
        if self.total_kimg <= 0 or self.batch < 2:
            raise ValueError(
                f"total_kimg {self.total_kimg} and batch {self.batch}: expected more than 0 "
                "and at least 2."
            )


class LocatorRun:
    """One stage under way in a folder. Steps draw from (seed, step): resuming changes nothing."""

    def __init__(self, folder: Path, config: RunConfig, stage: LocatorStage) -> None:
        self.folder, self.config, self.stage = folder, config, stage
        self.step = 0
        self.network = stage.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT_NAME).is_file():
            self._resume()
        else:
            if config.start_from:
                self._take_weights(Path(config.start_from))
            _write_json(folder / "config.json", asdict(config) | {"commit": commit_of_source()})

    @property
    def kimg(self) -> float:
        """Images seen so far, in thousands."""
        return self.step * self.config.batch / 1000

    def run(self, *, save_every_s: float = 60.0) -> None:
        """Train to the end, logging and saving as it goes; see `run_training`."""
        self._save_every_s = save_every_s
        run_training(self)

    @property
    def progress(self) -> float:
        """By images."""
        return self.kimg / self.config.total_kimg

    def is_due(self, since_s: float) -> bool:
        """Every minute."""
        return since_s > self._save_every_s

    def store(self, losses: Mapping[str, float], since_s: float) -> None:  # noqa: ARG002
        """Log the mean losses and write the checkpoint."""
        means = {name: round(value, 5) for name, value in losses.items()}
        append_line(self.folder / "log.jsonl", {"kimg": round(self.kimg, 1), **means})
        log.info("%s", progress_line(f"{self.kimg:7.1f} kimg", means))
        self.save()

    def take_step(self) -> dict[str, float]:
        """Take one optimiser step and return the terms of its loss."""
        rng = np.random.default_rng([self.config.seed, self.step])
        inputs, targets = self.stage.draw_batch(rng, self.config.batch)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            terms = self.stage.loss(inputs.to(memory_format=torch.channels_last), targets)
        self.optimizer.zero_grad()
        total = torch.stack(list(terms.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        self._update_average()
        return {name: float(value.detach()) for name, value in terms.items()}

    def _learning_rate(self) -> float:
        """Linear warm-up, then a cosine down to a hundredth."""
        progress = min(1.0, self.kimg / self.config.total_kimg)
        rise = min(1.0, (self.kimg + 0.1) / self.config.warm_up_kimg)
        return (
            self.config.learning_rate * rise * (0.01 + 0.495 * (1 + math.cos(math.pi * progress)))
        )

    def _update_average(self) -> None:
        """Exponential average of the weights: half its memory is `average_kimg` old."""
        half_life = min(self.config.average_kimg, 0.1 * self.kimg + 1e-9)
        keep = 0.5 ** (self.config.batch / 1000 / half_life)
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)
            else:
                self.average[name].copy_(value)

    def save(self) -> None:
        """Write the checkpoint under a temporary name, then rename it."""
        state = {
            "step": self.step,
            "config": asdict(self.config),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self.folder / (CHECKPOINT_NAME + ".partial")
        torch.save(state, partial)
        partial.replace(self.folder / CHECKPOINT_NAME)

    def _resume(self) -> None:
        state = read_checkpoint(self.folder)
        if state["config"] != asdict(self.config):
            raise ValueError(
                f"{self.folder} was started with {state['config']}, not {asdict(self.config)}. "
                "Continue it with the same options, or name a new folder."
            )
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = dict[str, Tensor](state["average"])

    def _take_weights(self, run: Path) -> None:
        if run.suffix == ".onnx":
            inputs, _ = self.stage.draw_batch(np.random.default_rng(self.config.seed), 384)
            load_exported(self.network, run, inputs)
            weights = self.network.state_dict()
            self.average = {name: value.clone() for name, value in weights.items()}
            return
        weights = dict[str, Tensor](read_checkpoint(run)["average"])
        self.network.load_state_dict(weights)
        self.average = {name: value.clone() for name, value in weights.items()}


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """Return the checkpoint of a run folder; only tensors and plain values are unpacked."""
    path = folder / CHECKPOINT_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no {CHECKPOINT_NAME}; train the locator first, "
            f"as the run {folder.parent}"
        )
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
