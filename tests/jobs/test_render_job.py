"""What a job writes, what becomes of frames that fail, and what it says."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.change.pipeline import EditedFrame, FrameCrops, Picture
from reggan_plugin.errors import OutputError, OutputExistsError, UsageError, document_from_said
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.imaging.crop import FaceCrop
from reggan_plugin.jobs import render_job
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.frame_record import FrameFacts
from reggan_plugin.jobs.frame_steps import FrameInput, _stats
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import MissingFace, RenderSettings
from reggan_plugin.jobs.results_and_events import (
    Event,
    FrameDone,
    JobSummary,
    Notice,
    document_from_event,
)
from reggan_plugin.vocabulary.expression import ExpressionMix

from .conftest import Brightening

HAPPY = ExpressionMix({"happy": 1.0})


def write_pngs(folder: Path, levels: list[int]) -> Path:
    folder.mkdir()
    for number, level in enumerate(levels, start=1):
        Image.new("RGB", (6, 4), (level, level, level)).save(folder / f"a.{number:04d}.png")
    return folder


def run(
    source: Path,
    out: Path,
    *,
    transfer: Brightening | None = None,
    existing: Existing = Existing.REFUSE,
    frame_range: str | None = None,
    mix: ExpressionMix = HAPPY,
    on_missing_face: MissingFace = "copy",
    stopped: Callable[[], bool] = lambda: False,
    report: Callable[[Event], None] = lambda event: None,
) -> JobSummary:
    plan = plan_job(str(source), frame_range, out, "happy", existing)
    settings = RenderSettings(mix=mix, on_missing_face=on_missing_face)
    return run_job(
        plan,
        settings,
        RenderRun(transfer=transfer or Brightening(), model=None, report=report, stopped=stopped),
    )


def frames_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def outcomes(summary: JobSummary) -> list[str]:
    return [result.outcome for result in summary.results]


def test_huge_frames_leave_room_for_fewer(tmp_path: Path) -> None:
    original = read_frame(write_pngs(tmp_path / "shot", [1]) / "a.0001.png").original
    facts = FrameFacts(expression={}, settings_sha256="")

    def waiting(pixels: int) -> FrameInput:
        picture = np.broadcast_to(np.zeros((), np.float32), (pixels, 1, 3))
        frame = Frame(pixels=picture, original=original)
        cut = FrameCrops(picture=Picture(pixels=picture), faces=())
        return FrameInput(frame=frame, cut=cut, facts=facts)

    sizes = (1, 1920 * 1080, 4096 * 2160, 7680 * 4320, 15360 * 8640, 10**9)
    assert [render_job._room_beside(waiting(n), most=5) for n in sizes] == [4, 4, 1, 1, 0, 0]
    assert [render_job._room_beside(waiting(n), most=24) for n in sizes] == [23, 7, 1, 1, 0, 0]
    assert [render_job._room_beside(waiting(n), most=1) for n in sizes] == [0] * 6


def test_frames_are_written_under_their_names_in_order(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10, 20, 30])
    summary = run(source, tmp_path / "out")
    assert outcomes(summary) == ["written"] * 3
    assert [r.output.name for r in summary.results] == ["a.0001.png", "a.0002.png", "a.0003.png"]
    levels = [255 * read_frame(result.output).pixels[0, 0, 0] for result in summary.results]
    assert levels == pytest.approx([112, 122, 132])


def test_a_truncated_frame_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10, 20, 30])
    broken = source / "a.0002.png"
    broken.write_bytes(broken.read_bytes()[:40])
    summary = run(source, tmp_path / "out")
    assert outcomes(summary) == ["written", "failed", "written"]
    assert "a.0002.png" in (summary.results[1].message or "")
    assert frames_in(tmp_path / "out") == ["a.0001.png", "a.0003.png"]
    with pytest.raises(Exception, match=r"1 of 3 frames failed.*a\.0002\.png"):
        summary.raise_for_failure()


def test_frames_in_which_the_intensity_fades_are_named(tmp_path: Path) -> None:
    class Turning(Brightening):
        shares = iter([1.0, 0.75, 0.25, 0.0, 1.0, 0.5])

        def intensity_share(self, crop: FaceCrop) -> float:
            return next(self.shares)

    source = write_pngs(tmp_path / "shot", [10, 20, 30, 40, 50, 60])
    events: list[Event] = []
    summary = run(source, tmp_path / "out", transfer=Turning(), report=events.append)
    assert outcomes(summary) == ["written"] * 3 + ["copied"] + ["written"] * 2
    messages = [result.message for result in summary.results]
    assert messages[1:4] == [
        "head turned too far: 75% of the intensity",
        "head turned too far: 25% of the intensity",
        "head turned too far",
    ]
    copied = summary.results[3]
    assert copied.output.read_bytes() == copied.source.read_bytes()
    named = [e.message for e in events if isinstance(e, Notice) and "turned" in e.message]
    assert len(named) == 1
    assert named[0].endswith(": a.0002.png to a.0004.png, a.0006.png.")
    document = summary.document()
    assert {**document_from_said(named[0]), "frames": 4} in document["notices"]
    assert [entry["intensity_share"] for entry in document["faded"]] == [0.75, 0.25, 0.0, 0.5]
    assert document["faded"][0]["source"].endswith("a.0002.png")


@pytest.mark.parametrize(
    ("on_missing_face", "outcome", "names"),
    [
        ("copy", "copied", ["a.0001.png", "a.0002.png"]),
        ("skip", "skipped", ["a.0001.png"]),
        ("fail", "failed", ["a.0001.png"]),
    ],
)
def test_a_frame_without_a_face(
    tmp_path: Path, on_missing_face: MissingFace, outcome: str, names: list[str]
) -> None:
    source = write_pngs(tmp_path / "shot", [10, 0])
    summary = run(source, tmp_path / "out", on_missing_face=on_missing_face)
    assert outcomes(summary) == ["written", outcome]
    assert frames_in(tmp_path / "out") == names
    if outcome == "copied":
        copy = tmp_path / "out" / "a.0002.png"
        assert copy.read_bytes() == (source / "a.0002.png").read_bytes()
        summary.raise_for_failure()


def test_no_face_in_any_frame_is_a_failure(tmp_path: Path) -> None:
    summary = run(write_pngs(tmp_path / "shot", [0, 0]), tmp_path / "out")
    assert outcomes(summary) == ["copied", "copied"]
    with pytest.raises(Exception, match=r"No human-like face in any of 2 frames"):
        summary.raise_for_failure()


def test_intensity_0_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10, 20])
    (source / "a.0001.png").write_bytes((source / "a.0001.png").read_bytes() + b"trailing bytes")
    summary = run(source, tmp_path / "out", mix=ExpressionMix({"happy": 0.0}))
    assert outcomes(summary) == ["copied", "copied"]
    for result in summary.results:
        assert result.output.read_bytes() == result.source.read_bytes()


def test_resume_writes_only_what_is_missing(tmp_path: Path) -> None:
    source, out = write_pngs(tmp_path / "shot", [10, 20, 30]), tmp_path / "out"
    run(source, out)
    before = {name: (out / name).stat().st_mtime_ns for name in frames_in(out)}
    (out / "a.0002.png").unlink()
    summary = run(source, out, existing=Existing.RESUME)
    assert outcomes(summary) == ["skipped", "written", "skipped"]
    after = {name: (out / name).stat().st_mtime_ns for name in frames_in(out)}
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == ["a.0002.png"]


def test_existing_outputs_are_refused_before_any_work(tmp_path: Path) -> None:
    source, out = write_pngs(tmp_path / "shot", [10, 20]), tmp_path / "out"
    run(source, out, frame_range="2")
    content = (out / "a.0002.png").read_bytes()
    with pytest.raises(
        OutputExistsError, match=r"1 of 2 outputs.*a\.0002\.png.*nothing is replaced"
    ):
        run(source, out)
    assert frames_in(out) == ["a.0002.png"]
    assert (out / "a.0002.png").read_bytes() == content


def test_the_source_folder_is_refused_as_output(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10])
    link = tmp_path / "link"
    link.symlink_to(source)
    for out in (source, link, source / ".." / "shot"):
        with pytest.raises(UsageError, match="never overwritten"):
            plan_job(str(source), None, out, "happy", Existing.OVERWRITE)


def test_a_source_that_links_into_the_output_folder_is_refused(tmp_path: Path) -> None:
    real = write_pngs(tmp_path / "real", [10])
    source = tmp_path / "shot"
    source.mkdir()
    (source / "a.0001.png").symlink_to(real / "a.0001.png")
    with pytest.raises(UsageError, match="never overwritten"):
        plan_job(str(source), None, real, "happy", Existing.OVERWRITE)


def test_layers_go_to_no_folder_of_source_frames_and_to_one_of_their_expression(
    tmp_path: Path,
) -> None:
    source = write_pngs(tmp_path / "shot", [10])
    layers = tmp_path / "layers"
    layers.mkdir()
    (layers / "mask").symlink_to(source)
    asked = LayerFiles(folder=layers, layers=("mask",))
    with pytest.raises(UsageError, match="taken for frames"):
        plan_job(str(source), None, tmp_path, "sad", Existing.OVERWRITE, layer_files=asked)
    asked = LayerFiles(folder=tmp_path / "{expression}", layers=("delta",))
    plan = plan_job(str(source), None, tmp_path, "sad", Existing.OVERWRITE, layer_files=asked)
    assert plan.tasks[0].beside == [tmp_path / "sad/delta/a.0001.exr"]


def test_no_input_is_changed(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10, 0, 30])
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}
    run(source, tmp_path / "out")
    run(source, tmp_path / "out", existing=Existing.OVERWRITE)
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in source.iterdir()}


def test_a_full_disk_fails_the_frame_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_pngs(tmp_path / "shot", [10, 20])

    def run_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", run_full)
    summary = run(source, tmp_path / "out")
    assert outcomes(summary) == ["failed", "failed"]
    assert "No space left on device" in (summary.results[0].message or "")
    assert frames_in(tmp_path / "out") == []


def test_an_output_folder_that_takes_no_files_is_found_before_any_work(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10])
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"takes no files.*another folder"):
        run(source, tmp_path / "file" / "out")


def test_a_frame_that_does_not_fit_into_memory_is_named(tmp_path: Path) -> None:
    class Hungry(Brightening):
        def changed(self, picture: Picture, mix: ExpressionMix) -> np.ndarray:
            if picture.pixels.max() > 0.1:
                raise MemoryError
            return super().changed(picture, mix)

    source = write_pngs(tmp_path / "shot", [10, 200])
    summary = run(source, tmp_path / "out", transfer=Hungry())
    assert outcomes(summary) == ["written", "failed"]
    assert "does not fit into the memory" in (summary.results[1].message or "")


def test_a_bug_goes_through_and_leaves_whole_files(tmp_path: Path) -> None:
    class Buggy(Brightening):
        def changed(self, picture: Picture, mix: ExpressionMix) -> np.ndarray:
            if picture.pixels.max() > 0.1:
                raise ZeroDivisionError
            return super().changed(picture, mix)

    source = write_pngs(tmp_path / "shot", [10, 20, 200, 30])
    with pytest.raises(ZeroDivisionError):
        run(source, tmp_path / "out", transfer=Buggy())
    written = frames_in(tmp_path / "out")
    assert written == ["a.0001.png", "a.0002.png"]
    for name in written:
        read_frame(tmp_path / "out" / name)


@pytest.fixture
def linear_shot(tmp_path: Path) -> Path:
    """Four scene-linear frames; the first shows no face, the others get brighter."""
    import OpenEXR

    folder = tmp_path / "linear"
    folder.mkdir()
    for number, level in enumerate([0.0, 0.25, 0.5, 0.75], start=1):
        pixels = np.full((4, 6, 3), level, np.float32)
        OpenEXR.File({}, {"RGB": pixels}).write(str(folder / f"b.{number:04d}.exr"))
    return folder


@pytest.mark.parametrize("frame_range", [None, "2", "3-4", "4"])
def test_the_exposure_is_that_of_the_shots_first_face(
    linear_shot: Path, tmp_path: Path, frame_range: str | None
) -> None:
    summary = run(linear_shot, tmp_path / "out", frame_range=frame_range)
    assert summary.exposure_ev == pytest.approx(0.25)


def test_events_count_every_frame_and_are_json(tmp_path: Path) -> None:
    source = write_pngs(tmp_path / "shot", [10, 0, 30])
    (source / "a.0003.png").write_bytes(b"")
    events: list[Event] = []
    run(source, tmp_path / "out", report=events.append)
    documents = [json.loads(json.dumps(document_from_event(event))) for event in events]
    assert all(document["v"] == 2 for document in documents)
    assert [d["event"] for d in documents] == ["started", "notice", *["frame"] * 3, "finished"]
    frames = [event for event in events if isinstance(event, FrameDone)]
    assert [(e.done, e.frames, e.result.outcome) for e in frames] == [
        (1, 3, "written"),
        (2, 3, "copied"),
        (3, 3, "failed"),
    ]
    assert documents[-1]["failed"] == 1


def test_notices_are_said_once_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "shot"
    source.mkdir()
    for number in (1, 2, 4):
        picture = Image.new("P", (6, 4), 1)
        picture.putpalette([0, 0, 0, 40, 40, 40])
        picture.save(source / f"a.{number}.png")
    events: list[Event] = []
    summary = run(source, tmp_path / "out", report=events.append)
    said = [event.message for event in events if isinstance(event, Notice)]
    assert len(said) == len(set(said)) == len(summary.notices) == 3
    assert sorted(summary.notices.values()) == [0, 0, 3]
    assert any(message.endswith("left out: 3.") for message in said)
    assert any("located by itself" in message for message in said)


def test_numbers_about_a_change_count_what_changes_alone() -> None:
    before = np.full((5, 6, 3), 0.25, np.float32)
    before[1, 1], before[2, 2] = np.nan, np.inf
    box = slice(0, 4), slice(1, 6)
    inside, weight = before[box].copy(), np.zeros((4, 5), np.float32)
    inside[3, 2:4], weight[3, 2:4] = [0.5, 0.25, 0.25], 0.75
    found = _stats(EditedFrame(before=before, box=box, inside=inside, inside_weight=weight))
    assert found["changed_share"] == round(2 / 30, 5)
    assert found["mean_change"] == round(0.25 / 3, 6)
    assert found["largest_change"] == 0.25
    assert found["weight_at_edge"] == 0
