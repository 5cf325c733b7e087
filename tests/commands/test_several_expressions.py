"""Several expressions in one run, an expression for each face, and all of it on one atlas."""

import json
from pathlib import Path
from unittest.mock import DEFAULT, Mock

import av
import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands import render_output
from reggan_plugin.drawing import contact_sheet
from reggan_plugin.faces.face_finder import ChosenFaces, FaceChoice
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging.crop import FaceCrop, crop_from_box
from reggan_plugin.jobs import render_job
from reggan_plugin.jobs.frame_record import digest_of
from reggan_plugin.jobs.render_job import settings_with_tracks

from .conftest import ReddeningTransfer

Streams = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("tracked")
SIX = ["afraid", "angry", "disgusted", "happy", "sad", "surprised"]


@pytest.fixture
def portraits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures, in the folder that is worked in."""
    for name, level in {"hero": 40, "orc": 80}.items():
        Image.new("RGB", (16, 12), (level, level, level)).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def two_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture has a face on its left, and a smaller one on its right."""

    def find(
        self: ReddeningTransfer, frame: Frame, choice: FaceChoice, names: object = ()
    ) -> ChosenFaces:
        boxes = [(1.0, 1.0, 6.0, 8.0), (10.0, 2.0, 4.0, 6.0)]
        which = {"largest": 0, "all": (0, 1)}.get(str(choice.which), choice.which)
        named = which if isinstance(which, tuple) else (which,)
        crops = (
            FaceCrop(crop_from_box(box, self.card.canonical_points, 16).frame_from_crop, 16, face=n)
            for n, box in enumerate(boxes)
            if n in named
        )
        return ChosenFaces.of(crops, [0, 1])

    monkeypatch.setattr(ReddeningTransfer, "find_faces", find)


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def render(*words: str | Path) -> int:
    return main(["render", *map(str, words)])


def test_each_expression_has_results_of_its_own(portraits: Path, capsys: Streams) -> None:
    assert render("hero.png", "orc.png", "-e", "happy", "-e", "sad") == 0
    names = ["hero_happy.png", "orc_happy.png", "hero_sad.png", "orc_sad.png"]
    assert capsys.readouterr().out.split() == names
    assert render("hero.png", "-e", "happy", "-e", "sad", "--out", "set") == 0
    assert written(portraits / "set") == ["hero_happy.png", "hero_sad.png"]
    assert render("hero.png", "--each", "basic", "--out", "{expression}/face.png") == 0
    assert [name for name in SIX if (portraits / name / "face.png").exists()] == SIX


def test_each_reads_a_file_of_expressions(portraits: Path, capsys: Streams) -> None:
    (portraits / "mine.txt").write_text("\ufeffhappy  # a smile\n\nhappy:0.5+sad:0.2\n", "utf-8")
    assert render("hero.png", "--each", "mine.txt", "--dry-run") == 0
    assert capsys.readouterr().out.split() == ["hero_happy.png", "hero_happy_sad.png"]
    assert render("hero.png", "--each", "none.txt") == 2
    assert "neither basic nor all, and there is no such file. Name" in capsys.readouterr().err
    (portraits / "none.txt").write_bytes(b"\xfb\xfe")
    assert render("hero.png", "--each", "none.txt") == 2
    assert "it is no text in UTF-8 from byte 1 on; expected UTF-8. Name" in capsys.readouterr().err
    assert render("hero.png", "--each", "all", "--dry-run") == 2
    assert "This model has no expression" in capsys.readouterr().err


def test_one_file_is_not_for_several_expressions(portraits: Path, capsys: Streams) -> None:
    assert render("hero.png", "-e", "happy", "-e", "sad", "--out", "x.png") == 2
    assert "{expression} into the name" in capsys.readouterr().err
    assert render("hero.png", "-e", "happy", "-e", "sad", "--out", "-") == 2
    assert not (portraits / "x.png").exists()


def test_several_expressions_of_a_shot_are_tracked_once(
    portraits: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_job, "settings_with_tracks", settings_with_tracks)
    (portraits / "shot").mkdir()
    for number in (1, 2):
        Image.new("RGB", (16, 12), (40, 40, 40)).save(portraits / "shot" / f"a.{number:04}.png")
    assert render("shot", "-e", "happy", "-e", "sad", "--progress", "json") == 0
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events].count("shot") == 1
    assert written(portraits / "shot_sad") == ["a.0001.png", "a.0002.png"]
    assert render("shot", "-e", "happy", "-e", "sad", "--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"]["skipped"] == 4


