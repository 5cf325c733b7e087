"""Readers that answer by a script, and clips for them to look at."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from reggan_plugin.commands.options.expression import ReaderOptions
from reggan_plugin.perform.face_reading import FaceReading
from reggan_plugin.perform.neutral_moment import counted_from
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

WIDTH, HEIGHT = 64, 48
TICK = Fraction(1, 600)


def reading(
    weights: dict[str, float] | None = None,
    *,
    lips: float = 0.01,
    lids: tuple[float, float] = (0.3, 0.3),
    middle: tuple[float, float] = (30.0, 20.0),
    size: float = 20.0,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> FaceReading:
    x, y = middle
    half = size / 2
    return FaceReading(
        weights=np.array([(weights or {}).get(name, 0.0) for name in ARKIT_SHAPES]),
        turn_deg=np.array(turn),
        lips_gap=lips,
        lids_gap=np.array(lids),
        points=np.array([[x - half, y - half], [x + half, y + half]]),
    )


class ScriptedReader:
    """Answers what it was given, picture by picture; keeps what it saw."""

    name = "Script"

    def __init__(self, faces: Sequence[list[FaceReading]]) -> None:
        self._faces = list(faces)
        self.seen: list[np.ndarray] = []
        self.is_closed = False

    def read(self, picture: np.ndarray) -> list[FaceReading]:
        assert picture.dtype == np.uint8
        self.seen.append(picture)
        return self._faces[len(self.seen) - 1]

    def beyond_rest(self, faces: Sequence[FaceReading], rest: Sequence[FaceReading]) -> np.ndarray:
        at_rest = np.median([one.weights for one in rest], axis=0)
        return counted_from(np.array([one.weights for one in faces]), at_rest)

    def close(self) -> None:
        self.is_closed = True


def write_frames(folder: Path, count: int, first: int = 1001) -> Path:
    folder.mkdir()
    for number in range(first, first + count):
        Image.new("RGB", (WIDTH, HEIGHT), (number % 200, 90, 90)).save(folder / f"a.{number}.png")
    return folder


def write_clip(path: Path, ticks: Sequence[int], turn_deg: float | None = None) -> Path:
    """A clip whose frames are shown at these 600ths of a second; `turn_deg` is by how much players
    turn them.
    """
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("libx264", rate=30, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = TICK
        if turn_deg is not None:
            stream.set_display_rotation(turn_deg)
        for place, time in enumerate(ticks):
            pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            pixels[: HEIGHT // 2] = 200 - place
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, TICK
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
    return path


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedReader]:
    """Readers that the command opens, one after another; append them."""
    readers: list[ScriptedReader] = []
    opened = iter(readers)
    monkeypatch.setattr(ReaderOptions, "opened", lambda _: next(opened))
    return readers
