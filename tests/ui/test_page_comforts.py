"""Comforts of the page in a real browser: back and forth, zoom, the handle, search, a reload."""

import json
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from reggan_plugin.cli import main
from reggan_plugin.ui.shot_job import JobProgress

from ..sample_frames import SAMPLES as FULL_SAMPLES
from .artist import AXE, WIPE_AT, Artist, axe_violations, dropped, picture, saved_file
from .conftest import Caller

pytestmark = pytest.mark.browser
CHANGE = (
    "return Object.fromEntries([...document.querySelectorAll('#chosen input')]"
    ".map(e => [e.id.slice(5), Number(e.value)]))"
)


@pytest.fixture
def artist(browser: webdriver.Chrome, page: Caller) -> Artist:
    browser.set_window_size(1280, 900)
    return Artist(browser, page)


def test_back_and_forth_and_a_reload(artist: Artist) -> None:
    artist.take_sample()
    top = artist.script("return document.getElementById('gallery').getBoundingClientRect().top")
    artist.choose("happy")
    artist.slide("intensity", 0.8)
    artist.script("document.getElementById('dial-intensity').dispatchEvent(new Event('change'))")
    artist.at_rest()
    assert top == artist.script(
        "return document.getElementById('gallery').getBoundingClientRect().top"
    )
    changed = artist.pixels()
    artist.find("undo").click()
    assert artist.script(CHANGE)["intensity"] == 1
    artist.browser.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "z")
    assert "happy" not in artist.script(CHANGE)
    assert artist.find("undo").get_attribute("disabled")
    artist.find("redo").click()
    artist.find("redo").click()
    artist.at_rest()
    assert np.array_equal(artist.pixels(), changed)
    artist.show_tab("shapes")
    artist.script(WIPE_AT, 0.0, 0.25)
    assert artist.find("wipe").get_attribute("value") == "25"
    artist.browser.refresh()
    artist.wait_for("document.body.dataset.ready")
    artist.at_rest()
    assert artist.script(CHANGE) == {"intensity": 0.8, "neutral": 0, "happy": 1}
    assert artist.find("wipe").get_attribute("value") == "25"
    assert artist.find("tab-shapes").get_attribute("aria-selected") == "true"
    picture(artist, "page_handle")
    assert artist.faults() == []


def test_zoom_by_wheel_and_pan_by_drag(artist: Artist) -> None:
    artist.take_sample()
    scale = (
        "const c = document.getElementById('canvas');"
        "return c.getBoundingClientRect().width / c.width"
    )
    wheel = (
        "const v = document.getElementById('view'), r = v.getBoundingClientRect();"
        "document.getElementById('canvas').dispatchEvent(new WheelEvent('wheel', {deltaY:"
        "arguments[0], clientX: r.left + 200, clientY: r.top + 150, bubbles: true, "
        "cancelable: true}))"
    )
    fits = artist.script(scale)
    artist.script(wheel, -900)
    assert artist.script(scale) > 2.5 * fits
    picture(artist, "page_zoom")
    assert artist.find("fit").get_attribute("aria-pressed") == "false"
    scroll = "const v = document.getElementById('view'); return [v.scrollLeft, v.scrollTop]"
    before = artist.script(scroll)
    chain = ActionChains(artist.browser).move_to_element(artist.find("view")).click_and_hold()
    chain.move_by_offset(-60, -40).release().perform()
    after = artist.script(scroll)
    assert after[0] > before[0]
    assert after[1] > before[1]
    artist.script(wheel, 5000)
    assert artist.script(scale) == pytest.approx(fits)
    assert artist.find("fit").get_attribute("aria-pressed") == "true"


