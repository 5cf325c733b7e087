"""Training views of the face embedding: coloured views, whole faces and parts of them."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_training.data.augment import augment_colours, replace_surroundings
from reggan_training.data.identity import Identity
from reggan_training.metrics.judge_networks import CANONICAL_SIDE_PX, JUDGE_SIDE_PX
from reggan_training.metrics.trials import full_views
from reggan_training.tensor_shapes import Images

CROP_SIDE_PX, _STORED_SIDE_PX = 256, 280
_WHOLE_SHARE = 0.5
"""Part of the views that show the whole face; the others come closer, down to single pixels."""


class FaceViews:
    """Holds every face in colour and draws batches of views of them.

    Half of the views lie as the judges see a crop. The others are windows of the full
    resolution, so that the features also know skin, hair and lips at the size at which they
    are compared.
    """

    def __init__(self, identities: Sequence[Identity], random: np.random.Generator) -> None:
        self.random = random
        views, labels = [], []
        for identity in identities:
            wide, shown = full_views(identity, CROP_SIDE_PX, wide_px=_STORED_SIDE_PX)
            views.append((wide * 255 + 0.5).to(torch.uint8))
            labels.append(np.array(shown))
        self._views, self._labels = views, labels

    def draw(self, batch_size: int) -> tuple[Images, Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Draw a batch in [0, 1] with the numbers of its identities and of its expressions."""
        who = self.random.integers(len(self._views), size=batch_size)
        chosen = [int(self.random.integers(len(self._views[one]))) for one in who]
        picked = zip(who, chosen, strict=True)
        views = torch.stack([self._views[one][view] for one, view in picked]).float() / 255.0
        label = np.array([self._labels[a][b] for a, b in zip(who, chosen, strict=True)])
        views = F.grid_sample(
            views,
            self._grids(batch_size),
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        views = augment_colours(replace_surroundings(views[:, None], self.random), self.random)
        return views[:, 0], torch.from_numpy(who), torch.from_numpy(label)

    def _grids(self, count: int) -> Float[Tensor, "count 128 128 2"]:
        """Windows around the middle: of the judges' extent, or smaller and off the middle."""
        whole = CROP_SIDE_PX * JUDGE_SIDE_PX / CANONICAL_SIDE_PX / _STORED_SIDE_PX
        closest = JUDGE_SIDE_PX / _STORED_SIDE_PX
        near = self.random.random(count) > _WHOLE_SHARE
        scale = np.where(near, self.random.uniform(closest, whole, count), whole)
        roam = (whole - scale)[:, None] * self.random.uniform(-1, 1, (count, 2))
        angle = self.random.normal(0, 0.04, count)
        scale = scale * self.random.normal(1, 0.03, count)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = turn.transpose(2, 0, 1) * scale[:, None, None]
        linear[self.random.random(count) < 0.5, :, 0] *= -1
        shift = (roam + self.random.normal(0, 0.02, (count, 2)))[:, :, None]
        theta = torch.from_numpy(np.concatenate([linear, shift], axis=2).astype(np.float32))
        size = [count, 3, JUDGE_SIDE_PX, JUDGE_SIDE_PX]
        return F.affine_grid(theta, size, align_corners=False)


def recoloured_views(
    identity: Identity,
) -> tuple[Float[Tensor, "views 3 side side"], tuple[int, ...]]:
    """Canonical crops of the full expressions, each in its own colours before its own scenery.

    Light, colour and background would otherwise give an identity away. The same on every call.
    The second are the numbers of the expressions.
    """
    random = np.random.default_rng(list(identity.name.encode()))
    views, shown = full_views(identity, CROP_SIDE_PX)
    changed = augment_colours(replace_surroundings(views[:, None], random), random)
    return changed[:, 0], shown
