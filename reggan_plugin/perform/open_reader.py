"""Opens the reader of expressions that is asked for."""

from pathlib import Path
from typing import Literal

from reggan_plugin.errors import UsageError
from reggan_plugin.perform.face_reading import FaceReader
from reggan_plugin.perform.mediapipe_landmarker import LANDMARKER_PAGE, MediaPipeReader

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
    if name == "character":
        from reggan_plugin.perform.character_reader import CharacterReader  # it loads the model

        return CharacterReader()
    if name != "person":
        raise UsageError(f"{name!r} is no reader; give 'person' or 'character'.")
    if landmarker is None:
        raise UsageError(
            "No landmarker was given. Faces of people are read by MediaPipe's, whose model is a "
            f"file of your own: download face_landmarker.task from {LANDMARKER_PAGE}.",
            kind="no-landmarker",
        )
    return MediaPipeReader(landmarker)
