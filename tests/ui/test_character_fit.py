"""Sliders of the page fit a take, or the camera, to the face on the stage, and are kept."""

import json
import shlex
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.support.select import Select

from reggan_plugin.commands.options.model import open_model
from reggan_plugin.commands.options.options_and_settings_file import keep_character
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.retargeting import text_of_table
from reggan_plugin.errors import UsageError
from reggan_plugin.json_and_toml import parse_toml
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.open_take import CharacterFit
from reggan_plugin.ui.page_actions import Studio

from ..perform.conftest import ScriptedReader, reading
from .artist import Artist, picture, saved_file
from .conftest import SAMPLES, Caller, running_page
from .test_live_performance import sent

TAKE = b"frame,jawOpen,mouthSmileLeft,mouthSmileRight\n1,0,0,0\n2,0.4,0.8,0.4\n3,0.4,0,0\n"
HERO = {"jawOpen": {"gain": 0.5, "offset": 0.1}, "asymmetry": 0.5}


def studio_of(settings: Path, reader: ScriptedReader | None = None) -> Studio:
    fit = CharacterFit(
        characters={"villain": {"brows": 1.4}},
        keep=lambda name, table: keep_character(settings, name, text_of_table(name, table)),
    )
    opened = partial(open_model, None, "cpu")
    files = OpenFiles(tuple(SAMPLES.values()))
    return Studio(opened, files, open_reader=lambda: reader or ScriptedReader([]), fit=fit)


def weights(page: Caller, row: int) -> dict[str, float]:
    return dict(json.loads(page.post("take/row", row=row)[1])["weights"])


def test_a_fit_holds_for_rows_the_camera_the_command_and_is_kept(tmp_path: Path) -> None:
    settings = tmp_path / "show.toml"
    settings.write_text("# mine\n[character.hero]\nbrows = 2\n\n[render]\nintensity = 0.8\n")
    reader = ScriptedReader([[reading({"jawOpen": 0.4}, lips=0.4)]])
    with running_page(studio_of(settings, reader)) as page:
        page.call("PUT", "take?name=take.csv", TAKE)
        assert weights(page, 1)["jawOpen"] == 0.4
        assert page.post("character", table=HERO)[0] == 200
        asked = {"jawOpen": 0.3, "mouthSmileLeft": 0.7, "mouthSmileRight": 0.5, "shutMouth": 1}
        assert weights(page, 1) == pytest.approx(asked)
        assert sent(page, 0.0)["weights"] == pytest.approx({"jawOpen": 0.3, "shutMouth": 1})
        words = {"file": page.open_sample(), "face": 0, "change": {"weights": {"jawOpen": 0.5}}}
        said = json.loads(page.post("words", **words, kind="take")[1])["words"]
        fit = ["--curves-gain", "jawOpen=0.5,0.1", "--curves-asymmetry", "0.5"]
        assert shlex.split(said)[4:10] == ["--curves", "take.csv", *fit]
        (tmp_path / "fitted.csv").write_bytes(page.post("take/fitted")[1])
        take = read_take(tmp_path / "fitted.csv")
        assert take.weights[:, take.names.index("jawOpen")] == pytest.approx([0.1, 0.3, 0.3])
        answer = json.loads(page.post("character/save", name="hero")[1])
        assert (answer["path"], set(answer["characters"])) == (str(settings), {"villain", "hero"})
        text = settings.read_text()
        assert text.startswith("# mine\n[character.hero]\njawOpen")
        assert tomllib.loads(text) == {"character": {"hero": HERO}, "render": {"intensity": 0.8}}
        learnt = json.loads(page.post("character/learn")[1])["table"]
        assert learnt["mouthSmileLeft"]["gain"] == pytest.approx(1.28, abs=0.05)
        assert json.loads(page.call("GET", "state")[1])["fit"]["table"] == learnt


@pytest.mark.parametrize(
    ("address", "body", "said"),
    [
        ("character", {"table": {"browz": 1}}, "'browz' is neither a face shape nor one of"),
        ("character", {"table": 3}, "it is no table"),
        ("character/save", {"name": "a]b"}, "is no name of a character; expected letters"),
        ("character/learn", {}, "No recorded performance is open"),
        ("take/fitted", {}, "No recorded performance is open"),
    ],
)
def test_what_is_no_fit_is_said(page: Caller, address: str, body: Any, said: str) -> None:
    status, content = page.post(address, **body)
    assert status == 400
    assert said in json.loads(content)["message"]


