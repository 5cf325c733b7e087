"""What the command line says: the right word, the file's name, and what to do."""

import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands import progress
from reggan_plugin.errors import MeshError, UnreadableFrameError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.files.formats import png
from reggan_plugin.files.frame import read_frame
from reggan_plugin.files.image_format import faults_named, library_faults
from reggan_plugin.jobs.results_and_events import FrameDone, FrameResult, FrameTracked, Started
from reggan_plugin.textures.gltf.gltf_file import read_gltf
from reggan_training.data.identity_and_split import CANONICAL_LANDMARKS

from .glb_files import glb_bytes

Streams = pytest.CaptureFixture[str]

WITHOUT_EXTRAS = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            return None
        return self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from reggan_plugin.cli import main
sys.exit(main({arguments}))
"""
EXTRAS = ["torch", "embreex", "trimesh", "onnx", "onnxscript", "safetensors", "cv2", "tensorboardX"]


def run_without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = WITHOUT_EXTRAS.format(missing=EXTRAS, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("command", "option", "run"),
    [
        (["texture"], "--texture", []),
        (["train"], "--preset", ["--data", ".", "--out", "run"]),
        (["evaluate"], "--metric-weights", [".", "--data", "."]),
        (["dev", "mine-locator"], "--out", []),
        (["export", "onnx"], "--precision", []),
    ],
)
def test_help_is_printed_without_the_extra_and_running_names_it(
    command: list[str], option: str, run: list[str]
) -> None:
    shown = run_without_extras(*command, "--help")
    assert shown.returncode == 0, shown.stderr
    assert option in shown.stdout
    assert "Example:" in shown.stdout
    if run:
        ran = run_without_extras(*command, *run)
        assert ran.returncode == 1
        assert f"Error: `reggan-plugin {' '.join(command)}` needs" in ran.stderr
        assert 'pip install "reggan-plugin[train' in ran.stderr


def test_a_mistyped_command_is_answered_with_the_nearest(capsys: Streams) -> None:
    assert main(["rendr"]) == 2
    assert "No such command 'rendr'. Did you mean render" in capsys.readouterr().err
    assert main(["xyzzy"]) == 2
    assert "Did you mean" not in capsys.readouterr().err
    assert main([__file__, "-e", "happy"]) == 2
    assert f"To change it: reggan-plugin render {__file__} -e happy" in capsys.readouterr().err
    folder = str(Path(__file__).parent)
    assert main([folder]) == 2
    assert f"To change it: reggan-plugin render {folder} -e happy" in capsys.readouterr().err


def test_slips_of_words_and_numbers_are_answered_with_what_was_meant(capsys: Streams) -> None:
    for words, said in (
        (["-e", "smiling"], "Did you mean 'happy' or"),
        (["-e", "rendr"], "'rendr' is not an expression."),
        (["-e", "happy", "-i", "0,8"], "'0,8' is not a valid number; write it like 0.8."),
    ):
        assert main(["render", __file__, *words]) == 2
        assert said in capsys.readouterr().err


def test_an_expression_that_a_model_lacks_is_answered_with_its_nearest(
    tmp_path: Path, capsys: Streams
) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    arguments = ["render", str(tmp_path / "a.png"), "--model", "sargan", "--dry-run"]
    assert main([*arguments, "--expression", "contempt"]) == 2
    said = capsys.readouterr().err
    assert "The nearest of these is 'disgusted'." in said or "'happy'" in said.split("nearest")[1]
    assert main([*arguments, "--expression", "grin"]) == 2
    assert "The nearest of these is 'neutral'" not in capsys.readouterr().err


def test_models_prints_a_line_for_each_by_the_name_that_render_takes(
    capsys: Streams, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from reggan_plugin.commands import models
    from reggan_plugin.models.model_card import installed_models

    shipped = installed_models()["sargan"]
    copies = {name: tmp_path / f"{name}.onnx" for name in ("sargan", "hero", "villain")}
    for path in copies.values():
        path.write_bytes(shipped.read_bytes())
    monkeypatch.setattr(models, "installed_models", lambda: copies)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(", 128 px")[0] for line in lines] == [
        "sargan: version 0.1.0",
        "hero: sargan, version 0.1.0",
        "villain: sargan, version 0.1.0",
    ]


def test_a_single_frame_is_no_frames(tmp_path: Path, capsys: Streams) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    assert main(["render", str(tmp_path / "a.png"), "--expression", "happy"]) == 1
    err = capsys.readouterr().err
    assert ": 1 frame by " in err
    assert "No human-like face in a.png;" in err
    assert "1 frames" not in err
    (tmp_path / "a.png").write_bytes(b"damaged")
    assert main(["render", str(tmp_path / "a.png"), "--expression", "sad"]) == 1
    assert f"Error: {tmp_path / 'a.png'} is not an image" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        KeyError(0),
        struct.error("unpack requires a buffer of 4 bytes"),
        ValueError("corrupted strip cannot be reshaped from (2000,) to (1, 240, 426, 1)"),
        RuntimeError("imcd_lzw_decode returned IMCD_LZW_INVALID"),
    ],
)
def test_damage_without_words_says_where_it_was_met(error: Exception) -> None:
    with (
        pytest.raises(
            UnreadableFrameError, match=r"a\.tif is damaged: its decoder can make no sense of it\."
        ),
        faults_named(Path("a.tif")),
        library_faults(),
    ):
        raise error


@pytest.mark.parametrize(
    ("samples", "options", "found"),
    [
        (np.zeros((8, 8), np.int16), {}, "signed integers of 16 bits"),
        (np.zeros((8, 8), np.uint64), {}, "unsigned integers of 64 bits"),
        (np.zeros((8, 8), np.complex64), {}, "complex floats of 64 bits"),
    ],
)
def test_a_tiff_that_is_not_read_names_its_samples_and_a_command(
    samples: np.ndarray, options: dict[str, Any], found: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, samples, photometric="minisblack", **options)
    with pytest.raises(UnreadableFrameError, match=f"samples of {found}") as caught:
        read_frame(path)
    assert "magick IN -depth 16 OUT.tif" in str(caught.value)


def test_a_warning_of_a_library_carries_the_file_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    decode = png.decode

    def warn(content: bytes) -> object:
        warnings.warn("odd chunk", UserWarning, stacklevel=2)
        for number in range(5000):
            warnings.warn(f"tag {number}" + "x" * 5000, UserWarning, stacklevel=2)
        return decode(content)

    monkeypatch.setattr(png, "decode", warn)
    Image.new("RGB", (64, 64)).save(tmp_path / "odd.png")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["sheet", str(tmp_path / "odd.png"), "--out", str(tmp_path / "s.png")]) == 1
    err = capsys.readouterr().err
    assert "Note, odd.png: a library warns: odd chunk" in err
    assert "UserWarning" not in err
    assert "a library warns of more" in err
    assert len(err) < 15_000


def test_a_face_box_is_told_in_the_numbers_that_were_given() -> None:
    finder = FaceFinder(CANONICAL_LANDMARKS, 256)
    choice = FaceChoice(box=(1500, 900, 310, 310))
    with pytest.raises(UsageError, match="face box 1500,900,310,310 lies outside of the frame"):
        finder.place((720, 1280), choice, ())
    with pytest.raises(UsageError, match=r"reaches from \(100, 50\) to \(1380, 770\)"):
        finder.place((720, 1280), choice, (), (50, 100))
    with pytest.raises(UsageError, match="face box 5,5,1,1 is too small"):
        finder.place((720, 1280), FaceChoice(box=(5, 5, 1, 1)), ())


@pytest.mark.parametrize("extension", ["EXT_meshopt_compression", "KHR_meshopt_compression"])
def test_a_glb_whose_buffers_are_meshopt_fallbacks_is_called_packed(
    extension: str, tmp_path: Path
) -> None:
    packed = {"buffer": 0, "byteOffset": 0, "byteLength": 8, "byteStride": 4, "count": 2}
    document = {
        "asset": {"version": "2.0"},
        "extensionsUsed": [extension],
        "extensionsRequired": [extension],
        "buffers": [
            {"byteLength": 8},
            {"byteLength": 24, "extensions": {extension: {"fallback": True}}},
        ],
        "bufferViews": [
            {"buffer": 1, "byteLength": 24, "extensions": {extension: {**packed, "mode": "X"}}}
        ],
    }
    path = tmp_path / "packed.glb"
    path.write_bytes(glb_bytes(document, bytes(8)))
    with pytest.raises(MeshError, match=f"is packed with {extension}, .*npx gltf-transform copy"):
        read_gltf(path)


class Terminal:
    """A terminal that keeps what is drawn on it."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.drawn = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.drawn += text
        return len(text)

    def flush(self) -> None:
        pass


