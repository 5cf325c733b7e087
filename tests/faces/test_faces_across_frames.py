"""Which faces are one face: through gaps, past each other, not across cuts."""

from dataclasses import replace

import numpy as np

from reggan_plugin.faces.faces_across_frames import (
    MOST_FILLED,
    FrameDetections,
    LinkedShot,
    link_faces,
    picture_change,
)
from reggan_plugin.faces.motion_between_frames import Detection
from reggan_plugin.jobs.track_job import steady_faces

FACE = np.array([[63, 30], [37, 30], [50, 48], [60, 62], [40, 62], [50, 81]], dtype=np.float64)
"""The box of this face is about 68 pixels large."""


def patch(person: int) -> np.ndarray:
    cells = np.random.default_rng(person).integers(0, 256, (16, 16)).astype(np.uint8)
    return np.kron(cells, np.ones((4, 4), dtype=np.uint8))


def face(person: int, x: float, y: float = 0.0, size: float = 1.0) -> Detection:
    noise = np.random.default_rng(int(x * 7) % 1000).integers(-4, 5, (64, 64))
    seen = (patch(person) + noise.astype(np.int16)).clip(0, 255).astype(np.uint8)
    return Detection(points=FACE * size + [x, y], score=0.9, patch=seen)


def picture(scene: int) -> np.ndarray:
    return np.random.default_rng(100 + scene).random((18, 32))


def shot(*frames: tuple[Detection, ...], scenes: list[int] | None = None) -> list[FrameDetections]:
    return [
        FrameDetections(
            time=1001 + i, detections=own, thumbnail=picture(scenes[i] if scenes else 0)
        )
        for i, own in enumerate(frames)
    ]


def lengths(links: LinkedShot) -> list[int]:
    return [len(path.detections) for path in links.paths]


def test_a_face_keeps_its_number_through_a_gap_that_is_filled() -> None:
    seen = [(face(1, 10.0 * i),) for i in range(12)]
    for lost in (4, 5, 6):
        seen[lost] = ()
    frames = shot(*seen)
    links = link_faces(frames)
    assert lengths(links) == [9]
    faces = steady_faces(frames, links, smooth=False)
    assert [own[0].status for own in faces] == ["found"] * 4 + ["filled"] * 3 + ["found"] * 5
    assert [round(own[0].landmarks[0, 0]) for own in faces] == [63 + 10 * i for i in range(12)]
    assert {own[0].score for own in faces[4:7]} == {0.0}


def test_a_frame_that_cannot_be_read_is_filled_and_one_of_another_size_is_not() -> None:
    frames = shot(*[(face(1, 5.0 * i),) for i in range(6)])
    frames[2] = FrameDetections(time=1003)
    links = link_faces(frames)
    assert (links.cuts, lengths(links)) == ((), [5])
    assert steady_faces(frames, links)[2][0].status == "filled"
    frames[2] = FrameDetections(time=1003, picture_px=(36, 64))
    assert steady_faces(frames, link_faces(frames))[2] == ()


def test_a_long_absence_is_not_filled_but_the_face_is_known_again() -> None:
    away = MOST_FILLED + 3
    frames = shot(*[(face(1, 0.0),)] * 4, *[()] * away, *[(face(1, 300.0),)] * 4)
    links = link_faces(frames)
    assert lengths(links) == [8]
    assert [len(own) for own in steady_faces(frames, links)] == [1] * 4 + [0] * away + [1] * 4


def test_somebody_else_after_a_long_absence_gets_another_number() -> None:
    frames = shot(*[(face(1, 0.0),)] * 4, *[()] * (MOST_FILLED + 1), *[(face(2, 0.0),)] * 4)
    assert lengths(link_faces(frames)) == [4, 4]


def test_faces_that_cross_keep_their_numbers_though_one_hides_the_other() -> None:
    seen = []
    for i in range(15):
        left, right = face(1, 20.0 * i), face(2, 280.0 - 20.0 * i)
        hides = abs(left.points[0, 0] - right.points[0, 0]) < 50
        seen.append((left,) if hides else (right, left) if i % 2 else (left, right))
    links = link_faces(shot(*seen))
    ways = [
        [path.detections[index].points[0, 0] for index in sorted(path.detections)]
        for path in links.paths
    ]
    assert len(ways) == 2
    assert all(np.all(np.diff(way) > 0) or np.all(np.diff(way) < 0) for way in ways)
    assert sorted(map(len, ways)) == [12, 15]


