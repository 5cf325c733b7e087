"""A job that a take drives: chunks and a resumed job give the frames of one whole job."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.take_on_shot import TakeCurve, frames_of_rows
from reggan_plugin.jobs.frame_record import read_record
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.jobs.results_and_events import JobSummary

from .conftest import Brightening

Run = Callable[..., JobSummary]


def curve_of(path: Path) -> TakeCurve:
    take = read_take(path)
    rows = frames_of_rows(take, 1001, None, None)
    return TakeCurve(take, rows, take.names, notices=("where it lies",))


@pytest.fixture
def take(tmp_path: Path) -> Path:
    path = tmp_path / "take.csv"
    rows = (f"{1001 + n / 2},{n / 12:.4f},{1 - n / 12:.4f}" for n in range(13))
    path.write_text("frame,happy,jawOpen\n" + "\n".join(rows))
    return path


def test_each_frame_records_its_own_weights(run: Run, take: Path, tmp_path: Path) -> None:
    curve = curve_of(take)
    summary = run(tmp_path / "out", mix=curve.peak, curve=curve)
    assert "where it lies" in summary.notices
    levels = []
    for number in range(1001, 1007):
        record = read_record(tmp_path / "out" / f"a.{number}.png")
        assert record is not None
        assert record.expression == curve.mix_at(number).intensities
        assert record.weights == curve.mix_at(number).control_weights()
        levels.append(record.expression.get("happy", 0.0))
    assert levels == sorted(levels)
    assert levels[-1] > levels[0]


def test_chunks_and_a_resumed_job_give_the_same_frames(
    run: Run, take: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    asked = {"mix": curve_of(take).peak, "curve": curve_of(take)}
    run(whole, **asked)
    for chunk in ("1004-1006", "1001-1003"):
        run(parts, frame_range=chunk, existing=Existing.RESUME, **asked)
    for number in range(1001, 1007):
        name = f"a.{number}.png"
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    transfer = Brightening()
    run(whole, existing=Existing.RESUME, transfer=transfer, **asked)
    assert transfer.calls == 0
    take.write_text(take.read_text().replace("1004.0,0.5", "1004.0,0.6"))
    run(whole, existing=Existing.RESUME, transfer=transfer, mix=asked["mix"], curve=curve_of(take))
    assert transfer.calls == 1
