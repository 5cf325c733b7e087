"""What an artist reads of a tracked head: what is left out, and where picture and rig disagree."""

import json
from pathlib import Path

import pytest

from blender_addon.bridge.frames_in_words import account_of_faces, frames_in_words, unchanged_frames
from blender_addon.bridge.projection import SeenFace
from blender_addon.bridge.tracks_file import disagreement
from reggan_plugin.jobs import results_and_events


def test_frames_are_named_as_ranges() -> None:
    assert frames_in_words([1003]) == "Frame 1003"
    assert frames_in_words([1, 3, 4, 5, 9]) == "Frames 1, 3-5, 9"


def test_every_frame_that_will_not_change_is_named() -> None:
    statuses = {1: "given", 2: "occluded", 3: "outside", 4: "outside", 5: "behind"}
    faces = {n: SeenFace(status=s, landmarks=None) for n, s in statuses.items()}  # type: ignore[arg-type]
    account = account_of_faces(faces, "its eye bones")
    assert account["summary"] == "Found by its eye bones: in sight in 1 of 5 frames."
    assert account["left_out"] == [
        "Frames 3-4 will not change: the face is outside the picture.",
        "Frame 2 will not change: the face is hidden by something before it.",
        "Frame 5 will not change: the face is behind the camera.",
    ]


def test_the_runtime_s_reasons_are_said_in_the_panel() -> None:
    entries = [
        {"source": f"/x/shot.{number}.png", "message": message}
        for number, message in (
            (1002, results_and_events.NO_FACE),
            (1003, results_and_events.NO_FACE),
            (1005, f"{results_and_events.TURNED_AWAY} (80 degrees)"),
            (1006, results_and_events.INTENSITY_0),
        )
    ]
    assert unchanged_frames({"copied": entries}) == [
        "Frames 1002-1003 stay as they are: no face is in sight there.",
        "Frame 1005 stays as it is: the head is turned too far away there.",
    ]
    assert unchanged_frames({}) == []


def tracks(path: Path, status: str, frames: dict[str, list[tuple[float, ...]]]) -> Path:
    document = {
        name: {
            "faces": [
                {"face": i, "status": status, "box": list(box)} for i, box in enumerate(boxes)
            ]
        }
        for name, boxes in frames.items()
    }
    path.write_text(json.dumps({"frames": document}))
    return path


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ((100, 100, 50, 50), ""),
        ((108, 93, 50, 50), ""),
        ((100, 160, 50, 50), "60 pixels below it"),
        ((30, 110, 50, 50), "70 pixels to the left of it"),
        ((75, 75, 100, 100), "larger, 100 instead of 50 pixels"),
    ],
)
def test_rig_and_picture_are_compared(tmp_path: Path, own: tuple[float, ...], words: str) -> None:
    projected = tracks(tmp_path / "rig.json", "given", {"7": [own]})
    seen = [(400, 400, 50, 50), (100, 100, 50, 50)]
    located = tracks(tmp_path / "seen.json", "found", {"shot.0007": seen})
    said = disagreement(projected, located)
    assert words in said
    assert bool(said) == bool(words)


def test_every_frame_is_compared_and_the_worst_told(tmp_path: Path) -> None:
    """A hand that stands before the face in the first frame, and moves on."""
    seen = {str(frame): [(100, 100, 50, 50)] for frame in range(1, 6)}
    hand = {str(frame): [(100 + 20 * (frame - 1), 100, 50, 50)] for frame in range(1, 6)}
    said = disagreement(
        tracks(tmp_path / "rig.json", "given", hand), tracks(tmp_path / "seen.json", "found", seen)
    )
    assert said.startswith("In frames 2-5 the rig's face is not")
    assert "in frame 5 it is 80 pixels to the right of it" in said
    assert "Bone" in said


def test_no_second_opinion_is_no_disagreement(tmp_path: Path) -> None:
    projected = tracks(tmp_path / "rig.json", "given", {"7": [(0, 0, 9, 9)]})
    assert disagreement(projected, tmp_path / "none.json") == ""
    assert disagreement(projected, tracks(tmp_path / "e.json", "found", {"7": []})) == ""
    hidden = tracks(tmp_path / "hidden.json", "occluded", {"7": [(0, 0, 9, 9)]})
    assert disagreement(hidden, tracks(tmp_path / "s.json", "found", {"7": [(50, 50, 9, 9)]})) == ""
