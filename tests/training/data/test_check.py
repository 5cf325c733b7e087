"""A check names every fault that training would trip over, and shows the set."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from reggan_plugin.cli import main
from reggan_training.data.check import choose_rows

MakeSet = Callable[..., Path]


def run_check(
    roots: list[Path], out: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any], str]:
    """Exit code, the report, and stderr."""
    code = main(["dataset", "check", *map(str, roots), "--out", str(out), "--json"])
    streams = capsys.readouterr()
    return code, json.loads(streams.out) if streams.out else {}, streams.err


def test_a_sound_set_is_reported_by_style_and_split(
    rendered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    code, report, err = run_check([rendered], sheet, capsys)
    assert (code, err) == (0, "")
    assert report["styles"]["skin"]["train"]["identities"] == 2
    assert report["styles"]["skin"]["test"]["identities"] == 1
    assert report["styles"]["stone"] == {"test": {"identities": 1, "pairs": 110}}
    assert report["sizes"] == {"128x128": 75}
    assert report["views"]["disturbed"] == 10
    assert report["views"]["happy"] == report["views"]["happy in part"] == 5
    assert report["missing"] == {}
    assert report["misaligned"] == report["faults"] == report["interpolated"] == []
    with Image.open(sheet) as picture:
        assert picture.width > 11 * 224
        assert picture.height > 5 * 224


def edit(root: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    path = root / name / "identity.json"
    record = json.loads(path.read_text())
    change(record["images"])
    path.write_text(json.dumps(record))


def image_of(images: list[dict[str, Any]], expression: str) -> dict[str, Any]:
    return next(i for i in images if i["expression"] == expression and i["intensity"] == 1.0)


def moved(record: dict[str, Any], x: float, y: float) -> None:
    for point in record["landmarks"].values():
        point[0] += x
        point[1] += y


def turned(record: dict[str, Any]) -> None:
    points = record["landmarks"]
    points["left_eye"][1] += 3
    points["right_eye"][1] -= 3


def swapped(record: dict[str, Any]) -> None:
    points = record["landmarks"]
    points["left_eye"], points["right_eye"] = points["right_eye"], points["left_eye"]


def test_misaligned_views_and_missing_expressions_are_reported_but_no_fault(
    make_set: MakeSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_set(tmp_path / "set", ["skin_01001", "skin_01002", "skin_01003"])
    edit(root, "skin_01001", lambda images: moved(image_of(images, "angry"), 8, 0))
    edit(root, "skin_01002", lambda images: turned(image_of(images, "sad")))
    edit(root, "skin_01003", lambda images: images.remove(image_of(images, "afraid")))
    code, report, _ = run_check([root], tmp_path / "sheet.png", capsys)
    assert code == 0
    first, second = report["misaligned"]
    assert first.startswith("skin_01001: view 3 (angry): the eyes lie 0.24 eye distances from")
    assert second.startswith("skin_01002: view 2 (sad): the eye line is turned by 10 degrees")
    assert report["missing"] == {"skin_01003": ["afraid"]}


def test_landmarks_that_place_no_face_are_a_fault(
    make_set: MakeSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_set(tmp_path / "set", ["skin_01001", "skin_01002"])
    edit(root, "skin_01001", lambda images: moved(images[-1], float("nan"), 0))
    code, report, _ = run_check([root], tmp_path / "sheet.png", capsys)
    assert code == 1
    assert report["faults"] == ["skin_01001: view 0 (neutral): a landmark is not finite"]


def test_faults_exit_1_and_are_named(
    make_set: MakeSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"skin_0100{n}" for n in range(1, 7)]
    root = make_set(tmp_path / "set", names)
    (root / names[0] / "happy_100_1.jpg").unlink()
    (root / names[1] / "happy_100_1.jpg").write_bytes(b"\xff\xd8\xffbroken")
    edit(root, names[2], lambda images: swapped(image_of(images, "sad")))
    edit(root, names[3], lambda images: moved(image_of(images, "sad"), -90, 0))
    edit(root, names[4], lambda images: images.clear())
    edit(root, names[5], lambda images: images.__delitem__(slice(1, None)))
    code, report, err = run_check([root], tmp_path / "sheet.png", capsys)
    assert code == 1
    assert "Mend or take out" in err
    text = "\n".join(report["faults"])
    for fault in (
        "happy_100_1.jpg is missing",
        "happy_100_1.jpg is damaged",
        "left and right are swapped",
        "an eye lies outside",
        "skin_01005",
        "skin_01006: no two pictures make a pair",
    ):
        assert fault in text
    main(["dataset", "check", str(root), "--out", str(tmp_path / "other.png")])
    assert "faults: 6" in capsys.readouterr().out


def test_a_set_without_training_identities_is_a_fault(
    make_set: MakeSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_set(tmp_path / "set", ["stone_01001"])
    code, report, _ = run_check([root], tmp_path / "sheet.png", capsys)
    assert code == 1
    assert report["faults"][0].startswith("no pair is in the train split")


@pytest.mark.usefixtures("locator")
def test_faces_that_are_not_found_are_a_fault(
    tmp_path: Path,
    painter: Callable[..., None],
    blank_painter: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in ("neutral", "happy"):
        painter(tmp_path / "set" / folder / "1.png")
        blank_painter(tmp_path / "set" / folder / "2.png")
    code, report, _ = run_check([tmp_path / "set"], tmp_path / "sheet.png", capsys)
    assert code == 1
    (fault,) = report["faults"]
    assert fault.startswith("photograph_2: fewer than two faces are found in")
    assert report["styles"]["photograph"]["train"] == {"identities": 1, "pairs": 2}


def test_an_existing_sheet_is_kept(
    rendered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"mine")
    code, _, err = run_check([rendered], sheet, capsys)
    assert code == 1
    assert "--overwrite replaces what is there" in err
    assert sheet.read_bytes() == b"mine"


def test_rows_of_the_sheet_are_spread_over_styles() -> None:
    names = [(style, f"{style}_{n}") for style in ("clay", "skin") for n in range(10)]
    rows = choose_rows(names, 4)
    assert [row.partition("_")[0] for row in rows] == ["clay", "clay", "skin", "skin"]
    assert choose_rows(names[:1], 16) == ["clay_0"]


def test_help_of_the_group_names_its_commands() -> None:
    from reggan_training.commands.dataset import dataset

    result = CliRunner().invoke(dataset, ["--help"])
    assert result.exit_code == 0
    for command in ("avatars", "check", "pack"):
        assert command in result.output


def test_a_set_may_be_copied_before_it_is_checked(
    rendered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = Path(shutil.copytree(rendered, tmp_path / "copied"))
    code, _, err = run_check([rendered, copied], tmp_path / "sheet.png", capsys)
    assert code == 1
    assert "Name each set once" in err