def test_faces_that_look_the_same_cross_by_their_motion_alone() -> None:
    seen = [(face(1, 30.0 * i), face(1, 315.0 - 30.0 * i)) for i in range(12)]
    links = link_faces(shot(*seen))
    firsts = [[path.detections[index].points[0, 0] for index in (0, 11)] for path in links.paths]
    assert sorted(firsts) == [[63.0, 393.0], [378.0, 48.0]]


def test_a_cut_ends_identities_and_smoothing() -> None:
    frames = shot(*[(face(1, 0.0),)] * 5, *[(face(2, 4.0),)] * 5, scenes=[0] * 5 + [1] * 5)
    links = link_faces(frames)
    assert links.cuts == (5,)
    assert lengths(links) == [5, 5]
    steady = steady_faces(frames, links)
    assert [own[0].face for own in steady] == [0] * 5 + [1] * 5
    assert {own[0].landmarks[0, 0] for own in steady} == {63.0, 67.0}


def test_a_face_that_comes_back_after_a_cut_is_not_known_again() -> None:
    scenes = [0] * 4 + [1] * 4 + [0] * 4
    people = [1] * 4 + [2] * 4 + [1] * 4
    links = link_faces(shot(*[(face(who, 0.0),) for who in people], scenes=scenes))
    assert links.cuts == (4, 8)
    assert lengths(links) == [4, 4, 4]


def test_a_face_that_goes_on_makes_a_flash_or_a_whip_pan_no_cut() -> None:
    links = link_faces(shot(*[(face(1, 2.0 * i),) for i in range(6)], scenes=[0, 0, 0, 1, 0, 0]))
    assert links.cuts == ()
    assert lengths(links) == [6]


def test_a_face_that_moves_on_before_the_same_background_is_no_cut() -> None:
    links = link_faces(shot((face(1, 0.0),), (face(2, 300.0),), ()))
    assert links.cuts == ()


def test_what_is_seen_in_one_frame_alone_is_a_mistake() -> None:
    seen = [(face(1, 0.0),) for _ in range(6)]
    seen[3] = (face(1, 0.0), face(2, 300.0))
    assert lengths(link_faces(shot(*seen))) == [6]
    assert lengths(link_faces(shot((face(1, 0.0),)))) == [1]


def mixed(scene: int, share: float = 0.6) -> np.ndarray:
    """Pictures that are all framed alike, as portraits are."""
    return picture(0) + share * picture(scene)


def alike_framed(frames: list[FrameDetections], scenes: list[int]) -> list[FrameDetections]:
    return [replace(one, thumbnail=mixed(scene)) for one, scene in zip(frames, scenes, strict=True)]


def test_another_face_in_the_same_place_is_a_jump_cut() -> None:
    people = [1] * 4 + [2] * 4
    frames = alike_framed(shot(*[(face(who, 0.0),) for who in people]), people)
    assert 0.12 < picture_change(frames[3].thumbnail, frames[4].thumbnail) < 0.3
    links = link_faces(frames)
    assert links.cuts == (4,)
    assert lengths(links) == [4, 4]


def test_portraits_of_different_people_are_no_shot() -> None:
    people = [1, 2, 2, 3, 4, 5, 6]
    frames = alike_framed(shot(*[(face(who, 0.0),) for who in people]), people)
    links = link_faces(frames)
    assert links.cuts == (1, 2, 3, 4, 5, 6)
    assert lengths(links) == [1] * 7
    steady = steady_faces(frames, links)
    assert [[one.face for one in own] for own in steady] == [[i] for i in range(7)]


def test_a_single_picture_far_from_all_others_keeps_its_face() -> None:
    frames = shot(*[(face(1, 0.0),)] * 3, (face(2, 400.0),), *[(face(1, 0.0),)] * 3)
    assert lengths(link_faces(frames)) == [6]
    times = [1, 2, 3, 20, 40, 41, 42]
    apart = [replace(one, time=time) for one, time in zip(frames, times, strict=True)]
    assert sorted(lengths(link_faces(apart))) == [1, 6]


def test_brightness_is_no_change_of_the_picture() -> None:
    assert picture_change(picture(0), 0.3 * picture(0) + 0.5) < 1e-9
    assert picture_change(picture(0), picture(1)) > 0.5
    black = np.zeros((18, 32))
    assert picture_change(black, picture(0)) == 1.0
    assert picture_change(black, black) == 0.0


def test_the_largest_for_long_comes_first() -> None:
    seen = [(face(1, 0.0, size=0.6), face(2, 300.0)) for _ in range(5)]
    links = link_faces(shot(*seen))
    assert [path.detections[0].points[0, 0] for path in links.paths] == [363.0, 63 * 0.6]
