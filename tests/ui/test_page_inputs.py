"""What is opened on the page in a real browser: uploads, takes, heads, huge pictures."""

import base64
import io
import os
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from reggan_plugin.files.frame import read_frame
from reggan_plugin.ui import open_frame
from reggan_plugin.vocabulary.expression import read_presets

from ..sample_frames import SAMPLES as FULL_SAMPLES
from ..textures.conftest import make_head, sample_face, write_glb
from .artist import Artist, dropped, saved_file
from .conftest import SAMPLES, Caller, running_page, studio_of

pytestmark = pytest.mark.browser

FACE = sorted(SAMPLES["avatar_png"].iterdir())[0]


def test_dropped_files_are_uploaded_and_shown(
    browser: webdriver.Chrome, page: Caller, downloads: Path, tmp_path: Path
) -> None:
    artist = Artist(browser, page)
    script = """
      const transfer = new DataTransfer();
      const levels = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
      transfer.items.add(new File([levels], "dropped.1001.png"));
      document.getElementById("view").dispatchEvent(
        new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: transfer}));
    """
    artist.script(script, base64.b64encode(FACE.read_bytes()).decode())
    artist.wait_for(
        "document.getElementById('files').selectedOptions[0]?.text === 'dropped.1001.png'"
    )
    artist.wait_for("document.getElementById('save').disabled === false")
    artist.choose("sad")
    artist.find("copy-command").click()
    artist.wait_for("document.getElementById('words').value !== ''")
    words = artist.find("words").get_attribute("value")
    assert words is not None
    assert words.endswith("--frames dropped.1001.png --expression sad --out dropped.1001_sad")
    assert saved_file(artist, downloads).name == "dropped.1001_sad.png"
    assert artist.faults() == []


def test_shapes_and_layers_of_a_motion_model(browser: webdriver.Chrome, motion_model: Path) -> None:
    with running_page(studio_of(motion_model)) as page:
        artist = Artist(browser, page)
        artist.take_sample("toon")
        assert artist.script("return document.querySelectorAll('#gallery button').length") == 66
        before = artist.pixels()
        artist.slide("jawOpen", 0.8)
        artist.at_rest()
        moved = artist.pixels()
        assert (np.abs(moved - before) > 20).any()
        for layer in ("motion", "gain", "cover"):
            count = artist.changes()
            Select(artist.find("layer")).select_by_value(layer)

            artist.wait.until(lambda _, count=count: artist.changes() > count)
            artist.at_rest()
            assert np.array_equal(artist.pixels(), moved) is (layer == "cover")
        artist.slide("mouthSmileLeft", 0.5)
        assert artist.find("dial-mouthSmileRight").get_attribute("value") == "0.5"
        assert artist.faults() == []


