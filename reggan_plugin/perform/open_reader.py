"""Opens the reader of expressions that is asked for."""

from pathlib import Path

from reggan_plugin.errors import UsageError
from reggan_plugin.perform.face_reading import FaceReader
from reggan_plugin.perform.mediapipe_landmarker import LANDMARKER_PAGE, MediaPipeReader


def open_reader(landmarker: Path | None) -> FaceReader:
    """Open a reader.

    Args:
        landmarker: model file of MediaPipe's face landmarker.

    Raises:
        UsageError: no landmarker is named.
        ModelError, MissingExtraError: it cannot be opened.
    """
    if landmarker is None:
        raise UsageError(
            "No landmarker was given. Faces of people are read by MediaPipe's, whose model is a "
            f"file of your own: download face_landmarker.task from {LANDMARKER_PAGE}.",
            kind="no-landmarker",
        )
    return MediaPipeReader(landmarker)
