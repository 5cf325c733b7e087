"""What Python may ask for: which faces, a file for a file, and errors of ours for wrong types."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin import ExpressionTransfer, FaceChoice, read_frame, write_frame
from reggan_plugin.errors import FaceNotFoundError, OutputExistsError, UsageError

from ..sample_frames import SAMPLES, small_frame

WIDTH = 640


@pytest.fixture(scope="module")
def transfer() -> ExpressionTransfer:
    return ExpressionTransfer(device="cpu")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """A large face on the left, and a smaller one on the right."""
    left = Image.open(SAMPLES / "avatar_png" / "avatar.1001.png").convert("RGB").reduce(2)
    right = Image.open(SAMPLES / "toon" / "toon.1001.png").convert("RGB")
    both = Image.new("RGB", (2 * WIDTH, left.height))
    both.paste(left, (0, 0))
    both.paste(right.resize((WIDTH * 3 // 4, left.height * 3 // 4)), (WIDTH, 0))
    return np.asarray(both)


def halves_that_change(before: np.ndarray, after: np.ndarray) -> tuple[bool, bool]:
    changed = (before != after).any(axis=2)
    return bool(changed[:, :WIDTH].any()), bool(changed[:, WIDTH:].any())


def test_any_face_is_changed(transfer: ExpressionTransfer, pair: np.ndarray) -> None:
    largest = transfer.apply(pair, "happy")
    assert halves_that_change(pair, largest) == (True, False)
    second = transfer.apply(pair, "happy", face=1)
    assert halves_that_change(pair, second) == (False, True)
    every = transfer.apply(pair, "happy", face="all")
    assert np.array_equal(every[:, :WIDTH], largest[:, :WIDTH])
    assert np.array_equal(every[:, WIDTH:], second[:, WIDTH:])
    with pytest.raises(
        FaceNotFoundError, match="No face 5 in this 1280x360 picture; found 2 faces"
    ):
        transfer.apply(pair, "happy", face=5)
    with pytest.raises(FaceNotFoundError, match="No face 5, 7 in this"):
        transfer.apply(pair, "happy", faces={1: "sad", 7: "sad", 5: "angry"})
    with pytest.raises(FaceNotFoundError, match="No face 7 in this"):
        transfer.apply(pair, "happy", face=(0, 7))


def test_each_face_may_have_its_own(transfer: ExpressionTransfer, pair: np.ndarray) -> None:
    happy, sad = (transfer.apply(pair, name, face="all") for name in ("happy", "sad"))
    own = transfer.apply(pair, faces={0: "happy", 1: "sad"})
    assert np.array_equal(own[:, :WIDTH], happy[:, :WIDTH])
    assert np.array_equal(own[:, WIDTH:], sad[:, WIDTH:])
    assert np.array_equal(transfer.apply(pair, "happy", faces={1: "sad"}), own)
    one = transfer.apply(pair, None, faces={1: "sad"})
    assert halves_that_change(pair, one) == (False, True)


def test_a_file_becomes_a_file(transfer: ExpressionTransfer, tmp_path: Path) -> None:
    source = small_frame("avatar_png/avatar.1001.png", tmp_path)
    out = transfer.change_file(source, tmp_path / "happy.png", "happy", face=0)
    assert out == tmp_path / "happy.png"
    pixels = read_frame(out).pixels
    assert np.abs(pixels - read_frame(source).pixels).max() > 0.2
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        transfer.change_file(source, out, "sad")
    with pytest.raises(UsageError, match="never overwritten"):
        transfer.change_file(source, source, "sad", overwrite=True)
    for no_file in (".", "a\0.png"):
        with pytest.raises(UsageError, match="is no file's name"):
            transfer.change_file(source, no_file, "sad", overwrite=True)
        with pytest.raises(UsageError, match="is no file's name"):
            read_frame(no_file)
    transfer.change_file(source, out, "sad", overwrite=True)
    assert not np.array_equal(read_frame(out).pixels, pixels)


def test_a_frame_keeps_its_format(tmp_path: Path) -> None:
    frame = read_frame(small_frame("avatar_exr/avatar.1001.exr", tmp_path))
    with pytest.raises(UsageError, match=r"keeps its format. Name it x\.exr"):
        write_frame(frame, frame.pixels, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


WRONG = """
    t.apply(p, "happy", "0.5")
    t.apply(p, "happy", None)
    t.apply(p, {"happy": "0.5"})
    t.apply(p, {1: 0.5})
    t.apply(p, {"happy": 10**400})
    ExpressionMix({1: 0.5})
    ExpressionMix({"happy": 1}, adds="yes")
    ExpressionMix({"happy": 1}, by_face={0: "sad"})
    FaceChoice(which="second")
    t.render(frame, "happy", [])
    t.render(frame, mix, crops, float("nan"))
    t.auto_exposure(frame, None)
    t.apply(p, None)
    t.apply(p, 7)
    t.apply(p, "happy", face="second")
    t.apply(p, "happy", face=1.0)
    t.apply(p, "happy", face=-1)
    t.apply(p, "happy", face=())
    t.apply(p, "happy", faces={-1: "sad"})
    t.apply(p, "happy", faces={0: 7})
    t.apply(p, "happy", faces={"1": "sad"})
    t.apply(p, "happy", faces=[1])
    t.apply(p)
    read_frame(7)
    ExpressionTransfer(rig="head.glb")
    ExpressionTransfer(mouth="smile")
    t.apply(Image.open(CUT), "happy")
    ExpressionTransfer(presets=4)
    t.apply(7, "happy")
    ExpressionTransfer(batch=0)
    ExpressionTransfer(batch="4")
    ExpressionTransfer(7)
    ExpressionTransfer(device=0)
    copy.deepcopy(t)
    pickle.dumps(t)
