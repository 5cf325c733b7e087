"""The shape of one head, from ancestry to asymmetry, and what is cut from the base mesh in it.

Metres; z up; x to the right of a picture of the face, which is the avatar's own left; the face
looks along −y.
"""

from collections.abc import Mapping
from dataclasses import field
from itertools import product

import numpy as np
from jaxtyping import Int

from reggan_plugin.frozen import frozen
from reggan_training.heads.anatomy.assets import Faces, HeadAssets, ObjMesh, Points, part_of_mesh
from reggan_training.heads.anatomy.eyes import Eye

_SIDED = ("cheek", "ears", "eyes")
_SIZE, _UP, _OUT, _BACK = "decr|incr", "down|up", "in|out", "backward|forward"
ASYMMETRIES = (
    *(f"asym-brown-{number}" for number in (1, 2)),
    *(f"asym-cheek-{number}" for number in (1, 2)),
    *(f"asym-ear-{number}" for number in (1, 2, 3, 4)),
    *(f"asym-eye-{number}" for number in (1, 2, 3, 4, 5, 6, 7)),
    *(f"asym-jaw-{number}" for number in (1, 2, 3)),
    *(f"asym-nose-{number}" for number in (1, 2, 3, 4)),
    *(f"asym-temple-{number}" for number in (1, 2)),
    *(f"asym-top-{number}" for number in (1, 2)),
)
"""Morphs that make one side differ, each with an -l and an -r file; the mouth's are left out."""
ANCESTRIES = ("african", "asian", "caucasian")
_SLIDER_LIMIT = 0.75
_MAX_ASYMMETRY = 0.18
_EXAGGERATION = (0.6, 1.2)
"""How far the details of a head go."""
_CUT_BELOW, _CUT_BESIDE = 0.47, 0.185  # of the base mesh, in metres: shoulders without arms
EYE_GROUPS = {"left": "helper-l-eye", "right": "helper-r-eye"}
NOSE_TIP, CHIN = 5054, 5171
MOUTH_CORNERS = {"left": 10403, "right": 3735}


@frozen(kw_only=False)
class Slider:
    """One slider: the path of a morph for each sign and its standard deviation.

    `{side}` in a path stands for l and r. A morph without an opposite moves one way only.
    """

    negative: str
    positive: str
    deviation: float

    def target(self, value: float) -> str:
        """Name the morph that a value of this sign weighs."""
        return self.positive if value >= 0 else self.negative


def _sliders(
    folder: str, prefix: str, deviation: float, ways: str, names: str
) -> dict[str, Slider]:
    low, _, high = ways.partition("|")
    path = f"{folder}/{{side}}-{prefix}-" if folder in _SIDED else f"{folder}/{prefix}-"
    return {
        f"{prefix}-{name}" + ("" if low == "decr" else f"-{high}"): Slider(
            f"{path}{name}-{low}", f"{path}{name}-{high}", deviation
        )
        for name in names.split()
    }


def _shapes(folder: str, prefix: str, deviation: float, names: str) -> dict[str, Slider]:
    path = f"{folder}/{{side}}-{prefix}-" if folder in _SIDED else f"{folder}/{prefix}-"
    return {f"{prefix}-{name}": Slider("", path + name, deviation) for name in names.split()}


