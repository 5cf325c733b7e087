"""What a refinement learns from: a picture, what the rig is about to do, and what the head does.

The truth is a matter of surface points that the picture shows: where each goes, and how its light
changes when the same point of the same skin is shaded in the other state. So nothing of the state
that is asked for has to be drawn, and its truth has no holes.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reggan_plugin.array_types import CropPixels
from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.rig.refinement import CELLS, RigRequest, source_raster
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.rig.skin_motion import Landmarks, light_change
from reggan_plugin.rig.template_fit import closing_edges, fit, template
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.landmarks.drawn_accessories import SIDE_PX
from reggan_training.landmarks.pictures import (
    NAMED,
    HeadState,
    changed_head,
    face_camera,
    sampled_look,
    without_back,
)
from reggan_training.landmarks.points_on_mesh import DensePoints
from reggan_training.metrics.motion.evaluation import open_exported
from reggan_training.rendering.face_states import Weights, sample_states
from reggan_training.rendering.head_look import HeadLook, linear_from_encoded
from reggan_training.rendering.rasterising import Rasters
from reggan_training.rendering.shading import HeadShader, mixed, project

_SOURCES, _TEST_SOURCES, _REQUESTS = 3, 1, 8
"""Pictures of a head, and expressions that are asked of each."""
_REST: Final = 0.6
"""Share of the sources at rest."""
_SKIN: Final = (Part.SKIN, Part.LASHES, Part.BEARD, Part.BROWS)
_DARK: Final = 1e-3
"""Light from which on a change counts."""
_MOST_LIGHT: Final = 0.7
"""Of the logarithm of a change of light: beyond it highlights come and go."""


@frozen(kw_only=False)
class ExampleDrawing:
    """Draws the rows of a run's shards; see `landmarks.picture_pool.DrawRows`.

    Attributes:
        model: file of contract 3, which finds landmarks in pictures as it does in users' frames.
    """

    model: Path

    def __call__(
        self, head: HeadMesh, found: DensePoints, random: np.random.Generator, is_held_out: bool
    ) -> list[dict[str, np.ndarray]]:
        """Draw a head, and ask for expressions of it.

        Returns:
            Rows: `picture` [cells, cells, 3], sRGB-encoded bytes; `asked` as `RigRequest.planes`;
            `motion` [2, cells, cells], in eye distances, and `light` [1, cells, cells], natural
            logarithm of a factor, of the surface that the picture shows; `known` [cells, cells],
            true where these count.
        """
        head, found = changed_head(head, found, random)
        head = without_back(head)
        return [
            row
            for _ in range(_TEST_SOURCES if is_held_out else _SOURCES)
            for row in _rows_of(head, found, random, _opened(self.model))
        ]


def _rows_of(
    head: HeadMesh, found: DensePoints, random: np.random.Generator, rig: RigSource
) -> list[dict[str, np.ndarray]]:
    """Rows of one picture of a head."""
    drawn = sample_states(random, head.controls, NAMED, single=4)
    source = {} if random.random() < _REST else drawn[1]
    chosen = [drawn[k] for k in 4 + random.permutation(len(drawn) - 4)[:_REQUESTS]]
    targets = [_added(source, request) for request in chosen]
    state = HeadState.before_camera(head, found, source, face_camera(head, random), targets)
    shader, look = HeadShader(state.raster), sampled_look(random)
    picture = state.drawn_on(state.shaded(look, shader), look, random)
    face = picture.pixels.astype(np.float32) / np.float32(255)
    asked = _PictureRig(face, rig.landmarks(face))
    truth = _SurfaceTruth.of(shader, look, picture.shows_head)
    small = face.reshape(CELLS, SIDE_PX // CELLS, CELLS, -1, 3).mean(axis=(1, 3))
    rows = []
    for number, request in enumerate(chosen, start=1):
        motion, light = truth.change(number)
        rows.append(
            {
                "picture": np.round(small * 255).astype(np.uint8),
                "asked": asked.planes(request).astype(np.float16),
                "motion": (motion / asked.eye).astype(np.float16),
                "light": light.astype(np.float16),
                "known": truth.is_known,
            }
        )
    return rows


@cache
def _opened(model: Path) -> RigSource:
    source = open_exported(model, 1)
    if not isinstance(source, RigSource):
        raise SourceError(f"{model.name} finds no dense landmarks; expected a file of contract 3.")
    return source


class _PictureRig:
    """A rig laid over one picture, asked for several expressions of it."""

    def __init__(self, face: CropPixels, seen: Landmarks) -> None:
        self._face = face
        self._fit = fit(template(), seen.places, seen.sigma)
        self._before = template().rest + self._fit.worn
        self._here = self._fit.map(self._before)
        self._raster = source_raster(template(), self._here)

    @property
    def eye(self) -> float:
        """The eye distance in parts of the crop's side."""
        return self._fit.map.eye

    def planes(self, weights: Mapping[str, float]) -> Float[np.ndarray, "planes cells cells"]:
        """Return what it is about to do, as `RigRequest.planes`."""
        rig, before = template(), self._before
        change = rig.displacement(weights)
        light = light_change(rig, self._face, self._here, before, before + change)
        closing = closing_edges(rig, self._fit, change)
        request = RigRequest.of(rig, self._fit, before, change, closing, weights, light)
        return request.planes(rig, self._raster)


