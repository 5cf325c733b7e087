"""The page in the browser alone: the same page, and nearly the runtime's own pictures.

It needs onnxruntime-web, which is not kept here: `npm pack onnxruntime-web@1.30.0`, and the path
of the archive in REGGAN_ONNXRUNTIME_WEB.
"""

import base64
import functools
import http.server
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks, located_yaw_deg
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.imaging.crop import CROP_LANDMARKS, FaceCrop, cut_crop
from reggan_plugin.rig.dense_landmarks import eye_rows, rows_of
from reggan_plugin.rig.eyes import Lids
from reggan_plugin.rig.raster import MeshRaster, mask_of, rasterise
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.skin_motion import Landmarks
from reggan_plugin.rig.template_fit import Fit, closing_edges, fit, template
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.open_frame import open_frame
from reggan_plugin.ui.routes import document_of_frame
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..rig.drawn_face import drawn_face
from .artist import AXE, WIPE_AT, Artist, axe_violations, dropped, picture, saved_file
from .conftest import SAMPLES, Caller

ASSEMBLE = Path(__file__).resolve().parents[2] / "browser" / "assemble.py"
MOST_LEVELS_OFF = 1.6
"""Of 255, in the mean over a face."""
LANDMARKS_OFF, VERTICES_OFF = 1e-4, 1e-4
"""Of an eye distance, between the page and the runtime; measured: 3e-6 at most."""
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
IN_SOFTWARE = ("GL Driver Message", "software WebGL")
"""What Chromium says of a GPU that the processor plays."""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing of requests."""


@pytest.fixture(scope="module")
def archive() -> Path:
    path = os.environ.get("REGGAN_ONNXRUNTIME_WEB")
    if not path:
        pytest.skip("no onnxruntime-web: npm pack it, its path in REGGAN_ONNXRUNTIME_WEB")
    return Path(path)


@pytest.fixture(scope="module")
def address(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The assembled page on a plain file server."""
    out = tmp_path_factory.mktemp("try")
    command = [sys.executable, str(ASSEMBLE), "--out", str(out)]
    subprocess.run([*command, "--runtime", str(archive)], check=True, capture_output=True)
    (out / "blank.html").write_text("<!doctype html><title>no page</title>")
    with served(out) as address:
        yield address


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class Engine:
    """The modules of the page's engine, without the page; a worker would hide their numbers."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.get(address + "blank.html")
        browser.set_script_timeout(300)
        self.browser = browser
        self.run("self.model = await (await import('./alone/model.js')).Model.load()")
        self.run("self.Crop = (await import('./alone/crop.js')).Crop")

    def run(self, script: str, *given: Any) -> Any:
        """What a script returns that may wait."""
        answer = self.browser.execute_async_script(  # type: ignore[no-untyped-call]
            f"const [given, done] = arguments; (async () => {{ {script} }})().then((value) => "
            "done({ value }), (error) => done({ fault: String(error) }))",
            list(given),
        )
        assert "fault" not in answer, answer["fault"]
        return answer.get("value")

    def open(self, face: "PlacedFace") -> None:
        """Lay the rig over a face where the runtime has it."""
        uri = base64.b64encode(face.path.read_bytes()).decode()
        self.run(
            "const blob = await (await fetch(`data:image/png;base64,${given[0]}`)).blob();"
            "const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' });"
            "const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');"
            "context.drawImage(bitmap, 0, 0);"
            "self.image = context.getImageData(0, 0, bitmap.width, bitmap.height);"
            "self.shown = await model.open(image, new Crop(given[1], given[2]))",
            uri,
            face.crop.frame_from_crop.ravel().tolist(),
            face.crop.side_px,
        )

    def vertices(self, weights: dict[str, float]) -> np.ndarray:
        script = """
            const { face, refine } = shown;
            return Array.from((await face.moved(model.shapes(given[0]), refine)).there);
        """
        return np.array(self.run(script, weights)).reshape(-1, 3)

    def pixels(self, weights: dict[str, float]) -> np.ndarray:
        """The frame with a change, RGB levels."""
        script = """
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext('2d');
            context.putImageData(image, 0, 0);
            const { left, top, width, height } = shown.region;
            context.clearRect(left, top, width, height);
            context.drawImage(await model.drawn(shown, given[0], 1), left, top);
            const blob = await canvas.convertToBlob();
            const bytes = new Uint8Array(await blob.arrayBuffer());
            return btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(''));
        """
        content = base64.b64decode(self.run(script, weights))
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


@dataclass(frozen=True)
class PlacedFace:
    """An opaque frame and where the largest face is, for the default model."""

    path: Path
    frame: Frame
    transfer: ExpressionTransfer
    crop: FaceCrop

    @property
    def source(self) -> RigSource:
        assert isinstance(self.transfer._source, RigSource)
        return self.transfer._source

    def landmarks(self) -> Landmarks:
        before = np.clip(cut_crop(self.frame.pixels, self.crop), 0, 1)
        return self.source.landmarks(before)

    def laid(self) -> Fit:
        landmarks = self.landmarks()
        return fit(template(), landmarks.places, landmarks.sigma)

    def moved(self, weights: dict[str, float]) -> np.ndarray:
        """Vertices of the template as the runtime draws them, in parts of the crop's side."""
        drawn: dict[int, np.ndarray] = {}

        def noted(points: np.ndarray, *given: Any, **named: Any) -> MeshRaster:
            drawn[given[1]] = points / given[1]
            return rasterise(points, *given, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("reggan_plugin.rig.skin_motion.rasterise", noted)
            self.rendered(weights)
        return drawn[max(drawn)]  # what moves has the finest cells; smaller is the source alone

    def rendered(self, weights: dict[str, float]) -> np.ndarray:
        changed = self.transfer.render(self.frame, ExpressionMix(weights), [self.crop])
        return np.rint(np.clip(changed, 0, 1) * 255)

    def share(self, outline: np.ndarray) -> np.ndarray:
        """1 at the frame's pixels inside an outline in parts of the crop's side, else 0."""
        places = self.crop.place(outline * self.crop.side_px)
        side = max(self.frame.pixels.shape[:2])
        mask = mask_of(places / side, (0.0, 0.0, 1.0, 1.0), side)
        return mask[: self.frame.pixels.shape[0], : self.frame.pixels.shape[1]] > 0.5


def placed_face(sample: str, folder: Path) -> PlacedFace:
    path = folder / "face.png"
    pixels = Image.open(sorted(SAMPLES[sample].iterdir())[0]).convert("RGBA")
    grey = Image.new("RGBA", pixels.size, (128, 128, 128, 255))
    Image.alpha_composite(grey, pixels).convert("RGB").save(path)
    frame, transfer = read_frame(path), ExpressionTransfer(device="cpu")
    (crop,) = transfer.find_faces(frame, FaceChoice())
    return PlacedFace(path, frame, transfer, crop)


@pytest.mark.browser
@pytest.mark.parametrize("sample", ["avatar_png", "toon", "statue"])
def test_the_browser_alone_moves_the_rig_as_the_runtime_does(
    browser: webdriver.Chrome, address: str, tmp_path: Path, sample: str
) -> None:
    face, engine = placed_face(sample, tmp_path), Engine(browser, address)
    engine.open(face)
    laid, rig = face.laid(), template()
    found = np.array(engine.run("return shown.face.places"))
    landmarks = np.linalg.norm(found - face.landmarks().places, axis=1).max() / laid.map.eye
    assert landmarks < LANDMARKS_OFF
    for weights in ({"happy": 0.8}, {"angry": 1.0}, BLINK):
        away = np.linalg.norm(engine.vertices(weights) - face.moved(weights), axis=1)
        vertices = away[rig.keep > 0.5].max() / laid.map.eye
        print(
            f"{sample} {weights}: landmarks {landmarks:.1e}, vertices {vertices:.1e} eye distances"
        )
        assert vertices < VERTICES_OFF


@pytest.mark.browser
@pytest.mark.parametrize("scale", [0.3, 1.0, 1.3, 3.3, 7.9])
def test_the_browser_alone_cuts_a_crop_as_the_runtime_does(
    browser: webdriver.Chrome, address: str, tmp_path: Path, scale: float
) -> None:
    face, engine = placed_face("avatar_png", tmp_path), Engine(browser, address)
    engine.open(face)
    turn, side = np.deg2rad(17), 48
    axes = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = face.crop.place(np.array([[face.crop.side_px * 0.5] * 2]))[0]
    matrix = np.column_stack([axes, middle - axes @ [side / 2, side / 2]])
    script = """
        const { data, width, height } = image;
        const red = Float32Array.from({ length: width * height }, (_, i) => data[4 * i] / 255);
        return Array.from(new Crop(given[0], given[1]).cut({ width, height, data: red }).data);
    """
    shown = np.array(engine.run(script, matrix.ravel().tolist(), side)).reshape(side, side)
    off = np.abs(shown - cut_crop(face.frame.pixels, FaceCrop(matrix, side))[..., 0])
    assert off.max() < 1e-5


@pytest.mark.browser
@pytest.mark.parametrize("sample", ["avatar_png", "toon", "statue"])
def test_the_browser_alone_makes_nearly_the_runtime_s_picture(
    browser: webdriver.Chrome, address: str, tmp_path: Path, sample: str
) -> None:
    face = placed_face(sample, tmp_path)
    if sample == "toon":
        assert face.source.lifted(cut_crop(face.frame.pixels, face.crop)).front is not None
    engine = Engine(browser, address)
    engine.open(face)
    marks = face.landmarks().places
    on_face = face.share(np.concatenate([marks[rows_of("jaw")], marks[rows_of("forehead")][::-1]]))
    before = np.rint(face.frame.pixels * 255)
    for weights in ({"happy": 0.8}, BLINK):
        wanted, shown = face.rendered(weights), engine.pixels(weights)
        change = np.abs(wanted - before)[on_face].mean()
        difference = np.abs(shown - wanted)[on_face].mean()
        print(f"{sample} {weights}: {difference:.2f} levels, changed by {change:.2f}")
        assert difference < min(MOST_LEVELS_OFF, change)
        untouched = np.abs(wanted - before).max(axis=2) == 0
        untouched &= ~face.share(np.array([(0.2, 0.05), (0.8, 0.05), (0.8, 0.85), (0.2, 0.85)]))
        off = np.abs(shown - before).max(axis=2) * untouched
        assert off.max() <= 1
        assert (off > 0).sum() < 100  # where motion fades, one stops a pixel before the other


@pytest.mark.browser
def test_a_full_blink_in_the_browser_alone_shows_no_eyeball(
    browser: webdriver.Chrome, address: str, tmp_path: Path
) -> None:
    face, engine = placed_face("avatar_png", tmp_path), Engine(browser, address)
    engine.open(face)
    balls = "return (await shown.face.moved(given[0], shown.refine)).eyes.map((eye) => eye.ball)"
    assert engine.run(balls, BLINK) == [None, None]
    marks, shown = face.landmarks().places, engine.pixels(BLINK).mean(axis=2)
    before = face.frame.pixels.mean(axis=2) * 255
    for side in ("right", "left"):
        opening = face.share(Lids.from_loop(marks[eye_rows(side)]).outline())
        skin = np.median(shown[opening])
        unlike = [(np.abs(one - skin) > 40)[opening].mean() for one in (before, shown)]
        print(f"unlike skin: {unlike[0]:.2f} before, {unlike[1]:.2f} in the blink")
        assert unlike[0] > 0.3  # white and pupil
        assert unlike[1] < 0.08  # the line between the lids


class Visitor(Artist):
    """Somebody before the page that no program serves."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        browser.set_window_size(1280, 900)
        super().__init__(browser, cast("Caller", SimpleNamespace(address=address)), timeout_s=120)

    def open(self, *paths: Path) -> None:
        dropped(self, *paths)
        self.wait_for("document.getElementById('canvas').dataset.file !== undefined")
        self.wait_for("!document.body.classList.contains('is-busy')")

    def visible(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.find(name).is_displayed()]

    def faults(self) -> list[str]:
        known = (*IN_SOFTWARE, "No available adapters")
        return [one for one in super().faults() if not any(part in one for part in known)]


def pair_of_faces(folder: Path) -> Path:
    """A picture of an avatar and, smaller, a toon."""
    path = folder / "pair.png"
    with Image.open(sorted(SAMPLES["avatar_png"].iterdir())[0]) as one:
        left = one.convert("RGB")
    with Image.open(sorted(SAMPLES["toon"].iterdir())[0]) as one:
        right = one.convert("RGB").resize((left.width * 3 // 4, left.height * 3 // 4))
    both = Image.new("RGB", (2 * left.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    both.save(path)
    return path


@pytest.mark.browser
def test_the_page_alone_goes_from_a_picture_to_a_saved_smile(
    browser: webdriver.Chrome, address: str, downloads: Path
) -> None:
    visitor = Visitor(browser, address)
    assert "your pictures go" in visitor.find("welcome").text
    needs_program = ["quit", "tab-take", "tab-shot", "copy-command", "copy-python", "save-preset"]
    assert visitor.visible(["tab-expressions", "tab-shapes", "undo", *needs_program]) == [
        *("tab-expressions", "tab-shapes", "undo")
    ]
    for old in downloads.glob("avatar*"):  # of other tests
        old.unlink()
    path = sorted(SAMPLES["avatar_png"].iterdir())[0]
    visitor.open(path)
    before = visitor.pixels()
    with Image.open(path) as picture:
        opaque = np.asarray(picture)[..., 3] == 255
        assert np.array_equal(before[opaque], np.asarray(picture)[..., :3][opaque])
    visitor.choose("happy")
    visitor.slide("intensity", 0.8)
    visitor.script("document.getElementById('dial-intensity').dispatchEvent(new Event('change'))")
    visitor.at_rest()
    shown = visitor.pixels()
    assert (np.abs(shown - before) > 20).any()
    saved = saved_file(visitor, downloads)
    assert saved.name == f"{path.stem}_happy.png"
    with Image.open(saved) as picture:
        assert np.array_equal(np.asarray(picture)[..., 3] == 255, opaque)
        off = np.abs(np.asarray(picture)[..., :3].astype(int) - shown)[opaque]
    assert off.max() <= 1
    transfer = ExpressionTransfer(device="cpu")
    frame = read_frame(path)
    faces = transfer.find_faces(frame, FaceChoice())
    wanted = transfer.render(frame, ExpressionMix({"happy": 0.8}), faces)
    difference = np.abs(shown - np.rint(np.clip(wanted, 0, 1) * 255))[opaque].mean()
    print(f"beside the program's, over the whole head: {difference:.2f} levels")
    assert difference < MOST_LEVELS_OFF / 2
    visitor.find("undo").click()
    visitor.find("undo").click()
    visitor.at_rest()
    assert np.array_equal(visitor.pixels(), before)
    visitor.find("search").send_keys("smir")
    assert visitor.tiles() == ["smirk", "smirk right"]
    assert visitor.faults() == []


@pytest.mark.browser
def test_tiles_timeline_and_handle_of_the_page_alone(
    browser: webdriver.Chrome, address: str, downloads: Path
) -> None:
    visitor = Visitor(browser, address)
    visitor.find("welcome-samples").find_element(By.TAG_NAME, "button").click()
    visitor.wait_for("document.getElementById('canvas').dataset.file === '0'")
    visitor.choose("happy")
    visitor.at_rest()
    visitor.script(WIPE_AT, 0.0, 0.5)
    assert visitor.find("wipe").get_attribute("value") == "50"
    visitor.wait_for("document.getElementById('gallery').ariaBusy === 'false'")
    tiles = len(visitor.browser.find_elements(By.CSS_SELECTOR, "#gallery button img"))
    assert tiles == len(visitor.browser.find_elements(By.CSS_SELECTOR, "#gallery button"))
    picture(visitor, "page_alone")
    visitor.find("set-key").click()
    visitor.find("strip").send_keys(Keys.ARROW_RIGHT)
    visitor.wait_for("document.getElementById('canvas').dataset.file === '1'")
    visitor.wait_for("!document.body.classList.contains('is-busy')")
    visitor.slide("happy", 0.2)
    visitor.script("document.getElementById('dial-happy').dispatchEvent(new Event('change'))")
    take = saved_file(visitor, downloads, "save-take")
    assert take.read_text().splitlines()[:3] == ["frame,happy", "1001,1", "1002,0.2"]
    assert visitor.faults() == []


@pytest.mark.browser
def test_the_page_alone_finds_the_faces_that_the_program_finds(
    browser: webdriver.Chrome, address: str, tmp_path: Path
) -> None:
    visitor, path = Visitor(browser, address), pair_of_faces(tmp_path)
    visitor.open(path)
    frame, transfer = read_frame(path), ExpressionTransfer(device="cpu")
    wanted = document_of_frame(open_frame(transfer, path), transfer)["faces"]
    found = visitor.browser.execute_async_script(  # type: ignore[no-untyped-call]
        "import('./choose_engine.js').then(({ engine }) => engine.frame(0)).then(arguments[0])"
    )
    assert (found["width"], found["height"]) == frame.pixels.shape[1::-1]
    assert len(found["faces"]) == len(wanted) == 2
    for own, other in zip(found["faces"], wanted, strict=True):
        assert np.abs(np.array(own["box"]) - other["box"]).max() < 0.02 * other["box"][2]
        assert own["share"] == pytest.approx(other["share"], abs=0.02)
    visitor.find("each").click()
    visitor.choose("happy")
    visitor.at_rest()
    visitor.find("faces").find_elements(By.TAG_NAME, "button")[1].click()
    visitor.wait_for("document.querySelectorAll('#faces button')[1].ariaPressed === 'true'")
    visitor.wait_for("document.getElementById('save').disabled === false")
    visitor.choose("sad")
    visitor.at_rest()
    changed = (visitor.pixels() != np.rint(frame.pixels * 255)).any(axis=(0, 2))
    assert changed[: len(changed) // 2].any()
    assert changed[len(changed) // 2 :].any()


@pytest.mark.browser
def test_the_page_alone_says_what_it_does_not_read(
    browser: webdriver.Chrome, address: str, tmp_path: Path
) -> None:
    visitor = Visitor(browser, address)
    (tmp_path / "plate.exr").write_bytes(b"v/1")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    dropped(visitor, tmp_path / "plate.exr")
    visitor.wait_for("!document.getElementById('message').hidden")
    assert "plate.exr is no picture that a browser reads" in visitor.message()
    dropped(visitor, tmp_path / "broken.png")
    visitor.wait_for("document.getElementById('said').textContent.includes('broken.png')")
    plain = tmp_path / "grey.png"
    Image.new("RGB", (300, 300), (120, 130, 140)).save(plain)
    dropped(visitor, plain)
    visitor.wait_for("document.getElementById('said').textContent.includes('No face was found')")
    count = visitor.changes()
    visitor.draw_box()
    visitor.wait_for("document.getElementById('save').disabled === false")
    visitor.choose("happy")
    assert visitor.changes() > count
    assert visitor.faults() == []


@pytest.mark.browser
@pytest.mark.skipif(not AXE.exists(), reason="npm install --no-save axe-core, or REGGAN_AXE")
def test_axe_finds_nothing_on_the_page_alone(browser: webdriver.Chrome, address: str) -> None:
    visitor = Visitor(browser, address)
    assert axe_violations(visitor) == []
    visitor.open(sorted(SAMPLES["toon"].iterdir())[0])
    visitor.choose("happy")
    for tab in ("expressions", "shapes"):
        visitor.show_tab(tab)
        assert axe_violations(visitor) == [], tab


YAW = """
import fs from "node:fs";
import { locatedYaw } from "./pose.js";
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(locatedYaw)));
"""


def test_the_turn_of_a_head_is_the_runtime_s() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    random = np.random.default_rng(3)
    faces = [CROP_LANDMARKS * 200 + random.normal(0, 6, (6, 2)) for _ in range(20)]
    made = subprocess.run(
        [node, "--input-type=module", "--eval", YAW],
        input=json.dumps([one.tolist() for one in faces]),
        cwd=ASSEMBLE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = [located_yaw_deg(FaceLandmarks(one)) for one in faces]
    assert json.loads(made.stdout) == pytest.approx(wanted, abs=1e-6)


HELD = """
import { Crop } from "%s";
const crop = new Crop([0, -2, 300, 2, 0, 10], 100);  // turned by a quarter, twice as large
const held = (was) => crop.held(was, [0.5, 0.3], [400, 110]);
console.log(JSON.stringify([[0.5, 0.4], [0.5, 0.98]].map(held)));
"""


def test_skin_at_the_border_of_a_frame_stays_there_in_the_page() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    module = (ASSEMBLE.parent / "crop.js").as_uri()
    command = [node, "--input-type=module", "--eval", HELD % module]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    well_inside, near = np.array(json.loads(found.stdout))
    # crop's y goes left in the frame: 300 - 2 * 100 y; the near one lies 104 px from its left
    np.testing.assert_allclose(well_inside, [0.5, 0.3], atol=1e-9)
    np.testing.assert_allclose(near, [0.5, 0.98 - 0.68 * 104 / (3 * 136)], atol=1e-9)


def test_rigs_alone_are_put_into_the_page(tmp_path: Path) -> None:
    command = [sys.executable, str(ASSEMBLE), "--out", str(tmp_path), "--model", "sargan"]
    archive = os.environ.get("REGGAN_ONNXRUNTIME_WEB") or str(tmp_path / "none.tgz")
    made = subprocess.run([*command, "--runtime", archive], capture_output=True, text=True)
    assert made.returncode == 1
    assert made.stderr.startswith("Error: ")


def moved_rig(laid: Fit, weights: dict[str, float]) -> np.ndarray:
    """Where the runtime has the template's vertices."""
    change = template().displacement(weights)
    closing = closing_edges(template(), laid, change)
    return laid.moved(template().rest + laid.worn, change, closing)


