"""Batches of training pairs: one identity, two expressions, one augmentation for both."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.data.augment import augment_colours, replace_surroundings
from reggan_training.data.avatar_set import AvatarIdentity

_MARGIN = 1.125
"""Stored crops are this much larger than the model's, so that a jittered crop stays inside."""


@dataclass(frozen=True, kw_only=True)
class PairSettings:
    """How pairs are drawn.

    Attributes:
        side_px: side of the crops.
        neutral_share: part of the pairs whose source is neutral.
        full_share: part of the pairs at full intensity, whose target is a true render.
        jitter: standard deviation of each aligned landmark, as a fraction of the side.
    """

    side_px: int = 256
    neutral_share: float = 0.7
    full_share: float = 0.6
    jitter: float = 0.008


@dataclass(frozen=True)
class PairBatch:
    """Images are sRGB-encoded in [0, 1]."""

    source: Float[Tensor, "batch 3 side side"]
    target: Float[Tensor, "batch 3 side side"]
    expression: Float[Tensor, "batch expressions"]
    is_full: Float[Tensor, " batch"]
    """1 where the target is a render, 0 where it is an interpolation of two."""

    @property
    def label(self) -> Int[Tensor, " batch"]:
        """Index of the strongest expression asked for."""
        return self.expression.argmax(dim=1)


