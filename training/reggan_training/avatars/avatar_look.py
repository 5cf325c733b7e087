"""The look of an avatar besides the shape of its head, drawn from a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reggan_training.avatars.lighting import Lighting, sample_lighting

STYLES = ("skin", "stone", "metal", "clay")
"""Statues are of one material. What is drawn, painted or unlit has no use for traced light."""
Rgb = tuple[float, float, float]

NEAR_FRONTAL_SIGMA_DEG = 8.0
LARGEST_YAW_DEG, LARGEST_PITCH_DEG = 45.0, 20.0

# sRGB-encoded, from very fair to very dark
_SKIN_TONES = (
    (0.93, 0.79, 0.71),
    (0.88, 0.70, 0.59),
    (0.80, 0.61, 0.48),
    (0.68, 0.49, 0.36),
    (0.52, 0.36, 0.26),
    (0.36, 0.245, 0.18),
    (0.26, 0.175, 0.135),
)
_HAIR_TONES = (
    (0.055, 0.045, 0.045),
    (0.13, 0.085, 0.06),
    (0.24, 0.15, 0.09),
    (0.38, 0.24, 0.13),
    (0.62, 0.45, 0.25),
    (0.42, 0.17, 0.08),
    (0.75, 0.62, 0.42),
)
_HAIR_TONE_ODDS = (0.30, 0.24, 0.22, 0.18, 0.12, 0.06, 0.05)
_GREY = (0.60, 0.59, 0.57)
_TONE_PLACES = {"african": 0.85, "asian": 0.27, "caucasian": 0.14}
"""Where skin lies on the way through `_SKIN_TONES`."""
_FRAMES = ((0.05, 0.05, 0.06), (0.32, 0.16, 0.08), (0.7, 0.6, 0.4), (0.5, 0.05, 0.06))
_HAIR_ODDS = {  # for men, for women
    "bald": (1.2, 0.1),
    "buzz": (1.6, 0.2),
    "short": (2.5, 0.5),
    "crop": (2.0, 0.4),
    "side_part": (2.0, 0.5),
    "swept_back": (1.2, 0.6),
    "fringe": (0.5, 1.0),
    "bob": (0.05, 2.0),
    "long": (0.25, 1.6),
    "long_wavy": (0.25, 1.6),
    "bun": (0.2, 1.6),
    "curly": (0.6, 0.6),
    "afro": (0.1, 0.1),
    "long_curly": (0.15, 1.2),
}
_BEARD_ODDS = {
    "stubble": 1.5,
    "short": 1.6,
    "full": 1.0,
    "moustache": 0.8,
    "goatee": 0.8,
    "chin": 0.3,
}
_GLASSES_ODDS = {"round": 1.0, "oval": 1.0, "rectangle": 1.2, "square": 1.0, "aviator": 0.5}
_IRIS_TONES = (
    (0.20, 0.11, 0.06),
    (0.34, 0.20, 0.09),
    (0.42, 0.36, 0.18),
    (0.33, 0.47, 0.55),
    (0.32, 0.45, 0.30),
    (0.45, 0.49, 0.52),
)
_STONES = ((0.86, 0.85, 0.82), (0.80, 0.78, 0.74), (0.62, 0.62, 0.63), (0.78, 0.70, 0.60))
_METALS = ((0.62, 0.40, 0.22), (0.95, 0.72, 0.32), (0.68, 0.69, 0.71), (0.30, 0.50, 0.43))
_CLAYS = ((0.68, 0.40, 0.29), (0.75, 0.68, 0.60), (0.52, 0.46, 0.42), (0.82, 0.78, 0.72))
_MATERIALS = {"stone": _STONES, "metal": _METALS, "clay": _CLAYS}


@dataclass(frozen=True, kw_only=True)
class AvatarCamera:
    """The camera that an avatar is seen by; the same in all its views."""

    focal_length_mm: float
    roll_deg: float
    head_height: float
    """Height of the head as a part of the picture's."""
    shift_right: float
    shift_up: float
    """Where the head's middle is off the picture's, as a part of the picture's side."""


