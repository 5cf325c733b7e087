"""MediaPipe's face landmarker, which reads faces of people: the one module that knows MediaPipe.

It runs in a child process (`reggan_plugin.child_process`): it prints what it likes, and a model
file that crashes it ends no job. The model is the user's own file, `face_landmarker.task`.

Source: MediaPipe's face mesh topology for the numbers of points.
"""

import io
import struct
import zipfile
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float, UInt8
from reggan_plugin.child_process import talk_apart
from reggan_plugin.errors import ModelError
from reggan_plugin.file_safety import read_regular
from reggan_plugin.limits import MOST_LANDMARKER_BYTES
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.perform.face_reading import FaceReading, gap_share
from reggan_plugin.perform.neutral_moment import counted_from
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

LANDMARKER_PAGE = "https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker"
MOST_FACES = 4
_LONGEST_SHOWN = 80
_SHAPES_FILE, _POINTS_FILE = "face_blendshapes.tflite", "face_landmarks_detector.tflite"
_LIPS_UPPER = [191, 80, 81, 82, 13, 312, 311, 310, 415]
_LIPS_LOWER = [95, 88, 178, 87, 14, 317, 402, 318, 324]
_LIPS_CORNERS = (78, 308)
_LIDS = {
    "left": ([466, 388, 387, 386, 385, 384, 398], [249, 390, 373, 374, 380, 381, 382], (263, 362)),
    "right": ([246, 161, 160, 159, 158, 157, 173], [7, 163, 144, 145, 153, 154, 155], (33, 133)),
}
"""Upper and lower points in pairs, and the corners."""


class MediaPipeReader:
    """Reads faces by MediaPipe's face landmarker.

    Args:
        task: the model file.

    Raises:
        ModelError: the file is none, or an old one without blendshapes.
        MissingExtraError: MediaPipe is not installed, or lacks a library of the system.
    """

    def __init__(self, task: Path) -> None:
        check_task(task)
        self.name = "MediaPipe"
        self._child = talk_apart(f"{__name__}:landmarker_faces", str(task), file=task)
        with needs_extra("Reading a performance of a person", "perform"):
            next(self._child)

    def read(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[FaceReading]:
        """See `FaceReader.read`."""
        height, width = picture.shape[:2]
        found = self._child.send(np.ascontiguousarray(picture))
        return [
            reading_from_points(
                np.asarray(face["points"]) * np.array([width, height, width]),
                np.asarray(face["weights"]),
                np.asarray(face["matrix"]),
            )
            for face in found
        ]

    def beyond_rest(
        self, faces: Sequence[FaceReading], rest: Sequence[FaceReading]
    ) -> Float[np.ndarray, "faces shapes"]:
        """See `FaceReader.beyond_rest`."""
        at_rest = np.median([one.weights for one in rest], axis=0)
        return counted_from(np.array([one.weights for one in faces]), at_rest)

    def close(self) -> None:
        """End the child."""
        self._child.close()


def check_task(task: Path) -> None:
    """Refuse a file that is no face landmarker with blendshapes, before MediaPipe is started.

    Raises:
        ModelError: it is none.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(read_regular(task, MOST_LANDMARKER_BYTES))) as bundle:
            names = set(bundle.namelist())
    except (OSError, ValueError, NotImplementedError, struct.error, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{task} is no task file of MediaPipe: {error}. Expected face_landmarker.task of "
            f"{LANDMARKER_PAGE}.",
            kind="landmarker",
        ) from error
    if _POINTS_FILE not in names:
        some = ", ".join(name[:_LONGEST_SHOWN] for name in sorted(names)[:4]) or "nothing"
        raise ModelError(
            f"{task} is a task of another kind: it holds {some}. "
            f"Expected face_landmarker.task of {LANDMARKER_PAGE}.",
            kind="landmarker",
        )
    if _SHAPES_FILE not in names:
        raise ModelError(
            f"{task} is an old face landmarker: it holds no {_SHAPES_FILE}, so that it finds "
            f"points and no expression. Expected the one with blendshapes, of {LANDMARKER_PAGE}.",
            kind="landmarker",
        )


def reading_from_points(
    points: Float[np.ndarray, "points 3"],
    weights: Float[np.ndarray, " shapes"],
    matrix: Float[np.ndarray, "4 4"],
) -> FaceReading:
    """Return a reading of what the landmarker answers.

    Args:
        points: in pixels, y down.
        weights: of `ARKIT_SHAPES`.
        matrix: from the canonical face to the camera's space, y up, z towards the camera.
    """
    turn = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    ahead = turn[:, 2]
    flat = points[:, :2]
    return FaceReading(
        weights=weights,
        turn_deg=np.degrees(
            [
                np.arctan2(ahead[0], ahead[2]),
                np.arcsin(np.clip(ahead[1], -1, 1)),
                np.arctan2(turn[1, 0], turn[0, 0]),
            ]
        ),
        lips_gap=gap_share(flat, _LIPS_UPPER, _LIPS_LOWER, _LIPS_CORNERS),
        lids_gap=np.array([gap_share(flat, *_LIDS[side]) for side in ("left", "right")]),
        points=flat,
    )


def landmarker_faces(task: str) -> Generator[Any, Any, None]:
    """Yield the faces of each picture that is sent; called in a child.

    Raises:
        MissingExtraError: MediaPipe does not load.
        ModelError: it cannot open the model.
    """
    with needs_extra("Reading a performance of a person", "perform"):
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    try:
        landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=task),
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
                num_faces=MOST_FACES,
            )
        )
    except (RuntimeError, ValueError, OSError) as error:
        first, _, _ = str(error).partition("\n")
        raise ModelError(
            f"{task} cannot be opened by MediaPipe {mediapipe.__version__}: "
            f"{first[:200]}. Take face_landmarker.task of {LANDMARKER_PAGE}.",
            kind="landmarker",
        ) from error
    faces: list[dict[str, Any]] = []
    with suppress(GeneratorExit):
        while True:
            picture = yield faces
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
            found = landmarker.detect(image)
            faces = [
                {
                    "points": np.array([(point.x, point.y, point.z) for point in points]),
                    "weights": _weights(shapes),
                    "matrix": np.asarray(matrix, dtype=float),
                }
                for points, shapes, matrix in zip(
                    found.face_landmarks,
                    found.face_blendshapes,
                    found.facial_transformation_matrixes,
                    strict=True,
                )
            ]
    landmarker.close()


def _weights(shapes: Any) -> Float[np.ndarray, " shapes"]:
    """Return scores in the order of `ARKIT_SHAPES`; its names are ARKit's."""
    scores = {shape.category_name: float(shape.score) for shape in shapes}
    return np.array([scores.get(name, 0.0) for name in ARKIT_SHAPES])
