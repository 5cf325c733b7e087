"""`render`, `sheet` and `demo` from the command line to the files that they write."""

import inspect
import json
import os
import shlex
import shutil
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands.demo import EXPRESSIONS, demo
from reggan_plugin.commands.options import model as open_model
from reggan_plugin.commands.render import render
from reggan_plugin.commands.sheet import sheet
from reggan_plugin.files.frame import read_frame
from reggan_plugin.ui.live_face import live_face

from ..sample_frames import SAMPLES, contents
from .conftest import ReddeningTransfer

SHOT = SAMPLES / "avatar_png"

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Three small frames, of which the last is black."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number, level in ((1001, 40), (1002, 80), (1004, 0)):
        Image.new("RGBA", (16, 12), (level, level, level, 200)).save(folder / f"a.{number}.png")
    return folder


def render_happy(source: Path | str, *arguments: str | Path) -> int:
    return main(["render", "--frames", str(source), "--expression", "happy", *map(str, arguments)])


@pytest.mark.usefixtures("tracked")
class TestRender:
    """With a stub in place of the model."""

    def test_paths_on_stdout_progress_on_stderr_and_frames_that_open(
        self, shot: Path, capsys: Streams
    ) -> None:
        assert render_happy(shot) == 0
        out, err = capsys.readouterr()
        written = [Path(line) for line in out.splitlines()]
        folder = shot.parent / "shot_happy"
        assert written == [folder / name for name in ("a.1001.png", "a.1002.png", "a.1004.png")]
        with Image.open(written[0]) as first:
            assert (first.mode, first.size) == ("RGBA", (16, 12))
            assert first.getpixel((8, 6)) == (255, 40, 40, 200)
            assert first.getpixel((0, 0)) == (40, 40, 40, 200)
        assert written[2].read_bytes() == (shot / "a.1004.png").read_bytes()
        assert "[3/3] a.1004.png copied: no face" in err
        assert "1 frame is missing and left out: 1003." in err
        assert "Done: 2 written, 1 copied, 0 skipped, 0 failed" in err

    def test_json_summary_names_everything(self, shot: Path, capsys: Streams) -> None:
        (shot / "a.1002.png").write_bytes((shot / "a.1002.png").read_bytes()[:50])
        assert render_happy(shot, "--json", "--intensity", "0.7", "--device", "cpu") == 1
        out, err = capsys.readouterr()
        summary = json.loads(out)
        assert summary["v"] == 1
        assert summary["expression"] == {"happy": 0.7}
        assert summary["model"] == {
            "name": "reddening",
            "version": "1",
            "sha256": "0" * 64,
            "device": "cpu",
            "device_reason": "asked for",
        }
        assert summary["counts"] == {"written": 1, "copied": 1, "skipped": 0, "failed": 1}
        assert summary["copied"][0]["message"] == "no face"
        assert summary["failed"][0]["source"].endswith("a.1002.png")
        assert "a.1002.png" in summary["failed"][0]["message"]
        assert summary["missing"] == [1003]
        assert err.rstrip().endswith("--resume` renders only what is missing.")

    def test_json_progress_is_one_versioned_object_a_line(
        self, shot: Path, capsys: Streams
    ) -> None:
        assert render_happy(shot, "--progress", "json") == 0
        events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert {event["v"] for event in events} == {2}
        assert events[0]["event"] == "started"
        assert events[0]["frames"] == 3
        frames = [event for event in events if event["event"] == "frame"]
        assert [(f["done"], f["outcome"]) for f in frames] == [
            (1, "written"),
            (2, "written"),
            (3, "copied"),
        ]
        assert [f["frame"] for f in frames] == [1001, 1002, 1004]
        assert {f["device"] for f in frames} == {"cpu"}
        assert all(f["seconds"] >= 0 and f["warnings"] == [] for f in frames)
        assert all(f["weights"] for f in frames)
        times = [datetime.fromisoformat(event["time"]) for event in events]
        assert times == sorted(times)
        assert events[-1]["event"] == "finished"

    def test_devices_that_are_missing_are_left_to_doctor(
        self, shot: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class OnTheBest(ReddeningTransfer):
            def __init__(self, model: str | None, **settings: Any) -> None:
                super().__init__(model, **settings)
                self.device_reason = "the best that works here; rtx: is missing; cuda: no CUDA"

        monkeypatch.setattr(open_model, "ExpressionTransfer", OnTheBest)
        assert render_happy(shot) == 0
        first = capsys.readouterr().err.splitlines()[0]
        assert first.endswith(": 3 frames by reddening 1 on cpu")
        assert render_happy(shot, "--overwrite", "--json") == 0
        assert json.loads(capsys.readouterr().out)["model"]["device_reason"].endswith("no CUDA")

    def test_json_logs_in_json_too_unless_told(self, shot: Path, capsys: Streams) -> None:
        Image.new("RGB", (16, 12), (9, 9, 9)).save(shot / "a.1005.jpg")
        assert render_happy(shot / "a.1005.jpg", "--json") == 0
        events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        (frame,) = (event for event in events if event["event"] == "frame")
        (warning,) = frame["warnings"]
        assert "lossy" in warning
        assert render_happy(shot / "a.1005.jpg", "--json", "--progress", "plain", "--resume") == 0
        assert capsys.readouterr().err.startswith("To ")

    def test_a_chunk_past_the_end_of_the_shot_is_done_at_once(
        self, shot: Path, capsys: Streams
    ) -> None:
        assert render_happy(shot, "--range", "1005-1010") == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert "nothing to do" in err

    def test_what_a_library_prints_of_a_damaged_file_is_no_result(
        self, tmp_path: Path, capsys: Streams
    ) -> None:
        content = bytearray((SAMPLES / "avatar_exr" / "avatar.1001.exr").read_bytes())
        middle = len(content) // 2
        content[middle : middle + 400] = bytes(400)
        (tmp_path / "a.1001.exr").write_bytes(content)
        assert render_happy(tmp_path / "a.1001.exr", "--json") == 1
        summary = json.loads(capsys.readouterr().out)
        assert "is damaged" in summary["failed"][0]["message"]

    def test_json_progress_ends_with_the_error(self, shot: Path, capsys: Streams) -> None:
        (shot / "a.1001.png").write_bytes(b"")
        assert render_happy(shot, "--progress", "json") == 1
        lines = capsys.readouterr().err.splitlines()
        error = json.loads(lines[-2])
        assert (error["event"], error["exit_code"]) == ("error", 1)
        assert (error["kind"], error["fields"]["first"]["kind"]) == (
            "frames-failed",
            "unreadable-frame",
        )
        assert lines[-1] == f"Error: {error['message']} {error['remedy']}"

    def test_openjd_progress(self, shot: Path, capsys: Streams) -> None:
        (shot / "a.1001.png").write_bytes(b"")
        assert render_happy(shot, "--progress", "openjd") == 1
        lines = capsys.readouterr().err.splitlines()
        progress = [line for line in lines if line.startswith("openjd_progress: ")]
        assert progress == [
            "openjd_progress: 33.3",
            "openjd_progress: 66.7",
            "openjd_progress: 100.0",
        ]
        assert any(line.startswith("openjd_fail: 1 of 3 frames failed") for line in lines)

    def test_range_out_and_names(self, shot: Path, tmp_path: Path) -> None:
        out = tmp_path / "deep" / "out"
        assert render_happy(shot / "a.####.png", "--range", "1001-1010x3", "--out", out) == 0
        assert sorted(contents(out)) == ["a.1001.png", "a.1004.png"]

    def test_dry_run_lists_and_writes_nothing(self, shot: Path, capsys: Streams) -> None:
        assert render_happy(shot, "--dry-run") == 0
        assert len(capsys.readouterr().out.splitlines()) == 3
        assert not (shot.parent / "shot_happy").exists()
        assert render_happy(shot, "--dry-run", "--json") == 0
        document = json.loads(capsys.readouterr().out)
        assert [Path(pair["source"]).name for pair in document["would_write"]] == [
            "a.1001.png",
            "a.1002.png",
            "a.1004.png",
        ]

    def test_intensity_0_copies_without_a_model(self, shot: Path, capsys: Streams) -> None:
        assert render_happy(shot, "--intensity", "0", "--json") == 0
        assert json.loads(capsys.readouterr().out)["model"] is None
        assert contents(shot.parent / "shot_happy") == contents(shot)

    def test_a_blend_names_its_folder(self, shot: Path) -> None:
        arguments = ["--expression", "joy:0.6+surprise:0.3"]
        assert main(["render", "--frames", str(shot), *arguments]) == 0
        assert (shot.parent / "shot_happy_surprised").is_dir()

    def test_existing_outputs_need_overwrite_or_resume(self, shot: Path, capsys: Streams) -> None:
        out = shot.parent / "shot_happy"
        assert render_happy(shot) == 0
        capsys.readouterr()
        assert render_happy(shot) == 1
        assert "--resume" in capsys.readouterr().err
        (out / "a.1002.png").unlink()
        assert render_happy(shot, "--resume") == 0
        assert capsys.readouterr().out.splitlines() == [str(out / "a.1002.png")]
        assert render_happy(shot, "--overwrite") == 0
        assert len(capsys.readouterr().out.splitlines()) == 3

    def test_no_face_at_all_exits_1(self, tmp_path: Path, capsys: Streams) -> None:
        Image.new("RGB", (16, 12)).save(tmp_path / "black.png")
        assert render_happy(tmp_path / "black.png") == 1
        assert "--face-box" in capsys.readouterr().err
        shot = tmp_path / "shot"
        shot.mkdir()
        for number in range(1, 4):
            shutil.copy(tmp_path / "black.png", shot / f"n.{number}.png")
        assert render_happy(shot) == 1
        for again in ("--resume", "--rehash"):
            assert render_happy(shot, "--resume", again) == 1
            assert "No human-like face in any of 3 frames" in capsys.readouterr().err
        copied = tmp_path / "copied.png"
        asked = ("--on-missing-face", "copy", "--out", copied)
        assert render_happy(tmp_path / "black.png", *asked) == 0
        assert copied.read_bytes() == (tmp_path / "black.png").read_bytes()

    def test_an_expression_that_the_model_lacks_exits_2(self, shot: Path, capsys: Streams) -> None:
        assert main(["render", "--frames", str(shot), "--expression", "neutral"]) == 2
        assert "This model has no expression 'neutral'" in capsys.readouterr().err
        assert not (shot.parent / "shot_neutral").exists()

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_a_signal_finishes_the_frame_in_hand(
        self,
        shot: Path,
        capsys: Streams,
        monkeypatch: pytest.MonkeyPatch,
        number: signal.Signals,
        status: int,
    ) -> None:
        reddened = ReddeningTransfer.render

        def signal_then_render(self: ReddeningTransfer, *given: object) -> np.ndarray:
            os.kill(os.getpid(), number)
            return reddened(self, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(ReddeningTransfer, "render", signal_then_render)
        usual = signal.getsignal(number)
        assert render_happy(shot, "--json") == status
        out, err = capsys.readouterr()
        summary = json.loads(out)
        assert summary["interrupted"]
        assert summary["counts"]["written"] == 1
        read_frame(Path(summary["written"][0]["output"]))
        assert f"Interrupted: stopped by {number.name}" in err
        assert signal.getsignal(number) is usual

    def test_every_example_in_the_help_runs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(SHOT, tmp_path / "shot")
        shutil.copy(SHOT / "avatar.1001.png", tmp_path / "frame.png")
        monkeypatch.chdir(tmp_path)
        view = "reggan_plugin.commands.sheet._DrawnFace.view"
        monkeypatch.setattr(view, lambda face, mix: face.before)
        # without the check of its types: the transfer is a stand-in
        monkeypatch.setattr("reggan_plugin.commands.sheet.live_face", inspect.unwrap(live_face))
        for command in (render, sheet, demo):
            example = shlex.split((command.epilog or "").split("Example:")[1])
            assert example[0] == "reggan-plugin"
            assert main(example[1:]) == 0
        shots = [path.name for path in SAMPLES.iterdir() if path.is_dir()]
        expected = [f"{name}_{word}" for name in shots for word in EXPRESSIONS]
        everything = [*expected, *shots, "sheet.png"]
        assert sorted(files_in_tree(tmp_path / "demo")) == sorted(everything)


def files_in_tree(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
