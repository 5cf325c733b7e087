"""`--resume` keeps what an earlier run finished in the same way, and writes all else again."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import OutputExistsError
from reggan_plugin.file_safety import TEMPORARY_SUFFIX, _prefix_for
from reggan_plugin.files.frame import read_frame
from reggan_plugin.jobs import frame_record, frame_steps
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.frame_record import PICTURE_REVISION, read_record, record_path, sha256_of
from reggan_plugin.jobs.intensity_curve import IntensityCurve
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import Fades, PictureSettings, RenderSettings
from reggan_plugin.jobs.results_and_events import JobSummary
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..sample_frames import contents
from .conftest import MODEL, Brightening

Run = Callable[..., JobSummary]


def written(summary: JobSummary) -> list[str]:
    return [r.output.name.split(".")[1] for r in summary.results if r.is_on_disk]


def resume(run: Run, out: Path, **settings: Any) -> list[str]:
    return written(run(out, existing=Existing.RESUME, **settings))


def test_a_record_says_how_a_frame_was_made(run: Run, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, frame_range="1002")
    document = json.loads((out / ".reggan" / "a.1002.png.json").read_text())
    assert document.pop("seconds") > 0
    assert document.pop("input_state") is None, "it was written a moment ago"
    status = (out / "a.1002.png").stat()
    state = {"size": status.st_size, "modified_ns": status.st_mtime_ns}
    assert document.pop("output_state") == state
    assert len(document.pop("settings_sha256")) == 64
    assert document == {
        "schema": 1,
        "source": str(shot / "a.1002.png"),
        "output": str(out / "a.1002.png"),
        "outcome": "written",
        "message": None,
        "expression": {"happy": 1.0},
        "weights": ExpressionMix({"happy": 1.0}).control_weights(),
        "by_face": {},
        "beside": {},
        "replaced": {},
        "input_sha256": sha256_of((shot / "a.1002.png").read_bytes()),
        "output_sha256": sha256_of((out / "a.1002.png").read_bytes()),
        "output_bytes": (out / "a.1002.png").stat().st_size,
        "model": {"name": "brightening", "version": "1", "sha256": "ab"},
        "version": metadata.version("reggan-plugin"),
        "revision": PICTURE_REVISION,
        "device": "cpu",
        "batch": 1,
        "exposure_ev": None,
        "faces": [
            {
                "face": 0,
                "score": None,
                "status": "given",
                "yaw_deg": None,
                "share": 1.0,
                "inside": 1.0,
                "box_px": [1.0, 0.0, 4.0, 4.0],
            }
        ],
        "warnings": [],
        "stats": {
            "width": 6,
            "height": 4,
            "changed_share": 1.0,
            "mean_change": 0.4,
            "largest_change": 0.4,
            "weight_at_edge": 1.0,
        },
    }


def test_every_outcome_has_a_record(run: Run, shot: Path, tmp_path: Path) -> None:
    (shot / "a.1002.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    run(out, fades=Fades(frames_in=1))
    outcomes = [read_record(out / f"a.{number}.png") for number in (1001, 1002, 1003)]
    assert [(r.outcome, r.message) for r in outcomes if r][::2] == [
        ("copied", "intensity 0"),
        ("written", None),
    ]
    assert outcomes[1] is not None
    assert outcomes[1].outcome == "failed"
    assert "a.1002.png" in (outcomes[1].message or "")


def test_finished_frames_are_not_touched(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    (out / "a.1003.png").unlink()
    summary = run(out, existing=Existing.RESUME)
    assert written(summary) == ["1003"]
    assert summary.results[0].message == "output exists"
    changed = [p.name for p, time_ns in before.items() if p.stat().st_mtime_ns != time_ns]
    assert sorted(changed) == ["a.1003.png", "a.1003.png.json"]


def test_a_resumed_job_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    run(tmp_path / "whole")
    for frame_range in ("1004", "1002-1003", None):
        run(tmp_path / "parts", frame_range=frame_range, existing=Existing.RESUME)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_other_settings_are_done_again(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out)
    everything = ["1001", "1002", "1003", "1004", "1005", "1006"]
    half = ExpressionMix({"happy": 0.5})
    for settings in ({"mix": half}, {"mix": half, "on_missing_face": "fail"}, {"stamp": False}, {}):
        assert resume(run, out, **settings) == everything
        assert resume(run, out, **settings) == []


def test_another_model_or_version_does_all_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(out)
    assert resume(run, out, model=replace(MODEL, device="cuda:0")) == []
    assert len(resume(run, out, model=replace(MODEL, sha256="cd"))) == 6
    monkeypatch.setattr(frame_record, "__version__", "9.9")
    assert len(resume(run, out, model=replace(MODEL, sha256="cd"))) == 6


def test_frames_of_another_picture_revision_are_done_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(out)
    path = record_path(out / "a.1002.png")
    path.write_text(
        path.read_text().replace(f'"revision": {PICTURE_REVISION},', "")
    )  # as 0.3.0 wrote it at first
    assert read_record(out / "a.1002.png").revision == 0
    assert resume(run, out) == ["1002"]
    monkeypatch.setattr(frame_record, "PICTURE_REVISION", PICTURE_REVISION + 1)
    assert len(resume(run, out)) == 6


def test_a_changed_input_is_done_again(run: Run, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out)
    (shot / "a.1002.png").write_bytes((shot / "a.1006.png").read_bytes())
    assert resume(run, out) == ["1002"]
    assert (out / "a.1002.png").read_bytes() == (out / "a.1006.png").read_bytes()


def test_a_finished_job_reads_no_file_but_its_records(
    run: Run, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in shot.iterdir():
        os.utime(path, (1e9, 1e9))
    out, read = tmp_path / "out", []
    run(out)
    monkeypatch.setattr(frame_steps, "read_content", lambda path: read.append(path) or b"")
    assert resume(run, out) == []
    assert read == []


def test_an_edit_that_keeps_size_and_time_is_found_by_rehashing(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    for path in shot.iterdir():
        os.utime(path, (1e9, 1e9))
    out = tmp_path / "out"
    run(out)
    edited = out / "a.1002.png"
    content, status = edited.read_bytes(), edited.stat()
    at = content.index(b"IDAT") + 12
    edited.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    os.utime(edited, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert resume(run, out) == []
    assert written(run(out, existing=Existing.REHASH)) == ["1002"]
    assert edited.read_bytes() == content


def test_rehashing_is_a_way_of_resuming(shot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--frames", str(shot), "--expression", "sad", "--rehash"]) == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_an_output_that_is_not_as_it_was_left_is_done_again(
    run: Run, tmp_path: Path, content: bytes | None
) -> None:
    out = tmp_path / "out"
    run(out)
    expected = contents(out)
    if content is None:
        (out / "a.1005.png").unlink()
    else:
        (out / "a.1005.png").write_bytes(content)
    assert resume(run, out) == ["1005"]
    assert contents(out) == expected


def retouch(path: Path, level: int = 200) -> bytes:
    """Make another whole picture of it, as an artist does."""
    Image.new("RGB", (6, 4), (level, 0, 0)).save(path)
    return path.read_bytes()


OTHER = {"mix": ExpressionMix({"happy": 0.5})}


@pytest.mark.parametrize("existing", [Existing.RESUME, Existing.REHASH])
def test_an_output_that_somebody_changed_is_left_and_named(
    run: Run, shot: Path, tmp_path: Path, existing: Existing
) -> None:
    out = tmp_path / "out"
    run(out)
    content = retouch(out / "a.1002.png")
    summary = run(out, existing=existing)
    assert (out / "a.1002.png").read_bytes() == content
    left = summary.results[1]
    assert (left.outcome, left.message) == ("skipped", "changed since it was rendered")
    (said,) = (str(one) for one in summary.notices if "changed since" in str(one))
    assert said == "1 output was changed since being rendered, and is left: a.1002.png."
    (shot / "a.1002.png").write_bytes(b"damaged")
    for _ in range(2):
        assert "1002" not in resume(run, out), "whatever becomes of its source"
    assert (out / "a.1002.png").read_bytes() == content
    assert main(["report", str(shot), "--out", str(out)]) == 1
    run(out, existing=Existing.OVERWRITE, frame_range="1001")
    (shot / "a.1002.png").write_bytes((shot / "a.1001.png").read_bytes())
    assert "1002" in written(run(out, existing=Existing.OVERWRITE))
    assert (out / "a.1002.png").read_bytes() != content


@pytest.mark.parametrize("existing", [Existing.RESUME, Existing.REHASH])
@pytest.mark.parametrize("what", ["settings", "source"])
def test_an_output_that_was_changed_and_is_not_as_asked_fails_and_is_left(
    run: Run, shot: Path, tmp_path: Path, existing: Existing, what: str
) -> None:
    out = tmp_path / "out"
    run(out)
    content, record = retouch(out / "a.1002.png"), record_path(out / "a.1002.png").read_bytes()
    source = shot / "a.1002.png"
    sound = source.read_bytes()
    if what == "source":
        source.write_bytes((shot / "a.1001.png").read_bytes())
    for _ in range(2):
        left = run(out, existing=existing, **(OTHER if what == "settings" else {})).results[1]
        assert left.outcome == "failed"
        assert "a.1002.png was changed since it was rendered with other" in (left.message or "")
        assert (out / "a.1002.png").read_bytes() == content
        assert record_path(out / "a.1002.png").read_bytes() == record
    source.write_bytes(sound)
    os.utime(source, (0, 0))
    assert run(out, existing=existing).results[1].outcome == "skipped"


@pytest.mark.parametrize("first", [1001, 1002], ids=["all", "beside a frame of its own"])
def test_results_of_another_shot_are_left(run: Run, shot: Path, tmp_path: Path, first: int) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    run(out, frame_range=f"{first}-1006")
    before = contents(out)
    other.mkdir()
    for path in shot.iterdir():
        retouch(other / path.name)
    words = ["render", str(other), "-e", "happy", "--out", str(out), "--resume", "--whole-image"]
    assert main([*words, "--dry-run"]) == 1
    assert main(words) == 1
    assert {name: contents(out)[name] for name in before} == before
    own, moved = tmp_path / "own", tmp_path / "moved"
    run(own)
    shot.rename(moved)
    plan = plan_job(str(moved), None, own, "happy", Existing.RESUME)
    assert all(task.source.path.parent == moved for task in plan.tasks)


@pytest.mark.parametrize("at", ["cut", "zeroed"])
def test_a_damaged_output_is_done_again(run: Run, tmp_path: Path, at: str) -> None:
    out = tmp_path / "out"
    run(out)
    expected = contents(out)
    sound = (out / "a.1002.png").read_bytes()
    half = len(sound) // 2
    damaged = sound[:half] + (b"" if at == "cut" else bytes(len(sound) - half))
    (out / "a.1002.png").write_bytes(damaged)
    assert resume(run, out) == ["1002"]
    assert contents(out) == expected


def test_a_job_that_was_killed_before_it_replaced_a_picture_does_so(
    run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    half = {"mix": ExpressionMix({"happy": 0.5})}
    run(out, **half)
    old = {path: path.read_bytes() for path in out.glob("*.png")}
    run(out, existing=Existing.OVERWRITE)
    expected = contents(out)
    for path, content in old.items():  # the records of the new ones stand first
        path.write_bytes(content)
    assert len(resume(run, out)) == 6
    assert contents(out) == expected


def test_a_picture_in_place_of_a_failed_one_is_left(run: Run, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (shot / "a.1003.png").write_bytes(b"damaged")
    run(out)
    content = retouch(out / "a.1003.png")
    assert resume(run, out) == []
    assert (out / "a.1003.png").read_bytes() == content


def test_an_older_picture_of_a_frame_that_failed_is_tried_again(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(out)
    sound = (shot / "a.1003.png").read_bytes()
    (shot / "a.1003.png").write_bytes(b"damaged")
    run(out, existing=Existing.OVERWRITE)
    (shot / "a.1003.png").write_bytes(sound)
    assert resume(run, out) == ["1003"]


@pytest.mark.parametrize("fails", ["source", "disk"])
@pytest.mark.parametrize("stand_in_for", ["another's", "a retouched one"])
def test_a_failed_overwrite_does_not_make_a_picture_of_others_its_own(
    run: Run,
    shot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
    stand_in_for: str,
) -> None:
    out, only = tmp_path / "out", {"frame_range": "1003"}
    if stand_in_for == "a retouched one":
        run(out, **only)
    else:
        out.mkdir()
    stand_in = retouch(out / "a.1003.png")
    sound = (shot / "a.1003.png").read_bytes()
    half = {"mix": ExpressionMix({"happy": 0.5})}
    with monkeypatch.context() as broken:
        if fails == "source":
            (shot / "a.1003.png").write_bytes(b"damaged")
        else:
            full = OSError(errno.ENOSPC, "No space left on device")
            write = frame_steps.write_atomically

            def write_but_no_picture(path: Path, *args: Any, **more: Any) -> None:
                if path.suffix == ".png":
                    raise full
                write(path, *args, **more)

            broken.setattr(frame_steps, "write_atomically", write_but_no_picture)
        (failed,) = run(out, existing=Existing.OVERWRITE, **half, **only).results
        assert failed.outcome == "failed"
    (shot / "a.1003.png").write_bytes(sound)
    for options in (half, {}):
        assert resume(run, out, **options, **only) == []
        assert (out / "a.1003.png").read_bytes() == stand_in
    assert written(run(out, existing=Existing.OVERWRITE, **only)) == ["1003"]


@pytest.mark.parametrize("damage", ["", "[]", '{"schema": 1}', '{"schema": 2}', "[" * 9999, "\0"])
def test_a_picture_whose_record_cannot_be_read_is_left_and_named(
    run: Run, tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "out"
    run(out)
    picture = out / "a.1002.png"
    Image.new("RGB", (6, 4), "red").save(picture)
    retouched = picture.read_bytes()
    record_path(picture).write_text(damage)
    summary = run(out, existing=Existing.RESUME)
    assert (written(summary), picture.read_bytes()) == ([], retouched)
    left = summary.results[1]
    assert left.outcome == "failed"
    assert "a.1002.png was changed" in (left.message or "")
    assert "its record is damaged" in (left.message or "")
    picture.write_bytes(retouched[:40])
    assert resume(run, out) == ["1002"], "what is no picture is made again"
    assert resume(run, out) == []


def test_a_failed_frame_is_tried_again(run: Run, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sound = (shot / "a.1003.png").read_bytes()
    (shot / "a.1003.png").write_bytes(sound[:30])
    run(out)
    (shot / "a.1003.png").write_bytes(sound)
    assert resume(run, out) == ["1003"]


def test_a_skipped_frame_leaves_no_earlier_picture_in_its_place(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(out, frame_range="1001-1003")
    edited = out / "a.1002.png"
    edited.write_bytes(edited.read_bytes() + b"by hand")
    for number in (1001, 1002):
        Image.new("RGB", (6, 4)).save(shot / f"a.{number}.png")
    skip = {"on_missing_face": "skip", "frame_range": "1001-1003"}
    summary = run(out, existing=Existing.OVERWRITE, **skip)
    assert [r.outcome for r in summary.results] == ["skipped", "failed", "written"]
    assert "a.1002.png is skipped and should have no result" in str(summary.results[1].message)
    assert not (out / "a.1001.png").exists(), "it showed a face that is no longer there"
    assert edited.read_bytes().endswith(b"by hand"), "it may be somebody's"
    (out / "a.1001.png").write_bytes(b"somebody's")
    again = run(out, existing=Existing.RESUME, **skip)
    assert [r.outcome for r in again.results] == ["failed", "failed", "skipped"]
    assert (out / "a.1001.png").read_bytes() == b"somebody's"


def test_a_record_of_another_output_is_none(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, frame_range="1001")
    record = record_path(out / "a.1001.png")
    document = json.loads(record.read_text())
    record.write_text(json.dumps({**document, "output": str(out / "b.1001.png")}))
    assert resume(run, out, frame_range="1001") == ["1001"]


def test_a_frame_that_was_skipped_for_want_of_a_face_stays_so(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    (shot / "a.1001.png").write_bytes((shot / "a.1002.png").read_bytes())
    black = np.zeros((4, 6, 3), np.uint8)
    Image.fromarray(black).save(shot / "a.1002.png")
    out = tmp_path / "out"
    run(out, on_missing_face="skip")
    transfer = Brightening()
    summary = run(out, on_missing_face="skip", existing=Existing.RESUME, transfer=transfer)
    assert [r.outcome for r in summary.results] == ["skipped"] * 6
    assert transfer.calls == 0
    assert not (out / "a.1002.png").exists()


def test_a_picture_in_the_place_of_a_skipped_frame_is_not_replaced(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    sound = (shot / "a.1002.png").read_bytes()
    Image.new("RGB", (6, 4)).save(shot / "a.1002.png")
    out, skip = tmp_path / "out", {"on_missing_face": "skip", "frame_range": "1002"}
    run(out, **skip)
    Image.new("RGB", (6, 4), (9, 8, 7)).save(out / "a.1002.png")
    stand_in = (out / "a.1002.png").read_bytes()
    (again,) = run(out, existing=Existing.RESUME, **skip).results
    assert again.outcome == "failed"
    (shot / "a.1002.png").write_bytes(sound)
    for options in (skip, {**skip, "on_missing_face": "copy"}):
        (result,) = run(out, existing=Existing.RESUME, **options).results
        assert result.outcome == "failed"
        assert (out / "a.1002.png").read_bytes() == stand_in
    (result,) = run(out, existing=Existing.OVERWRITE, **skip).results
    assert result.outcome == "written"


def test_files_of_others_are_never_replaced_by_resuming(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.1004.png").write_bytes(b"painted by hand")
    with pytest.raises(OutputExistsError, match=r"1 of 6 outputs.*no record.*a\.1004\.png"):
        run(out, existing=Existing.RESUME)
    assert contents(out) == {"a.1004.png": b"painted by hand"}


def test_a_curve_that_changes_in_places_is_done_again_there(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mix = ExpressionMix({"happy": 1.0})
    curve = IntensityCurve(keys={"happy": ((1001, 0.5), (1004, 0.5), (1006, 1.0))})
    run(out, mix=mix, curve=curve)
    moved = IntensityCurve(keys={"happy": ((1001, 0.5), (1004, 0.5), (1006, 0.9))})
    assert resume(run, out, mix=mix, curve=moved) == ["1005", "1006"]


def test_another_exposure_of_the_shot_does_linear_frames_again(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(shot.iterdir()), start=1):
        path.unlink()
        pixels = np.full((4, 6, 3), number / 8, np.float32)
        OpenEXR.File({}, {"RGB": pixels}).write(str(path.with_suffix(".exr")))
    out = tmp_path / "out"
    run(out)
    assert resume(run, out) == []
    first = np.full((4, 6, 3), 0.75, np.float32)
    OpenEXR.File({}, {"RGB": first}).write(str(shot / "a.1001.exr"))
    assert len(resume(run, out)) == 6
    assert resume(run, out, frame_range="1003") == []


def test_what_killed_runs_left_is_cleared_away_and_nothing_else(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, frame_range="1001-1002")
    leftovers = []
    for target in (out / "a.1001.png", record_path(out / "a.1001.png"), out / "b.png"):
        own = _prefix_for(target.name)
        leftovers.append(target.with_name(f"{own}0123{TEMPORARY_SUFFIX}"))
        leftovers[-1].write_bytes(b"half")
    (out / ".hidden").write_bytes(b"")
    run(out, frame_range="1001", existing=Existing.RESUME)
    assert [path.exists() for path in leftovers] == [False, False, True]
    assert (out / ".hidden").exists()


def test_a_plan_touches_nothing(shot: Path, tmp_path: Path) -> None:
    plan_job(str(shot), None, tmp_path / "out", "happy", Existing.RESUME)
    assert not (tmp_path / "out").exists()


def test_a_stamp_is_in_the_file_and_not_in_copies(run: Run, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, fades=Fades(frames_in=1), frame_range="1001-1002")
    assert (out / "a.1001.png").read_bytes() == (shot / "a.1001.png").read_bytes()
    with Image.open(out / "a.1002.png") as picture:
        stamp = json.loads(picture.info["reggan-plugin"])
    record = read_record(out / "a.1002.png")
    assert record is not None
    assert stamp["settings_sha256"] == record.settings_sha256
    assert stamp["model"]["sha256"] == "ab"
    assert stamp["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
    run(tmp_path / "plain", frame_range="1002", fades=Fades(frames_in=1), stamp=False)
    assert b"reggan-plugin" not in (tmp_path / "plain" / "a.1002.png").read_bytes()
    plain = read_frame(tmp_path / "plain" / "a.1002.png")
    assert np.array_equal(read_frame(out / "a.1002.png").pixels, plain.pixels)


def render_with_layers(
    shot: Path, folder: Path, existing: Existing, beside: LayerFiles | None, **settings: Any
) -> JobSummary:
    plan = plan_job(str(shot), None, folder / "out", "happy", existing, layer_files=beside)
    asked = RenderSettings(
        mix=ExpressionMix({"happy": 1.0}), picture=PictureSettings(layer_files=beside), **settings
    )
    run = RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
    return run_job(plan, asked, run)


def masks_in(folder: Path) -> LayerFiles:
    return LayerFiles(folder=folder / "layers", layers=("mask",))


def render_with_masks(shot: Path, folder: Path, existing: Existing) -> list[str]:
    return written(render_with_layers(shot, folder, existing, masks_in(folder)))


@pytest.mark.parametrize("damage", [b"", b"other bytes", None])
def test_a_damaged_layer_is_told_and_made_again(
    shot: Path, tmp_path: Path, damage: bytes | None
) -> None:
    out, layer = tmp_path / "out", tmp_path / "layers" / "mask" / "a.1002.exr"
    render = partial(render_with_masks, shot, tmp_path)
    frames = render(Existing.REFUSE)
    assert main(["report", str(shot), "--out", str(out)]) == 0
    assert render(Existing.REHASH) == []
    sound = layer.read_bytes()
    layer.unlink()
    if damage is not None:
        layer.write_bytes(damage.ljust(len(sound) if damage else 0, b"-"))
    assert len(frames) > 1
    assert main(["report", str(shot), "--out", str(out)]) == 1
    assert render(Existing.REHASH) == ["1002"]
    assert layer.read_bytes() == sound


def test_a_layer_that_somebody_changed_is_left(shot: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layers" / "mask" / "a.1002.exr"
    render = partial(render_with_masks, shot, tmp_path)
    render(Existing.REFUSE)
    name = next(iter(OpenEXR.File(str(layer)).channels()))
    OpenEXR.File({}, {name: np.full((4, 6), 0.5, np.float32)}).write(str(layer))
    content = layer.read_bytes()
    assert render(Existing.RESUME) == []
    assert layer.read_bytes() == content
    assert "1002" in render(Existing.OVERWRITE)


def test_a_mask_that_somebody_painted_is_left(shot: Path, tmp_path: Path) -> None:
    mask = tmp_path / "layers" / "mask_png" / "a.1002.png"
    render_with_masks(shot, tmp_path, Existing.REFUSE)
    painted = retouch(mask)
    assert render_with_masks(shot, tmp_path, Existing.RESUME) == []
    assert mask.read_bytes() == painted
    mask.write_bytes(painted[:40])
    assert render_with_masks(shot, tmp_path, Existing.RESUME) == ["1002"]


def test_resuming_replaces_no_layer_that_it_did_not_write(shot: Path, tmp_path: Path) -> None:
    beside = LayerFiles(folder=tmp_path / "layers", layers=("mask",))
    foreign = tmp_path / "layers" / "mask" / "a.1002.exr"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody's")
    out = tmp_path / "out"
    asked = RenderSettings(
        mix=ExpressionMix({"happy": 1.0}), picture=PictureSettings(layer_files=beside)
    )
    for content, others in ((b"somebody's", 5), (b"another's", 0), (b"a third's", 0)):
        plan = plan_job(str(shot), None, out, "happy", Existing.RESUME, layer_files=beside)
        done = run_job(
            plan, asked, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
        )
        assert len(done.of_outcome("written")) == others, "the other frames go on"
        (failed,) = done.of_outcome("failed")
        assert "a.1002.exr exists, and no record of a.1002.png" in str(failed.message)
        foreign.write_bytes(content)
    foreign.unlink()
    plan = plan_job(str(shot), None, out, "happy", Existing.RESUME, layer_files=beside)
    run_job(plan, asked, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None))
    sound = foreign.read_bytes()
    record_path(out / "a.1002.png").write_text("{")
    plan = plan_job(str(shot), None, out, "happy", Existing.RESUME, layer_files=beside)
    done = run_job(
        plan, asked, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
    )
    assert done.count() == {"written": 0, "copied": 0, "skipped": 5, "failed": 1}
    assert foreign.read_bytes() == sound


def test_layers_of_a_frame_that_failed_meanwhile_are_made_again(shot: Path, tmp_path: Path) -> None:
    render_with_masks(shot, tmp_path, Existing.REFUSE)
    sound = (shot / "a.1002.png").read_bytes()
    (shot / "a.1002.png").write_bytes(b"damaged")
    assert render_with_masks(shot, tmp_path, Existing.RESUME) == []
    (shot / "a.1002.png").write_bytes(sound)
    assert render_with_masks(shot, tmp_path, Existing.RESUME) == ["1002"]


def test_layers_that_were_not_asked_for_meanwhile_are_made_again(
    shot: Path, tmp_path: Path
) -> None:
    render_with_masks(shot, tmp_path, Existing.REFUSE)
    without = render_with_layers(shot, tmp_path, Existing.RESUME, None)
    again = render_with_masks(shot, tmp_path, Existing.RESUME)
    assert (len(written(without)), len(again)) == (6, 6)


@pytest.mark.parametrize("existing", [Existing.RESUME, Existing.OVERWRITE])
def test_layers_of_an_earlier_change_are_told_once(
    shot: Path, tmp_path: Path, existing: Existing
) -> None:
    masks = masks_in(tmp_path)
    render_with_masks(shot, tmp_path, Existing.REFUSE)
    layer = tmp_path / "layers" / "mask" / "a.1002.exr"
    made = layer.read_bytes()
    layer.with_stem("a.1003").write_bytes(b"somebody's")
    without = render_with_layers(shot, tmp_path, existing, None, stamp=False)
    [said] = [said for said in without.notices if said.startswith("Layers of an earlier run")]
    assert (without.notices[said], layer.read_bytes()) == (6, made)
    assert f"stay in {masks.folder}, and do not fit if the change is another" in said
    assert "--layers-out writes them anew; else remove them." in with_remedy(said)
    record = read_record(tmp_path / "out" / "a.1002.png")
    assert record is not None
    assert record.warnings == (said,)
    again = render_with_layers(shot, tmp_path, Existing.OVERWRITE, masks, stamp=False)
    assert said not in again.notices


def test_resuming_makes_its_own_atlas_again_and_no_other(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["render", f"{shot}/a.1001.png", "-e", "happy", "--whole-image", "--out", "o/"]
    command = [*words, "--atlas", "all.png", "--resume", "--dry-run"]
    names = Path("all.json")
    names.write_text('{"atlas": "all.png", "cells": [1]}')
    assert main(command) == 0
    assert capsys.readouterr().out.split() == ["o/a.1001.png", "all.png", "all.json"]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["beside"] == ["all.png", "all.json"]
    names.write_text("somebody's")
    assert main(command) == 1
    assert "all.json exists" in capsys.readouterr().err


def test_an_atlas_that_somebody_changed_is_left(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["render", f"{shot}/a.1001.png", "-e", "happy", "--whole-image", "--out", "o/"]
    words += ["--atlas", "all.png", "--resume"]
    atlas = Path("all.png")
    assert main(words) == 0
    sound = atlas.read_bytes()
    content = retouch(atlas)
    assert main(words) == 0
    assert atlas.read_bytes() == content
    assert "all.png was changed since it was rendered and is left. --ov" in capsys.readouterr().err
    assert main([*words, "-e", "sad", "--out", "o/{expression}/"]) == 1, "it shows other frames"
    assert "does not show what was rendered. --overwrite" in capsys.readouterr().err
    assert atlas.read_bytes() == content
    atlas.write_bytes(content[:40])
    assert main(words) == 0
    assert atlas.read_bytes() == sound


@pytest.mark.parametrize("place", ["out/a.1003.png", "layers/mask/a.1003.exr"])
def test_a_file_that_appears_meanwhile_is_not_replaced(
    shot: Path, tmp_path: Path, place: str
) -> None:
    beside = LayerFiles(folder=tmp_path / "layers", layers=("mask",))
    plan = plan_job(str(shot), None, tmp_path / "out", "happy", Existing.REFUSE, layer_files=beside)
    asked = RenderSettings(
        mix=ExpressionMix({"happy": 1.0}), picture=PictureSettings(layer_files=beside)
    )
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_bytes(b"somebody's")
    summary = run_job(
        plan, asked, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
    )
    (failed,) = (result for result in summary.results if result.outcome == "failed")
    assert f"{Path(place).name} exists" in str(failed.message)
    assert (tmp_path / place).read_bytes() == b"somebody's"
    assert len(written(summary)) == len(plan.tasks) - 1


@pytest.mark.parametrize("existing", [Existing.RESUME, Existing.OVERWRITE])
@pytest.mark.parametrize("asks_for_layers", [True, False])
def test_a_skipped_frame_leaves_no_earlier_layer_in_its_place(
    shot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    asks_for_layers: bool,
    existing: Existing,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path()  # as layers are named in a record by their way from the result
    render_with_masks(shot, folder, Existing.REFUSE)
    made = [tmp_path / name for name in ("out/a.1002.png", "layers/mask/a.1002.exr")]
    made.append(tmp_path / "layers/mask_png/a.1002.png")
    assert all(path.exists() for path in made)
    Image.new("RGB", (6, 4)).save(shot / "a.1002.png")
    beside = masks_in(folder) if asks_for_layers else None
    skip = partial(render_with_layers, shot, folder, beside=beside, on_missing_face="skip")
    result = skip(existing=existing).results[1]
    assert (result.outcome, result.message) == ("skipped", "no face")
    assert not any(path.exists() for path in made)


def test_a_skipped_frame_leaves_layers_of_others_and_is_mended_when_they_are_gone(
    shot: Path, tmp_path: Path
) -> None:
    render_with_masks(shot, tmp_path, Existing.REFUSE)
    layer = tmp_path / "layers" / "mask" / "a.1002.exr"
    layer.write_bytes(b"somebody's")
    Image.new("RGB", (6, 4)).save(shot / "a.1002.png")
    skip = partial(render_with_layers, shot, tmp_path, Existing.OVERWRITE, on_missing_face="skip")
    failed = skip(masks_in(tmp_path)).results[1]
    assert (failed.outcome, layer.exists()) == ("failed", True)
    assert "a.1002.exr exists" in str(failed.message)
    assert "--overwrite" not in with_remedy(failed.message or ""), "it would not help"
    left = skip(None).results[1]
    assert (left.outcome, left.has_no_face) == ("skipped", True)
    assert f"left, as it was changed since: {layer}" in str(left.message)
    assert layer.read_bytes() == b"somebody's"
    assert not (tmp_path / "out" / "a.1002.png").exists(), "the record still says whose it is"
