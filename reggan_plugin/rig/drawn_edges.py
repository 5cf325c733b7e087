"""Skin that the mesh itself draws, along edges where no plane of cells can follow its motion."""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.change.answer import Painter
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.imaging.crop import CroppedFace
from reggan_plugin.kernels.pixel_values import blended, blur, run_on
from reggan_plugin.kernels.sampling import block_means, sampled
from reggan_plugin.kernels.shapes import find_edges
from reggan_plugin.rig.eyes import Opening
from reggan_plugin.rig.raster import (
    WHOLE,
    MeshRaster,
    Window,
    extended,
    grown,
    line_of,
    mask_of,
    nearest_of,
    put_rows,
    rasterise,
    scale_channels,
    square_around,
    window_places,
)
from reggan_plugin.rig.template_fit import Template

_CORNER = 0.05
"""Eye distances from a corner inwards over which both edges become one skin."""
_LOST = 0.1
"""Share of a pixel that was open, or the line of shut lips, from which on skin stands in for it."""
_GAMMA = np.float32(2.2)
"""Of the curve that encodes light, nearly."""
_DRAWN_OVER = 4.0
"""Of a dark line's thickness: from so far a lip is drawn over it, half as wide at its edge."""
_BEHIND = 0.1
"""Depth, in the spread of the template's, from which on a surface lies behind another."""
_APART = 0.02
"""Eye distances that neighbours move apart where one passes before the other."""
_BESIDE = 0.08
"""Eye distances around eyes and mouth in which no such edge is looked for."""
_FEWEST = 8
"""Pixels of such an edge from which on it is drawn."""
_MOST_PX = 1024
"""On a side of an edge's window."""
_TORN = 1.7
"""Pixels of the source between neighbours in the result from which on an edge is between them. With
3 it has steps (test's roughness 0.19 for 0.12), with 0 beards are blurred along it."""
_CHIN = slice(4, 11)
"""Landmarks of the jaw below which a neck comes out."""
_RISES, _MOVED = 0.08, 0.01
"""Eye distances by which a chin has to rise, more than its landmarks are off, for its old place to
be painted over; and by which skin moves that shows nothing of the neck."""
_AROUND, _SOFT, _ENDS, _NEAR = 0.08, 0.03, 0.15, 0.2
"""Eye distances: around the old chin, whose edge is mixed of both; over which paint fades, below
and towards the ends of the chin; and in which what lies beside the head is uncovered, too."""
_SHADE, _SHADE_REACH, _SHADE_SOFT = 0.12, 0.10, 0.01
"""Share of light that a chin takes from the neck at its edge, and how far down; blur of the edge
before a neck. Eye distances; by eye."""
_SURELY = 0.95
"""Share of the head from which on nothing else is mixed into a pixel."""


Sheets = tuple[Int[np.ndarray, " upper"], Int[np.ndarray, " lower"], Int[np.ndarray, " spanning"]]
"""Rows of triangles above an opening, below it, and of those that span it."""


