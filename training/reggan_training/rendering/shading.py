"""Deferred shading: pictures from rasters and a look. Nothing here knows how pairs are made.

Scene-linear until the last step, where pictures are encoded as sRGB. Light is local (no cast
shadows): hollows are darkened by the curvature of the surface in each state, so that folds of an
expression are seen.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL
from reggan_training.heads.head import Part
from reggan_training.rendering.face_states import Weights
from reggan_training.rendering.head_look import (
    PAINT_REACH,
    HeadLook,
    ShadedSurface,
    detail_texture,
    encoded_from_linear,
    noise_at,
    surface_colour,
    tensor_like,
)
from reggan_training.rendering.rasterising import RasterisedHead, Rasters


class HeadShader:
    """Shades all states of a rasterised head in any number of looks."""

    def __init__(self, head: RasterisedHead) -> None:
        self.head = head
        regions = torch.from_numpy(head.regions).float() / 255
        columns = [head.canonical, regions, head.eye_angle[:, None], head.uv]
        self.fixed = torch.cat([torch.as_tensor(c).float() for c in columns], 1)
        self.triangles = torch.from_numpy(head.triangles).long()
        self.parts = torch.from_numpy(head.parts).long()
        self.texture_of = torch.from_numpy(head.texture_of.astype(np.int64))
        self.positions = torch.from_numpy(head.positions)
        self.normals = torch.from_numpy(head.normals)
        self.hollows = hollows_of(self.positions, self.normals, self.triangles)
        self.textures = [
            torch.from_numpy(t.copy()).permute(2, 0, 1).float() / 255 for t in head.textures
        ]

    def picture(self, rasters: Rasters, state: int, look: HeadLook) -> Float[Tensor, "3 side side"]:
        """One state in one look, sRGB-encoded, [0, 1]."""
        surface = self.seen(rasters, state)
        light = _shade(surface, surface_colour(surface, look, self.textures), look)
        canvas = backdrop_of(look, rasters)
        canvas.flatten(1)[:, surface.pixels] = light.T
        return developed(canvas, look)

    def seen(self, rasters: Rasters, state: int) -> ShadedSurface:
        """Return what the pixels that see the head show of one state."""
        rows, corners, weights = self.surface_points(rasters, state)
        changing = torch.cat([self.normals[state], self.hollows[state]], dim=1)
        now = mixed(changing, corners, weights)
        pixels = rows.pixels
        return ShadedSurface(
            pixels=pixels,
            part=self.parts[rows.triangle],
            texture=self.texture_of[rows.triangle],
            fixed=mixed(self.fixed, corners, weights),
            normal=F.normalize(now[:, :3], dim=1),
            hollow=now[:, 3:].clamp(0, 1),
        )

    def surface_points(
        self, rasters: Rasters, state: int
    ) -> tuple["HitPixels", Int[Tensor, "rows 3"], Float[Tensor, "rows 3 1"]]:
        """Pixels that see the head, their triangles' vertices, and the weights of those."""
        triangle = torch.from_numpy(rasters.triangle[state].astype(np.int64)).flatten()
        pixels = (triangle < len(self.triangles)).nonzero()[:, 0]
        uv = torch.from_numpy(rasters.barycentric[state]).reshape(-1, 2)[pixels]
        uv = uv.float() / 255
        weights = torch.cat([1 - uv.sum(1, keepdim=True), uv], dim=1)[..., None]
        hit = HitPixels(pixels=pixels, triangle=triangle[pixels])
        return hit, self.triangles[hit.triangle], weights


@frozen(eq=False)
class HitPixels:
    """Flat places of pixels that see the head, and the triangle that each sees."""

    pixels: Int[Tensor, " rows"]
    triangle: Int[Tensor, " rows"]


def mixed(
    values: Float[Tensor, "vertices channels"],
    corners: Int[Tensor, "rows 3"],
    weights: Float[Tensor, "rows 3 1"],
) -> Float[Tensor, "rows channels"]:
    """Values at surface points: those of the triangle's corners by their barycentric weights."""
    result = values.index_select(0, corners[:, 0]) * weights[:, 0]
    result.addcmul_(values.index_select(0, corners[:, 1]), weights[:, 1])
    return result.addcmul_(values.index_select(0, corners[:, 2]), weights[:, 2])


