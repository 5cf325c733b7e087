"""The page's *Performance* tab: a camera and a clip move the face, and are kept as a take."""

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver

from reggan_plugin import ExpressionTransfer, read_frame
from reggan_plugin.commands.options.model import open_model
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.perform.face_reading import FaceReading
from reggan_plugin.perform.read_expression import open_reader
from reggan_plugin.perform.steady_curves import OneEuroFilter
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.page_actions import Studio

from ..chromium import open_chromium
from ..perform.conftest import ScriptedReader, reading
from .artist import Artist
from .conftest import SAMPLES, Caller, running_page, studio_of

FACE = sorted(SAMPLES["avatar_png"].iterdir())[0]
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8}


def picture(width: int = 64, height: int = 48, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "brown").save(buffer, kind)
    return buffer.getvalue()


def studio_with(reader: ScriptedReader) -> Studio:
    return Studio(partial(open_model, None, "cpu"), OpenFiles(()), open_reader=lambda: reader)


def sent(page: Caller, time: float, *, records: bool = False) -> dict:
    address = f"performance/picture?time={time}&records={str(records).lower()}"
    status, content, _ = page.call("PUT", address, picture())
    assert status == 200, content
    return json.loads(content)


def test_pictures_are_read_and_a_recording_becomes_a_take(tmp_path: Path) -> None:
    faces = [[reading({"eyeSquintLeft": 0.5}, lips=0.2)]]
    faces += [[reading({"eyeSquintLeft": 0.5, **SMILE}, lips=0.2)] for _ in range(8)]
    faces += [[], [reading({"eyeSquintLeft": 0.5}), reading({}, middle=(55, 20))]]
    reader = ScriptedReader(faces)
    with running_page(studio_with(reader)) as page:
        assert page.post("performance/rest")[0] == 400, "no face was seen yet"
        first = sent(page, 0.0)
        assert first["weights"] == {"eyeSquintLeft": 0.5, "shutMouth": 1.0}
        assert (first["faces"], first["has_rest"]) == (1, False)
        assert page.post("performance/rest")[0] == 200
        assert page.post("performance/begin")[0] == 200
        shown = [sent(page, 1 + k / 30, records=True) for k in range(8)]
        assert shown[-1]["weights"]["mouthSmileLeft"] == pytest.approx(0.8, abs=0.05)
        assert "eyeSquintLeft" not in shown[-1]["weights"]
        assert shown[-1]["recorded"] == 8
        lost = sent(page, 2.0)
        assert (lost["is_seen"], lost["weights"]) == (False, {})
        assert sent(page, 2.1)["faces"] == 2
        status, content = page.post("performance/take", **{"from": 0.05, "to": 9})
        assert status == 200
        (tmp_path / "take.csv").write_bytes(content)
        take = read_take(tmp_path / "take.csv")
        assert len(take.times_s) == 6
        smile = take.weights[:, take.names.index("mouthSmileRight")]
        assert smile == pytest.approx(np.full(6, 0.8), abs=0.01)
        assert page.post("performance/take", **{"from": 5, "to": 9})[0] == 400
    assert reader.is_closed


def test_the_expression_of_one_picture_is_read() -> None:
    two = [reading({**SMILE, "jawOpen": 0.005}, lips=0.2), reading({}, middle=(55, 20))]
    with running_page(studio_with(ScriptedReader([two, []]))) as page:
        status, content, _ = page.call("PUT", "performance/like?name=me.jpg", picture())
        answer = json.loads(content)
        assert (status, answer["weights"]) == (200, {**SMILE, "shutMouth": 1.0})
        assert answer["notes"] == ["me.jpg shows 2 faces; the largest one is read."]
        status, content, _ = page.call("PUT", "performance/like?name=me.jpg", picture())
        assert status >= 400
        assert "me.jpg (64x48) shows no face" in json.loads(content)["message"]
        assert page.call("PUT", "performance/like", picture(4097, 4096))[0] == 422


