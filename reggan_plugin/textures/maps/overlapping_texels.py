"""The change of texels, each of which may lie on two places of the surface."""

from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.textures.character import corner_values
from reggan_plugin.textures.maps.uv_layout import Block, UvLayout
from reggan_plugin.textures.views.ray_scene import Hits
from reggan_plugin.textures.views.stage import Stage
from reggan_plugin.textures.views.turned_away_or_folded import FOLD, SAME_PLACE
from reggan_plugin.textures.views.view_change import SurfaceChange

_SAME_FOLD = 3 * FOLD
"""Two places on one texel that are no farther apart are in one fold."""
_TEXELS_AT_ONCE = 1 << 18
"""Bounds the memory of the search for a texel's place: about 100 MB."""


@dataclass(kw_only=True)
class Tally:
    """Counts of texels by outcome."""

    changed: int = 0
    mirrored: int = 0
    """Changed texels that the view shows in two places, once turned over."""
    overlapping: int = 0
    """Changed texels that the view shows in two places, alike."""
    shared: int = 0
    """Of `sampled` changed texels, those that also lie where no view sees them."""
    sampled: int = 0


class TexelChange:
    """Finds the change of texels; `mirrored` says which of the mesh's triangles are turned over."""

    def __init__(
        self,
        stage: Stage,
        surface: SurfaceChange,
        eye: Float[np.ndarray, "3"],
        mirrored: Bool[np.ndarray, " faces"],
    ) -> None:
        """Ask `surface`, seen from `eye`, and count in a new tally."""
        self._stage, self._surface, self._eye = stage, surface, eye
        self._mirrored = mirrored
        self.tally = Tally()

    def of(
        self, layout: UvLayout, texels: Int[np.ndarray, "texels 2"], counted: Block
    ) -> tuple[Float[np.ndarray, "texels 3"], Bool[np.ndarray, " texels"]]:
        """Change of the shown colours of texels, and which of them lie on the surface.

        Only those in `counted` count for the tally.
        """
        change = np.zeros((len(texels), 3), np.float32)
        on_surface = np.zeros(len(texels), dtype=np.bool_)
        for start in range(0, len(texels), _TEXELS_AT_ONCE):
            part = slice(start, start + _TEXELS_AT_ONCE)
            first = layout.first(texels[part])
            on_surface[part] = first.face >= 0
            counts = counted.holds(texels[part])
            change[part] = self._with_second_layer(first, layout, texels[part], counts)
        return change, on_surface

    def _with_second_layer(
        self,
        first: Hits,
        layout: UvLayout,
        texels: Int[np.ndarray, "texels 2"],
        counts: Bool[np.ndarray, " texels"],
    ) -> Float[np.ndarray, "texels 3"]:
        """Weighted change; where two places share a texel, a mean that both can wear.

        A fold does not count there, as its paint would show at the other place, unless that is
        hidden in the same fold.
        """
        change, weight, in_fold = self._surface.at(first)
        found = np.flatnonzero(first.face >= 0)
        last = layout.last(texels[found])
        two = np.flatnonzero((last.face != first.face[found]) & (last.face >= 0))
        if two.size:
            doubled = found[two]
            below = Hits(
                face=last.face[two], weights=last.weights[two], distance=last.distance[two]
            )
            second, other, other_in_fold = self._surface.at(below)
            apart = self._distance(first, doubled, below)
            seen = np.stack([weight[doubled] * ~in_fold[doubled], other * ~other_in_fold])
            hidden = np.where(apart < _SAME_FOLD, np.stack([weight[doubled], other]), 0)
            share = np.where(seen.any(axis=0), seen, hidden)
            both = np.maximum(share.sum(axis=0), 1e-9)[:, None]
            mean = share[0][:, None] * change[doubled] + share[1][:, None] * second
            turned = self._mirrored[below.face] != self._mirrored[first.face[doubled]]
            shown_twice = (seen > 0).all(axis=0) & (apart > 4 * SAME_PLACE) & counts[doubled]
            self.tally.mirrored += int((turned & shown_twice).sum())
            self.tally.overlapping += int((~turned & shown_twice).sum())
            change[doubled], weight[doubled] = mean / both, share.max(axis=0)
        self.tally.changed += int(((weight > 0) & counts).sum())
        return weight[:, None] * change

    def _distance(
        self, first: Hits, rows: Int[np.ndarray, " found"], last: Hits
    ) -> Float[np.ndarray, " found"]:
        """Between the two places on which texels lie, in parts of that from the camera."""
        stage = self._stage
        a = corner_values(stage.points, stage.faces, first.face[rows], first.weights[rows])
        b = corner_values(stage.points, stage.faces, last.face, last.weights)
        apart = np.linalg.norm(a - b, axis=1) / np.linalg.norm(self._eye - a, axis=1)
        return np.asarray(apart, np.float32)
