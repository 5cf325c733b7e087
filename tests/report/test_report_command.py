"""`report` from the records and pictures of a shot to exit code, streams and page."""

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin import file_safety
from reggan_plugin.cli import main
from reggan_plugin.jobs.frame_record import read_record

from .conftest import RenderedShot, data_of, report

Streams = pytest.CaptureFixture[str]

FROM_RECORDS = {
    1002: ["low score"],
    1003: ["missing"],
    1004: ["failed"],
    1005: ["no face"],
    1006: ["turned away"],
    1007: ["clipped mask"],
    1012: ["missing"],
}
FROM_PICTURES = {1009: ["flicker"], 1010: ["flicker"]}


def problems_of(out: str) -> dict[int, list[str]]:
    return {one["frame"]: one["problems"] for one in json.loads(out)["problems"]}


def test_a_good_shot_has_no_problem(good_shot: RenderedShot, capsys: Streams) -> None:
    assert report(good_shot) == 0
    assert capsys.readouterr().out == ""


def test_records_tell_problems_without_a_look_at_pictures(
    bad_shot: RenderedShot, capsys: Streams
) -> None:
    assert report(bad_shot, "--json") == 1
    out, err = capsys.readouterr()
    assert problems_of(out) == FROM_RECORDS
    document = json.loads(out)
    assert (document["v"], document["frames"], document["html"]) == (1, 13, None)
    assert document["counts"]["missing"] == 2
    last = err.splitlines()[-1]
    assert "3 of 13 frames are missing, failed, altered or without a record: a.1003.png, " in last
    assert "a.1004.png, frame 1012." in last
    assert "--resume" in last


def test_a_line_for_each_frame_with_a_problem(bad_shot: RenderedShot, capsys: Streams) -> None:
    assert report(bad_shot) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "a.1003.png: missing: It was rendered, but is not there."
    assert lines[2] == "a.1004.png: failed: a.1004.png is truncated. Render it again."
    assert lines[-1] == "frame 1012: missing: The shot itself has no such frame."


def test_a_range_leaves_out_the_rest_and_names_what_lies_beside_the_shot(
    bad_shot: RenderedShot, capsys: Streams
) -> None:
    assert report(bad_shot, "--range", "1005-1011", "--json") == 0
    assert set(problems_of(capsys.readouterr().out)) == {1005, 1006, 1007}
    assert report(bad_shot, "--range", "998-999,1005-1011,2000-2010", "--json") == 1
    out, err = capsys.readouterr()
    assert set(problems_of(out)) == {998, 1005, 1006, 1007, 2000}
    assert "13 of 20 frames are missing" in err
    assert "frames 998-999, frames 2000-2010" in err
    assert "name by --range those that it has" in err
    assert report(bad_shot, "--range", "2000-2010") == 1
    assert "Leave it out" in capsys.readouterr().err


def test_a_quick_report_reads_what_a_record_without_a_size_is_about(
    good_shot: RenderedShot, capsys: Streams
) -> None:
    record = good_shot.out / ".reggan" / "a.1001.png.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "output_bytes": None}))
    assert report(good_shot, "--quick") == 0
    Image.new("RGB", (64, 48)).save(good_shot.out / "a.1001.png")
    assert report(good_shot, "--quick") == 1
    assert "a.1001.png: altered" in capsys.readouterr().out


