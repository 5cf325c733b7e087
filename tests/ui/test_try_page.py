"""The page that runs in the browser alone shows the runtime's own pictures.

It needs onnxruntime-web, which is not kept here: `npm pack onnxruntime-web@1.30.0`, and the path
of the archive in REGGAN_ONNXRUNTIME_WEB.
"""

import base64
import functools
import http.server
import io
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from reggan_plugin.change.answer import Answer, Painter
from reggan_plugin.change.in_frame import motion_in_frame
from reggan_plugin.change.pipeline import mended
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.imaging.spectacles import LiftedFace, find_spectacles
from reggan_plugin.models.handling import Handling
from reggan_plugin.models.model_card import card_from_metadata
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.models.shipped_models import find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

from ..motion_models import CELLS, SIDE_PX, write_motion_model
from .conftest import SAMPLES

ASSEMBLE = Path(__file__).resolve().parents[2] / "docs" / "try" / "assemble.py"
MOST_LEVELS_OFF = 2
MOTION_SIDE_PX = 128
MOST_FIT_OFF = 0.25
"""Of an eye distance: how far a face's own points may be from where a model expects them."""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing of requests."""


@pytest.fixture(scope="module")
def archive() -> Path:
    path = os.environ.get("REGGAN_ONNXRUNTIME_WEB")
    if not path:
        pytest.skip("no onnxruntime-web: npm pack it, its path in REGGAN_ONNXRUNTIME_WEB")
    return Path(path)


@pytest.fixture(scope="module", params=["picture", "motion"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "picture":
        return "reggan"
    y, x = (np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5) / SIDE_PX
    hole = np.clip(2 - np.hypot(x - 0.5, y - 0.6) / 0.06, 0, 1)[None]
    path = tmp_path_factory.mktemp("model") / "moving.onnx"
    assert CELLS < SIDE_PX < MOTION_SIDE_PX
    planes = {"motion": (0.03, -0.02), "gain": -0.2, "cover": hole, "paint": 0.3}
    shipped = find_model(None)  # spectacles are where its crop has them
    landmarks = card_from_metadata(metadata_from_onnx(shipped), "").canonical_landmarks
    card = {"image_size_px": MOTION_SIDE_PX, "canonical_landmarks": landmarks}
    return str(write_motion_model(path, **planes, **card))


@pytest.fixture(scope="module")
def address(model: str, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The assembled page on a plain file server."""
    out = tmp_path_factory.mktemp("try")
    command = [sys.executable, str(ASSEMBLE), "--out", str(out), "--model", model]
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

    def points(self) -> np.ndarray:
        """Eyes and corners of the mouth that the page takes the face by."""
        return np.array(self.script("return window.tryPage.state.points"))  # type: ignore[no-untyped-call]

    def pixels(self) -> np.ndarray:
        uri = self.script("return document.getElementById('canvas').toDataURL('image/png')")  # type: ignore[no-untyped-call]
        shown = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")
        return np.asarray(shown).astype(int)


@dataclass(frozen=True)
class PlacedFace:
    """An opaque frame and where the largest face is, for a model."""

    path: Path
    frame: Frame
    transfer: ExpressionTransfer
    crop: FaceCrop


def placed_face(sample: str, model: str, folder: Path) -> PlacedFace:
    path = folder / "face.png"
    pixels = Image.open(sorted(SAMPLES[sample].iterdir())[0]).convert("RGBA")
    grey = Image.new("RGBA", pixels.size, (128, 128, 128, 255))
    Image.alpha_composite(grey, pixels).convert("RGB").save(path)
    frame, transfer = read_frame(path), ExpressionTransfer(model, device="cpu")
    (crop,) = transfer.find_faces(frame, FaceChoice())
    return PlacedFace(path, frame, transfer, crop)


@pytest.mark.browser
@pytest.mark.parametrize("device", ["wasm", "webgpu"])
def test_the_browser_alone_makes_the_runtime_s_picture(
    browser: webdriver.Chrome, address: str, model: str, tmp_path: Path, device: str
) -> None:
    face = placed_face("avatar_png", model, tmp_path)
    visitor = Visitor(browser, f"{address}?device={device}", face.path)
    said = assert_same_picture(visitor, face)
    assert ("on the GPU" if device == "webgpu" else "on the processor") in said
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


@pytest.mark.browser
@pytest.mark.parametrize("model", ["motion"], indirect=True)
def test_the_browser_alone_lifts_the_spectacles_that_the_runtime_lifts(
    browser: webdriver.Chrome, address: str, model: str, tmp_path: Path
) -> None:
    face = placed_face("toon", model, tmp_path)
    assert find_spectacles(cut_crop(face.frame.pixels, face.crop)) is not None
    assert_same_picture(Visitor(browser, f"{address}?device=wasm", face.path), face)


