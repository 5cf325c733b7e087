"""Real renderings. With more identities, by hand: REGGAN_AVATARS=20 pytest -m blender …"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ...shared_data import SHARED_DATA

ASSETS = SHARED_DATA / "makehuman"
pytestmark = [
    pytest.mark.blender,
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not ASSETS.is_dir(), reason="needs the CC0 head assets"),
]


def render(out: Path, *options: str) -> Path:
    pytest.importorskip("bpy")
    count = os.environ.get("REGGAN_AVATARS", "2")
    subprocess.run(
        [
            *(sys.executable, "-m", "reggan_plugin", "dataset", "avatars"),
            *("--assets", str(ASSETS), "--out", str(out), "--size", "64"),
            *("--identities", count, *options),
        ],
        check=True,
    )
    return out


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".worker.log")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_a_rerun_gives_the_same_bytes(tmp_path: Path) -> None:
    options = ("--glb",)
    first = contents(render(tmp_path / "first", *options))
    second = contents(render(tmp_path / "second", "--processes", "2", *options))
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert "skin_01000/head.glb" in first


def test_landmarks_lie_on_the_face_that_the_mask_shows(tmp_path: Path) -> None:
    out = render(tmp_path / "set", "--styles", "stone")
    for description in out.glob("*/identity.json"):
        for image in json.loads(description.read_text())["images"]:
            mask = np.asarray(Image.open(description.parent / image["mask"]))
            assert set(np.unique(mask)) == {0, 255}
            assert 0.05 < (mask > 0).mean() < 0.9
            for name in ("nose_tip", "mouth_center"):
                x, y = image["landmarks"][name]
                near = mask[max(0, int(y) - 4) : int(y) + 5, max(0, int(x) - 4) : int(x) + 5]
                assert near.max() == 255, (description, image["file"], name)
