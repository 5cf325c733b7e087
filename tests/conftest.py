"""What several rooms' tests share."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_training.data.avatar_set import CANONICAL_LANDMARKS

TINY_AVATARS = (
    *("photo_00001", "photo_00002", "photo_00003"),  # trained on
    *("photo_00008", "photo_00018", "photo_00028"),  # chosen by
    *("photo_00009", "photo_00010", "stone_00001"),  # tested on
)


@pytest.fixture(scope="session")
def tiny_avatars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up heads: a disc on a gradient whose mouth bar differs by expression."""
    root = tmp_path_factory.mktemp("avatars")
    y, x = np.mgrid[:128, :128] / 128
    points = dict(zip(LANDMARK_NAMES, (CANONICAL_LANDMARKS * 110 + 9).tolist(), strict=True))
    for index, expression in enumerate(EXPRESSION_NAMES):
        (root / expression).mkdir()
        for number, name in enumerate(TINY_AVATARS):
            tint = np.random.default_rng(number).random(3) * 0.4
            picture = np.stack([x, y, 1 - x], axis=2) * 0.3 + tint
            picture[np.hypot(x - 0.5, y - 0.5) < 0.4] += 0.2
            picture[74 + 2 * index : 78 + 2 * index, 50:78] = 0.05
            levels = (picture.clip(0, 1) * 255).astype(np.uint8)
            Image.fromarray(levels).save(root / expression / f"{name}.jpg", quality=95)
    sheet = {name: dict.fromkeys(EXPRESSION_NAMES, points) for name in TINY_AVATARS}
    (root / "landmarks.json").write_text(json.dumps(sheet))
    return root
