"""Motion seen in a view, carried out on the map: a texel takes what stood where it moved from."""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.bilinear import sample_bilinear
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.textures.character import corner_values
from reggan_plugin.textures.maps.fine_sampling import sample_finely
from reggan_plugin.textures.maps.texture_map import TextureMap
from reggan_plugin.textures.views.stage import Stage
from reggan_plugin.textures.views.view import View


class SurfaceMover:
    """Moves the texels of one map along the surface, at the map's own resolution."""

    def __init__(
        self, stage: Stage, parts: Sequence[int], texture: TextureMap, *, is_data: bool = False
    ) -> None:
        """Be ready to move the texels of a map that `parts` wear; of data, no picture shows any."""
        self._stage, self._parts, self._texture = stage, list(parts), texture
        self._is_data = is_data

    def difference(
        self,
        view: View,
        picture: Float[np.ndarray, "side side 3"],
        motion: FrameMotion,
        places: Float[np.ndarray, "places 2"],
        uv: Float[np.ndarray, "places 2"],
        standing: Sequence[int] = (),
    ) -> Float[np.ndarray, "places 3"]:
        """Change of the shown colours of texels; 0 where the view does not change.

        A place that comes from another part, such as the lip from the teeth, takes the colour of
        the view's picture, and stays where it is if the map holds data; so does one that comes
        from beside the character.

        Args:
            view: the camera.
            picture: what it shows, sRGB-encoded.
            motion: what becomes of its pixels.
            places: of the texels in the view.
            uv: of the texels.
            standing: parts that keep their place; a place that comes from one stays where it is.
        """
        change = np.zeros((len(places), 3), np.float32)
        moves = np.flatnonzero(between_pixels(motion.weight[..., None], places)[:, 0])
        places, uv = places[moves], uv[moves]
        old = self._colours_at(view, picture, motion, places, uv, standing)
        light = linear_from_srgb(old) * np.exp(between_pixels(motion.log_gain, places))
        change[moves] = _painted(light, motion, places) - sample_finely(self._texture, uv)
        return change

    def paint_difference(
        self,
        motion: FrameMotion,
        places: Float[np.ndarray, "places 2"],
        uv: Float[np.ndarray, "places 2"],
    ) -> Float[np.ndarray, "places 3"]:
        """Change of the shown colours of texels that stay, and take only the paint before them."""
        change = np.zeros((len(places), 3), np.float32)
        covered = np.flatnonzero(between_pixels(motion.cover[..., None], places)[:, 0])
        old = sample_finely(self._texture, uv[covered])
        change[covered] = _painted(linear_from_srgb(old), motion, places[covered]) - old
        return change

    def _colours_at(
        self,
        view: View,
        picture: Float[np.ndarray, "side side 3"],
        motion: FrameMotion,
        places: Float[np.ndarray, "places 2"],
        uv: Float[np.ndarray, "places 2"],
        standing: Sequence[int],
    ) -> Float[np.ndarray, "places 3"]:
        """Shown colours of the surfaces that move to some places."""
        stage = self._stage
        came_from = places + between_pixels(motion.displacement, places)
        came_from = np.clip(came_from, 0.5, view.side_px - 0.5)
        hits = stage.first_seen(view.eye, view.directions(came_from))
        found = np.flatnonzero(hits.face >= 0)
        part = stage.part_of_face[hits.face[found]]
        on_map = np.isin(part, self._parts)
        worn, others = found[on_map], found[~on_map & ~np.isin(part, list(standing))]
        uv = uv.copy()
        uv[worn] = corner_values(stage.uv, stage.faces, hits.face[worn], hits.weights[worn])
        colours = sample_finely(self._texture, uv)
        if not self._is_data:
            colours[others] = between_pixels(picture, came_from[others])
        return colours


def _painted(
    light: Float[np.ndarray, "places 3"],
    motion: FrameMotion,
    places: Float[np.ndarray, "places 2"],
) -> Float[np.ndarray, "places 3"]:
    """Light with the paint over it, sRGB-encoded."""
    cover = between_pixels(motion.cover[..., None], places)
    paint = linear_from_srgb(between_pixels(motion.paint, places))
    return srgb_from_linear(light + cover * (paint - light))


def between_pixels(
    values: Float[np.ndarray, "height width channels"], places: Float[np.ndarray, "places 2"]
) -> Float[np.ndarray, "places channels"]:
    """Values at places (x, y), in straight lines between the centres of pixels."""
    return sample_bilinear(values, places[:, 0] - 0.5, places[:, 1] - 0.5)
