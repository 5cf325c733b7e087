"""A face as a model sees it, and the picture that it was cut from, for what looks closer."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.crop import Region, reduce_by
from reggan_plugin.interpolation import sampled
from reggan_plugin.kernels.bilinear import sample_bilinear


@dataclass(frozen=True, eq=False)
class CroppedFace:
    """A face at a model's size, whose details are read from its picture where they are needed.

    To cut out all of a face at the picture's own resolution takes many times as long, and only
    eyes, mouth and the edges of skin look at that.

    Attributes:
        small: the face as the model sees it, sRGB-encoded, in [0, 1].
        picture: around it, sRGB-encoded; None if it has no more detail.
        crop: where the face lies in the picture, its side as details are to be seen.
        coverage: of the picture, where it is not opaque: what shows nothing is as in `small`.
    """

    small: Float[np.ndarray, "side side 3"]
    picture: Float[np.ndarray, "rows columns 3"] | None = None
    crop: FaceCrop | None = None
    coverage: Float[np.ndarray, "rows columns"] | None = None

    @property
    def side_px(self) -> int:
        """Side of the face as details are to be seen."""
        return len(self.small) if self.crop is None else self.crop.side_px

    @cached_property
    def whole(self) -> Float[np.ndarray, "fine_side fine_side 3"]:
        """All of the face at the size of its details."""
        if self.picture is None or self.crop is None:
            return self.small
        along = (np.arange(self.side_px, dtype=np.float32) + np.float32(0.5)) / self.side_px
        return self.at(np.stack(np.meshgrid(along, along), axis=2))

    def at(self, places: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 3"]:
        """Colours at places (x, y) in parts of the face's side; beyond the border the edge goes on.

        In straight lines between pixels: of the picture, or of averages where it is much finer
        than details are to be seen.
        """
        if self.picture is None or self.crop is None or not places.size:
            return sampled(self.small, places * np.float32(len(self.small)))
        matrix = self.crop.frame_from_crop * [self.crop.side_px, self.crop.side_px, 1.0]
        step = max(1, math.floor(self.crop.scale))
        part, corner = _part_around(places, matrix, self.picture.shape[:2], step)
        matrix = (matrix - np.column_stack([np.zeros((2, 2)), corner])) / step

        def read(values: Float[np.ndarray, "rows columns channels"]) -> np.ndarray:
            fine = values if step == 1 else reduce_by(values, step)
            return sample_bilinear(fine, places, 0.5, matrix)

        colours = read(colour.clipped_values(colour.finite_values(self.picture[part])))
        if self.coverage is None:
            return colours
        share = np.clip(read(colour.finite_values(self.coverage[part])[..., None]), 0, 1)
        if share.min() == 1:
            return colours
        small = sampled(self.small, places * np.float32(len(self.small)))
        return small + share * (colours - small)


def _part_around(
    places: Float[np.ndarray, "*shape 2"],
    matrix: Float[np.ndarray, "2 3"],
    size: tuple[int, int],
    step: int,
) -> tuple[Region, Int[np.ndarray, "2"]]:
    """Return rows and columns of a picture that bilinear samples look at, and their corner (x, y).

    They begin at multiples of a step, so that averages of so many pixels do not depend on them.
    """
    x, y = ((float(axis.min()), float(axis.max())) for axis in (places[..., 0], places[..., 1]))
    ends = np.array([[right, down, 1.0] for right in x for down in y]) @ matrix.T / step
    edges = []
    for axis, length in ((1, size[0]), (0, size[1])):
        low, high = ends[:, axis].min(), ends[:, axis].max()
        first = min(max((math.floor(low) - 1) * step, 0), (length - 1) // step * step)
        edges.append(slice(first, min(max((math.ceil(high) + 1) * step, first + 1), length)))
    return (edges[0], edges[1]), np.array([edges[1].start, edges[0].start])


ShownFace = Float[np.ndarray, "side side 3"] | CroppedFace
"""What a model is shown: a crop, sRGB-encoded, in [0, 1], with or without the picture around it."""


def small_of(face: ShownFace) -> Float[np.ndarray, "side side 3"]:
    """Return the crop itself."""
    return face.small if isinstance(face, CroppedFace) else face
