"""The rendered avatar pictures and their landmarks, as arrays in memory."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.faces.landmarks import LANDMARK_NAMES


@dataclass(frozen=True, kw_only=True)
class AvatarPicture:
    """One labelled picture: `points` are continuous pixel coordinates in LANDMARK_NAMES order."""

    style: str
    identity: str
    expression: str
    image: UInt8[np.ndarray, "height width 3"]
    points: Float[np.ndarray, "6 2"]


def load_avatars(folder: Path, wanted: Callable[[str], bool]) -> list[AvatarPicture]:
    """Read every picture whose identity (`photo_00012`) is wanted, in a fixed order.

    Raises:
        FileNotFoundError: the folder holds no `landmarks.json`.
    """
    labels_path = folder / "landmarks.json"
    if not labels_path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no landmarks.json; expected a folder of rendered avatars."
        )
    labels = json.loads(labels_path.read_text())
    return list(_read_pictures(folder, labels, wanted))


def _read_pictures(
    folder: Path,
    labels: dict[str, dict[str, dict[str, list[float]]]],
    wanted: Callable[[str], bool],
) -> Iterator[AvatarPicture]:
    for name in sorted(labels):
        if not wanted(name):
            continue
        for expression, points in sorted(labels[name].items()):
            path = folder / expression / f"{name}.jpg"
            image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if image is None:
                raise FileNotFoundError(f"{path} is named in landmarks.json but cannot be read.")
            yield AvatarPicture(
                style=name.partition("_")[0],
                identity=name,
                expression=expression,
                image=np.asarray(image, dtype=np.uint8),
                points=np.array([points[key] for key in LANDMARK_NAMES], dtype=np.float64),
            )
