"""The look of a head: material, colours, light, background. One look for all of its states."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_plugin.frozen import frozen
from reggan_training.data.identity_and_split import RENDERED_STYLES
from reggan_training.heads.head import REGIONS, Part

Colour = Float[np.ndarray, "3"]

_SHARES = (0.56, 0.09, 0.06, 0.07, 0.10, 0.06, 0.06)
_PALE, _DARK = np.array([0.90, 0.70, 0.60]), np.array([0.20, 0.115, 0.075])
_HAIR = np.array(
    [[0.025, 0.02, 0.018], [0.09, 0.05, 0.03], [0.22, 0.12, 0.06], [0.45, 0.30, 0.14],
     [0.32, 0.09, 0.04], [0.5, 0.5, 0.5]]
)  # fmt: skip
_IRISES = np.array(
    [[0.16, 0.08, 0.035], [0.08, 0.17, 0.30], [0.10, 0.20, 0.09], [0.03, 0.025, 0.02]]
)
_METALS = np.array([[0.80, 0.58, 0.22], [0.50, 0.27, 0.12], [0.55, 0.57, 0.60], [0.35, 0.20, 0.10]])


@frozen(eq=False)
class Light:
    """A directional light: unit vector towards it, scene-linear colour."""

    direction: Float[np.ndarray, "3"]
    colour: Colour


@frozen(eq=False)
class HeadLook:
    """Scene-linear colours and weights; see `reggan_training.rendering.shading` for their use.

    Attributes:
        style: one of `RENDERED_STYLES`.
        uses_texture: take the head's own textures where it has them.
        skin, lips, brows, hair, beard, sclera, iris, pupil, teeth, gums, clothes, glasses, cavity:
            base colours of what their names say; `cavity` is the skin of the mouth's inside.
        tint: factor on the head's own textures.
        brow_weight, beard_weight, moustache_weight, scalp_weight: 0 (none) to 1 (dense).
        blush: weight of the redder cheeks and nose; below 0 for paler ones.
        mottling, freckles, pores: contrast of skin detail, from coarse to fine.
        bump: how much of that detail is relief.
        occlusion: how dark folds and hollows get, 0 to 1.
        lights, ambient: scene-linear.
        specular, gloss: strength and exponent of highlights.
        wrap: light beyond the terminator, 0 (hard) to 1, as under thin skin.
        toon_steps: levels of light; 0 is continuous.
        exposure: factor on the whole.
        contrast: exponent on the encoded picture.
        texture_seed: of noise textures.
        backdrop: scene-linear colours of a coarse grid behind the head, [rows, columns, 3].
    """

    style: str
    uses_texture: bool
    skin: Colour
    lips: Colour
    brows: Colour
    hair: Colour
    beard: Colour
    sclera: Colour
    iris: Colour
    pupil: Colour
    teeth: Colour
    gums: Colour
    cavity: Colour
    clothes: Colour
    glasses: Colour
    tint: Colour
    brow_weight: float
    beard_weight: float
    moustache_weight: float
    scalp_weight: float
    blush: float
    mottling: float
    freckles: float
    pores: float
    bump: float
    occlusion: float
    lights: tuple[Light, ...]
    ambient: Colour
    specular: float
    gloss: float
    wrap: float
    toon_steps: int
    exposure: float
    contrast: float
    texture_seed: int
    backdrop: Float[np.ndarray, "rows columns 3"]


def sample_look(random: np.random.Generator, *, style: str | None = None) -> HeadLook:
    """Draw a look; `style` fixes the material."""
    style = style or str(random.choice(RENDERED_STYLES, p=_SHARES))
    colours = _skin_colours(random) if style != "toon" else _toon_colours(random)
    has_hair = random.random() < 0.75
    weights = {
        "brow_weight": random.uniform(0.45, 1.0) if random.random() < 0.93 else 0.0,
        "beard_weight": random.uniform(0.15, 1.0) if random.random() < 0.22 else 0.0,
        "moustache_weight": random.uniform(0.15, 1.0) if random.random() < 0.22 else 0.0,
        "scalp_weight": 1.0 if has_hair else random.uniform(0.0, 0.2),
    }
    if style in ("stone", "metal", "clay"):
        colours = _statue_colours(random, style)
        is_carved = random.random() < 0.5  # hair as relief alone
        factor = 0.0 if is_carved else random.uniform(0.0, 0.5)
        weights = {name: factor * value for name, value in weights.items()}
    drawn: dict[str, Any] = {
        "uses_texture": bool(random.random() < 0.85),
        "tint": random.uniform(0.55, 1.25) * random.uniform(0.92, 1.08, 3),
    }
    drawn |= {**colours, **weights, **_surface(random, style), **_lighting(random, style)}
    return HeadLook(
        style=style, **drawn, texture_seed=int(random.integers(2**31)), backdrop=_backdrop(random)
    )


def _skin_colours(random: np.random.Generator) -> dict[str, Colour]:
    tone = random.random()
    skin = (_PALE * (1 - tone) + _DARK * tone) * random.uniform(0.85, 1.12)
    skin = np.clip(skin * random.uniform(0.96, 1.04, 3), 0.02, 0.95)
    hair = _HAIR[random.integers(len(_HAIR))] * random.uniform(0.6, 1.4)
    lips = skin * np.array([0.92, 0.58, 0.58]) * random.uniform(0.75, 1.1)
    if random.random() < 0.12:  # lipstick
        lips = np.array([0.45, 0.06, 0.08]) * random.uniform(0.5, 1.4)
    gums = np.array([0.42, 0.14, 0.13]) * random.uniform(0.6, 1.2)
    return {
        "skin": skin,
        "lips": np.clip(lips, 0.01, 0.95),
        "brows": hair * random.uniform(0.4, 1.0),
        "hair": hair,
        "beard": hair * random.uniform(0.6, 1.2),
        "sclera": np.array([0.74, 0.70, 0.67]) * random.uniform(0.75, 1.15),
        "iris": _IRISES[random.integers(len(_IRISES))] * random.uniform(0.6, 1.6),
        "pupil": np.full(3, 0.008),
        "teeth": np.array([0.76, 0.70, 0.58]) * random.uniform(0.75, 1.15) ** np.array([1, 1, 1.3]),
        "gums": gums,
        "cavity": gums * np.array([0.7, 0.55, 0.55]),
        "clothes": random.uniform(0.02, 0.7, 3),
        "glasses": random.uniform(0.01, 0.3) * random.uniform(0.5, 1.5, 3),
    }


def _toon_colours(random: np.random.Generator) -> dict[str, Colour]:
    colours = _skin_colours(random)
    if random.random() < 0.3:
        colours["skin"] = random.uniform(0.1, 0.9, 3)  # creatures
        colours["lips"] = colours["skin"] * random.uniform(0.5, 1.0, 3)
    colours["hair"] = random.uniform(0.02, 0.8, 3)
    colours["brows"] = colours["hair"] * random.uniform(0.2, 1.0)
    colours["sclera"] = np.full(3, random.uniform(0.75, 0.98))
    colours["teeth"] = np.full(3, random.uniform(0.75, 0.98))
    return colours


def _statue_colours(random: np.random.Generator, style: str) -> dict[str, Colour]:
    """One stuff for everything, teeth and eyes too; sometimes they are painted on it."""
    if style == "metal":
        stuff = _METALS[random.integers(len(_METALS))] * random.uniform(0.6, 1.15)
    elif style == "stone":
        stuff = random.uniform(0.12, 0.85) * random.uniform(0.88, 1.08, 3)
    else:
        stuff = np.array([0.45, 0.24, 0.15]) ** random.uniform(0.3, 1.2) * random.uniform(0.8, 1.2)
    stuff = np.clip(stuff, 0.02, 0.92)
    plain = _skin_colours(random)
    names = [name for name in plain if name not in ("clothes", "glasses")]
    colours = plain | {name: stuff * random.uniform(0.85, 1.1) for name in names}
    colours["skin"] = stuff
    colours["pupil"] = stuff * random.uniform(0.25, 1.0)
    colours["cavity"] = stuff * random.uniform(0.3, 0.8)
    colours["teeth"] = stuff * random.uniform(0.9, 1.15)
    return colours


def _surface(random: np.random.Generator, style: str) -> dict[str, float]:
    detail = {"stone": 1.2, "metal": 0.6, "clay": 0.8, "toon": 0.1, "painted": 1.8}.get(style, 1.0)
    specular = {"metal": random.uniform(0.5, 1.4), "toon": 0.0, "unlit": 0.0}
    return {
        "blush": random.uniform(-0.1, 0.6) * (style in ("skin", "unlit", "painted", "toon")),
        "mottling": random.uniform(0.0, 0.09) * detail,
        "freckles": random.uniform(0.0, 0.12) * detail * (random.random() < 0.6),
        "pores": random.uniform(0.0, 0.10) * detail,
        "bump": random.uniform(0.0, 0.5) * (style != "toon"),
        "occlusion": random.uniform(0.35, 1.0),
        "specular": specular.get(style, random.uniform(0.0, 0.35)),
        "gloss": float(np.exp(random.uniform(np.log(6), np.log(60)))),
        "wrap": random.uniform(0.1, 0.5)
        if style in ("skin", "painted")
        else random.uniform(0, 0.2),
        "toon_steps": int(random.integers(2, 4))
        if style == "toon" and random.random() < 0.7
        else 0,
    }


def _lighting(random: np.random.Generator, style: str) -> dict[str, object]:
    lights = []
    for number in range(int(random.integers(1, 4))):
        direction = random.normal(0.0, 1.0, 3) + np.array([0.0, 0.45, 1.0])
        if number == 2:
            direction = random.normal(0.0, 0.6, 3) + np.array([0.0, 0.4, -1.2])  # from behind
        colour = random.uniform(0.3, 1.1) * _tinge(random)
        lights.append(Light(direction=direction / np.linalg.norm(direction), colour=colour))
    ambient = random.uniform(0.12, 0.6) * _tinge(random)
    return {
        "lights": () if style == "unlit" else tuple(lights),
        "ambient": np.full(3, 1.0) if style == "unlit" else ambient,
        "exposure": float(np.exp(random.normal(-0.05, 0.25))),
        "contrast": float(np.exp(random.normal(0.0, 0.12))),
    }


def _tinge(random: np.random.Generator) -> Colour:
    """Warm to cool light, sometimes stage light."""
    if random.random() < 0.1:
        return random.uniform(0.6, 1.2, 3)
    warmth = random.normal(0.0, 0.1)
    return np.array([1 + warmth, 1.0 + random.normal(0.0, 0.02), 1 - warmth])


def _backdrop(random: np.random.Generator) -> Float[np.ndarray, "rows columns 3"]:
    base = random.uniform(0.0, 1.0, 3) ** 2
    if random.random() < 0.3:
        base = np.full(3, random.choice([0.0, 0.05, 0.2, 0.6, 1.0]))  # studio grey, black, white
    spread = random.choice([0.0, 0.1, 0.3])
    size = int(random.choice([2, 3, 6]))
    return np.clip(base + random.normal(0.0, spread, (size, size, 3)), 0.0, 1.5)


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


@frozen(eq=False)
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
    is_hair = torch.isin(part, torch.tensor([Part.HAIR, Part.BEARD, Part.BROWS]))
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
