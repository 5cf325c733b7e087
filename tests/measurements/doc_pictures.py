"""Draw the pictures of the documentation from the samples that ship.

    python -m tests.measurements.doc_pictures docs/pictures
    python -m tests.measurements.doc_pictures docs/pictures tracks layers

Names draw these pictures alone. `report` needs Chromium.
"""

import argparse
import base64
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFont

import reggan_plugin
from reggan_plugin.cli import main as run_command
from reggan_plugin.errors import RegganError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.models.model_card import find_model
from reggan_plugin.rig.dense_landmarks import GROUPS
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.template_fit import fit, template
from reggan_plugin.textures.character import Character
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.framing import closer, turned
from reggan_plugin.textures.views.ray_traced_view import Stage
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS, ExpressionMix
from tests.chromium import open_chromium
from tests.measurements import doc_diagrams

SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
AVATAR, STATUE, TOON = (
    SAMPLES / name
    for name in ("avatar_png/avatar.1001.png", "statue/statue.1001.png", "toon/toon.1001.png")
)
HEAD = SAMPLES / "head.glb"
BACKDROP, INK, PAPER, MARK = (64, 66, 74), (235, 235, 235), (32, 32, 34), (255, 170, 40)
SIDE_PX, GAP_PX, LABEL_PX, QUALITY = 240, 6, 26, 84
SIX = [one.name for one in BASIC_EXPRESSIONS[1:]]
BLEND = (0.0, 0.1, 0.3, 0.55, 0.8, 0.95, 1.0)
"""Intensities of a blend of 0.3 s, slow at its ends."""
BLEND_MS, HOLD_MS, MOVING_SIDE_PX = 50, 900, 300


@dataclass(frozen=True)
class Face:
    """A sample and the square of it that pictures show."""

    path: Path
    wide: float = 1.0
    """1 is the face alone."""

    @property
    def picture(self) -> Image.Image:
        """The whole frame, with alpha."""
        return Image.open(self.path).convert("RGBA")

    def shown(self, picture: Image.Image, side_px: int = SIDE_PX) -> Image.Image:
        """The square of a frame or of what became of it, before the backdrop."""
        wide = Image.new("RGB", (3 * picture.width, 3 * picture.height), BACKDROP)
        wide.paste(on_backdrop(picture), picture.size)
        x, y = picture.size
        left, top, right, bottom = self.box
        cut = wide.crop((left + x, top + y, right + x, bottom + y))
        return cut.resize((side_px, side_px), Image.LANCZOS)

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        (crop,) = transfer().find_faces(read_frame(self.path), FaceChoice())
        middle = crop.place(np.array([[0.5, 0.46]]) * crop.side_px)[0]
        half = 0.38 * self.wide * crop.side_px * crop.scale
        low, high = middle - half, middle + half
        return (*low.round().astype(int).tolist(), *high.round().astype(int).tolist())


@cache
def transfer() -> ExpressionTransfer:
    """The default model."""
    return ExpressionTransfer(device="cpu")


def faces() -> tuple[Face, ...]:
    """The samples as a row of faces."""
    return Face(AVATAR), Face(STATUE), Face(TOON)


def on_backdrop(picture: Image.Image) -> Image.Image:
    """A picture before the pages' grey."""
    rgba = picture.convert("RGBA")
    behind = Image.new("RGBA", rgba.size, (*BACKDROP, 255))
    return Image.alpha_composite(behind, rgba).convert("RGB")


def table(rows: Sequence[Sequence[Image.Image]], labels: Sequence[str] = ()) -> Image.Image:
    """Pictures in rows and columns, a label below each column."""
    widths = [max(row[i].width for row in rows) for i in range(len(rows[0]))]
    heights = [max(one.height for one in row) for row in rows]
    below = LABEL_PX if labels else 0
    size = (
        sum(widths) + GAP_PX * (len(widths) - 1),
        sum(heights) + GAP_PX * (len(heights) - 1) + below,
    )
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    y = 0
    for row, height in zip(rows, heights, strict=True):
        x = 0
        for one, width in zip(row, widths, strict=True):
            sheet.paste(one, (x, y))
            x += width + GAP_PX
        y += height + GAP_PX
    x = 0
    for label, width in zip(labels, widths, strict=False):
        draw.text((x + width / 2, size[1] - below / 2), label, INK, font, anchor="mm")
        x += width + GAP_PX
    return sheet


