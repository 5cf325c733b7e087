"""A camera without distortion, and windows into its picture."""

from dataclasses import dataclass, replace

import numpy as np

from reggan_plugin.array_types import Float

DISTANCE_IN_FACES = 12.0
"""From the camera to the face, in distances of its eyes: the middle of the training pictures'."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A pinhole camera and the square picture that it takes.

    Picture coordinates are continuous pixels from the upper left corner.
    """

    eye: Float[np.ndarray, "3"]
    axes: Float[np.ndarray, "3 3"]
    """Rows: to the right, up, and back from what is seen to the camera."""
    focal_px: float
    centre_px: tuple[float, float]
    """Point where the optical axis meets the picture: x, y."""
    side_px: int

    def project(
        self, points: Float[np.ndarray, "points 3"]
    ) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, " points"]]:
        """Project points to the picture: their places, and their depth along the optical axis."""
        local = (points - self.eye) @ self.axes.T
        depth = -local[:, 2]
        scale = self.focal_px / np.where(depth > 0, depth, np.nan)
        x = local[:, 0] * scale + self.centre_px[0]
        y = -local[:, 1] * scale + self.centre_px[1]
        return np.stack([x, y], axis=1), depth

    def directions(self, places: Float[np.ndarray, "places 2"]) -> Float[np.ndarray, "places 3"]:
        """From the camera through places of the picture; 1 long along the optical axis."""
        across = (places[:, :1] - self.centre_px[0]) / self.focal_px
        down = (places[:, 1:] - self.centre_px[1]) / self.focal_px
        return across * self.axes[0] - down * self.axes[1] - self.axes[2]

    def pixel_centres(self) -> Float[np.ndarray, "pixels 2"]:
        """x, y of every pixel, row by row."""
        y, x = np.mgrid[: self.side_px, : self.side_px] + 0.5
        return np.stack([x.ravel(), y.ravel()], axis=1)

    def window(self, left: float, top: float, extent: float, side_px: int) -> "View":
        """Return a square of this picture, taken by the same camera at `side_px` a side."""
        zoom = side_px / extent
        x, y = self.centre_px
        return replace(
            self,
            focal_px=self.focal_px * zoom,
            centre_px=((x - left) * zoom, (y - top) * zoom),
            side_px=side_px,
        )


def look_at(
    target: Float[np.ndarray, "3"],
    towards: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
    *,
    distance: float,
    extent: float,
    side_px: int,
) -> View:
    """Return a camera that stands `distance` from a target and frames `extent` around it.

    Args:
        target: in the middle of the picture.
        towards: from the target to the camera; any length.
        up: roughly up in the picture.
        distance: between the two.
        extent: what the picture's side measures at the target.
        side_px: of the picture.
    """
    back = towards / np.linalg.norm(towards)
    right = np.cross(up, back)
    right = right / np.linalg.norm(right)
    return View(
        eye=target + distance * back,
        axes=np.stack([right, np.cross(back, right), back]),
        focal_px=side_px * distance / extent,
        centre_px=(side_px / 2, side_px / 2),
        side_px=side_px,
    )
