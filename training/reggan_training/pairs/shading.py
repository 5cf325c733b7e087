"""Deferred shading: pictures from rasters and a look. Nothing here knows how pairs are made.

Scene-linear until the last step, where pictures are encoded as sRGB. Light is local (no cast
shadows): hollows are darkened by the curvature of the surface in each state, so that folds of an
expression are seen.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_training.heads.head import REGIONS, Part
from reggan_training.pairs.look import HeadLook
from reggan_training.pairs.noise import detail_texture, strand_texture
from reggan_training.pairs.rasterised_head import RasterisedHead, Rasters
from reggan_training.srgb import encoded_from_linear, linear_from_encoded

_IRIS_RAD, _PUPIL_RAD = 0.46, 0.19
_CANONICAL, _REGIONS, _ANGLE = slice(0, 3), slice(3, 3 + len(REGIONS)), slice(14, 15)
_UV = slice(15, 17)
_PAINT_REACH = 2.4
"""Canonical coordinates up to this are covered once by noise textures, in eye distances."""
_STRAND_REACH = 1.2


@dataclass(frozen=True, kw_only=True, eq=False)
class ShadedSurface:
    """What the hit pixels of one picture show; rows are pixels.

    Attributes:
        pixels: their places in the flattened picture.
        part: `Part` of each.
        texture: index of its texture, -1 for none.
        fixed: canonical coordinates, regions, eye angle, uv: the same in each state.
        normal: unit length, as the camera has it.
        hollow: 0 (flat or convex) to 1 (deep fold).
    """

    pixels: Int[Tensor, " rows"]
    part: Int[Tensor, " rows"]
    texture: Int[Tensor, " rows"]
    fixed: Float[Tensor, "rows 17"]
    normal: Float[Tensor, "rows 3"]
    hollow: Float[Tensor, "rows 1"]

    def region(self, name: str) -> Float[Tensor, "rows 1"]:
        """Weight of a region."""
        column = _REGIONS.start + REGIONS.index(name)
        return self.fixed[:, column : column + 1]


class HeadShader:
    """Shades all states of a rasterised head in any number of looks."""

    def __init__(self, head: RasterisedHead, device: torch.device | str = "cpu") -> None:
        self.head, self.device = head, torch.device(device)
        regions = torch.from_numpy(head.regions).float() / 255
        columns = [head.canonical, regions, head.eye_angle[:, None], head.uv]
        self.fixed = torch.cat([torch.as_tensor(c).float() for c in columns], 1).to(device)
        self.triangles = torch.from_numpy(head.triangles).long().to(device)
        self.parts = torch.from_numpy(head.parts).long().to(device)
        self.texture_of = torch.from_numpy(head.texture_of.astype(np.int64)).to(device)
        self.positions = torch.from_numpy(head.positions).to(device)
        self.normals = torch.from_numpy(head.normals).to(device)
        self.hollows = hollows_of(self.positions, self.normals, self.triangles)
        self.textures = [
            torch.from_numpy(t.copy()).permute(2, 0, 1).float() / 255 for t in head.textures
        ]

    def picture(self, rasters: Rasters, state: int, look: HeadLook) -> Float[Tensor, "3 side side"]:
        """One state in one look, sRGB-encoded, [0, 1]."""
        surface = self._seen(rasters, state)
        light = _shade(surface, _albedo(surface, look, self.textures), look)
        side = rasters.side_px
        canvas = _backdrop(look, rasters, self.device).reshape(3, -1)
        canvas[:, surface.pixels] = light.T
        encoded = encoded_from_linear((canvas * look.exposure).clamp(0, 1))
        return encoded.pow(look.contrast).reshape(3, side, side)

    def _seen(self, rasters: Rasters, state: int) -> ShadedSurface:
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
        triangle = (
            torch.from_numpy(rasters.triangle[state].astype(np.int64)).to(self.device).flatten()
        )
        pixels = (triangle < len(self.triangles)).nonzero()[:, 0]
        uv = torch.from_numpy(rasters.barycentric[state]).to(self.device).reshape(-1, 2)[pixels]
        uv = uv.float() / 255
        weights = torch.cat([1 - uv.sum(1, keepdim=True), uv], dim=1)[..., None]
        hit = HitPixels(pixels=pixels, triangle=triangle[pixels])
        return hit, self.triangles[hit.triangle], weights


@dataclass(frozen=True, kw_only=True, eq=False)
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
    result = torch.empty(states, count, 1, device=positions.device)
    for state in range(states):
        along = F.normalize(positions[state, end] - positions[state, start], dim=1)
        above = (along * normals[state, start]).sum(1)
        ones = torch.ones_like(above)
        total = torch.zeros(2, count, device=positions.device)
        total[0].index_add_(0, start, above)
        total[1].index_add_(0, start, ones)
        mean = total[0] / total[1].clamp(min=1)
        spread = torch.zeros(count, device=positions.device).index_add_(0, start, mean[end])
        result[state, :, 0] = (2.5 * (0.5 * mean + 0.5 * spread / total[1].clamp(min=1))).clamp(
            0, 1
        )
    return result


def _albedo(
    surface: ShadedSurface, look: HeadLook, textures: list[Tensor]
) -> Float[Tensor, "rows 3"]:
    colour = _painted_skin(surface, look)
    part = surface.part[:, None]
    plain = {
        Part.TEETH: look.teeth,
        Part.GUMS: look.gums,
        Part.TONGUE: look.gums * np.array([1.0, 0.9, 0.9]),
        Part.MOUTH: look.cavity,
        Part.SOCKET: look.cavity,
        Part.LASHES: look.brows * 0.5,
        Part.HAIR: look.hair,
        Part.BEARD: look.beard,
        Part.BROWS: look.brows,
        Part.GLASSES: look.glasses,
        Part.CLOTHES: look.clothes,
    }
    for kind, paint in plain.items():
        colour = torch.where(part == kind, _tensor(paint, colour), colour)
    strands = _noise_at(surface, strand_texture(look.texture_seed), _STRAND_REACH, turned=True)
    is_hair = torch.isin(
        part, torch.tensor([Part.HAIR, Part.BEARD, Part.BROWS], device=part.device)
    )
    colour = torch.where(is_hair, colour * (1 + 0.6 * strands), colour)
    colour = torch.where(part == Part.EYE, _eye_colour(surface, look), colour)
    if textures and look.uses_texture:
        colour = _textured(surface, look, textures, colour)
    return colour.clamp(0.004, 1.0)


def _painted_skin(surface: ShadedSurface, look: HeadLook) -> Float[Tensor, "rows 3"]:
    colour = _tensor(look.skin, surface.fixed).expand(len(surface.pixels), 3)
    detail = detail_texture(look.texture_seed)
    coarse = _noise_at(surface, detail[:, :3], _PAINT_REACH)
    coarse = 0.75 * coarse.mean(1, keepdim=True) * 1.7 + 0.25 * coarse  # mostly light and dark
    fine = _noise_at(surface, detail[:, 3:5], _PAINT_REACH)
    pores = _noise_at(surface, detail[:, 4:5], _PAINT_REACH / 3)
    freckles = (fine[:, :1] - 1.0).clamp(min=0)
    factor = 1 + look.mottling * coarse - look.freckles * freckles + 0.5 * look.pores * pores
    colour = colour * factor
    redder = look.blush * (surface.region("cheeks") + surface.region("nose")).clamp(max=1)
    colour = colour * (1 + redder * _tensor([0.05, -0.22, -0.20], colour))
    colour = colour * (1 - 0.18 * surface.region("eye_rings"))
    lips = surface.region("lips")
    colour = colour + lips * (_tensor(look.lips, colour) * (1 + 0.15 * pores) - colour)
    hairs = _noise_at(surface, strand_texture(look.texture_seed), _STRAND_REACH, turned=True)
    stubble = 0.5 + 0.5 * fine[:, 1:2]
    for name, weight, paint, grain in (
        ("brows", look.brow_weight, look.brows, 0.55 + 0.8 * hairs),
        ("beard", look.beard_weight, look.beard, stubble),
        ("moustache", look.moustache_weight, look.beard, stubble),
        ("scalp", look.scalp_weight, look.hair, 1.0 + 0.0 * hairs),
        ("lid_margins", 0.7 * min(1.0, 2 * look.brow_weight), look.brows * 0.4, 0.6 + 0.0 * hairs),
    ):
        cover = (weight * surface.region(name) * grain * 1.3).clamp(0, 1)
        tone = _tensor(paint, colour) * (1 + 0.5 * hairs)
        colour = colour + cover * (tone - colour)
    return colour


def _eye_colour(surface: ShadedSurface, look: HeadLook) -> Float[Tensor, "rows 3"]:
    angle = surface.fixed[:, _ANGLE]
    fine = _noise_at(surface, detail_texture(look.texture_seed)[:, 3:4], _PAINT_REACH / 4)
    in_iris = torch.sigmoid((_IRIS_RAD - angle) / 0.02)
    in_pupil = torch.sigmoid((_PUPIL_RAD - angle) / 0.012)
    ring = 1 - 0.6 * torch.exp(-(((angle - _IRIS_RAD) / 0.05) ** 2))
    white = _tensor(look.sclera, angle).expand(len(angle), 3)
    iris = _tensor(look.iris, angle) * ring * (1 + 0.3 * fine)
    colour = white + in_iris * (iris - white)
    return colour + in_pupil * (_tensor(look.pupil, angle) - colour)


def _textured(
    surface: ShadedSurface, look: HeadLook, textures: list[Tensor], painted: Float[Tensor, "rows 3"]
) -> Float[Tensor, "rows 3"]:
    """The head's own textures in place of paint; on statues only their light and dark."""
    colour = painted.clone()
    for index, texture in enumerate(textures):
        rows = (surface.texture == index).nonzero()[:, 0]
        if not len(rows):
            continue
        grid = (surface.fixed[rows, _UV] * 2 - 1)[None, :, None]
        texel = F.grid_sample(texture[None], grid, align_corners=False, padding_mode="border")
        linear = linear_from_encoded(texel[0, :, :, 0].T)
        if look.style in ("stone", "metal", "clay"):
            grey = linear.mean(1, keepdim=True)
            linear = _tensor(look.skin, linear) * (0.5 + 0.5 * grey / grey.mean().clamp(min=0.01))
        else:
            linear = linear * _tensor(look.tint, linear)
        colour[rows] = linear
    return colour


