"""The whole landmark network as one graph: a crop in, all landmarks with their certainty out.

A coarse pass on the face, twice, so that the second begins where the first ended; then each eye,
each brow and the mouth on squares of their own, cut out of the same crop inside the graph. Left
parts are looked at in a mirror. In the end, where the landmarks say that the face is, what lies
where. The squares are those of `reggan_training.landmarks.network`.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.dense_landmarks import MIRROR, eye_rows, rows_of
from reggan_training.landmarks.front_network import FrontNetwork
from reggan_training.landmarks.network import (
    FACE_CENTRE,
    FACE_SIDE,
    FRONT,
    INPUT_PX,
    LAYOUT,
    LAYOUT_WEIGHTS,
    PART_SIDES,
    POINTS_OF,
    PartNetwork,
)
from reggan_training.tensor_shapes import Images

CROP_PX: Final = 384
_COARSE: Final = 4
"""Pixels of the crop in one that the face's network is given."""
_EYES: Final = (0.383, 0.617, 0.300)
"""Where the crop puts the eyes: x of the right one, of the left one, y; parts of its side."""
LABEL_PX: Final = 128
"""Side of the plane that says what lies where."""
_PARTS: Final = (
    ("eye", "right"),
    ("eye", "left"),
    ("brow", "right"),
    ("brow", "left"),
    ("mouth", "middle"),
)


class FacePlacements(NamedTuple):
    """Place, size and roll of faces in crops, as `crops.FacePlacement`; parts of the crop's side.

    Attributes:
        origin: the middle between the eyes [batch, 2].
        eye: an eye distance [batch].
        turn: cosine and sine of the roll [batch, 2].
    """

    origin: Tensor
    eye: Tensor
    turn: Tensor


