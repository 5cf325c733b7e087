"""What the expression judge is trained on: grey views of rendered faces, much disturbed."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.data.augment import augment_colours, replace_surroundings
from reggan_training.data.avatar_set import AvatarIdentity
from reggan_training.locator.stylise import mix_channels, stylise
from reggan_training.networks.expression_judge import CANONICAL_SIDE_PX, JUDGE_SIDE_PX

_STORED_SIDE_PX = 152
"""Stored views are larger than the judge's crop, so that a jittered crop stays inside."""


class JudgeViews:
    """Holds every face in several styles and draws disturbed batches of them.

    All expressions of an identity are cut by its neutral landmarks, as the outputs of a model
    are: the judge must not read the expression from how the crop lies.
    """

    def __init__(
        self, identities: Sequence[AvatarIdentity], styles: int, random: np.random.Generator
    ) -> None:
        self.random = random
        views = [_styled(identity, styles, random) for identity in identities]
        self._views = torch.from_numpy(np.stack(views))  # [identity, expression, style, h, w]

    def draw(
        self, batch_size: int
    ) -> tuple[Float[Tensor, "batch 3 side side"], Int[Tensor, " batch"]]:
        """A batch of views in [0, 1] and the numbers of their expressions."""
        identities, expressions, styles = self._views.shape[:3]
        who = self.random.integers(identities, size=batch_size)
        label = self.random.integers(expressions, size=batch_size)
        style = self.random.integers(styles, size=batch_size)
        gray = self._views[who, label, style][:, None].float() / 255.0
        gray = F.grid_sample(
            gray,
            _jittered_grids(batch_size, self.random),
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        gray = _disturb(gray, self.random)
        return gray.expand(-1, 3, -1, -1), torch.from_numpy(label)


def _jittered_grids(count: int, random: np.random.Generator) -> Float[Tensor, "count side side 2"]:
    """Sampling positions, in [-1, 1] of a stored view, of crops that lie slightly wrong.

    Rotated, scaled along both axes, shifted, mirrored, and bent by a smooth random warp.
    """
    side_px, ratio = JUDGE_SIDE_PX, JUDGE_SIDE_PX / _STORED_SIDE_PX
    angle = random.normal(0, 0.05, count)
    scale = random.normal(1, 0.045, (count, 1, 2)) * ratio
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn.transpose(2, 0, 1) * scale
    linear[random.random(count) < 0.5, :, 0] *= -1
    shift = random.normal(0, 0.03, (count, 2, 1))
    theta = torch.from_numpy(np.concatenate([linear, shift], axis=2).astype(np.float32))
    grid = F.affine_grid(theta, [count, 1, side_px, side_px], align_corners=False)
    bend = torch.from_numpy(random.normal(0, 0.016, (count, 2, 5, 5)).astype(np.float32))
    warp = F.interpolate(bend, size=(side_px, side_px), mode="bicubic", align_corners=False)
    return grid + warp.permute(0, 2, 3, 1)


def _disturb(
    images: Float[Tensor, "batch channels side side"], random: np.random.Generator
) -> Float[Tensor, "batch channels side side"]:
    """Tone, blur or sharpness, noise and patches that hide a part; within [0, 1]."""
    batch, _, side, _ = images.shape
    gamma = np.exp(random.normal(0, 0.35, (batch, 1, 1, 1))).astype(np.float32)
    images = images.clamp(0, 1) ** torch.from_numpy(gamma)
    slope = torch.from_numpy(random.normal(0, 0.25, (batch, 2, 1, 1)).astype(np.float32))
    axis = torch.linspace(-1, 1, side)
    light = slope[:, :1] * axis + slope[:, 1:] * axis[:, None]
    images = images * (1 + light).clamp(0.3, 2)
    amount = torch.from_numpy(random.uniform(-0.6, 1.0, (batch, 1, 1, 1)).astype(np.float32))
    images = images + amount * (F.avg_pool2d(images, 3, 1, 1) - images)
    deviation = random.exponential(0.012, (batch, 1, 1, 1)).astype(np.float32)
    images = images + torch.from_numpy(deviation) * torch.randn_like(images)
    for index in np.flatnonzero(random.random(batch) < 0.4):
        height, width = random.integers(side // 10, side // 3, 2)
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        images[index, :, top : top + height, left : left + width] = float(random.random())
    return images.clamp(0, 1)


def _styled(
    identity: AvatarIdentity, styles: int, random: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Every expression in several grey styles, [expression, style, height, width]."""
    crop = identity.place_crop(CANONICAL_SIDE_PX).resized(_STORED_SIDE_PX)
    stack = np.stack([identity.cut(e, crop) for e in range(len(EXPRESSION_NAMES))])
    points = (identity.landmarks @ crop.crop_from_frame[:, :2].T) + crop.crop_from_frame[:, 2]
    plain = torch.from_numpy(stack).permute(0, 3, 1, 2)[None]
    made = []
    for _ in range(styles):
        changed = augment_colours(replace_surroundings(plain.clone(), random), random)[0]
        pixels = (changed.permute(0, 2, 3, 1).numpy() * 255 + 0.5).astype(np.uint8)
        grays = [mix_channels(picture, random) for picture in pixels]
        made.append([stylise(g, p, random) for g, p in zip(grays, points, strict=True)])
    return np.array(made).swapaxes(0, 1)
