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

from ..forked_children import run_command
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
    return run_command([*map(str, words)], env=os.environ | {"PYTHONPATH": paths})


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


BROKEN = """
import sys
import numpy as np
from dataclasses import replace
from types import SimpleNamespace
from reggan_plugin.curves.take import Columns
from reggan_plugin.files.image_format import Frame, ImageFormat, begins_with
from reggan_plugin.textures.character import Character, Material, MeshPart

class Odd:
    def __getattr__(self, name):
        raise KeyError(name)

def __getattr__(name):
    sys.exit(0)

def leave(*_):
    sys.exit(0)

ODD, NUMBER = Odd(), 5
LEAVES = ImageFormat(
    name="LEAVES", suffixes=(".ppm",), recognises=begins_with(b"P6"), media_type="image/x",
    decode=leave, stamp=leave,
)
NOTHING = replace(LEAVES, decode=lambda content, wanted: None)

class Stored:
    def encode(self, before, after):
        sys.exit(0)

def unwritten(content, wanted):
    return Frame(pixels=np.zeros((64, 64, 3), np.float32), original=Stored())

UNWRITTEN = replace(LEAVES, decode=unwritten)

class Kept:
    def encode(self, before, after):
        return b"P6 1 1 255\\n123"

def kept(content, wanted):
    return Frame(pixels=np.zeros((64, 64, 3), np.float32), original=Kept())

SPOILT = replace(LEAVES, decode=kept, stamp=lambda content, text: b"x")
none = lambda *_: None
table = lambda *_: {"jawOpen": [0, 1]}
numbers = lambda *_: Columns(kind=1, names=[1, 2], times_s="abc", values=None)
divides = lambda *_: 1 / 0
part = lambda path: Character(path=path, parts=(None,))
text = lambda path: Character(path=path, parts=(MeshPart(
    name="a", material=Material(name="a"), positions="abc", faces=[1], uv=None),))
sound = dict(name="a", material=Material(name="a"), positions=np.eye(3),
             faces=np.array([[0, 1, 2]]), uv=np.eye(3)[:, :2])
listed = lambda path: Character(path=path, parts=[MeshPart(**sound)])
named = lambda path: Character(path="a", parts=(MeshPart(**{**sound, "name": 7}),))
coloured = lambda path: Character(path=path, parts=(
    MeshPart(**{**sound, "material": Material(name="a", colour=None)}),))
boned = lambda path: Character(path=path, parts=(MeshPart(**sound, node=np.eye(3)),))
parents = lambda path: Character(path=path, parts=(MeshPart(**sound),), node_parents=[1])
facing = lambda path: Character(path=path, parts=(MeshPart(**sound),), fronts=(("up", "down"),))
morphed = lambda path: Character(path=path, parts=(MeshPart(**sound, morphs=(1,)),))
complex_ = lambda *_: Columns(kind="a", names=["jawOpen"], times_s=np.arange(2.0),
                              values=np.array([[1j], [0.5]]))
"""


def broken(site: Path, group: str, suffix: str, attribute: str) -> None:
    """Let the package add one thing, which is broken."""
    (site / "studio_formats.py").write_text(BROKEN)
    line = f"[reggan_plugin.{group}]\n{suffix} = studio_formats:{attribute}\n"
    (site / "studio_formats-1.0.dist-info" / "entry_points.txt").write_text(line)


@pytest.mark.parametrize(
    "attribute", ["gone", "ODD", "NUMBER", "LEAVES", "NOTHING", "UNWRITTEN", "SPOILT"]
)
def test_a_broken_image_format_fails_its_own_frame(
    site: Path, tmp_path: Path, attribute: str
) -> None:
    broken(site, "image_formats", "ppm", attribute)
    (tmp_path / "frames").mkdir()
    for name in ("a.0001.png", "c.0003.png"):
        small_frame("avatar_png/avatar.1001.png", tmp_path / "frames" / name, 4)
    with Image.open(tmp_path / "frames" / "a.0001.png") as picture:
        picture.convert("RGB").save(tmp_path / "frames" / "b.0002.ppm")
    box = ("--face-box", "0,0,60,60", "--jobs", "1", "--out", tmp_path / "out")
    ran = run(site, "render", tmp_path / "frames", "-e", "happy", *box)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "studio-formats adds ppm to the image formats" in ran.stderr
    made = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file())
    assert made == ["a.0001.png", "c.0003.png"], ran.stderr
    record = json.loads((tmp_path / "out" / ".reggan" / "b.0002.ppm.json").read_text())
    assert record["outcome"] == "failed"


def test_a_package_that_does_not_load_takes_no_other_format_with_it(
    site: Path, tmp_path: Path
) -> None:
    point = "0bad = studio_gone:FORMAT\n"
    entries = site / "studio_formats-1.0.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text().replace("image_formats]\n", f"image_formats]\n{point}"))
    with Image.open(small_frame("avatar_png/avatar.1001.png", tmp_path / "a.png")) as picture:
        picture.convert("RGB").save(tmp_path / "a.ppm")
    words = ("-e", "happy", "--face-box", "0,0,250,250", "--out", tmp_path / "out.ppm")
    ran = run(site, "render", tmp_path / "a.ppm", *words)
    assert ran.returncode == 0, ran.stderr
    (tmp_path / "b.0bad").write_bytes(b"of the other")
    ran = run(site, "render", tmp_path / "b.0bad", "-e", "happy", "--face-box", "0,0,9,9")
    assert "studio-formats adds 0bad to the image formats" in ran.stderr


@pytest.mark.parametrize(
    "attribute", ["leave", "none", "table", "numbers", "complex_", "divides", "gone"]
)
def test_a_broken_reader_of_takes_is_named(site: Path, tmp_path: Path, attribute: str) -> None:
    broken(site, "takes", "jsonl", attribute)
    (tmp_path / "take.jsonl").write_text("{}")
    refused = run(site, "curves", tmp_path / "take.jsonl")
    assert refused.returncode == 1
    assert "studio-formats adds jsonl to the takes" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "attribute",
    [
        *("leave", "none", "part", "text", "divides"),
        *("listed", "named", "coloured", "boned", "parents", "facing", "morphed"),
    ],
)
def test_a_broken_reader_of_meshes_is_named(site: Path, tmp_path: Path, attribute: str) -> None:
    broken(site, "meshes", "npz", attribute)
    (tmp_path / "head.npz").write_bytes(b"x")
    words = ("--mesh", tmp_path / "head.npz", "-e", "happy", "--out", tmp_path / "out.png")
    refused = run(site, "texture", *words)
    assert refused.returncode == 1
    assert "studio-formats adds npz to the meshes" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_without_the_package_such_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 255 abc")
    assert main(["render", str(tmp_path / "a.ppm"), "-e", "happy"]) == 1
    assert "is of a kind that is not read" in capsys.readouterr().err
