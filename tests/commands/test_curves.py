"""`curves` shows a take, and `render` is driven by one."""

import json
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.curves.plot import html_of_take
from reggan_plugin.curves.read_take import read_take

from ..curves import conftest as formats

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def take(tmp_path: Path) -> Path:
    path = tmp_path / "take.csv"
    formats.live_link(path)
    return path


def test_the_table_says_what_moves(take: Path, capsys: Streams) -> None:
    assert main(["curves", str(take)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Live Link Face: 40 rows, 30 a second, 1.300 s\n")
    assert "jawOpen                   0.000  0.500  1.000  0.667 s" in out


def test_plot_and_csv_are_written_once(take: Path, tmp_path: Path, capsys: Streams) -> None:
    plot, csv = tmp_path / "take.png", tmp_path / "out.csv"
    request = ["curves", str(take), "--plot", str(plot), "--csv", str(csv)]
    assert main(request) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [str(plot), str(csv)]
    with Image.open(plot) as picture:
        colours = picture.convert("RGB").getcolors(100_000)
    assert colours is not None
    assert (120, 178, 255) in {colour for _, colour in colours}
    assert csv.read_text().startswith(
        "time,mouthSmileLeft,browInnerUp,jawOpen,TongueOut,HeadYaw\n0,"
    )
    assert main(request) == 1
    assert "--overwrite replaces what is there" in capsys.readouterr().err


def test_what_a_csv_leaves_out_is_said(take: Path, capsys: Streams) -> None:
    take.write_text(take.read_text().replace("TongueOut", "Zorp"))
    for options in (["--csv", "-"], ["--learn-character", "hero"]):
        assert main(["curves", str(take), *options]) == 0
        found = capsys.readouterr()
        assert "Note: No face shapes, left out: Zorp." in found.err
        assert ("timecodes are left out of the CSV" in found.err) == (options[0] == "--csv")
        assert ("headYaw" in found.out.replace("Head", "head")) == (options[0] == "--csv")


def test_a_page_holds_every_row(take: Path, tmp_path: Path, capsys: Streams) -> None:
    page = tmp_path / "take.html"
    assert main(["curves", str(take), "--plot", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    columns = {one["name"]: one["values"] for one in data["columns"]}
    expected = {name: formats.weights()[:, place] for place, name in enumerate(formats.NAMES)}
    assert {name: (1000 * w).round().tolist() for name, w in expected.items()} == columns
    assert data["facts"] == "Live Link Face: 40 rows, 30 a second, 1.300 s"
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert main(["curves", str(take), "--plot", str(tmp_path / "take.pdf")]) == 2
    assert main(["curves", str(take), "--csv", str(tmp_path / "take.png")]) == 2
    said = capsys.readouterr().err
    assert "Let it end in .png or .html" in said
    assert "Let it end in .csv" in said


def test_a_long_take_is_thinned_on_its_page(tmp_path: Path) -> None:
    formats.own_csv(tmp_path / "long.csv", 13_000)
    take = read_take(tmp_path / "long.csv")
    data = json.loads(html_of_take(take, "long").partition('id="data">')[2].split("</script>")[0])
    assert (data["step"], data["rows"], len(data["times"])) == (3, 13_000, 4334)
    assert "one row in 3 is shown" in data["facts"]


def test_json_holds_the_same(take: Path, capsys: Streams) -> None:
    assert main(["curves", str(take), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "Live Link Face"
    assert document["columns"]["jawOpen"]["most"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--curves-fps", "24"], 2, "name it with --curves FILE"),
        (["--curves", "{take}", "--expression", "happy"], 2, "Keep one of them"),
        (["--curves", "{take}", "--curves-offset", "noon"], 2, "10:20:30:12"),
        (["--curves", "{take}", "--curves-offset", "23:59:59:75"], 2, "--curves-rate says"),
        (["--curves", "{take}", "--curves-offset", "10:20:30:12"], 2, "--curves-fps move it"),
        (["--curves", "{take}", "--curves-offset", "5000"], 2, "lies on frames 5000 to 5039"),
        (["--curves", "{bad}"], 1, "cannot be read as a take"),
    ],
)
def test_a_wrong_request_says_what_to_do(
    take: Path, tmp_path: Path, capsys: Streams, arguments: list[str], status: int, told: str
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("jawOpen\n")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.1001.png")
    words = [word.format(take=take, bad=bad) for word in arguments]
    assert main(["render", "--frames", str(tmp_path / "a.1001.png"), *words]) == status
    assert told in capsys.readouterr().err
