"""A take as keys of sliders."""

from pathlib import Path

import pytest

from blender_addon.bridge.cues import keys_of_take
from blender_addon.bridge.errors import BridgeError


def take(path: Path, heading: str, *rows: tuple[float, ...]) -> Path:
    path.write_text("\n".join([heading, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_rows_of_seconds_become_frames_of_the_scene(tmp_path: Path) -> None:
    rows = [(i / 24, 0.1 * i, 0.0, 0.5) for i in range(11)]
    path = take(tmp_path / "t.csv", "time,jawOpen,mouthLeft,headYaw", *rows)
    keys = keys_of_take(path, fps=24, first_frame=101, offset="")
    assert keys == {"jawOpen": [pytest.approx((101.0, 0.0)), pytest.approx((111.0, 1.0))]}
    assert keys_of_take(path, fps=48, first_frame=101, offset="7")["jawOpen"][-1] == pytest.approx(
        (27.0, 1.0)
    )


def test_frames_of_a_take_are_those_of_the_scene_and_every_turn_is_kept(tmp_path: Path) -> None:
    rows = [(1001, 0.0), (1002, 0.0), (1003, 1.9), (1004, 0.0), (1005, 0.0)]
    path = take(tmp_path / "t.csv", "frame,eyeBlinkLeft", *rows)
    path.write_text(path.read_text(), encoding="utf-8-sig")  # as Excel writes it
    (keys,) = keys_of_take(path, fps=24, first_frame=1, offset="").values()
    assert keys == [(1001, 0.0), (1002, 0.0), (1003, 1.5), (1004, 0.0), (1005, 0.0)]


@pytest.mark.parametrize(
    ("heading", "row", "reason"),
    [
        ("jawOpen", (0.4,), "cannot be read"),
        ("frame,jawOpen", (1, "x"), "cannot be read"),
        ("frame,jawOpen", (1, "nan"), "cannot be read"),
        ("frame,jawOpen", ("inf", 0.5), "cannot be read"),
        ("frame,jawOpen", (1,), "cannot be read"),
        ("frame,jawOpen", (1, 0.0), "nothing to key"),
    ],
)
def test_what_gives_no_keys_is_said(
    tmp_path: Path, heading: str, row: tuple[float, ...], reason: str
) -> None:
    path = take(tmp_path / "t.csv", heading, row)
    with pytest.raises(BridgeError, match=reason):
        keys_of_take(path, fps=24, first_frame=1, offset="")


def test_an_offset_is_a_frame(tmp_path: Path) -> None:
    path = take(tmp_path / "t.csv", "frame,jawOpen", (1, 0.5))
    with pytest.raises(BridgeError, match="number of a frame"):
        keys_of_take(path, fps=24, first_frame=1, offset="01:00:00:00")
