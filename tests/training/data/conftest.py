"""Made-up sets in every layout."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float
from PIL import Image

from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data import sets
from reggan_training.data.identity_and_split import (
    CANONICAL_LANDMARKS,
    Identity,
    IdentityView,
    identity_from_views,
)

SIDE = 128
EYES_AND_NOSE = {0: (1.0, 0.0, 0.0), 1: (0.0, 1.0, 0.0), 2: (0.0, 0.0, 1.0)}
"""Landmark → the colour of the square that is painted there."""


class MarkLocator:
    """Stands in for the built-in one: finds coloured squares on eyes and nose, or no face."""

    def locate(self, image: Float[np.ndarray, "height width 3"]) -> list[FaceLandmarks]:
        points = CANONICAL_LANDMARKS * image.shape[0]
        for row, colour in EYES_AND_NOSE.items():
            y, x = np.nonzero(np.abs(image - np.array(colour)).max(axis=2) < 0.35)
            if len(x) == 0:
                return []
            points[row] = x.mean() + 0.5, y.mean() + 0.5
        return [FaceLandmarks(points)]


def paint_face(path: Path, shift_px: tuple[int, int] = (0, 0), side: int = SIDE) -> None:
    """A grey picture with squares on eyes and nose, all moved by `shift_px` (x, y)."""
    picture = np.full((side, side, 3), 0.5)
    for row, colour in EYES_AND_NOSE.items():
        x, y = (CANONICAL_LANDMARKS[row] * side).astype(int) + shift_px
        picture[y - 4 : y + 5, x - 4 : x + 5] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = (picture * 255).astype(np.uint8)
    Image.fromarray(levels).save(path, quality=100, subsampling=0)


def paint_blank(path: Path) -> None:
    """A picture without a face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (SIDE, SIDE), (128, 128, 128)).save(path)


def named_landmarks(side: int) -> dict[str, list[float]]:
    """Canonical points of a picture of this side, with the one that is not ours."""
    points = dict(zip(LANDMARK_NAMES, (CANONICAL_LANDMARKS * side).tolist(), strict=True))
    return {**points, "mouth_center": [side / 2, side * 0.615]}


VIEWS = (
    ("neutral", 1.0, 0.0, 0.0),
    *((name, 1.0, 0.0, 0.0) for name in EXPRESSION_NAMES[1:]),
    *((name, 0.3 + 0.05 * i, 0.0, 0.0) for i, name in enumerate(EXPRESSION_NAMES[1:])),
    ("happy", 0.4, 0.9, 0.0),
    ("neutral", 1.0, 0.0, 0.7),
)
"""(expression, intensity, eye closure, mouth open) of the renderer's fifteen pictures."""


def make_rendered(root: Path, names: list[str], side: int = SIDE) -> Path:
    """A set as the renderer writes it; the grey of picture v is 16 (v + 1)."""
    for name in names:
        images = []
        for view, (expression, intensity, closure, mouth) in enumerate(VIEWS):
            file = f"{expression}_{round(100 * intensity):03d}_{view}.jpg"
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (side, side), (16 * (view + 1),) * 3).save(
                root / name / file, quality=95
            )
            Image.new("L", (side, side), 255).save(root / name / f"{file}_mask.png")
            images.append(
                {
                    "file": file,
                    "mask": f"{file}_mask.png",
                    "expression": expression,
                    "intensity": intensity,
                    "eye_closure": closure,
                    "mouth_open": mouth,
                    "yaw_deg": 12.5,
                    "pitch_deg": -3.0,
                    "landmarks": named_landmarks(side),
                }
            )
        record = {
            "schema": 1,
            "name": name,
            "style": name.partition("_")[0],
            "parameters": {"age": 0.5},
            "images": images[::-1],
        }
        (root / name / "identity.json").write_text(json.dumps(record))
    manifest = {"schema": 1, "settings": {}, "software": {}, "identities": names}
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ["skin_01001", "skin_01002", "skin_01008", "skin_01010", "stone_01001"]
    return make_rendered(tmp_path_factory.mktemp("rendered"), names)


@pytest.fixture
def locator(monkeypatch: pytest.MonkeyPatch) -> MarkLocator:
    found = MarkLocator()
    monkeypatch.setattr(sets, "default_locator", lambda: found)
    return found


@pytest.fixture
def painter() -> Callable[..., None]:
    return paint_face


def identity_of(*states: tuple[str, float, bool], name: str = "skin_00001") -> Identity:
    """One flat picture for every (expression, intensity, is plain)."""
    views = [
        IdentityView(
            expression=EXPRESSION_NAMES.index(expression),
            intensity=intensity,
            is_plain=is_plain,
            image=np.full((64, 64, 3), 10 * number, dtype=np.uint8),
            landmarks=CANONICAL_LANDMARKS * 64,
        )
        for number, (expression, intensity, is_plain) in enumerate(states)
    ]
    return identity_from_views(name, "skin", views)


@pytest.fixture
def make_identity() -> Callable[..., Identity]:
    return identity_of


@pytest.fixture
def make_set() -> Callable[..., Path]:
    return make_rendered


@pytest.fixture
def blank_painter() -> Callable[[Path], None]:
    return paint_blank