def test_keys_are_dragged_copied_and_eased(artist: Artist) -> None:
    artist.take_sample()
    artist.wait_for("!document.getElementById('timeline').hidden")
    artist.choose("happy")
    artist.find("set-key").click()
    keys = "return [...document.querySelectorAll('#strip .key')].map(k => Number(k.dataset.place))"
    step = artist.find("strip").size["width"] / 6
    first = artist.page.studio.files.shots[-1].first

    def dragged(place: int, frames: int, *, copies: bool = False) -> None:
        key = artist.browser.find_element(By.CSS_SELECTOR, f'.key[data-place="{place}"]')
        chain = ActionChains(artist.browser)
        if copies:
            chain = chain.key_down(Keys.ALT)
        chain.click_and_hold(key).move_by_offset(round(frames * step), 0).release()
        (chain.key_up(Keys.ALT) if copies else chain).perform()

    dragged(0, 1)
    assert artist.script(keys) == [1]
    dragged(1, 4, copies=True)
    assert artist.script(keys) == [1, 5]
    picture(artist, "page_keys")
    artist.find("strip").send_keys(Keys.ARROW_RIGHT)
    artist.wait_for(f"document.getElementById('canvas').dataset.file === '{first + 1}'")
    artist.wait_for("!document.body.classList.contains('is-busy')")
    artist.slide("happy", 0.2)
    artist.script("document.getElementById('dial-happy').dispatchEvent(new Event('change'))")
    artist.script(
        "const e = document.getElementById('ease'); e.value = 'smooth';"
        "e.dispatchEvent(new Event('change'))"
    )
    artist.find("strip").send_keys(Keys.ARROW_RIGHT)
    artist.wait_for(f"document.getElementById('canvas').dataset.file === '{first + 2}'")
    artist.wait_for("!document.body.classList.contains('is-busy')")
    smooth = 0.25**2 * (3 - 2 * 0.25)  # a quarter of the way from 0.2 to 1
    assert artist.script(CHANGE)["happy"] == pytest.approx(0.2 + 0.8 * smooth, abs=0.006)