# Morphs that shift the mouth, the head or the neck as a whole are left out: they take the lips
# off the teeth and the face out of the picture.
SLIDERS: Mapping[str, Slider] = {
    **_sliders("cheek", "cheek", 0.30, _SIZE, "bones inner volume"),
    **_sliders("cheek", "cheek", 0.30, _UP, "trans"),
    **_sliders("chin", "chin", 0.28, _SIZE, "bones cleft height prominent width"),
    **_sliders("chin", "chin", 0.20, _SIZE, "jaw-drop prognathism"),
    **_shapes("chin", "chin", 0.25, "triangle"),
    **_sliders("ears", "ear", 0.30, _SIZE, "flap lobe scale scale-depth scale-vert wing"),
    **_sliders("ears", "ear", 0.25, _BACK, "rot trans"),
    **_sliders("ears", "ear", 0.25, _UP, "trans"),
    **_shapes("ears", "ear", 0.20, "shape-pointed shape-round shape-square shape-triangle"),
    **_sliders("eyebrows", "eyebrows", 0.25, _UP, "angle trans"),
    **_sliders("eyebrows", "eyebrows", 0.25, _BACK, "trans"),
    **_sliders("eyes", "eye", 0.25, _SIZE, "bag bag-height height1 height2 height3 scale"),
    **_sliders("eyes", "eye", 0.25, _OUT, "bag epicanthus push1 push2 trans"),
    **_sliders("eyes", "eye", 0.25, _UP, "corner1 corner2 eyefold-angle eyefold trans"),
    **_sliders("eyes", "eye", 0.25, "concave|convex", "eyefold"),
    **_sliders("forehead", "forehead", 0.30, _SIZE, "nubian scale-vert temple"),
    **_sliders("forehead", "forehead", 0.25, _BACK, "trans"),
    **_sliders("head", "head", 0.25, _SIZE, "age back-scale-depth fat scale-depth"),
    **_sliders("head", "head", 0.25, _SIZE, "scale-horiz scale-vert"),
    **_sliders("head", "head", 0.25, _OUT, "angle"),
    **_shapes("head", "head", 0.30, "diamond invertedtriangular oval rectangular round"),
    **_shapes("head", "head", 0.30, "square triangular"),
    **_sliders("mouth", "mouth", 0.25, _SIZE, "cupidsbow cupidsbow-width philtrum-volume"),
    **_sliders("mouth", "mouth", 0.28, _SIZE, "lowerlip-height lowerlip-volume lowerlip-width"),
    **_sliders("mouth", "mouth", 0.28, _SIZE, "upperlip-height upperlip-volume upperlip-width"),
    **_sliders("mouth", "mouth", 0.25, _SIZE, "scale-horiz scale-vert"),
    **_sliders("mouth", "mouth", 0.15, _SIZE, "scale-depth"),
    **_sliders("mouth", "mouth", 0.15, _UP, "angles lowerlip-ext upperlip-ext"),
    **_sliders("mouth", "mouth", 0.20, _OUT, "dimples laugh-lines"),
    **_sliders("neck", "neck", 0.25, _SIZE, "back-scale-depth double scale-depth scale-horiz"),
    **_sliders("nose", "nose", 0.28, _SIZE, "flaring greek hump nostrils-width point-width"),
    **_sliders("nose", "nose", 0.28, _SIZE, "scale-depth scale-horiz scale-vert septumangle"),
    **_sliders("nose", "nose", 0.28, _SIZE, "volume width1 width2 width3"),
    **_sliders("nose", "nose", 0.28, _UP, "base nostrils-angle point"),
    **_sliders("nose", "nose", 0.20, _UP, "trans"),
    **_sliders("nose", "nose", 0.20, _BACK, "trans"),
    **_sliders("nose", "nose", 0.28, "compress|uncompress", "compression"),
    **_sliders("nose", "nose", 0.28, "concave|convex", "curve"),
}


