"""Heads of the real families where they are there, and a tiny pool where they are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.rig.dense_landmarks import COUNT
from reggan_training.commands.options import families_from_paths
from reggan_training.landmarks.drawn_accessories import SIDE_PX
from reggan_training.landmarks.picture_pool import kept_parts
from reggan_training.landmarks.pictures import HeadPicture
from reggan_training.landmarks.points_on_mesh import SHARES, HeadSource

from ...shared_data import SHARED_DATA
from .test_squares import mean_face

HEADS = SHARED_DATA / "heads"


@pytest.fixture(scope="session")
def heads() -> HeadSource:
    """Heads for training of the three families."""
    if not (HEADS / "valid").is_dir():
        pytest.skip(f"no heads below {SHARED_DATA}")
    families = families_from_paths(
        HEADS / "ict/ict_face_model_light.npz",
        SHARED_DATA / "makehuman",
        HEADS / "faceunits01",
        HEADS / "valid",
        (),
    )
    return HeadSource({family.name: family for family in families}, SHARES, 5, held_out=False)


@pytest.fixture(scope="session")
def tiny_pools(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Writes pools of eight coloured pictures with landmarks into the folder of a run."""
    rows = [kept_parts(_picture(number)) for number in range(8)]
    arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    source = tmp_path_factory.mktemp("pool") / "shard.npz"
    np.savez(source, allow_pickle=False, **arrays)

    def write(run: Path) -> None:
        for name in ("pool", "pool_test"):
            (run / name).mkdir(parents=True)
            (run / name / "0-00000.npz").write_bytes(source.read_bytes())

    return write


def _picture(number: int) -> HeadPicture:
    """A square of one colour around each landmark, somewhere in grey."""
    random = np.random.default_rng(number)
    points = mean_face() * 100 + [SIDE_PX / 2, 130] + random.normal(0, 3, (1, 2))
    pixels = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    for row, (x, y) in enumerate(points.astype(int)):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = (255 * row // COUNT, 255 - row, row)
    shares = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    shares[:40, :, 0] = 255
    at = slice(150 + number, 156 + number)
    pixels[at], shares[at, :, 2] = (200, 0, 0), 255
    return HeadPicture(pixels=pixels, points=points, shares=shares)
