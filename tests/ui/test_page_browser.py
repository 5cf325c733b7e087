"""The page in a real browser: opened, clicked, slid, saved."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from reggan_plugin.files.frame import read_frame

from .conftest import SAMPLES, Caller, running_page, studio_of

pytestmark = pytest.mark.browser

FACE = sorted(SAMPLES["avatar_png"].iterdir())[0]


class Artist:
    """Somebody before the page."""

    def __init__(self, browser: webdriver.Chrome, page: Caller) -> None:
        self.browser, self.page = browser, page
        self.patience = WebDriverWait(browser, 60, poll_frequency=0.05)
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.get(page.address)
        self.patience.until(lambda _: self.script("return document.body.dataset.ready"))

    def find(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def script(self, text: str, *arguments: Any) -> Any:
        return self.browser.execute_script(text, *arguments)  # type: ignore[no-untyped-call]

    def wait(self, text: str) -> Any:
        """Until a script returns what is true."""
        return self.patience.until(lambda _: self.script(f"return {text}"))

    def take_sample(self, name: str = "avatar_png") -> None:
        Select(self.find("samples")).select_by_value(name)
        self.wait("document.getElementById('save').disabled === false")

    def choose(self, expression: str) -> None:
        """Click on an expression of the gallery, and wait for the picture of it."""
        count = self.changes()
        for button in self.find("gallery").find_elements(By.TAG_NAME, "button"):
            if button.text.strip() == expression:
                button.click()
        self.patience.until(lambda _: self.changes() > count)

    def slide(self, name: str, value: float) -> None:
        count = self.changes()
        self.script(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event('input'))",
            f"dial-{name}",
            value,
        )
        self.patience.until(lambda _: self.changes() > count)

    def changes(self) -> int:
        return int(self.script("return performance.getEntriesByName('change').length"))

    def at_rest(self) -> None:
        """Until the picture is at its full resolution."""
        self.wait("document.getElementById('view').ariaBusy === 'false'")

    def pixels(self) -> np.ndarray:
        """What the canvas shows, RGB."""
        uri = self.script("return document.getElementById('canvas').toDataURL('image/png')")
        path = Path(self.browser.capabilities["chrome"]["userDataDir"]) / "canvas.png"
        path.write_bytes(base64.b64decode(uri.partition(",")[2]))
        return np.asarray(Image.open(path).convert("RGB")).astype(int)

    def message(self) -> str:
        return self.find("message").text

    def faults(self) -> list[str]:
        """What the browser's console says."""
        return [entry["message"] for entry in self.browser.get_log("browser")]  # type: ignore[no-untyped-call]


def saved_file(artist: Artist, downloads: Path, button: str = "save") -> Path:
    """What the browser saves after a click."""

    def finished() -> set[Path]:
        return {p for p in downloads.iterdir() if p.suffix != ".crdownload" and p.name[0] != "."}

    known = finished()
    artist.find(button).click()
    artist.patience.until(lambda _: finished() - known)
    (path,) = finished() - known
    return path


@pytest.fixture(scope="module")
def page():  # type: ignore[no-untyped-def]
    with running_page(studio_of()) as caller:
        yield caller


def test_from_a_sample_to_a_saved_smile(
    browser: webdriver.Chrome, page: Caller, downloads: Path
) -> None:
    artist = Artist(browser, page)
    artist.take_sample()
    before = artist.pixels()
    artist.choose("happy")
    artist.slide("intensity", 0.8)
    artist.at_rest()
    path = saved_file(artist, downloads)
    assert path.name == "avatar.1001_happy.png"
    saved = read_frame(path).pixels
    alpha = read_frame(path).alpha
    shown = artist.pixels()
    assert alpha is not None
    opaque = alpha == 1
    difference = np.abs(shown - np.rint(saved * 255))[opaque]
    assert difference.max() <= 1
    assert (np.abs(shown - before) > 20).any()
    assert artist.faults() == []
