"""Human evaluation: a page that gives no method away, and a tally that is right."""

import io
import itertools
import re
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reggan_training.papers.study as study_room
from reggan_plugin.cli import main
from reggan_plugin.errors import SourceError, UsageError
from reggan_training.papers.study.page import (
    FORMS,
    StudyComparison,
    StudySettings,
    plan_comparisons,
    plan_forms,
)
from reggan_training.papers.study.pictures import Face, PictureFolders, key_from_path

from .written_study import key_of, page_of

Streams = pytest.CaptureFixture[str]
METHODS = ("reggan", "sargan", "us-gan")
IDENTITIES = ("skin_01009", "skin_01010", "stone_01001", "clay_01002")
EXPRESSIONS = ("happy", "sad", "surprised")
FACES = [Face(i, e) for i in IDENTITIES for e in EXPRESSIONS]


def save_picture(path: Path, level: int, size: tuple[int, int] = (24, 24)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, (level, 128, 255 - level))
    exif = Image.Exif()
    exif[0x0131] = f"made by {path.parts[-3]}"  # the tag "Software"
    image.save(path, exif=exif)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Inputs and three methods' results, in folders that the methods' names are on."""
    for number, identity in enumerate(IDENTITIES):
        save_picture(tmp_path / "input" / f"{identity}.png", 240 + 4 * number)
        for method, expression in itertools.product(METHODS, EXPRESSIONS):
            level = 60 * number + 20 * EXPRESSIONS.index(expression) + 6 * METHODS.index(method)
            save_picture(tmp_path / method / expression / f"{identity}.png", level)
    return tmp_path


def make(folder: Path, *options: str, methods: tuple[str, ...] = METHODS) -> int:
    """Run `study make` on the pictures; the study goes into study/ unless told otherwise."""
    given = [part for method in methods for part in ("--methods", str(folder / method))]
    words = ["study", "make", *given, "--input", str(folder / "input"), "--side", "32"]
    if "--out" not in options:
        words += ["--out", str(folder / "study")]
    return main([*words, *options])


# What raters receive


def test_nothing_that_raters_receive_names_a_method_or_an_identity(pictures: Path) -> None:
    assert make(pictures) == 0
    for path in (pictures / "study" / "raters").rglob("*"):
        text = path.read_text(encoding="utf-8")
        contents = [b64decode(uri) for uri in re.findall(r"base64,([\w+/=]+)", text)]
        assert len(contents) > 12
        plain = re.sub(r"base64,[\w+/=]+", "", text).lower()
        for name in (*METHODS, *IDENTITIES, str(pictures)):
            assert name.lower() not in plain
            assert name not in str(path.relative_to(pictures))
            assert not any(name.encode() in content for content in contents)
        for content in contents:
            with Image.open(io.BytesIO(content)) as image:
                assert image.size == (32, 32)
                assert image.format == "JPEG"
                assert not image.getexif()


def test_the_order_of_names_and_pictures_says_nothing(pictures: Path) -> None:
    assert make(pictures) == 0
    page, key = page_of(pictures / "study"), key_of(pictures / "study")
    assert list(page["pictures"]) == sorted(page["pictures"])
    assert len(set(page["pictures"].values())) == len(page["pictures"])
    assert [trial["id"] for trial in page["trials"]] == sorted(key["trials"])


def test_the_page_is_one_file_that_loads_nothing(pictures: Path) -> None:
    assert make(pictures) == 0
    (path,) = (path for path in (pictures / "study" / "raters").rglob("*") if path.is_file())
    html = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert not re.search(r"https?:|(?:src|href)=[\"'](?!data:)|@import|url\(", html)
    assert "[[" not in re.sub(r'id="study">.*?</script>', "", html)


def luminance(colour: str) -> float:
    """Source: W3C, "Web Content Accessibility Guidelines 2.2", definition of relative luminance."""
    levels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("ink", ["ink", "quiet", "mark"])
@pytest.mark.parametrize("ground", ["paper", "sheet"])
def test_text_and_focus_have_the_contrast_of_level_aaa(ink: str, ground: str) -> None:
    css = (Path(study_room.__file__).parent / "rater_page" / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#\w{6})", css))
    dark, light = luminance(colours[ink]), luminance(colours[ground])
    assert (light + 0.05) / (dark + 0.05) >= 7


def test_contact_cannot_end_the_script_and_cannot_name_a_method(
    pictures: Path, capsys: Streams
) -> None:
    contact = "</script><b>Ada"
    assert make(pictures, "--contact", contact) == 0
    assert page_of(pictures / "study")["contact"] == contact
    assert make(pictures, "--contact", "the RegGAN team", "--overwrite") == 2
    assert "leave it out" in capsys.readouterr().err


def test_the_same_seed_makes_the_same_study(pictures: Path) -> None:
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        assert make(pictures, "--seed", seed, "--out", str(pictures / name)) == 0
    first, again, other = (
        [(pictures / name / file).read_bytes() for file in ("raters/index.html", "key.json")]
        for name in "abc"
    )
    assert first == again
    assert first[0] != other[0]
    assert page_of(pictures / "a")["id"] != page_of(pictures / "c")["id"]


def test_every_name_in_the_page_is_in_the_key_and_stands_for_that_picture(pictures: Path) -> None:
    assert make(pictures, "--comparisons", "36") == 0
    page, key = page_of(pictures / "study"), key_of(pictures / "study")
    for trial in page["trials"]:
        known = key["trials"][trial["id"]]
        for name, method in known["pictures"].items():
            if method not in METHODS:
                continue
            path = pictures / method / known["expression"] / f"{known['identity']}.png"
            with Image.open(path) as image:
                expected = np.asarray(image.convert("RGB")).mean(axis=(0, 1))
            with Image.open(io.BytesIO(b64decode(page["pictures"][name][23:]))) as shown:
                assert np.abs(np.asarray(shown).mean(axis=(0, 1)) - expected).max() < 3


# Who sees what


@pytest.fixture
def comparisons() -> tuple[StudyComparison, ...]:
    settings = StudySettings(comparisons=32, attention_checks=3)
    return plan_comparisons(METHODS, FACES, settings, np.random.default_rng(3))


def test_pairs_and_expressions_come_equally_often(comparisons: tuple[StudyComparison, ...]) -> None:
    real = [one for one in comparisons if not one.is_check]
    assert len(real) == len(set(real)) == 32
    assert len(comparisons) == 35
    pairs = Counter(one.labels for one in real)
    assert pairs.keys() == set(itertools.combinations(METHODS, 2))
    assert max(pairs.values()) - min(pairs.values()) <= 1
    for pair in pairs:
        shown = Counter(one.face.expression for one in real if one.labels == pair)
        assert max(shown.values()) - min(shown.values()) <= 1


def test_each_form_balances_the_sides_of_each_pair(
    comparisons: tuple[StudyComparison, ...],
) -> None:
    forms = plan_forms(comparisons, np.random.default_rng(3))
    assert len(forms) == FORMS
    assert len(set(forms)) == FORMS
    for form in forms:
        assert sorted(number for number, _ in form) == list(range(len(comparisons)))
        for pair in {one.labels for one in comparisons}:
            swapped = [
                is_swapped for number, is_swapped in form if comparisons[number].labels == pair
            ]
            assert abs(2 * sum(swapped) - len(swapped)) <= 1
    for form, mirrored in zip(forms[::2], forms[1::2], strict=True):
        assert dict(form) == {number: not is_swapped for number, is_swapped in mirrored}


def test_an_attention_check_shows_another_person(comparisons: tuple[StudyComparison, ...]) -> None:
    checks = [one for one in comparisons if one.other]
    assert len(checks) == 3
    assert all(one.other and one.other.identity != one.face.identity for one in checks)
    assert all(one.questions == ("identity",) for one in checks)


@pytest.mark.parametrize(
    ("methods", "faces", "settings", "remedy"),
    [
        (METHODS[:1], FACES, StudySettings(), "two or more"),
        (METHODS, FACES, StudySettings(comparisons=37), "Ask for at most that"),
        (METHODS, FACES[:3], StudySettings(), "leave the checks out"),
    ],
)
def test_a_study_that_cannot_be_is_refused(
    methods: tuple[str, ...], faces: list[Face], settings: StudySettings, remedy: str
) -> None:
    with pytest.raises(UsageError, match=remedy):
        plan_comparisons(methods, faces, settings, np.random.default_rng(0))


# Pictures in folders


def test_pictures_and_answers_need_no_torch() -> None:
    script = "import sys, reggan_training.commands.study; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("happy/skin_01009.png", ("skin_01009", "happy")),
        ("skin_01009_happy.png", ("skin_01009", "happy")),
        ("Surprise-ada.png", ("ada", "surprised")),
        ("joy/ada.jpg", ("ada", "happy")),
        ("ada.png", ("ada", None)),
    ],
)
def test_a_path_says_who_and_which_expression(path: str, key: tuple[str, str | None]) -> None:
    root = Path("pictures")
    assert key_from_path(root / path, root) == key


def test_the_input_of_the_same_name_comes_before_the_neutral_one(tmp_path: Path) -> None:
    for level, path in enumerate(("in/sad/ada.png", "in/ada_neutral.png", "in/bob.png")):
        save_picture(tmp_path / path, level)
    for name in ("ada_sad", "ada_happy", "bob_happy"):
        save_picture(tmp_path / "out" / "flat" / f"{name}.png", 9)
    source = PictureFolders(tmp_path / "in", {"a": tmp_path / "out" / "flat"})
    levels = {f: int(source.read_original(f)[0, 0, 0]) for f in source.faces}
    assert levels == {Face("ada", "sad"): 0, Face("ada", "happy"): 1, Face("bob", "happy"): 2}


@pytest.mark.parametrize(
    ("damage", "remedy"),
    [
        ("missing", "sargan has no picture of skin_01009, sad .*add the missing pictures"),
        ("no input", r"put it there as clay_01002\.png or neutral/clay_01002\.png"),
        ("empty", "holds no picture .*Name the folder"),
        ("nameless", "Call it <expression>/<identity>.png"),
        ("twice", "keep one of them"),
        ("two expressions", "a name may hold one"),
        ("broken", "export it again as 8-bit PNG"),
        ("same person twice", "are the same picture. .*leave the checks out"),
        ("stretched", "is 40x24, its input 24x24; .*Crop both in the same way"),
    ],
)
def test_pictures_that_do_not_fit_are_named(
    damage: str, remedy: str, pictures: Path, capsys: Streams
) -> None:
    method = pictures / "sargan"
    if damage == "missing":
        (method / "sad" / "skin_01009.png").unlink()
    elif damage == "no input":
        (pictures / "input" / "clay_01002.png").unlink()
    elif damage == "empty":
        for path in method.rglob("*.png"):
            path.unlink()
    elif damage == "nameless":
        save_picture(method / "ada.png", 0)
    elif damage == "twice":
        save_picture(method / "skin_01009_sad.png", 0)
    elif damage == "two expressions":
        save_picture(method / "ada_sad_happy.png", 0)
    elif damage == "broken":
        (method / "sad" / "skin_01009.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    elif damage == "same person twice":
        for identity in IDENTITIES:
            save_picture(pictures / "input" / f"{identity}.png", 0)
    else:
        save_picture(method / "sad" / "skin_01009.png", 0, (40, 24))
    assert make(pictures, "--comparisons", "36") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(remedy, err)
    assert not (pictures / "study").exists()


def test_make_prints_both_paths_and_replaces_a_study_only_when_told(
    pictures: Path, capsys: Streams
) -> None:
    assert make(pictures) == 0
    out, err = capsys.readouterr()
    study = pictures / "study"
    assert out.splitlines() == [str(study / "raters" / "index.html"), str(study / "key.json")]
    assert "no rater may see" in err
    assert make(pictures) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert make(pictures, "--overwrite") == 0


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ([], "--methods NAME=FOLDER with --input"),
        (["--methods", "a=."], "add --input FOLDER"),
        (["--runs", "a=."], "add --data SET"),
        (["--methods", "a=.", "--runs", "b=."], "either pictures"),
        (["--methods", "a=.", "--methods", "a=..", "--input", "."], "NAME=FOLDER"),
        (["--methods", "=.", "--input", "."], "write NAME=FOLDER"),
        (["--methods", "a=nowhere", "--input", "."], "nowhere is no folder"),
    ],
)
def test_a_wrong_request_exits_2_with_the_remedy(
    words: list[str], remedy: str, tmp_path: Path, capsys: Streams
) -> None:
    assert main(["study", "make", *words, "--out", str(tmp_path / "study")]) == 2
    assert remedy in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["make"], ["tally"]])
def test_help_ends_in_an_example(command: list[str], capsys: Streams) -> None:
    assert main(["study", *command, "--help"]) == 0
    assert "Example:\n    reggan-plugin study " in capsys.readouterr().out


def test_missing_pictures_raise_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no picture"):
        PictureFolders(tmp_path, {"a": tmp_path})