def hollows_of(
    positions: Float[Tensor, "states vertices 3"],
    normals: Float[Tensor, "states vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
) -> Float[Tensor, "states vertices 1"]:
    """Concavity: how far the neighbours of a vertex rise above its tangent plane, 0 to 1."""
    states, count = positions.shape[:2]
    start, end = triangles.flatten(), triangles.roll(-1, dims=1).flatten()
    start, end = torch.cat([start, end]), torch.cat([end, start])
    result = torch.empty(states, count, 1)
    for state in range(states):
        along = F.normalize(positions[state, end] - positions[state, start], dim=1)
        above = (along * normals[state, start]).sum(1)
        ones = torch.ones_like(above)
        total = torch.zeros(2, count)
        total[0].index_add_(0, start, above)
        total[1].index_add_(0, start, ones)
        mean = total[0] / total[1].clamp(min=1)
        spread = torch.zeros(count).index_add_(0, start, mean[end])
        result[state, :, 0] = (2.5 * (0.5 * mean + 0.5 * spread / total[1].clamp(min=1))).clamp(
            0, 1
        )
    return result


def developed(
    light: Float[Tensor, "3 height width"], look: HeadLook
) -> Float[Tensor, "3 height width"]:
    """Develop scene-linear light to an sRGB-encoded picture, [0, 1], by the look's camera."""
    return encoded_from_linear((light * look.exposure).clamp(0, 1)).pow(look.contrast)


def _shade(
    surface: ShadedSurface, albedo: Float[Tensor, "rows 3"], look: HeadLook
) -> Float[Tensor, "rows 3"]:
    inside = surface.region("shade")
    open_sky = (1 - look.occlusion * surface.hollow) * (1 - 0.92 * inside)
    if not look.lights:
        return albedo * tensor_like(look.ambient, albedo) * (1 - 0.5 * (1 - open_sky))
    normal = _bumped(surface, look)
    up = 0.75 + 0.25 * normal[:, 1:2]
    total = tensor_like(look.ambient, albedo) * up * open_sky
    shine = torch.zeros_like(albedo)
    is_eye = (surface.part == Part.EYE)[:, None].float()
    is_wet = torch.isin(surface.part, torch.tensor([Part.TEETH, Part.GUMS, Part.TONGUE]))[:, None]
    for light in look.lights:
        towards = tensor_like(light.direction, albedo)
        facing = (normal @ towards)[:, None]
        lit = ((facing + look.wrap) / (1 + look.wrap)).clamp(min=0)
        if look.toon_steps:
            steps = look.toon_steps * lit
            soft = torch.floor(steps) + torch.sigmoid((steps - torch.floor(steps) - 0.5) / 0.06)
            lit = soft / look.toon_steps
        reach = open_sky.sqrt() * (1 - 0.75 * inside)
        total = total + lit * tensor_like(light.colour, albedo) * reach
        half = F.normalize(towards + tensor_like([0.0, 0.0, 1.0], albedo), dim=0)
        aligned = (normal @ half)[:, None].clamp(min=0)
        spark = look.specular * aligned**look.gloss + (0.7 * is_eye + 0.2 * is_wet) * aligned**60
        shine = shine + spark * tensor_like(light.colour, albedo) * reach
    tinted = albedo if look.style == "metal" else torch.ones_like(albedo)
    return albedo * total + shine * tinted


def _bumped(surface: ShadedSurface, look: HeadLook) -> Float[Tensor, "rows 3"]:
    if look.bump <= 0:
        return surface.normal
    fine = noise_at(surface, detail_texture(look.texture_seed)[:, 3:5], PAINT_REACH / 2)
    tilt = torch.cat([fine, torch.zeros_like(fine[:, :1])], dim=1) * (0.12 * look.bump)
    is_skin = (surface.part == Part.SKIN)[:, None].float()
    return F.normalize(surface.normal + tilt * is_skin, dim=1)


def backdrop_of(look: HeadLook, rasters: Rasters) -> Float[Tensor, "3 side side"]:
    """Scene-linear light behind a head."""
    coarse = torch.from_numpy(look.backdrop).float().permute(2, 0, 1)[None]
    places = 2 * ((torch.arange(rasters.side_px) + 0.5) / rasters.side_px) - 1
    grid = torch.stack(torch.meshgrid(places, places, indexing="xy"), dim=-1)[None]
    return F.grid_sample(coarse, grid, align_corners=True, padding_mode="border")[0]


def reduce_to(
    picture: Float[Tensor, "channels big big"], side_px: int
) -> Float[Tensor, "channels side side"]:
    """Average over whole blocks of pixels; the raster's side is a multiple of `side_px`."""
    return F.avg_pool2d(picture[None], picture.shape[-1] // side_px)[0]


_SAME_DEPTH, _SAME_PLACE = 0.05, 0.06
"""In eye distances: how near the source's surface must lie to be the one that the target shows."""


@frozen(eq=False)
class PairTruth:
    """Truth of a pair over one window, at its raster's resolution.

    Attributes:
        motion: backward, in parts of the crop's side: the surface seen at q in the target was at
            q + motion(q) in the source. 0 on background.
        visible: the source shows what the target shows; else it has to be painted (cover).
        hit: the target shows the head, not background.
        part: `Part` of what the target shows, 255 on background.
    """

    motion: Float[Tensor, "2 side side"]
    visible: Bool[Tensor, "side side"]
    hit: Bool[Tensor, "side side"]
    part: Int[Tensor, "side side"]


def truth_of_pair(shader: HeadShader, rasters: Rasters, source: int, target: int) -> PairTruth:
    """Follow what the target shows back to where the source had it."""
    head, side = shader.head, rasters.side_px
    hit, corners, weights = shader.surface_points(rasters, target)
    was = mixed(shader.positions[source], corners, weights)
    rest = mixed(shader.fixed[:, :3], corners, weights)
    place = project(shader, was)
    # not the pixel's centre: thinned rasters see the surface beside it
    now = project(shader, mixed(shader.positions[target], corners, weights))
    motion = torch.zeros(side * side, 2)
    motion[hit.pixels] = place - now
    seen = _shows_same(shader, source, place, was[:, 2], rest)
    is_head = torch.zeros(side * side, dtype=torch.bool)
    is_head[hit.pixels] = True
    was_head = torch.from_numpy(rasters.triangle[source] < len(head.triangles)).flatten()
    visible = ~is_head & ~was_head  # background in both
    visible[hit.pixels] = seen
    part = torch.full((side * side,), 255)
    part[hit.pixels] = shader.parts[hit.triangle]
    return PairTruth(
        motion=motion.T.reshape(2, side, side),
        visible=visible.reshape(side, side),
        hit=is_head.reshape(side, side),
        part=part.reshape(side, side),
    )


def project(shader: HeadShader, viewed: Float[Tensor, "points 3"]) -> Float[Tensor, "points 2"]:
    """Crop coordinates; see `Camera.project`."""
    camera = shader.head.camera
    factor = camera.distance / (camera.distance - viewed[:, 2:])
    plane = viewed[:, :2] * factor * torch.tensor([1.0, -1.0])
    matrix = torch.from_numpy(camera.crop_from_plane).float()
    return plane @ matrix[:, :2].T + matrix[:, 2]


def _shows_same(
    shader: HeadShader,
    state: int,
    place: Float[Tensor, "points 2"],
    depth: Float[Tensor, " points"],
    rest: Float[Tensor, "points 3"],
) -> Bool[Tensor, " points"]:
    """Whether a state shows these surface points where it has them."""
    rasters = shader.head.face
    side = rasters.side_px
    hit, corners, weights = shader.surface_points(rasters, state)
    known = torch.full((side * side, 4), torch.inf)
    surface = torch.cat([shader.positions[state][:, 2:], shader.fixed[:, :3]], dim=1)
    known[hit.pixels] = mixed(surface, corners, weights)
    cell = (place * side).floor().long()
    inside = ((cell >= 0) & (cell < side)).all(1)
    cell = cell.clamp(0, side - 1)
    found = known[cell[:, 1] * side + cell[:, 0]]
    same_depth = (found[:, 0] - depth).abs() < _SAME_DEPTH
    same_place = (found[:, 1:] - rest).norm(dim=1) < _SAME_PLACE
    return inside & same_depth & same_place


def request_of_pair(
    source: Weights, target: Weights, rest: float
) -> Float[np.ndarray, " controls"]:
    """Return the control vector that leads from one state to another.

    With source weights s, target weights t and rest r it asks for a = t - (1 - r) s, which must not
    be negative. Order of `CONTROLS`.
    """
    vector = np.zeros(len(CONTROLS), dtype=np.float32)
    for index, name in enumerate(CONTROLS[:-1]):
        vector[index] = max(0.0, target.get(name, 0.0) - (1 - rest) * source.get(name, 0.0))
    vector[CONTROLS.index(NEUTRAL)] = rest
    return vector
