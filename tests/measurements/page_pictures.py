"""Draw the local page for its documentation, with the model that ships, in Chromium.

    python -m tests.measurements.page_pictures docs
    python -m tests.measurements.page_pictures docs ITEMS

Writes into the folder local_page.jpg, 1280 pixels wide, local_page_narrow.jpg, 420 wide, and
pictures/page.webp, a recording: a tile is chosen, a slider and the handle move, undo. With ITEMS,
a folder of pictures that tests/ui wrote (REGGAN_PICTURES=ITEMS), page_items.jpg of them instead.
"""

import base64
import io
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from selenium import webdriver

from reggan_plugin.commands.demo import sample_shots
from tests.chromium import open_chromium
from tests.ui.artist import WIPE_AT, Artist
from tests.ui.conftest import running_page, studio_of

SIZES = {"local_page": (1280, 800), "local_page_narrow": (420, 800)}
QUALITY = 85
ITEMS = {
    "page_handle": "handle, undo, redo, a reload",
    "page_zoom": "zoom by wheel, pan by drag",
    "page_search": "search",
    "page_help": "Weaken its own, explained",
    "page_copied": "copied words, which go away",
    "page_two_faces": "two faces, each its own",
    "page_keys": "keys, dragged and copied",
    "page_timeline": "timeline, saved as a take",
    "page_clip": "a clip that was dropped",
    "page_shot": "a shot is rendered",
    "page_quit": "Quit asks",
    "page_dropped_text": "a dropped text has its own name",
    "page_alone": "in the browser alone",
}
_RECORDED_PX = 900
_ITEM_PX, _TITLE_PX, _ACROSS, _GAP_PX = 620, 30, 3, 8


def main() -> None:
    """Open the sample, smile, and take the pictures; or lay out those of the tests."""
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        path = folder / "page_items.jpg"
        sheet_of_items(Path(sys.argv[2])).save(path, quality=70, optimize=True)
        print(path)
        return
    studio = studio_of(samples=sample_shots())
    with tempfile.TemporaryDirectory() as scratch, running_page(studio) as page:
        browser = open_chromium(Path(scratch, "profile"), Path(scratch))
        if browser is None:
            sys.exit("There is no Chromium with its driver: apt-get install chromium-driver")
        _resize(browser, *SIZES["local_page"])
        artist = Artist(browser, page, timeout_s=600)
        artist.take_sample()
        artist.wait_for("document.getElementById('gallery').ariaBusy === 'false'")
        record(artist).save(folder / "pictures/page.webp")
        artist.choose("happy")
        artist.at_rest()
        for name, size in SIZES.items():
            _resize(browser, *size)
            artist.at_rest()
            shot = screenshot(browser)
            path = folder / f"{name}.jpg"
            shot.save(path, quality=QUALITY)
            print(path)
        browser.quit()


class Recording:
    """Screenshots one after the other."""

    def __init__(self) -> None:
        self.shots: list[Image.Image] = []
        self.times_ms: list[int] = []

    def add(self, browser: webdriver.Chrome, shown_ms: int) -> None:
        shot = screenshot(browser)
        size = _RECORDED_PX, round(shot.height * _RECORDED_PX / shot.width)
        self.shots.append(shot.resize(size, Image.Resampling.LANCZOS))
        self.times_ms.append(shown_ms)

    def save(self, path: Path) -> None:
        first, *others = self.shots
        first.save(
            path, save_all=True, append_images=others, duration=self.times_ms, loop=0, quality=60
        )
        print(path)


def record(artist: Artist) -> Recording:
    """Choose a tile, move the intensity and the handle, and undo."""
    recording, browser = Recording(), artist.browser
    recording.add(browser, 900)
    artist.choose("happy")
    artist.at_rest()
    recording.add(browser, 900)
    for intensity in (0.8, 0.6, 0.4, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2):
        artist.slide("intensity", intensity)
        recording.add(browser, 150)
    artist.script("document.getElementById('dial-intensity').dispatchEvent(new Event('change'))")
    artist.at_rest()
    recording.add(browser, 700)
    places = (0.0, 0.2, 0.35, 0.5, 0.65, 0.5, 0.35, 0.0)
    for start, end in pairwise(places):
        artist.script(WIPE_AT, start, end)
        recording.add(browser, 150)
    artist.choose("sad")
    artist.at_rest()
    recording.add(browser, 900)
    for _ in range(3):
        artist.find("undo").click()
        artist.at_rest()
        recording.add(browser, 600)
    return recording


def screenshot(browser: webdriver.Chrome) -> Image.Image:
    """Return what the browser's window shows."""
    content = base64.b64decode(browser.get_screenshot_as_base64())
    return Image.open(io.BytesIO(content)).convert("RGB")


def sheet_of_items(folder: Path) -> Image.Image:
    """Lay out the pictures of single items, each under its title."""
    font = ImageFont.load_default(18)
    shown = [(Image.open(folder / f"{name}.png"), title) for name, title in ITEMS.items()]
    tall = max(round(one.height * _ITEM_PX / one.width) for one, _ in shown) + _TITLE_PX
    rows = -(-len(shown) // _ACROSS)
    size = _ACROSS * (_ITEM_PX + _GAP_PX), rows * (tall + _GAP_PX)
    sheet = Image.new("RGB", size, "white")
    for place, (one, title) in enumerate(shown):
        x, y = (place % _ACROSS) * (_ITEM_PX + _GAP_PX), (place // _ACROSS) * (tall + _GAP_PX)
        ImageDraw.Draw(sheet).text((x + 6, y + 5), title, fill="black", font=font)
        small = one.convert("RGB").resize(
            (_ITEM_PX, round(one.height * _ITEM_PX / one.width)), Image.Resampling.LANCZOS
        )
        sheet.paste(small, (x, y + _TITLE_PX))
    return sheet


def _resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    main()
