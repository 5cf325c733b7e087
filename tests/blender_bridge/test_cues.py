"""Cues on the timeline: which they are, and what the face shows between them."""

import pytest

from blender_addon.bridge.cues import cue_from_name, cues_from_runs, shares_at, sorted_cues


def test_names_of_markers_that_are_cues() -> None:
    assert cue_from_name(5, "sad:0.6") is not None
    assert cue_from_name(5, " Happy + wink_left:0.2").shares == {"happy": 1.0, "wink left": 0.2}  # type: ignore[union-attr]
    assert cue_from_name(5, "None").shares == {}  # type: ignore[union-attr]
    assert cue_from_name(5, "my grin:0.5", ["My Grin"]).shares == {"my grin": 0.5}  # type: ignore[union-attr]
    for other in ("F_01", "hapy", "happy:2", "Camera close", ""):
        assert cue_from_name(5, other) is None
        assert cue_from_name(5, other, ["My Grin"]) is None


def test_a_cue_takes_over_within_the_frames_of_the_blend() -> None:
    names = {10: "sad", 1: "happy", 30: "none"}
    cues = sorted_cues(cue for f, n in names.items() if (cue := cue_from_name(f, n)) is not None)
    assert shares_at(cues, 0, 8) == {}
    assert shares_at(cues, 1, 8) == {"happy": 1.0}  # the first is there at once
    assert shares_at(cues, 10, 8) == {"happy": 1.0, "sad": 0.0}
    assert shares_at(cues, 14, 8) == {"happy": 0.5, "sad": 0.5}
    assert shares_at(cues, 18, 8) == shares_at(cues, 29, 8) == {"sad": 1.0}
    assert shares_at(cues, 34, 8) == {"sad": 0.5}
    assert shares_at(cues, 10, 0) == {"sad": 1.0}  # a cut


def test_a_cue_within_a_blend_goes_on_from_there() -> None:
    frames = ((1, "happy"), (5, "sad"), (9, "angry"))
    cues = [cue for frame, name in frames if (cue := cue_from_name(frame, name)) is not None]
    middle = shares_at(cues, 13, 8)
    assert middle == pytest.approx({"happy": 0.25, "sad": 0.25, "angry": 0.5})


def test_runs_of_a_keyed_menu_are_cues() -> None:
    cues = cues_from_runs({1: "happy", 2: "happy", 3: "", 4: "", 5: "sad"})
    assert [(cue.frame, dict(cue.shares)) for cue in cues] == [
        (1, {"happy": 1.0}),
        (3, {}),
        (5, {"sad": 1.0}),
    ]