def _shade(
    surface: ShadedSurface, albedo: Float[Tensor, "rows 3"], look: HeadLook
) -> Float[Tensor, "rows 3"]:
    inside = surface.region("shade")
    open_sky = (1 - look.occlusion * surface.hollow) * (1 - 0.92 * inside)
    if not look.lights:
        return albedo * _tensor(look.ambient, albedo) * (1 - 0.5 * (1 - open_sky))
    normal = _bumped(surface, look)
    up = 0.75 + 0.25 * normal[:, 1:2]
    total = _tensor(look.ambient, albedo) * up * open_sky
    shine = torch.zeros_like(albedo)
    is_eye = (surface.part == Part.EYE)[:, None].float()
    is_wet = torch.isin(surface.part, torch.tensor([Part.TEETH, Part.GUMS, Part.TONGUE]))[:, None]
    for light in look.lights:
        towards = _tensor(light.direction, albedo)
        facing = (normal @ towards)[:, None]
        lit = ((facing + look.wrap) / (1 + look.wrap)).clamp(min=0)
        if look.toon_steps:
            steps = look.toon_steps * lit
            soft = torch.floor(steps) + torch.sigmoid((steps - torch.floor(steps) - 0.5) / 0.06)
            lit = soft / look.toon_steps
        reach = open_sky.sqrt() * (1 - 0.75 * inside)
        total = total + lit * _tensor(light.colour, albedo) * reach
        half = F.normalize(towards + _tensor([0.0, 0.0, 1.0], albedo), dim=0)
        aligned = (normal @ half)[:, None].clamp(min=0)
        spark = look.specular * aligned**look.gloss + (0.7 * is_eye + 0.2 * is_wet) * aligned**60
        shine = shine + spark * _tensor(light.colour, albedo) * reach
    tinted = albedo if look.style == "metal" else torch.ones_like(albedo)
    return albedo * total + shine * tinted


