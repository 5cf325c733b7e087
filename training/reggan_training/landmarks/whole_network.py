"""The whole landmark network as one graph: a crop in, all landmarks with their certainty out.

A coarse pass on the face, twice, so that the second begins where the first ended; then each eye,
each brow and the mouth on squares of their own, cut out of the same crop inside the graph. Left
parts are looked at in a mirror. Where the coarse pass says that the face is, what lies where. The
squares are those of `reggan_training.landmarks.part_networks`.

Places, sizes and rolls of faces have an axis for points, of one: each step is few operations, since
a model takes as long to open as it has operations, and pairs go through a network at once.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.dense_landmarks import MIRROR, SIDES, eye_rows
from reggan_training.landmarks.front_network import FrontNetwork
from reggan_training.landmarks.part_networks import (
    FACE_CENTRE,
    FACE_SIDE,
    FRONT,
    INPUT_PX,
    LAYOUT,
    LAYOUT_WEIGHTS,
    PART_SIDES,
    POINTS_OF,
    SINGLE_ROWS,
    PartNetwork,
    rows_around,
)
from reggan_training.tensor_shapes import Images

CROP_PX: Final = 384
_COARSE: Final = 4
"""Pixels of the crop in one that the face's network is given."""
_EYES: Final = (0.383, 0.617, 0.300)
"""Where the crop puts the eyes: x of the right one, of the left one, y; parts of its side."""
LABEL_PX: Final = 128
"""Side of the plane that says what lies where."""
Ways = tuple[float, ...]
"""Of looking at a picture: 1 as it is, -1 in a mirror."""
AS_IT_IS: Final[Ways] = (1.0,)
MIRRORED: Final[Ways] = (1.0, -1.0)
_SIDES: Final = {"eye": ("right", "left"), "brow": ("right", "left"), "mouth": ("middle",)}


class FacePlacements(NamedTuple):
    """Place, size and roll of faces in crops, as `network.FacePlacement`; parts of the crop's side.

    Attributes:
        origin: the middle between the eyes [batch, 1, 2].
        eye: an eye distance [batch, 1, 1].
        turn: cosine and sine of the roll [batch, 1, 2].
    """

    origin: Tensor
    eye: Tensor
    turn: Tensor


class Squares(NamedTuple):
    """Squares in crops, as `network.Square`; parts of the crop's side.

    Attributes:
        centre: [batch, 1, 2].
        side: [batch, 1, 1].
        turn: cosine and sine of the roll [batch, 1, 2].
    """

    centre: Tensor
    side: Tensor
    turn: Tensor

    def to_crop(self) -> Float[Tensor, "batch 3 2"]:
        """Return a step across a square, one down, and its middle, in parts of the crop's side."""
        across = self.turn * self.side
        return torch.cat([across, _quarter_turn(across), self.centre], 1)

    def from_crop(self) -> Float[Tensor, "batch 3 2"]:
        """Return a step across the crop, one down, and its corner, in parts of the square's side
        from its corner.
        """
        across = self.turn * torch.tensor([1.0, -1.0]) / self.side
        down = _quarter_turn(across)
        corner = 0.5 - self.centre[..., :1] * across - self.centre[..., 1:] * down
        return torch.cat([across, down, corner], 1)


class SeenFaces(NamedTuple):
    """What the second pass on the face saw.

    Attributes:
        square: where it looked.
        features: `PartNetwork.features` of that, the finer ones.
    """

    square: Squares
    features: Tensor


