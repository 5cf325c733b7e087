"""The JavaScript of *In a web page of your own*, run in Chromium as it stands there."""

import functools
import http.server
import json
import os
import shutil
import tarfile
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from selenium import webdriver

from reggan_plugin.cli import main
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.models.model_card import find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..sample_frames import SAMPLES
from .conftest import ROOT, blocks_of

ARCHIVE = Path(os.environ.get("REGGAN_ONNXRUNTIME_WEB", "onnxruntime-web-1.30.0.tgz"))
LEVELS_OFF = 2
USE = """
const done = arguments[arguments.length - 1];
(async () => {
  const { change } = await import('./face.js');
  const picture = new Image();
  picture.src = 'crop.png';
  await picture.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext('2d').drawImage(picture, 0, 0);
  await change(canvas, arguments[0], {happy: 1});
  done([...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]);
})().catch((error) => done(String(error)));
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.mark.browser
@pytest.mark.skipif(not ARCHIVE.exists(), reason="REGGAN_ONNXRUNTIME_WEB names no archive")
def test_the_code_of_the_page_changes_a_face(
    browser: webdriver.Chrome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [code] = blocks_of(ROOT / "docs/web_page.md", "js")
    assert len(code.splitlines()) <= 60
    (tmp_path / "face.js").write_text(code)
    (tmp_path / "index.html").write_text("<!doctype html><title>face</title>")
    shutil.copy(find_model("sargan"), tmp_path)
    transfer = ExpressionTransfer("sargan", device="cpu")
    card, side = transfer.card, transfer.card.image_size_px
    assert main(["models", "sargan", "--json"]) == 0
    document = capsys.readouterr().out
    (tmp_path / "sargan.json").write_text(document)
    places = json.loads(document)["card"]["canonical_landmarks"]
    with tarfile.open(ARCHIVE) as archive:
        for one in archive.getmembers():
            name = Path(one.name).name
            if name == "ort.wasm.min.mjs" or name.startswith("ort-wasm-simd-threaded."):
                content = archive.extractfile(one)
                assert content is not None
                (tmp_path / name).write_bytes(content.read())
    frame = read_frame(SAMPLES / "toon/toon.1001.png")
    crop = cut_crop(frame.pixels, transfer.find_faces(frame, FaceChoice())[0])
    levels = np.rint(np.clip(crop, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "crop.png")
    points = {
        name: [side * part for part in places[name]]
        for name in ("left_eye", "right_eye", "mouth_left", "mouth_right")
    }
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{server.server_port}/index.html")
        drawn = browser.execute_async_script(USE, points)  # type: ignore[no-untyped-call]
        server.shutdown()
    assert isinstance(drawn, list), drawn
    shown = np.array(drawn).reshape(side, side, 4)[..., :3]
    session = onnxruntime.InferenceSession(find_model("sargan"))
    image = (levels.astype(np.float32) / 255).transpose(2, 0, 1)[None]
    asked = np.array([[float(name == "happy") for name in card.expressions]], np.float32)
    face, mask = session.run(["face", "mask"], {"image": image, "expression": asked})
    expected = (image + mask * (face - image))[0].transpose(1, 2, 0) * 255
    assert np.abs(shown - expected).max() <= LEVELS_OFF
    assert np.abs(shown.astype(int) - levels).max() > 30
