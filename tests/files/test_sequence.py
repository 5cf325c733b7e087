"""Folders, files and patterns become frames in order."""

from pathlib import Path

import pytest

from reggan_plugin.errors import (
    AmbiguousSourceError,
    EmptySourceError,
    RangeOutsideError,
    UsageError,
)
from reggan_plugin.files.sequence import (
    Sequence,
    find_sequence,
    format_frame_range,
    parse_frame_range,
)
from reggan_plugin.jobs.plan import default_output_folder


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """A folder for files; `fill` puts them there."""
    folder = tmp_path / "walk"
    folder.mkdir()
    return folder


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


def names(sequence: Sequence) -> list[str]:
    return [frame.path.name for frame in sequence.frames]


def numbers(sequence: Sequence) -> list[int | None]:
    return [frame.number for frame in sequence.frames]


class TestFolder:
    def test_a_sequence_is_in_order_of_numbers(self, shot: Path) -> None:
        fill(shot, "a.10.exr", "a.9.exr", "a.-1.exr", "a.100.exr", "a.0.exr")
        sequence = find_sequence(str(shot))
        assert numbers(sequence) == [-1, 0, 9, 10, 100]
        assert (sequence.folder, sequence.name) == (shot, "walk")

    def test_loose_pictures_are_frames_without_number(self, shot: Path) -> None:
        fill(shot, "holiday_a.png", "b.PNG", "b10.jpg", "b9.tif")
        sequence = find_sequence(str(shot))
        assert names(sequence) == ["b.PNG", "b9.tif", "b10.jpg", "holiday_a.png"]
        assert set(numbers(sequence)) == {None}
        assert not sequence.missing

    def test_loose_pictures_follow_the_sequence(self, shot: Path) -> None:
        fill(shot, "a.0002.png", "a.0001.png", "Reference.jpg")
        sequence = find_sequence(str(shot))
        assert names(sequence) == ["a.0001.png", "a.0002.png", "Reference.jpg"]
        assert numbers(sequence) == [1, 2, None]
        ranged = find_sequence(str(shot), "1-9")
        assert names(ranged) == ["a.0001.png", "a.0002.png"]
        assert ranged.ignored == (shot / "Reference.jpg",)

    def test_a_minus_after_a_word_is_no_sign(self, shot: Path) -> None:
        fill(shot, "head-0001.png", "head-0002.png")
        assert numbers(find_sequence(str(shot))) == [1, 2]

    def test_one_numbered_picture_is_a_sequence(self, shot: Path) -> None:
        fill(shot, "a.1001.png")
        assert numbers(find_sequence(str(shot), "1001")) == [1001]

    def test_gaps_and_other_files_are_told(self, shot: Path) -> None:
        fill(shot, "a.1.png", "a.2.png", "a.5.png", "notes.txt", "tracks.json")
        sequence = find_sequence(str(shot))
        assert list(sequence.missing) == [3, 4]
        assert sequence.ignored == (shot / "notes.txt", shot / "tracks.json")

    def test_hidden_and_temporary_files_are_not_mentioned(self, shot: Path) -> None:
        hidden = [".DS_Store", "Thumbs.db", "desktop.ini", "._a.1.png", ".12ab.reggan-tmp"]
        fill(shot, "a.1.png", *hidden)
        (shot / "a.2.png").mkdir()
        sequence = find_sequence(str(shot))
        assert names(sequence) == ["a.1.png"]
        assert sequence.ignored == ()

    @pytest.mark.parametrize(
        "files",
        [
            ["beauty.0001.exr", "beauty.0002.exr", "matte.0001.exr", "matte.0002.exr"],
            ["beauty.0001.exr", "beauty.0002.exr", "beauty.0001.png", "beauty.0002.png"],
        ],
    )
    def test_two_sequences_are_ambiguous(self, shot: Path, files: list[str]) -> None:
        fill(shot, *files)
        with pytest.raises(AmbiguousSourceError, match=r"beauty\.####\.exr, .*Name one") as raised:
            find_sequence(str(shot))
        named = str(raised.value).rsplit(": ", 1)[1]
        assert names(find_sequence(named)) == files[:2]

    def test_a_number_that_is_there_twice_is_ambiguous(self, shot: Path) -> None:
        fill(shot, "a1.png", "a01.png", "a2.png")
        with pytest.raises(AmbiguousSourceError, match=r"frame 1 .*a01\.png, a1\.png"):
            find_sequence(str(shot))

    def test_dates_are_no_frame_numbers(self, shot: Path) -> None:
        fill(shot, "IMG_20240101101500.jpg", "IMG_20250101101500.jpg")
        assert numbers(find_sequence(str(shot))) == [None, None]


