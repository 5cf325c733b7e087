"""Our own reader, for rendered characters: the landmarks of the default model say what is shown."""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float, Pixels, UInt8
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.faces.landmarks_and_pose import (
    LANDMARK_NAMES,
    FaceLandmarks,
    head_pose_from_landmarks,
)
from reggan_plugin.imaging.crop import FaceCrop, cut_crop
from reggan_plugin.models.model_card import card_from_metadata, find_model
from reggan_plugin.perform.face_reading import FaceReading, gap_share
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, eye_rows, rows_of
from reggan_plugin.rig.face_reader import weights_beyond, weights_worn
from reggan_plugin.rig.rig_model import RigSource

_CHIN = 7
"""Of the landmarks of the jaw the one in the middle."""
_ALL = FaceChoice(which="all")


class CharacterReader:
    """Reads faces by the landmarks that the default model finds; needs nothing else.

    Args:
        device: on which the model runs.
    """

    def __init__(self, device: str = "auto") -> None:
        self.name = "reggan-plugin"
        path = find_model(None)
        runner = open_runner(path, device)
        card = card_from_metadata(runner.metadata, str(path))
        self._source = RigSource(runner, card)
        self._finder = FaceFinder(card.canonical_points, self._source.side_px)

    def read(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[FaceReading]:
        """See `FaceReader.read`."""
        shown = picture.astype(np.float32) / np.float32(255)
        return [self._of(shown, crop) for crop in self._finder.find(shown, _ALL)]

    def beyond_rest(
        self, faces: Sequence[FaceReading], rest: Sequence[FaceReading]
    ) -> Float[np.ndarray, "faces shapes"]:
        """See `FaceReader.beyond_rest`."""
        at_rest = np.median([one.points for one in rest], axis=0)
        return np.array([weights_beyond(one.points, at_rest) for one in faces])

    def close(self) -> None:
        """See `FaceReader.close`; nothing is held."""

    def _of(self, shown: Pixels, crop: FaceCrop) -> FaceReading:
        found = self._source.landmarks(np.clip(cut_crop(shown, crop), 0, 1))
        return reading_from_places(crop.place(found.places * self._source.side_px))


def reading_from_places(places: Float[np.ndarray, "points 2"]) -> FaceReading:
    """Return a reading of dense landmarks, which are in pixels, y down."""
    six = {
        "left_eye": places[eye_rows("left")].mean(axis=0),
        "right_eye": places[eye_rows("right")].mean(axis=0),
        "nose_tip": places[rows_of("nose")[0]],
        "mouth_left": places[rows_of("lip_outer_upper")[-1]],
        "mouth_right": places[rows_of("lip_outer_upper")[0]],
        "chin": places[rows_of("jaw")[_CHIN]],
    }
    pose = head_pose_from_landmarks(FaceLandmarks(np.array([six[n] for n in LANDMARK_NAMES])))
    across = six["left_eye"] - six["right_eye"]
    lids = []
    for side in ("left", "right"):
        upper = rows_of("lid_upper", side)
        lower = rows_of("lid_lower", side)[::-1].tolist()
        lids.append(gap_share(places, upper[1:-1].tolist(), lower, (upper[0], upper[-1])))
    inner = rows_of("lip_inner_upper")
    return FaceReading(
        weights=weights_worn(places),
        turn_deg=np.array(
            [pose.yaw_deg, pose.pitch_deg, -np.degrees(np.arctan2(across[1], across[0]))]
        ),
        lips_gap=gap_share(
            places, LIP_PAIRS[0].tolist(), LIP_PAIRS[1].tolist(), (inner[0], inner[-1])
        ),
        lids_gap=np.array(lids),
        points=places,
    )
