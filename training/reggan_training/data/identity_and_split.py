"""One head under one light, in several expressions; and which of them train, choose or test: the
same for every run and measure.
"""

import hashlib
import re
from collections.abc import Collection
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8

from reggan_plugin.array_types import CropPixels, SixPoints
from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop, crop_from_landmarks, cut_crop
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

RENDERED_STYLES = ("skin", "stone", "metal", "clay", "toon", "painted", "unlit")
TRACED_STYLES = RENDERED_STYLES[:4]
"""Those that Cycles draws: what is drawn, painted or unlit has no use for traced light."""
STYLES = (*RENDERED_STYLES, "photograph")
"""Styles of faces; `photograph` is a real person."""
TRAINING_STYLES = ("skin", "photograph")
"""Styles that training sees by default; all others are out of distribution and for testing."""
_OLD_STYLES = {"photo": "skin", "bronze": "metal"}
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
VALID_HELD_OUT = frozenset({"Asian_F_1", "Black_M_2", "Hispanic_M_1", "MENA_M_3", "White_F_2"})
"""Of VALID's 28 heads: five of five ancestries; chosen once, by name."""
SPLIT_FAMILIES = ("ict", "makehuman", "valid")
"""Families whose identities are divided. A user's own head is never held out."""
_NUMBER = re.compile(r"(\d+)$")


def style_of(name: str) -> str:
    """Return the style in `<style>_<number>`; without one it is `photograph`.

    The older set's `photo` and `bronze` are `skin` and `metal`.
    """
    word = name.partition("_")[0]
    style = _OLD_STYLES.get(word, word)
    return style if style in STYLES else "photograph"


def named_in_style(stem: str) -> str:
    """Name an identity by its file: `photograph_` before it if it has no style."""
    word = stem.partition("_")[0]
    has_style = "_" in stem and (word in STYLES or word in _OLD_STYLES)
    return stem if has_style else f"photograph_{stem}"


def split_of(name: str, training_styles: Collection[str] = TRAINING_STYLES) -> Split:
    """Return the split of an identity such as `skin_01017` or `photograph_kdefA_F07`.

    Of the styles to train on, numbers ending in 9 or 0 are tested on, in 8 chosen by, the rest
    trained on; a name without a number is put by a hash of it, in the same proportions. Every
    identity of another style is tested on.
    """
    if style_of(name) not in training_styles:
        return "test"
    number = _LAST_NUMBER.search(name)
    last_digit = int(number[1]) % 10 if number else stable_hash(name) % 10
    if last_digit in (0, 9):
        return "test"
    return "validation" if last_digit == 8 else "train"


def stable_hash(name: str) -> int:
    """Return a number that is the same for a name on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def is_held_out(family: str, identity: str) -> bool:
    """Whether a head is for testing only.

    Of families that sample identities these are the numbers whose last two digits are 90 to 99.
    """
    if family == "valid":
        return identity in VALID_HELD_OUT
    number = last_two_digits(family, identity)
    return number is not None and number >= 90


def last_two_digits(family: str, identity: str) -> int | None:
    """Return the number that decides, of families that sample identities; None for others."""
    number = _NUMBER.search(identity)
    return int(number[1]) % 100 if number and family in ("ict", "makehuman") else None


CANONICAL_LANDMARKS: SixPoints = np.array(
    [[0.63, 0.30], [0.37, 0.30], [0.50, 0.482], [0.603, 0.615], [0.397, 0.615], [0.50, 0.81]]
)
"""Canonical place of the face in a crop, in fractions of its side.

