"""Batches of training pairs: one identity, two expressions, one augmentation for both.

An augmentation changes what a picture looks like, never what it shows.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.pair_table import PairSettings, rounded_state, table_of
from reggan_training.tensor_shapes import Images, Intensities

_LUMA = torch.tensor(LUMA_WEIGHTS)
_TINTED, _METAL, _POSTERISED = 0.3, 0.37, 0.44
"""Up to which draw from [0, 1) a pair takes this look; beyond the last it keeps its own."""

Pictures = Float[Tensor, "batch views 3 side side"]
LOW_PX = 72
"""Side of a stored flow."""
_MARGIN = 1.125
"""Stored crops are this much larger than the model's, so that a jittered crop stays inside."""
_MOST_CUTTERS = 8
"""Threads that cut the stored crops, 10 ms of a core each at 256 px."""


def augment_colours(pairs: Pictures, random: np.random.Generator) -> Pictures:
    """Random tone and colour curves, the same for all views of a pair; within [0, 1].

    One pair in three loses its colour or takes another material's: grey as stone, tinted as
    clay, with the steep curve of metal, or posterised as a toon. All are functions of one
    pixel, so a pair stays a pair.
    """
    count = len(pairs)
    look = random.random(count)
    gain = _column(random.normal(1.0, 0.12, (count, 3)))
    gamma = _column(np.exp(random.normal(0, 0.25, (count, 1))))
    contrast = _column(random.uniform(0.75, 1.2, (count, 1)))
    offset = _column(random.normal(0, 0.05, (count, 1)))
    pairs = (pairs * gain).clamp_(0, 1).pow_(gamma)
    bounds = [0.0, _TINTED, _METAL, _POSTERISED, 1.0]
    for change, low, high in zip(
        (_tint, _metal, _posterise, _saturate), bounds[:-1], bounds[1:], strict=True
    ):
        chosen = np.flatnonzero((look >= low) & (look < high))
        if len(chosen):
            pairs[chosen] = change(pairs[chosen], random)
    return pairs.sub_(0.5).mul_(contrast).add_(offset + 0.5).clamp_(0, 1)


def replace_surroundings(pairs: Pictures, random: np.random.Generator) -> Pictures:
    """Lay another background around an oval that holds the face, in one pair of three."""
    side = pairs.shape[-1]
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius = torch.sqrt((x / 0.98) ** 2 + (y / 1.12) ** 2)
    inside = ((1.12 - radius) / 0.14).clamp(0, 1)
    for index in np.flatnonzero(random.random(len(pairs)) < 0.33):
        cells = int(random.integers(1, 12))
        coarse = torch.from_numpy(random.random((1, 3, cells, cells)).astype(np.float32))
        scenery = F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
        pairs[index] = torch.lerp(scenery.clamp_(0, 1), pairs[index], inside)
    return pairs


def _tint(pairs: Pictures, random: np.random.Generator) -> Pictures:
    tint = random.uniform(0.55, 1.15, (len(pairs), 3))
    tint[random.random(len(pairs)) >= 0.6] = 1.0
    return _grey(pairs) * _column(tint)


def _metal(pairs: Pictures, random: np.random.Generator) -> Pictures:
    grey, waves = _grey(pairs), _column(random.uniform(1, 2.2, (len(pairs), 1)))
    steep = (0.5 - 0.5 * torch.cos(np.pi * grey * waves)) ** 1.2
    return (0.35 * grey + 0.65 * steep) * _column(random.uniform(0.3, 1.1, (len(pairs), 3)))


def _posterise(pairs: Pictures, random: np.random.Generator) -> Pictures:
    levels = _column(random.integers(4, 9, (len(pairs), 1)).astype(np.float32))
    return 0.3 * pairs + 0.7 * torch.round(pairs * levels) / levels


def _saturate(pairs: Pictures, random: np.random.Generator) -> Pictures:
    """More or less colour."""
    return torch.lerp(_grey(pairs), pairs, _column(random.uniform(0.3, 1.3, (len(pairs), 1))))


def _grey(pairs: Pictures) -> Float[Tensor, "batch views 1 side side"]:
    return (pairs * _LUMA[:, None, None]).sum(dim=2, keepdim=True)


def _column(values: Float[np.ndarray, "batch channels"]) -> Float[Tensor, "batch 1 channels 1 1"]:
    """One number, or one of each channel, for every pair."""
    return torch.from_numpy(values.astype(np.float32))[:, None, :, None, None]