FIT = """
import fs from "node:fs";
import { readNpz } from "./npz.js";
import { added, closingEdges, fit, movedPlaces, Template } from "./rig.js";
const [file, { places, sigma, weights }] = JSON.parse(fs.readFileSync(0, "utf8"));
const { buffer, byteOffset, length } = fs.readFileSync(file);
const template = new Template(await readNpz(buffer.slice(byteOffset, byteOffset + length)));
const laid = fit(template, places, sigma);
const [points, change] = [added(template.rest, laid.worn), template.displacement(weights)];
const [here, smooth] = [laid.map.places(points), laid.smooth.places(points)];
const { vertices } = closingEdges(template, laid, change);
console.log(JSON.stringify(Array.from(movedPlaces(laid, points, change, vertices, here, smooth))));
"""
"""The page's fit without a page."""


@pytest.mark.parametrize("worn", [{}, {"jawOpen": 0.5}], ids=["closed", "open"])
def test_the_page_s_fit_is_the_runtime_s(worn: dict[str, float]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    rig, (_, landmarks) = template(), drawn_face(worn)
    places = landmarks.places + np.random.default_rng(1).normal(0, 0.002, landmarks.places.shape)
    weights = {"jawOpen": 0.3, "mouthSmileLeft": 1.0, "eyeBlinkLeft": 0.8, "mouthClose": 0.2}
    asked = {"places": places.tolist(), "sigma": landmarks.sigma.tolist(), "weights": weights}
    file = resources.files("reggan_plugin.rig") / "template.npz"
    made = subprocess.run(
        [node, "--input-type=module", "--eval", FIT],
        input=json.dumps([str(file), asked]),
        cwd=ASSEMBLE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    laid = fit(rig, places, landmarks.sigma)
    wanted = moved_rig(laid, weights)
    found = np.array(json.loads(made.stdout)).reshape(-1, 3)
    assert np.abs(found - wanted).max() < 1e-4 * laid.map.eye


IRIS = """
import { completedEye, Edges } from "./eyes.js";
const along = Array.from({ length: 13 }, (_, i) => i / 12);
const edge = (high) => along.map((t) => [0.2 + 0.6 * t, 0.5 + high * Math.sin(Math.PI * t)]);
const lids = new Edges(edge(0), edge(0.17), { right: [1, 0], down: [0, 1] });
const side = 96;
const ringOf = (x, y) => Math.hypot(x - 0.5, y - 0.5) / 0.15;
const eye = (ring, y, channel) =>
  ring > 1 ? 0.9 : ring < 0.4 ? 0.02 : [0.5, 0.3, 0.1][channel] + 0.6 * (y - 0.5);
const seen = (x, y, channel) => y < 0.5 ? 0.6 : eye(ringOf(x, y), y, channel);
const placed = ([left, top, right], i) => [left, top].map((from, k) =>
  from + ((k ? Math.floor(i / side) : i % side) + 0.5) * (right - left) / side);
const cut = (window) => [0, 1, 2].map((channel) => ({ width: side, height: side,
  data: Float32Array.from({ length: side ** 2 }, (_, i) => seen(...placed(window, i), channel)) }));
const turns = Array.from({ length: 8 }, (_, k) => k * Math.PI / 4);
const iris = turns.map((t) => [0.5 + 0.15 * Math.cos(t), 0.5 + 0.15 * Math.sin(t)]);
const { window, pixels } = completedEye(cut, lids, iris, 1);
const ends = [[], []];
for (let i = 0; i < side * side; i++) {
  const [x, y] = placed(window, i);
  const isBetween = ringOf(x, y) > 0.5 && ringOf(x, y) < 0.9 && Math.abs(x - 0.5) < 0.05;
  if (isBetween) ends[Number(y > 0.5)].push(pixels[4 * i]);
}
const meanOf = (values) => values.reduce((sum, value) => sum + value) / values.length;
console.log(JSON.stringify(ends.map(meanOf)));
"""
"""An eye whose iris is lit at its lower end; how light both ends of it are drawn."""


def test_the_page_draws_the_hidden_end_of_an_iris_as_light_falls_off(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    # the page's folder has the constants that its engine imports
    written = runpy.run_path(str(ASSEMBLE))["constants"]()
    for file in ASSEMBLE.parent.glob("*.js"):
        shutil.copy(file, tmp_path)
    (tmp_path / "constants.js").write_text(written, encoding="utf-8")
    made = subprocess.run(
        [node, "--input-type=module", "--eval", IRIS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    upper, lower = json.loads(made.stdout)
    assert upper + 0.03 < lower


def test_another_archive_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(b"no such archive")
    archive_of = runpy.run_path(str(ASSEMBLE))["runtime_archive"]
    with pytest.raises(Exception, match="npm pack onnxruntime-web@"):
        archive_of(other)


def test_the_engine_in_the_browser_names_constants_that_the_rig_has() -> None:
    written = runpy.run_path(str(ASSEMBLE))["constants"]()
    given = {
        line.split()[2]: json.loads(line.partition(" = ")[2].rstrip(";"))
        for line in written.splitlines()
    }
    assert given["mouth_drawing"]["FILL_OF"]["0"] == 2.6
    asked = 0
    for file in ASSEMBLE.parent.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        imported = re.search(r"import \{ (.*) \} from \"\./constants\.js\"", text)
        for name, _, alias in (
            one.partition(" as ") for one in (imported[1].split(", ") if imported else [])
        ):
            own = alias or name
            lists = re.findall(rf"const {{([^}}]*)}} = {own};", text)
            names = [one.partition(":")[0].strip() for part in lists for one in part.split(",")]
            names += re.findall(rf"\b{own}\.([A-Z_]+)", text)
            asked += len(names)
            assert set(names) <= set(given[name]), (file.name, set(names) - set(given[name]))
    assert asked > 100