class Squares(NamedTuple):
    """Squares in crops, as `crops.Square`; parts of the crop's side.

    Attributes:
        centre: [batch, 2].
        side: [batch, 1].
        turn: cosine and sine of the roll [batch, 2].
    """

    centre: Tensor
    side: Tensor
    turn: Tensor

    def placed(self, places: Float[Tensor, "_ points 2"]) -> Float[Tensor, "_ points 2"]:
        """Places in the crop, of ones in parts of the square's side from its middle."""
        turned = _turned(places, self.turn)
        return turned * self.side[:, :, None] + self.centre[:, None]

    def within(self, places: Float[Tensor, "_ points 2"]) -> Float[Tensor, "_ points 2"]:
        """Places in parts of the square's side from its middle, of ones in the crop."""
        return _turned_back((places - self.centre[:, None]) / self.side[:, :, None], self.turn)


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
            self.register_buffer(f"grid_{kind}", _cell_centres(INPUT_PX[kind]) - 0.5)
        self.register_buffer("finest", torch.tensor(_finest()))

    def forward(
        self, picture: Images
    ) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"], SeenFaces]:
        """Landmarks of crops.

        Args:
            picture: sRGB-encoded, [0, 1], the face where `CANONICAL_LANDMARKS` puts it.

        Returns:
            Places and standard deviations in parts of the crop's side, and of what they come.
        """
        coarse = F.avg_pool2d(picture, _COARSE)
        square = self.face_squares(self._usual_placement(picture))
        first, *_ = self._look(coarse, square, "face")
        square = self.face_squares(self.placement(first))
        points, sigma, features = self._look(coarse, square, "face")
        places, deviations = [points], [sigma]
        placement = self.placement(points)
        for kind, side in _PARTS:
            own_square = self.part_squares(points[:, rows_around(kind, side)], placement, kind)
            is_mirrored = side == "left"
            own, sigma, _ = self._look(picture, own_square, kind, is_mirrored=is_mirrored)
            places.append(own)
            deviations.append(sigma)
        finest, seen = self.finest, SeenFaces(square, features)
        return torch.cat(places, 1)[:, finest], torch.cat(deviations, 1)[:, finest], seen

    def placement(self, points: Float[Tensor, "batch points 2"]) -> FacePlacements:
        """Place, size and roll of faces from their landmarks, as `crops.face_frame`."""
        lips = rows_of("lip_outer_upper")
        seen = torch.stack(
            [
                points[:, rows_around("eye", "right")].mean(1),
                points[:, rows_around("eye", "left")].mean(1),
                points[:, int(rows_of("nose")[0])],
                points[:, int(lips[0])],
                points[:, int(lips[-1])],
                points[:, int(rows_of("jaw")[7])],
            ],
            1,
        )
        weight = self.weight[None, :, None]
        start, end = (weight * self.layout).sum(1), (weight * seen).sum(1)
        a, b = self.layout - start[:, None], seen - end[:, None]
        real = (weight * a * b).sum((1, 2))
        turn = (weight[..., 0] * (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])).sum(1)
        length = torch.sqrt(real**2 + turn**2 + 1e-12)
        size = length / (weight * a**2).sum((1, 2))
        unit = torch.stack([real / length, turn / length], -1)
        moved = _turned(start[:, None], unit)[:, 0]
        return FacePlacements(end - size[:, None] * moved, size, unit)

    @staticmethod
    def face_squares(face: FacePlacements) -> Squares:
        """Return the squares of whole faces, as `crops.face_square`."""
        down = torch.stack([-face.turn[:, 1], face.turn[:, 0]], -1)
        centre = face.origin + FACE_CENTRE[1] * face.eye[:, None] * down
        return Squares(centre, FACE_SIDE * face.eye[:, None], face.turn)

    @staticmethod
    def part_squares(
        around: Float[Tensor, "batch points 2"], face: FacePlacements, kind: str
    ) -> Squares:
        """Return the squares of parts around landmarks, as `crops.part_square`."""
        along = _turned_back(around - face.origin[:, None], face.turn)
        low, high = along.amin(1), along.amax(1)
        wide, tall, least, most = PART_SIDES[kind]
        size = (high - low) / face.eye[:, None]
        side = torch.maximum(size[:, 0] * wide, size[:, 1] * tall).clamp(least, most) * face.eye
        middle = _turned((low + high)[:, None] / 2, face.turn)[:, 0]
        return Squares(face.origin + middle, side[:, None], face.turn)

    @staticmethod
    def _usual_placement(picture: Tensor) -> FacePlacements:
        """Where crops put faces; of the picture's batch, whose size an exported graph asks for."""
        nought = picture[:, 0, 0, 0] * 0
        right, left, height = _EYES
        origin = torch.stack([nought + (right + left) / 2, nought + height], -1)
        return FacePlacements(
            origin, nought + (left - right), torch.stack([nought + 1, nought], -1)
        )

    def _look(
        self, picture: Tensor, square: Squares, kind: str, *, is_mirrored: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Ask a network about squares: places and deviations in the crop, and features."""
        grid = _mirrored(getattr(self, f"grid_{kind}"), is_mirrored=is_mirrored)
        network = cast(PartNetwork, self.networks[kind])
        features = network.features(cut_squares(picture, square, grid))
        places, sigma = network.places(*features)
        places = square.placed(_mirrored(places, is_mirrored=is_mirrored))
        return places, torch.exp(sigma.clamp(-7, 0)) * square.side, features[0]


class MirroredLandmarks(nn.Module):
    """A graph that looks at a crop and at its mirror image, and takes the mean.

    What noise of pixels does to landmarks is a fifth less so, in a still shot as in single frames.
    """

    mirror: Tensor

    def __init__(self, graph: nn.Module) -> None:
        super().__init__()
        self.graph = graph
        self.register_buffer("mirror", torch.tensor(MIRROR.tolist()))

    def forward(self, picture: Images) -> tuple[Tensor, Tensor, SeenFaces]:
        """See `LandmarkGraph.forward`; the surer of two looks at a landmark counts more."""
        points, sigma, (square, features) = self.graph(torch.cat([picture, picture.flip(3)]))
        own, other = points.reshape(2, -1, *points.shape[1:]).unbind(0)
        other = other[:, self.mirror]
        other = torch.stack([1 - other[..., 0], other[..., 1]], -1)
        certainty = sigma.reshape(2, -1, *sigma.shape[1:]) ** -2
        share, others = certainty[0], certainty[1][:, self.mirror]
        whole = share + others
        places = (share[..., None] * own + others[..., None] * other) / whole[..., None]
        ahead = Squares(*(_first_half(one) for one in square))
        return places, (2 / whole).sqrt(), SeenFaces(ahead, _first_half(features))


def _first_half(batch: Tensor) -> Tensor:
    return batch.reshape(2, -1, *batch.shape[1:])[0]


class FaceLandmarksAndFront(nn.Module):
    """All that is read in a crop: landmarks, and what lies where.

    Args:
        graph: of the landmarks.
        front: says what lies where, in evaluation mode.
    """

    grid_front: Tensor
    label_grid: Tensor

    def __init__(self, graph: LandmarkGraph, front: FrontNetwork) -> None:
        super().__init__()
        self.landmarks = MirroredLandmarks(graph)
        self.networks = nn.ModuleDict({FRONT: front})
        self.register_buffer("grid_front", _cell_centres(INPUT_PX[FRONT]) - 0.5)
        self.register_buffer("label_grid", _cell_centres(LABEL_PX))

    def forward(
        self, picture: Images
    ) -> tuple[
        Float[Tensor, "batch points 2"],
        Float[Tensor, "batch points"],
        Float[Tensor, "batch shown cells cells"],
    ]:
        """Landmarks with their deviations, and the shares of `SHOWN` over the crop."""
        places, sigma, (square, features) = self.landmarks(picture)
        shown = self.networks[FRONT](cut_squares(picture, square, self.grid_front), features)
        at = square.within(self.label_grid).reshape(-1, LABEL_PX, LABEL_PX, 2) * 2
        shares = torch.softmax(shown.float(), 1)
        return places, sigma, F.grid_sample(shares, at, align_corners=False, padding_mode="border")


def cut_squares(
    picture: Images, square: Squares, grid: Float[Tensor, "1 cells 2"]
) -> Float[Tensor, "batch 3 px px"]:
    """Cut squares out of crops, with a pixel at each place of a grid."""
    px = math.isqrt(grid.shape[1])
    at = square.placed(grid).reshape(-1, px, px, 2) * 2 - 1
    return F.grid_sample(picture, at, align_corners=False, padding_mode="border")


def rows_around(kind: str, side: str) -> list[int]:
    """Landmarks whose box a part's square lies about."""
    if kind == "mouth":
        rows = [*rows_of("lip_outer_upper"), *rows_of("lip_outer_lower")]
    else:
        rows = [*(eye_rows(side) if kind == "eye" else rows_of("brow", side))]
    return [int(row) for row in rows]


def _finest() -> list[int]:
    """For each landmark its finest answer, of all: the face's come first, then the parts'."""
    finest = list(range(len(MIRROR)))
    start = len(finest)
    for kind, side in _PARTS:
        for place, row in enumerate(POINTS_OF[kind]):
            finest[int(MIRROR[row]) if side == "left" else row] = start + place
        start += len(POINTS_OF[kind])
    return finest


def _cell_centres(side: int) -> Float[Tensor, "1 cells 2"]:
    at = (torch.arange(side) + 0.5) / side
    return torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).reshape(1, -1, 2)


def _mirrored(places: Tensor, *, is_mirrored: bool) -> Tensor:
    if not is_mirrored:
        return places
    return torch.stack([-places[..., 0], places[..., 1]], -1)


def _turned(places: Tensor, turn: Float[Tensor, "batch 2"]) -> Tensor:
    x, y = places[..., 0], places[..., 1]
    c, s = turn[:, :1], turn[:, 1:]
    return torch.stack([c * x - s * y, s * x + c * y], -1)


def _turned_back(places: Tensor, turn: Float[Tensor, "batch 2"]) -> Tensor:
    x, y = places[..., 0], places[..., 1]
    c, s = turn[:, :1], turn[:, 1:]
    return torch.stack([c * x + s * y, -s * x + c * y], -1)