def test_a_folder_with_two_faces_is_blended_and_kept(
    browser: webdriver.Chrome, motion_model: Path, downloads: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    left = Image.open(FACE).convert("RGB")
    pair = Image.new("RGB", (2 * left.width, left.height))
    pair.paste(left)
    pair.paste(left.resize((left.width * 4 // 5, left.height * 4 // 5)), (left.width, 0))
    for name in ("pair.1001.png", "pair.1002.png"):
        pair.save(folder / name)
    with running_page(studio_of(motion_model)) as page:
        artist = Artist(browser, page)
        dropped(artist, folder, picker="folder-picker")
        artist.wait_for("document.getElementById('save').disabled === false")
        files = [one.text for one in Select(artist.find("files")).options]
        assert files == ["pair.1001.png", "pair.1002.png"]
        artist.find("faces").find_elements(By.TAG_NAME, "button")[1].click()
        artist.script("document.querySelector('#shapes input[type=checkbox]').click()")
        artist.slide("jawOpen", 0.8)
        artist.at_rest()
        open_mouth = artist.pixels()
        artist.find("reset").click()
        moved = (np.abs(artist.pixels() - open_mouth) > 20).any(axis=(0, 2))
        assert moved[left.width :].any()
        assert not moved[: left.width].any()  # the other face
        artist.slide("mouthSmileLeft", 0.5)
        assert artist.find("dial-mouthSmileRight").get_attribute("value") == "0"
        artist.choose("happy")
        with_shift = "new MouseEvent('click', {shiftKey: true})"
        artist.script(
            "[...document.querySelectorAll('#gallery button')].find((one) => one.textContent "
            f"=== 'sad').dispatchEvent({with_shift})"
        )
        dials = [artist.find(f"dial-{name}").get_attribute("value") for name in ("happy", "sad")]
        assert dials == ["1", "0.5"]
        artist.find("copy-python").click()
        artist.wait_for("document.getElementById('words').value.includes(\"'sad': 0.5\")")
        artist.find("preset-name").send_keys("torn")
        preset = read_presets(saved_file(artist, downloads, "save-preset"))
        assert list(preset) == ["torn"]
        assert artist.faults() == []


def test_each_face_keeps_its_own_expression(
    browser: webdriver.Chrome, motion_model: Path, tmp_path: Path
) -> None:
    left = Image.open(FACE).convert("RGB")
    pair = Image.new("RGB", (2 * left.width, left.height))
    pair.paste(left)
    pair.paste(left.resize((left.width * 4 // 5, left.height * 4 // 5)), (left.width, 0))
    pair.save(tmp_path / "pair.png")
    with running_page(studio_of(motion_model)) as page:
        artist = Artist(browser, page)
        dropped(artist, tmp_path / "pair.png")
        artist.wait_for("document.getElementById('save').disabled === false")
        plain = artist.pixels()
        artist.find("each").click()
        artist.slide("jawOpen", 0.8)
        artist.at_rest()
        first, second = artist.find("faces").find_elements(By.TAG_NAME, "button")
        second.click()
        artist.at_rest()
        assert artist.find("dial-jawOpen").get_attribute("value") == "0"
        artist.slide("jawOpen", 0.3)
        artist.at_rest()
        moved = (np.abs(artist.pixels() - plain) > 20).any(axis=(0, 2))
        assert moved[: left.width].any()
        assert moved[left.width :].any()
        artist.find("copy-command").click()
        artist.wait_for(
            "document.getElementById('words').value.includes('--face 0=jawOpen:0.8 "
            "--face 1=jawOpen:0.3')"
        )
        first.click()
        artist.at_rest()
        assert artist.find("dial-jawOpen").get_attribute("value") == "0.8"
        assert artist.faults() == []


def test_a_take_is_scrubbed_through(
    browser: webdriver.Chrome, motion_model: Path, tmp_path: Path
) -> None:
    take = tmp_path / "take.csv"
    take.write_text("frame,jawOpen\n1001,0\n1002,0.8\n1003,0.2\n")
    with running_page(studio_of(motion_model)) as page:
        artist = Artist(browser, page)
        artist.take_sample("toon")
        before = artist.pixels()
        dropped(artist, take)
        artist.wait_for("!document.getElementById('take-rows').hidden")
        assert "3 rows" in artist.find("take-name").text
        scrub = "const e = document.getElementById('take-row'); e.value = arguments[0];"
        count = artist.changes()
        artist.script(scrub + "e.dispatchEvent(new Event('input'))", 1)
        artist.wait_for("document.getElementById('dial-jawOpen').value === '0.8'")
        artist.wait.until(lambda _: artist.changes() > count)
        artist.at_rest()
        assert (np.abs(artist.pixels() - before) > 20).any()
        assert artist.find("take-said").text.startswith("1,")
        artist.find("copy-take").click()
        artist.wait_for("document.getElementById('words').value.includes('--curves take.csv')")
        assert artist.faults() == []


def test_a_take_without_a_shot_has_no_command_yet(
    browser: webdriver.Chrome, motion_model: Path, tmp_path: Path
) -> None:
    take = tmp_path / "take.csv"
    take.write_text("frame,jawOpen\n1001,0\n1002,0.8\n")
    with running_page(studio_of(motion_model)) as page:
        artist = Artist(browser, page)
        dropped(artist, take)
        artist.wait_for("!document.getElementById('take-rows').hidden")
        artist.find("copy-take").click()
        artist.wait_for("document.getElementById('status').textContent === 'Open the shot first.'")
        assert artist.faults() == []


def test_a_head_is_changed_and_saved(
    browser: webdriver.Chrome, page: Caller, downloads: Path, tmp_path: Path
) -> None:
    head = make_head(sample_face(page.studio.transfer))
    image = io.BytesIO()
    Image.fromarray(head.picture).save(image, format="PNG")
    write_glb(tmp_path / "bust.glb", head, image=image.getvalue())
    artist = Artist(browser, page)
    dropped(artist, tmp_path / "bust.glb")
    artist.wait_for("document.getElementById('save').textContent === 'Save the head'")
    artist.wait_for("document.getElementById('save').disabled === false")
    assert not artist.find("tab-shot").is_displayed()
    before = artist.pixels()
    artist.choose("angry")
    artist.at_rest()
    angry = artist.pixels()
    assert (np.abs(angry - before) > 20).any()
    saved = saved_file(artist, downloads)
    assert saved.name == "bust_angry.glb"
    assert saved.read_bytes()[:4] == b"glTF"
    Select(artist.find("files")).select_by_visible_text("bust.glb, its map")
    artist.wait_for("document.getElementById('save').textContent === 'Save its map'")
    artist.wait_for("document.getElementById('save').disabled === false")
    artist.at_rest()
    shown = artist.pixels()
    assert (np.abs(shown - head.picture) > 20).any()
    saved = saved_file(artist, downloads)
    assert saved.name == "bust_angry.png"
    assert np.array_equal(np.asarray(Image.open(saved).convert("RGB")), shown)
    artist.find("copy-command").click()
    artist.wait_for("document.getElementById('words').value.includes('texture --mesh bust.glb')")
    artist.take_sample("toon")
    assert artist.find("save").text == "Save the frame"
    count = artist.changes()
    artist.draw_box()
    artist.wait.until(lambda _: artist.changes() > count)
    artist.at_rest()
    Select(artist.find("files")).select_by_visible_text("bust.glb, from the front")
    artist.wait_for("document.getElementById('save').textContent === 'Save the head'")
    artist.wait_for("document.getElementById('save').disabled === false")
    artist.at_rest()
    assert np.array_equal(artist.pixels(), angry)  # the box was of the frame
    assert artist.faults() == []


def test_a_glb_that_is_no_head_is_told(
    browser: webdriver.Chrome, page: Caller, tmp_path: Path
) -> None:
    artist = Artist(browser, page)
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF")
    dropped(artist, broken)
    artist.wait_for("document.getElementById('message').textContent.includes('broken.glb')")
    artist.find("dismiss").click()
    assert not artist.find("message").is_displayed()


MAGNIFIED = int(os.environ.get("REGGAN_MAGNIFIED", "1"))
"""Of 1280x720: 4 is 5120x2880, 6 is 7680x4320. At 1, pages are said to show 1024 pixels at most."""


def test_a_huge_exr_is_shown_and_changed(
    browser: webdriver.Chrome, page: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if MAGNIFIED == 1:
        monkeypatch.setattr(open_frame, "LONGEST_SCREEN_PX", 1024)
    frame = read_frame(FULL_SAMPLES / "avatar_exr/avatar.1001.exr")
    assert frame.alpha is not None
    levels = np.dstack([frame.pixels, frame.alpha]).astype(np.float16)
    huge = levels.repeat(MAGNIFIED, axis=0).repeat(MAGNIFIED, axis=1)
    path = tmp_path / "huge.exr"
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGBA": huge}).write(str(path))
    artist = Artist(browser, page, timeout_s=300)
    dropped(artist, path)
    artist.wait_for("document.getElementById('save').disabled === false")
    size = f"{1280 * MAGNIFIED}×{720 * MAGNIFIED}"
    artist.wait_for(f"document.getElementById('status').textContent.includes('{size}')")
    said = artist.find("status").text
    assert f"{size}, 1 face" in said
    assert "1/2 of its size" in said
    shown = "const c = document.getElementById('canvas'); return [c.width, c.height]"
    assert artist.script(shown) == [640 * MAGNIFIED, 360 * MAGNIFIED]
    at_mouth = (
        "const c = document.getElementById('canvas');"
        "const [x, y] = [0.45 * c.width, 0.68 * c.height];"
        "return [...c.getContext('2d').getImageData(x, y, 96, 96).data]"
    )
    before = np.array(artist.script(at_mouth))
    artist.choose("surprised")
    artist.at_rest()
    assert artist.faults() == []
    assert (np.abs(np.array(artist.script(at_mouth)) - before) > 20).any()
