"""What the pixels of a picture of a head show, and the colour of its surface under a look."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_training.heads.head import REGIONS, Part
from reggan_training.pairs.head_look import HeadLook

RowColours = Float[Tensor, "rows 3"]

_SIZE = 512
_KEPT = 4
"""Textures of each kind that a process keeps in memory: 5 MB of detail, 1 MB of strands each."""
_kept: dict[Callable[[int], Tensor], Callable[[int], Tensor]] = {}
_REGIONS = slice(3, 3 + len(REGIONS))
PAINT_REACH = 2.4
"""Canonical coordinates up to this are covered once by noise textures, in eye distances."""
_IRIS_RAD, _PUPIL_RAD = 0.46, 0.19
_ANGLE = slice(14, 15)
_UV = slice(15, 17)
_STRAND_REACH = 1.2


def linear_from_encoded(encoded: Tensor) -> Tensor:
    """Return linear light of encoded values."""
    upper = ((encoded.clamp(min=0.04) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= 0.04045, encoded / 12.92, upper)


def encoded_from_linear(linear: Tensor) -> Tensor:
    """Return encoded values of linear light."""
    upper = 1.055 * linear.clamp(min=0.003) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, upper)


def keep_textures(count: int) -> None:
    """Keep the last `count` textures of each kind in this process, instead of a few.

    For looks that are drawn from few seeds: a texture takes longer to make than a picture.
    """
    for make in (_make_detail, _make_strands):
        _kept[make] = lru_cache(maxsize=count)(make)


def detail_texture(seed: int) -> Float[Tensor, "1 5 size size"]:
    """Three channels of soft mottling, one of spots, one white; tiles by reflection."""
    return _kept[_make_detail](seed)


def strand_texture(seed: int) -> Float[Tensor, "1 1 size size"]:
    """Thin lines along the second axis, as hair."""
    return _kept[_make_strands](seed)


def _make_detail(seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 40, 40, generator=random)
    middle = torch.randn(1, 1, 160, 160, generator=random)
    white = torch.randn(1, 1, _SIZE, _SIZE, generator=random)
    enlarged = [
        F.interpolate(t, (_SIZE, _SIZE), mode="bicubic", align_corners=False)
        for t in (coarse, middle)
    ]
    return _normalised(torch.cat([*enlarged, white], dim=1))


def _make_strands(seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed + 1)
    lines = torch.randn(1, 1, _SIZE // 12, _SIZE // 2, generator=random)
    return _normalised(F.interpolate(lines, (_SIZE, _SIZE), mode="bicubic", align_corners=False))


def _normalised(texture: Tensor) -> Tensor:
    mean = texture.mean(dim=(2, 3), keepdim=True)
    return (texture - mean) / texture.std(dim=(2, 3), keepdim=True)


keep_textures(_KEPT)


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
    normal: RowColours
    hollow: Float[Tensor, "rows 1"]

    def region(self, name: str) -> Float[Tensor, "rows 1"]:
        """Weight of a region."""
        column = _REGIONS.start + REGIONS.index(name)
        return self.fixed[:, column : column + 1]


def noise_at(
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


def tensor_like(values: object, like: Tensor) -> Tensor:
    """Numbers of the type and on the device of a tensor."""
    return torch.as_tensor(np.asarray(values), dtype=like.dtype, device=like.device)


def surface_colour(surface: ShadedSurface, look: HeadLook, textures: list[Tensor]) -> RowColours:
    """Scene-linear colour of each pixel's surface in a look.

    `textures` are the head's own, [3, height, width], sRGB-encoded in [0, 1].
    """
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
        colour = torch.where(part == kind, tensor_like(paint, colour), colour)
    strands = noise_at(surface, strand_texture(look.texture_seed), _STRAND_REACH, turned=True)
    is_hair = torch.isin(
        part, torch.tensor([Part.HAIR, Part.BEARD, Part.BROWS], device=part.device)
    )
    colour = torch.where(is_hair, colour * (1 + 0.6 * strands), colour)
    colour = torch.where(part == Part.EYE, _eye_colour(surface, look), colour)
    if textures and look.uses_texture:
        colour = _textured(surface, look, textures, colour)
    return colour.clamp(0.004, 1.0)


def _painted_skin(surface: ShadedSurface, look: HeadLook) -> RowColours:
    colour = tensor_like(look.skin, surface.fixed).expand(len(surface.pixels), 3)
    detail = detail_texture(look.texture_seed)
    coarse = noise_at(surface, detail[:, :3], PAINT_REACH)
    coarse = 0.75 * coarse.mean(1, keepdim=True) * 1.7 + 0.25 * coarse  # mostly light and dark
    fine = noise_at(surface, detail[:, 3:5], PAINT_REACH)
    pores = noise_at(surface, detail[:, 4:5], PAINT_REACH / 3)
    freckles = (fine[:, :1] - 1.0).clamp(min=0)
    factor = 1 + look.mottling * coarse - look.freckles * freckles + 0.5 * look.pores * pores
    colour = colour * factor
    redder = look.blush * (surface.region("cheeks") + surface.region("nose")).clamp(max=1)
    colour = colour * (1 + redder * tensor_like([0.05, -0.22, -0.20], colour))
    colour = colour * (1 - 0.18 * surface.region("eye_rings"))
    lips = surface.region("lips")
    colour = colour + lips * (tensor_like(look.lips, colour) * (1 + 0.15 * pores) - colour)
    hairs = noise_at(surface, strand_texture(look.texture_seed), _STRAND_REACH, turned=True)
    stubble = 0.5 + 0.5 * fine[:, 1:2]
    for name, weight, paint, grain in (
        ("brows", look.brow_weight, look.brows, 0.55 + 0.8 * hairs),
        ("beard", look.beard_weight, look.beard, stubble),
        ("moustache", look.moustache_weight, look.beard, stubble),
        ("scalp", look.scalp_weight, look.hair, 1.0 + 0.0 * hairs),
        ("lid_margins", 0.7 * min(1.0, 2 * look.brow_weight), look.brows * 0.4, 0.6 + 0.0 * hairs),
    ):
        cover = (weight * surface.region(name) * grain * 1.3).clamp(0, 1)
        tone = tensor_like(paint, colour) * (1 + 0.5 * hairs)
        colour = colour + cover * (tone - colour)
    return colour


def _eye_colour(surface: ShadedSurface, look: HeadLook) -> RowColours:
    angle = surface.fixed[:, _ANGLE]
    fine = noise_at(surface, detail_texture(look.texture_seed)[:, 3:4], PAINT_REACH / 4)
    in_iris = torch.sigmoid((_IRIS_RAD - angle) / 0.02)
    in_pupil = torch.sigmoid((_PUPIL_RAD - angle) / 0.012)
    ring = 1 - 0.6 * torch.exp(-(((angle - _IRIS_RAD) / 0.05) ** 2))
    white = tensor_like(look.sclera, angle).expand(len(angle), 3)
    iris = tensor_like(look.iris, angle) * ring * (1 + 0.3 * fine)
    colour = white + in_iris * (iris - white)
    return colour + in_pupil * (tensor_like(look.pupil, angle) - colour)


def _textured(
    surface: ShadedSurface, look: HeadLook, textures: list[Tensor], painted: RowColours
) -> RowColours:
    """Put the head's own textures in place of paint; on statues only their light and dark."""
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
            linear = tensor_like(look.skin, linear) * (
                0.5 + 0.5 * grey / grey.mean().clamp(min=0.01)
            )
        else:
            linear = linear * tensor_like(look.tint, linear)
        colour[rows] = linear
    return colour
