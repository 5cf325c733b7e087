"""A whole study in a real browser: typed and clicked through, saved, and tallied."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from reggan_plugin.cli import main

pytestmark = pytest.mark.browser

WANTED = {"expression": "reggan", "identity": "sargan", "realism": "reggan"}
"""What the rater of this test prefers."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four comparisons and an attention check: thirteen questions."""
    root = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(("skin_01009", "stone_01001")):
        for folder, level in (("input", 90), ("reggan/happy", 150), ("sargan/happy", 210)):
            for expression in ("happy", "sad") if "/" in folder else ("",):
                path = root / folder.replace("happy", expression) / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                tint = 60 * number + 20 * (expression == "sad")
                Image.new("RGB", (64, 64), (level, 100 + tint, 60)).save(path)
    methods = ["--methods", str(root / "reggan"), "--methods", str(root / "sargan")]
    words = ["study", "make", *methods, "--input", str(root / "input"), "--attention-checks", "1"]
    assert main([*words, "--contact", "Ada Example", "--out", str(root / "study")]) == 0
    return root / "study"


class Rater:
    """Somebody before the page."""

    def __init__(self, browser: webdriver.Chrome, study: Path) -> None:
        self.browser = browser
        self.wait = WebDriverWait(browser, 10, poll_frequency=0.02)
        self.key = json.loads((study / "key.json").read_text())
        browser.get((study / "raters" / "index.html").as_uri())
        source = self.find("study").get_attribute("textContent")
        self.page: dict[str, Any] = json.loads(source or "")

    def find(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    @property
    def place(self) -> str:
        return self.find("place").text

    def wait_for(self, name: str) -> None:
        self.wait.until(lambda _: self.find(name).is_displayed())

    def begin(self) -> None:
        """Agree and begin, with the keyboard alone."""
        assert not self.find("begin").is_enabled()
        while self.browser.switch_to.active_element.get_attribute("id") != "consent":
            self.press(Keys.TAB)
        self.press(Keys.SPACE, Keys.TAB, Keys.ENTER)
        self.wait_for("comparison")

    def wanted_side(self) -> int:
        """0 where the picture that this rater prefers stands on the left, 1 on the right."""
        name_of = {uri: name for name, uri in self.page["pictures"].items()}
        left, right = (
            name_of[self.find(f"choice-{n}").find_element(By.TAG_NAME, "img").get_attribute("src")]
            for n in (1, 2)
        )
        (labels,) = (
            trial["pictures"]
            for trial in self.key["trials"].values()
            if trial["pictures"].keys() == {left, right}
        )
        if "same person" in labels.values():
            return int(labels[right] == "same person")
        asked = self.find("question").text
        question = (
            "identity" if "same person" in asked else "realism" if "real" in asked else "expression"
        )
        if question == "expression":
            assert asked in ("Which looks more happy?", "Which looks more sad?")
        return int(labels[right] == WANTED[question])

    def answer(self, number: int) -> None:
        """Answer one question: by digit, by arrow, by Tab and Enter, or by the mouse in turn."""
        before, side = self.place, self.wanted_side()
        if number % 4 == 0:
            self.press("12"[side])
        elif number % 4 == 1:
            self.press((Keys.ARROW_LEFT, Keys.ARROW_RIGHT)[side])
        elif number % 4 == 2:
            self.press(*[Keys.TAB] * (side + 1), Keys.ENTER)
        else:
            self.find(f"choice-{side + 1}").click()
        self.wait.until(lambda _: self.find("end").is_displayed() or self.place != before)

    def save(self, downloads: Path) -> Path:
        """Save the answers; the file that the browser wrote."""
        known = set(downloads.glob("*.json"))
        self.find("save").click()
        self.wait.until(lambda _: set(downloads.glob("*.json")) - known)
        (path,) = set(downloads.glob("*.json")) - known
        assert path.name in self.find("saved").text
        return path


def test_a_study_is_answered_saved_and_tallied(
    browser: webdriver.Chrome, study: Path, downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rater = Rater(browser, study)
    assert "Questions about this study: Ada Example" in rater.find("start").text
    assert "Anonymous." in rater.find("start").text
    rater.begin()
    assert rater.place.startswith("Pair 1 of 5, question 1 of ")
    for number in range(6):
        rater.answer(number)
    place, question = rater.place, rater.find("question").text
    browser.refresh()  # what was answered stays answered
    WebDriverWait(browser, 20).until(lambda _: rater.place)
    assert (rater.place, rater.find("question").text) == (place, question)
    rater.press(Keys.BACKSPACE)
    assert rater.place != place
    rater.find("stop").click()
    assert "8 of 13 questions are open" in rater.find("what-now").text
    rater.find("go-on").click()
    for number in range(8):
        rater.answer(number)
    assert rater.find("thanks").text == "Thank you"
    assert not rater.find("go-on").is_displayed()
    first = rater.save(downloads)
    assert (
        str(rater.find("copy").get_property("value")).partition('"saved_at"')[0]
        in first.read_text()
    )

    rater.find("forget").click()  # somebody else takes the seat, and leaves early
    browser.switch_to.alert.accept()
    rater.wait_for("start")
    rater.begin()
    for number in range(2):
        rater.answer(number)
    rater.find("stop").click()
    second = rater.save(downloads)
    sheets = [json.loads(path.read_text()) for path in (first, second)]
    assert [sheet["is_complete"] for sheet in sheets] == [True, False]
    assert sheets[0]["rater"] != sheets[1]["rater"]
    assert [len(sheet["answers"]) for sheet in sheets] == [13, 2]
    assert all(answer["duration_ms"] >= 0 for answer in sheets[0]["answers"])

    capsys.readouterr()
    words = ["study", "tally", str(first), str(second), "--key", str(study / "key.json"), "--json"]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    shares = {one["question"]: one["preferred"]["share"] for one in document["preferences"]}
    assert shares == {"expression": 1.0, "identity": 0.0, "realism": 1.0}
    assert document["raters"] == 2
    assert document["incomplete"] == 1
    assert set(document["failures"].values()) == {0}

    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert all(name.startswith("data:") for name in browser.execute_script(script))
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (1280, 720), (1920, 1080)])
def test_a_question_fits_the_screen_and_shows_its_focus(
    browser: webdriver.Chrome, study: Path, width: int, height: int
) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    rater = Rater(browser, study)
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    rater.begin()
    script = "const e = document.documentElement; return [e.scrollWidth, e.scrollHeight]"
    assert browser.execute_script(script) == [width, height]
    for name in ("original", "choice-1", "choice-2"):
        box = rater.find(name).rect
        assert min(box["width"], box["height"]) >= 0.3 * min(width, height)
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for name in ("choice-1", "choice-2"):
        rater.press(Keys.TAB)
        focused = browser.switch_to.active_element
        assert focused.get_attribute("id") == name
        assert focused.value_of_css_property("outline-width") == "3px"
        assert focused.accessible_name.startswith(("Left picture", "Right picture"))
