"""The package on the page on extending, installed as it stands, serves the command line."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main

from ..sample_frames import small_frame
from .conftest import MadeHead

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
IMAGE, TAKE, MESH, NETWORK = (text for kind, text in BLOCKS if kind == "python")
(PROJECT,) = (tomllib.loads(text)["project"] for kind, text in BLOCKS if kind == "toml")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages that holds the page's one, as pip would have laid it down."""
    site = tmp_path / "site"
    info = site / "studio_formats-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "studio_formats.py").write_text("\n".join((IMAGE, TAKE, MESH)))
    (site / "studio_network.py").write_text(NETWORK)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: studio-formats\nVersion: 1.0\n")
    groups = PROJECT["entry-points"].items()
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
            for group, points in groups
        )
    )
    return site


def run(site: Path, *words: object) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join((str(site), *filter(None, sys.path)))
    command = [sys.executable, "-m", "reggan_plugin", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": paths}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_no_example_is_longer_than_twenty_lines() -> None:
    for text in (IMAGE, TAKE, MESH, NETWORK):
        assert len([line for line in text.splitlines() if line.strip()]) <= 20


def test_an_image_format_is_read_and_written(site: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    with Image.open(small_frame("avatar_png/avatar.1001.png", tmp_path / "a.png")) as picture:
        picture.convert("RGB").save(frames / "a.ppm")
    ran = run(site, "render", frames, "-e", "happy", "--out", tmp_path / "out")
    assert ran.returncode == 0, ran.stderr
    (made,) = (tmp_path / "out").rglob("*.ppm")
    assert made.read_bytes().startswith(b"P6")
    before, after = (np.asarray(Image.open(path)) for path in (frames / "a.ppm", made))
    assert before.shape == after.shape
    assert (before != after).any()


def test_a_take_is_shown(site: Path, tmp_path: Path) -> None:
    take = tmp_path / "take.jsonl"
    rows = [{"seconds": row / 24, "jawOpen": row / 10} for row in range(5)]
    take.write_text("\n".join(map(json.dumps, rows)))
    shown = run(site, "curves", take)
    assert shown.returncode == 0, shown.stderr
    assert "JSON lines" in shown.stdout
    assert "jawOpen" in shown.stdout


def test_a_mesh_is_looked_at(site: Path, tmp_path: Path, head: MadeHead) -> None:
    np.savez(tmp_path / "head.npz", positions=head.positions, faces=head.faces, uv=head.uv)
    Image.fromarray(head.picture).save(tmp_path / "head.png")
    words = ("texture", "--mesh", tmp_path / "head.npz", "-e", "happy", "--json")
    made = run(site, *words, "--out", tmp_path / "happy.png")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["material"] == "skin"
    assert (np.asarray(Image.open(tmp_path / "happy.png")) != head.picture).any()


def test_an_architecture_can_be_trained(site: Path) -> None:
    script = (
        "import torch\n"
        "from reggan_training.papers.networks.architectures import build_model\n"
        "from reggan_training.papers.networks.expression_model import ModelSettings\n"
        "model = build_model(ModelSettings(architecture='studio'))\n"
        "face, _ = model(torch.rand(2, 3, 256, 256), torch.rand(2, model.settings.expressions))\n"
        "print(type(model).__name__, tuple(face.shape))"
    )
    paths = os.pathsep.join((str(site), *filter(None, sys.path)))
    built = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert built.stdout == "Studio (2, 3, 256, 256)\n", built.stderr
    assert "studio" in run(site, "train", "--help").stdout


def test_a_package_that_does_not_load_is_named(site: Path, tmp_path: Path) -> None:
    (site / "studio_formats.py").write_text("import no_such_library\n")
    (tmp_path / "take.jsonl").write_text("{}")
    refused = run(site, "curves", tmp_path / "take.jsonl")
    assert refused.returncode == 1
    assert "studio-formats adds jsonl to the takes" in refused.stderr
    assert "no_such_library" in refused.stderr


def test_without_the_package_such_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 255 abc")
    assert main(["render", str(tmp_path / "a.ppm"), "-e", "happy"]) == 1
    assert "is of a kind that is not read" in capsys.readouterr().err
