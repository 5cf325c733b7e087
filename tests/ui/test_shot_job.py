"""A whole shot from the page: the same files as `render`, cancelled and resumed."""

import io
import json
import shlex
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.errors import OutputExistsError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs import frame_steps
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.command_line_to_copy import PageOptions, command_line, python_text
from reggan_plugin.ui.page_actions import Studio
from reggan_plugin.ui.routes import document_of_shot
from reggan_plugin.ui.shot_job import JobProgress, ShotJob, ShotRequest

from .conftest import StartPage, studio_of

HAPPY = SliderValues(weights={"happy": 1.0})


@pytest.fixture
def studio() -> Iterator[Studio]:
    room = studio_of()
    yield room
    room.close()


def ended(job: ShotJob) -> JobProgress:
    deadline = time.monotonic() + 120
    while job.progress.is_going:
        assert time.monotonic() < deadline, job.progress
        time.sleep(0.02)
    return job.progress


def test_it_writes_what_the_command_writes(
    start_page: StartPage, shot: Path, tmp_path: Path
) -> None:
    studio = studio_of()
    page = start_page(studio)
    first = studio.files.open(shot).first
    asked = {"file": first, "face": 0, "change": {"weights": {"happy": 1}}}
    status, content = page.post("job/start", **asked)
    assert status == 200, content
    progress = ended(studio.job)
    assert (progress.state, progress.done, progress.frames) == ("finished", 3, 3)
    assert json.loads(page.call("GET", "job")[1])["out"] == str(tmp_path / "shot_happy")
    options = PageOptions(device="cpu")
    line = command_line(shot, HAPPY, FaceChoice(), options, tmp_path / "by_command")
    assert main(shlex.split(line)[1:]) == 0
    for path in sorted(shot.iterdir()):
        written = (tmp_path / "shot_happy" / path.name).read_bytes()
        assert written == (tmp_path / "by_command" / path.name).read_bytes()
        assert written != path.read_bytes()
    status, content = page.post("job/start", **asked)
    assert status == 422
    assert json.loads(content)["kind"] == "outputs-exist"


def test_it_stops_after_the_frame_in_hand_and_goes_on(
    studio: Studio, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1004, 1011):
        shutil.copy(shot / "avatar.1001.png", shot / f"avatar.{number}.png")
    shot_open = studio.files.open(shot)
    request = ShotRequest(shot=shot_open, change=HAPPY, choice=FaceChoice())
    gate, written = threading.Event(), threading.Event()
    write = frame_steps.FrameSteps.write

    def held(self, task, content):  # type: ignore[no-untyped-def]
        result = write(self, task, content)
        written.set()
        assert gate.wait(60)
        return result

    monkeypatch.setattr(frame_steps.FrameSteps, "write", held)
    studio.job.start(request)
    assert written.wait(60)
    with pytest.raises(UsageError, match="A job is running"):
        studio.job.start(request)
    assert studio.job.stop().state == "stopping"
    gate.set()
    progress = ended(studio.job)
    out = tmp_path / "shot_happy"
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert progress.state == "stopped"
    assert 1 <= len(kept) < 10
    with pytest.raises(OutputExistsError):
        studio.job.start(request)
    again = ShotRequest(shot=shot_open, change=HAPPY, choice=FaceChoice(), existing=Existing.RESUME)
    studio.job.start(again)
    assert ended(studio.job).state == "finished"
    now = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert len(now) == 10
    assert {name: now[name] for name in kept} == kept


def test_uploads_and_samples_are_rendered_into_the_page_s_folder(
    studio: Studio, tmp_path: Path
) -> None:
    opened = studio.files.open_sample("toon")
    request = ShotRequest(shot=opened, change=HAPPY, choice=FaceChoice(), out=tmp_path)
    studio.job.start(request)
    assert ended(studio.job).state == "finished"
    assert [path.name for path in (tmp_path / "toon_happy").glob("*.png")] == ["toon.1001.png"]


def test_nothing_to_do_is_refused(studio: Studio, shot: Path) -> None:
    nothing = SliderValues(weights={})
    request = ShotRequest(shot=studio.files.open(shot), change=nothing, choice=FaceChoice())
    with pytest.raises(UsageError, match="choose an expression"):
        studio.job.start(request)
    assert studio.job.progress.state == "idle"


def test_a_failed_job_says_why(studio: Studio, shot: Path) -> None:
    (shot / "avatar.1002.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    request = ShotRequest(shot=studio.files.open(shot), change=HAPPY, choice=FaceChoice())
    studio.job.start(request)
    progress = ended(studio.job)
    assert (progress.state, progress.failed) == ("failed", 1)
    assert "avatar.1002.png" in progress.message


def test_a_clip_is_looked_at_saved_and_rendered(studio: Studio, shot: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    words = ["render", str(shot), "--expression", "happy", "--intensity", "0", "--out", str(clip)]
    assert main([*words, "--quiet"]) == 0
    opened = studio.files.open(clip)
    assert document_of_shot(opened)["files"] == ["frame 1", "frame 2", "frame 3"]
    number = opened.first + 1
    assert len(studio.look(number).crops) == 1
    saved = studio.save(number, FaceChoice(), HAPPY)
    assert saved.name == "clip_0002_happy.png"
    with Image.open(io.BytesIO(saved.content)) as picture:
        height, width = studio.look(number).size
        assert picture.size == (width, height)
    studio.job.start(ShotRequest(shot=opened, change=HAPPY, choice=FaceChoice()))
    progress = ended(studio.job)
    assert progress.state == "finished", progress
    assert progress.out == str(tmp_path / "clip_happy.mp4")
    line = command_line(clip, HAPPY, FaceChoice(), PageOptions(), tmp_path / "own.mp4")
    assert main(shlex.split(line)[1:]) == 0
    assert (tmp_path / "own.mp4").read_bytes() == (tmp_path / "clip_happy.mp4").read_bytes()
    with pytest.raises(UsageError, match="frame of a clip"):
        python_text(opened.paths[1], HAPPY, FaceChoice(), PageOptions())