The proportions are the mean of the frontal neutral training faces; the size leaves room for
raised brows above and for a dropped jaw below.
"""

LEAST_FULL, LARGEST_FULL = 0.85, 1.15
"""Intensities that count as the full expression: the older avatars vary it so much."""


@frozen(eq=False)
class Identity:
    """The same head, light and camera; from view to view only the expression differs.

    If the identity is complete, view e shows expression number e in full for all of
    `EXPRESSION_NAMES`; further views follow. Else the views keep that order with gaps.

    Attributes:
        name: `<style>_<number>`, as on disk.
        style: one of `reggan_training.data.identity_and_split.STYLES`.
        images: sRGB-encoded.
        landmarks: in pixels, in the order of `LANDMARK_NAMES`.
        states: intensity of every expression in the order of `EXPRESSION_NAMES`; that of
            neutral is always 0, so that a neutral view is all zeros.
        is_plain: False where something besides the expression differs: eyes closed, mouth open.
        yaw_deg: turn of the head, positive towards the avatar's own left; NaN if unknown.
        pitch_deg: NaN if unknown.
    """

    name: str
    style: str
    images: UInt8[np.ndarray, "views height width 3"]
    landmarks: Float[np.ndarray, "views 6 2"]
    states: Float[np.ndarray, "views expressions"]
    is_plain: Bool[np.ndarray, " views"]
    yaw_deg: float = float("nan")
    pitch_deg: float = float("nan")

    @property
    def is_complete(self) -> bool:
        """True if view e shows expression number e in full, for every expression."""
        count = len(EXPRESSION_NAMES)
        return [self.full_view(e) for e in range(count)] == list(range(count))

    @property
    def has_graded_views(self) -> bool:
        """True if a plain view shows an expression in part."""
        strongest = self.states.max(axis=1)
        return bool((self.is_plain & (strongest > 0) & (strongest < LEAST_FULL)).any())

    def full_view(self, expression: int) -> int | None:
        """Find the plain view that shows an expression in full, 0 being neutral; else None."""
        wanted = np.zeros(len(EXPRESSION_NAMES))
        wanted[expression] = float(expression != 0)
        away = np.abs(self.states - wanted).max(axis=1)
        away[~self.is_plain] = np.inf
        best = int(away.argmin())
        largest = LARGEST_FULL - 1 + 1e-6 if expression else 0.0
        return best if away[best] <= largest else None

    def place_crop(self, side_px: int, view: int = 0) -> FaceCrop:
        """Return the crop that the landmarks of a view ask for."""
        landmarks = FaceLandmarks(self.landmarks[view])
        return crop_from_landmarks(landmarks, CANONICAL_LANDMARKS, side_px)

    def cut(self, view: int, crop: FaceCrop) -> CropPixels:
        """One view in a crop; float32 in [0, 1]."""
        image = self.images[view].astype(np.float32) / 255.0
        return np.clip(cut_crop(image, crop), 0.0, 1.0)


@frozen(eq=False)
class IdentityView:
    """One picture on its way into an identity, not in order yet.

    `intensity` is that of `expression`; a neutral picture has any.
    """

    expression: int
    intensity: float
    is_plain: bool
    image: UInt8[np.ndarray, "height width 3"]
    landmarks: SixPoints

    @property
    def state(self) -> Float[np.ndarray, " expressions"]:
        """State of the picture, as in `Identity.states`."""
        state = np.zeros(len(EXPRESSION_NAMES))
        if self.expression:
            state[self.expression] = self.intensity
        return state

    @property
    def order(self) -> tuple[bool, int, float]:
        """Full expressions first, in their order, the one nearest to 1 before others."""
        is_full = not self.expression or LEAST_FULL <= self.intensity <= LARGEST_FULL
        return not (is_full and self.is_plain), self.expression, abs(self.intensity - 1)


def identity_from_views(
    name: str,
    style: str,
    views: list[IdentityView],
    *,
    yaw_deg: float = float("nan"),
    pitch_deg: float = float("nan"),
) -> Identity:
    """Put the views in order; one view of each full expression comes first."""
    ordered = sorted(views, key=lambda view: view.order)
    seen: set[int] = set()
    first: list[IdentityView] = []
    further: list[IdentityView] = []
    for view in ordered:
        is_first = not view.order[0] and view.expression not in seen
        (first if is_first else further).append(view)
        if is_first:
            seen.add(view.expression)
    ordered = first + further
    return Identity(
        name=name,
        style=style,
        images=np.stack([view.image for view in ordered]),
        landmarks=np.stack([view.landmarks for view in ordered]),
        states=np.stack([view.state for view in ordered]),
        is_plain=np.array([view.is_plain for view in ordered]),
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
    )
