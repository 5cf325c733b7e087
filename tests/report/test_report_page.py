"""The page of a bad shot in a real browser."""

from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from reggan_plugin.cli import main

from .conftest import RenderedShot

pytestmark = pytest.mark.browser


def shown(browser: webdriver.Chrome) -> list[str]:
    cards = browser.find_elements(By.TAG_NAME, "article")
    return [card.find_element(By.TAG_NAME, "h2").text for card in cards if card.is_displayed()]


def press(browser: webdriver.Chrome, label: str) -> None:
    browser.find_element(By.XPATH, f"//button[text()='{label}']").click()


def test_frames_are_shown_by_problem_and_found_by_a_click(
    browser: webdriver.Chrome, bad_shot: RenderedShot, tmp_path: Path
) -> None:
    page = tmp_path / "shot.html"
    shot = ["--frames", str(bad_shot.source), "--out", str(bad_shot.out)]
    assert main(["report", *shot, "--html", str(page)]) == 1
    browser.get(page.as_uri())
    assert len(shown(browser)) == 13
    press(browser, "missing 2")
    assert shown(browser) == ["a.1003.png", "frame 1012"]
    press(browser, "with a problem 9")
    assert len(shown(browser)) == 9
    press(browser, "flicker 2")
    assert shown(browser) == ["a.1009.png", "a.1010.png"]
    turned = browser.find_element(By.CSS_SELECTOR, "#strip i[data-problem='turned away']")
    turned.click()
    here = browser.find_element(By.CSS_SELECTOR, "article.is-here")
    assert here.text.startswith("a.1006.png")
    assert "40% of the intensity" in here.text
    before = here.find_element(By.CSS_SELECTOR, "img[alt='before']")
    WebDriverWait(browser, 10).until(lambda _: before.get_property("naturalWidth") == 224)
    assert browser.find_elements(By.CSS_SELECTOR, "#graph polyline.change")
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
