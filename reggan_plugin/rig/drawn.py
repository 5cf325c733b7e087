"""Skin that the mesh itself draws, along edges where no plane of cells can follow its motion."""

from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.change.answer import Painter
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.rig.eyes import Opening
from reggan_plugin.rig.planes import (
    Window,
    blurred,
    extended,
    grown,
    line_of,
    sampled,
    square_around,
    window_places,
)
from reggan_plugin.rig.raster import MeshRaster, rasterise
from reggan_plugin.rig.template import Template

_CORNER = 0.05
"""Eye distances from a corner inwards over which both edges become one skin."""
_BEHIND = 0.1
"""Depth, in the spread of the template's, from which on a surface lies behind another."""
_APART = 0.02
"""Eye distances that neighbours move apart where one passes before the other."""
_FEWEST = 8
"""Pixels of such an edge from which on it is drawn."""
_FINER, _MOST_PX = 2, 1024
"""Pixels of an edge's window per pixel of the picture, and the most on a side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A mesh that draws a picture elsewhere.

    Attributes:
        template: whose triangles are drawn.
        picture: the crop, sRGB-encoded.
        here: places of the vertices in the picture, in parts of its side; z towards the viewer.
        there: in the result.
        eye: an eye distance in parts of the crop's side.
    """

    template: Template
    picture: Float[np.ndarray, "crop crop 3"]
    here: Float[np.ndarray, "vertices 3"]
    there: Float[np.ndarray, "vertices 3"]
    eye: float

    def opening(
        self, opening: Opening, is_upper: Bool[np.ndarray, " vertices"], seam: float
    ) -> Painter:
        """Paint what opens, and the skin along its edge.

        Args:
            opening: what is seen, and where.
            is_upper: vertices of the skin above it.
            seam: half the width of the skin along the edge, in parts of the crop's side.
        """
        side_px = len(opening.open)
        left, top, right, _ = opening.window
        scale = np.float32(side_px / (right - left))
        middle = (opening.middle - np.array([left, top])) * scale
        columns = np.arange(side_px) + 0.5
        line = np.interp(columns, middle[:, 0], middle[:, 1])
        is_above = (np.arange(side_px)[:, None] + 0.5) < line[None]
        triangles = self.template.triangles
        upper = triangles[is_upper[triangles].all(axis=1)]
        lower = triangles[~is_upper[triangles].any(axis=1)]
        skins = []
        # each edge by itself: where they touch, whichever is nearer would tear the other
        for sheet in (upper, lower, triangles):
            raster = self._raster(sheet, opening.window, side_px)
            places = raster.mixed(self.here[:, :2], sheet)
            within = (places - np.array([left, top], np.float32)) * scale
            was_open = sampled(opening.was_open[..., None], within)[..., 0]
            known = raster.is_hit * np.clip(1 - 2 * was_open, 0, 1)
            skins.append(extended(self._sampled(places), known))
        apart = np.where(is_above[..., None], skins[0], skins[1])
        inwards = np.minimum(columns - middle[0, 0], middle[-1, 0] - columns)
        share = np.clip(inwards / (_CORNER * self.eye * scale), 0, 1)[None, :, None]
        skin = skins[2] + share * (apart - skins[2])
        share = opening.open[..., None]
        paint = skin + share * (opening.inside - skin)
        band = line_of(opening.edge, 2 * seam, opening.window, side_px)
        # where motion ends within a cell, paint stands in for it
        still = grown(opening.still > 0.5, -seam * float(scale))
        cover = np.maximum(opening.open, band) * ~still
        return _painter(opening.window, cover, paint)

    def edge_before(
        self,
        coarse: MeshRaster,
        shown: Float[np.ndarray, "height width"],
        gain: Float[np.ndarray, "cells cells 1"],
        seam: float,
    ) -> Painter | None:
        """Paint the edge of skin that passes before other skin, as a chin before the neck.

        Args:
            coarse: the mesh in the result, drawn over the whole crop.
            shown: 1 where the picture shows the surface of a pixel of it.
            gain: the answer's.
            seam: half the width of the painted band, in parts of the crop's side.
        """
        rows, columns = np.nonzero(self._jumps(coarse) & (shown > 0))
        if len(rows) < _FEWEST:
            return None
        places = np.stack([columns, rows], axis=1) / len(coarse.triangle)
        window = square_around(places, 4 * seam)
        size = window[2] - window[0]
        side_px = int(np.clip(round(_FINER * size * len(self.picture)), 64, _MOST_PX))
        raster = self._raster(self.template.triangles, window, side_px)
        width = seam / size * side_px
        at = window_places(window, side_px).astype(np.float32)
        known = raster.is_hit * sampled(shown[..., None], at * np.float32(len(shown)))[..., 0]
        band = blurred(
            grown(self._jumps(raster) & (known > 0.5), width).astype(np.float32), width / 3
        )
        band *= known
        source = raster.mixed(self.here[:, :2], self.template.triangles)
        factor = np.exp(sampled(gain, at * np.float32(len(gain))))
        paint = srgb_from_linear(linear_from_srgb(self._sampled(source)) * factor)
        return _painter(window, band, _softened(extended(paint, known)))

    def _raster(self, triangles: np.ndarray, window: Window, side_px: int) -> MeshRaster:
        """The mesh in the result, seen through a window."""
        left, top, right, _ = window
        corner = np.array([left, top, 0.0], np.float32)
        scale = np.float32(side_px / (right - left))
        return rasterise((self.there - corner) * scale, triangles, side_px, side_px)

    def _sampled(self, places: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 3"]:
        return sampled(self.picture, places * np.float32(len(self.picture)))

    def _jumps(self, raster: MeshRaster) -> Bool[np.ndarray, "height width"]:
        """Pixels beside which a surface begins that lies deeper and moves otherwise."""
        values = np.column_stack([self.here[:, :2] - self.there[:, :2], self.there[:, 2]])
        planes = raster.mixed(values, self.template.triangles)
        found = np.zeros(raster.is_hit.shape, bool)
        for axis in (0, 1):
            step = np.abs(np.diff(planes, axis=axis))
            jumps = is_behind(step[..., 2], self.there)
            jumps &= step[..., :2].max(axis=2) > _APART * self.eye
            jumps &= ~np.diff(raster.is_hit, axis=axis)  # two surfaces, not one and its end
            found[: jumps.shape[0], : jumps.shape[1]] |= jumps
        return found


def is_behind(
    depth: Float[np.ndarray, "height width"], points: Float[np.ndarray, "vertices 3"]
) -> Bool[np.ndarray, "height width"]:
    """Whether a depth between two surfaces of a mesh is more than that of a fold."""
    return depth > _BEHIND * float(np.sqrt((points[:, 2] ** 2).mean()))


def _softened(paint: Float[np.ndarray, "side side 3"]) -> Float[np.ndarray, "side side 3"]:
    """A binomial filter over five pixels: the edges of triangles have none of their own."""
    for _ in range(2):
        for axis in (0, 1):
            first, last = (np.take(paint, [end], axis) for end in (0, -1))
            wide = np.concatenate([first, paint, last], axis=axis)
            before, here, after = (
                np.take(wide, np.arange(start, start + paint.shape[axis]), axis)
                for start in range(3)
            )
            paint = (before + 2 * here + after) / 4
    return paint


def _painter(
    window: Window, cover: Float[np.ndarray, "side side"], paint: Float[np.ndarray, "side side 3"]
) -> Painter:
    """A painter whose cover ends before the border of its window."""
    along = np.clip(np.minimum(np.arange(len(cover)), np.arange(len(cover))[::-1]) / 2.0, 0, 1)
    inside = np.minimum(along[:, None], along).astype(np.float32)
    return Painter(
        window=window,
        cover=np.minimum(cover, inside)[..., None],
        paint=np.clip(paint, 0, 1).astype(np.float32),
    )
