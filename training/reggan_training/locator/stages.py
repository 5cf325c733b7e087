"""The two stages, detector and landmark network: their batches and losses."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from reggan_plugin.faces.landmarks import BOX_SIDE_IN_EYE_DISTANCES
from reggan_plugin.faces.locator_crop import crop_around_face, face_centre_px, face_size_px
from reggan_training.locator.bank import Bank
from reggan_training.locator.detector_network import OFFSET_UNIT_PX, STRIDE_PX, FaceDetector
from reggan_training.locator.landmark_network import LandmarkNetwork
from reggan_training.locator.synthesis import PATCH_SIDE_PX, synthesise_crop, synthesise_patch

POSITIVE_RADIUS, IGNORED_RADIUS = 0.17, 0.45
"""About a face's centre, in face sizes: cells to be found, and cells that are not judged."""


WIDEST_SPREAD_PX = 5.0
"""Heat maps up to this deviation are free: one narrower than a cell cannot interpolate."""


@runtime_checkable
class LocatorStage(Protocol):
    """One network with its batches and its loss."""

    @property
    def network(self) -> nn.Module:
        """The network under training."""
        ...

    def draw_batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Return inputs [n, 1, h, w] in [0, 1] and targets, both on the CPU."""
        ...

    def loss(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return the terms of the loss; their sum is minimised."""
        ...


def _stack(patches: list[UInt8[np.ndarray, "h w"]]) -> Tensor:
    return torch.from_numpy(np.stack(patches)[:, None]).float() / 255.0


def detector_targets(faces: list[Float[np.ndarray, "6 2"]]) -> Float[np.ndarray, "14 rows columns"]:
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


@dataclass(frozen=True)
class DetectorStage:
    """Focal loss on cells, absolute error of offsets on cells that hold a face."""

    bank: Bank
    network: FaceDetector

    def draw_batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Return patches and `detector_targets`."""
        patches, targets = [], []
        for _ in range(size):
            patch, faces = synthesise_patch(self.bank, rng)
            patches.append(patch)
            targets.append(detector_targets(faces))
        return _stack(patches), torch.from_numpy(np.stack(targets))

    def loss(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return `score` and `offsets`.

        Source: Lin et al. (2017), Focal Loss for Dense Object Detection, eq. 4, with γ = 2.
        """
        logits, offsets = (output.float() for output in self.network(inputs))
        label, weight = targets[:, 0:1], targets[:, 1:2]
        entropy = functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
        focal = (1 - torch.exp(-entropy)) ** 2 * entropy * weight
        found = label.sum().clamp(min=1.0)
        error = functional.smooth_l1_loss(offsets, targets[:, 2:], reduction="none", beta=0.05)
        return {"score": focal.sum() / found, "offsets": (error * label).sum() / found * 0.4}


@dataclass(frozen=True)
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
