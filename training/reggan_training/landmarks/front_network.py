"""The network that says what lies where in the face's square: spectacles, hair, hats and hands.

It begins where the landmarks are known. What a face is it takes from the features of the coarse
pass, which it leaves as they are; it sees twice as many pixels, and answers for each of them. That
is enough to tell where rims and strands are; their edges are found in the frame.

Source: Shi et al., Real-time single image super-resolution using an efficient sub-pixel
convolutional network, CVPR 2016 (the last layer).
"""

from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.landmarks.crops import FrontCrops, draw_front_crops
from reggan_training.landmarks.part_networks import FACE_FEATURES, PartNetwork, Residual, block
from reggan_training.landmarks.picture_pool import PicturePool
from reggan_training.tensor_shapes import Images

SHOWN: Final = ("behind", "head", "front", "spectacles")
"""What a pixel can show: what is behind the head, the head, what lies before it."""
_FINE, _COARSE = 16, 24
"""Channels at a half and at a quarter of the picture's resolution."""
_COUNTS_MORE: Final = 5
_AT_ONCE: Final = 50


class FrontNetwork(nn.Module):
    """Shares of `SHOWN` in the face's square."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.down = block(3, _FINE, 2), block(_FINE, _COARSE, 2)
        self.mix = nn.Conv2d(_COARSE + FACE_FEATURES, _COARSE, 1)
        self.coarse = nn.Sequential(Residual(_COARSE), Residual(_COARSE), block(_COARSE, _FINE))
        self.fine = block(2 * _FINE, _FINE)
        self.shown = nn.Conv2d(_FINE, 4 * len(SHOWN), 1)

    def forward(
        self, picture: Images, features: Float[Tensor, "batch features quarter quarter"]
    ) -> Float[Tensor, "batch shown side side"]:
        """Logits of `SHOWN` at each pixel of squares.

        Args:
            picture: sRGB-encoded, in [0, 1].
            features: see `face_features`.
        """
        fine = self.stem((picture - 0.5) * 4)
        coarse = self.coarse(F.relu(self.mix(torch.cat([self.down(fine), features], 1))))
        larger = F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        return F.pixel_shuffle(self.shown(self.fine(torch.cat([larger, fine], 1))), 2)


def face_features(
    face: PartNetwork, picture: Images
) -> Float[Tensor, "batch features quarter quarter"]:
    """Return what the face's network, as it is, sees in squares of twice its side."""
    return face.features(F.avg_pool2d(picture, 2))[0]


def front_loss(logits: Tensor, crops: FrontCrops) -> Tensor:
    """Cross-entropy with the true shares; spectacles, which are small, count more."""
    each = F.cross_entropy(logits.float(), crops.shares, reduction="none")
    return (each * (1 + _COUNTS_MORE * crops.shares[:, SHOWN.index("spectacles")])).mean()


@torch.no_grad()
def measure_front(network: FrontNetwork, face: PartNetwork, test: PicturePool) -> dict[str, float]:
    """Compare with held-out heads.

    Returns:
        `loss`, and the intersection over union of the shares of each of `SHOWN`.
    """
    network.eval()
    face.eval()
    random = torch.Generator().manual_seed(3)
    both, either = torch.zeros(len(SHOWN)), torch.zeros(len(SHOWN))
    loss, count = 0.0, 0
    for start in range(0, test.count, _AT_ONCE):
        index = torch.arange(start, min(start + _AT_ONCE, test.count))
        crops = draw_front_crops(test, index, random, augments=False)
        logits = network(crops.picture, face_features(face, crops.picture))
        loss += float(front_loss(logits, crops)) * len(index)
        count += len(index)
        found = logits.softmax(1)
        both += torch.minimum(found, crops.shares).sum((0, 2, 3))
        either += torch.maximum(found, crops.shares).sum((0, 2, 3))
    figures = dict(zip(SHOWN, (both / either).tolist(), strict=True))
    return {name: round(value, 3) for name, value in {"loss": loss / count, **figures}.items()}
