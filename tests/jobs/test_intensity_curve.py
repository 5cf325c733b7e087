"""Curves and fades: what is asked for at each frame, and what a bad key is told."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reggan_plugin.errors import RegganError, SourceError, UsageError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.jobs.intensity_curve import IntensityCurve, read_curve
from reggan_plugin.jobs.render_settings import Fades
from reggan_plugin.jobs.results_and_events import JobSummary

CSV = """frame,expression,value
1001,happy,0
# is no comment: only blank lines are skipped

1011, smile, 1.0
1001,surprised,0.25
"""


def csv_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "curve.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(params=["csv", "json"])
def curve(request: pytest.FixtureRequest, tmp_path: Path) -> IntensityCurve:
    rows = [(1011, "smile", 1.0), (1001, "happy", 0), (1001, "surprised", 0.25), (1021, "joy", 0.5)]
    path = tmp_path / f"curve.{request.param}"
    if request.param == "json":
        names = ("frame", "expression", "value")
        path.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
    else:
        path.write_text("\n\n".join(", ".join(map(str, row)) for row in rows))
    return read_curve(path)


@pytest.mark.parametrize(
    ("frame", "happy"),
    [(1, 0.0), (1001, 0.0), (1003, 0.2), (1011, 1.0), (1016, 0.75), (1021, 0.5), (9999, 0.5)],
)
def test_values_run_straight_between_keys_and_stay_beyond(
    curve: IntensityCurve, frame: int, happy: float
) -> None:
    assert curve.mix_at(frame).intensities == {"happy": pytest.approx(happy), "surprised": 0.25}


def test_the_peak_is_the_most_of_each(curve: IntensityCurve) -> None:
    assert curve.peak.intensities == {"happy": 1.0, "surprised": 0.25}


def test_a_heading_is_skipped_and_intensity_multiplies(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Frame,Expression,Value\n1,happy,0.5\n1.5,happy,1\n")
    assert read_curve(path, 0.5).mix_at(1.25).intensities == {"happy": 0.375}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV, "line 3 has no frame, expression and value; expected such as 1001,happy,0.8"),
        ("1,happy,0.5\n2,happy,much\n", "line 2 has value 'much'; expected a number from 0 to 1.5"),
        ("1,happy,nan\n", "line 1 has value 'nan'"),
        ("1,happy,1.6\n", "line 1 has value '1.6'"),
        ("frame,emotion,value\n1,happy,1\n", "heading is 'frame,emotion,value', expected 'frame,"),
        ("first,happy,1\n", "line 1 has frame 'first'; expected a number from"),
        ("1,hapy,1\n", "line 1: 'hapy' is not an expression. Did you mean 'happy'?"),
        ("1,happy,1\n1,joy,0\n", "line 2 has a second key of happy at frame 1"),
        ("", "expected lines such as 1001,happy,0.8"),
    ],
)
def test_errors_name_the_line_and_what_to_write(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RegganError, match=re.escape(message)):
        read_curve(csv_file(tmp_path, text))


@pytest.mark.parametrize("text", ["", "{", "{}", "[" * 100_000, '[{"frame": 1}]', "[1]", "\0"])
def test_broken_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "curve.json"
    path.write_text(text)
    with pytest.raises((SourceError, UsageError), match=r"curve\.json"):
        read_curve(path)


def test_more_than_is_allowed_after_multiplying(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 1 has 1\.8 times the intensity"):
        read_curve(csv_file(tmp_path, "1,happy,1.2\n"), 1.5)


@pytest.mark.parametrize(
    ("frame", "share"),
    [(1001, 0.0), (1002, 0.25), (1005, 1.0), (1008, 1.0), (1009, 0.5), (1010, 0)],
)
def test_fades(frame: int, share: float) -> None:
    assert Fades(frames_in=4, frames_out=2).share_at(frame, 1001, 1010) == share


def test_fades_that_meet_take_the_lower_of_both() -> None:
    shares = [Fades(frames_in=4, frames_out=4).share_at(frame, 1, 5) for frame in range(1, 6)]
    assert shares == [0, 0.25, 0.5, 0.25, 0]
    assert Fades(frames_in=5).share_at(7, 7, 7) == 0.0
    assert Fades().share_at(7, 7, 7) == 1.0


Run = Callable[..., JobSummary]


@pytest.mark.parametrize("frame_range", [None, "1004-1005"])
def test_a_job_follows_curve_and_fades_whatever_its_range(
    run: Run, shot: Path, tmp_path: Path, frame_range: str | None
) -> None:
    curve = IntensityCurve(keys={"happy": ((1001, 1.0), (1006, 0.5))})
    fades = Fades(frames_in=4, frames_out=2)
    summary = run(tmp_path / "out", curve=curve, fades=fades, frame_range=frame_range)
    expected = {1004: 0.7 * 0.75, 1005: 0.6 * 0.5}
    if frame_range is None:
        assert [r.outcome for r in summary.results][::5] == ["copied", "copied"]
        expected |= {1002: 0.9 * 0.25, 1003: 0.8 * 0.5}
    for number, intensity in expected.items():
        before = read_frame(shot / f"a.{number}.png").pixels[0, 0, 0]
        after = read_frame(tmp_path / "out" / f"a.{number}.png").pixels[0, 0, 0]
        assert after - before == pytest.approx(0.4 * intensity, abs=0.003)


def test_a_curve_needs_numbered_frames(run: Run, shot: Path, tmp_path: Path) -> None:
    (shot / "a.1001.png").rename(shot / "title.png")
    curve = IntensityCurve(keys={"happy": ((1001, 1.0),)})
    with pytest.raises(UsageError, match=r"title\.png has no frame number"):
        run(tmp_path / "out", curve=curve)


def test_a_curve_beside_the_shot_is_said(tmp_path: Path) -> None:
    curve = read_curve(csv_file(tmp_path, "1,happy,0\n24,happy,0.8\n"))
    assert [curve.notices_on(*ends) for ends in ((1, 9), (20, 40), (-5, 100))] == [()] * 3
    (said,) = curve.notices_on(1001, 1100)
    assert "lie on frames 1 to 24, and the shot has 1001 to 1100" in said
    assert read_curve(csv_file(tmp_path, "1,happy,0.8\n")).notices_on(1001, 1100) == ()