@dataclass(frozen=True, kw_only=True)
class AvatarLook:
    """Everything about an avatar that is neither shape nor expression. Colours are sRGB-encoded.

    Numbers without a unit run from 0 (none) to 1 (as much as there is).
    """

    style: str
    skin: Rgb
    redness: float
    mottling: float
    freckles: float
    stubble: float
    eye_rings: float
    wrinkles: float
    """How deep the lines of age are; those of expressions deepen with them."""
    gloss: float
    iris: Rgb
    lip: Rgb
    hair: Rgb
    brow: Rgb
    hair_style: str
    beard_style: str
    brow_thickness: float
    glasses: str
    """One of `GLASSES_SHAPES`, or `none`."""
    frame: Rgb
    shirt: Rgb
    material: Rgb
    """Of what a statue is made."""
    material_kind: int
    """Which of the style's materials."""
    lighting: Lighting
    camera: AvatarCamera
    yaw_deg: float
    pitch_deg: float
    texture_seed: int
    """Of noise in skin, stone and background."""


def sample_look(
    style: str,
    generator: np.random.Generator,
    *,
    femininity: float,
    age: float,
    ancestry: Mapping[str, float],
) -> AvatarLook:
    """An avatar's look. `femininity` and `age` (0..1) and `ancestry` are those of its head.

    Raises:
        ValueError: an unknown style.
    """
    if style not in STYLES:
        raise ValueError(f"unknown style {style!r}; expected one of {', '.join(STYLES)}")
    yaw, pitch = _sample_turn(generator)
    fairness = min(1.0, ancestry.get("caucasian", 0.0) + 0.25 * ancestry.get("asian", 0.0))
    skin = _sample_skin_tone(generator, ancestry)
    hair = _sample_hair_colour(generator, age, fairness)
    materials = _MATERIALS.get(style, _STONES)
    kind = int(generator.integers(len(materials)))
    is_bearded = generator.random() < 0.45 * max(0.0, 1 - 1.6 * femininity)
    has_glasses = style == "skin" and generator.random() < 0.16
    lip_red = generator.uniform(0.1, 0.25 + 0.7 * femininity)
    head_height = float(generator.uniform(0.8, 1.0))  # a crop of the face then fills the picture
    return AvatarLook(
        style=style,
        skin=skin,
        **_sample_skin_detail(generator, femininity, age),
        iris=_sample_iris(generator, fairness),
        lip=_lip_colour(skin, lip_red),
        hair=hair,
        brow=tuple(0.75 * level for level in hair),  # type: ignore[arg-type]
        hair_style=_sample_hair_style(generator, femininity, ancestry.get("african", 0.0)),
        beard_style=_chosen(_BEARD_ODDS, generator) if is_bearded else "none",
        brow_thickness=float(np.clip(generator.normal(0.62 - 0.2 * femininity, 0.17), 0.2, 1.0)),
        glasses=_chosen(_GLASSES_ODDS, generator) if has_glasses else "none",
        frame=_jittered(_FRAMES[generator.integers(len(_FRAMES))], 0.03, generator),
        shirt=tuple(generator.uniform(0.04, 0.8, 3).round(4).tolist()),
        material=_jittered(materials[kind], 0.04, generator),
        material_kind=kind,
        lighting=sample_lighting(style, generator),
        camera=_sample_camera(generator, head_height),
        yaw_deg=yaw,
        pitch_deg=pitch,
        texture_seed=int(generator.integers(2**31)),
    )


def _sample_skin_detail(
    generator: np.random.Generator, femininity: float, age: float
) -> dict[str, float]:
    return {
        "redness": generator.uniform(0.15, 0.8),
        "mottling": generator.uniform(0.25, 0.9),
        "freckles": float(max(0.0, generator.normal(-0.25, 0.45))),
        "stubble": generator.uniform(0.0, 0.8) * max(0.0, 1 - 2 * femininity),
        "eye_rings": generator.uniform(0.05, 0.7),
        "wrinkles": float(np.clip(generator.normal(age, 0.12), 0.05, 1.0)),
        "gloss": generator.uniform(0.2, 0.8),
    }