def labelled(picture: Image.Image, label: str, colour: tuple[int, int, int] = INK) -> Image.Image:
    """A picture with a word in its corner."""
    drawn = picture.copy()
    font = ImageFont.load_default(15)
    ImageDraw.Draw(drawn).text(
        (8, 6), label, colour, font, stroke_width=2, stroke_fill=(20, 20, 20)
    )
    return drawn


def boxed(picture: Image.Image, box: Sequence[float]) -> Image.Image:
    """A picture with a frame drawn on it."""
    drawn = picture.copy()
    ImageDraw.Draw(drawn).rectangle(tuple(box), outline=MARK, width=max(2, picture.width // 160))
    return drawn


def reduced(picture: Image.Image, width: int) -> Image.Image:
    """A picture of this width."""
    return picture.resize((width, round(picture.height * width / picture.width)), Image.LANCZOS)


def run(*words: str) -> None:
    """Run a command of ours in this folder."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as said,
    ):
        code = run_command(list(words))
    if code:
        raise RuntimeError(f"reggan-plugin {' '.join(words)}: {said.getvalue()}")


@contextlib.contextmanager
def in_scratch() -> Iterator[Path]:
    """A folder with the samples under the names of the pages."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(SAMPLES / "avatar_png", folder / "shot")
        shutil.copytree(SAMPLES / "avatar_exr", folder / "exr")
        shutil.copy(AVATAR, folder / "frame.png")
        shutil.copy(HEAD, folder / "head.glb")
        pair().save(folder / "pair.png")
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def pair() -> Image.Image:
    """A picture of two faces, the second one smaller."""
    left, right = (on_backdrop(Image.open(path)) for path in (AVATAR, TOON))
    both = Image.new("RGB", (1280, 480), BACKDROP)
    both.paste(left.crop((240, 40, 1040, 720)).resize((565, 480)), (40, 0))
    both.paste(right.crop((300, 0, 980, 720)).resize((378, 400)), (780, 80))
    return both


def asked(picture: Image.Image, expression: object, **options: object) -> Image.Image:
    """What becomes of a picture."""
    return transfer().apply(picture, expression, **options)  # type: ignore[call-overload,no-any-return]


def change() -> list[Image.Image]:
    """Frames of the moving picture: all samples change at once, and back, four times."""
    parts = []
    for face in faces():
        left, top, right, bottom = face.box
        margin = (right - left) // 2
        near = face.picture.crop((left - margin, top - margin, right + margin, bottom + margin))
        parts.append((near, (margin, margin, near.width - margin, near.height - margin)))
    frames = []
    for name in ("happy", "surprised", "sad", "angry"):
        rise = [_moved(parts, name, intensity) for intensity in BLEND]
        frames += [*rise, *rise[-2:0:-1]]
    return frames


def _moved(
    parts: Sequence[tuple[Image.Image, tuple[int, int, int, int]]], name: str, intensity: float
) -> Image.Image:
    """One frame of the moving picture: each part with an expression, cut to its box."""
    side, tiles = (MOVING_SIDE_PX, MOVING_SIDE_PX), []
    for near, box in parts:
        done = asked(near, name, intensity=intensity) if intensity else near
        tiles.append(on_backdrop(done).crop(box).resize(side, Image.LANCZOS))
    return table([tiles])


def before_after() -> Image.Image:
    """Each sample with every basic expression, as a gallery."""
    rows = []
    for face in faces():
        pictures = [face.picture, *(asked(face.picture, name) for name in SIX)]
        rows.append([face.shown(one, 150) for one in pictures])
    return table(rows, ["before", *SIX])


def stays() -> Image.Image:
    """What changed between a frame and its result: nothing beside the face."""
    face = Face(AVATAR)
    after = asked(face.picture, "happy")
    old, new = (np.asarray(on_backdrop(one), np.int16) for one in (face.picture, after))
    difference = np.clip(np.abs(new - old) * 4, 0, 255).astype(np.uint8)
    pictures = [on_backdrop(face.picture), on_backdrop(after), Image.fromarray(difference)]
    return table(
        [[reduced(one, 330) for one in pictures]], ["before", "after", "difference, 4 times"]
    )


def region() -> Image.Image:
    """Parts of the face: whole, upper and lower, each with its mask."""
    face, shown, masks = Face(AVATAR), [], []
    with in_scratch():
        for part in ("all", "upper", "lower"):
            run(
                *("render", "frame.png", "-e", "surprised", "--region", part, "--out"),
                *(f"{part}.png", "--layers-out", part, "--exr-layers", "mask"),
            )
            shown.append(face.shown(Image.open(f"{part}.png")))
            (mask,) = Path(part, "mask_png").glob("*.png")
            masks.append(face.shown(_grey(mask)))
    return table(
        [[face.shown(face.picture), *shown], [Image.new("RGB", (SIDE_PX, SIDE_PX)), *masks]],
        ["before", "--region all", "--region upper", "--region lower"],
    )


def _grey(path: Path) -> Image.Image:
    """A picture of 16 bits as one of 8."""
    levels = read_frame(path).pixels
    return Image.fromarray((np.clip(levels, 0, 1) * 255).round().astype(np.uint8))


def tracks() -> Image.Image:
    """Frames with their tracks drawn on, as `track --preview` writes them."""
    with in_scratch():
        run("track", "shot/", "--out", "tracks.json", "--preview", "drawn/")
        drawn = [Image.open(f"drawn/avatar.{number}.jpg") for number in (1001, 1003, 1006)]
        return table([[reduced(one, 330) for one in drawn]])


def layers() -> Image.Image:
    """The change as layers beside the source and the result."""
    face = Face(AVATAR)
    with in_scratch():
        layers = "stmap,gain,paint,mask"
        run(
            *("render", "frame.png", "-e", "happy", "--out", "after.png"),
            *("--layers-out", "layers", "--exr-layers", layers),
        )
        shown = [face.shown(face.picture, 180)]
        for name in ("stmap", "gain", "paint"):
            (path,) = Path("layers", name).glob("*.exr")
            shown.append(face.shown(_layer(name, path), 180))
        shown.append(face.shown(Image.open("after.png"), 180))
    return table([shown], ["source", "stmap", "gain", "paint", "result"])


def _layer(name: str, path: Path) -> Image.Image:
    frame = read_frame(path)
    values = np.nan_to_num(frame.pixels)
    if name == "stmap":
        height, width = values.shape[:2]
        u, v = (np.arange(width) + 0.5) / width, 1 - (np.arange(height) + 0.5) / height
        off = np.stack(
            [values[..., 0] - u, values[..., 1] - v[:, None], np.zeros((height, width))], 2
        )
        values = 0.5 + 14 * off
    elif name == "gain":
        values = 0.5 * values
    elif frame.alpha is not None:
        values = values * np.nan_to_num(frame.alpha)[..., None]
        values = np.where(values > 0, values, 0) ** (1 / 2.2)
    return Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))