def rotations(angle: Float[np.ndarray, " batch"]) -> Float[np.ndarray, "batch 2 2"]:
    """Rotations of a plane by angles in radians."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.moveaxis(turn, 2, 0)


def flow_between(
    first: UInt8[np.ndarray, "side side 3"], second: UInt8[np.ndarray, "side side 3"]
) -> Float[np.ndarray, "2 low low"]:
    """Optical flow (x, y) that leads from the first picture to the second, in shares of the side.

    Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
    """
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = search.calc(grey[0], grey[1], None)
    small = cv2.resize(flow, (LOW_PX, LOW_PX), interpolation=cv2.INTER_AREA)
    return np.moveaxis(small / len(first), 2, 0).astype(np.float16)


def interpolate_along_flow(
    first: Images,
    second: Images,
    forward: Float[Tensor, "batch 2 low low"],
    backward: Float[Tensor, "batch 2 low low"],
    share: Float[Tensor, " batch"],
) -> Images:
    """Make the pictures `share` of the way from `first` to `second`, so that no mouth is doubled.

    `forward` leads from first to second, in shares of the side; `backward` the other way.
    """
    weight = share[:, None, None, None]
    start = _carry(first, forward * weight)
    end = _carry(second, backward * (1 - weight))
    return (1 - weight) * start + weight * end


def _carry(images: Images, flow: Float[Tensor, "batch 2 low low"]) -> Images:
    side = images.shape[-1]
    shift = F.interpolate(flow, size=(side, side), mode="bilinear", align_corners=False)
    centres = (torch.arange(side) + 0.5) / side * 2 - 1
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    position = grid - 2 * shift.permute(0, 2, 3, 1)
    return F.grid_sample(
        images, position, mode="bilinear", padding_mode="border", align_corners=False
    )


@frozen(kw_only=False)
class PairBatch:
    """Images are sRGB-encoded in [0, 1]."""

    source: Images
    target: Images
    expression: Intensities
    """The request, as a model takes it."""
    is_full: Float[Tensor, " batch"]
    """1 where the target is a render of neutral or of an expression in full."""
    is_render: Float[Tensor, " batch"]
    """1 where the target is a picture, 0 where it is an interpolation of two."""
    source_state: Intensities
    """State of the source, in the order of `EXPRESSION_NAMES`; neutral is all zeros."""
    target_state: Intensities
    """State of the target."""

    @property
    def label(self) -> Int[Tensor, " batch"]:
        """Index of the strongest expression asked for."""
        return self.expression.argmax(dim=1)


class PairSampler:
    """Draws random pairs from identities held in memory.

    Batch number n depends on the seed and n alone, so that drawing ahead, or starting again at
    n, changes nothing. Targets in part are renders where an identity has them; else
    motion-compensated interpolations, so that half a smile is half as wide and not two mouths.
    """

    def __init__(self, identities: Sequence[Identity], settings: PairSettings, seed: int) -> None:
        """Cut and keep the crops of all views.

        Raises:
            SourceError: no identity has two views that a command connects.
        """
        self.settings = settings
        self.seed, self.batches = seed, 0
        self._stored_px = round(settings.side_px * _MARGIN)
        self._table = table_of(identities, settings)
        if not (self._table.source != self._table.target).any():
            raise SourceError(
                f"None of the {len(identities)} identities shows two expressions. Give a set with "
                "at least neutral and one more.",
                kind="set-without-pairs",
            )
        views = [len(identity.images) for identity in identities]
        self._first_view = np.concatenate([[0], np.cumsum(views)])[:-1]
        states = np.concatenate([identity.states for identity in identities])
        self._states = torch.from_numpy(rounded_state(states).astype(np.float32))
        side = self._stored_px
        self._crops = torch.empty((sum(views), 3, side, side), dtype=torch.uint8)
        self._stored_from_crop = np.empty((sum(views), 2, 3))
        with ThreadPoolExecutor(min(_MOST_CUTTERS, os.cpu_count() or 1)) as pool:
            list(pool.map(self._keep, identities, self._first_view.tolist()))
        self._flows: dict[tuple[int, int], Float[np.ndarray, "2 low low"]] = {}

    def state(self) -> dict[str, int]:
        """State of the sampler; `batches` counts the batches drawn, of any size."""
        return {"seed": self.seed, "batches": self.batches}

    def restore(self, state: Mapping[str, int]) -> None:
        """Go on as the sampler whose `state` this is; the next batch is number `batches`."""
        self.seed, self.batches = int(state["seed"]), int(state["batches"])

    def draw(self, batch_size: int) -> PairBatch:
        """Draw the next batch."""
        random = np.random.default_rng([self.seed, self.batches])
        self.batches += 1
        table = self._table
        rows = np.searchsorted(table.cumulative, random.random(batch_size), side="right")
        rows = rows.clip(max=len(table.cumulative) - 1)
        first = self._first_view[table.identity[rows]]
        source, target = first + table.source[rows], first + table.target[rows]
        start = np.where(table.start[rows] >= 0, first + table.start[rows], -1)
        share = np.where(start >= 0, random.uniform(0.1, 1.0, batch_size), 1.0).astype(np.float32)
        intensity = torch.from_numpy((table.intensity[rows] * share).astype(np.float32))
        goals = self._goals(target, start, share)
        pairs = torch.stack([self._crops[source].float() / 255.0, goals], dim=1)
        pairs = self._place(pairs, source, random)
        if self.settings.augment:
            pairs = augment_colours(replace_surroundings(pairs, random), random)
        expression = F.one_hot(torch.from_numpy(table.expression[rows]), len(EXPRESSION_NAMES))
        between = torch.from_numpy(share)[:, None]
        start_state = self._states[np.maximum(start, 0)] * (1 - between)
        is_blend = torch.from_numpy((start >= 0) & (start != source))[:, None]
        shown = self._states[target]
        is_pure = ((shown == 0) | (shown == 1)).all(dim=1)  # neutral, or one expression in full
        return PairBatch(
            source=pairs[:, 0].contiguous(),
            target=pairs[:, 1].contiguous(),
            expression=expression * intensity[:, None] + is_blend * start_state,
            is_full=((intensity == 1) & torch.from_numpy(start < 0) & is_pure).float(),
            is_render=torch.from_numpy((start < 0).astype(np.float32)),
            source_state=self._states[source],
            target_state=between * self._states[target] + start_state,
        )

    def _keep(self, identity: Identity, first: int) -> None:
        side = self.settings.side_px
        wide = identity.place_crop(side).resized(self._stored_px)
        for view in range(len(identity.images)):
            pixels = (identity.cut(view, wide) * 255 + 0.5).astype(np.uint8)
            self._crops[first + view] = torch.from_numpy(pixels).permute(2, 0, 1)
            self._stored_from_crop[first + view] = _compose(
                wide.crop_from_frame, identity.place_crop(side, view).frame_from_crop
            )

    def _goals(
        self,
        target: Int[np.ndarray, " batch"],
        start: Int[np.ndarray, " batch"],
        share: Float[np.ndarray, " batch"],
    ) -> Float[Tensor, "batch 3 stored stored"]:
        """Return stored crops of the targets; interpolated where there is a start."""
        goals = self._crops[target].float() / 255.0
        between = np.flatnonzero(start >= 0)
        if len(between):
            views = list(zip(start[between].tolist(), target[between].tolist(), strict=True))
            flows = [(self._flow(a, b), self._flow(b, a)) for a, b in views]
            forward, backward = (
                torch.from_numpy(np.stack(many).astype(np.float32))
                for many in zip(*flows, strict=True)
            )
            goals[between] = interpolate_along_flow(
                self._crops[start[between]].float() / 255.0,
                goals[between],
                forward,
                backward,
                torch.from_numpy(share[between]),
            )
        return goals

    def _flow(self, first: int, second: int) -> Float[np.ndarray, "2 low low"]:
        """Return the flow between two stored crops, found when it is first asked for."""
        if (first, second) not in self._flows:
            images = [
                np.ascontiguousarray(self._crops[view].permute(1, 2, 0).numpy())
                for view in (first, second)
            ]
            self._flows[first, second] = flow_between(images[0], images[1])
        return self._flows[first, second]

    def _place(
        self,
        pairs: Float[Tensor, "batch 2 3 stored stored"],
        source: Int[np.ndarray, " batch"],
        random: np.random.Generator,
    ) -> Float[Tensor, "batch 2 3 side side"]:
        """Both pictures in the crop of the source, set slightly wrong; half of them mirrored."""
        side, jitter, count = self.settings.side_px, self.settings.jitter, len(source)
        angle = random.normal(0, 1.5 * jitter, count)
        growth = 1 + random.normal(0, 2 * jitter, count)
        shift = random.normal(0, jitter * side, (count, 2))
        mirrored = (random.random(count) < 0.5) & self.settings.augment
        turn = growth[:, None, None] * rotations(angle)
        centre = np.full((count, 2), side / 2)
        offset = centre + shift - np.einsum("bij,bj->bi", turn, centre)
        wrong = np.concatenate([turn, offset[:, :, None]], axis=2)
        placed = _compose(self._stored_from_crop[source], wrong)
        linear = placed[:, :, :2] * (side / self._stored_px)
        corner = linear.sum(axis=2) + placed[:, :, 2] * (2 / self._stored_px) - 1
        linear[mirrored, :, 0] *= -1
        theta = np.concatenate([linear, corner[:, :, None]], axis=2).astype(np.float32)
        grid = F.affine_grid(torch.from_numpy(theta), [count, 6, side, side], align_corners=False)
        sampled = F.grid_sample(
            pairs.flatten(1, 2), grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return sampled.reshape(count, 2, 3, side, side)


def _compose(
    outer: Float[np.ndarray, "*batch 2 3"], inner: Float[np.ndarray, "*batch 2 3"]
) -> Float[np.ndarray, "*batch 2 3"]:
    """Return the affine map that applies `inner`, then `outer`."""
    linear = outer[..., :2] @ inner[..., :2]
    shift = outer[..., :2] @ inner[..., 2:] + outer[..., 2:]
    return np.concatenate([linear, shift], axis=-1)
