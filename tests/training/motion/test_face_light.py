"""Light on a face that turns: read from the picture, and changed with the surface."""

import pytest
import torch

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.motion.byte_table import ByteTable
from reggan_training.motion.face_light import FaceLight
from reggan_training.motion.surface_reader import ReadSurface
from reggan_training.motion.surface_regression import SURFACE_CELLS
from reggan_training.pairs.truth import PixelKind
from reggan_training.srgb import encoded_from_linear

SMILE = ARKIT_SHAPES.index("mouthSmileLeft")
SIDE = 32


@pytest.fixture(scope="module")
def place() -> torch.Tensor:
    line = torch.linspace(-0.8, 0.8, SIDE)
    x, y = torch.meshgrid(line, -line - 0.5, indexing="xy")
    return torch.stack([x, y])[None]


@pytest.fixture(scope="module")
def surface(place: torch.Tensor) -> ReadSurface:
    kinds = torch.zeros(1, len(PixelKind), SIDE, SIDE)
    kinds[:, PixelKind.SKIN] = 20.0
    return ReadSurface(place, kinds, torch.zeros(1, 2, 3))


@pytest.fixture(scope="module")
def dome() -> FaceLight:
    """Normals lean to the side that a place is on; a smile turns them all further to the right."""
    cells = (torch.arange(SURFACE_CELLS) + 0.5) * (3.2 / SURFACE_CELLS) - 1.6
    x = cells.expand(SURFACE_CELLS, -1)
    change = torch.zeros(len(ARKIT_SHAPES), 4, SURFACE_CELLS, SURFACE_CELLS)
    change[SMILE, 0] = 0.2
    light = FaceLight()
    light.store(change, torch.stack([0.5 * x, 0 * x, 1 - 0.2 * x.abs()]))
    return light


def asked(weight: float) -> torch.Tensor:
    shapes = torch.zeros(1, len(ARKIT_SHAPES))
    shapes[0, SMILE] = weight
    return shapes


def lit_from(direction: float, place: torch.Tensor) -> torch.Tensor:
    """A dome of one grey under a light from the right (1) or the left (-1)."""
    light = 0.4 * (1 + direction * 0.5 * place[:, :1])
    return encoded_from_linear(light).expand(-1, 3, -1, -1)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_what_turns_to_the_light_gets_brighter(
    dome: FaceLight, surface: ReadSurface, place: torch.Tensor, direction: float
) -> None:
    gain = dome(lit_from(direction, place), surface, place, asked(1.0))
    # 20 % more of 1 + x where x is 0, less what the ridge holds back
    assert 0.08 < direction * float(gain[0, 0, :, SIDE // 2].mean()) < 0.22


def test_even_light_and_no_change_give_no_gain(
    dome: FaceLight, surface: ReadSurface, place: torch.Tensor
) -> None:
    flat = torch.full((1, 3, SIDE, SIDE), 0.5)
    assert dome(flat, surface, place, asked(1.0)).abs().max() < 1e-3
    assert dome(lit_from(1.0, place), surface, place, asked(0.0)).abs().max() == 0


def test_hollows_are_darker(surface: ReadSurface, place: torch.Tensor) -> None:
    change = torch.zeros(len(ARKIT_SHAPES), 4, SURFACE_CELLS, SURFACE_CELLS)
    change[SMILE, 3] = 0.3
    light = FaceLight()
    light.store(change, torch.zeros(3, SURFACE_CELLS, SURFACE_CELLS))
    gain = light(torch.full((1, 3, SIDE, SIDE), 0.5), surface, place, asked(1.0))
    assert -0.25 < float(gain.mean()) < -0.15


def test_a_byte_table_keeps_what_each_shape_does() -> None:
    random = torch.Generator().manual_seed(2)
    values = torch.randn(len(ARKIT_SHAPES), 3, 8, 8, generator=random)
    values *= torch.logspace(-3, 1, len(ARKIT_SHAPES))[:, None, None, None]
    table = ByteTable(3, 8)
    table.store(values)
    for shape in (0, 20, 50):
        kept = table(torch.eye(len(ARKIT_SHAPES))[shape : shape + 1])[0]
        assert (kept - values[shape]).abs().max() < 0.005 * values[shape].abs().max()
