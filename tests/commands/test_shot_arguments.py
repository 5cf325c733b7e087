"""Commands that take a shot as `render` does, and what they say at the end of a run."""

import json
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands import render as render_module
from reggan_plugin.commands import sheet as sheet_module
from reggan_plugin.drawing.contact_sheet import CELL_PX
from reggan_plugin.jobs.signals_and_timeouts import StopRequest

from ..sample_frames import SAMPLES, small_frame

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shot of three grey frames, in the folder that is worked in."""
    (tmp_path / "shot").mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (16, 12), (40, 40, 40)).save(tmp_path / "shot" / f"a.{number:04}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shot"


@pytest.mark.usefixtures("tracked")
def test_a_shot_is_an_argument_everywhere(shot: Path, capsys: Streams) -> None:
    assert main(["render", "shot", "--expression", "happy"]) == 0
    assert main(["report", "shot", "--out", "shot_happy", "--quick"]) == 0
    assert main(["track", "shot", "--out", "tracks.json"]) == 1, "nobody is there"
    assert Path("tracks.json").exists()
    words = ["job", "--expression", "happy", "shot", "--intensity", "0.5", "--overwrite"]
    assert main([*words, "--out", "job.json"]) == 0
    by_argument = json.loads(Path("job.json").read_text())
    assert main([*words[:3], "--frames", *words[3:], "--out", "job.json"]) == 0
    assert json.loads(Path("job.json").read_text()) == by_argument
    capsys.readouterr()
    for words in (
        ["track", "shot", "shot", "--out", "x.json"],
        ["track", "shot", "--frames", "shot", "--out", "x.json"],
        ["report", "--out", "shot_happy"],
    ):
        assert main(words) == 2
        assert "name one shot" in capsys.readouterr().err
    for more in (["-e", "sad"], ["--each", "basic"], ["--atlas", "a.png"]):
        words = ["job", "shot", "-e", "happy", *more, "--out", "j.json"]
        assert main(words) == 2
        assert "one result of a shot" in capsys.readouterr().err


@pytest.mark.usefixtures("tracked")
def test_an_interrupted_run_says_how_to_go_on(
    shot: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = render_module.run_jobs

    def stopped_soon(*arguments: object, **settings: object) -> object:
        stop.signal_number = 2
        return real(*arguments, **settings)  # type: ignore[arg-type]

    stop = StopRequest()
    monkeypatch.setattr(render_module, "run_jobs", stopped_soon)
    monkeypatch.setattr(render_module, "stop_on_signals", lambda: _Held(stop))
    assert main(["render", "shot", "--expression", "happy"]) == 130
    assert "The same command with --resume continues." in capsys.readouterr().err


class _Held:
    """A context that gives what it holds."""

    def __init__(self, value: StopRequest) -> None:
        self.value = value

    def __enter__(self) -> StopRequest:
        return self.value

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.usefixtures("tracked")
def test_a_changed_picture_is_told_of(shot: Path, capsys: Streams) -> None:
    assert main(["render", "shot/a.0001.png", "--expression", "happy", "--out", "b.png"]) == 0
    assert "changed in this picture before" not in capsys.readouterr().err
    assert main(["render", "b.png", "--expression", "sad"]) != 2
    assert "changed in this picture before" in capsys.readouterr().err


@pytest.mark.usefixtures("tracked")
def test_what_is_wrong_is_said_in_order(shot: Path, capsys: Streams) -> None:
    one = ["render", "shot/a.0001.png", "--expression", "happy", "--out", "b.png"]
    assert main(one) == 0
    assert main([*one, "--model", "regan"]) == 2
    assert "neither an installed model" in capsys.readouterr().err
    assert main(["render", "none.png", "--expression", "happy", "--out", "-"]) == 1
    assert "none.png: there is no such file" in capsys.readouterr().err
    for name, advice in {"a.avi": "ffmpeg -i a.avi a.mp4", "a.psd": "magick a.psd a.png"}.items():
        Path(name).write_bytes(b"x")
        assert main(["render", name, "--expression", "happy"]) == 1
        assert advice in capsys.readouterr().err
    Path("a.py").write_text("x")
    assert main(["render", "a.py", "--expression", "happy"]) == 1
    assert "Convert it" not in capsys.readouterr().err


def test_a_sheet_lies_beside_its_frame_and_has_the_input_once(
    tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_module._DrawnFace, "view", lambda face, mix: face.before)
    (tmp_path / "in").mkdir()
    frame = small_frame("toon/toon.1001.png", tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    assert main(["sheet", str(frame)]) == 0
    out, err = capsys.readouterr()
    path = frame.with_name("toon.1001_sheet.png")
    assert out.split() == [str(path)]
    assert "Drawing expressions: 7 of toon.1001.png" in err
    with Image.open(path) as drawn:
        assert drawn.width < 4 * CELL_PX, "three columns beside the names"
    assert main(["sheet", str(frame), "--json", "--overwrite"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    inputs = {tuple(cell["box"]) for cell in cells if cell["intensity"] == 0}
    assert (len(cells), len(inputs)) == (4 * 7, 1)


def test_the_demo_goes_on(tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    from reggan_plugin.commands import demo

    monkeypatch.setattr(demo, "sample_shots", lambda: [SAMPLES / "toon"])
    assert main(["demo", "--out", str(tmp_path / "d")]) == 0
    written = (tmp_path / "d/toon_happy/toon.1001.png").stat().st_mtime_ns
    assert (tmp_path / "d/toon/toon.1001.png").exists(), "as it was, beside its results"
    assert main(["demo", "--out", str(tmp_path / "d")]) == 0
    assert (tmp_path / "d/toon_happy/toon.1001.png").stat().st_mtime_ns == written


def test_the_demo_replaces_nothing_of_others(
    tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reggan_plugin.commands import demo

    monkeypatch.setattr(demo, "sample_shots", lambda: [SAMPLES / "toon"])
    for name in ("sheet.png", "toon/toon.1001.png"):
        foreign = tmp_path / name / name
        foreign.parent.mkdir(parents=True)
        foreign.write_bytes(b"somebody's")
        assert main(["demo", "--out", str(tmp_path / name)]) == 1
        assert f"{foreign.name} exists" in capsys.readouterr().err
        assert foreign.read_bytes() == b"somebody's"


@pytest.mark.parametrize("option", ["--settle", "--stall-timeout"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_time_is_finite(option: str, value: str, capsys: Streams) -> None:
    assert main(["render", "--watch", ".", "-e", "happy", option, value]) == 2
    assert "no finite number" in capsys.readouterr().err
