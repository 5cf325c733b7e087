"""What geometry and the regression layer expect of a face, before any network refines it.

What place of the face each pixel shows was read from the picture (`SurfaceReader`). How that place
moves, turns and covers is looked up in what was solved over many heads (`ShapeRegression`). Nothing
here is learnt by descent, and nothing here runs in half precision.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.motion.sampling import doubled, enlarged, warp
from reggan_training.motion.shape_regression import ShapeRegression
from reggan_training.motion.surface_reader import ReadSurface
from reggan_training.motion.surface_regression import (
    eye_table,
    fixed_point,
    lip_tables,
    values_at,
)
from reggan_training.pairs.lip_seam import MOUTH_CORNER_X, SEAM_Y
from reggan_training.pairs.rasterised_head import MOUTH_PX
from reggan_training.pairs.truth import PixelKind

BLINKS = [ARKIT_SHAPES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
CLOSED, _CLOSED_SLOPE = 0.3, 4.0
"""Weight of a blink from which on an eye has to be painted to be opened, and how fast."""
_COVER_SLOPE = 6.0
"""Logit per unit of the average face's linear cover."""
_LIPS_Y = -0.8
"""Canonical height below which it is the lips that part, and no lid that closes."""
_GAP_SLOPE, _LEAST_GAP = 180.0, 0.02
"""Logit per eye distance between the lips, and the distance from which the inside is seen."""
_OPENED, _SHADOW, _SHADOW_REACH = 0.06, 0.035, 0.05
"""Distance between lips that are open, how far their edges are drawn from the seam's shadow, and
over what width; in eye distances."""
_EYE_SLOPE = 12.0
"""Logit per probability that a pixel shows an eyeball."""
_FRONT_FROM, _FRONT_SLOPE = 0.06, 6.0
"""Probability from which on a pixel begins to stand before the face, and how fast it comes to stay:
a thin rim is never quite sure, and half of a motion bends it."""
_CORNER_SLOPE = 0.6
"""Of the edge of a mouth that opens, beside its corners."""


class Expected(NamedTuple):
    """What is expected of every pixel of the result.

    `hint`: change of the sRGB-encoded colours. `opening`: an average face's cover, roughly 0 to 1.
    `motion`: backward, in parts of the side; `unsolved`: what is left of its equation. `gap`: how
    far a pixel is from the nearer lip, in eye distances; below 0 on a lip. `retreat`: a motion away
    from the seam, whose shadow, of closed lips, does not belong on the edges of open ones. `light`:
    natural log of a factor. `teeth`: see `Teeth`. `kinds`: probabilities of what the source shows.
    """

    hint: Float[Tensor, "batch 3 half half"]
    opening: Float[Tensor, "batch 1 half half"]
    motion: Float[Tensor, "batch 2 side side"]
    unsolved: Float[Tensor, "batch 2 side side"]
    gap: Float[Tensor, "batch 1 side side"]
    retreat: Float[Tensor, "batch 2 side side"]
    light: Float[Tensor, "batch 1 half half"]
    teeth: Float[Tensor, "batch 3 fine fine"]
    kinds: Float[Tensor, "batch 5 side side"]

    def seen(self) -> list[Tensor]:
        """What the network is shown of it at half of the side, each in a range of about 1."""
        return [
            4 * self.hint,
            16 * F.avg_pool2d(self.motion, 2),
            16 * F.avg_pool2d(self.unsolved, 2),
            self.opening,
        ]

    def seen_besides(self) -> list[Tensor]:
        """What came later: channels are appended, so that earlier weights can be started from."""
        return [
            8 * F.avg_pool2d(self.gap, 2).clamp(-0.15, 0.15),
            F.avg_pool2d(self.kinds, 2),
            4 * self.light,
        ]


SEEN_CHANNELS, SEEN_BESIDES_CHANNELS = 3 + 2 + 2 + 1, 1 + len(PixelKind) + 1


