"""Run the training of the locator: its two networks, its two stages, and the folder that a run goes
on from.
"""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from reggan_plugin.array_types import SixPoints
from reggan_plugin.faces.landmarks_and_pose import BOX_SIDE_IN_EYE_DISTANCES, LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import crop_around_face, face_centre_px, face_size_px
from reggan_training.landmarks.part_networks import Residual, block
from reggan_training.locator.pasted_faces import PATCH_SIDE_PX, synthesise_crop, synthesise_patch
from reggan_training.locator.styled_faces import Bank
from reggan_training.training_run import (
    NetworkTraining,
    append_line,
    commit_of_source,
    progress_line,
    read_checkpoint,
)
from reggan_training.weights_from_onnx import exported_weights, load_exported

STRIDE_PX = 8
OFFSET_UNIT_PX = 32.0
"""Landmark offsets are predicted in this unit, from the centre of a cell."""


class FaceDetector(nn.Module):
    """Fully convolutional, stride 8; sees faces of about 20 to 76 px in grey pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(1, 16, 2, kernel=5),
            block(16, 32, 2),
            block(32, 32),
            block(32, 64, 2),
            Residual(64),
            Residual(64, dilation=2),
            block(64, 64, kernel=1),
        )
        self.score = nn.Conv2d(64, 1, 1)
        self.offsets = nn.Conv2d(64, 12, 1)
        nn.init.constant_(self.score.bias, -4.0)  # type: ignore[arg-type]

    def forward(
        self, gray: Float[Tensor, "n 1 h w"]
    ) -> tuple[Float[Tensor, "n 1 h/8 w/8"], Float[Tensor, "n 12 h/8 w/8"]]:
        """Return face logits and landmark offsets (x, y of six points, OFFSET_UNIT_PX).

        `gray` is in [0, 1]; its sides are multiples of 8.
        """
        features = self.body((gray - 0.5) * 4.0)
        return self.score(features), self.offsets(features)


HEATMAP_STRIDE_PX = 4


class LandmarkNetwork(nn.Module):
    """A small hourglass; a landmark is the mean position under its normalised heat map."""

    def __init__(self) -> None:
        super().__init__()
        self.at_quarter = nn.Sequential(block(1, 16, 2, kernel=5), block(16, 32, 2), Residual(32))
        self.at_eighth = nn.Sequential(block(32, 64, 2), Residual(64))
        self.at_sixteenth = nn.Sequential(block(64, 80, 2), Residual(80))
        self.to_eighth = block(80, 64, kernel=1)
        self.mix_eighth = block(64, 64)
        self.to_quarter = block(64, 32, kernel=1)
        self.mix_quarter = block(32, 32)
        self.heatmaps = nn.Conv2d(32, len(LANDMARK_NAMES), 1)
        self.score = nn.Sequential(nn.Linear(80 * 2, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(
        self, crop: Float[Tensor, "n 1 side side"]
    ) -> tuple[Float[Tensor, "n 1"], Float[Tensor, "n 6 2"], Float[Tensor, "n 6 2"]]:
        """Return face logits, landmarks and their spread (variance), both in crop pixels.

        `crop` is in [0, 1]; its brightness and contrast are normalised here.
        """
        mean = crop.mean(dim=(2, 3), keepdim=True)
        centred = crop - mean
        deviation = (centred * centred).mean(dim=(2, 3), keepdim=True).add(1e-4).sqrt()
        quarter = self.at_quarter(centred / deviation)
        eighth = self.at_eighth(quarter)
        sixteenth = self.at_sixteenth(eighth)
        pooled = torch.cat([sixteenth.mean(dim=(2, 3)), sixteenth.amax(dim=(2, 3))], dim=1)
        eighth = self.mix_eighth(eighth + _double(self.to_eighth(sixteenth)))
        quarter = self.mix_quarter(quarter + _double(self.to_quarter(eighth)))
        points, spread = _mean_positions(self.heatmaps(quarter))
        return self.score(pooled), points, spread


def _double(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 2*h 2*w"]:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _mean_positions(
    logits: Float[Tensor, "n k h w"],
) -> tuple[Float[Tensor, "n k 2"], Float[Tensor, "n k 2"]]:
    """Return the mean (x, y) and variance under softmax(logits), in crop pixels.

    Source: Sun et al. (2018), Integral Human Pose Regression, eq. 3.
    """
    height, width = logits.shape[2], logits.shape[3]
    heat = torch.softmax(logits.flatten(2), dim=2).reshape(-1, logits.shape[1], height, width)
    columns = (torch.arange(width, device=logits.device) + 0.5) * HEATMAP_STRIDE_PX
    rows = (torch.arange(height, device=logits.device) + 0.5) * HEATMAP_STRIDE_PX
    across, down = heat.sum(dim=2), heat.sum(dim=3)  # [n, k, width], [n, k, height]
    mean = torch.stack([(across * columns).sum(-1), (down * rows).sum(-1)], dim=-1)
    square = torch.stack([(across * columns**2).sum(-1), (down * rows**2).sum(-1)], dim=-1)
    return mean, square - mean * mean


POSITIVE_RADIUS, IGNORED_RADIUS = 0.17, 0.45
"""About a face's centre, in face sizes: cells to be found, and cells that are not judged."""


