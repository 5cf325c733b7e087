"""The pages of the documentation, what stands on them, and a folder in which their commands run."""

import json
import re
import shutil
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..curves import conftest as formats
from ..rig.own_head import add_teeth, write_head
from ..sample_frames import SAMPLES, small_frame
from ..textures.conftest import make_head, sample_face, write_glb, write_obj
from ..training.heads.glb_face import GlbWriter

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def blocks_of(page: Path, language: str) -> list[str]:
    """The page's blocks of a language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands_of(page: Path) -> list[str]:
    """The page's `reggan-plugin` commands, without that word."""
    shell = "\n".join(blocks_of(page, "sh"))
    return re.findall(r"^reggan-plugin (.+?)(?:\s+#.*)?$", shell, re.MULTILINE)


FRAME_SIZE = (800, 480)
"""Width and height of the shot's frames: a part of the sample's, in which its face keeps its place,
at half the time."""
_POINTS = {
    "left_eye": [366, 170],
    "right_eye": [289, 167],
    "nose_tip": [335, 228],
    "mouth_left": [356, 257],
    "mouth_right": [298, 258],
    "chin": [324, 299],
}
"""Of the face in `frame.png`."""


@pytest.fixture
def working_folder(
    folder_of_the_pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder in which every path of the pages' commands exists."""
    shutil.copytree(folder_of_the_pages, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def folder_of_the_pages(tiny_avatars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `working_folder` is a copy of."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "shot").mkdir()
    for number in (1001, 1003):
        name = f"avatar.{number}"
        _write_part(SAMPLES / "avatar_png" / f"{name}.png", folder / "shot" / f"{name}.png")
        _add_passes(SAMPLES / "avatar_exr" / f"{name}.exr", folder / f"shot.{number}.exr")
    for name in ("frame.png", "toon.png"):
        small_frame("toon/toon.1001.png", folder / name)
    _write_pair(folder / "pair.png")
    Image.new("L", FRAME_SIZE, 255).save(folder / "roto.png")
    for pictures in ("pictures", "mine"):
        shutil.copytree(tiny_avatars, folder / pictures)
    (folder / "smile.csv").write_text("1001,happy,0\n1024,happy,0.8\n")
    formats.live_link(folder / "take.csv")
    (folder / "moods.txt").write_text(blocks_of(ROOT / "docs/games.md", "text")[0])
    (folder / "points.json").write_text(json.dumps({"*": _POINTS}))
    (folder / "studio.toml").write_text(blocks_of(ROOT / "docs/expressions.md", "toml")[0])
    (folder / "studio").mkdir()
    settings = blocks_of(ROOT / "docs/settings.md", "toml")[0]
    (folder / "studio/show.toml").write_text(settings)
    (folder / "ComfyUI/custom_nodes").mkdir(parents=True)
    _write_clip(folder / "clip.mp4")
    _add_characters(folder)
    return folder


def _write_part(source: Path, path: Path) -> None:
    """The upper left part of a frame."""
    with Image.open(source) as image:
        image.crop((0, 0, *FRAME_SIZE)).save(path)


def _add_passes(source: Path, path: Path) -> None:
    """The upper left part of a frame, with the passes that the pages name."""
    file = OpenEXR.File(str(source), separate_channels=True)
    width, height = FRAME_SIZE
    channels = {
        name: channel.pixels[:height, :width].copy() for name, channel in file.channels().items()
    }
    header = {"compression": file.header()["compression"]}
    flat = np.full_like(channels["R"], 0.5, dtype=np.float16)
    names = [f"{name}.{part}" for name in ("normal", "albedo", "beard") for part in "RGB"]
    names += ["Z", *(f"crypto_object00.{part}" for part in "RGBA")]
    OpenEXR.File(header, channels | dict.fromkeys(names, flat)).write(str(path))


def _write_pair(path: Path) -> None:
    """A picture of two faces."""
    with Image.open(SAMPLES / "avatar_png/avatar.1001.png") as one:
        left = one.convert("RGB").reduce(2)
    with Image.open(SAMPLES / "toon/toon.1001.png") as one:
        right = one.convert("RGB").resize((left.width * 3 // 4, left.height * 3 // 4))
    both = Image.new("RGB", (2 * left.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    both.save(path)


def _write_clip(path: Path) -> None:
    """Three frames of the sample avatar."""
    with av.open(str(path), "w") as clip, Image.open(SAMPLES / "avatar_png/avatar.1001.png") as one:
        stream = clip.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = one.width // 2, one.height // 2, "yuv420p"
        frame = av.VideoFrame.from_image(one.convert("RGB").resize((stream.width, stream.height)))
        for _ in range(3):
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))


def _add_characters(folder: Path) -> None:
    """Heads and maps of the names that the pages use."""
    head = make_head(sample_face(ExpressionTransfer()))
    base = folder / "base_color.png"
    Image.fromarray(head.picture).save(base)
    write_glb(folder / "head.glb", head, image=base.read_bytes())
    write_obj(folder / "body.obj", head)
    shutil.copy(base, folder / "face.1001.png")
    Image.open(folder / "frame.png").save(folder / "unfolded.png")
    write_head(folder / "hero.glb", teeth=True)
    denture = GlbWriter()
    add_teeth(denture, lambda own: own)
    denture.write(folder / "denture.glb")
    (folder / "cast").mkdir()
    shutil.copy(folder / "head.glb", folder / "cast")