def _bumped(surface: ShadedSurface, look: HeadLook) -> Float[Tensor, "rows 3"]:
    if look.bump <= 0:
        return surface.normal
    fine = _noise_at(surface, detail_texture(look.texture_seed)[:, 3:5], _PAINT_REACH / 2)
    tilt = torch.cat([fine, torch.zeros_like(fine[:, :1])], dim=1) * (0.12 * look.bump)
    is_skin = (surface.part == Part.SKIN)[:, None].float()
    return F.normalize(surface.normal + tilt * is_skin, dim=1)


def _noise_at(
    surface: ShadedSurface,
    texture: Float[Tensor, "1 channels size size"],
    reach: float,
    *,
    turned: bool = False,
) -> Float[Tensor, "rows channels"]:
    """Noise by canonical coordinates seen from the front, repeated in mirror image beyond reach.

    `turned` lets it run outwards and up from the middle, as brow hair does.
    """
    place = surface.fixed[:, :2]
    if turned:
        side = place[:, :1].abs()
        place = torch.cat([side * 0.5 - place[:, 1:] * 0.85, side * 0.85 + place[:, 1:] * 0.5], 1)
    grid = (place / reach)[None, :, None]
    found = F.grid_sample(texture, grid, align_corners=False, padding_mode="reflection")
    return found[0, :, :, 0].T


def _backdrop(
    look: HeadLook, rasters: Rasters, device: torch.device
) -> Float[Tensor, "3 side side"]:
    coarse = torch.from_numpy(look.backdrop).float().permute(2, 0, 1)[None].to(device)
    left, top, right, bottom = rasters.window
    centres = (torch.arange(rasters.side_px, device=device) + 0.5) / rasters.side_px
    x, y = left + centres * (right - left), top + centres * (bottom - top)
    grid = torch.stack(torch.meshgrid(2 * x - 1, 2 * y - 1, indexing="xy"), dim=-1)[None]
    return F.grid_sample(coarse, grid, align_corners=True, padding_mode="border")[0]


def _tensor(values: object, like: Tensor) -> Tensor:
    return torch.as_tensor(np.asarray(values), dtype=like.dtype, device=like.device)