def assert_same_picture(visitor: Visitor, face: PlacedFace) -> str:
    """What the page says when it shows what the runtime makes of a face, by its own four points."""
    crop, card = face.crop, face.transfer.card
    points = crop.place(card.canonical_points * crop.side_px)[[0, 1, 3, 4]]
    expected = face.transfer.render(face.frame, ExpressionMix({"happy": 0.8}), [crop])
    away = np.hypot(*(visitor.points() - points).T) / np.hypot(*(points[0] - points[1]))
    assert away.max() < MOST_FIT_OFF
    visitor.script("document.getElementById('again').click()")  # type: ignore[no-untyped-call]
    for row in (1, 3, 0, 2):  # an eye and a corner of the mouth of each side, in any order
        visitor.script("window.tryPage.place(...arguments)", *map(float, points[row]))  # type: ignore[no-untyped-call]
    said = visitor.slide("happy", 0.8)
    before = np.rint(face.frame.pixels * 255)
    wanted = np.rint(np.clip(expected, 0, 1) * 255)
    assert (np.abs(wanted - before) > 20).any()
    difference = np.abs(visitor.pixels() - wanted)
    assert difference.max() <= MOST_LEVELS_OFF
    return said


MOTION_IN_FRAME = """
const [answered, face, painters, side, done] = arguments;
const numbers = (values) => Float32Array.from(values, (value) => value ?? NaN);
const output = ([dims, values]) => ({ dims, data: numbers(values) });
const outputs = Object.fromEntries(Object.entries(answered).map(([k, v]) => [k, output(v)]));
const planes = face.map((values) => ({ width: side, height: side, data: numbers(values) }));
Promise.all(["./crop.js", "./motion.js"].map((name) => import(new URL(name, location))))
  .then(([{ Crop }, { motionInFrame }]) => {
    const crop = new Crop([1, 0, 0, 0, 1, 0], side);
    const all = { left: 0, top: 0, width: side, height: side };
    const change = motionInFrame(outputs, planes, { painters }, crop, all);
    const values = ({ data }) => Array.from(data);
    const { right, down, gains, cover, paint, weight } = change;
    done([right, down, ...gains, cover, ...paint, weight].map(values));
  }, (error) => done(String(error)));
"""
"""What the page makes of outputs, as lists whose `null` is no number; the crop is the frame."""


@pytest.mark.browser
def test_the_browser_takes_any_painter_s_window_and_what_is_no_number_as_the_runtime_does(
    browser: webdriver.Chrome,
) -> None:
    random, side, cells, window = np.random.default_rng(4), 64, 32, 40
    planes = {
        "motion": random.normal(0, 0.03, (1, cells, cells, 2)),
        "gain": random.normal(0, 0.1, (1, cells, cells, 3)),
        "cover": random.random((1, side, side, 1)) / 2,
        "paint": random.random((1, side, side, 3)),
        "mouth_cover": random.random((1, window, window, 1)) ** 4,
        "mouth_paint": random.random((1, window, window, 3)),
    }
    planes = {name: values.astype(np.float32) for name, values in planes.items()}
    for values in planes.values():
        values[random.random(values.shape) < 0.02] = np.nan
    painters = {"mouth": (8.5 / cells, 12.5 / cells, 24.3 / cells, 28.3 / cells)}  # halves: to even
    face = random.random((side, side, 3)).astype(np.float32)
    crop = FaceCrop(np.eye(2, 3), side)
    everything = slice(0, side), slice(0, side)
    mouth = Painter(
        part="mouth",
        window=painters["mouth"],
        cover=planes["mouth_cover"][0],
        paint=planes["mouth_paint"][0],
    )
    answer = Answer(
        **{name: planes[name][0] for name in ("motion", "gain", "cover", "paint")},
        painters=(mouth,),
    )
    wanted = motion_in_frame(mended(answer, LiftedFace(face, None), Handling()), crop, everything)
    asked = {
        name: [np.moveaxis(values, 3, 1).shape, listed(np.moveaxis(values, 3, 1))]
        for name, values in planes.items()
    }
    with served(ASSEMBLE.parent) as address:
        browser.get(address + "try.css")
        made = browser.execute_async_script(  # type: ignore[no-untyped-call]
            MOTION_IN_FRAME,
            asked,
            [listed(plane) for plane in np.moveaxis(face, 2, 0)],
            painters,
            side,
        )
    parts = (wanted.displacement, wanted.log_gain, wanted.cover[..., None])
    *changes, red, green, blue, weight = (np.reshape(one, (side, side)) for one in made)
    assert np.abs(np.stack(changes, 2) - np.concatenate(parts, axis=2)).max() < 1e-3
    assert np.abs(weight - wanted.weight).max() < 1e-3
    covered = wanted.cover > 0
    assert covered.mean() > 0.1
    assert np.abs(np.stack([red, green, blue], 2) - wanted.paint)[covered].max() < 1e-3


def listed(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(one) else float(one) for one in values.ravel()]


def test_another_archive_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(b"no such archive")
    archive_of = runpy.run_path(str(ASSEMBLE))["runtime_archive"]
    with pytest.raises(Exception, match="npm pack onnxruntime-web@"):
        archive_of(other)
