"""Where a take lies on a shot, and what it asks for in between."""

from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.take import (
    Take,
    Timecode,
    rate_of_timecodes,
    seconds_of,
    timecode_from_text,
)
from reggan_plugin.curves.take_on_shot import (
    TakeCurve,
    VideoClock,
    frames_of_rows,
    refuse_elsewhere,
)
from reggan_plugin.errors import UsageError

from . import conftest as formats


@pytest.fixture
def take(tmp_path: Path) -> Take:
    path = tmp_path / "a.csv"
    path.write_text("time,jawOpen,mouthLeft\n10,0,0.5\n10.5,1,0.5\n11,0.5,0.5\n")
    return read_take(path)


def test_between_rows_weights_run_in_straight_lines_and_hold_beyond(take: Take) -> None:
    curve = TakeCurve(take, frames_of_rows(take, 1001, 24.0, None), take.names)
    frames = (900, 1001, 1004, 1013, 1019, 5000)
    jaw = [curve.mix_at(frame).intensities.get("jawOpen", 0.0) for frame in frames]
    assert jaw == pytest.approx([0.0, 0.0, 0.25, 1.0, 0.75, 0.5])
    assert curve.peak.intensities == {"jawOpen": 1.0, "mouthLeft": 0.5, "shutMouth": 1.0}


def test_a_take_replaces_what_the_face_shows_unless_it_is_added(take: Take) -> None:
    rows = frames_of_rows(take, 1, None, None)
    replacing = TakeCurve(take, rows, take.names).mix_at(1)
    assert replacing.control_weights() == {"mouthLeft": 0.5, "neutral": 1.0}
    assert replacing.relaxed == 0.0  # a take shuts an open mouth, and reads no face
    adding = TakeCurve(take, rows, take.names, adds=True).mix_at(1)
    assert adding.control_weights() == {"mouthLeft": 0.5}
    half = TakeCurve(take, rows, take.names, intensity=0.5).mix_at(1)
    assert half.control_weights() == {"mouthLeft": 0.25, "neutral": 0.5}


def test_the_offset_is_a_frame_or_a_timecode(take: Take, tmp_path: Path) -> None:
    assert frames_of_rows(take, 1001, None, None).tolist() == [1001, 1002, 1003]
    assert frames_of_rows(take, 1001, 24.0, 1100).tolist() == [1100, 1112, 1124]
    with pytest.raises(UsageError, match="this take has none; give the frame"):
        frames_of_rows(take, 1001, 24.0, Timecode(1, 0))
    path = tmp_path / "b.csv"
    lines = [f"10:00:0{n // 24}:{n % 24:02d},0.1" for n in range(48)]
    path.write_text("timecode,jawOpen\n" + "\n".join(lines))
    rows = frames_of_rows(read_take(path), 1001, 24.0, Timecode(36001, 0))
    assert [rows[0], rows[24]] == pytest.approx([977, 1001])


def test_on_a_video_rows_lie_at_the_times_of_its_frames(take: Take, tmp_path: Path) -> None:
    clock = VideoClock(first=1, shown_s=np.array([0.25, 0.5, 1.0, 1.25]))
    assert frames_of_rows(take, 1, None, None, clock).tolist() == [1, 2.5, 4]
    assert frames_of_rows(take, 1, None, 2, clock).tolist() == [2, 3, 4.75], "a third a frame on"
    assert frames_of_rows(take, 1, None, -5, clock)[0] == -5
    assert frames_of_rows(take, 1, 24.0, None, clock).tolist() == [1, 13, 25], "as asked"
    path = tmp_path / "b.csv"
    path.write_text("timecode,jawOpen\n" + "".join(f"10:00:0{n}:00,0.1\n" for n in range(3)))
    rows = frames_of_rows(read_take(path, 24), 1, None, Timecode(36001, 0), clock)
    assert rows.tolist() == [-2, 1, 4]
    path.write_text("frame,jawOpen\n1,0\n3,1\n")
    assert frames_of_rows(read_take(path), 1, None, None, clock).tolist() == [1, 3]