def test_results_beside_their_sources_are_no_frames(
    good_shot: RenderedShot, capsys: Streams
) -> None:
    result = good_shot.source / "a.1001_happy.png"
    shutil.copy(good_shot.out / "a.1001.png", result)
    assert report(good_shot) == 1, "nothing says that it was made"
    record = json.loads((good_shot.out / ".reggan" / "a.1001.png.json").read_text())
    record = {**record, "output": str(result)}
    folder = good_shot.source / ".reggan"
    folder.mkdir()
    (folder / "a.1001_happy.png.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert report(good_shot, "--json") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 12


def test_the_sheet_of_a_frame_is_no_frame(good_shot: RenderedShot, capsys: Streams) -> None:
    shutil.copy(good_shot.source / "a.1001.png", good_shot.source / "a.1001_sheet.png")
    assert report(good_shot, "--json") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 12


def test_one_picture_is_checked_by_its_result(good_shot: RenderedShot, capsys: Streams) -> None:
    """Beside its source or anywhere, whatever its name."""
    source, result = good_shot.source / "a.1001.png", good_shot.out / "a.1001.png"
    assert main(["report", str(source), "--out", str(result)]) == 0
    Image.new("RGB", (64, 48)).save(result)
    assert main(["report", str(source), "--out", str(result)]) == 1
    assert "a.1001.png: altered" in capsys.readouterr().out
    assert main(["report", str(good_shot.source), "--out", str(result)]) == 2
    assert "its result" in capsys.readouterr().err


def test_the_shot_itself_is_not_its_result(good_shot: RenderedShot, capsys: Streams) -> None:
    source = str(good_shot.source)
    assert main(["report", "--frames", source, "--out", source]) == 2
    assert "holds the shot itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage", ["missing", "emptied", "text", "swapped", "no number", "without a hash"]
)
@pytest.mark.parametrize("more", [(), ("--quick",), ("--html", "page.html")], ids=str)
def test_an_output_without_a_sound_record_fails_the_report(
    damage: str,
    more: tuple[str, ...],
    good_shot: RenderedShot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: Streams,
) -> None:
    """Whatever the output is: emptied, cut, another frame, or the very one."""
    monkeypatch.chdir(tmp_path)
    record = good_shot.out / ".reggan" / "a.1003.png.json"
    match damage:
        case "missing":
            record.unlink()
            (good_shot.out / "a.1003.png").write_bytes(b"")
        case "emptied":
            record.write_bytes(b"")
            os.truncate(good_shot.out / "a.1003.png", 99)
        case "text":
            record.write_text("no record")
            (good_shot.out / "a.1003.png").write_text("no picture")
        case "swapped":
            for name in ("a.{}.png", ".reggan/a.{}.png.json"):
                shutil.copy(good_shot.out / name.format(1002), good_shot.out / name.format(1003))
        case "no number":
            document = json.loads(record.read_text())
            record.write_text(json.dumps({**document, "expression": {"happy": None}}))
        case _:
            good_shot.record(1003)
    assert report(good_shot, *more, "--json") == 1
    assert "no record" in problems_of(capsys.readouterr().out)[1003]


def test_a_number_that_was_not_finite_is_no_problem(good_shot: RenderedShot) -> None:
    record = good_shot.out / ".reggan" / "a.1003.png.json"
    document = json.loads(record.read_text())
    record.write_text(json.dumps({**document, "stats": {"weight_at_edge": None}}))
    assert report(good_shot) == 0


def test_an_output_that_is_missing_with_its_record_is_missing(
    good_shot: RenderedShot, capsys: Streams
) -> None:
    (good_shot.out / ".reggan" / "a.1003.png.json").unlink()
    (good_shot.out / "a.1003.png").unlink()
    assert report(good_shot) == 1
    assert "a.1003.png: missing: It was never rendered." in capsys.readouterr().out


def test_the_page_holds_thumbnails_and_needs_no_network(
    bad_shot: RenderedShot, tmp_path: Path, capsys: Streams
) -> None:
    page = tmp_path / "shot.html"
    assert report(bad_shot, "--html", str(page), "--progress", "json") == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(page)
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    checked = [event for event in events if event["event"] == "checked"]
    assert [event["done"] for event in checked] == list(range(1, 14))
    data = data_of(page)
    shown = {frame["name"]: frame for frame in data["frames"]}
    found = {name: frame["problems"] for name, frame in shown.items() if frame["problems"]}
    assert found == {
        f"a.{number}.png" if number != 1012 else "frame 1012": problems
        for number, problems in (FROM_RECORDS | FROM_PICTURES).items()
    }
    before, after = (picture_of(shown["a.1001.png"][side]) for side in ("before", "after"))
    assert sum(after.getpixel((112, 112))) > sum(before.getpixel((112, 112))) + 100
    assert shown["a.1003.png"]["after"] is None
    assert shown["frame 1012"]["before"] is None
    text = page.read_text()
    assert "default-src 'none'" in text
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)


@pytest.mark.parametrize("place", [(16.0, 1.0, 32.0, 32.0), (-1e6, -1e6, 3e6, 3e6)])
def test_a_source_that_is_smaller_now_is_shown_whole(
    good_shot: RenderedShot, tmp_path: Path, place: tuple[float, ...]
) -> None:
    """Its face, as the record has it, lies beside the picture or is far larger."""
    record = read_record(good_shot.out / good_shot.name(1004))
    assert record is not None
    good_shot.record(1004, **{**vars(record), "faces": (replace(record.faces[0], box_px=place),)})
    Image.new("RGB", (12, 9), (90, 90, 90)).save(good_shot.source / good_shot.name(1004))
    page = tmp_path / "shot.html"
    assert report(good_shot, "--html", str(page)) == 0
    [frame] = [one for one in data_of(page)["frames"] if one["name"] == good_shot.name(1004)]
    assert frame["before"]
    assert frame["after"]