class PairSampler:
    """Draws random pairs from identities held in memory.

    Renders have full expressions only. For the intensities between, the target is a
    motion-compensated interpolation: both renders are carried along the optical flow between
    them, and only then blended, so that half a smile is a smile half as wide and not two mouths.
    """

    def __init__(
        self, identities: Sequence[AvatarIdentity], settings: PairSettings, seed: int
    ) -> None:
        self.settings = settings
        self.random = np.random.default_rng(seed)
        self._stored_px = round(settings.side_px * _MARGIN)
        self._relative: list[list[Float[np.ndarray, "2 3"]]] = []
        self._images: list[Tensor] = []
        self._flows: list[Float[np.ndarray, "expressions expressions low low 2"]] = []
        for identity in identities:
            inner = identity.place_crop(settings.side_px)
            wide = inner.resized(self._stored_px)
            stack = np.stack([identity.cut(e, wide) for e in range(len(EXPRESSION_NAMES))])
            pixels = (stack * 255 + 0.5).astype(np.uint8)
            self._images.append(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous())
            self._flows.append(_flows_between(pixels))
            self._relative.append(
                [
                    _compose(
                        wide.crop_from_frame,
                        identity.place_crop(settings.side_px, e).frame_from_crop,
                    )
                    for e in range(len(EXPRESSION_NAMES))
                ]
            )

    def draw(self, batch_size: int) -> PairBatch:
        """A fresh batch."""
        count = len(EXPRESSION_NAMES)
        sources, targets, expressions, full, grids = [], [], [], [], []
        for _ in range(batch_size):
            identity = int(self.random.integers(len(self._images)))
            neutral = self.random.random() < self.settings.neutral_share
            source = 0 if neutral else int(self.random.integers(1, count))
            target = int(self.random.choice([e for e in range(count) if e != source]))
            is_full = self.random.random() < self.settings.full_share
            intensity = 1.0 if is_full else float(self.random.uniform(0.1, 1.0))
            images = self._images[identity].float() / 255.0
            sources.append(images[source])
            goal, vector = images[target], np.zeros(count, dtype=np.float32)
            vector[target] = intensity
            start = source
            if not is_full and source == 0 and self.random.random() < 0.3:
                start = int(self.random.choice([e for e in range(1, count) if e != target]))
                vector[start] = 1.0 - intensity
            if not is_full:
                flows = self._flows[identity]
                goal = interpolate_along_flow(
                    images[start], goal, flows[start, target], flows[target, start], intensity
                )
            targets.append(goal)
            expressions.append(vector)
            full.append(float(is_full))
            grids.append(self._jittered_grid(self._relative[identity][source]))
        return self._finish(
            torch.stack(sources),
            torch.stack(targets),
            torch.from_numpy(np.stack(expressions)),
            torch.tensor(full),
            torch.stack(grids),
        )

    def _finish(
        self, source: Tensor, target: Tensor, expression: Tensor, full: Tensor, grid: Tensor
    ) -> PairBatch:
        both = F.grid_sample(
            torch.cat([source, target], dim=1),
            grid,
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        both = both.reshape(len(source), 2, 3, *both.shape[2:])
        flipped = torch.from_numpy(self.random.random(len(source)) < 0.5)[:, None, None, None, None]
        both = torch.where(flipped, both.flip(-1), both)
        both = augment_colours(replace_surroundings(both, self.random), self.random)
        return PairBatch(both[:, 0].contiguous(), both[:, 1].contiguous(), expression, full)

    def _jittered_grid(self, wide_from_crop: Float[np.ndarray, "2 3"]) -> Tensor:
        """Sampling positions in a stored crop, in [-1, 1], for a crop set slightly wrong."""
        side, jitter = self.settings.side_px, self.settings.jitter
        angle, growth = self.random.normal(0, 1.5 * jitter), 1 + self.random.normal(0, 2 * jitter)
        turn = growth * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shift = self.random.normal(0, jitter * side, size=2)
        centre = np.array([side / 2, side / 2])
        wrong = np.column_stack([turn, centre + shift - turn @ centre])
        placed = _compose(wide_from_crop, wrong)
        points = (np.arange(side) + 0.5).astype(np.float32)
        x, y = np.meshgrid(points, points)
        position = np.stack([x, y], axis=-1) @ placed[:, :2].T + placed[:, 2]
        return torch.from_numpy((position / self._stored_px * 2 - 1).astype(np.float32))


def interpolate_along_flow(
    first: Float[Tensor, "3 side side"],
    second: Float[Tensor, "3 side side"],
    forward: Float[np.ndarray, "low low 2"],
    backward: Float[np.ndarray, "low low 2"],
    share: float,
) -> Float[Tensor, "3 side side"]:
    """The picture `share` of the way from `first` to `second`, both moved before the blend.

    `forward` leads from first to second, in fractions of the side; `backward` the other way.
    """
    carried = [
        _carry(image, flow * amount)
        for image, flow, amount in ((first, forward, share), (second, backward, 1 - share))
    ]
    return (1 - share) * carried[0] + share * carried[1]


def _carry(
    image: Float[Tensor, "3 side side"], flow: Float[np.ndarray, "low low 2"]
) -> Float[Tensor, "3 side side"]:
    side = image.shape[-1]
    low = torch.from_numpy(np.ascontiguousarray(flow, dtype=np.float32)).permute(2, 0, 1)[None]
    shift = F.interpolate(low, size=(side, side), mode="bilinear", align_corners=False)
    centres = (torch.arange(side) + 0.5) / side * 2 - 1
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    position = grid - 2 * shift[0].permute(1, 2, 0)
    moved: Tensor = F.grid_sample(
        image[None], position[None], mode="bilinear", padding_mode="border", align_corners=False
    )[0]
    return moved


def _flows_between(
    images: UInt8[np.ndarray, "expressions side side 3"], low_px: int = 72
) -> Float[np.ndarray, "expressions expressions low low 2"]:
    """Optical flow from each expression to each other, in fractions of the side.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
    """
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    count, side = len(grey), grey[0].shape[0]
    flows = np.zeros((count, count, low_px, low_px, 2), dtype=np.float16)
    for first in range(count):
        for second in range(count):
            if first != second:
                flow = search.calc(grey[first], grey[second], None)
                small = cv2.resize(flow, (low_px, low_px), interpolation=cv2.INTER_AREA)
                flows[first, second] = small / side
    return flows


def _compose(
    outer: Float[np.ndarray, "2 3"], inner: Float[np.ndarray, "2 3"]
) -> Float[np.ndarray, "2 3"]:
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])
