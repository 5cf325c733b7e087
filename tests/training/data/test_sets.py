"""Sets of every layout arrive as identities; what is missing is named."""

import itertools
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlwt

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import SPLITS, Identity, split_of, style_of
from reggan_training.data.sets import ANNOTATIONS, choose_entries, code_and_person, load_sets

Painter = Callable[..., None]


def test_no_identity_is_in_two_splits_and_other_styles_are_for_testing() -> None:
    for style in ("photo", "skin", "photograph"):
        splits = [split_of(f"{style}_{number:05d}") for number in range(100)]
        assert [splits.count(split) for split in SPLITS] == [70, 10, 20]
    assert {split_of(f"{style}_00001") for style in ("stone", "toon")} == {"test"}
    assert split_of("stone_00001", ("skin", "stone")) == "train"


def test_both_sessions_of_a_person_are_in_one_split_and_names_without_numbers_keep_theirs() -> None:
    for number in range(1, 36):
        first, second = (split_of(f"photograph_kdef{s}_F{number:02d}") for s in "AB")
        assert first == second
    unnumbered = [split_of(f"photograph_{chr(97 + n)}{chr(110 + n)}") for n in range(12)]
    assert set(unnumbered) <= set(SPLITS)
    assert unnumbered == [split_of(f"photograph_{chr(97 + n)}{chr(110 + n)}") for n in range(12)]


def test_older_names_of_styles_are_read_as_the_new() -> None:
    assert [style_of(n) for n in ("photo_00001", "bronze_00001")] == ["skin", "metal"]


def test_the_older_set_is_complete_and_in_order(tiny_avatars: Path) -> None:
    identities = load_sets([tiny_avatars], ("train",))
    assert [one.name for one in identities] == ["photo_00001", "photo_00002", "photo_00003"]
    assert {one.style for one in identities} == {"skin"}
    assert all(one.is_complete and not one.has_graded_views for one in identities)


def test_a_missing_picture_is_named(tiny_avatars: Path, tmp_path: Path) -> None:
    (tmp_path / "landmarks.json").write_bytes((tiny_avatars / "landmarks.json").read_bytes())
    (tmp_path / "neutral").mkdir()
    with pytest.raises(SourceError, match=r"neutral.photo_00001\.jpg is missing"):
        load_sets([tmp_path], ("train",))


def test_a_rendered_set_keeps_states_and_pose(rendered: Path) -> None:
    one = load_sets([rendered], ("train",))[0]
    assert one.name == "skin_01001"
    assert one.is_complete
    assert one.has_graded_views
    assert (one.yaw_deg, one.pitch_deg) == (12.5, -3.0)
    assert one.is_plain.sum() == 13
    assert one.states[0].max() == 0
    assert sorted(one.states.max(axis=1).round(2)) == sorted(
        [0.0, 0.0, 0.4, *([1.0] * 6), 0.3, 0.35, 0.4, 0.45, 0.5, 0.55]
    )
    shown = one.images[:, 0, 0, 0].astype(float) / 16 - 1
    assert np.abs(shown[:7] - np.arange(7)).max() < 0.2


def test_styles_splits_and_limits_choose(rendered: Path) -> None:
    assert [one.name for one in load_sets([rendered], ("test",))] == ["skin_01010", "stone_01001"]
    both = load_sets([rendered], ("train",), training_styles=("skin", "stone"))
    assert [one.name for one in both] == ["skin_01001", "skin_01002", "stone_01001"]
    assert [one.name for one in choose_entries([rendered], SPLITS, styles=("stone",))] == [
        "stone_01001"
    ]
    chosen: list[set[str]] = [
        {one.name for one in load_sets([rendered], SPLITS, limit=n)} for n in range(1, 6)
    ]
    assert [len(names) for names in chosen] == [1, 2, 3, 4, 5]
    assert all(small < large for small, large in itertools.pairwise(chosen))


def test_an_identity_in_two_sets_is_refused(rendered: Path) -> None:
    with pytest.raises(SourceError, match=r"skin_01001 is in .* render with other numbers"):
        load_sets([rendered, rendered], ("train",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record: record["images"][3].pop("intensity"), r"identity\.json lacks 'intensity'"),
        (lambda record: record["images"][0]["landmarks"].pop("chin"), "lacks 'chin'"),
        (lambda record: record["images"][0].update(file="no.jpg"), r"no\.jpg is missing"),
    ],
)
def test_what_a_rendered_identity_lacks_is_named(
    make_set: Callable[..., Path], tmp_path: Path, change: Callable[[dict], object], message: str
) -> None:
    make_set(tmp_path, ["skin_01001"])
    path = tmp_path / "skin_01001" / "identity.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises(SourceError, match=message):
        load_sets([tmp_path], ("train",))