def test_bars_say_what_is_done_how_fast_and_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    clock = iter(np.arange(0.0, 60.0, 0.5))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    seconds = iter(range(100, 10_000, 2))
    monkeypatch.setattr(progress.time, "time", lambda: float(next(seconds)))
    bar = progress._ProgressBar()
    frame: dict[str, Any] = {"source": Path("a.png"), "message": None, "frames": 2}
    bar(
        Started(
            frames=2,
            source="shot",
            out=Path("o"),
            expression={},
            model=None,
            device=None,
            device_reason=None,
        )
    )
    for done in (1, 2):
        bar(FrameTracked(done=done, faces=1, **frame))
    for done in (1, 2):
        result = FrameResult(source=Path("a.png"), output=Path("o/a.png"), outcome="written")
        bar(FrameDone(done=done, frames=2, result=result))
    assert "Tracking" in terminal.drawn
    assert "Rendering" in terminal.drawn
    assert "2/2" in terminal.drawn
    assert "2.0 frames/s" in terminal.drawn
    assert "00:00:" in terminal.drawn  # the time left after one of two


def test_a_line_break_in_a_name_begins_no_line_of_its_own(tmp_path: Path, capfd: Streams) -> None:
    name = "a\nError: b.png"
    (tmp_path / name).write_bytes(b"x")
    assert main(["read", str(tmp_path / name)]) == 1
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "a\\nError: b.png" in said[0]


def test_live_with_a_closed_input_says_so(monkeypatch: pytest.MonkeyPatch, capfd: Streams) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["live"]) == 2
    assert "Standard input is closed" in capfd.readouterr().err