class TestNothingThere:
    def test_empty_folder(self, shot: Path) -> None:
        with pytest.raises(
            EmptySourceError, match=r"holds no picture\. .*\.exr, .*\.png.*Name the folder"
        ):
            find_sequence(str(shot))

    def test_folder_without_pictures(self, shot: Path) -> None:
        fill(shot, "a.mov", "b.txt")
        with pytest.raises(EmptySourceError, match=r"\.mov, \.txt was found.*\.exr"):
            find_sequence(str(shot))

    @pytest.mark.parametrize("name", ["none", "none.png", "none/a.####.png", "a.####.png"])
    def test_no_such_path(self, shot: Path, name: str) -> None:
        with pytest.raises(EmptySourceError, match=r"Check the"):
            find_sequence(str(shot / name))


class TestPattern:
    @pytest.mark.parametrize("padding", ["####", "#", "@@@@", "%04d", "%d", "$F4", "$F"])
    def test_all_notations(self, shot: Path, padding: str) -> None:
        fill(shot, "walk.0001.png", "walk.0002.png", "walk.10000.png", "walk.0001.exr", "x.png")
        sequence = find_sequence(str(shot / f"walk.{padding}.png"))
        assert numbers(sequence) == [1, 2, 10000]
        assert (sequence.folder, sequence.name) == (shot, "walk")

    def test_padding_decides(self, shot: Path) -> None:
        fill(shot, "a.1.png", "a.0001.png", "a.-001.png")
        assert numbers(find_sequence(str(shot / "a.####.png"))) == [-1, 1]

    def test_the_number_may_stand_inside_the_name(self, shot: Path) -> None:
        fill(shot, "a.0001_left.png", "a.0002_left.png", "a.0001_right.png")
        assert numbers(find_sequence(str(shot / "a.####_left.png"))) == [1, 2]

    def test_other_characters_are_literal(self, shot: Path) -> None:
        fill(shot, "a+.01.png", "aa.01.png")
        assert names(find_sequence(str(shot / "a+.##.png"))) == ["a+.01.png"]

    def test_a_file_is_one_frame_whatever_its_name(self, shot: Path) -> None:
        fill(shot, "a_0001.png", "a_0002.png", "#1.png")
        assert numbers(find_sequence(str(shot / "a_0001.png"))) == [1]
        assert names(find_sequence(str(shot / "#1.png"))) == ["#1.png"]