def test_a_folder_without_a_known_layout_says_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no known layout.*manifest\.json.*CFEE, KDEF or RaFD"):
        load_sets([tmp_path], ("train",))
    with pytest.raises(SourceError, match="is not there"):
        load_sets([tmp_path / "none"], ("train",))


def shown(identity: Identity) -> list[str]:
    """The expressions of an identity, in the order of its views."""
    return [
        EXPRESSION_NAMES[e]
        for e in range(len(EXPRESSION_NAMES))
        if identity.full_view(e) is not None
    ]


@pytest.mark.usefixtures("locator")
def test_plain_folders_with_aliases_may_be_incomplete(tmp_path: Path, painter: Painter) -> None:
    for folder, file in (("Neutral", "011.png"), ("joy", "011.png"), ("joy", "012.png")):
        painter(tmp_path / folder / file)
    painter(tmp_path / "neutral_masks" / "011.png")
    (identity,) = load_sets([tmp_path], SPLITS)
    assert (identity.name, identity.style) == ("photograph_011", "photograph")
    assert shown(identity) == ["neutral", "happy"]
    assert not identity.is_complete
    assert identity.images.shape == (2, 128, 128, 3)


def test_two_folders_of_one_expression_are_refused(tmp_path: Path, painter: Painter) -> None:
    for folder in ("joy", "happy"):
        painter(tmp_path / folder / "1.png")
    with pytest.raises(SourceError, match=r"happy and .*joy both mean happy"):
        load_sets([tmp_path], SPLITS)


@pytest.mark.usefixtures("locator")
def test_known_landmarks_are_used_and_a_missing_point_is_named(
    tiny_avatars: Path, tmp_path: Path, painter: Painter
) -> None:
    for folder in ("neutral", "happy"):
        painter(tmp_path / folder / "7.png")
    points = json.loads((tiny_avatars / "landmarks.json").read_text())["photo_00001"]["neutral"]
    sheet = {"7": {"neutral": points}}
    (tmp_path / "landmarks.json").write_text(json.dumps(sheet))
    (identity,) = load_sets([tmp_path], SPLITS)
    assert identity.full_view(1) == 1
    del points["chin"]
    (tmp_path / "landmarks.json").write_text(json.dumps(sheet))
    with pytest.raises(SourceError, match=r"landmarks\.json: 7, neutral has no point 'chin'"):
        load_sets([tmp_path], SPLITS)