WIDEST_SPREAD_PX = 5.0
"""Heat maps up to this deviation are free: one narrower than a cell cannot interpolate."""

log = logging.getLogger(__name__)
StageName = Literal["detector", "landmarks"]
CHECKPOINT_NAME = "checkpoint.pt"
_SAVE_EVERY_S = 60.0


def _stack(patches: list[UInt8[np.ndarray, "h w"]]) -> Tensor:
    return torch.from_numpy(np.stack(patches)[:, None]).float() / 255.0


def detector_targets(faces: list[SixPoints]) -> Float[np.ndarray, "14 rows columns"]:
    """Return per cell: label (1 face, 0 none), weight (0 not judged), 12 landmark offsets."""
    cells = PATCH_SIDE_PX // STRIDE_PX
    centres = (np.arange(cells) + 0.5) * STRIDE_PX
    x, y = np.meshgrid(centres, centres)
    target = np.zeros((14, cells, cells), dtype=np.float32)
    target[1] = 1.0
    for points in faces:
        crop = crop_around_face(points)
        face_x, face_y = face_centre_px(crop)
        distance = np.hypot(x - face_x, y - face_y) / face_size_px(crop)
        hit = (distance < POSITIVE_RADIUS) | (distance == distance.min())
        near = (distance < IGNORED_RADIUS) & ~hit
        target[1][near & (target[0] == 0)] = 0.0
        target[0][hit] = 1.0
        target[1][hit] = 1.0
        for k, (px, py) in enumerate(points):
            target[2 + 2 * k][hit] = ((px - x) / OFFSET_UNIT_PX)[hit]
            target[3 + 2 * k][hit] = ((py - y) / OFFSET_UNIT_PX)[hit]
    return target


@frozen(kw_only=False)
class DetectorStage:
    """Focal loss on cells, absolute error of offsets on cells that hold a face."""

    bank: Bank
    network: FaceDetector

    def draw_batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Return patches, [n, 1, h, w] in [0, 1], and `detector_targets`, both on the CPU."""
        patches, targets = [], []
        for _ in range(size):
            patch, faces = synthesise_patch(self.bank, rng)
            patches.append(patch)
            targets.append(detector_targets(faces))
        return _stack(patches), torch.from_numpy(np.stack(targets))

    def loss(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return `score` and `offsets`, terms whose sum is minimised.

        Source: Lin et al. (2017), Focal Loss for Dense Object Detection, eq. 4, with γ = 2.
        """
        logits, offsets = (output.float() for output in self.network(inputs))
        label, weight = targets[:, 0:1], targets[:, 1:2]
        entropy = functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
        focal = (1 - torch.exp(-entropy)) ** 2 * entropy * weight
        found = label.sum().clamp(min=1.0)
        error = functional.smooth_l1_loss(offsets, targets[:, 2:], reduction="none", beta=0.05)
        return {"score": focal.sum() / found, "offsets": (error * label).sum() / found * 0.4}


