"""The pack in a real ComfyUI: workflows of the documentation, bits of the command line, editor.

    REGGAN_COMFYUI=ComfyUI REGGAN_COMFYUI_PYTHON=comfy-env/bin/python \
        python -m pytest -m comfyui tests/comfyui/test_real.py

Its pictures of the editor and of the workflows go to the folder that REGGAN_COMFYUI_PICTURES names.
"""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenEXR
import pytest
from PIL import Image
from selenium import webdriver

from reggan_plugin.cli import main
from reggan_plugin.files.frame import read_frame

from ..curves.conftest import live_link
from ..sample_frames import SAMPLES
from .real_comfyui import COMFYUI, RealComfyUI

pytestmark = [
    pytest.mark.comfyui,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not (COMFYUI / "main.py").exists(), reason="REGGAN_COMFYUI names none"),
]
WORKFLOWS = Path(__file__).parents[2] / "docs/comfyui"
PICTURES = os.environ.get("REGGAN_COMFYUI_PICTURES")
BUTTONS = "[...document.querySelectorAll('.reggan button')]"
SHOT = sorted((SAMPLES / "avatar_png").iterdir())[:4]


@pytest.fixture(scope="module")
def comfyui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealComfyUI]:
    real = RealComfyUI(tmp_path_factory.mktemp("comfyui"))
    with Image.open(SAMPLES / "toon/toon.1001.png") as toon, Image.open(SHOT[0]) as avatar:
        frame, other = toon.convert("RGB"), avatar.convert("RGB")
        frame.save(real.folder / "input/frame.png")
        pair = Image.new("RGB", (other.width * 2, other.height))
        pair.paste(other, (0, 0))
        pair.paste(frame.resize((960, 540)), (other.width, 0))
        pair.save(real.folder / "input/pair.png")
    live_link(real.folder / "input/take.csv")
    with av.open(str(real.folder / "input/clip.mp4"), "w") as clip:
        stream = clip.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for path in SHOT:
            with Image.open(path) as one:
                shown = av.VideoFrame.from_image(one.convert("RGB").resize((640, 360)))
            clip.mux(stream.encode(shown))
        clip.mux(stream.encode(None))
    yield real
    real.close()


def workflow(name: str, **changed: dict[str, Any]) -> dict[str, Any]:
    """A workflow of the documentation, some inputs of its nodes changed."""
    document: dict[str, Any] = json.loads((WORKFLOWS / f"{name}.json").read_text())
    for node, inputs in changed.items():
        document[node.removeprefix("n")]["inputs"] |= inputs
    return document


def rendered(source: Path, out: Path, *options: str) -> Path:
    """What the command line makes of a file or a folder."""
    assert main(["render", str(source), *options, "--device", "cpu", "--out", str(out)]) == 0
    return out


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def same_pixels(one: Path, other: Path) -> bool:
    return np.array_equal(pixels(one), pixels(other))


def test_a_picture_has_the_command_line_s_bits(comfyui: RealComfyUI, tmp_path: Path) -> None:
    [saved] = comfyui.saved(comfyui.run(workflow("change"))["4"])
    source = comfyui.folder / "input/frame.png"
    made = rendered(source, tmp_path / "a.png", "-e", "happy", "--intensity", "0.8")
    assert same_pixels(saved, made)
    assert not same_pixels(saved, source)


def test_the_editor_and_a_blend_have_them_too(comfyui: RealComfyUI, tmp_path: Path) -> None:
    source = comfyui.folder / "input/frame.png"
    [saved] = comfyui.saved(comfyui.run(workflow("editor"))["3"])
    shapes = ("--shape", "browOuterUpLeft=0.5", "--shape", "browOuterUpRight=0.5")
    assert same_pixels(saved, rendered(source, tmp_path / "a.png", "-e", "happy:0.7", *shapes))
    [saved] = comfyui.saved(comfyui.run(workflow("blend"))["6"])
    shapes = ("--shape", "mouthSmileLeft=0.48", "--shape", "eyeBlinkLeft=0.8")
    assert same_pixels(saved, rendered(source, tmp_path / "b.png", "-e", "surprised:0.5", *shapes))


def test_the_expression_of_another_picture_has_them_too(
    comfyui: RealComfyUI, tmp_path: Path
) -> None:
    with Image.open(SHOT[0]) as avatar:
        avatar.convert("RGB").save(tmp_path / "rest.png")
    other = comfyui.folder / "input/other.png"
    rendered(tmp_path / "rest.png", other, "-e", "surprised")
    [saved] = comfyui.saved(comfyui.run(workflow("like"))["4"])
    source = comfyui.folder / "input/frame.png"
    asked = ("--like", str(other), "--reader", "character")
    assert same_pixels(saved, rendered(source, tmp_path / "a.png", *asked))
    assert not same_pixels(saved, source)


