"""What several rooms' tests share. Importing it has array shapes checked.

The rooms in which arrays are handled are imported through jaxtyping's hook: where a signature
says `Float[np.ndarray, "height width 3"]`, another shape or type fails the test. The first calls of
each function in each test are checked; a render makes thousands, which took a quarter of its time.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.errors import RegganError
from reggan_plugin.kernels import library

from .array_shapes import check_shapes_in, forget_calls

if TYPE_CHECKING:
    from selenium import webdriver

try:
    library.call("compiled_from")
except RegganError:  # the sources in C have changed, by a merge as well
    subprocess.run([sys.executable, Path(__file__).parents[1] / "hatch_build.py"], check=True)

_CHECKED_ROOMS = [
    "reggan_plugin.benchmark.pipeline_timing",
    "reggan_plugin.imaging",
    "reggan_plugin.change",
    "reggan_plugin.transfer",
    "reggan_plugin.faces",
    "reggan_plugin.rig",
    "reggan_plugin.files",
    "reggan_plugin.textures",
    "reggan_plugin.ui.live_face",
    "reggan_plugin.ui.open_frame",
    "reggan_training.avatars",
    "reggan_training.papers.learnt_filters_and_masks",
    "reggan_training.data",
    "reggan_training.heads",
    "reggan_training.papers.held_out_curve",
    "reggan_training.landmarks",
    "reggan_training.locator",
    "reggan_training.papers.losses",
    "reggan_training.metrics",
    "reggan_training.papers.networks",
    "reggan_training.rig",
    "reggan_training.papers.ridge_regression",
    "reggan_training.papers.study",
]
check_shapes_in(_CHECKED_ROOMS)

from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import CANONICAL_LANDMARKS

from .forked_children import fork_children
from .held_models import hold_shipped_models

hold_shipped_models()
fork_children()

TINY_AVATARS = (
    *("photo_00001", "photo_00002", "photo_00003"),  # trained on
    *("photo_00008", "photo_00018", "photo_00028"),  # chosen by
    *("photo_00009", "photo_00010", "stone_00001"),  # tested on
)


NOT_IN_THE_GATE = {
    "tensorrt": "downloads 150 MB of NVIDIA's packages",
    "comfyui": "needs a ComfyUI, which REGGAN_COMFYUI names",
    "long": "shows again, at length, what others show in short",
}
"""Markers of tests that run only when they are asked for, and why."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for; files with slow tests, then with a browser, come first.

    So neither of the gate's processes is left alone with one.
    """
    for marker, reason in NOT_IN_THE_GATE.items():
        if marker not in config.option.markexpr:
            skip = pytest.mark.skip(reason=f"{reason}; run: python -m pytest -m {marker}")
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(skip)
    marked = {
        marker: {item.path for item in items if item.get_closest_marker(marker)}
        for marker in ("slow", "browser")
    }
    items.sort(key=lambda item: [item.path not in files for files in marked.values()])


def pytest_sessionstart() -> None:
    """Collect no garbage while modules are loaded, nor what they hold afterwards."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Collect garbage of tests alone."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Let go of what was kept, so that no library says that it leaked."""
    gc.unfreeze()


def pytest_runtest_setup() -> None:
    """Check the shapes of the next calls again."""
    forget_calls()


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


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def chromium(
    downloads: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[webdriver.Chrome]":
    """Chromium without a window."""
    from .chromium import open_chromium

    driver = open_chromium(tmp_path_factory.mktemp("profile"), downloads)
    if driver is None:
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: "webdriver.Chrome") -> "webdriver.Chrome":
    """Chromium before an empty page; what pages of earlier tests said of it is forgotten."""
    chromium.get("about:blank")
    chromium.get_log("browser")  # type: ignore[no-untyped-call]
    return chromium
