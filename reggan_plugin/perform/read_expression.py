"""The expression of one picture, as weights."""

from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import FaceNotFoundError, Remark, UsageError
from reggan_plugin.files.frame import Frame, given_path, read_frame
from reggan_plugin.perform.face_reading import FaceReader, FaceReading, largest_first, shown_bytes
from reggan_plugin.perform.lid_and_lip_contact import lips_meet, with_contacts
from reggan_plugin.perform.mediapipe_landmarker import LANDMARKER_PAGE, MediaPipeReader
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

LEAST = 0.02
"""Weights below it are left out: no reader is as sure as that."""

ReaderName = Literal["person", "character"]


def open_reader(name: ReaderName = "person", landmarker: Path | None = None) -> FaceReader:
    """Open a reader.

    Args:
        name: `person`, for photographs and films, reads by MediaPipe; `character`, for what was
            rendered, by our own landmarks.
        landmarker: model file of MediaPipe's face landmarker.

    Raises:
        UsageError: a person is to be read and no landmarker is named, or there is no such reader.
        ModelError, MissingExtraError: it cannot be opened.
    """
    if not isinstance(name, str) or name not in ("person", "character"):
        raise UsageError(f"{name!r} is no reader; give 'person' or 'character'.")
    if name == "character":
        from reggan_plugin.perform.character_reader import CharacterReader  # it loads the model

        return CharacterReader()
    if landmarker is None:
        raise UsageError(
            "No landmarker was given. Faces of people are read by MediaPipe's, whose model is a "
            f"file of your own: download face_landmarker.task from {LANDMARKER_PAGE}.",
            kind="no-landmarker",
        )
    return MediaPipeReader(landmarker)


def read_expression(
    picture: str | Path | Frame,
    *,
    reader: ReaderName = "person",
    landmarker: str | Path | None = None,
    neutral: str | Path | Frame | None = None,
) -> dict[str, float]:
    """Read which of ARKit's face shapes the largest face of a picture shows, 0 to 1.

        transfer.apply("avatar.png", read_expression("me.jpg", landmarker="face_landmarker.task"))

    Args:
        picture: a path, or a `Frame`.
        reader: `person` for photographs, by MediaPipe; `character` for what was rendered.
        landmarker: model file of MediaPipe's face landmarker; only for people.
        neutral: a picture of the same face at rest, which is taken away; far surer.

    Raises:
        FaceNotFoundError: no face is found.
        UsageError, ModelError, MissingExtraError: the reader cannot be opened.
        UnreadableFrameError: as `read_frame`.
    """
    rest = None if neutral is None else _frame(neutral)
    with closing(
        open_reader(reader, None if landmarker is None else given_path(landmarker))
    ) as opened:
        return expression_of(_frame(picture), opened, rest=rest)[0]


def expression_of(
    frame: Frame, reader: FaceReader, *, rest: Frame | None = None, name: str = "The picture"
) -> tuple[dict[str, float], tuple[Remark, ...]]:
    """Return weights of the largest face by shape, without small ones, and what else is to be said.

    Raises:
        FaceNotFoundError: no face is found.
    """
    face, others = _largest(frame, reader, name)
    weights: Float[np.ndarray, " shapes"] = face.weights
    gap_at_rest = 0.0
    if rest is not None:
        own, _ = _largest(rest, reader, "The neutral picture")
        weights, gap_at_rest = reader.beyond_rest([face], [own])[0], own.lips_gap
    lips = lips_meet(np.array([face.lips_gap]), gap_at_rest)
    weights = with_contacts(weights[None], np.zeros((1, 2), bool), lips)[0]
    said: tuple[Remark, ...] = ()
    if others:
        said = (
            Remark(
                f"{name} shows {others + 1} faces; the largest one is read.",
                "other-faces-in-performance",
            ),
        )
    shown = zip(ARKIT_SHAPES, weights.round(3).tolist(), strict=True)
    return {shape: weight for shape, weight in shown if weight >= LEAST}, said


def _largest(frame: Frame, reader: FaceReader, name: str) -> tuple[FaceReading, int]:
    faces = reader.read(shown_bytes(frame))
    if not faces:
        height, width = frame.pixels.shape[:2]
        raise FaceNotFoundError(
            f"{name} ({width}x{height}) shows no face that {reader.name} sees; expected one that "
            "looks towards the camera. Cut it closer around the head.",
            kind="face-in-no-performance",
        )
    return largest_first(faces)[0], len(faces) - 1


def _frame(picture: Any) -> Frame:
    return picture if isinstance(picture, Frame) else read_frame(picture)