"""
PROGRAM = """
import copy, inspect, pickle
import numpy as np
from PIL import Image
from reggan_plugin import *
from reggan_plugin.errors import UsageError
from reggan_plugin.files.frame import Encoding
t, p = ExpressionTransfer(device="cpu"), np.zeros((64, 64, 3), np.uint8)
t.apply(p, {"happy": np.float32(0)}, np.float64(0.5))
for box in [(9, 9, 40, 40.5), [9, 9, 40, 40], np.array([9, 9, 40, 40], np.float32)]:
    t.apply(p, "happy", face=FaceChoice(box=box))
frame = read_frame(PICTURE)
linear = Frame(pixels=frame.pixels, encoding=Encoding.SCENE_LINEAR, original=frame.original)
mix, crops = parse_expression_mix("happy"), t.find_faces(frame, FaceChoice(whole_image=True))
for line in LINES:
    try:
        eval(line)
        print(line, "is no error")
    except UsageError if "face" in line else RegganError:
        pass

asked = {
    t.find_faces: {"frame": frame, "choice": FaceChoice()},
    t.auto_exposure: {"frame": linear, "crops": crops},
    t.render: {"frame": linear, "mix": mix, "crops": crops, "exposure_ev": 0.0},
    t.intensity_share: {"crop": crops[0]},
    t.answer: {"cuts": []},
    mix.scaled: {"share": 1.0},
    ExpressionMix: {"intensities": {"happy": 1.0}},
    t.apply: {"picture": p, "expression": "happy"},
    t.change_file: {"source": PICTURE, "out": "changed.png", "expression": "happy"},
    ExpressionTransfer: {"device": "cpu"},
    lambda **place: t.apply(p, "happy", face=FaceChoice(**place)): {},
    parse_expression_mix: {"text": "happy"},
    read_expression: {"picture": PICTURE},
    read_frame: {"path": PICTURE},
    read_rig: {"path": PICTURE},
    write_frame: {"frame": frame, "pixels": frame.pixels, "path": "written.png"},
}
strange = [object(), np.zeros(3), [1], {1: 2}, b"no", "\\ud800", "a" * 5000, 10**400]
for call, known in asked.items():
    names = inspect.signature(call).parameters if known else FaceChoice.__dataclass_fields__
    for name in set(names) - {"adds", "names", "overwrite", "is_draft"}:  # whatever is true
        for value in strange:
            try:
                call(**known | {name: value})
            except RegganError:
                pass
"""


def test_wrong_types_are_errors_of_ours(tmp_path: Path) -> None:
    """Of every public function and argument; in a process of its own, as tests check types."""
    lines = [line.strip() for line in WRONG.split("\n") if line.strip()]
    picture = tmp_path / "grey.png"
    Image.effect_noise((64, 64), 9).convert("RGB").save(picture)
    cut = tmp_path / "cut.png"
    cut.write_bytes(picture.read_bytes()[:2000])
    names = f"LINES, PICTURE, CUT = {lines!r}, {str(picture)!r}, {str(cut)!r}"
    words = [sys.executable, "-c", f"{names}\n{PROGRAM}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_it_says_what_it_is(transfer: ExpressionTransfer) -> None:
    frame = read_frame(SAMPLES / "avatar_png" / "avatar.1001.png")
    assert repr(frame) == "<Frame 1280x720 srgb>"
    assert repr(transfer) == f"<ExpressionTransfer reggan {transfer.card.version} on cpu>"


def test_threads_share_a_model(transfer: ExpressionTransfer, pair: np.ndarray) -> None:
    expected = [transfer.apply(pair, name, face=1) for name in ("happy", "sad")]
    found: dict[int, np.ndarray] = {}

    def work(place: int) -> None:
        found[place] = transfer.apply(pair, ("happy", "sad")[place % 2], face=FaceChoice(which=1))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[place], expected[place % 2]) for place in range(4))
