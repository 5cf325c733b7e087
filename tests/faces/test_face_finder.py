"""Faces that are given: by box, by file, by the whole picture."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.faces.face_finder import (
    FaceChoice,
    FaceFinder,
    notices_of_landmarks,
    read_landmarks,
)
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES

CANONICAL = np.array([[0.63, 0.3], [0.37, 0.3], [0.5, 0.48], [0.6, 0.62], [0.4, 0.62], [0.5, 0.81]])


@pytest.fixture
def finder() -> FaceFinder:
    return FaceFinder(CANONICAL, 256)


def points(scale: float, offset: float) -> dict[str, list[float]]:
    return dict(zip(LANDMARK_NAMES, (CANONICAL * scale + offset).tolist(), strict=True))


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_frame_is_found_by_name_by_number_or_by_the_star(
    finder: FaceFinder, tmp_path: Path
) -> None:
    content = {"a.1001.png": points(100, 5), "1002": points(200, 5), "*": points(50, 5)}
    choice = FaceChoice(landmarks=write(tmp_path / "l.json", content))
    sizes = [
        finder.place((500, 500), choice, names)[0].scale * 256
        for names in (("a.1001.png", "1001"), ("a.1002.png", "1002"), ("a.1003.png", "1003"))
    ]
    assert np.allclose(sizes, [100, 200, 50])


def test_a_frame_that_no_key_names_is_the_cause(finder: FaceFinder, tmp_path: Path) -> None:
    choice = FaceChoice(landmarks=write(tmp_path / "l.json", {"1001": points(100, 5), "1002": []}))
    assert len(finder.place((500, 500), choice, ("a.1002.png", "1002"))) == 0
    with pytest.raises(
        SourceError, match=r"Frame a\.1003\.png or 1003 is not in .* names 1001, 1002\."
    ):
        finder.place((500, 500), choice, ("a.1003.png", "1003"))


def test_points_alone_stand_for_every_frame(finder: FaceFinder, tmp_path: Path) -> None:
    choice = FaceChoice(landmarks=write(tmp_path / "l.json", points(100, 5)))
    assert len(finder.place((500, 500), choice, ("any.png",))) == 1


def test_of_several_faces_the_choice_decides(finder: FaceFinder, tmp_path: Path) -> None:
    path = write(tmp_path / "l.json", {"*": [points(60, 5), points(120, 200)]})

    def scales(which: object) -> list[float]:
        choice = FaceChoice(landmarks=path, which=which)  # type: ignore[arg-type]
        return [crop.scale * 256 for crop in finder.place((500, 500), choice, ())]

    assert np.allclose(scales("largest"), [120])
    assert np.allclose(scales("all"), [120, 60])
    assert np.allclose(scales(1), [60])
    assert scales(7) == []


def test_a_missing_point_is_named(tmp_path: Path) -> None:
    content = points(100, 5)
    del content["chin"]
    with pytest.raises(SourceError, match="chin"):
        read_landmarks(write(tmp_path / "l.json", content))


def test_what_is_not_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text("left_eye 1 2")
    with pytest.raises(SourceError, match=r"l\.json"):
        read_landmarks(path)


def test_a_box_far_larger_than_the_frame_is_taken_for_a_slip(finder: FaceFinder) -> None:
    with pytest.raises(UsageError, match="in the frame's pixels"):
        finder.place((100, 100), FaceChoice(box=(0, 0, 1e6, 1e6)), ())


def test_a_face_outside_of_the_frame_is_refused(finder: FaceFinder) -> None:
    with pytest.raises(UsageError, match="lies outside of the frame"):
        finder.place((100, 100), FaceChoice(box=(400, 400, 50, 50)), ())


def test_a_face_smaller_than_its_pixels_is_refused(finder: FaceFinder) -> None:
    with pytest.raises(UsageError, match="at least 4"):
        finder.place((100, 100), FaceChoice(box=(40, 40, 1e-9, 1e-9)), ())


def test_a_given_face_counts_from_the_displayed_corner(finder: FaceFinder) -> None:
    choice = FaceChoice(box=(140, 230, 50, 50))
    whole = finder.place((500, 500), choice, ())[0]
    cropped = finder.place((300, 300), choice, (), origin_px=(200, 100))[0]
    assert np.allclose(cropped.corners(), whole.corners() - [100, 200])


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (0, 0, 10, -1), (0, 0, float("nan"), 5)])
def test_a_box_without_area_is_refused(finder: FaceFinder, box: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="no area"):
        finder.place((100, 100), FaceChoice(box=box), ())  # type: ignore[arg-type]


def test_two_ways_to_say_where_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="at most one"):
        FaceChoice(box=(0, 0, 1, 1), whole_image=True)


@pytest.mark.parametrize(("quarters", "slip"), [(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0), (1, 0.4)])
def test_a_box_finds_the_roll_of_its_face(finder: FaceFinder, quarters: int, slip: float) -> None:
    """On the sample frame, turned counterclockwise; upright the box stays as it was drawn.

    A box may be drawn beside the middle of the face, by a part of its side.
    """
    path = Path(__file__).parents[2] / "reggan_plugin/samples/avatar_png/avatar.1001.png"
    upright = np.asarray(Image.open(path).convert("RGB"), np.float32) / np.float32(255)
    frame = np.ascontiguousarray(np.rot90(upright, quarters))
    height, width = frame.shape[:2]
    (x, y), side = [(661, 412), (412, 619), (619, 308), (308, 661)][quarters], 390
    choice = FaceChoice(box=(x - side / 2, y - side / 2 + slip * side, side, side))
    (given,) = finder.place((height, width), choice, ())
    seen = finder.turned_as_seen(given, frame, given)
    across, down = seen.frame_from_crop[:, 0]
    off = (np.degrees(np.arctan2(down, across)) + 90 * quarters + 180) % 360 - 180
    assert abs(off) < 5
    assert seen.scale == pytest.approx(given.scale)
    assert abs(seen.yaw_deg) < 15
    if not quarters:
        assert (seen.frame_from_crop == given.frame_from_crop).all()


def test_a_box_in_which_nobody_is_seen_stays_upright(finder: FaceFinder) -> None:
    grey = np.full((300, 300, 3), 0.5, np.float32)
    (given,) = finder.place((300, 300), FaceChoice(box=(50, 50, 200, 200)), ())
    assert finder.turned_as_seen(given, grey, given) is given


def test_landmarks_of_no_human_proportions_are_warned_of(tmp_path: Path) -> None:
    good = points(100, 5)
    swapped = dict(zip(good, (good[name] for name in _MIRRORED), strict=True))
    path = write(tmp_path / "l.json", {"1001": good, "1002": swapped, "1003": swapped})
    (notice,) = notices_of_landmarks(path)
    assert notice.startswith("l.json, frame 1002 and 1 more: these landmarks are far from")
    assert notices_of_landmarks(write(tmp_path / "good.json", good)) == []
    begin, many = time.process_time(), {str(number): swapped for number in range(20_000)}
    (notice,) = notices_of_landmarks(write(tmp_path / "many.json", many))
    assert notice.startswith("many.json, frame 0 and 1")
    assert time.process_time() - begin < 5


_MIRRORED = ("right_eye", "left_eye", "nose_tip", "mouth_right", "mouth_left", "chin")


@pytest.mark.parametrize(
    "chin",
    ["[NaN, 1]", "[Infinity, 1]", "[1e308, 1]", '["1", "2"]', "[true, false]", "[1]", "null"],
)
def test_each_landmark_is_a_place_in_a_picture(chin: str, tmp_path: Path) -> None:
    points = ", ".join(f'"{name}": [{i}, {2 * i}]' for i, name in enumerate(LANDMARK_NAMES[:-1]))
    text = f'{{"*": {{{points}, "{LANDMARK_NAMES[-1]}": {chin}}}}}'
    (tmp_path / "points.json").write_text(text)
    with pytest.raises(SourceError, match=f"{LANDMARK_NAMES[-1]} is missing, or is no"):
        read_landmarks(tmp_path / "points.json")