def _added(source: Weights, request: Weights) -> Weights:
    names = {**source, **request}
    return {n: min(1.5, source.get(n, 0.0) + request.get(n, 0.0)) for n in names}


@frozen(eq=False)
class _SurfaceTruth:
    """The surface that a picture shows, in all states.

    Attributes:
        rasters: at `CELLS`; they show the source in each state.
        is_known: where that is skin, not hidden.
    """

    shader: HeadShader
    look: HeadLook
    rasters: Rasters
    is_known: Bool[np.ndarray, "cells cells"]

    @classmethod
    def of(
        cls, shader: HeadShader, look: HeadLook, shows_head: Bool[np.ndarray, "side side"]
    ) -> "_SurfaceTruth":
        """Take the truth of a picture, whose pixels show the head or not."""
        step = SIDE_PX // CELLS
        kept = slice(step // 2, None, step)
        thin = shader.head.face.thinned(step)
        count = len(shader.head.states)
        rasters = replace(
            thin,
            triangle=np.repeat(thin.triangle, count, axis=0),
            barycentric=np.repeat(thin.barycentric, count, axis=0),
        )
        triangle = rasters.triangle[0].astype(int)
        is_head = triangle < len(shader.head.parts)
        part = shader.head.parts[np.where(is_head, triangle, 0)]
        is_known = is_head & np.isin(part, _SKIN) & shows_head[kept, kept]
        return cls(shader=shader, look=look, rasters=rasters, is_known=is_known)

    @torch.no_grad()
    def change(
        self, state: int
    ) -> tuple[Float[np.ndarray, "2 cells cells"], Float[np.ndarray, "1 cells cells"]]:
        """Where the surface of each cell goes, in parts of the crop's side, and its light."""
        hit, corners, weights = self.shader.surface_points(self.rasters, state)
        start, end = (
            project(self.shader, mixed(self.shader.positions[k], corners, weights))
            for k in (0, state)
        )
        motion = torch.zeros(CELLS * CELLS, 2)
        motion[hit.pixels] = end - start
        was, now = (self._luma(k) for k in (0, state))
        light = torch.log(now / was).clamp(-_MOST_LIGHT, _MOST_LIGHT)
        return motion.T.reshape(2, CELLS, CELLS).numpy(), light[None].numpy()

    def _luma(self, state: int) -> Tensor:
        shown = self.shader.picture(self.rasters, state, self.look)
        linear = linear_from_encoded(shown.clamp(0, 1))
        return torch.einsum("c,chw->hw", torch.tensor(LUMA_WEIGHTS), linear).clamp(min=_DARK)