def test_a_clip_is_dropped_and_changed(artist: Artist, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as written:
        stream = written.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for path in sorted((FULL_SAMPLES / "avatar_png").iterdir())[:3]:
            with Image.open(path) as one:
                shown = av.VideoFrame.from_image(one.convert("RGB").resize((640, 360)))
            written.mux(stream.encode(shown))
        written.mux(stream.encode(None))
    dropped(artist, clip)
    artist.wait_for("document.querySelectorAll('#files optgroup:last-child option').length === 3")
    artist.wait_for("document.getElementById('canvas').width === 640")
    artist.wait_for("!document.getElementById('timeline').hidden")
    artist.wait_for("!document.body.classList.contains('is-busy')")
    before = artist.pixels()
    artist.choose("surprised")
    artist.at_rest()
    assert (np.abs(artist.pixels() - before) > 20).any()
    picture(artist, "page_clip")


def test_the_gallery_waits_while_a_shot_is_rendered(artist: Artist) -> None:
    artist.take_sample("statue")
    job = artist.page.studio.job
    job._progress = JobProgress(state="rendering", frames=9, done=2)
    try:
        artist.browser.refresh()
        artist.wait_for("document.body.dataset.ready")
        made = "document.querySelectorAll('#gallery img').length"
        artist.show_tab("shot")
        artist.wait_for("document.getElementById('job-said').textContent.startsWith('rendering')")
        picture(artist, "page_shot")
        count = artist.script(f"return {made}")
        time.sleep(2)
        assert artist.script(f"return {made}") - count <= 3  # those that were asked for already
        assert count < 10
    finally:
        job._progress = JobProgress()
    artist.wait_for(f"{made} > 10")


def test_search_and_help_and_copied_words(artist: Artist) -> None:
    artist.take_sample()
    artist.find("search").send_keys("smir")
    assert artist.tiles() == ["smirk", "smirk right"]
    picture(artist, "page_search")
    artist.find("search").clear()
    artist.script("document.getElementById('search').dispatchEvent(new Event('input'))")
    artist.browser.find_element(By.CSS_SELECTOR, ".help").click()
    assert "takes away first" in artist.find("neutral-help").text
    picture(artist, "page_help")
    artist.choose("smirk")
    artist.script("navigator.clipboard.writeText = async () => {}")
    artist.find("copy-command").click()
    artist.wait_for("!document.getElementById('words').hidden")
    picture(artist, "page_copied")
    artist.wait_for("document.getElementById('words').hidden")  # it goes away by itself


def test_quit_asks_while_a_shot_is_rendered(artist: Artist) -> None:
    artist.take_sample()
    artist.page.studio.job._progress = JobProgress(state="rendering", frames=9, done=2)
    artist.browser.refresh()
    artist.wait_for("document.body.dataset.ready")
    artist.wait_for("!document.getElementById('stop-job').hidden || true")
    artist.find("quit").click()
    assert "being rendered" in artist.find("question").text
    picture(artist, "page_quit")
    artist.find("ask-no").click()
    assert artist.page.post("words", file=0, face=0, change={"weights": {}}, kind="x")[0] == 400
    artist.page.studio.job._progress = JobProgress()


def test_two_faces_each_with_its_own(
    artist: Artist, tmp_path: Path, downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pair.png"
    with Image.open(FULL_SAMPLES / "avatar_png/avatar.1001.png") as one:
        left = one.convert("RGB").reduce(2)
    with Image.open(FULL_SAMPLES / "toon/toon.1001.png") as one:
        right = one.convert("RGB").resize((left.width * 3 // 4, left.height * 3 // 4))
    both = Image.new("RGB", (2 * left.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    both.save(path)
    dropped(artist, path)
    artist.wait_for("document.querySelectorAll('#faces button').length === 2")
    numbers = "[...document.querySelectorAll('#faces button')].map(one => one.textContent)"
    assert artist.script(f"return {numbers}") == ["Face 0", "Face 1"]  # as --face counts
    artist.wait_for("document.getElementById('save').disabled === false")
    artist.find("each").click()
    artist.choose("happy")
    artist.at_rest()
    artist.find("faces").find_elements(By.TAG_NAME, "button")[1].click()
    artist.wait_for("document.querySelectorAll('#faces button')[1].ariaPressed === 'true'")
    artist.wait_for("document.getElementById('save').disabled === false")
    assert artist.script(CHANGE) == {"intensity": 1, "neutral": 0}
    artist.choose("sad")
    artist.at_rest()
    assert artist.script("return document.querySelectorAll('#faces [data-changed]').length") == 2
    picture(artist, "page_two_faces")
    shown = artist.pixels()
    changed = (shown != np.asarray(both)).any(axis=(0, 2))
    assert changed[: left.width].any()
    assert changed[left.width :].any()
    body = {"weights": {"happy": 1}, "intensity": 1}
    other = {"weights": {"sad": 1}, "intensity": 1}
    number = artist.page.studio.files.shots[-1].first
    status, words = artist.page.post(
        "words", file=number, face=1, change=other, others={"0": body}, kind="frame"
    )
    assert status == 200
    assert "--face 0=happy --face 1=sad" in json.loads(words)["words"]
    saved = saved_file(artist, downloads)
    faces = ("--face", "0=happy", "--face", "1=sad")
    assert main(["render", str(path), *faces, "--out", str(tmp_path / "out.png")]) == 0
    assert saved.read_bytes() == (tmp_path / "out.png").read_bytes()


def test_a_dropped_text_is_named_by_its_own_name(artist: Artist, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no take\n")
    dropped(artist, tmp_path / "notes.txt")
    artist.wait_for("!document.getElementById('message').hidden")
    said = artist.find("said").text
    assert said.startswith("notes.txt cannot be read as a take")
    picture(artist, "page_dropped_text")
    assert "reggan-take" not in said


@pytest.mark.skipif(not AXE.exists(), reason="npm install --no-save axe-core, or REGGAN_AXE")
def test_axe_finds_nothing(artist: Artist) -> None:
    artist.take_sample()
    artist.choose("happy")
    for tab in ("expressions", "shapes", "take", "shot"):
        artist.show_tab(tab)
        assert axe_violations(artist) == [], tab


def test_keys_on_the_timeline_become_a_take(
    artist: Artist, tmp_path: Path, downloads: Path
) -> None:
    artist.take_sample()
    artist.wait_for("!document.getElementById('timeline').hidden")
    first = artist.page.studio.files.shots[-1].first
    artist.choose("happy")
    artist.find("set-key").click()
    strip = artist.find("strip")
    for _ in range(4):
        shown = artist.script("return document.getElementById('canvas').dataset.file")
        strip.send_keys(Keys.ARROW_RIGHT)
        artist.wait_for(f"document.getElementById('canvas').dataset.file !== '{shown}'")
        artist.wait_for("!document.body.classList.contains('is-busy')")
    assert artist.script(CHANGE)["happy"] == 1  # behind the last key its value stays
    artist.script("document.getElementById('ease').value = 'linear'")
    artist.slide("happy", 0.2)
    artist.script("document.getElementById('dial-happy').dispatchEvent(new Event('change'))")
    keys = "[...document.querySelectorAll('#strip .key')].map(k => Number(k.dataset.place))"
    assert artist.script(f"return {keys}") == [0, 4]
    artist.browser.find_element(By.CSS_SELECTOR, '.key[data-place="4"]').send_keys(Keys.ARROW_RIGHT)
    assert artist.script(f"return {keys}") == [0, 5]
    artist.find("undo").click()
    assert artist.script(f"return {keys}") == [0, 4]
    artist.find("undo").click()
    assert artist.script(f"return {keys}") == [0]
    assert artist.script(CHANGE)["happy"] == 1
    artist.find("undo").click()
    assert artist.script(f"return {keys}") == []
    for left in (1, 2, 2):
        artist.find("redo").click()
        assert len(artist.script(f"return {keys}")) == left
    assert artist.script(f"return {keys}") == [0, 5]
    strip.send_keys(Keys.ARROW_LEFT)
    artist.wait_for(f"document.getElementById('canvas').dataset.file === '{first + 3}'")
    artist.wait_for("!document.body.classList.contains('is-busy')")
    assert artist.script(CHANGE)["happy"] == pytest.approx(0.52)  # three fifths of the way
    artist.at_rest()
    picture(artist, "page_timeline")
    for old in downloads.glob("*_take.csv"):
        old.unlink()
    artist.find("save-take").click()
    artist.wait_for("document.getElementById('take-name').textContent.includes('_take.csv')")
    artist.wait.until(lambda _: list(downloads.glob("*_take.csv")))
    [take] = downloads.glob("*_take.csv")
    rows = take.read_text().splitlines()
    assert rows[0] == "frame,happy"
    assert rows[1] == "1001,1"
    assert rows[-1] == "1006,0.2"
    out = tmp_path / "driven"
    shot = artist.page.studio.files.shots[-1].source
    driven = ["render", str(shot), "--curves", str(take), "--range", "1004", "--out", str(out)]
    assert main(driven) == 0
    record = json.loads((out / ".reggan/avatar.1004.png.json").read_text())
    assert record["expression"]["happy"] == pytest.approx(0.52)
    artist.find("play").click()
    artist.wait_for("document.getElementById('status').textContent.startsWith('Plays at')")
    artist.find("play").click()
    assert artist.find("play").text == "Play"
    artist.slide("neutral", 0.5)
    artist.script("document.getElementById('dial-neutral').dispatchEvent(new Event('change'))")
    artist.find("save-take").click()
    said = "document.getElementById('status').textContent"
    artist.wait_for(f"{said}.endsWith('Weaken its own is not in it: no take holds that.')")
    assert artist.faults() == []
