"""Landmarks of the face in a picture of the user's own head."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.rig.answer import Landmarks
from reggan_plugin.rig.source import RigSource

_SHIFTS = ((0.0, 0.0), (0.02, 0.01), (-0.02, 0.01), (0.0, -0.02))
"""Of crops whose landmarks are averaged, in parts of their side: one alone is off by its grid."""


def landmarks_in(
    picture: Float[np.ndarray, "side side 3"], finder: FaceFinder, source: RigSource
) -> Landmarks | None:
    """Landmarks of the largest face, in parts of the picture's side; None if there is no face."""
    crops = finder.find(picture, FaceChoice())
    if not crops:
        return None
    places, sigma = [], []
    for x, y in _SHIFTS:
        side_px = crops[0].side_px * crops[0].scale
        crop = crops[0].moved(x * side_px, y * side_px)
        found = source.landmarks(np.clip(cut_crop(picture, crop), 0, 1).astype(np.float32))
        places.append(crop.place(found.places * crop.side_px) / len(picture))
        sigma.append(found.sigma * side_px / len(picture))
    return Landmarks(places=np.mean(places, axis=0), sigma=np.mean(sigma, axis=0))