def test_between_the_rows_of_a_video_weights_are_straight_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,jawOpen\n0,0\n1,1\n")
    clock, take = VideoClock(first=1, shown_s=np.array([0.25, 0.5, 1.0, 1.25])), read_take(path)
    curve = TakeCurve(take, frames_of_rows(take, 1, None, None, clock), take.names, clock=clock)
    shown = [curve.mix_at(frame).intensities.get("jawOpen", 0.0) for frame in (1, 2, 3, 4, 9)]
    assert shown == pytest.approx([0, 0.25, 0.75, 1, 1])


def test_numbered_frames_are_the_shot_s_unless_the_take_has_a_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("frame,jawOpen\n1,0\n25,1\n")
    assert frames_of_rows(read_take(path), 1001, 30.0, None).tolist() == [1001, 1025]
    at_24 = frames_of_rows(read_take(path, 24), 1001, 30.0, None, rate=24)
    assert at_24.tolist() == [1001, 1031]


def test_a_timecode_counts_frames_as_the_take_does(tmp_path: Path) -> None:
    path = tmp_path / "phone.csv"
    formats.live_link(path)  # 60 frames of a second, every other of them a row, over midnight
    take = read_take(path)
    rows = frames_of_rows(take, 1001, 24.0, timecode_from_text("23:59:59:30.25"))
    assert rows[15] == pytest.approx(1001)
    rows = frames_of_rows(take, 1001, 24.0, timecode_from_text("00:00:00:00.25"))
    assert rows[30] == pytest.approx(1001)
    with pytest.raises(UsageError, match=r"counts 72 frames .* has 60; expected 0 to 59"):
        frames_of_rows(take, 1001, 24.0, Timecode(0, 72))


def test_a_take_beside_the_shot_is_refused(take: Take) -> None:
    rows = frames_of_rows(take, 1001, 24.0, 1100)
    refuse_elsewhere(rows, 1124, 1200)
    refuse_elsewhere(rows, 1001, 1100)
    for shot in ((1125, 1200), (1001, 1099)):
        with pytest.raises(UsageError, match="lies on frames 1100 to 1124, and the shot has"):
            refuse_elsewhere(rows, *shot)


def test_rows_that_name_frames_lie_on_these(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("frame,happy\n1010,0\n1020,1\n")
    take = read_take(path)
    rows = frames_of_rows(take, 1001, None, None)
    assert rows.tolist() == [1010, 1020]
    assert frames_of_rows(take, 1001, None, 1).tolist() == [1, 11]
    curve = TakeCurve(take, rows, take.names)
    assert curve.mix_at(1015).intensities == {"happy": 0.5}  # an expression replaces by itself


def test_the_base_of_timecodes_shows_where_they_run_over() -> None:
    film = [Timecode(n // 24, n % 24) for n in range(30)]
    assert rate_of_timecodes(film) == (24, True)
    phone = [Timecode(2 * n // 60, 2 * n % 60) for n in range(40)]
    assert rate_of_timecodes(phone) == (60, True)
    assert rate_of_timecodes(film[:10]) == (60, False)


def test_timecodes_that_drop_frames_run_on_at_29_97() -> None:
    codes = [timecode_from_text(f"00:{text}") for text in ("00:59;28", "00:59;29", "01:00;02")]
    assert np.diff(seconds_of(codes, 30)) == pytest.approx([1001 / 30000] * 2)
    hour = timecode_from_text("01:00:00;00")
    assert hour.time_s(29.97) == pytest.approx(3600, abs=0.004)


def test_midnight_does_not_turn_time_back() -> None:
    codes = [Timecode(86399, 12), Timecode(0, 0), Timecode(0, 12)]
    assert np.diff(seconds_of(codes, 24)).tolist() == pytest.approx([0.5, 0.5])
