"""Somebody before the local page: clicks, slides, drops and looks, in a real browser."""

import base64
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from .conftest import Caller

WIPE_AT = """
    const c = document.getElementById('canvas'), r = c.getBoundingClientRect();
    const at = (kind, x) => c.dispatchEvent(new PointerEvent(kind, {pointerId: 1, button: 0,
      buttons: 1, clientX: r.left + x * r.width, clientY: r.top + r.height / 2, bubbles: true}));
    c.setPointerCapture = () => {};
    at('pointerdown', arguments[0]); at('pointermove', arguments[1]); at('pointerup', arguments[1]);
"""
TILES = "[...document.querySelectorAll('#gallery button')].filter(one => one.offsetParent !== null)"
AXE = Path(os.environ.get("REGGAN_AXE", "node_modules/axe-core/axe.min.js"))
"""Of npm install --no-save axe-core."""


class Artist:
    """Somebody before the page."""

    def __init__(self, browser: webdriver.Chrome, page: Caller, timeout_s: float = 60) -> None:
        self.browser, self.page = browser, page
        self.wait = WebDriverWait(browser, timeout_s, poll_frequency=0.05)
        browser.get(page.address + "icon.svg")
        self.script("sessionStorage.clear()")  # what the page showed before
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.get(page.address)
        self.wait.until(lambda _: self.script("return document.body.dataset.ready"))

    def find(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def script(self, text: str, *arguments: Any) -> Any:
        return self.browser.execute_script(text, *arguments)  # type: ignore[no-untyped-call]

    def wait_for(self, text: str) -> Any:
        """Until a script returns what is true."""
        return self.wait.until(lambda _: self.script(f"return {text}"))

    def take_sample(self, name: str = "avatar_png") -> None:
        count = len(self.page.studio.files.shots)
        Select(self.find("samples")).select_by_value(name)
        self.wait.until(lambda _: len(self.page.studio.files.shots) > count)
        number = self.page.studio.files.shots[-1].first
        self.wait_for(f"document.getElementById('canvas').dataset.file === '{number}'")
        self.at_rest()

    def show_tab(self, name: str) -> None:
        self.find(f"tab-{name}").click()

    def choose(self, expression: str) -> None:
        """Click on an expression of the gallery, and wait for the picture of it."""
        count = self.changes()
        named = f"return {TILES}.find(one => one.innerText.trim() === arguments[0])"
        self.script(named, expression).click()
        self.wait.until(lambda _: self.changes() > count)

    def tiles(self) -> list[str]:
        """Names of the gallery's expressions that are shown; one by one they take seconds."""
        return list(self.script(f"return {TILES}.map(one => one.innerText.trim())"))

    def draw_box(self) -> None:
        """Draw a face box in the middle of the picture."""
        self.find("draw-box").click()
        chain = webdriver.ActionChains(self.browser)
        chain.move_to_element_with_offset(self.find("canvas"), -60, -60).click_and_hold()
        chain.move_by_offset(120, 120).release().perform()

    def slide(self, name: str, value: float) -> None:
        count = self.changes()
        self.script(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event('input'))",
            f"dial-{name}",
            value,
        )
        self.wait.until(lambda _: self.changes() > count)

    def changes(self) -> int:
        return int(self.script("return performance.getEntriesByName('change').length"))

    def at_rest(self) -> None:
        """Until the picture is at its full resolution."""
        self.wait_for("document.getElementById('view').ariaBusy === 'false'")

    def pixels(self) -> np.ndarray:
        """What the canvas shows, RGB."""
        uri = self.script("return document.getElementById('canvas').toDataURL('image/png')")
        path = Path(self.browser.capabilities["chrome"]["userDataDir"]) / "canvas.png"
        path.write_bytes(base64.b64decode(uri.partition(",")[2]))
        return np.asarray(Image.open(path).convert("RGB")).astype(int)

    def message(self) -> str:
        return self.find("message").text

    def faults(self) -> list[str]:
        """What the browser's console says.

        A slow Chromium asks for /favicon.ico while the page that passes the secret on is leaving.
        """
        log = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        messages = [str(one["message"]) for one in log]
        return [message for message in messages if "/favicon.ico - Failed" not in message]


def saved_file(artist: Artist, downloads: Path, button: str = "save") -> Path:
    """What the browser saves after a click; Chromium first takes the name with an empty file."""

    def finished() -> set[Path]:
        named = (p for p in downloads.iterdir() if p.suffix != ".crdownload" and p.name[0] != ".")
        return {path for path in named if path.stat().st_size}

    known = finished()
    artist.find(button).click()
    artist.wait.until(lambda _: finished() - known)
    (path,) = finished() - known
    return path


def dropped(artist: Artist, *paths: Path, picker: str = "picker") -> None:
    """Hand files, or a folder, to the page as its picker does."""
    input_ = artist.find(picker)
    artist.script("arguments[0].hidden = false", input_)
    input_.send_keys("\n".join(str(path) for path in paths))
    artist.script("arguments[0].hidden = true", input_)


def picture(artist: Artist, name: str) -> None:
    """Keep a picture of the page for the documentation, where REGGAN_PICTURES names a folder."""
    if "REGGAN_PICTURES" in os.environ:
        artist.browser.save_screenshot(str(Path(os.environ["REGGAN_PICTURES"], f"{name}.png")))


def axe_violations(artist: Artist) -> list[Any]:
    """What axe finds against WCAG A and AA on the page as it is: rules, and where."""
    artist.script(AXE.read_text())
    found = artist.browser.execute_async_script(  # type: ignore[no-untyped-call]
        "const done = arguments[0]; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
        ".then(r => done(r.violations.map(v => [v.id, v.nodes.map(n => n.html)])))"
    )
    return list(found)
