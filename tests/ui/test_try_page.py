"""The page that runs in the browser alone shows nearly the runtime's own pictures.

It needs onnxruntime-web, which is not kept here: `npm pack onnxruntime-web@1.30.0`, and the path
of the archive in REGGAN_ONNXRUNTIME_WEB.
"""

import base64
import functools
import http.server
import io
import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.imaging.spectacles import find_spectacles, lift_spectacles
from reggan_plugin.rig.answer import Landmarks
from reggan_plugin.rig.eyes import Lids
from reggan_plugin.rig.fit import Fit, closing_edges, fit
from reggan_plugin.rig.layout import eye_rows, rows_of
from reggan_plugin.rig.planes import mask_of
from reggan_plugin.rig.refinement import CELLS, RigRefinement
from reggan_plugin.rig.source import RigSource
from reggan_plugin.rig.template import CONVENTIONS, template
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

from ..rig.drawn_face import drawn_face
from .conftest import SAMPLES

ASSEMBLE = Path(__file__).resolve().parents[2] / "docs" / "try" / "assemble.py"
MOST_FIT_OFF = 0.25
"""Of an eye distance: how far a face's own points may be from where a model expects them."""
LANDMARKS_OFF, VERTICES_OFF = 0.003, 0.005
"""Of an eye distance: between the page and the runtime."""
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
    with served(out) as address:
        yield address


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class Visitor:
    """Somebody before the page that runs in the browser alone."""

    def __init__(self, browser: webdriver.Chrome, address: str, picture: Path) -> None:
        self.script = browser.execute_script
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.get(address)
        self.wait = WebDriverWait(browser, 300, poll_frequency=0.1)
        self.wait.until(lambda _: self.script("return document.body.dataset.ready"))  # type: ignore[no-untyped-call]
        browser.find_element(By.ID, "picker").send_keys(str(picture))
        self.wait.until(lambda _: self.script("return !document.getElementById('save').disabled"))  # type: ignore[no-untyped-call]

    def slide(self, name: str, value: float) -> str:
        """What the page says when the picture is there."""
        self.script(  # type: ignore[no-untyped-call]
            "document.getElementById('status').textContent = '';"
            "const e = document.querySelector(`input[name=${arguments[0]}]`);"
            "e.value = arguments[1];"
            "e.dispatchEvent(new Event('input'))",
            name,
            value,
        )
        status = "return document.getElementById('status').textContent"
        said = ("Changed in", "failed")
        self.wait.until(lambda _: any(word in self.script(status) for word in said))  # type: ignore[no-untyped-call]
        return str(self.script(status))  # type: ignore[no-untyped-call]

    def reset(self) -> None:
        self.script("document.getElementById('reset').click()")  # type: ignore[no-untyped-call]

    def numbers(self, expression: str, columns: int) -> np.ndarray:
        """Values of the face that the page has laid the rig over."""
        script = f"const face = tryPage.state.face; return Array.from({expression}).flat()"
        return np.array(self.script(script)).reshape(-1, columns)  # type: ignore[no-untyped-call]

    def points(self) -> np.ndarray:
        """Eyes and corners of the mouth that the page takes the face by."""
        return np.array(self.script("return window.tryPage.state.points"))  # type: ignore[no-untyped-call]

    def pixels(self) -> np.ndarray:
        uri = self.script("return document.getElementById('canvas').toDataURL('image/png')")  # type: ignore[no-untyped-call]
        shown = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")
        return np.asarray(shown).astype(int)


@dataclass(frozen=True)
class PlacedFace:
    """An opaque frame and where the largest face is, for the default model."""

    path: Path
    frame: Frame
    transfer: ExpressionTransfer
    crop: FaceCrop

    def landmarks(self) -> Landmarks:
        source = self.transfer._source
        assert isinstance(source, RigSource)
        before = np.clip(cut_crop(self.frame.pixels, self.crop), 0, 1)
        return source.landmarks(lift_spectacles(before).face)

    def laid(self) -> Fit:
        landmarks = self.landmarks()
        return fit(template(), landmarks.places, landmarks.sigma)

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
    _leave_out_refinement(transfer)
    return PlacedFace(path, frame, transfer, crop)


def _leave_out_refinement(transfer: ExpressionTransfer) -> None:
    """The page asks for landmarks alone."""
    nothing = RigRefinement(
        mix=np.full((CELLS, CELLS, len(CONVENTIONS)), 1 / len(CONVENTIONS), np.float32),
        motion=np.zeros((CELLS, CELLS, 4), np.float32),
        gain=np.zeros((CELLS, CELLS, 1), np.float32),
    )
    vars(transfer._source)["_refined"] = lambda small, planes: nothing