@frozen
class HeadShape:
    """One head's shape.

    Attributes:
        ancestry: share of each of `ANCESTRIES`, summing to 1.
        gender: 0 = female … 1 = male.
        age: 0 = a young adult … 1 = old; below 0 towards a child (−1).
        weight: −1 = thin … 1 = heavy.
        sliders: value of each detail slider by its name, −1 … 1.
        asymmetry: by the name of its morph, −: the left side, +: the right side, −1 … 1.
    """

    ancestry: Mapping[str, float] = field(default_factory=lambda: {"caucasian": 1.0})
    gender: float = 0.5
    age: float = 0.0
    weight: float = 0.0
    sliders: Mapping[str, float] = field(default_factory=dict)
    asymmetry: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = {*self.ancestry} - {*ANCESTRIES}
        unknown |= {*self.sliders} - {*SLIDERS} | {*self.asymmetry} - {*ASYMMETRIES}
        if unknown:
            raise ValueError(f"no ancestry, slider or asymmetry is called {sorted(unknown)}")
        if abs(sum(self.ancestry.values()) - 1) > 1e-6:
            raise ValueError(f"ancestry must sum to 1: {dict(self.ancestry)}")

    def target_weights(self) -> dict[str, float]:
        """Return the weight of every morph that this shape uses."""
        weights: dict[str, float] = {}
        genders = {"female": 1 - self.gender, "male": self.gender}
        ages = {"young": 1 - abs(self.age), "old": max(self.age, 0), "child": max(-self.age, 0)}
        for (people, share), (sex, part), (stage, level) in product(
            self.ancestry.items(), genders.items(), ages.items()
        ):
            weights[f"macrodetails/{people}-{sex}-{stage}"] = share * part * level
        builds = {
            "averageweight": 1 - abs(self.weight),
            "maxweight": max(self.weight, 0),
            "minweight": max(-self.weight, 0),
        }
        ages = {"young": 1 - max(self.age, 0), "old": max(self.age, 0)}
        for (sex, part), (stage, level), (build, share) in product(
            genders.items(), ages.items(), builds.items()
        ):
            name = f"macrodetails/universal-{sex}-{stage}-averagemuscle-{build}"
            weights[name] = part * level * share
        for name, value in self.sliders.items():
            target = SLIDERS[name].target(value)
            sides = ("l", "r") if "{side}" in target else ("",)
            if target:
                weights |= {target.format(side=side): abs(value) for side in sides}
        for name, value in self.asymmetry.items():
            weights[f"asym/{name}-{'l' if value < 0 else 'r'}"] = abs(value)
        return {name: weight for name, weight in weights.items() if weight > 0}


def sample_shape(random: np.random.Generator) -> HeadShape:
    """Draw a head at random, its details from faint to strong."""
    exaggeration = float(random.uniform(*_EXAGGERATION))
    shares = random.dirichlet(np.full(len(ANCESTRIES), 0.7))
    age = float(random.choice([random.uniform(-0.15, 0.15), random.beta(1.1, 1.3)]))
    sliders = {}
    for name, slider in SLIDERS.items():
        least = 0.0 if slider.negative == "" else -_SLIDER_LIMIT
        value = np.clip(random.normal(0.0, slider.deviation), least, _SLIDER_LIMIT)
        sliders[name] = float(value) * exaggeration
    rounded = [round(float(share), 3) for share in shares[:-1]]
    rounded.append(round(1 - sum(rounded), 3))
    return HeadShape(
        ancestry=dict(zip(ANCESTRIES, rounded, strict=True)),
        gender=round(float(random.beta(0.45, 0.45)), 3),
        age=round(age, 3),
        weight=round(float(np.clip(random.normal(0.0, 0.4), -0.9, 0.9)), 3),
        sliders={name: round(value, 3) for name, value in sliders.items()},
        asymmetry={
            name: round(float(random.uniform(-_MAX_ASYMMETRY, _MAX_ASYMMETRY)), 3)
            for name in ASYMMETRIES
        },
    )


def shaped_body(assets: HeadAssets, shape: HeadShape) -> Points:
    """Shape the whole base mesh, in metres, where the asset's own origin has it."""
    body = assets.base.points.copy()
    for name, weight in shape.target_weights().items():
        target = assets.target(name)
        body[target.rows] += weight * target.offsets
    return body


def head_skin(base: ObjMesh) -> tuple[Faces, Int[np.ndarray, " points"]]:
    """Faces of the skin cut from the base mesh, and which of its points they join."""
    body = base.groups["body"]
    is_kept = (base.points[:, 2] > _CUT_BELOW) & (np.abs(base.points[:, 0]) < _CUT_BESIDE)
    return part_of_mesh(base, body[is_kept[base.faces[body]].all(axis=1)])


def fitted_eye(points: Points) -> Eye:
    """Fit the sphere that the points of an eyeball's helper lie on."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    distances = np.linalg.norm(points - centre, axis=1)
    return Eye(centre=centre, radius=float(np.median(distances)))
