"""Draw the local page for its documentation, with the model that ships, in Chromium.

    python -m tests.measurements.page_pictures docs

Writes local_page.jpg, 1280 pixels wide, and local_page_narrow.jpg, 420 wide, into the folder.
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium import webdriver

from reggan_plugin.commands.demo import sample_shots
from tests.chromium import open_chromium
from tests.ui.artist import Artist
from tests.ui.conftest import running_page, studio_of

SIZES = {"local_page": (1280, 800), "local_page_narrow": (420, 800)}
QUALITY = 85


def main() -> None:
    """Open the sample, smile, and take the pictures."""
    folder = Path(sys.argv[1])
    studio = studio_of(samples=sample_shots())
    with tempfile.TemporaryDirectory() as scratch, running_page(studio) as page:
        browser = open_chromium(Path(scratch, "profile"), Path(scratch))
        if browser is None:
            sys.exit("There is no Chromium with its driver: apt-get install chromium-driver")
        _resize(browser, *SIZES["local_page"])
        artist = Artist(browser, page, timeout_s=600)
        artist.take_sample()
        artist.wait_for("document.getElementById('gallery').ariaBusy === 'false'")
        artist.choose("happy")
        artist.at_rest()
        for name, size in SIZES.items():
            _resize(browser, *size)
            artist.at_rest()
            shot = Image.open(io.BytesIO(base64.b64decode(browser.get_screenshot_as_base64())))
            path = folder / f"{name}.jpg"
            shot.convert("RGB").save(path, quality=QUALITY)
            print(path)
        browser.quit()


def _resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    main()
