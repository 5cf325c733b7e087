"""The detail sliders of a head: which morph stands for either sign, and how much heads differ."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Slider:
    """One slider: the path of a morph for each sign and its standard deviation.

    `{side}` in a path stands for l and r. A morph without an opposite moves one way only.
    """

    negative: str
    positive: str
    deviation: float

    def target(self, value: float) -> str:
        """The morph that a value of this sign weighs."""
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


_SIDED = ("cheek", "ears", "eyes")
_SIZE, _UP, _OUT, _BACK = "decr|incr", "down|up", "in|out", "backward|forward"

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
