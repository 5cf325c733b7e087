"""A made-up head whose true motion is a formula, so that every fault can be made on purpose.

It raises its brows and drops its jaw: teeth and tongue appear where the source shows lips. The
skin is a formula too, so that the moved picture is exact and no interpolation blurs the truth.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reggan_training.data.identity_and_split import CANONICAL_LANDMARKS
from reggan_training.heads.head import Part
from reggan_training.metrics.motion.measures import TrueFace

SIDE, EYES = 128, 0.26
TEETH, TONGUE, TEAL = (0.86, 0.80, 0.68), (0.62, 0.28, 0.28), (0.35, 0.75, 0.75)
Picture = np.ndarray


def grid() -> np.ndarray:
    axis = (np.arange(SIDE) + 0.5) / SIDE
    return np.stack(np.meshgrid(axis, axis))


def bump(x: np.ndarray, y: np.ndarray, at: tuple[float, float], size: float) -> np.ndarray:
    return np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * size**2))


def skin(x: np.ndarray, y: np.ndarray) -> Picture:
    """The source's colours at (x, y): mottled skin with dark brows and red lips."""
    random = np.random.default_rng(3)
    mottling = np.zeros_like(x)
    for _ in range(24):
        length = random.uniform(4, 24) / SIDE
        angle, phase = random.uniform(0, 2 * np.pi, 2)
        way = np.cos(angle) * x + np.sin(angle) * y
        mottling += np.sin(2 * np.pi * way / length + phase) / 24
    colour = np.array([0.72, 0.54, 0.44])[:, None, None] * (1 + 0.5 * mottling)
    for side in (0.37, 0.63):
        brow = np.clip(4 * bump(x, 4 * (y - 0.20), (side, 0.0), 0.055), 0, 1)
        colour = colour * (1 - 0.7 * brow)
    lips = np.clip(3 * bump(x, 4 * (y - 0.615), (0.5, 0.0), 0.06), 0, 1)
    return colour + lips * np.array([-0.05, -0.28, -0.22])[:, None, None]


def true_motion(share: float = 1.0) -> np.ndarray:
    """Backward motion of the whole expression, or of a share of it."""
    x, y = grid()
    raised = sum(bump(x, y, (side, 0.20), 0.07) for side in (0.37, 0.63))
    ramp = np.clip((y - 0.60) / 0.10, 0, 1)
    jaw = ramp * ramp * (3 - 2 * ramp) * np.exp(-((np.abs(x - 0.5) / 0.16) ** 4))
    fades = np.clip((1 - y) / 0.15, 0, 1)
    return (share * np.stack([0 * x, 0.030 * raised - 0.058 * jaw * fades])).astype(np.float32)


def make_face(share: float = 1.0) -> TrueFace:
    x, y = grid()
    head = np.hypot(x - 0.5, (y - 0.5) * 0.9) < 0.46
    motion = true_motion(share) * head
    hole = head & (((x - 0.5) / 0.085) ** 2 + ((y - 0.645) / (0.03 * share + 1e-9)) ** 2 < 1)
    teeth = hole & (y < 0.645)
    parts = np.full((SIDE, SIDE), Part.SKIN, dtype=np.uint8)
    parts[hole], parts[teeth] = Part.TONGUE, Part.TEETH
    scenery = 0.2 * np.ones((3, SIDE, SIDE))
    source = np.where(head, skin(x, y), scenery)
    target = np.where(head, skin(x + motion[0], y + motion[1]), scenery)
    shade = 1 + 0.1 * np.sin(x[None] * SIDE / 3)
    for where, colour in ((hole, TONGUE), (teeth, TEETH)):
        target = np.where(where, np.array(colour)[:, None, None] * shade, target)
    opened = CANONICAL_LANDMARKS + share * np.array([[0, 0]] * 5 + [[0, 0.05]])
    return TrueFace(
        source=source.astype(np.float32),
        target=target.clip(0, 1).astype(np.float32),
        motion=motion,
        is_visible=~hole,
        is_head=head,
        parts=parts,
        eye_distance=EYES,
        source_landmarks=CANONICAL_LANDMARKS,
        target_landmarks=opened,
    )


@pytest.fixture(scope="session")
def made_family() -> object:
    """A family of one made-up head of triangles; see `made_head`."""
    spec = importlib.util.spec_from_file_location(
        "made_head", Path(__file__).with_name("made_head.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["made_head"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module.MadeFamily()


@pytest.fixture(scope="session")
def face() -> TrueFace:
    return make_face()


@pytest.fixture(scope="session")
def half_face() -> TrueFace:
    return make_face(0.5)


@pytest.fixture
def blurred() -> Callable[[Picture], Picture]:
    """Blur a picture as a regression does."""

    def blur(picture: Picture) -> Picture:
        taps = torch.tensor([1, 4, 6, 4, 1], dtype=torch.float32) / 16
        image = F.pad(torch.from_numpy(picture)[:, None], [2, 2, 2, 2], mode="replicate")
        image = F.conv2d(image, taps[None, None, None])
        return F.conv2d(image, taps[None, None, :, None])[:, 0].numpy()

    return blur


@pytest.fixture
def warped() -> Callable[[Picture, np.ndarray], Picture]:
    """Fetch a picture's pixels along a backward motion, bicubic."""

    def warp(picture: Picture, motion: np.ndarray) -> Picture:
        where = torch.from_numpy((2 * (grid() + motion) - 1).astype(np.float32)).permute(1, 2, 0)
        image = torch.from_numpy(picture)[None]
        moved = F.grid_sample(
            image, where[None], mode="bicubic", padding_mode="border", align_corners=False
        )
        return moved[0].numpy()

    return warp


@pytest.fixture
def folded() -> np.ndarray:
    """The true motion with spirals on the forehead, as an unsupervised flow makes them."""
    x, y = grid()
    near = bump(x, y, (0.5, 0.25), 0.06)
    spiral = np.stack([np.sin(60 * y), np.cos(60 * x)]) * near * 0.09
    return (true_motion() + spiral).astype(np.float32)


@pytest.fixture
def half_moved(face: TrueFace) -> Picture:
    """The expression done halfway, with the true mouth."""
    x, y = grid()
    motion = face.motion / 2
    picture = np.where(face.is_head, skin(x + motion[0], y + motion[1]), face.source)
    return np.where(face.is_uncovered, face.target, picture).astype(np.float32)
