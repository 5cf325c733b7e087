"""The page in a real browser: opened, clicked, slid, saved."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from reggan_plugin.files.frame import read_frame

from ..sample_frames import SAMPLES as FULL_SAMPLES
from .artist import Artist, dropped, saved_file
from .conftest import SAMPLES, Caller, running_page, studio_of

pytestmark = pytest.mark.browser

FACE = sorted(SAMPLES["avatar_png"].iterdir())[0]


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
    assert difference.max() <= 4  # along lids and lips, where a rounding decides what is seen
    assert (difference > 1).mean() < 1e-4
    assert (np.abs(shown - before) > 20).any()
    assert artist.faults() == []


def test_a_wipe_shows_before_and_after(browser: webdriver.Chrome, page: Caller) -> None:
    artist = Artist(browser, page)
    dropped(artist, FULL_SAMPLES / "avatar_png/avatar.1001.png")  # larger than the view
    artist.wait_for("document.getElementById('canvas').width === 1280")
    artist.wait_for("document.getElementById('save').disabled === false")
    artist.at_rest()
    before = artist.pixels()
    artist.choose("surprised")
    artist.at_rest()
    after = artist.pixels()
    changed = (np.abs(after - before) > 10).any(axis=(0, 2))
    assert changed[: len(changed) // 2].any()
    assert changed[len(changed) // 2 :].any()
    wipe = "const e = document.getElementById('wipe'); e.value = arguments[0];"
    artist.script(wipe + "e.dispatchEvent(new Event('input'))", 50)
    half = artist.pixels()
    middle = before.shape[1] // 2
    assert np.array_equal(half[:, : middle - 4], before[:, : middle - 4])
    assert np.array_equal(half[:, middle + 4 :], after[:, middle + 4 :])
    artist.find("view").send_keys("1")
    assert artist.find("full").get_attribute("aria-pressed") == "true"
    shown = artist.script("return document.getElementById('canvas').getBoundingClientRect().width")
    assert shown == before.shape[1]
    assert artist.script("return document.getElementById('view').scrollLeft") > 0  # to the face
    artist.find("view").send_keys("0")


def test_faults_are_told_and_the_page_goes_on(
    browser: webdriver.Chrome, page: Caller, tmp_path: Path
) -> None:
    artist = Artist(browser, page)
    artist.take_sample("toon")
    broken = tmp_path / "broken.png"
    broken.write_bytes(FACE.read_bytes()[:2000])
    dropped(artist, broken)
    artist.wait_for("!document.getElementById('message').hidden")
    assert artist.message().startswith("broken.png ")
    artist.wait_for("document.getElementById('save').disabled === false")
    assert Select(artist.find("files")).first_selected_option.text.startswith("toon")
    assert artist.message().startswith("broken.png ")
    grey = tmp_path / "grey.png"
    Image.new("RGB", (400, 300), (120, 120, 120)).save(grey)
    dropped(artist, grey)
    artist.wait_for("document.getElementById('message').textContent.includes('Draw a box')")
    assert not artist.find("save").is_enabled()
    artist.draw_box()
    artist.wait_for("document.getElementById('save').disabled === false")
    artist.choose("happy")
    assert artist.message() == ""


def test_a_shot_is_rendered_cancelled_and_resumed(browser: webdriver.Chrome, shot: Path) -> None:
    studio = studio_of()
    studio.files.open(shot)
    with running_page(studio) as page:
        artist = Artist(browser, page)
        artist.wait_for("document.getElementById('start-job').disabled === false")
        artist.show_tab("shot")
        artist.find("start-job").click()
        artist.wait_for("!document.getElementById('message').hidden")
        assert "choose an expression" in artist.message()
        artist.show_tab("expressions")
        artist.choose("happy")
        artist.show_tab("shot")
        artist.find("start-job").click()
        artist.wait_for("!document.getElementById('stop-job').hidden")
        artist.script("document.getElementById('stop-job').click()")
        said = "document.getElementById('job-said').textContent"
        artist.wait_for(f"/^(stopped|finished)/.test({said})")
        artist.find("resume-job").click()
        artist.wait_for(f"{said}.startsWith('finished: 3 of 3')")
        assert str(shot.with_name("shot_happy")) in artist.find("job-said").text
    assert len(list(shot.with_name("shot_happy").glob("*.png"))) == 3


def test_two_tabs_do_not_disturb_each_other(browser: webdriver.Chrome, page: Caller) -> None:
    artist = Artist(browser, page)
    artist.take_sample("toon")
    artist.choose("happy")
    artist.at_rest()
    smile, first = artist.pixels(), browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = Artist(browser, page)
    other.take_sample("statue")
    other.choose("sad")
    browser.close()
    browser.switch_to.window(first)
    artist.slide("intensity", 0.5)
    artist.slide("intensity", 1)
    artist.at_rest()
    assert np.array_equal(artist.pixels(), smile)


def test_a_server_that_ended_is_named(browser: webdriver.Chrome) -> None:
    with running_page(studio_of()) as page:
        artist = Artist(browser, page)
        artist.take_sample("toon")
    artist.find("reset").click()
    artist.script("document.querySelector('#gallery button:nth-of-type(2)').click()")
    artist.wait_for("document.getElementById('message').textContent.includes('Start it again')")


def test_everything_can_be_reached_and_is_named(browser: webdriver.Chrome, page: Caller) -> None:
    artist = Artist(browser, page)
    artist.take_sample("toon")
    shown = artist.script(
        "return [...document.querySelectorAll('button, input, select, canvas')].filter(one =>"
        " one.checkVisibility() && !one.matches('#gallery button:nth-child(n + 4)'))"
    )  # the gallery's tiles are all made alike
    assert [one.get_attribute("outerHTML") for one in shown if not one.accessible_name] == []
    artist.find("open").send_keys(Keys.TAB)
    outlines, seen = set(), set()
    for _ in range(24):  # the gallery and the tabs are one stop each
        focused = browser.switch_to.active_element
        if focused.tag_name != "body":  # past the last one
            outlines.add(focused.value_of_css_property("outline-style"))
        seen.add(focused.get_attribute("id") or focused.text)
        focused.send_keys(Keys.TAB)
    assert outlines <= {"solid"}
    assert {"neutral", "tab-expressions"} <= seen
    assert {"samples", "wipe", "fit", "dial-intensity", "save", "copy-command"} <= seen
    artist.find("tab-expressions").send_keys(Keys.ARROW_RIGHT)
    assert artist.find("shapes").is_displayed()
    artist.find("tab-shapes").send_keys(Keys.ARROW_LEFT)
    count = artist.changes()
    artist.script("document.querySelector('#gallery button').focus()")
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    artist.wait.until(lambda _: artist.changes() > count)
    assert artist.find("dial-happy").get_attribute("value") == "1"


def test_it_fits_narrow_windows(browser: webdriver.Chrome, page: Caller) -> None:
    artist = Artist(browser, page)
    artist.take_sample("toon")
    try:
        for width in (1280, 360):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            assert artist.script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


MOVES = int(os.environ.get("REGGAN_MOVES", "12"))
"""500 take minutes: REGGAN_MOVES=500 pytest --timeout 0 -s tests/ui/test_page_browser.py"""
MOST_GROWTH_MIB = 40


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.slow
def test_memory_stays_flat_over_many_moves(browser: webdriver.Chrome, page: Caller) -> None:
    artist = Artist(browser, page)
    artist.take_sample()
    artist.choose("happy")
    heap = "return performance.memory.usedJSHeapSize / 2**20"
    for number in range(MOVES // 2):  # until what is allocated once has been
        artist.slide("intensity", 0.2 + (number % 100) / 100)
    before, before_heap = resident_mib(), float(artist.script(heap))
    for number in range(MOVES):
        artist.slide("intensity", 0.2 + (number % 100) / 100)
    growth, page_growth = resident_mib() - before, float(artist.script(heap)) - before_heap
    print(f"{MOVES} moves: the program grew by {growth:.1f} MiB, the page by {page_growth:.1f} MiB")
    assert growth < MOST_GROWTH_MIB
    assert page_growth < MOST_GROWTH_MIB
