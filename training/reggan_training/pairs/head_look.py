"""The look of a head: material, colours, light, background. One look for all of its states."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from reggan_training.data.split import RENDERED_STYLES

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Light:
    """A directional light: unit vector towards it, scene-linear colour."""

    direction: Float[np.ndarray, "3"]
    colour: Colour


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadLook:
    """Scene-linear colours and weights; see `reggan_training.pairs.shading` for their use.

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
        style=style,
        **drawn,
        texture_seed=int(random.integers(2**31)),
        backdrop=_backdrop(random),
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
