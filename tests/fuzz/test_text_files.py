"""Tracks, landmarks, curves, records and ranges of any content: read or named."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reggan_plugin.errors import RegganError
from reggan_plugin.faces.face_finder import read_landmarks
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.faces.tracks_file import read_tracks
from reggan_plugin.files.sequence import find_sequence, parse_frame_range
from reggan_plugin.jobs.frame_record import read_record, record_path
from reggan_plugin.jobs.intensity_curve import read_curve
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.models.model_card import CARD_KEY, CARD_SCHEMA, card_from_metadata
from reggan_plugin.rig.dense_landmarks import COUNT

from .damage import damaged, json_like

_POINTS = {name: [10.5 + 9 * i, 20.0 + i] for i, name in enumerate(LANDMARK_NAMES)}
_DENSE = {
    **{"middle": [40.0, 22.0], "step": 0.01},
    "points": b64encode(np.ones((COUNT, 3), "<i2").tobytes()).decode(),
    "mouth": {"tooth": [0.8, 0.8, 0.7], "stone": 0.0, "is_drawn": False, "gap": 0.1},
}
_FACE = {
    **{"face": 0, "status": "found", "score": 0.9, "landmarks": _POINTS, "box": [1, 2, 3, 4]},
    "dense": _DENSE,
}
_TRACKS = {
    **{"kind": "reggan-tracks", "schema": 1, "source": "shot/", "smoothing": None},
    **{"exposure_ev": 0.5, "cuts": ["1002"], "size": [1920, 1080]},
    "frames": {"1001": {"file": "a.1001.png", "faces": [_FACE]}, "1002": {"faces": []}},
}
_CARD = {
    **{"schema": CARD_SCHEMA, "kind": "expression-transfer", "name": "a", "version": "1"},
    **{"architecture": "reggan", "image_size_px": 64, "expressions": ["happy", "sad"]},
    "canonical_landmarks": {name: [0.4, 0.1 * i] for i, name in enumerate(LANDMARK_NAMES)},
    **{"value_range": [0, 1], "colour_encoding": "srgb", "training": {}, "licence": "Apache-2.0"},
    **{"max_yaw_deg": 30.0, "weights_sha256": "0" * 64},
}
_CURVE = [{"frame": 1001, "expression": "happy", "value": 0.5}]
_RECORD = {
    **{"schema": 1, "source": "a.png", "output": "b.png", "outcome": "written", "message": None},
    **{"expression": {"happy": 1.0}, "weights": {}, "settings_sha256": "", "input_sha256": None},
    **{"output_sha256": None, "model": {"name": "a", "version": "1", "sha256": ""}},
    **{"version": "0", "device": "cpu", "batch": 1, "exposure_ev": None, "seconds": 0.1},
    **{"faces": [], "warnings": [], "stats": {}},
}


def read_record_of(path: Path) -> None:
    """The record's own reader takes the path of the output, and answers None to what is none."""
    record_path(path).parent.mkdir(exist_ok=True)
    path.replace(record_path(path))
    record = read_record(path)
    if record is not None:  # what `report` and `--resume` do with it
        json_text(record.after(1.0).document())
        assert f"{record.intensity_share:.2f} {(record.message or '').strip()}"
        assert Path(record.output).name is not None


def read_card_of(path: Path) -> None:
    card_from_metadata({CARD_KEY: path.read_text(encoding="utf-8", errors="replace")}, str(path))


READERS: dict[str, tuple[Any, Callable[[Path], Any]]] = {
    "tracks.json": (_TRACKS, read_tracks),
    "landmarks.json": ({"1001": _POINTS, "*": [_POINTS]}, read_landmarks),
    "curve.json": (_CURVE, read_curve),
    "record.png": (_RECORD, read_record_of),
    "card.json": (_CARD, read_card_of),
}


@pytest.fixture(params=READERS)
def reading(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[Any, Callable[[bytes], str | None]]:
    """A sound document, and a reader of bytes that returns the text of its error."""
    sound, read = READERS[request.param]
    path = tmp_path / request.param

    def fault_of(content: bytes) -> str | None:
        path.write_bytes(content)
        try:
            read(path)
        except RegganError as error:
            return str(error)
        return None

    return sound, fault_of


def test_the_sound_ones_are_read(reading: tuple[Any, Callable[[bytes], str | None]]) -> None:
    sound, fault_of = reading
    assert fault_of(json.dumps(sound).encode()) is None


@given(data=st.data())
def test_damaged_bytes_are_read_or_named(
    reading: tuple[Any, Callable[[bytes], str | None]], data: st.DataObject
) -> None:
    sound, fault_of = reading
    content = data.draw(damaged(json.dumps(sound).encode(), start=0))
    assert fault_of(content) != ""


@given(data=st.data())
def test_other_values_in_the_right_place_are_read_or_named(
    reading: tuple[Any, Callable[[bytes], str | None]], data: st.DataObject
) -> None:
    sound, fault_of = reading
    assert fault_of(json.dumps(data.draw(json_like(sound))).encode()) != ""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * 100_000, id="brackets"),
        pytest.param(b'{"a":' * 100_000, id="braces"),
        pytest.param(b"9" * 100_000, id="digits"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_hostile_text_is_named(
    reading: tuple[Any, Callable[[bytes], str | None]], content: bytes
) -> None:
    sound, fault_of = reading
    message = fault_of(content)
    assert message or sound is _RECORD


@given(text=st.text(alphabet="0123456789-x:, #", max_size=40) | st.text(max_size=20))
@example("9" * 5000)
@example("1-" + "9" * 5000)
@example("1-10x" + "9" * 5000)
def test_any_text_is_a_range_or_none(text: str) -> None:
    try:
        assert isinstance(1 in parse_frame_range(text), bool)
    except RegganError as error:
        message = str(error)
    else:
        return
    assert len(message) < 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shot")
    (folder / "a.1001.png").touch()
    return folder


@given(
    name=st.text(alphabet="#@%dF$0123456789.a-", max_size=30)
    | st.sampled_from(("a.%0" + "9" * 5000 + "d.png", "a." + "#" * 5000 + ".png", "\0"))
)
def test_any_pattern_is_a_sequence_or_named(folder: Path, name: str) -> None:
    try:
        frames = find_sequence(str(folder / name)).frames
    except RegganError as error:
        message = str(error)
    else:
        assert [frame.path.name for frame in frames] == ["a.1001.png"]
        return
    assert message