class TestRange:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1001-1004", [1001, 1002, 1003, 1004]),
            ("1001-1006x2", [1001, 1003, 1005]),
            ("1001-1006:2", [1001, 1003, 1005]),
            ("1005,1001", [1001, 1005]),
            ("1004-1001x-2", [1002, 1004]),
            ("990-1002, 1006-2000", [1001, 1002, 1006]),
            ("1003", [1003]),
        ],
    )
    def test_selects_and_skips_what_is_beyond(
        self, shot: Path, text: str, expected: list[int]
    ) -> None:
        fill(shot, *(f"a.{number}.exr" for number in range(1001, 1007)))
        assert numbers(find_sequence(str(shot), text)) == expected

    def test_negative_numbers(self, shot: Path) -> None:
        fill(shot, *(f"a.{number}.exr" for number in range(-6, 3)))
        assert numbers(find_sequence(str(shot), "-5--1x2,1")) == [-5, -3, -1, 1]

    def test_only_missing_frames_of_the_range_are_told(self, shot: Path) -> None:
        fill(shot, "a.1.exr", "a.5.exr", "a.9.exr")
        assert list(find_sequence(str(shot), "4-20").missing) == [4, 6, 7, 8]

    @pytest.mark.timeout(20)
    def test_gaps_of_any_size_are_ranges(self, shot: Path) -> None:
        fill(shot, "a.1.exr", "a.9999999.exr")
        sequence = find_sequence(str(shot))
        assert (sequence.missing.text, len(sequence.missing)) == ("2-9999998", 9_999_997)
        assert 5000 in sequence.missing
        assert find_sequence(str(shot), "1-20x5,9000000-99999999999").missing.text == (
            "6-16x5,9000000-9999998"
        )
        assert list(find_sequence(str(shot), "5-8,7-9,9-5x-2").missing) == [5, 6, 7, 8, 9]
        assert find_sequence(str(shot), "1,9999999").missing.text == ""

    def test_a_part_is_what_the_range_gives(self, shot: Path) -> None:
        fill(shot, *(f"a.{number}.exr" for number in (1, 2, 5, 6)), "reference.png")
        for text in ("2-5", "1-99x2", "6,5", "3-4"):
            part, whole = find_sequence(str(shot)).part(text), find_sequence(str(shot), text)
            assert (list(part.frames), part.missing, part.ignored) == (
                list(whole.frames),
                whole.missing,
                whole.ignored,
            )

    @pytest.mark.parametrize("text", ["", "a", "1-", "1-5x0", "1-5x", "1,,2", "1.5", "1-5y2"])
    def test_what_is_no_range_is_a_usage_error(self, shot: Path, text: str) -> None:
        fill(shot, "a.1.exr")
        with pytest.raises(UsageError, match=r"is not a frame range.*1001-1100x2"):
            find_sequence(str(shot), text)

    def test_a_range_before_the_shot_is_a_slip(self, shot: Path) -> None:
        fill(shot, "a.11.exr", "a.12.exr", "a.14.exr")
        with pytest.raises(RangeOutsideError, match="7-9 lies outside of walk, which has 11-12,14"):
            find_sequence(str(shot), "7-9")

    def test_a_range_past_the_end_or_in_a_gap_holds_nothing(self, shot: Path) -> None:
        fill(shot, "a.1.exr", "a.2.exr", "a.5.exr")
        beyond, between = find_sequence(str(shot), "7-9"), find_sequence(str(shot), "3-4")
        assert (list(beyond.frames), list(beyond.missing)) == ([], [])
        assert (list(between.frames), list(between.missing)) == ([], [3, 4])

    def test_a_range_of_loose_pictures_is_a_usage_error(self, shot: Path) -> None:
        fill(shot, "a.png", "b.png")
        with pytest.raises(UsageError, match="has no number"):
            find_sequence(str(shot), "1-2")

    def test_huge_ranges_cost_nothing(self) -> None:
        assert 10**15 in parse_frame_range("1-9999999999999999")

    def test_numbers_are_written_as_spans(self) -> None:
        assert format_frame_range([5, 1, 2, 3, -1]) == "-1,1-3,5"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("walk", "walk_happy"),
        ("walk/", "walk_happy"),
        ("walk/b.png", "walk/b_happy"),
        ("walk/name.####.exr", "walk/name_happy"),
        ("walk/name_%04d.exr", "walk/name_happy"),
        ("walk/####.exr", "walk_happy"),
    ],
)
def test_results_go_beside_the_source(
    shot: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: str
) -> None:
    fill(shot, "b.png")
    monkeypatch.chdir(shot.parent)
    assert default_output_folder(source, "happy") == Path(expected)


def test_results_of_the_current_folder_go_beside_it(
    shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shot)
    assert default_output_folder(".", "happy") == shot.parent / "walk_happy"


def test_a_number_too_long_for_a_frame_does_not_fit_a_pattern(tmp_path: Path) -> None:
    for number in ("0001", "0002", "20261127014430123456"):
        (tmp_path / f"f.{number}.png").touch()
    for padding in ("####", "%04d"):
        found = find_sequence(f"{tmp_path}/f.{padding}.png")
        assert list(found.frames.numbers) == [1, 2]
    with pytest.raises(EmptySourceError, match="no file fits"):
        find_sequence(f"{tmp_path}/f.{20 * '#'}.png")