def expected_answer(
    regression: ShapeRegression,
    surface: ReadSurface,
    image: Float[Tensor, "batch 3 side side"],
    controls: Float[Tensor, "batch controls"],
    worn: Float[Tensor, "batch shapes"],
) -> Expected:
    """Look everything up.

    Args:
        regression: the solved layer.
        surface: what was read from the picture.
        image: the source, sRGB-encoded.
        controls: what is asked for.
        worn: ARKit weights that the source shows.
    """
    side = image.shape[-1]
    change = controls[:, :-1] - worn * controls[:, -1:]  # `neutral` takes away what is worn
    hint = regression(image, torch.cat([change, controls[:, -1:]], dim=1))
    kinds = torch.softmax(surface.kinds, dim=1)
    lips = _followed_lips(regression, surface, change)
    motion = _with_eyeballs(lips.motion, regression.surface(change), surface, kinds)
    halved = surface.halved()
    rest = _forward_motion(regression.surface(worn), halved)
    found = F.avg_pool2d(lips.place, 2)
    light = regression.light(F.avg_pool2d(image, 2), halved, found, change)
    return Expected(
        hint=enlarged(hint, side // 2),
        opening=enlarged(regression.cover(change), side // 2),
        motion=motion,
        unsolved=lips.unsolved,
        gap=lips.beyond,
        retreat=lips.retreat,
        light=light * F.avg_pool2d(share_of_face(kinds, motion), 2),
        teeth=regression.teeth(halved, rest, change + worn, MOUTH_PX),
        kinds=kinds,
    )


def uncovered(
    expected: Expected, surface: ReadSurface, worn: Float[Tensor, "batch shapes"]
) -> Float[Tensor, "batch 1 side side"]:
    """Logits of cover as geometry knows it: of the mouth its gap, of the eyes an average's.

    Eyes are painted only where the source has them closed; open ones are stretched.
    """
    blink = worn[:, BLINKS].amax(1)[:, None, None, None]
    closed = (_CLOSED_SLOPE * (blink - CLOSED)).clamp(0.0, 1.0)
    eyes = doubled(_COVER_SLOPE * (expected.opening - 0.4).clamp(-0.6, 0.6)) - 12.0 * (1 - closed)
    mouth = (_GAP_SLOPE * (expected.gap - _LEAST_GAP)).clamp(-6.0, 6.0)
    return torch.where(surface.place[:, 1:] < _LIPS_Y, mouth, eyes)


def share_of_face(
    kinds: Float[Tensor, "batch 5 side side"], motion: Float[Tensor, "batch 2 side side"]
) -> Float[Tensor, "batch 1 side side"]:
    """How much of a pixel is face after the motion, which alone is moved and lit anew.

    What stands before the face stays, and nothing around it is drawn along.
    """
    likely, behind = (kinds[:, kind][:, None] for kind in (PixelKind.FRONT, PixelKind.BEHIND))
    front = F.max_pool2d((_FRONT_SLOPE * (likely - _FRONT_FROM)).clamp(0, 1), 3, 1, 1)
    return (1 - front) * warp((1 - front - behind).clamp(min=0.0), motion.detach())


class _Lips(NamedTuple):
    """What follows a lip, or the nearer one of both: as in `Expected`, and the place of the face
    that is found at each pixel. `beyond`: how far it is beyond the lip, in eye distances.
    """

    motion: Float[Tensor, "batch 2 side side"]
    unsolved: Float[Tensor, "batch 2 side side"]
    place: Float[Tensor, "batch 2 side side"]
    beyond: Float[Tensor, "batch 1 side side"]
    retreat: Float[Tensor, "batch 2 side side"]


def _followed_lips(
    regression: ShapeRegression, surface: ReadSurface, change: Float[Tensor, "batch shapes"]
) -> _Lips:
    """Motion of the skin, in which each lip is followed by itself.

    A pixel shows the lip whose place there is on its own side of the seam; where neither is, the
    mouth is open.
    """
    start = enlarged(regression.motion(change), surface.place.shape[-1])
    upper, lower = (
        _followed(table, side, surface, start)
        for side, table in zip((1, -1), lip_tables(regression.surface(change)), strict=True)
    )
    is_upper = upper.beyond < lower.beyond
    motion, unsolved, place = (torch.where(is_upper, upper[k], lower[k]) for k in range(3))
    gap = torch.minimum(upper.beyond, lower.beyond)
    opened = ((upper.beyond + lower.beyond) / _OPENED - 0.5).clamp(0, 1)
    shy = _SHADOW * opened * torch.exp(gap.clamp(max=0) / _SHADOW_REACH)
    upwards = surface.projection[:, :, 1, None, None]
    return _Lips(motion, unsolved, place, gap, torch.where(is_upper, shy, -shy) * upwards)


def _followed(
    table: Float[Tensor, "batch 3 cells cells"],
    side: int,
    surface: ReadSurface,
    start: Float[Tensor, "batch 2 side side"],
) -> _Lips:
    """Motion by the table of one lip, the upper (1) or the lower (-1)."""
    solved, unsolved = fixed_point(_forward_motion(table, surface), start)
    place = warp(surface.place, solved)
    across = side * (SEAM_Y - place[:, 1:])
    beside = _CORNER_SLOPE * (MOUTH_CORNER_X - place[:, :1].abs())
    return _Lips(solved, unsolved, place, torch.minimum(across, beside), 0 * solved)


def _with_eyeballs(
    motion: Float[Tensor, "batch 2 side side"],
    table: Float[Tensor, "batch 3 cells cells"],
    surface: ReadSurface,
    kinds: Float[Tensor, "batch 5 side side"],
) -> Float[Tensor, "batch 2 side side"]:
    """The motion, but of an eyeball where no skin has come over it."""
    ball, _ = fixed_point(_forward_motion(eye_table(table), surface), 0 * motion)
    eye = doubled(F.avg_pool2d(kinds[:, PixelKind.EYE][:, None], 2))
    is_ball = torch.sigmoid(_EYE_SLOPE * (warp(eye, motion) - 0.5))
    return motion + is_ball * (ball - motion)


def _forward_motion(
    table: Float[Tensor, "batch 3 cells cells"], surface: ReadSurface
) -> Float[Tensor, "batch 2 side side"]:
    """Where what each pixel shows goes, in parts of the side."""
    moved = values_at(table, surface.place)
    return torch.einsum("bij,bjyx->biyx", surface.projection, moved)