def _sample_camera(generator: np.random.Generator, head_height: float) -> AvatarCamera:
    """The head fills `head_height` of the picture, and a high one is moved up."""
    return AvatarCamera(
        focal_length_mm=float(generator.uniform(50, 100)),
        roll_deg=float(generator.normal(0, 2.5)),
        head_height=head_height,
        shift_right=float(generator.normal(0, 0.02)),
        shift_up=float(generator.normal(0.0, 0.012)) + max(0.0, head_height / 2 - 0.41),
    )


def _sample_turn(generator: np.random.Generator) -> tuple[float, float]:
    """Yaw and pitch in degrees: half of the heads look near the camera, half anywhere."""
    if generator.random() < 0.5:
        yaw, pitch = generator.normal(0.0, NEAR_FRONTAL_SIGMA_DEG, 2)
    else:
        yaw = generator.uniform(-LARGEST_YAW_DEG, LARGEST_YAW_DEG)
        pitch = generator.uniform(-LARGEST_PITCH_DEG, LARGEST_PITCH_DEG)
    return (
        float(np.clip(yaw, -LARGEST_YAW_DEG, LARGEST_YAW_DEG)),
        float(np.clip(pitch, -LARGEST_PITCH_DEG, LARGEST_PITCH_DEG)),
    )


def _sample_skin_tone(generator: np.random.Generator, ancestry: Mapping[str, float]) -> Rgb:
    """Darker or fairer by where the ancestors lived, with much of a spread."""
    middle = sum(share * _TONE_PLACES[people] for people, share in ancestry.items())
    place = float(np.clip(generator.normal(middle, 0.13), 0.0, 1.0))
    return _jittered(_between(_SKIN_TONES, place), 0.025, generator)


def _sample_iris(generator: np.random.Generator, fairness: float) -> Rgb:
    dark = generator.random() > 0.75 * fairness**1.5
    tones = _IRIS_TONES[:2] if dark else _IRIS_TONES[2:]
    return _jittered(tones[generator.integers(len(tones))], 0.04, generator)


def _sample_hair_style(generator: np.random.Generator, femininity: float, african: float) -> str:
    odds = {
        style: (1 - femininity) * short + femininity * long
        for style, (short, long) in _HAIR_ODDS.items()
    }
    odds["afro"] += 3.0 * african
    odds["curly"] += 2.0 * african
    odds["buzz"] += 1.5 * african * (1 - femininity)
    return _chosen(odds, generator)


def _chosen(odds: Mapping[str, float], generator: np.random.Generator) -> str:
    shares = np.array(list(odds.values()))
    return str(generator.choice(list(odds), p=shares / shares.sum()))


def _sample_hair_colour(generator: np.random.Generator, age: float, fairness: float) -> Rgb:
    odds = np.array(_HAIR_TONE_ODDS) * np.where(np.arange(len(_HAIR_TONES)) < 2, 1.0, fairness**2)
    tone = np.array(_HAIR_TONES[generator.choice(len(_HAIR_TONES), p=odds / odds.sum())])
    grey = np.clip((age - 0.55) * 2.2 + generator.normal(0, 0.2), 0.0, 1.0) if age > 0.5 else 0.0
    return _jittered(tuple(tone + grey * (np.array(_GREY) - tone)), 0.02, generator)


def _lip_colour(skin: Rgb, red: float) -> Rgb:
    """Lips lie between a darker, redder skin and rose."""
    own = np.array(skin) * (0.92, 0.70, 0.70)
    rose = np.array((0.72, 0.30, 0.31)) * (0.55 + 0.45 * skin[0])
    mixed = own + 0.55 * red * (rose - own)
    return (float(mixed[0]), float(mixed[1]), float(mixed[2]))


def _between(tones: Sequence[Rgb], position: float) -> Rgb:
    """The colour at `position` (0..1) along a list of colours."""
    places = np.linspace(0, 1, len(tones))
    mixed = [float(np.interp(position, places, [tone[i] for tone in tones])) for i in range(3)]
    return (mixed[0], mixed[1], mixed[2])


def _jittered(colour: Sequence[float], sigma: float, generator: np.random.Generator) -> Rgb:
    levels = (np.array(colour) * np.exp(generator.normal(0, sigma, 3))).clip(0.01, 0.97)
    return (float(levels[0]), float(levels[1]), float(levels[2]))
