"""The change of one face: motion of surfaces, their light, and new paint; and what makes it.

    y(q) = (1 - cover(q)) * exp(gain(q)) * x(q + motion(q)) + cover(q) * paint(q)

on linear light; q is a place in the crop, in parts of its side. All arrays span the whole crop,
whatever their number of rows: cell i of h has its centre at (i + 0.5) / h.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import UnusableAnswerError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import ShownFace
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

COVER_BEGINS, COVER_ENDS = 0.25, 0.75
"""A model that is not sure answers with half a cover, which would show the old surface and the new
one at once. So cover is steepened between these two, at the resolution of the frame."""


@frozen(eq=False)
class Painter:
    """Cover and paint of a part of the crop at a resolution of its own.

    Attributes:
        window: left, top, right, bottom in parts of the crop's side; a square.
        cover: in [0, 1].
        paint: sRGB-encoded, [0, 1].
    """

    window: tuple[float, float, float, float]
    cover: Float[np.ndarray, "side side 1"]
    paint: Float[np.ndarray, "paint_side paint_side 3"]


@frozen(eq=False)
class Answer:
    """The change of one face, whatever made it.

    Attributes:
        motion: (x, y) from a place to where its surface is in the source, in parts of the side.
        gain: natural logarithm of the factor on linear light, at the target; grey or RGB.
        cover: 0 where the source shows the surface, 1 where paint stands in for it.
        paint: sRGB-encoded, [0, 1].
        painters: replace cover and paint inside their windows.
        front: 1 where something stands before the face, which stays as it is; None if nothing does.
        head: 1 where the head itself is, which moves over what is beside and behind it; None if
            that moves along.
    """

    motion: Float[np.ndarray, "cells cells 2"]
    gain: Float[np.ndarray, "gain_cells gain_cells channels"]
    cover: Float[np.ndarray, "cover_side cover_side 1"]
    paint: Float[np.ndarray, "paint_side paint_side 3"]
    painters: tuple[Painter, ...] = ()
    front: Float[np.ndarray, "front_side front_side 1"] | None = None
    head: Float[np.ndarray, "head_side head_side 1"] | None = None


@runtime_checkable
class AnswerSource(Protocol):
    """What makes answers: a model, or whatever else knows how a face changes."""

    @property
    def card(self) -> ModelCard:
        """Its name, what it can be asked for, and where a crop puts the face."""
        ...

    @property
    def side_px(self) -> int:
        """Side of the square crop that it wants to see."""
        ...

    @property
    def batch(self) -> int:
        """Faces that are best given at once."""
        ...

    def answer(
        self,
        faces: Sequence[ShownFace],
        mixes: Sequence[ExpressionMix],
        known: Sequence[FaceInShot | None] | None = None,
    ) -> list[Answer]:
        """Answer for each face; values need not be finite.

        Args:
            faces: crops of `side_px`.
            mixes: what each is asked for; none is empty.
            known: what a shot says of each, in parts of the crop's side.

        Raises:
            ModelError: the model answers with something that is no change of a face.
            DeviceMemoryError: not even one face fits into the device's memory.
        """
        ...


def finite(answer: Answer) -> Answer:
    """Bring an answer into its ranges, as float32; NaN becomes 0. All that follows relies on it."""
    return replace(
        answer,
        motion=_within(answer.motion, -1.0, 1.0),
        gain=np.nan_to_num(answer.gain).astype(np.float32),
        cover=_within(answer.cover, 0.0, 1.0),
        paint=_within(answer.paint, 0.0, 1.0),
        painters=tuple(
            replace(one, cover=_within(one.cover, 0.0, 1.0), paint=_within(one.paint, 0.0, 1.0))
            for one in answer.painters
        ),
    )


def _within(
    values: Float[np.ndarray, "*shape"], low: float, high: float
) -> Float[np.ndarray, "*shape"]:
    clipped = np.clip(values, low, high).astype(np.float32, copy=False)
    return np.nan_to_num(clipped) if np.isnan(clipped).any() else clipped


_LARGEST: Mapping[str, float] = {
    "points": 3.0,
    "motion": 3.0,
    "label": 10.0,
    "mix": 10.0,
    "gain": 10.0,
}
_LARGEST_OF_OTHERS = 1000.0
"""What a model's outputs may hold, far beyond what sound ones do: beside these, values are brought
into their ranges."""


def refuse_unsound(outputs: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    """Refuse outputs of a model that are no numbers of a face; all models pass here once.

    Args:
        outputs: by name.
        names: of those that are used.

    Raises:
        UnusableAnswerError: a value is not finite, or huge.
    """
    for name in names:
        values, largest = outputs[name], _LARGEST.get(name, _LARGEST_OF_OTHERS)
        if not values.size or max(-float(values.min()), float(values.max())) <= largest:
            continue  # NaN is not
        count = int(values.size - np.isfinite(values).sum())
        found = f"{count} of {values.size} values are not finite"
        if not count:
            found = f"the largest is {float(np.abs(values).max()):.3g}"
        raise UnusableAnswerError(
            f"The model's answer to this face is unusable: of its {name}, {found}; expected "
            f"numbers from {-largest:g} to {largest:g}. Use another model, or export it again."
        )