def test_comments_of_a_character_stay(tmp_path: Path) -> None:
    settings = tmp_path / "show.toml"
    text = (
        "# of the show\n[character.hero]  # the lead\n# by Ana\nbrows = 1  # as approved\n"
        "jaw = 2  # was too wide\n\n# for render\n[render]\nout = 'x'\n"
    )
    settings.write_text(text)
    keep_character(settings, "hero", text_of_table("hero", {"brows": 1.4, "mouth": 0.8}))
    assert settings.read_text() == text.replace("brows = 1 ", "brows = 1.4 ").replace(
        "jaw = 2  # was", "mouth = 0.8\n# was"
    )


def test_a_settings_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    settings, link = tmp_path / "show.toml", tmp_path / "link.toml"
    settings.write_text("# mine\n")
    link.symlink_to(settings)
    with pytest.raises(UsageError, match=r"link\.toml is a link, which is not replaced"):
        keep_character(link, "hero", text_of_table("hero", HERO))
    assert link.is_symlink()
    assert settings.read_text() == "# mine\n"


@pytest.mark.parametrize("text", ["character = 3\n", "[character]\nhero = { brows = 2 }\n", "a\n"])
def test_a_settings_file_that_cannot_take_it_stays_as_it_is(text: str, tmp_path: Path) -> None:
    settings = tmp_path / "show.toml"
    settings.write_text(text)
    with pytest.raises(UsageError, match="Write it by hand"):
        keep_character(settings, "hero", text_of_table("hero", HERO))
    assert settings.read_text() == text
    fresh = tmp_path / "new" / "show.toml"
    keep_character(fresh, "hero", text_of_table("hero", HERO))
    keep_character(fresh, "zoe", text_of_table("zoe", {"brows": 1.4}))
    assert tomllib.loads(fresh.read_text()) == {"character": {"hero": HERO, "zoe": {"brows": 1.4}}}


@pytest.mark.browser
def test_the_face_follows_the_sliders_and_undo_reset_and_reload_do(
    browser: webdriver.Chrome, downloads: Path, tmp_path: Path
) -> None:
    (tmp_path / "take.csv").write_bytes(TAKE)
    with running_page(studio_of(tmp_path / "show.toml")) as page:
        artist = Artist(browser, page)
        artist.take_sample()
        artist.find("take-picker").send_keys(str(tmp_path / "take.csv"))
        jaw = "Number(document.getElementById('dial-jawOpen').value)"
        artist.wait_for("!document.getElementById('take-rows').hidden")
        artist.script(
            "const e = document.getElementById('take-row'); e.value = 1;"
            "e.dispatchEvent(new Event('input'))"
        )
        artist.wait_for(f"{jaw} === 0.4")
        artist.at_rest()
        before = artist.pixels()
        artist.script("document.getElementById('fitting').open = true")
        Select(artist.find("character-add")).select_by_value("jaw")
        artist.wait_for("!document.getElementById('undo').disabled")
        artist.slide("jaw-gain", 2)
        artist.script("document.getElementById('dial-jaw-gain').dispatchEvent(new Event('change'))")
        artist.wait_for(f"{jaw} === 0.8")
        artist.at_rest()
        assert np.abs(artist.pixels() - before).max() > 40
        artist.wait.until(lambda _: page.studio.fit.table == {"jaw": {"gain": 2}})
        artist.script("document.getElementById('save-fitted').scrollIntoView(false)")
        picture(artist, "page_fit")
        artist.find("character-name").send_keys("hero")
        artist.find("save-character").click()
        artist.wait_for("document.getElementById('status').textContent.startsWith('Saved [char')")
        saved = tomllib.loads((tmp_path / "show.toml").read_text())
        assert saved == {"character": {"hero": {"jaw": {"gain": 2}}}}
        fitted = read_take(saved_file(artist, downloads, "save-fitted"))
        assert fitted.weights[1, fitted.names.index("jawOpen")] == pytest.approx(0.8)
        artist.find("undo").click()
        artist.wait_for(f"{jaw} === 0.4")
        assert artist.script("return document.getElementById('dial-jaw-gain').value") == "1"
        artist.find("redo").click()
        artist.wait_for(f"{jaw} === 0.8")
        browser.refresh()
        artist.wait_for("document.body.dataset.ready")
        assert artist.script("return document.getElementById('dial-jaw-gain').value") == "2"
        artist.script("document.getElementById('fitting').open = true")
        artist.find("reset-character").click()
        artist.wait.until(lambda _: page.studio.fit.table == {})
        Select(artist.find("characters")).select_by_value("hero")
        artist.wait.until(lambda _: page.studio.fit.table == {"jaw": {"gain": 2}})
        artist.find("tab-take").click()
        assert artist.faults() == []


@pytest.mark.parametrize("name", ["hero", "a]b", 'a"b', "x\ny = 1", "a.b", "é"])
def test_a_table_is_toml_whatever_the_character_is_called(name: str) -> None:
    table = parse_toml(text_of_table(name, {"brows": 1.4}))
    assert table == {"character": {name: {"brows": 1.4}}}
