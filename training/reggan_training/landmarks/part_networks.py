"""The landmark networks, and the squares of a picture that they look at.

First the whole face; from the landmarks that are found there each eye, each brow and the mouth. For
each kind of part there is a small network (`whole_network.py` joins them). Each answers with places
as the mean of a heat map (soft-argmax), which is more exact than regression on crops, and with the
logarithm of their standard deviation.

Source: Wood et al., 3D face reconstruction with dense landmarks, ECCV 2022 (landmarks with an
uncertainty each, learnt from renders alone); Nibali et al., arXiv 1801.07372 (soft-argmax).
"""

import math
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from reggan_plugin.array_types import SixPoints
from reggan_plugin.frozen import frozen
from reggan_plugin.rig.dense_landmarks import COUNT, SIDES, eye_rows, rows_of
from reggan_training.tensor_shapes import Images

PARTS: Final = ("face", "eye_right", "eye_left", "brow_right", "brow_left", "mouth")
FRONT: Final = "front"
"""Kind of the network that says what lies before the face: it looks at the face's square."""
INPUT_PX: Final = {"face": 64, "eye": 64, "brow": 64, "mouth": 96, FRONT: 128}
"""Side of the network's input, by kind of part."""
FACE_SIDE: Final = 3.25
"""Side of the face's square, in eye distances."""
FACE_CENTRE: Final = (0.0, 0.55)
"""Its middle, in eye distances to the right and down from the middle between the eyes."""
PART_SIDES: Final = {
    "eye": (1.6, 1.9, 0.55, 2.0),
    "brow": (1.45, 0.0, 0.7, 1.9),
    "mouth": (1.7, 1.45, 0.8, 2.6),
}
"""Sides of the squares of parts: factors on their width and height; least and most, in eye
distances."""
LAYOUT: Final = np.array(
    [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.62], [-0.40, 1.10], [0.40, 1.10], [0.0, 1.80]]
)
"""Eyes, nose tip, corners of the mouth and chin of a mean face, in eye distances; of pairs that of
the head's own right comes first."""
SINGLE_ROWS: Final = tuple(
    int(row)
    for row in (rows_of("nose")[0], *rows_of("lip_outer_upper")[[0, -1]], rows_of("jaw")[7])
)
"""Landmarks of `LAYOUT` but the eyes, which are the means of their lids."""
LAYOUT_WEIGHTS: Final = np.array([1.0, 1.0, 0.5, 0.6, 0.6, 0.25])
POINTS_OF: Final = {
    "face": tuple(range(COUNT)),
    "eye": (*eye_rows("right"), *rows_of("iris", "right"), *rows_of("pupil", "right")),
    "brow": tuple(rows_of("brow", "right")),
    "mouth": tuple(
        row
        for name in ("lip_outer_upper", "lip_outer_lower", "lip_inner_upper", "lip_inner_lower")
        for row in rows_of(name)
    ),
}
"""Rows of the landmarks that each kind answers with; of pairs those of the head's own right."""
_WIDTHS: Final = {
    "face": (24, 40, 72, 112),
    "eye": (24, 32, 64, 96),
    "brow": (16, 24, 48, 72),
    "mouth": (16, 32, 64, 96),
}
FACE_FEATURES: Final = _WIDTHS["face"][1]
"""Channels of `PartNetwork.features` of the face."""
_FIRST_SIGMA: Final = -3.0
"""Logarithm of the first deviations: 5 % of the square's side."""


@frozen(eq=False)
class FacePlacement:
    """Place, size and roll of a face in a picture.

    Attributes:
        origin: the middle between the eyes, pixels.
        eye_px: pixels of an eye distance, as if the head were not turned.
        roll: radians, clockwise as one sees it.
    """

    origin: Float[np.ndarray, "2"]
    eye_px: float
    roll: float

    @property
    def axes(self) -> Float[np.ndarray, "2 2"]:
        """Columns: to the face's right in the picture, and down, unit length."""
        c, s = math.cos(self.roll), math.sin(self.roll)
        return np.array([[c, -s], [s, c]])


@frozen(eq=False)
class Square:
    """A square of a picture: its middle and side in pixels, its roll in radians."""

    centre: Float[np.ndarray, "2"]
    side_px: float
    roll: float

    def wider(self, factor: float) -> "Square":
        """Make the same square larger."""
        return Square(centre=self.centre, side_px=self.side_px * factor, roll=self.roll)

    def to_pixels(self, side: int) -> Float[np.ndarray, "2 3"]:
        """Map pixels of the picture to those of the square, drawn `side` pixels wide."""
        scale = side / self.side_px
        c, s = math.cos(self.roll) * scale, math.sin(self.roll) * scale
        linear = np.array([[c, s], [-s, c]])
        shift = side / 2 - linear @ self.centre
        return np.column_stack([linear, shift])


def six_points(points: Float[np.ndarray, "points 2"]) -> SixPoints:
    """Places of dense landmarks in the order of `LAYOUT`."""
    eyes = [points[eye_rows(side)].mean(axis=0) for side in SIDES]
    return np.stack([*eyes, *points[list(SINGLE_ROWS)]])