def test_a_batch_is_a_tracked_shot_that_a_take_drives(comfyui: RealComfyUI, tmp_path: Path) -> None:
    shot, batch = tmp_path / "shot", []
    shot.mkdir()
    for number, path in enumerate(SHOT, start=1):
        with Image.open(path) as one:
            one.convert("RGB").save(shot / f"one.{number:04}.png")
        batch.append(pixels(shot / f"one.{number:04}.png").astype(np.float32) / 255.0)
    np.save(tmp_path / "shot.npy", np.stack(batch))
    graph = {
        "1": {"class_type": "LoadArray", "inputs": {"path": str(tmp_path / "shot.npy")}},
        **{key: one for key, one in workflow("take").items() if key in ("3", "4")},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "shot"}},
    }
    graph["4"]["inputs"]["image"] = ["1", 0]
    saved = comfyui.saved(comfyui.run(graph)["5"])
    take = str(comfyui.folder / "input/take.csv")
    made = rendered(shot, tmp_path / "out", "--curves", take, "--curves-fps", "24")
    assert len(saved) == len(SHOT)
    for one, other in zip(saved, sorted(made.glob("*.png")), strict=True):
        assert same_pixels(one, other)
    video = comfyui.run(workflow("take"))["6"]
    [path] = comfyui.saved(video)
    with av.open(str(path)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == len(SHOT)


def test_light_alpha_and_layers_have_them(comfyui: RealComfyUI, tmp_path: Path) -> None:
    source = SAMPLES / "avatar_exr/avatar.1001.exr"
    frame = read_frame(source)
    assert frame.alpha is not None
    image = np.concatenate([frame.pixels, frame.alpha[..., None]], axis=2)
    np.save(tmp_path / "frame.npy", image[None].astype(np.float32))
    on_its_own = {"encoding": "linear", "layers": False}  # what is connected is filled
    graph = workflow("layers", n3=on_its_own, n4={"encoding": "linear"})
    graph["1"] = {"class_type": "LoadArray", "inputs": {"path": str(tmp_path / "frame.npy")}}
    array = {"image": ["3", 0], "path": str(tmp_path / "out.npy")}
    graph["9"] = {"class_type": "SaveArray", "inputs": array}
    [saved] = comfyui.saved(comfyui.run(graph)["4"], "files")
    layers = ("--exr-layers", "stmap,gain,paint,mask")
    made = rendered(source, tmp_path / "out.exr", "-e", "angry", *layers)
    own = OpenEXR.File(str(saved), separate_channels=True).channels()
    theirs = OpenEXR.File(str(made), separate_channels=True).channels()
    compared = [name for name in theirs if name.startswith("reggan")]
    assert len(compared) == 10
    for name in compared:
        assert np.array_equal(own[name].pixels, theirs[name].pixels), name
    result = np.load(tmp_path / "out.npy")[0]
    for place, name in enumerate("RGBA"):
        stored = theirs[name].pixels
        assert np.array_equal(result[..., place].astype(stored.dtype), stored), name


def test_two_faces(comfyui: RealComfyUI) -> None:
    outputs = comfyui.run(workflow("faces"))
    [saved] = comfyui.saved(outputs["8"])
    differs = (pixels(saved) != pixels(comfyui.folder / "input/pair.png")).any(axis=(0, 2))
    assert differs[: len(differs) // 2].any()
    assert differs[len(differs) // 2 :].any()
    said = comfyui.ended(comfyui.queue(workflow("faces", n7={"face": "5"})))["status"]
    assert "Face 5 is not in the tracks" in json.dumps(said)


def test_cancel_ends_a_batch(comfyui: RealComfyUI, tmp_path: Path) -> None:
    frames = np.stack([pixels(comfyui.folder / "input/frame.png")] * 40) / np.float32(255)
    np.save(tmp_path / "long.npy", frames)
    graph = workflow("change", n3={"batch_is": "separate pictures"})
    graph["1"] = {"class_type": "LoadArray", "inputs": {"path": str(tmp_path / "long.npy")}}
    prompt = comfyui.queue(graph)
    time.sleep(10)
    begin = time.monotonic()
    comfyui.ask("/interrupt", {})
    messages = [kind for kind, _ in comfyui.ended(prompt)["status"]["messages"]]
    assert "execution_interrupted" in messages
    assert time.monotonic() - begin < 60


def test_the_editor_in_a_browser(comfyui: RealComfyUI, browser: webdriver.Chrome) -> None:
    browser.set_window_size(1400, 1150)
    browser.get(comfyui.address)

    def script(text: str, *given: Any) -> Any:
        return browser.execute_script(text, *given)  # type: ignore[no-untyped-call]

    def wait_for(condition: str, seconds: float = 120) -> float:
        begin = time.monotonic()
        while not script(f"return !!({condition})"):
            assert time.monotonic() - begin < seconds, condition
            time.sleep(0.05)
        return time.monotonic() - begin

    def picture(name: str) -> None:
        if PICTURES:
            script("document.querySelectorAll('button[aria-label=Close]').forEach(x => x.click())")
            time.sleep(1)
            content = base64.b64decode(browser.get_screenshot_as_base64())
            Path(PICTURES, f"{name}.png").write_bytes(content)

    wait_for("window.app?.graph && window.app.canvas && window.LiteGraph")
    time.sleep(3)
    for name in ("blend", "faces", "take", "layers", "change"):
        script(
            "app.loadApiJson(arguments[0], arguments[1]); app.canvas.ds.scale = 0.9;",
            workflow(name),
            name,
        )
        time.sleep(3)
        script("app.canvas.fitViewToSelectionAnimated?.(); app.graph.setDirtyCanvas(true, true)")
        picture(f"workflow_{name}")
    script(
        """
        app.graph.clear();
        const add = (kind, pos) => { const node = LiteGraph.createNode(kind); node.pos = pos;
          app.graph.add(node); return node; };
        const load = add('LoadImage', [20, 80]), editor = add('RegganExpressionEditor', [320, 60]);
        load.widgets[0].value = 'frame.png';
        load.connect(0, editor, 0);
        const preview = add('PreviewImage', [800, 80]);
        editor.connect(0, preview, 0);
        window.editor = editor; app.canvas.ds.scale = 1; app.canvas.ds.offset = [60, 10];
        app.graph.setDirtyCanvas(true, true);
        """
    )
    shown = "document.querySelector('.reggan-stage img')"
    wait_for("document.querySelectorAll('.reggan-tiles button').length >= 60")
    wait_for(f"{shown}?.complete && {shown}.naturalWidth")
    wait_for("[...document.querySelectorAll('.reggan-tiles img')].filter(i => i.src).length >= 10")
    happy = "document.querySelector('.reggan-tiles button[data-name=happy]')"
    before = script(f"return {shown}.src")
    script(f"{happy}.click()")
    wait_for(f"{shown}.src !== '{before}'")
    assert script(f"return {happy}.getAttribute('aria-pressed')") == "true"
    value = "return JSON.parse(editor.widgets.find(w => w.name === 'change').value).weights"
    assert script(value) == {"happy": 1}
    picture("editor")
    script(f"{BUTTONS}.find(b => b.textContent === 'Shapes').click()")
    moves = []
    for step in range(6):
        before = script(f"return {shown}.src")
        script(
            "const r = document.querySelector('input[aria-label=browOuterUpLeft]');"
            "r.value = arguments[0]; r.dispatchEvent(new Event('input'))",
            0.2 + 0.1 * step,
        )
        moves.append(wait_for(f"{shown}.src !== '{before}' && {shown}.complete"))
    print("seconds from a move to its picture:", [round(one, 2) for one in moves], os.getloadavg())
    script(
        "document.querySelector('input[aria-label=browOuterUpLeft]')"
        ".dispatchEvent(new Event('change'))"
    )
    assert script(value) == {"happy": 1, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7}
    picture("editor_shapes")
    script("document.querySelector('.reggan button[aria-label=Undo]').click()")
    assert script(value) == {"happy": 1}
    search = "document.querySelector('.reggan [type=search]')"
    script(f"{BUTTONS}.find(b => b.textContent === 'Faces').click()")
    script(f"{search}.value = 'smirk'; {search}.dispatchEvent(new Event('input'))")
    visible = "[...document.querySelectorAll('.reggan-tiles button')].filter(b => b.offsetParent)"
    assert 1 <= script(f"return {visible}.length") <= 3
    script("app.queuePrompt(0)")
    begin = time.monotonic()
    while not (made := sorted((comfyui.folder / "temp").glob("*.png"))):
        assert time.monotonic() - begin < 300
        time.sleep(0.1)
    time.sleep(1)  # until it is written whole
    assert not same_pixels(made[-1], comfyui.folder / "input/frame.png")
