"""All networks as one graph: its squares are the runtime's; a mirrored eye is seen mirrored."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reggan_plugin.rig.dense_landmarks import MIRROR, rows_of
from reggan_training.landmarks.front_network import SHOWN, FrontNetwork
from reggan_training.landmarks.part_networks import (
    FACE_FEATURES,
    POINTS_OF,
    FacePlacement,
    PartNetwork,
    Square,
    face_frame,
    face_square,
    part_square,
    rows_around,
)
from reggan_training.landmarks.whole_network import (
    AS_IT_IS,
    LABEL_PX,
    MIRRORED,
    FaceLandmarksAndFront,
    LandmarkGraph,
    MirroredLandmarks,
    SeenFaces,
    Squares,
    Ways,
    cut_squares,
    placed,
)

from .test_squares import mean_face


@pytest.fixture(scope="module")
def graph() -> LandmarkGraph:
    torch.manual_seed(2)
    return LandmarkGraph({kind: PartNetwork(kind).eval() for kind in POINTS_OF}).eval()


def faces() -> np.ndarray:
    """Faces of other sizes, rolls and shapes, in parts of a crop's side."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(20):
        roll, size = random.uniform(-1, 1), random.uniform(0.1, 0.4)
        turn = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
        points = mean_face() + random.normal(0, 0.08, mean_face().shape)
        found.append(size * points @ turn.T + random.uniform(0.2, 0.8, 2))
    return np.array(found)


def assert_alike(ours: Squares, theirs: list[Square]) -> None:
    expected = [
        (*one.centre, one.side_px, math.cos(one.roll), math.sin(one.roll)) for one in theirs
    ]
    np.testing.assert_allclose(torch.cat(list(ours), 2)[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "side"), [("eye", "right"), ("eye", "left"), ("brow", "left"), ("mouth", "middle")]
)
def test_the_graph_s_squares_are_those_of_the_runtime(
    graph: LandmarkGraph, kind: str, side: str
) -> None:
    points = faces()
    frames: list[FacePlacement] = [face_frame(one) for one in points]
    placement = graph.placement(torch.from_numpy(points).float())
    np.testing.assert_allclose(placement.origin[:, 0], [one.origin for one in frames], atol=1e-5)
    np.testing.assert_allclose(placement.eye[:, 0, 0], [one.eye_px for one in frames], atol=1e-5)
    assert_alike(graph.face_squares(placement), [face_square(one) for one in frames])
    around = torch.from_numpy(points[:, rows_around(kind, side)]).float()
    name = kind if kind == "mouth" else f"{kind}_{side}"
    expected = [part_square(name, *both) for both in zip(points, frames, strict=True)]
    assert_alike(graph.part_squares(around, placement, kind), expected)


def test_a_square_s_maps_lead_to_the_crop_and_back() -> None:
    random = torch.Generator().manual_seed(1)
    roll = torch.rand(3, 1, 1, generator=random)
    square = Squares(
        torch.rand(3, 1, 2, generator=random),
        torch.rand(3, 1, 1, generator=random) + 0.1,
        torch.cat([torch.cos(roll), torch.sin(roll)], 2),
    )
    places = torch.rand(3, 7, 2, generator=random)
    there = placed(square.to_crop(), places - 0.5)
    np.testing.assert_allclose(placed(square.from_crop(), there), places, atol=1e-5)
    right = (square.centre + square.turn * square.side / 2)[:, 0]
    middle = torch.tensor([[[0.5, 0.0]]]).expand(3, 1, 2)
    np.testing.assert_allclose(placed(square.to_crop(), middle)[:, 0], right, atol=1e-6)


@pytest.mark.parametrize("ways", [AS_IT_IS, MIRRORED])
def test_squares_are_cut_out_of_their_own_picture_in_each_way(
    graph: LandmarkGraph, ways: Ways
) -> None:
    """As if each look had a picture of its own."""
    random = torch.Generator().manual_seed(7)
    pictures = torch.rand(2, 3, 40, 40, generator=random)
    looks = torch.cat([pictures if way > 0 else pictures.flip(3) for way in ways])
    roll = torch.rand(len(looks), 1, 1, generator=random)
    square = Squares(
        0.3 + 0.4 * torch.rand(len(looks), 1, 2, generator=random),
        0.2 + 0.3 * torch.rand(len(looks), 1, 1, generator=random),
        torch.cat([torch.cos(roll), torch.sin(roll)], 2),
    )
    along = (torch.arange(64) + 0.5) / 64 - 0.5
    cells = torch.stack(torch.meshgrid(along, along, indexing="xy"), -1).reshape(1, -1, 2)
    at = placed(square.to_crop(), cells).reshape(-1, 64, 64, 2) * 2 - 1
    expected = F.grid_sample(looks, at, align_corners=False, padding_mode="border")
    found = cut_squares(pictures, square.to_crop(), graph.cells_eye, ways)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_a_mirrored_eye_gives_mirrored_landmarks(graph: LandmarkGraph) -> None:
    """The left eye is looked at in a mirror by the same weights as the right one."""
    picture = torch.rand(1, 3, 384, 384, generator=torch.Generator().manual_seed(3))
    right = Squares(*(torch.tensor([[one]]) for one in ([0.4, 0.3], [0.2], [0.8, 0.6])))
    mirror, beyond = torch.tensor([-1.0, 1.0]), torch.tensor([1.0, 0.0])
    left = Squares(right.centre * mirror + beyond, right.side, -right.turn * mirror)
    with torch.no_grad():
        ((places, sigma), _), _ = graph.look(picture, "eye", right, right)
        (_, (others, deviations)), _ = graph.look(picture.flip(3), "eye", left, left)
    np.testing.assert_allclose(others, places * mirror + beyond, atol=1e-4)
    np.testing.assert_allclose(deviations, sigma, rtol=1e-3)