def exr() -> Image.Image:
    """A scene-linear frame as stored, and as the model sees it, before and after."""
    face = Face(AVATAR)
    with in_scratch():
        run("render", "exr/avatar.1001.exr", "-e", "happy", "--out", "after.exr")
        shown = []
        for path, stops in (
            ("exr/avatar.1001.exr", None),
            ("exr/avatar.1001.exr", 0),
            ("after.exr", 0),
        ):
            frame = read_frame(Path(path))
            pixels = np.nan_to_num(frame.pixels)
            levels = pixels if stops is None else np.clip(pixels, 0, 1) ** (1 / 2.2)
            alpha = np.ones(pixels.shape[:2]) if frame.alpha is None else np.nan_to_num(frame.alpha)
            rgba = np.concatenate([levels, alpha[..., None]], 2)
            picture = Image.fromarray((np.clip(rgba, 0, 1) * 255).astype(np.uint8))
            shown.append(face.shown(picture, 270))
    return table([shown], ["numbers in the file", "on a display", "after"])


def video() -> Image.Image:
    """Frames of a clip over which an expression grows."""
    rows: list[list[Image.Image]] = [[], []]
    for number, intensity in zip(
        (1001, 1002, 1004, 1005, 1006), (0, 0.25, 0.5, 0.75, 1.0), strict=True
    ):
        face = Face(SAMPLES / f"avatar_png/avatar.{number}.png", wide=1.3)
        rows[0].append(face.shown(face.picture, 190))
        rows[1].append(face.shown(asked(face.picture, "happy", intensity=intensity), 190))
    return table(rows)