def face_frame(points: Float[np.ndarray, "points 2"]) -> FacePlacement:
    """Fit a mean face to landmarks: a similarity, by weighted least squares."""
    seen = six_points(points)
    weight = LAYOUT_WEIGHTS / LAYOUT_WEIGHTS.sum()
    start, end = weight @ LAYOUT, weight @ seen
    a, b = LAYOUT - start, seen - end
    real = (weight * (a * b).sum(axis=1)).sum()
    turn = (weight * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])).sum()
    size = float(np.hypot(real, turn) / (weight * (a**2).sum(axis=1)).sum())
    roll = math.atan2(turn, real)
    c, s = math.cos(roll), math.sin(roll)
    origin = end - size * np.array([[c, -s], [s, c]]) @ start
    return FacePlacement(origin=origin, eye_px=size, roll=roll)


def face_square(frame: FacePlacement) -> Square:
    """Return the square of the whole face."""
    centre = frame.origin + frame.axes @ np.array(FACE_CENTRE) * frame.eye_px
    return Square(centre=centre, side_px=FACE_SIDE * frame.eye_px, roll=frame.roll)


def rows_around(kind: str, side: str) -> Int[np.ndarray, " rows"]:
    """Landmarks whose box a part's square lies about; a mouth has no side."""
    if kind == "mouth":
        return np.concatenate([rows_of("lip_outer_upper"), rows_of("lip_outer_lower")])
    return eye_rows(side) if kind == "eye" else rows_of("brow", side)


def part_square(name: str, points: Float[np.ndarray, "points 2"], frame: FacePlacement) -> Square:
    """Return the square of one of `PARTS` around landmarks."""
    kind, _, side = name.partition("_")
    if kind == "face":
        return face_square(frame)
    along = (points[rows_around(kind, side)] - frame.origin) @ frame.axes
    low, high = along.min(axis=0), along.max(axis=0)
    wide, tall = (high - low) / frame.eye_px
    by_width, by_height, least, most = PART_SIDES[kind]
    eyes = min(max(by_width * wide, by_height * tall, least), most)
    centre = frame.origin + frame.axes @ ((low + high) / 2)
    return Square(centre=centre, side_px=eyes * frame.eye_px, roll=frame.roll)


def block(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch norm and rectifier."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(True))


class Residual(nn.Module):
    """Two convolutions that add to what they are given."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = block(channels, channels)
        second = nn.Conv2d(channels, channels, 3, 1, dilation, dilation, bias=False)
        self.second = nn.Sequential(second, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return F.relu(x + self.second(self.first(x)))


class PartNetwork(nn.Module):
    """Landmarks of one kind of part.

    Args:
        kind: one of `POINTS_OF`.
    """

    centres: Tensor

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.side, count = kind, INPUT_PX[kind], len(POINTS_OF[kind])
        c0, c1, c2, c3 = _WIDTHS[kind]
        self.stem = block(3, c0, 2)
        self.down1 = nn.Sequential(block(c0, c1, 2), Residual(c1))
        self.down2 = nn.Sequential(block(c1, c2, 2), Residual(c2), Residual(c2))
        self.down3 = nn.Sequential(block(c2, c3, 2), Residual(c3))
        self.lateral = nn.ModuleList([nn.Conv2d(c, c1, 1) for c in (c3, c2, c1, c0)])
        self.smooth = nn.ModuleList([block(c1, c1) for _ in range(3)])
        self.heat = nn.Conv2d(c1, count, 1)
        cells = self.side // 16
        wide, last = nn.Linear(c3 * cells * cells, 128), nn.Linear(128, count)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, _FIRST_SIGMA)
        self.sigma = nn.Sequential(nn.Flatten(), wide, nn.ReLU(True), last)
        centres = (torch.arange(self.side // 2) + 0.5) / (self.side // 2) - 0.5
        self.register_buffer("centres", centres, persistent=False)

    def forward(
        self, picture: Images
    ) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"]]:
        """Landmarks of pictures, sRGB-encoded in [0, 1].

        Returns:
            Places in parts of the square's side from its middle (x right, y down), and the natural
            logarithms of their standard deviations in the same unit.
        """
        return self.places(*self.features(picture))

    def places(
        self,
        y: Float[Tensor, "batch features half half"],
        x3: Float[Tensor, "batch coarse cells cells"],
    ) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"]]:
        """Make places and deviations of features, as `forward` returns them."""
        with torch.autocast(y.device.type, enabled=False):
            heat = self.heat(y.float())
            share = heat.flatten(2).softmax(2).view(heat.shape)
            along = (share.sum(axis) * self.centres for axis in (2, 3))
            places = torch.cat([one.sum(2, keepdim=True) for one in along], 2)
            sigma = self.sigma(x3.float())
        return places, sigma

    def features(
        self, picture: Images
    ) -> tuple[
        Float[Tensor, "batch features half half"], Float[Tensor, "batch coarse cells cells"]
    ]:
        """Features at half of the resolution, of which the places are made, and the coarsest."""
        x0 = self.stem((picture - 0.5) * 4)
        x1 = self.down1(x0)
        x2 = self.down2(x1)
        x3 = self.down3(x2)
        y = self.lateral[0](x3)
        for lateral, smooth, skip in zip(self.lateral[1:], self.smooth, (x2, x1, x0), strict=True):
            y = smooth(lateral(skip) + F.interpolate(y, scale_factor=2.0, mode="nearest"))
        return y, x3
