"""Diagrams of the documentation, drawn from what stands on the pages and in the code.

`doc_pictures` writes them. A table that changes on a page changes its diagram.
"""

import json
import re
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from reggan_plugin.backends.devices import AUTO_ORDER, GPU_ORDER

DOCS = Path(__file__).parents[2] / "docs"
INK, FAINT, PAPER = (235, 235, 235), (170, 170, 176), (32, 32, 34)
BOX, MARK, DONE = (52, 54, 62), (255, 170, 40), (110, 200, 130)
WIDTH_PX = 1000


def speed() -> Image.Image:
    """Seconds a frame by its size, as the table of speed.md has them."""
    rows = re.findall(
        r"^\| (\d+x\d+), (.+?) \| ([\d.]+) \| (.*?) ?\|$", _page("speed"), re.MULTILINE
    )
    sheet, draw = _sheet(60 + 44 * len(rows))
    longest = max(float(row[2]) for row in rows)
    _say(draw, (20, 24), "a frame: seconds of one core, and memory", INK)
    for number, (size, kind, seconds, memory) in enumerate(rows):
        y = 60 + 44 * number
        end = 260 + round(570 * float(seconds) / longest)
        _say(draw, (20, y + 12), f"{size}, {kind}", INK)
        draw.rectangle((260, y, end, y + 24), fill=MARK, outline=MARK, width=2)
        _say(draw, (end + 10, y + 12), f"{seconds} s" + (f", {memory}" if memory else ""), INK)
    return sheet


def devices() -> Image.Image:
    """What `auto` and `gpu` try, one after the other, and what a name does."""
    sheet, draw = _sheet(250)
    ways = {
        "--device auto": (*AUTO_ORDER, None),
        "--device gpu": (*GPU_ORDER, "error"),
        "--device cuda": ("cuda", "error"),
    }
    for number, (asked, tried) in enumerate(ways.items()):
        y, x = 24 + 66 * number, 190
        _say(draw, (20, y + 22), asked, INK)
        for place, name in enumerate(tried):
            if name is None:
                continue
            if place:
                _arrow(draw, (x - 34, y + 22), (x - 4, y + 22))
            colour = (220, 100, 90) if name == "error" else DONE
            _box(draw, (x, y, x + 118, y + 44), name, colour)
            x += 156
    _say(
        draw, (20, 230), "The first that works is used. An arrow: it does not work here.", FAINT, 15
    )
    return sheet


def extending() -> Image.Image:
    """The four doors, with the example of the page."""
    (package,) = re.findall(r"```toml\n(.*?)```", _page("extending"), re.DOTALL)
    groups = tomllib.loads(package)["project"]["entry-points"]
    gives = {
        "image_formats": ("an image format", "an ImageFormat"),
        "takes": ("a take", "(path, rate) gives Columns"),
        "meshes": ("a mesh", "(path) gives a Character"),
        "architectures": ("an architecture", "a subclass of ExpressionModel"),
    }
    sheet, draw = _sheet(50 + 74 * len(groups))
    _say(draw, (20, 22), "your package", FAINT, 15)
    _say(draw, (360, 22), "entry point", FAINT, 15)
    _say(draw, (690, 22), "comes up with", FAINT, 15)
    for number, (group, entries) in enumerate(groups.items()):
        kind, gift = gives[group.removeprefix("reggan_plugin.")]
        ((name, _),) = entries.items()
        y = 44 + 74 * number
        _box(draw, (20, y, 310, y + 58), f"{kind}\n{gift}", MARK)
        _arrow(draw, (314, y + 29), (356, y + 29))
        _box(draw, (360, y, 640, y + 58), f"{group}\n{name} = …", INK)
        _arrow(draw, (644, y + 29), (686, y + 29))
        use = f"--architecture {name}" if kind == "an architecture" else f"a file *.{name}"
        _box(draw, (690, y, 980, y + 58), use, DONE)
    return sheet


def security() -> Image.Image:
    """Which inputs are read in the program's process and which in a child, and the bounds."""
    table = _page("security").split("read in a process of its own |\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in table.splitlines()[1:]]
    columns: Mapping[str, list[tuple[str, str]]] = {"no": [], "yes": []}
    for name, bounds, apart in rows:
        short = re.sub(r" \(.*?\)|`", "", name)
        first = re.split(r"[.;](?: |$)", bounds)[0].replace("the same", "as above")
        if apart.startswith("only USD"):
            columns["no"].append((short + ", not USD", first))
            columns["yes"].append((short + ", USD", first))
        else:
            columns["yes" if apart.startswith("yes") else "no"].append((short, first))
    most = max(len(column) for column in columns.values())
    sheet, draw = _sheet(96 + 48 * most)
    titles = {
        "no": ("in the program's process", "first the bounds, then it is read"),
        "yes": (
            "in a child process each",
            "bounded in time, on Linux in memory; no jail: it has your rights",
        ),
    }
    for number, (which, column) in enumerate(columns.items()):
        left = 16 + 492 * number
        colour = MARK if which == "no" else DONE
        frame = (left, 12, left + 476, sheet.height - 12)
        draw.rounded_rectangle(frame, 10, fill=BOX, outline=colour, width=2)
        title, promise = titles[which]
        _say(draw, (left + 16, 34), title, colour, 18)
        _say(draw, (left + 16, 60), promise, FAINT, 14)
        for place, (name, bound) in enumerate(column):
            y = 92 + 48 * place
            _say(draw, (left + 16, y), _within(name, 446, 16), INK)
            _say(draw, (left + 16, y + 19), _within(bound, 446, 13), FAINT, 13)
    return sheet


def stamp_beside(picture: Image.Image, text: str) -> Image.Image:
    """A picture, and the stamp in its file; hashes are shortened."""
    sheet, draw = _sheet(picture.height + 40)
    sheet.paste(picture, (20, 20))
    x, y = picture.width + 50, 36
    _say(draw, (x, y), "the stamp: the text chunk reggan-plugin of this PNG", MARK)
    shortened = re.sub(r"([0-9a-f]{12})[0-9a-f]{52}", r"\1…", text)
    for name, value in json.loads(shortened).items():
        y += 7
        written = f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for line in textwrap.wrap(written, 84, subsequent_indent="      "):
            y += 21
            _say(draw, (x, y), line, INK, 15)
    return sheet


def _page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def _sheet(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("RGB", (WIDTH_PX, height), PAPER)
    return sheet, ImageDraw.Draw(sheet)


def _say(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    colour: tuple[int, int, int],
    size: int = 16,
) -> None:
    draw.text(place, text, colour, ImageFont.load_default(size), anchor="lm")


def _within(text: str, width_px: float, size: int) -> str:
    """Leave out the last parts of a list that is too long for its place."""
    font, parts = ImageFont.load_default(size), text.split(", ")
    while len(parts) > 1 and font.getlength(", ".join(parts)) > width_px:
        del parts[-1]
    return ", ".join(parts)


def _box(
    draw: ImageDraw.ImageDraw, box: Sequence[float], text: str, colour: tuple[int, int, int]
) -> None:
    left, top, right, bottom = box
    draw.rounded_rectangle((left, top, right, bottom), 8, fill=BOX, outline=colour, width=2)
    middle = ((left + right) / 2, (top + bottom) / 2)
    draw.multiline_text(
        middle, text, INK, ImageFont.load_default(15), anchor="mm", align="center", spacing=6
    )


def _arrow(draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float]) -> None:
    draw.line((*start, *end), FAINT, 2)
    x, y = end
    draw.polygon([(x, y), (x - 8, y - 5), (x - 8, y + 5)], fill=FAINT)