def intensity() -> Image.Image:
    """One expression from none to more than all of it."""
    steps = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
    face = Face(TOON)
    shown = [face.shown(asked(face.picture, "happy", intensity=one), 170) for one in steps]
    return table([shown], [f"{one:g}" for one in steps])


def presets() -> Image.Image:
    """The presets of the page, on a face."""
    face = Face(AVATAR)
    half = {"mouthSmileLeft": 0.6, "AU6L": 0.4, "surprised": 0.2}
    mixes = [half, ExpressionMix({"noseSneerLeft": 0.4, "noseSneerRight": 0.4}, adds=True)]
    shown = [
        face.shown(one) for one in (face.picture, *(asked(face.picture, mix) for mix in mixes))
    ]
    return table([shown], ["before", "half smile", "twitch"])


def expressions() -> Image.Image:
    """Twelve named expressions beyond the six."""
    names = ("smirk", "laughing", "contempt", "wink left", "kiss", "puffed cheeks", "awed", "tired")
    names += ("crying", "snarl", "pout", "happily surprised")
    face = Face(AVATAR)
    pictures = [labelled(face.shown(asked(face.picture, name), 168), name) for name in names]
    return table([pictures[:6], pictures[6:]])


def gallery() -> Image.Image:
    """Every named expression on the toon, as `sheet --all` draws it."""
    with in_scratch():
        shutil.copy(TOON, "toon.png")
        run("sheet", "toon.png", "--all", "--out", "all.png")
        return reduced(Image.open("all.png").convert("RGB"), 1000)


def textures() -> Image.Image:
    """The head that ships: its map before and after, and the head that wears it."""
    names = ("happy", "angry")
    with in_scratch() as folder:
        face = PreparedFace(Path("head.glb"), Look(), transfer(), folder)
        run("texture", "--mesh", "head.glb", "-i", "0", "-e", "happy", "--out", "before.jpg")
        maps, worn = [Image.open("before.jpg")], [_view(face, {}, 0.0)]
        for name in names:
            run("texture", "--mesh", "head.glb", "-e", name)
            maps.append(Image.open(f"head_{name}.jpg"))
            worn.append(_view(face, face.change(ExpressionMix({name: 1.0})).tiles, 0.0))
        box = (320, 330, 704, 714)
        shown = [one.convert("RGB").crop(box).resize((SIDE_PX, SIDE_PX)) for one in maps]
    return table([shown, worn], ["before", *names])


def _view(face: PreparedFace, tiles: object, yaw_deg: float, side_px: int = SIDE_PX) -> Image.Image:
    return _shaded(face, face.wearing(tiles), yaw_deg, side_px)  # type: ignore[arg-type]