@frozen(kw_only=False)
class LandmarkStage:
    """Cross entropy of the score; error of landmarks, in eye distances, where there is a face."""

    bank: Bank
    network: LandmarkNetwork

    def draw_batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Return crops and targets [n, 7, 2]: six points, then (label, eye distance in px)."""
        crops, targets = [], []
        for _ in range(size):
            crop, points = synthesise_crop(self.bank, rng)
            target = np.zeros((7, 2), dtype=np.float32)
            if points is not None:
                target[:6] = points
                size_px = face_size_px(crop_around_face(points))  # a turned head keeps it
                target[6] = 1.0, size_px / BOX_SIDE_IN_EYE_DISTANCES
            crops.append(crop)
            targets.append(target)
        return _stack(crops), torch.from_numpy(np.stack(targets))

    def loss(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return `score`, `points` and `spread`: heat maps wider than WIDEST_SPREAD_PX."""
        logits, points, spread = (output.float() for output in self.network(inputs))
        label, unit = targets[:, 6, 0], targets[:, 6, 1].clamp(min=12.0)
        score = functional.binary_cross_entropy_with_logits(logits[:, 0], label)
        miss = (points - targets[:, :6]).square().sum(dim=-1).add(1e-4).sqrt()  # [n, 6], px
        found = label.sum().clamp(min=1.0)
        scale = (label / unit)[:, None]
        wide = (spread - WIDEST_SPREAD_PX**2).clamp(min=0).sum(dim=-1) * scale**2
        return {
            "score": score,
            "points": (miss * scale).sum() / (6 * found) * 5.0,
            "spread": wide.sum() / (6 * found) * 0.5,
        }


LocatorStage = DetectorStage | LandmarkStage
"""One network with its batches and its loss."""


@frozen
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


class LocatorRun(NetworkTraining[nn.Module]):
    """One stage under way in a folder. Steps draw from (seed, step): resuming changes nothing."""

    def __init__(self, folder: Path, config: RunConfig, stage: LocatorStage) -> None:
        """Begin, or go on with the checkpoint in the folder.

        Raises:
            ValueError: the folder holds a run with other options.
        """
        self.folder, self.config, self.stage = folder, config, stage
        checkpoint = folder / CHECKPOINT_NAME
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not checkpoint.is_file()
        if not is_new and (before := read_checkpoint(checkpoint)["config"]) != asdict(config):
            raise ValueError(
                f"{folder} was started with {before}, not {asdict(config)}. "
                "Continue it with the same options, or name a new folder."
            )
        super().__init__(
            stage.network,
            checkpoint,
            rate=config.learning_rate,
            rises=1,
            weight_decay=config.weight_decay,
            record={"config": asdict(config)},
        )
        if is_new:
            if config.start_from:
                self._take_weights(Path(config.start_from))
            record = json.dumps(asdict(config) | {"commit": commit_of_source()}, indent=2)
            (folder / "config.json").write_text(record + "\n")

    @property
    def kimg(self) -> float:
        """Images seen so far, in thousands."""
        return self.steps * self.config.batch / 1000

    @property
    def progress(self) -> float:
        """By images."""
        return self.kimg / self.config.total_kimg

    def is_due(self, since_s: float) -> bool:
        """Every minute."""
        return since_s > _SAVE_EVERY_S

    def store(self, losses: Mapping[str, float], since_s: float) -> None:  # noqa: ARG002
        """Log the mean losses and write the checkpoint."""
        means = {name: round(value, 5) for name, value in losses.items()}
        append_line(self.folder / "log.jsonl", {"kimg": round(self.kimg, 1), **means})
        log.info("%s", progress_line(f"{self.kimg:7.1f} kimg", means))
        self.save()

    def take_step(self) -> dict[str, float]:
        """Take one optimiser step and return the terms of its loss."""
        config = self.config
        rng = np.random.default_rng([config.seed, self.steps])
        inputs, targets = self.stage.draw_batch(rng, config.batch)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            terms = self.stage.loss(inputs.to(memory_format=torch.channels_last), targets)
        # The rate rises linearly, then falls as a cosine to a hundredth.
        rise = min(1.0, (self.kimg + 0.1) / config.warm_up_kimg)
        fall = 0.01 + 0.495 * (1 + math.cos(math.pi * min(1.0, self.progress)))
        # Half of the EMA's memory is `average_kimg` old.
        kimg_then = self.kimg + config.batch / 1000
        half_life = min(config.average_kimg, 0.1 * kimg_then + 1e-9)
        self.descend(
            torch.stack(list(terms.values())).sum(),
            config.learning_rate * rise * fall,
            decay=0.5 ** (config.batch / 1000 / half_life),
            longest_gradient=5.0,
        )
        return {name: float(value.detach()) for name, value in terms.items()}

    def _take_weights(self, run: Path) -> None:
        if run.suffix == ".onnx":
            inputs, _ = self.stage.draw_batch(np.random.default_rng(self.config.seed), 384)
            load_exported(self.network, exported_weights(run), inputs)
        else:
            self.network.load_state_dict(read_checkpoint(run / CHECKPOINT_NAME)["ema"])
        self.ema.load_state_dict(self.network.state_dict())