def visited(browser: webdriver.Chrome, address: str, face: PlacedFace) -> Visitor:
    """The page with a face that is placed as the runtime places it."""
    visitor = Visitor(browser, address, face.path)
    card = face.transfer.card
    points = face.crop.place(card.canonical_points * face.crop.side_px)[[0, 1, 3, 4]]
    away = np.hypot(*(visitor.points() - points).T) / np.hypot(*(points[0] - points[1]))
    assert away.max() < MOST_FIT_OFF
    visitor.script("document.getElementById('again').click()")  # type: ignore[no-untyped-call]
    for row in (1, 3, 0, 2):  # an eye and a corner of the mouth of each side, in any order
        visitor.script("window.tryPage.place(...arguments)", *map(float, points[row]))  # type: ignore[no-untyped-call]
    return visitor


@pytest.mark.browser
def test_the_browser_alone_lays_the_rig_where_the_runtime_does(
    browser: webdriver.Chrome, address: str, tmp_path: Path
) -> None:
    face = placed_face("avatar_png", tmp_path)
    visitor = visited(browser, address, face)
    visitor.slide("happy", 1.0)
    visitor.slide("happy", 0.8)
    laid, rig = face.laid(), template()
    found = visitor.numbers("face.places", 2)
    landmarks = np.linalg.norm(found - face.landmarks().places, axis=1).max() / laid.map.eye
    card = face.transfer.card
    vector = card.vector_of(ExpressionMix({"happy": 0.8}))
    weights = dict(zip(card.controls, vector, strict=True))
    wanted = moved_rig(laid, weights)
    moved = "face.moved(tryPage.model.shapes({ happy: 0.8 })).there"
    away = np.linalg.norm(visitor.numbers(moved, 3) - wanted, axis=1)[rig.keep > 0.5]
    vertices = away.max() / laid.map.eye
    print(f"landmarks {landmarks:.1e}, vertices {vertices:.1e} of an eye distance")
    assert landmarks < LANDMARKS_OFF
    assert vertices < VERTICES_OFF
    assert visitor.script("return tryPage.model.runs") == 1  # type: ignore[no-untyped-call]
    said = [one["message"] for one in browser.get_log("browser")]  # type: ignore[no-untyped-call]
    assert [one for one in said if not any(known in one for known in IN_SOFTWARE)] == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("sample", "most_off"), [("avatar_png", 1.5), ("toon", 1.5), ("statue", 1.5)]
)
def test_the_browser_alone_makes_nearly_the_runtime_s_picture(
    browser: webdriver.Chrome, address: str, tmp_path: Path, sample: str, most_off: float
) -> None:
    face = placed_face(sample, tmp_path)
    if sample == "toon":
        assert find_spectacles(cut_crop(face.frame.pixels, face.crop)) is not None
    visitor = visited(browser, address, face)
    marks = face.landmarks().places
    on_face = face.share(np.concatenate([marks[rows_of("jaw")], marks[rows_of("forehead")][::-1]]))
    before = np.rint(face.frame.pixels * 255)
    for weights in ({"happy": 0.8}, BLINK):
        for name, weight in weights.items():
            visitor.slide(name, weight)
        wanted, shown = face.rendered(weights), visitor.pixels()
        change = np.abs(wanted - before)[on_face].mean()
        difference = np.abs(shown - wanted)[on_face].mean()
        print(f"{sample} {weights}: {difference:.2f} levels, changed by {change:.2f}")
        assert difference < min(most_off, change)
        untouched = np.abs(wanted - before).max(axis=2) == 0
        untouched &= ~face.share(np.array([(0.2, 0.05), (0.8, 0.05), (0.8, 0.85), (0.2, 0.85)]))
        off = np.abs(shown - before).max(axis=2) * untouched
        assert off.max() <= 1
        assert (off > 0).sum() < 100  # where motion fades, one stops a pixel before the other
        visitor.reset()


@pytest.mark.browser
def test_a_full_blink_in_the_browser_alone_shows_no_eyeball(
    browser: webdriver.Chrome, address: str, tmp_path: Path
) -> None:
    face = placed_face("avatar_png", tmp_path)
    visitor = visited(browser, address, face)
    for name, weight in BLINK.items():
        visitor.slide(name, weight)
    balls = "return tryPage.state.face.moved(arguments[0]).eyes.map((eye) => eye.ball)"
    assert visitor.script(balls, BLINK) == [None, None]  # type: ignore[no-untyped-call]
    marks, shown = face.landmarks().places, visitor.pixels().mean(axis=2)
    before = face.frame.pixels.mean(axis=2) * 255
    for side in ("right", "left"):
        opening = face.share(Lids.from_loop(marks[eye_rows(side)]).outline())
        skin = np.median(shown[opening])
        unlike = [(np.abs(one - skin) > 40)[opening].mean() for one in (before, shown)]
        print(f"unlike skin: {unlike[0]:.2f} before, {unlike[1]:.2f} in the blink")
        assert unlike[0] > 0.3  # white and pupil
        assert unlike[1] < 0.08  # the line between the lids


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


def test_another_archive_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(b"no such archive")
    archive_of = runpy.run_path(str(ASSEMBLE))["runtime_archive"]
    with pytest.raises(Exception, match="npm pack onnxruntime-web@"):
        archive_of(other)