def test_frames_are_read_as_they_were_rendered(tmp_path: Path, capsys: Streams) -> None:
    """Two layers, of which only the user knows which one is the picture."""
    shot, out = tmp_path / "shot", tmp_path / "out"
    shot.mkdir()
    level = np.linspace(0.1, 0.9, 48, dtype=np.float32)[:, None] * np.ones((1, 64), np.float32)
    for number in (1001, 1002):
        layers = {f"{layer}.{colour}": level for layer in ("key", "fill") for colour in "RGB"}
        OpenEXR.File({}, layers).write(str(shot / f"a.{number}.exr"))
    reading = ["--exr-picture", "key", "--stall-timeout", "30"]
    render = ["render", "--frames", str(shot), "--out", str(out), "--expression", "happy"]
    assert main([*render, *reading, "--whole-image", "--device", "cpu"]) == 0
    page = ["report", "--frames", str(shot), "--out", str(out), "--html", str(tmp_path / "a.html")]
    assert main([*page, *reading]) == 0
    frames = data_of(tmp_path / "a.html")["frames"]
    assert all(frame["before"] and frame["after"] for frame in frames)
    capsys.readouterr()
    assert main(page) == 1
    assert "name its layer, part or view." in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_a_frame_that_does_not_answer_is_named(
    good_shot: RenderedShot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    stuck = good_shot.out / good_shot.name(1005)
    stuck.unlink()
    os.mkfifo(stuck)
    good_shot.record(1005, output_sha256="0" * 64)  # of which the size is not known
    monkeypatch.setattr(Path, "is_file", lambda path: path.exists())  # as a dead mount says
    monkeypatch.setattr(file_safety, "is_regular", Path.exists)
    page = ["--html", str(tmp_path / "a.html"), "--stall-timeout", "0.5"]
    assert report(good_shot, *page) == 1
    assert "did not answer within" in capsys.readouterr().out
    assert main(["sheet", str(stuck), "--out", str(tmp_path / "a.png"), *page[2:]]) == 1
    assert "did not answer within" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "quick_sees_it"),
    [
        pytest.param(lambda shot, name: (shot.out / name).write_bytes(b""), True, id="emptied"),
        pytest.param(lambda shot, name: os.truncate(shot.out / name, 200), True, id="truncated"),
        pytest.param(
            lambda shot, name: shutil.copy(shot.source / name, shot.out / name), True, id="swapped"
        ),
        pytest.param(lambda shot, name: flip_a_byte(shot.out / name), False, id="one byte"),
    ],
)
def test_an_output_that_is_not_what_was_rendered_fails(
    change: Callable[[RenderedShot, str], object],
    quick_sees_it: bool,
    good_shot: RenderedShot,
    tmp_path: Path,
    capsys: Streams,
) -> None:
    change(good_shot, "a.1005.png")
    for options in ((), ("--html", str(tmp_path / "a.html"))):
        assert report(good_shot, "--json", *options) == 1
        assert "altered" in problems_of(capsys.readouterr().out)[1005]
    assert report(good_shot, "--quick", "--json") == int(quick_sees_it)
    found = problems_of(capsys.readouterr().out)
    assert found == ({1005: ["altered"]} if quick_sees_it else {})


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_quick_and_a_page_exclude_each_other(good_shot: RenderedShot, capsys: Streams) -> None:
    assert report(good_shot, "--quick", "--html", "a.html") == 2
    assert "Leave one of them out" in capsys.readouterr().err


def test_a_copied_frame_that_is_gone_is_missing(good_shot: RenderedShot, capsys: Streams) -> None:
    good_shot.write(1005, smile=0, outcome="copied", message="no face", faces=())
    (good_shot.out / "a.1005.png").unlink()
    assert report(good_shot, "--json") == 1
    assert problems_of(capsys.readouterr().out) == {1005: ["missing", "no face"]}


def test_a_damaged_output_fails_when_pictures_are_read(
    good_shot: RenderedShot, tmp_path: Path, capsys: Streams
) -> None:
    output = good_shot.out / "a.1005.png"
    output.write_bytes(output.read_bytes()[:200])
    assert report(good_shot, "--html", str(tmp_path / "shot.html")) == 1
    assert (
        "a.1005.png: failed, altered: It was changed since it was rendered: it has 200 bytes"
        in capsys.readouterr().out
    )


def test_names_cannot_end_the_script_that_they_stand_in(
    good_shot: RenderedShot, tmp_path: Path
) -> None:
    hostile = "</script><script>alert(1)</script>"
    good_shot.record(1001, outcome="failed", message=hostile)
    page = tmp_path / "shot.html"
    assert report(good_shot, "--html", str(page)) == 1
    assert hostile not in page.read_text()
    assert data_of(page)["frames"][0]["note"] == hostile


def picture_of(uri: str) -> Any:
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))
