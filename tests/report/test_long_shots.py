"""Pages of long shots: small, with thumbnails beside them; gaps of any size are one entry."""

import json
from pathlib import Path

import pytest

from reggan_plugin.report import report_page
from reggan_plugin.report.flicker import Flicker
from reggan_plugin.report.frame_look import FrameLook
from reggan_plugin.report.report_page import ReportPage
from reggan_plugin.report.shot_check import CheckedFrame

from .conftest import RenderedShot, data_of, report

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def long_shot(bad_shot: RenderedShot, monkeypatch: pytest.MonkeyPatch) -> RenderedShot:
    """Thirteen frames where five are many."""
    monkeypatch.setattr(report_page, "MOST_INSIDE", 5)
    return bad_shot


def test_thumbnails_of_a_long_shot_lie_beside_its_page(
    long_shot: RenderedShot, bad_shot: RenderedShot, tmp_path: Path, capsys: Streams
) -> None:
    page = tmp_path / "shot.html"
    for _ in range(2):  # the second replaces the first
        assert report(long_shot, "--html", str(page)) == 1
    frames = data_of(page)["frames"]
    assert len(frames) == 13
    uris = [frame[side] for frame in frames for side in ("before", "after") if frame[side]]
    assert len(uris) == 22  # of frame 1012 there is neither, of 1003 and 1004 no output
    for uri in uris:
        assert (tmp_path / uri).read_bytes().startswith(b"\xff\xd8\xff")
    assert len(list((tmp_path / "shot.thumbnails").glob("*.jpg"))) == len(uris)
    assert "img-src data: 'self' file:;" in page.read_text()
    assert "data:image" not in page.read_text()


def test_a_folder_of_somebody_else_takes_no_thumbnails(
    long_shot: RenderedShot, tmp_path: Path, capsys: Streams
) -> None:
    folder = tmp_path / "shot.thumbnails"
    folder.mkdir()
    (folder / "000001-before.jpg").write_bytes(b"a holiday")
    assert report(long_shot, "--html", str(tmp_path / "shot.html")) == 1
    assert "move the folder away" in capsys.readouterr().err
    assert (folder / "000001-before.jpg").read_bytes() == b"a holiday"


def test_the_page_of_five_thousand_frames_is_small(tmp_path: Path) -> None:
    page = ReportPage(tmp_path / "shot.html", 5000)
    thumbnail = b"\xff\xd8\xff" + bytes(12_000)
    for number in range(5000):
        checked = CheckedFrame(
            name=f"a.{number:06d}.exr",
            number=number,
            source=None,
            output=tmp_path,
            record=None,
            problems=("failed", "flicker"),
            note="a.exr is truncated: image data is missing from its 123,456 bytes. Render it.",
        )
        look = page.kept(FrameLook(before=thumbnail, after=thumbnail))
        page.add(checked, look, Flicker(change=1.0, picture=2.0))
    page.write("shot", "shot/")
    assert (tmp_path / "shot.html").stat().st_size < 10_000_000


@pytest.mark.timeout(60)
def test_a_gap_of_millions_is_one_entry(
    good_shot: RenderedShot, tmp_path: Path, capsys: Streams
) -> None:
    good_shot.write(9_999_999)
    assert report(good_shot, "--html", str(tmp_path / "shot.html"), "--json") == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["frames"] == 9_999_999 - 1000
    assert document["counts"]["missing"] == 9_999_999 - 1000 - 13
    [gap] = document["problems"]
    assert (gap["name"], gap["count"]) == ("frames 1013-9999998", 9_998_986)
    assert "9998986 of 9998999 frames are missing" in err
    assert (tmp_path / "shot.html").stat().st_size < 1_000_000