def test_every_landmark_of_a_part_comes_from_the_part_s_own_network(graph: LandmarkGraph) -> None:
    """Crops of grey: their squares are the same whichever network is changed."""
    picture = torch.full((1, 3, 384, 384), 0.5)
    with torch.no_grad():
        coarse = graph.seen(picture)[:2]
        before = graph.finer(picture, *coarse)[1]
        bias = graph.networks["brow"].sigma[-1].bias
        bias += 0.5
        after = graph.finer(picture, *coarse)[1]
        bias -= 0.5
    changed = np.flatnonzero(~np.isclose(before[0, :, 0], after[0, :, 0], rtol=1e-3)).tolist()
    assert changed == [*rows_of("brow", "right"), *rows_of("brow", "left")]


class Lopsided(torch.nn.Module):
    """Stand-in for a graph that answers with pixels of the picture's left."""

    def seen(self, picture: torch.Tensor, ways: Ways) -> tuple[torch.Tensor, ...]:
        picture = torch.cat([picture if way > 0 else picture.flip(3) for way in ways])
        sigma = 0.1 + picture[:, 1, : len(MIRROR), :1]
        one = picture[:, 0, :1]
        seen = SeenFaces(Squares(one[..., :2], one[..., :1], one[..., 2:4]), picture[:, :, :4, :4])
        return picture[:, 0, : len(MIRROR), :2], sigma, seen

    def finer(
        self, _: torch.Tensor, points: torch.Tensor, sigma: torch.Tensor, ways: Ways
    ) -> tuple[torch.Tensor, ...]:
        """Nothing is finer."""
        assert len(points) % len(ways) == 0
        return points, sigma


def test_a_mirrored_picture_gives_mirrored_landmarks() -> None:
    twice = MirroredLandmarks(Lopsided())
    picture = torch.rand(2, 3, 384, 384, generator=torch.Generator().manual_seed(3))
    *found, seen = twice.seen(picture)
    places, sigma = twice(picture, *found)
    mirrored = picture.flip(3)
    others, deviations = twice(mirrored, *twice.seen(mirrored)[:2])
    torch.testing.assert_close(seen.features, picture[:, :, :4, :4])  # of the picture as it is
    mirror = MIRROR.tolist()
    back = torch.stack([1 - others[:, mirror, 0], others[:, mirror, 1]], -1)
    torch.testing.assert_close(back, places)
    torch.testing.assert_close(deviations[:, mirror], sigma)


class ShowsRed(FrontNetwork):
    """Stand-in for the network of what lies in front: red is spectacles, the rest the head."""

    def forward(self, picture: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        assert features.shape[2:] == (32, 32)
        red = 50 * (picture[:, :1] - 0.5)
        return torch.cat([-50 + 0 * red, -red, -50 + 0 * red, red], 1)


def test_what_lies_in_front_is_told_where_the_crop_shows_it(graph: LandmarkGraph) -> None:
    """Where a face was seen that is rolled a little."""
    reading = FaceLandmarksAndFront(graph, ShowsRed())
    c, s = math.cos(0.2), math.sin(0.2)
    places = 0.234 * mean_face() @ np.array([[c, -s], [s, c]]).T + [0.5, 0.3]
    square = graph.face_squares(graph.placement(torch.from_numpy(places).float()[None]))
    picture = torch.zeros(1, 3, 384, 384)
    picture[:, 0, 120:180, 150:240] = 1
    with torch.no_grad():
        label = reading.label(picture, SeenFaces(square, torch.zeros(1, FACE_FEATURES, 32, 32)))
    assert label.shape == (1, len(SHOWN), LABEL_PX, LABEL_PX)
    red = picture[0, 0].reshape(LABEL_PX, 3, LABEL_PX, 3).mean((1, 3)) > 0.5
    torch.testing.assert_close(label.sum(1), torch.ones(1, LABEL_PX, LABEL_PX))
    found = label[0, SHOWN.index("spectacles")] > 0.5
    assert (found == red).float().mean() > 0.99
    assert found[red].float().mean() > 0.9