@frozen(eq=False)
class Drawn:
    """A mesh that draws a picture elsewhere.

    Attributes:
        template: whose triangles are drawn.
        picture: the face.
        here: places of the vertices in the picture, in parts of its side; z towards the viewer.
        there: in the result.
        eye: an eye distance in parts of the crop's side.
    """

    template: Template
    picture: CroppedFace
    here: Float[np.ndarray, "vertices 3"]
    there: Float[np.ndarray, "vertices 3"]
    eye: float

    def opening(
        self,
        opening: Opening,
        triangles: Sheets,
        seam: float,
        gain: Float[np.ndarray, "cells cells 1"] | None = None,
    ) -> Painter:
        """Paint what opens, and the skin along its edge.

        Args:
            opening: what is seen, and where.
            triangles: rows of those of the skin above it, below it, and of those that span it.
            seam: half the width of the skin along the edge, in parts of the crop's side.
            gain: logarithm of the factor on its light; None leaves it.
        """
        side_px = len(opening.open)
        left, top, right, _ = opening.window
        scale = np.float32(side_px / (right - left))
        middle = (opening.middle - np.array([left, top])) * scale
        columns = np.arange(side_px) + 0.5
        line = np.interp(columns, middle[:, 0], middle[:, 1])
        below = np.arange(side_px)[:, None] + 0.5 - line[None]
        above = np.clip(0.5 - below / np.hypot(1, np.gradient(line)), 0, 1).astype(np.float32)
        was_corner = np.array(opening.was_window[:2], np.float32)
        was_scale = np.float32(
            len(opening.was_open) / (opening.was_window[2] - opening.was_window[0])
        )
        skins, losses = [], []
        both, known = np.zeros((side_px**2, 3), np.float32), np.zeros(side_px**2, np.float32)
        shown = np.zeros(side_px**2, np.int8)
        # each edge by itself: where they touch, whichever is nearer would tear the other
        sheets = [self._raster(opening.window, side_px, rows=rows) for rows in triangles]
        for number, (raster, is_seen) in enumerate(zip(sheets, nearest_of(sheets), strict=True)):
            places = raster.mixed_where_hit(self.here[:, :2], self.template.triangles)
            was_open = sampled(opening.was_open[..., None], (places - was_corner) * was_scale)
            lost = np.clip(2 * was_open[:, 0], 0, 1)
            left = 1 - lost
            if number < 2 and opening.was_lost is not None:
                at = (np.arange(len(opening.was_open)) + 0.5) / was_scale + was_corner[0]
                edge, thick = (
                    np.interp(places[:, 0], at, line) for line in opening.was_lost[:, number]
                )
                thick += (-1e-6, 1e-6)[number]  # where nothing is lost, too
                away = (places[:, 1] - edge) / (_DRAWN_OVER * thick)
                shift = (thick * np.clip(1 - away, 0, 2) ** 2).astype(np.float32)
                places[:, 1] += shift
                lost, left = np.maximum(lost, np.abs(shift) * scale), np.ones_like(left)
            losses.append(raster.plane(lost))
            colours = self.picture.at(places)
            scale_channels(colours, left)
            seen = np.flatnonzero(is_seen)
            there = raster.pixels[seen]
            put_rows(both, there, colours.take(seen, axis=0))
            known[there] = left[seen]
            shown[there] = number
            if number < 2:
                skins.append(run_on(raster.plane(colours), raster.plane(left)))
        square = side_px, side_px
        one = run_on(both.reshape(*square, 3), known.reshape(square))
        borders = _borders(shown.reshape(*square, 1))
        skins.append(_softened(one, np.ones(square, bool), borders))
        apart = blended(skins[1], skins[0], above)
        inwards = np.minimum(columns - middle[0, 0], middle[-1, 0] - columns)
        share = np.clip(inwards / (_CORNER * self.eye * scale), 0, 1)
        skin = blended(skins[2], apart, np.broadcast_to(share, square))
        if gain is not None:
            at = window_places(opening.window, side_px).astype(np.float32)
            light = np.exp(sampled(gain, at * np.float32(len(gain))) / _GAMMA)
            scale_channels(skin, light[..., 0])
        share = opening.open
        if opening.soft:
            share = blur(share, opening.soft * self.eye * float(scale))
        paint = blended(skin, opening.inside, share)
        band = line_of(opening.edge, 2 * seam, opening.window, side_px)
        # where motion ends within a cell, paint stands in for it
        still = grown(opening.still > 0.5, -seam * float(scale))
        lost = np.maximum(np.where(above > 0.5, *losses[:2]), losses[2])
        # beside round corners lies what the mesh opens and nothing shows
        hit = np.logical_or.reduce([raster.is_hit for raster in sheets])
        lost[~hit & grown(opening.open > 0, _CORNER * self.eye * float(scale))] = 1
        lost = grown(lost > _LOST, 1).astype(np.float32)
        cover = np.maximum.reduce([opening.open, band, blur(lost, 1.0)]) * ~still
        return _painter(opening.window, opening.share * cover, paint)

    def uncovered(
        self,
        coarse: MeshRaster,
        places: Float[np.ndarray, "hits 3"],
        head: Float[np.ndarray, "head_cells head_cells"] | None,
        jaw: Float[np.ndarray, "points 2"],
    ) -> tuple[Bool[np.ndarray, " hits"], Bool[np.ndarray, "height width"], Painter | None]:
        """Find the neck that comes out as a chin rises before it, and paint it.

        Nothing in the picture shows it: neck and backdrop around the old chin go on over it, with
        a little of the chin's shadow.

        Args:
            coarse: the mesh in the result, drawn over the whole crop.
            places: where the surface of each of its hits is in the picture.
            head: share of the head in the picture; None if all is head.
            jaw: its landmarks in the result, from ear to ear.

        Returns:
            Hits whose surface was hidden, the pixels that are painted, and their painter; None
            where hardly any are.
        """
        side, triangles = coarse.shape[0], self.template.triangles
        eye_px = self.eye * side
        source = rasterise(self.here * side, triangles, side, side)
        moved = np.linalg.norm(self.there[:, :2] - self.here[:, :2], axis=1)
        values = source.mixed(np.column_stack([self.here[:, 2], moved]), triangles)
        nearest = sampled(values[..., :1], places[:, :2] * np.float32(side))[:, 0]
        hidden = nearest - places[:, 2] > fold_depth(self.here)
        # eye distances below the chin's new edge, and inwards from its ends
        along = (np.arange(side) + 0.5) / side
        chin = jaw[_CHIN]
        under = (
            along[:, None] - np.interp(along, chin[:, 0], chin[:, 1], left=2, right=2)
        ) / self.eye
        inwards = np.minimum(along - chin[:, 0].min(), chin[:, 0].max() - along) / self.eye
        rises = (values[..., 1] > _RISES * self.eye) & (under > 0)
        bare = coarse.plane(hidden) & rises
        if bare.sum() < _FEWEST:
            return hidden, np.zeros_like(bare), None
        bare |= ~coarse.is_hit & rises & grown(bare, _NEAR * eye_px)
        bare |= grown(bare, _AROUND * eye_px) & (under > 0)
        soft = blur(grown(bare, 1).astype(np.float32), _SOFT * eye_px)
        soft = np.clip(1.5 * soft, 0, 1) * np.clip(inwards / _ENDS, 0, 1) * grown(under > 0, 1)
        shade = np.where(under > 0, _SHADE * np.exp(-under.clip(0) / _SHADE_REACH), 0)
        old_chin = grown(values[..., 1] > _MOVED * self.eye, _AROUND * eye_px)
        rows, columns = np.nonzero(bare)
        window = square_around(np.stack([columns, rows], axis=1) / side, _NEAR * self.eye)
        size = window[2] - window[0]
        side_px = int(np.clip(round(size * self.picture.side_px), 64, _MOST_PX))
        at = window_places(window, side_px).astype(np.float32)
        planes = np.stack([(under > 0) & ~old_chin, soft, shade], axis=2).astype(np.float32)
        known, cover, dark = np.moveaxis(sampled(planes, at * np.float32(side)), 2, 0)
        known = (known == 1).astype(np.float32)
        share = np.ones_like(at[..., :1])
        if head is not None:
            share = sampled(head[..., None], at * np.float32(len(head)))
        share = extended(share, known)
        colours = self.picture.at(at)
        neck, beside = (
            extended(colours, known * mask[..., 0])
            for mask in (share > _SURELY, share < 1 - _SURELY)
        )
        neck *= 1 - dark[..., None]
        paint = beside + np.clip(3 * share - 0.5, 0, 1) * (neck - beside)
        return hidden, grown(bare, -2), _painter(window, cover, paint)

    def shadow_of_chin(
        self,
        coarse: MeshRaster,
        depth: Float[np.ndarray, " hits"],
        drop: float,
        jaw: Float[np.ndarray, "points 3"],
        cells: int,
    ) -> Float[np.ndarray, "cells cells 1"]:
        """How light on the neck changes under a chin that drops before it: the logarithm.

        The shadow that the chin had at rest is now behind it.

        Args:
            coarse: the mesh in the result, drawn over the whole crop.
            depth: of the surface at each of its hits.
            drop: of the chin, in parts of the crop's side; at most 0 if it does not.
            jaw: its landmarks in the result, from ear to ear.
            cells: of the plane.
        """
        share = np.clip(drop / (_RISES * self.eye), 0, 1)
        if not share:
            return np.zeros((cells, cells, 1), np.float32)
        side, chin = coarse.shape[0], jaw[_CHIN]
        along = (np.arange(side) + 0.5) / side
        edge = np.interp(along, chin[:, 0], chin[:, 1], left=2, right=2)
        inwards = np.minimum(along - chin[:, 0].min(), chin[:, 0].max() - along) / self.eye
        behind = depth < chin[:, 2].min() - fold_depth(self.there)
        rows, columns = np.divmod(coarse.pixels[behind], side)
        under = (along[rows] - edge[columns]) / self.eye
        deep = (under > -_NEAR) * np.exp(-under.clip(0) / _SHADE_REACH)
        shade = np.zeros((side, side), np.float32)
        shade[rows, columns] = deep * np.clip(inwards / _ENDS, 0, 1)[columns]
        shade = blur(shade, _SHADE_SOFT * self.eye * side)
        return np.log1p(-_SHADE * np.float32(share) * block_means(shade[..., None], side // cells))

    def edge_before(
        self,
        coarse: MeshRaster,
        motion: Float[np.ndarray, "hits more_channels"],
        depth: Float[np.ndarray, " hits"],
        shown: Float[np.ndarray, "height width"],
        bare: Bool[np.ndarray, "height width"],
        moves: Float[np.ndarray, "cells cells"],
        gain: Float[np.ndarray, "cells cells 1"],
        head: Float[np.ndarray, "head_cells head_cells"] | None,
        openings: Sequence[Opening],
        seam: float,
    ) -> Painter | None:
        """Paint the edge of skin that passes before other skin, as a chin before the neck.

        Args:
            coarse: the mesh in the result, drawn over the whole crop.
            motion: of the surface at each of its hits, in the first two channels.
            depth: likewise.
            shown: 1 where the picture shows the surface of a pixel of it.
            bare: what `uncovered` has painted.
            moves: share of its motion that skin has, which ends beside hair.
            gain: the answer's.
            head: share of the head in the picture; None if all is head.
            openings: of eyes and mouth.
            seam: half the width of the painted band, in parts of the crop's side.
        """
        least = _APART * self.eye, fold_depth(self.there)
        jumps = coarse.plane(find_edges(motion, depth, coarse.pixels, coarse.shape[1], *least))
        jumps &= (shown > 0) & ~bare
        for opening in openings:  # which have painters of their own
            near = mask_of(opening.edge, WHOLE, len(jumps)) > 0
            jumps &= ~grown(near, _BESIDE * self.eye * len(jumps))
        if jumps.sum() < _FEWEST:
            return None
        side = float(len(jumps))
        rows, columns = np.nonzero(jumps)
        window = square_around(np.stack([columns, rows], axis=1) / side, 4 * seam)
        band = blur(grown(jumps, seam * side) * shown, seam * side / 3)
        size = window[2] - window[0]
        side_px = int(np.clip(round(size * self.picture.side_px), 64, _MOST_PX))
        at = window_places(window, side_px).astype(np.float32)
        cover = sampled(band[..., None], at * np.float32(side))[..., 0]
        raster = self._raster(window, side_px, within=grown(cover > 0, 2))
        cover *= raster.is_hit
        drawn = np.nonzero(grown(cover > 0, 2))  # paint reaches further than it is shown
        source = raster.mixed(self.here[:, :2], self.template.triangles)[drawn]
        source[~raster.is_hit[drawn]] = at[drawn][~raster.is_hit[drawn]]
        light = np.concatenate([gain, moves[..., None]], axis=2)
        light = sampled(light, at[drawn] * np.float32(len(light)))
        source = at[drawn] + light[:, 1:] * (source - at[drawn])
        factor = np.exp(light[:, :1])
        if head is not None:  # what lies beside it stays there
            share = sampled(head[..., None], source * np.float32(len(head)))[:, 0]
            cover[drawn] *= np.clip(2 * (share - 0.5) / (_SURELY - 0.5) - 1, 0, 1)
        paint = np.zeros((side_px, side_px, 3), np.float32)
        paint[drawn] = srgb_from_linear(linear_from_srgb(self.picture.at(source)) * factor)
        shows = at.copy()
        shows[drawn] = source
        torn = _borders(shows, _TORN * size / side_px)
        return _painter(window, cover, _softened(paint, cover > 0, torn & (cover > 0)))

    def _raster(
        self,
        window: Window,
        side_px: int,
        *,
        rows: Int[np.ndarray, " some"] | None = None,
        within: Bool[np.ndarray, "side side"] | None = None,
    ) -> MeshRaster:
        """Draw the mesh in the result, seen through a window; the rest as `rasterise`."""
        left, top, right, _ = window
        corner = np.array([left, top, 0.0], np.float32)
        scale = np.float32(side_px / (right - left))
        places = (self.there - corner) * scale
        return rasterise(
            places, self.template.triangles, side_px, side_px, rows=rows, within=within
        )


def fold_depth(points: Float[np.ndarray, "vertices 3"]) -> float:
    """Depth from which on two surfaces of a mesh are not those of one fold."""
    return _BEHIND * float(np.sqrt((points[:, 2] ** 2).mean()))


def _borders(
    values: Float[np.ndarray, "side side channels"] | Int[np.ndarray, "side side channels"],
    least: float = 0,
) -> Bool[np.ndarray, "side side"]:
    """Pixels beside one whose values differ by more than so much."""
    borders = np.zeros(values.shape[:2], bool)
    for ours, theirs in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = np.logical_or.reduce(  # several times as fast as any(axis=2)
            [np.abs(plane[ours] - plane[theirs]) > least for plane in np.moveaxis(values, 2, 0)]
        )
        borders[ours] |= differ
        borders[theirs] |= differ
    return borders


def _softened(
    paint: Float[np.ndarray, "side side 3"],
    known: Bool[np.ndarray, "side side"],
    where: Bool[np.ndarray, "side side"],
) -> Float[np.ndarray, "side side 3"]:
    """Mix pixels with their known neighbours: the edges of triangles are hard."""
    side = len(known)
    inner = np.zeros_like(known)
    inner[1:-1, 1:-1] = where[1:-1, 1:-1]
    middle = np.flatnonzero(inner)
    flat, is_known = paint.reshape(-1, 3), known.ravel()
    total, count = np.zeros((len(middle), 3), np.float32), np.zeros((len(middle), 1), np.float32)
    for down, across in np.ndindex(3, 3):
        weight = np.float32((2, 1)[down != 1] * (2, 1)[across != 1])
        beside = middle + ((down - 1) * side + across - 1)
        share = weight * is_known.take(beside)[:, None]
        total += share * flat.take(beside, axis=0)
        count += share
    softened = paint.copy()
    softened.reshape(-1, 3)[middle] = total / np.maximum(count, 1)
    return softened


def _painter(
    window: Window, cover: Float[np.ndarray, "side side"], paint: Float[np.ndarray, "side side 3"]
) -> Painter:
    """Make a painter whose cover ends before the border of its window."""
    along = np.clip(np.minimum(np.arange(len(cover)), np.arange(len(cover))[::-1]) / 2.0, 0, 1)
    inside = np.minimum(along[:, None], along).astype(np.float32)
    return Painter(
        window=window,
        cover=np.minimum(cover, inside)[..., None],
        paint=np.clip(paint, 0, 1).astype(np.float32),
    )