def _shaded(face: PreparedFace, stage: Stage, yaw_deg: float, side_px: int) -> Image.Image:
    around = replace(face.framed, view=turned(face.framed, yaw_deg))
    view, _ = closer(around, 2 * side_px, 0.3)
    colours = stage.take_shaded(view)
    picture = Image.fromarray((colours * 255).astype(np.uint8))
    edge = picture.width // 6
    near = picture.crop((edge, edge // 2, picture.width - edge, picture.height - edge * 3 // 2))
    return near.resize((side_px, side_px), Image.LANCZOS)


def mouths() -> Image.Image:
    """What parted lips show."""
    rows = []
    for face in (Face(AVATAR), Face(TOON)):
        row = [face.picture]
        for mouth in ("rendered", "plate", "empty", "closed"):
            own = ExpressionTransfer(device="cpu", mouth=mouth)
            row.append(own.apply(face.picture, "surprised"))
        rows.append([face.shown(one, 190) for one in row])
    return table(rows, ["before", "rendered", "plate", "empty", "closed"])


def report() -> Image.Image:
    """The page of a report, of a shot in which one frame failed and one was edited."""
    with in_scratch() as folder, tempfile.TemporaryDirectory() as profile:
        run("render", "shot/", "-e", "happy")
        Image.new("RGB", (1280, 720)).save("shot_happy/avatar.1003.png")
        Path("shot_happy/avatar.1005.png").unlink()
        with contextlib.suppress(RuntimeError):  # two frames are not good: exit code 1
            run("report", "shot/", "--out", "shot_happy/", "--html", "shot.html")
        browser = open_chromium(Path(profile), folder)
        if browser is None:
            sys.exit("There is no Chromium with its driver: apt-get install chromium-driver")
        size = {"width": 1000, "height": 640, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get((folder / "shot.html").as_uri())
        shot = Image.open(io.BytesIO(base64.b64decode(browser.get_screenshot_as_base64())))
        browser.quit()
        return shot.convert("RGB")


def start() -> Image.Image:
    """The sheet that `demo` draws."""
    with in_scratch():
        run("demo")
        return reduced(Image.open("reggan_demo/sheet.png").convert("RGB"), 620)


def portraits() -> Image.Image:
    """An atlas of two characters."""
    with in_scratch():
        for name, path in (("ada", AVATAR), ("bo", TOON)):
            Face(path, wide=1.25).shown(Image.open(path), 256).save(f"{name}.png")
        run(
            "render",
            "ada.png",
            "bo.png",
            "--each",
            "basic",
            "--out",
            "set/",
            "--atlas",
            "atlas.png",
        )
        return reduced(Image.open("atlas.png").convert("RGB"), 1000)


def first_shot() -> Image.Image:
    """The steps from the render to the comp."""
    with in_scratch():
        run("track", "shot/", "--out", "tracks.json", "--preview", "drawn/")
        run("render", "exr/", "-e", "happy", "--layers-out", "layers", "--exr-layers", "stmap,mask")
        face = Face(AVATAR)
        after = asked(face.picture, "happy")
        (stmap,) = Path("layers/stmap").glob("*1001.exr")
        wide = Face(AVATAR, wide=1.5)
        shown = [
            wide.shown(face.picture, 230),
            wide.shown(Image.open("drawn/avatar.1001.jpg").resize((1280, 720)), 230),
            wide.shown(after, 230),
            wide.shown(_layer("stmap", stmap), 230),
        ]
    return table([shown], ["1 render", "2 track", "3 change", "4 layers for the comp"])


def pair_of_faces() -> Image.Image:
    """Which face is changed: the largest, another, all, each its own."""
    with in_scratch():
        for out, words in {
            "largest": ["-e", "happy"],
            "other": ["-e", "happy", "--face", "1"],
            "all": ["-e", "happy", "--face", "all"],
            "each": ["--face", "0=happy", "--face", "1=sad"],
        }.items():
            run("render", "pair.png", *words, "--out", f"{out}.png")
        shown = [
            reduced(Image.open(f"{name}.png"), 480) for name in ("largest", "other", "all", "each")
        ]
    names = ("-e happy", "-e happy --face 1", "-e happy --face all", "--face 0=happy --face 1=sad")
    pictures = [labelled(one, name) for one, name in zip(shown, names, strict=True)]
    return table([pictures[:2], pictures[2:]])


def turned_head() -> Image.Image:
    """The sample head turned further and further, and what happens."""
    with tempfile.TemporaryDirectory() as scratch:
        face = PreparedFace(HEAD, Look(), transfer(), Path(scratch))
        rows: list[list[Image.Image]] = [[], []]
        labels = []
        for yaw in (0, 30, 60, 75, 90):
            before = _view(face, {}, -float(yaw), 400)
            rows[0].append(before.resize((190, 190), Image.LANCZOS))
            try:
                after, word = asked(before, "happy"), ""
                if after.tobytes() == before.tobytes():
                    word = "left as it is"
            except RegganError:
                after, word = before, "no face found"
            rows[1].append(labelled(after.resize((190, 190), Image.LANCZOS), word, MARK))
            labels.append(f"{yaw}°")
    return table(rows, labels)


def no_face() -> Image.Image:
    """Pictures in which a face is hard to find, and whether it is found."""
    with tempfile.TemporaryDirectory() as scratch:
        head = PreparedFace(HEAD, Look(), transfer(), Path(scratch))
        profile, behind = (_view(head, {}, yaw, 400) for yaw in (-90.0, 180.0))
    frame = on_backdrop(Face(AVATAR).picture)
    hidden = frame.copy()
    left, top, right, bottom = Face(AVATAR).box
    bar = (left - 40, top - 40, right + 40, (top + bottom) // 2 + 30)
    ImageDraw.Draw(hidden).rectangle(bar, fill=(40, 40, 44))
    small = frame.crop((280, 0, 1000, 720)).resize((22, 22), Image.LANCZOS)
    tiny = Image.new("RGB", (400, 400), BACKDROP)
    tiny.paste(small, (180, 180))
    shown = {
        "profile": profile,
        "from behind": behind,
        "eyes are hidden": hidden.crop((280, 0, 1000, 720)),
        "12 pixels high": tiny,
        "lies on its side": frame.crop((280, 0, 1000, 720)).rotate(90),
    }
    tiles = []
    for picture in shown.values():
        try:
            asked(picture, "happy")
            word = "found"
        except RegganError:
            word = "not found"
        tiles.append(labelled(picture.resize((190, 190), Image.LANCZOS), word, MARK))
    return table([tiles], list(shown))


def odd_teeth() -> Image.Image:
    """Teeth of a toon, and the three ways to have others."""
    face = Face(TOON)
    rows = [[face.shown(face.picture)]]
    for mouth in ("rendered", "plate", "closed"):
        own = ExpressionTransfer(device="cpu", mouth=mouth)
        rows[0].append(face.shown(own.apply(face.picture, "laughing")))
    return table(rows, ["before", "--mouth rendered", "--mouth plate", "--mouth closed"])


def limits() -> Image.Image:
    """What goes wrong, on the samples."""
    avatar, toon, statue = Face(AVATAR, wide=1.1), Face(TOON, wide=1.1), Face(STATUE, wide=1.1)
    smile = asked(avatar.picture, "happy")
    with tempfile.TemporaryDirectory() as scratch:
        head = PreparedFace(HEAD, Look(), transfer(), Path(scratch))
        side = _view(head, {}, -75.0, 400)
    pictures = [
        labelled(avatar.shown(asked(smile, "neutral"), 200), "neutral of a smile"),
        labelled(
            toon.shown(asked(toon.picture, "laughing", intensity=1.5), 200), "1.5 is too much"
        ),
        labelled(
            statue.shown(asked(statue.picture, {"eyeBlink": 1.0, "jawOpen": 1.0}), 200),
            "stone eyes",
        ),
        labelled(avatar.shown(asked(avatar.picture, {"jawOpen": 1.5}), 200), "neck and chin"),
        labelled(side.resize((200, 200)), "turned by 75°"),
    ]
    return table([pictures])


def design() -> Image.Image:
    """The way of a face: crop, landmarks, the mesh laid over it, moved, the result."""
    frame = read_frame(AVATAR)
    (place,) = transfer().find_faces(frame, FaceChoice())
    crop = np.clip(
        cut_crop(np.asarray(on_backdrop(Image.open(AVATAR))) / np.float32(255), place), 0, 1
    )
    source = transfer()._source
    assert isinstance(source, RigSource)
    found = source.landmarks(crop.astype(np.float32))
    laid = fit(template(), found.places, found.sigma)
    picture = Image.fromarray((crop * 255).astype(np.uint8)).resize((480, 480), Image.LANCZOS)
    dots = picture.copy()
    draw = ImageDraw.Draw(dots)
    hues = [MARK, (90, 200, 250), (150, 230, 120), (250, 120, 160)]
    for number, group in enumerate(GROUPS):
        for x, y in found.places[group.rows] * 480:
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=hues[number // 2 % 4])
    meshes = []
    moved = template().displacement(
        {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "browInnerUp": 0.8}
    )
    for points in (template().rest, template().rest + moved):
        mesh = picture.copy()
        lines = ImageDraw.Draw(mesh)
        flat = laid.map(points)[:, :2] * 480
        kept = template().keep > 0.4
        for triangle in template().triangles[kept[template().triangles].all(axis=1)]:
            lines.polygon([tuple(flat[row]) for row in triangle], outline=(120, 220, 255))
        meshes.append(mesh)
    weights = {"mouthSmile": 0.9, "browInnerUp": 0.8}
    after = asked(Image.open(AVATAR).convert("RGBA"), weights)
    after_crop = np.clip(cut_crop(np.asarray(on_backdrop(after)) / np.float32(255), place), 0, 1)
    result = Image.fromarray((after_crop * 255).astype(np.uint8))
    shown = [one.resize((190, 190), Image.LANCZOS) for one in (picture, dots, *meshes, result)]
    return table([shown], ["crop", "174 landmarks", "template", "moved", "result"])


ACTED: tuple[dict[str, float], ...] = (
    {},
    {"mouthSmile": 0.9, "cheekSquint": 0.6, "eyeSquint": 0.3},
    {"eyeBlink": 1.0, "mouthSmile": 0.4},
    {"browInnerUp": 1.0, "browOuterUp": 0.8, "jawOpen": 0.5, "eyeWide": 0.6},
    {"browDown": 1.0, "noseSneer": 0.6, "mouthFrown": 0.5},
    {"jawOpen": 0.25, "mouthFunnel": 0.8},
)
"""Weights of the sample head's own morph targets; a name without a side is both sides."""
POSE = (0.5, 1.0, 1.0, 1.0, 0.5)
"""Shares of each in five frames of the clip; the middle one is shown."""


def perform() -> Image.Image:
    """The sample head acts by its own morph targets; what is read of it, played on the shot."""
    acting, driven = [], []
    with in_scratch() as folder:
        face = PreparedFace(HEAD, Look(), transfer(), folder)
        character = load_mesh(HEAD, with_morphs=True).character
        Path("clip").mkdir()
        Path("played").mkdir()
        for place, (weights, share) in enumerate(product(ACTED, POSE)):
            stage = Stage(_posed(character, weights, share), face._maps.map_of)
            seen = _shaded(face, stage, 0.0, 400)
            seen.save(f"clip/a.{1001 + place}.png")
            if place % len(POSE) == len(POSE) // 2:
                acting.append(seen.crop((70, 75, 330, 335)).resize((160, 160), Image.LANCZOS))
                frame = f"avatar.{1001 + place // len(POSE)}.png"
                shutil.copy(f"shot/{frame}", f"played/avatar.{1001 + place}.png")
        run("perform", "clip/", "--reader", "character", "--out", "take.csv")
        run("render", "played/", "--curves", "take.csv", "--out", "driven/")
        for number, path in enumerate(sorted(Path("driven").glob("*.png")), start=1001):
            before = Face(SAMPLES / f"avatar_png/avatar.{number}.png")
            driven.append(before.shown(Image.open(path), 160))
    return table([acting, driven])


def _posed(character: Character, weights: dict[str, float], share: float) -> Character:
    """A character with its morph targets at a share of these weights."""
    parts = []
    for part in character.parts:
        positions = part.positions
        for morph in part.morphs:
            both = re.sub("(Left|Right)$", "", morph.name)
            weight = weights.get(morph.name, weights.get(both, 0.0))
            positions = positions + share * weight * morph.offsets
        parts.append(replace(part, positions=positions))
    return replace(character, parts=tuple(parts))


def provenance() -> Image.Image:
    """A changed frame and its stamp."""
    with in_scratch():
        run("render", "frame.png", "-e", "happy", "--out", "after.png")
        after = Image.open("after.png")
        text = after.info["reggan-plugin"]
        return doc_diagrams.stamp_beside(Face(AVATAR).shown(after, 300), text)


def web_page() -> Image.Image:
    """What the small model answers in its crop, put together as the page's script does."""
    own = ExpressionTransfer("sargan", device="cpu")
    session = onnxruntime.InferenceSession(find_model("sargan"))
    rows = []
    for path in (AVATAR, TOON):
        (place,) = own.find_faces(read_frame(path), FaceChoice())
        levels = np.asarray(on_backdrop(Image.open(path))) / np.float32(255)
        image = np.clip(cut_crop(levels, place), 0, 1).astype(np.float32).transpose(2, 0, 1)[None]
        tiles = [image]
        for name in SIX:
            asked_for = np.array([[one == name for one in own.card.expressions]], np.float32)
            face, mask = session.run(None, {"image": image, "expression": asked_for})
            tiles.append(image + mask * (face - image))
        rows.append(
            [Image.fromarray((one[0].transpose(1, 2, 0) * 255).astype(np.uint8)) for one in tiles]
        )
    return table(rows, ["before", *SIX])


DRAWN: dict[str, Callable[[], Image.Image]] = {
    "start": start,
    "gallery": gallery,
    "before_after": before_after,
    "stays": stays,
    "region": region,
    "tracks": tracks,
    "layers": layers,
    "exr": exr,
    "video": video,
    "intensity": intensity,
    "presets": presets,
    "expressions": expressions,
    "textures": textures,
    "mouths": mouths,
    "report": report,
    "portraits": portraits,
    "first_shot": first_shot,
    "pair": pair_of_faces,
    "turned": turned_head,
    "no_face": no_face,
    "odd_teeth": odd_teeth,
    "limits": limits,
    "design": design,
    "perform": perform,
    "provenance": provenance,
    "web_page": web_page,
    "speed": doc_diagrams.speed,
    "devices": doc_diagrams.devices,
    "extending": doc_diagrams.extending,
    "security": doc_diagrams.security,
}


def write(folder: Path, names: Sequence[str]) -> None:
    """Draw the pictures that are named, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    if not names or "change" in names:
        frames = change()
        count = len(frames) // 4
        times = (
            [HOLD_MS] + [BLEND_MS] * (len(BLEND) - 2) + [HOLD_MS] + [BLEND_MS] * (len(BLEND) - 2)
        ) * 4
        assert len(times) == 4 * count
        frames[0].save(
            folder / "change.webp",
            save_all=True,
            append_images=frames[1:],
            duration=times,
            loop=0,
            quality=80,
            method=6,
        )
        print(folder / "change.webp", (folder / "change.webp").stat().st_size)
    for name in names or DRAWN:
        if name in DRAWN:
            path = folder / f"{name}.jpg"
            DRAWN[name]().save(path, quality=QUALITY, optimize=True)
            print(path, path.stat().st_size, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.measurements.doc_pictures")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", choices=["change", *DRAWN, []])
    options = parser.parse_args()
    write(options.folder, options.names)