@pytest.mark.usefixtures("locator")
def test_pictures_without_a_face_are_named_and_left_out(
    tmp_path: Path, painter: Painter, blank_painter: Painter, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("neutral", "happy"):
        painter(tmp_path / folder / "1.png")
        painter(tmp_path / folder / "2.png")
    blank_painter(tmp_path / "sad" / "1.png")
    blank_painter(tmp_path / "happy" / "2.png")
    with caplog.at_level(logging.WARNING):
        (identity,) = load_sets([tmp_path], SPLITS)
    assert identity.name == "photograph_1"
    assert shown(identity) == ["neutral", "happy"]
    assert "no face is found: sad/1.png" in caplog.text
    assert "only neutral is usable: photograph_2" in caplog.text


@pytest.mark.usefixtures("locator")
def test_kdef_takes_straight_pictures_of_each_session(tmp_path: Path, painter: Painter) -> None:
    for session, shift in (("A", 0), ("B", 7)):
        for code in ("NE", "HA", "AF", "SU"):
            painter(tmp_path / f"{session}F01" / f"{session}F01{code}S.JPG", (shift, 0))
        painter(tmp_path / f"{session}F01" / f"{session}F01ANHL.JPG")
    first, second = load_sets([tmp_path], SPLITS)
    assert [first.name, second.name] == ["photograph_kdefA_F01", "photograph_kdefB_F01"]
    assert shown(first) == ["neutral", "happy", "afraid", "surprised"]


@pytest.mark.usefixtures("locator")
def test_rafd_takes_frontal_pictures_with_a_frontal_gaze(
    tmp_path: Path, painter: Painter, caplog: pytest.LogCaptureFixture
) -> None:
    for angle, expression, gaze in (
        *(("090", e, "frontal") for e in ("neutral", "fearful", "disgusted", "contemptuous")),
        ("090", "happy", "left"),
        ("135", "sad", "frontal"),
    ):
        painter(tmp_path / f"Rafd{angle}_30_Caucasian_male_{expression}_{gaze}.jpg")
    with caplog.at_level(logging.WARNING):
        (identity,) = load_sets([tmp_path], SPLITS)
    assert identity.name == "photograph_rafd_30"
    assert shown(identity) == ["neutral", "disgusted", "afraid"]
    assert "contemptuous_frontal.jpg" in caplog.text


def test_separate_takes_are_laid_on_one_another(
    tmp_path: Path, locator: Any, painter: Painter
) -> None:
    painter(tmp_path / "AM07NES.JPG", (0, 0), 200)
    painter(tmp_path / "AM07HAS.JPG", (13, -6), 200)
    (identity,) = load_sets([tmp_path], SPLITS)
    seen = [locator.locate(image.astype(np.float32) / 255)[0].points for image in identity.images]
    assert np.abs(seen[0][:3] - seen[1][:3]).max() < 0.6
    assert np.abs(identity.landmarks[0, :3] - seen[0][:3]).max() < 0.6
    assert np.abs(identity.landmarks[0, :3] - identity.landmarks[1, :3]).max() < 0.1


def write_annotations(path: Path, rows: Sequence[Sequence[object]], sheet: str = "summary") -> None:
    book = xlwt.Workbook()
    page = book.add_sheet(sheet)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            page.write(i, j, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))


CODES = [
    ["code", "category"],
    [1, "Neutral"],
    [2, "happy"],
    ["04", "Fearful "],
    [5, "happily surprised"],
]


@pytest.mark.usefixtures("locator")
def test_cfee_maps_codes_by_its_sheet_and_leaves_out_what_that_lacks(
    tmp_path: Path, painter: Painter, caplog: pytest.LogCaptureFixture
) -> None:
    write_annotations(tmp_path / ANNOTATIONS, CODES)
    images = tmp_path / "CFEE_Database_230" / "01-04" / "Images1"
    for name in ("01_221_3872.jpg", "02_221_1.JPG", "04_221.jpg", "05_221_9.jpg", "26_221_9.jpg"):
        painter(images / name)
    painter(images / "cover.jpg")
    with caplog.at_level(logging.WARNING):
        (identity,) = load_sets([tmp_path], SPLITS)
    assert identity.name == "photograph_cfee_221"
    assert shown(identity) == ["neutral", "happy", "afraid"]
    assert "lacks the code: 26_221_9.jpg" in caplog.text
    assert "not EE_SSS_NNNN: cover.jpg" in caplog.text


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("07_012_4411.jpg", (7, 12)),
        ("04_221.jpg", (4, 221)),
        ("260_19.png.jpg", (19, 260)),
        ("11_180_0012.JPG", (11, 180)),
        ("readme.jpg", None),
        ("99_300_1.jpg", None),
    ],
)
def test_irregular_names_of_cfee(name: str, parsed: tuple[int, int] | None) -> None:
    assert code_and_person(name) == parsed


def test_the_file_or_column_that_cfee_lacks_is_named(tmp_path: Path, painter: Painter) -> None:
    painter(tmp_path / "CFEE_Database_230" / "01-04" / "Images1" / "01_221_3872.jpg")
    with pytest.raises(SourceError, match=rf"{ANNOTATIONS} is missing.*comes with CFEE"):
        load_sets([tmp_path], SPLITS)
    write_annotations(tmp_path / ANNOTATIONS, CODES, "else")
    with pytest.raises(SourceError, match=r"cannot be read: .*sheet 'summary'"):
        load_sets([tmp_path], SPLITS)
    write_annotations(tmp_path / ANNOTATIONS, [[1], [2]])
    with pytest.raises(SourceError, match=r"has 1 columns; .* the name in column 1"):
        load_sets([tmp_path], SPLITS)
    (tmp_path / ANNOTATIONS).write_bytes(b"not a workbook")
    with pytest.raises(SourceError, match="Expected an Excel 97 file"):
        load_sets([tmp_path], SPLITS)