class LandmarkGraph(nn.Module):
    """All networks joined.

    Args:
        networks: by kind, in evaluation mode.
    """

    weight: Tensor
    layout: Tensor
    finest: Tensor

    def __init__(self, networks: Mapping[str, PartNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(dict(networks))
        weight = torch.tensor(LAYOUT_WEIGHTS / LAYOUT_WEIGHTS.sum(), dtype=torch.float32)
        self.register_buffer("weight", weight)
        self.register_buffer("layout", torch.tensor(LAYOUT, dtype=torch.float32))
        for kind in networks:
            self.register_buffer(f"cells_{kind}", _cells(INPUT_PX[kind]))
        self.register_buffer("finest", torch.tensor(_finest()))

    def seen(
        self, picture: Images, ways: Ways = AS_IT_IS
    ) -> tuple[Float[Tensor, "looks points 2"], Float[Tensor, "looks points 1"], SeenFaces]:
        """Look at whole faces.

        Args:
            picture: sRGB-encoded, [0, 1], the face where `CANONICAL_LANDMARKS` puts it.
            ways: of looking at it; in each of them all pictures of the batch, one after the other.

        Returns:
            Places and standard deviations in parts of the crop's side, and of what they come.
        """
        coarse = F.avg_pool2d(picture, _COARSE)
        square = self.face_squares(self._usual_placement(picture, len(ways)))
        ((first, _),), _ = self.look(coarse, "face", square, ways=ways)
        square = self.face_squares(self.placement(first))
        (found,), features = self.look(coarse, "face", square, ways=ways)
        return *found, SeenFaces(square, features)

    def finer(
        self,
        picture: Images,
        points: Float[Tensor, "looks points 2"],
        sigma: Float[Tensor, "looks points 1"],
        ways: Ways = AS_IT_IS,
    ) -> tuple[Float[Tensor, "looks points 2"], Float[Tensor, "looks points 1"]]:
        """Look at each part for its landmarks; those of no part stay as `seen` has them."""
        found = [(points, sigma)]
        placement = self.placement(points)
        for kind, sides in _SIDES.items():
            around = [points.index_select(1, _rows(rows_around(kind, side))) for side in sides]
            squares = (self.part_squares(one, placement, kind) for one in around)
            found += self.look(picture, kind, *squares, ways=ways)[0]
        places, deviations = (torch.cat(one, 1) for one in zip(*found, strict=True))
        return places.index_select(1, self.finest), deviations.index_select(1, self.finest)

    def placement(self, points: Float[Tensor, "batch points 2"]) -> FacePlacements:
        """Place, size and roll of faces from their landmarks, as `network.face_frame`."""
        eyes = [points.index_select(1, _rows(eye_rows(side))) for side in SIDES]
        others = points.index_select(1, _rows(SINGLE_ROWS))
        seen = torch.cat([*(eye.mean(1, keepdim=True) for eye in eyes), others], 1)
        weight = self.weight[None, :, None]
        start = (weight * self.layout).sum(1, keepdim=True)
        end = (weight * seen).sum(1, keepdim=True)
        a, b = self.layout - start, seen - end
        real = (weight * a * b).sum((1, 2), keepdim=True)
        turn = (weight * (b * _quarter_turn(a)).sum(2, keepdim=True)).sum((1, 2), keepdim=True)
        length = torch.sqrt(real**2 + turn**2 + 1e-12)
        size = length / (weight * a**2).sum((1, 2), keepdim=True)
        unit = torch.cat([real, turn], 2) / length
        return FacePlacements(end - size * _turned(start, unit), size, unit)

    @staticmethod
    def face_squares(face: FacePlacements) -> Squares:
        """Return the squares of whole faces, as `network.face_square`."""
        centre = face.origin + FACE_CENTRE[1] * face.eye * _quarter_turn(face.turn)
        return Squares(centre, FACE_SIDE * face.eye, face.turn)

    @staticmethod
    def part_squares(
        around: Float[Tensor, "batch points 2"], face: FacePlacements, kind: str
    ) -> Squares:
        """Return the squares of parts around landmarks, as `network.part_square`."""
        along = _turned_back(around - face.origin, face.turn)
        low, high = along.amin(1, keepdim=True), along.amax(1, keepdim=True)
        wide, tall, least, most = PART_SIDES[kind]
        sides = (high - low) / face.eye * torch.tensor([wide, tall])
        side = sides.amax(2, keepdim=True).clamp(least, most) * face.eye
        return Squares(face.origin + _turned((low + high) / 2, face.turn), side, face.turn)

    @staticmethod
    def _usual_placement(picture: Tensor, looks: int) -> FacePlacements:
        """Where crops put faces; of the picture's batch, whose size an exported graph asks for."""
        nought = torch.cat([picture[:, 0, :1, :1] * 0] * looks)
        right, left, height = _EYES
        origin = nought + torch.tensor([(right + left) / 2, height])
        return FacePlacements(origin, nought + (left - right), nought + torch.tensor([1.0, 0.0]))

    def look(
        self, picture: Tensor, kind: str, *squares: Squares, ways: Ways = AS_IT_IS
    ) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
        """Ask a network about squares: places and deviations in the crop of each, and features.

        A second square is that of the left part, and looked at in a mirror.
        """
        maps = torch.cat([one.to_crop() for one in squares])
        if len(squares) == 2:
            mirror = torch.tensor([[[[1.0], [1], [1]]], [[[-1], [1], [1]]]])
            maps = (maps.reshape(2, -1, 3, 2) * mirror).flatten(0, 1)
        network = cast(PartNetwork, self.networks[kind])
        cells = getattr(self, f"cells_{kind}")
        features = network.features(cut_squares(picture, maps, cells, ways * len(squares)))
        places, logarithms = network.places(*features)
        deviations = torch.exp(logarithms.clamp(-7, 0))[:, :, None]
        found = placed(maps, places), deviations * torch.cat([one.side for one in squares])
        each = [found] if len(squares) == 1 else [*zip(*map(_halves, found), strict=True)]
        return each, features[0]


class MirroredLandmarks(nn.Module):
    """A graph that looks at a crop and at its mirror image, and takes the mean.

    What noise of pixels does to landmarks is a fifth less so, in a still shot as in single frames.
    """

    mirror: Tensor

    def __init__(self, graph: nn.Module) -> None:
        super().__init__()
        self.graph = graph
        self.register_buffer("mirror", torch.tensor(MIRROR.tolist()))

    def seen(self, picture: Images) -> tuple[Tensor, Tensor, SeenFaces]:
        """Look at whole faces.

        Returns:
            `LandmarkGraph.seen` of both looks, but what the landmarks come of for the picture as it
            is alone.
        """
        points, sigma, (square, features) = cast(LandmarkGraph, self.graph).seen(picture, MIRRORED)
        ahead = Squares(*(_halves(one)[0] for one in square))
        return points, sigma, SeenFaces(ahead, _halves(features)[0])

    def forward(
        self,
        picture: Images,
        points: Float[Tensor, "twice points 2"],
        sigma: Float[Tensor, "twice points 1"],
    ) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"]]:
        """Return what `LandmarkGraph.finer` finds; the surer of two looks counts more.

        Args:
            picture: as for `seen`.
            points: places in both looks, of `seen`.
            sigma: their deviations.
        """
        points, sigma = cast(LandmarkGraph, self.graph).finer(picture, points, sigma, MIRRORED)
        own, other = _halves(points)
        other = other.index_select(1, self.mirror)
        other = other * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
        share, others = _halves(sigma**-2)
        others = others.index_select(1, self.mirror)
        whole = share + others
        return (share * own + others * other) / whole, (2 / whole).sqrt()[:, :, 0]


def _halves(batch: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first and the second half of a batch."""
    first, second = batch.reshape(2, -1, *batch.shape[1:]).unbind(0)
    return first, second


class FaceLandmarksAndFront(nn.Module):
    """All that is read in a crop: landmarks, and what lies where.

    Args:
        graph: of the landmarks.
        front: says what lies where, in evaluation mode.
    """

    cells_front: Tensor
    cells_label: Tensor

    def __init__(self, graph: LandmarkGraph, front: FrontNetwork) -> None:
        super().__init__()
        self.landmarks = MirroredLandmarks(graph)
        self.networks = nn.ModuleDict({FRONT: front})
        self.register_buffer("cells_front", _cells(INPUT_PX[FRONT]))
        self.register_buffer("cells_label", _cells(LABEL_PX, from_middle=False))

    def forward(
        self, picture: Images
    ) -> tuple[
        Float[Tensor, "batch points 2"],
        Float[Tensor, "batch points"],
        Float[Tensor, "batch shown cells cells"],
    ]:
        """Landmarks with their deviations, and the shares of `SHOWN` over the crop."""
        *coarse, seen = self.landmarks.seen(picture)
        return *self.landmarks(picture, *coarse), self.label(picture, seen)

    def label(self, picture: Images, seen: SeenFaces) -> Float[Tensor, "batch shown cells cells"]:
        """Return the shares of `SHOWN` over the crop, which need no part's landmarks."""
        square, features = seen
        cut = cut_squares(picture, square.to_crop(), self.cells_front)
        shown = self.networks[FRONT](cut, features).float()
        # several times as fast as `softmax` along an axis that is not the last
        shares = torch.exp(shown - shown.amax(1, keepdim=True))
        shares = shares / shares.sum(1, keepdim=True)
        return cut_squares(shares, square.from_crop(), self.cells_label)


def placed(
    maps: Float[Tensor, "_ 3 2"], places: Float[Tensor, "_ points 2"]
) -> Float[Tensor, "_ points 2"]:
    """Return places in the crop, of ones in parts of a square's side from its middle."""
    across, down, middle = maps.chunk(3, 1)
    return places[..., :1] * across + places[..., 1:] * down + middle


def cut_squares(
    picture: Float[Tensor, "batch channels height width"],
    maps: Float[Tensor, "squares 3 2"],
    cells: Float[Tensor, "3 1 px_px"],
    ways: Ways = AS_IT_IS,
) -> Float[Tensor, "squares channels px px"]:
    """Cut squares out of pictures, each of which is given to `grid_sample` once.

    Args:
        picture: that they lie in.
        maps: as `Squares.to_crop` says where; of each way in turn those of all pictures.
        cells: of what is cut out.
        ways: of looking at the picture.
    """
    px = math.isqrt(cells.shape[2])
    scale = torch.tensor([[2 * way, 2.0] for way in ways]).reshape(-1, 1, 1, 2, 1)
    middle = torch.tensor([0.0, 0.0, 0.5]).reshape(3, 1, 1)
    maps = (maps.reshape(len(ways), -1, 3, 2, 1) - middle) * scale
    # planes of x and of y have long rows, and are quicker to work on than pairs
    at = (maps * cells).sum(2).permute(1, 0, 3, 2).reshape(-1, len(ways) * px, px, 2)
    cut = F.grid_sample(picture, at, align_corners=False, padding_mode="border")
    if len(ways) > 1:
        cut = cut.reshape(-1, picture.shape[1], len(ways), px, px).permute(2, 0, 1, 3, 4)
        cut = cut.flatten(0, 1)
    return cut


def _cells(px: int, *, from_middle: bool = True) -> Float[Tensor, "3 1 px_px"]:
    """Return x, y and 1 of a square's cells, in parts of its side, from its middle or its corner.

    As files store them.
    """
    along = (torch.arange(px) + 0.5) / px - (0.5 if from_middle else 0.0)
    across, down = torch.meshgrid(along, along, indexing="xy")
    cells = torch.stack([across, down, torch.ones_like(down)])
    return cells.half().float().reshape(3, 1, -1)


def _rows(rows: Iterable[int] | np.ndarray) -> Tensor:
    return torch.tensor([int(row) for row in rows])


def _finest() -> list[int]:
    """For each landmark its finest answer, of all: the face's come first, then the parts'."""
    finest = list(range(len(MIRROR)))
    start = len(finest)
    for kind, sides in _SIDES.items():
        for side in sides:
            for place, row in enumerate(POINTS_OF[kind]):
                finest[int(MIRROR[row]) if side == "left" else row] = start + place
            start += len(POINTS_OF[kind])
    return finest


def _turned(places: Tensor, turn: Float[Tensor, "batch 1 2"]) -> Tensor:
    return places * turn[..., :1] + _quarter_turn(places) * turn[..., 1:]


def _turned_back(places: Tensor, turn: Float[Tensor, "batch 1 2"]) -> Tensor:
    return places * turn[..., :1] - _quarter_turn(places) * turn[..., 1:]


def _quarter_turn(places: Tensor) -> Tensor:
    """(x, y) to (-y, x)."""
    return places.flip(-1) * torch.tensor([-1.0, 1.0])