@pytest.mark.browser
@pytest.mark.slow
def test_the_face_on_the_stage_shows_what_a_picture_shows(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    frame = read_frame(FACE)
    wide = ExpressionTransfer(device="cpu").apply(frame, {"jawOpen": 0.8})
    path = tmp_path / "liked.png"
    Image.fromarray(np.rint(np.clip(wide, 0, 1) * 255).astype(np.uint8)).save(path)
    files = OpenFiles(tuple(SAMPLES.values()))
    studio = Studio(
        partial(open_model, None, "cpu"), files, open_reader=partial(open_reader, "character")
    )
    with running_page(studio) as page:
        artist = Artist(browser, page, timeout_s=60)
        artist.take_sample()
        artist.show_tab("take")
        artist.find("like-picker").send_keys(str(path))
        artist.wait_for("Number(document.getElementById('dial-jawOpen').value) > 0.3")
        artist.wait_for("document.getElementById('camera-said').textContent.includes('liked.png')")
        assert artist.faults() == []


def test_what_is_no_picture_or_has_no_reader_is_told() -> None:
    with running_page(studio_with(ScriptedReader([]))) as page:
        for address, body, status in (
            ("performance/picture?time=1", b"broken", 422),
            ("performance/picture?time=soon", picture(), 400),
            ("performance/picture?time=nan", picture(), 400),
            ("performance/picture?time=1", bytes(5 << 20), 422),
            ("performance/picture?time=1", picture(4097, 4096), 422),
            ("performance/picture?time=1", picture(16384, 16384), 422),
            ("performance/picture?time=1", picture(kind="PNG"), 422),
        ):
            assert page.call("PUT", address, body)[0] == status, address
        assert page.post("performance/take", **{"from": "a", "to": 1})[0] == 400
    with running_page(studio_of()) as page:
        status, content, _ = page.call("PUT", "performance/picture?time=1", picture())
        assert (status, json.loads(content)["kind"]) == (400, "no-landmarker")


def test_a_still_value_is_steadied_and_a_jump_is_followed() -> None:
    random, made = np.random.default_rng(2), OneEuroFilter()
    noise = 0.03 * random.standard_normal(60)
    still = [float(made.steady(np.array([one]), k / 30)[0]) for k, one in enumerate(noise)]
    assert np.std(np.diff(still)) < 0.4 * np.std(np.diff(noise))
    jump = [float(made.steady(np.array([1.0]), (60 + k) / 30)[0]) for k in range(6)]
    assert jump[3] > 0.8


def write_camera(path: Path) -> None:
    """A clip for the fake camera: 2.7 seconds of a face at rest, as many with an open mouth."""
    frame = read_frame(FACE)
    wide = ExpressionTransfer(device="cpu").apply(frame, {**SMILE, "jawOpen": 0.7})
    size = (320, 240)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W320 H240 F15:1 Ip A1:1 C420mpeg2\n")
        for pixels, count in ((frame.pixels, 40), (wide, 40)):
            levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
            planes = Image.fromarray(levels).resize(size).convert("YCbCr").split()
            for _ in range(count):
                file.write(b"FRAME\n")
                file.write(planes[0].tobytes())
                for plane in planes[1:]:
                    file.write(plane.resize((160, 120)).tobytes())


@pytest.fixture
def filmed(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A browser before whose camera a character opens its mouth."""
    write_camera(tmp_path / "camera.y4m")
    flags = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
    )
    browser = open_chromium(tmp_path / "profile", tmp_path, flags)
    if browser is None:
        pytest.skip("needs Chromium and its driver")
    yield browser
    browser.quit()


@pytest.mark.browser
@pytest.mark.slow
def test_the_character_on_the_stage_follows_the_camera(filmed: webdriver.Chrome) -> None:
    files = OpenFiles(tuple(SAMPLES.values()))
    studio = Studio(
        partial(open_model, None, "cpu"), files, open_reader=partial(open_reader, "character")
    )
    with running_page(studio) as page:
        artist = Artist(filmed, page, timeout_s=60)
        artist.take_sample()
        before = artist.pixels()
        artist.show_tab("take")
        artist.find("camera").click()
        dial = "Number(document.getElementById('dial-jawOpen').value)"
        artist.wait_for(f"{dial} > 0.3")
        artist.wait_for(f"{dial} < 0.2")
        artist.find("camera-rest").click()
        artist.wait_for(f"{dial} > 0.25")
        artist.find("record").click()
        artist.wait_for(f"{dial} < 0.1")
        artist.wait_for(f"{dial} > 0.25")
        artist.wait_for("performance.getEntriesByName('change').length > 2")
        artist.wait.until(lambda _: (np.abs(artist.pixels() - before) > 20).any())
        artist.find("record").click()
        artist.find("camera").click()
        assert not artist.find("camera-picture").is_displayed()
        artist.find("keep-take").click()
        artist.wait_for("!document.getElementById('take-rows').hidden")
        rows = int(artist.find("take-row").get_attribute("max") or 0) + 1
        assert rows > 4
        take = studio.needed_take().take
        jaw = take.weights[:, take.names.index("jawOpen")]
        assert np.ptp(jaw) > 0.2
        artist.find("play-take").click()
        artist.wait_for(f"document.getElementById('take-row').value === '{rows - 1}'")
        assert artist.faults() == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("NotAllowedError", "was not allowed to use the camera"),
        ("NotFoundError", "There is no camera."),
        ("NotReadableError", "The camera is in use by another program."),
    ],
)
def test_a_camera_that_is_refused_or_missing_is_said(
    fault: str, said: str, browser: webdriver.Chrome, page: Caller
) -> None:
    artist = Artist(browser, page)
    artist.take_sample("toon")
    artist.show_tab("take")
    artist.script(
        "navigator.mediaDevices.getUserMedia = () =>"
        f" Promise.reject(new DOMException('no', '{fault}'))"
    )
    artist.find("camera").click()
    artist.wait_for("!document.getElementById('message').hidden")
    assert said in artist.message()
    assert artist.find("camera").text == "Use the camera"


DRAWN_CAMERA = """
    const canvas = document.createElement('canvas');
    setInterval(() => canvas.getContext('2d').fillRect(0, 0, 9, 9), 50);
    navigator.mediaDevices.getUserMedia = () => Promise.resolve(canvas.captureStream(20));
"""


class HeldReader(ScriptedReader):
    """Sees the same faces until others are put before it."""

    faces: list[FaceReading] = []  # noqa: RUF012 - each test has its own

    def read(self, picture: np.ndarray) -> list[FaceReading]:
        return self.faces


@pytest.mark.browser
def test_no_face_two_faces_and_what_cannot_be_played_are_said(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    reader = HeldReader([])
    said = "document.getElementById('camera-said').textContent.includes"
    told = "document.getElementById('said').textContent.includes"
    with running_page(studio_with(reader)) as page:
        artist = Artist(browser, page)
        artist.show_tab("take")
        artist.script(DRAWN_CAMERA)
        artist.find("camera").click()
        artist.wait_for(f"{said}('No face is seen: look into the camera')")
        reader.faces = [reading(SMILE), reading({}, middle=(55, 20))]
        artist.wait_for(f"{said}('2 faces are seen; one is followed.')")
        artist.find("camera").click()
        for name, picker, expected in (
            ("me.mp4", "clip-picker", "reggan-plugin perform me.mp4 --out take.csv"),
            ("me.jpg", "like-picker", "Use it on the command line: --like me.jpg"),
        ):
            (tmp_path / name).write_bytes(b"broken")
            artist.find(picker).send_keys(str(tmp_path / name))
            artist.wait_for(f"{told}('{expected}')")
        assert not artist.find("record").is_enabled()
        assert not artist.find("trim").is_displayed()
        artist.script("navigator.mediaDevices.getUserMedia = undefined")
        artist.find("camera").click()
        artist.wait_for(f"{told}('There is no camera.')")
    with running_page(studio_of()) as page:
        artist = Artist(browser, page)
        artist.show_tab("take")
        artist.script(DRAWN_CAMERA)
        artist.find("camera").click()
        artist.wait_for(f"{told}('reggan-plugin ui --landmarker face_landmarker.task')")
        assert artist.find("camera").text == "Use the camera"