def test_an_atlas_says_where_each_picture_lies(portraits: Path, capsys: Streams) -> None:
    Image.new("RGB", (20, 14), (80, 80, 80)).save("orc.png")
    words = ["hero.png", "orc.png", "-e", "happy", "-e", "sad", "--out", "set"]
    assert render(*words, "--atlas", "atlas.png") == 0
    assert capsys.readouterr().out.split()[-2:] == ["atlas.png", "atlas.json"]
    cells = json.loads(Path("atlas.json").read_text())["cells"]
    assert [cell["expression"] for cell in cells] == [None, "happy", "sad"] * 2
    atlas = Image.open("atlas.png")
    assert atlas.size == (3 * 20, 2 * 14)
    for cell in cells:
        x, y, width, height = cell["box"]
        part = np.asarray(atlas.crop((x, y, x + width, y + height)))
        assert np.array_equal(part, np.asarray(Image.open(cell["file"])))
    assert render(*words, "--overwrite", "--atlas", "hero.png") == 2
    assert "never overwritten" in capsys.readouterr().err


def test_an_atlas_names_pictures_that_8_bits_do_not_hold(portraits: Path, capsys: Streams) -> None:
    levels = np.arange(20 * 14, dtype=np.uint16).reshape(14, 20) * 9
    Image.fromarray(levels).save("fine.png")
    words = ["hero.png", "fine.png", "-e", "happy", "--out", "set", "--atlas", "atlas.png"]
    assert render(*words) == 0
    assert "is less than is in fine.png." in capsys.readouterr().err


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.usefixtures("portraits")
def test_an_atlas_whose_process_was_killed_is_made_by_resuming(
    was_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its two files, whichever comes first."""
    words = ["hero.png", "-e", "happy", "--out", "set", "--atlas", "atlas.png"]
    if was_there:
        assert render(*words) == 0
        words = ["hero.png", "-e", "sad", *words[3:]]
    write = Mock(side_effect=[DEFAULT, KeyboardInterrupt], wraps=write_atomically)
    with monkeypatch.context() as context:
        for module in (contact_sheet, render_output):
            context.setattr(module, "write_atomically", write)
        assert render(*words, "--resume") == 130
    assert render(*words, "--resume") == 0
    document = json.loads(Path("atlas.json").read_text())
    assert document["sha256"] == digest_of(Path("atlas.png"))
    assert document["cells"][1]["expression"] == words[2]


def test_an_atlas_leaves_out_what_cannot_be_read(portraits: Path, capsys: Streams) -> None:
    Path("bad.png").write_bytes(Path("hero.png").read_bytes()[:60])
    words = ["bad.png", "hero.png", "-e", "happy", "-e", "sad", "--out", "set", "--atlas", "a.png"]
    assert render(*words) == 1
    assert "bad.png" in capsys.readouterr().err
    cells = json.loads(Path("a.json").read_text())["cells"]
    assert [cell["source"] for cell in cells] == ["hero.png"] * 3
    with Image.open("a.png") as sheet:
        assert sheet.size == (3 * 16, 12)


def test_an_atlas_lists_files_as_seen_from_its_folder(portraits: Path, capsys: Streams) -> None:
    words = ["hero.png", portraits / "orc.png", "-e", "happy", "--out", "set", "--atlas"]
    assert render(*words, "sheets/new/a.png", "--dry-run") == 0
    assert not Path("sheets").exists()
    assert render(*words, "sheets/new/a.png") == 0
    document = json.loads(Path("sheets/new/a.json").read_text())
    cells = document["cells"]
    files = ["../../hero.png", "../../set/hero.png"]
    files += ["../../orc.png", "../../set/orc.png"]
    assert [cell["file"] for cell in cells] == files
    assert [cell["source"] for cell in cells] == [files[0], files[0], files[2], files[2]]
    assert document["atlas"] == "a.png"
    assert all((Path("sheets/new") / file).is_file() for file in files)


def test_an_atlas_that_exists_is_named_anew(portraits: Path, capsys: Streams) -> None:
    (portraits / "moods.json").write_text("mine")
    assert render("hero.png", "-e", "happy", "--atlas", "moods.png") == 1
    said = capsys.readouterr().err
    assert "moods.json exists. --overwrite replaces it, --atlas names another place." in said
    assert render("hero.png", "-e", "happy", "--atlas", "moods.png", "--overwrite") == 0
    assert json.loads((portraits / "moods.json").read_text())["v"] == 1


def test_an_atlas_takes_the_name_of_no_result(portraits: Path, capsys: Streams) -> None:
    for name in ("hero_happy.png", "./hero_happy.png"):
        assert render("hero.png", "-e", "happy", "--atlas", name) == 2
        assert "Two outputs would both be " in capsys.readouterr().err
    Path("none").write_text("a file")
    assert render("hero.png", "-e", "happy", "--atlas", "none/atlas.png") == 1
    assert "none takes no files" in capsys.readouterr().err
    assert render("hero.png", "-e", "happy", "--atlas", "") == 2
    assert "is to be a PNG" in capsys.readouterr().err
    assert not Path("hero_happy.png").exists()


@pytest.mark.usefixtures("two_faces")
def test_each_face_may_have_an_expression_of_its_own(portraits: Path, capsys: Streams) -> None:
    words = ("hero.png", "--face", "0=happy:0.5", "--face", "1=sad")
    assert render(*words, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    own = {"0": {"happy": 0.5}, "1": {"sad": 1.0}}
    assert (summary["expression"], summary["by_face"]) == ({}, own)
    record = json.loads(Path(".reggan/hero_0-happy_1-sad.png.json").read_text())
    assert record["by_face"] == own
    assert [face["face"] for face in record["faces"]] == [0, 1]
    assert render(*words, "--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"]["skipped"] == 1
    assert render("hero.png", "-e", "happy", "-e", "angry", "--face", "1=sad") == 0
    assert capsys.readouterr().out.split() == ["hero_happy_1-sad.png", "hero_angry_1-sad.png"]
    assert render("hero.png", "--face", "1=sad", "--json") == 0
    record = json.loads(Path(".reggan/hero_1-sad.png.json").read_text())
    assert [face["face"] for face in record["faces"]] == [1]


@pytest.mark.usefixtures("two_faces")
def test_faces_that_are_left_are_told_of(portraits: Path, capsys: Streams) -> None:
    assert render("hero.png", "-e", "happy", "--json") == 0
    (notice,) = json.loads(capsys.readouterr().out)["notices"]
    assert notice["kind"] == "other-faces"
    assert notice["message"].startswith("2 faces were found and one is changed")
    assert render("hero.png", "-e", "sad") == 0
    assert "--face all changes them all, --face 1 another one" in capsys.readouterr().err
    assert render("hero.png", "-e", "angry", "--face", "5") == 1
    assert "No face 5 in hero.png; found 2 faces (0, 1)" in capsys.readouterr().err
    assert render("hero.png", "-e", "angry", "--face", "all", "--json") == 0
    assert json.loads(capsys.readouterr().out)["notices"] == []
    assert render("hero.png", "-e", "sad", "--face", "5=happy", "--json") == 0
    (notice,) = json.loads(capsys.readouterr().out)["notices"]
    assert notice["message"] == "No such face for an expression of its own: 5."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--face", "0=happy", "--face", "0=sad"], "One face has two expressions"),
        (["--face", "0", "--face", "1=sad"], "--face 0=happy"),
        (["--face", "largest", "--face", "1=sad"], "stand alone"),
        (["--face", "1=hapy"], "did you mean"),
        (["--face", "1="], "1=sad"),
    ],
)
def test_what_faces_cannot_be_asked_for(
    portraits: Path, capsys: Streams, words: list[str], said: str
) -> None:
    assert render("hero.png", *words) == 2
    assert said.lower() in capsys.readouterr().err.lower()
    assert written(portraits) == ["hero.png", "orc.png"]


def test_one_picture_without_a_face_leaves_no_copy(portraits: Path, capsys: Streams) -> None:
    Image.new("RGB", (16, 12)).save("none.png")
    assert render("none.png", "-e", "happy") == 1
    assert "No human-like face in none.png" in capsys.readouterr().err
    assert not Path("none_happy.png").exists()
    assert render("none.png", "hero.png", "-e", "happy") == 0
    assert Path("none_happy.png").exists(), "of several pictures it is copied"


def test_frames_become_a_video(portraits: Path, capsys: Streams) -> None:
    (portraits / "shot").mkdir()
    for number in range(1, 4):
        Image.new("RGB", (17, 12), (90, 90, 90)).save(portraits / "shot" / f"a.{number:04}.png")
    for name in ("many.mp4", "many.gif", "many.mov"):
        assert render("shot", "-e", "happy", "--out", name, "--fps", "12") == 0
        assert capsys.readouterr().out.split() == [name]
        with av.open(name) as clip:
            assert clip.streams.video[0].codec_context.width in (17, 18)
            frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
        assert len(frames) == 3
        red, green, _ = frames[0][6, 8]
        assert int(red) > int(green) + 40, "the face is red"
    assert render("shot", "-e", "happy", "--out", "many.mp4", "--fps", "12", "--resume") == 0
    assert capsys.readouterr().out == ""


def test_endings_that_are_no_format_are_refused(portraits: Path, capsys: Streams) -> None:
    for out in ("st.txt", "x.avi", "page.html"):
        assert render("hero.png", "-e", "happy", "--out", out) == 2
        assert f"write {out}/ with a slash" in capsys.readouterr().err
    assert render("hero.png", "-e", "happy", "--out", "take.v2") == 0
    assert render("hero.png", "-e", "happy", "--out", "st.txt/") == 0
    assert Path("st.txt/hero.png").exists()


def test_a_name_that_lies_is_told_of(portraits: Path, capsys: Streams) -> None:
    Path("hero.png").rename("hero.jpg")
    assert render("hero.jpg", "-e", "happy") == 0
    assert "The file is PNG, although its name says otherwise" in capsys.readouterr().err


def test_a_box_on_nothing_is_told_of(portraits: Path, capsys: Streams) -> None:
    assert render("hero.png", "-e", "happy", "--face-box", "2,2,8,8") == 0
    said = capsys.readouterr().err
    assert "No face is recognised in the box" in said
    assert "Let --face-box reach from the brows" in said
