"""Blends such as `happy:0.6+surprised:0.3`, their limits, and the options that they become."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BridgeError
from .vocabulary import ALL_EXPRESSIONS, EXPRESSION_NAMES, SHAPE_NAMES

MAX_INTENSITY = 1.5
"""The most that may be asked of an expression; 1 is the full expression."""
MOST_SLIDERS = 8
"""Expressions of a blend that have one."""
_NAMES = {name.lower(): name for name in (*ALL_EXPRESSIONS, *SHAPE_NAMES)}


def shares_from_blend(blend: str, *, has_presets: bool = False) -> Mapping[str, float]:
    """Share of each expression in a blend, by name; one without a number counts as 1.

    Args:
        blend: as it is typed.
        has_presets: names that are not known here may be those of one's own expressions.

    Raises:
        BridgeError: a name is unknown or stands twice, or a share is no number from 0 to 1.5.
    """
    shares: dict[str, float] = {}
    for part in blend.split("+"):
        word, colon, amount = (text.strip() for text in part.partition(":"))
        name = _NAMES.get(_key(word)) or (word if has_presets and word else None)
        if name is None or name in shares:
            found = f"{name!r} twice" if name in shares else f"{word!r}"
            raise BridgeError(
                f"The blend {blend!r} names {found}. Name each of {', '.join(EXPRESSION_NAMES)}, "
                "or another of the menu, at most once, as in happy:0.6+surprised:0.3."
            )
        shares[name] = _share(amount, blend) if colon else 1.0
    return shares


def blend_from_shares(shares: Mapping[str, float]) -> str:
    """Return the blend of these shares, as `shares_from_blend` reads it."""
    return "+".join(f"{name}:{round(share, 3):g}" for name, share in shares.items())


def names_are_alike(one: str, other: str) -> bool:
    """Tell whether the runtime takes two names for one."""
    return _key(one) == _key(other)


def _key(word: str) -> str:
    """As names are compared: in small letters, with single spaces."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def _share(amount: str, blend: str) -> float:
    try:
        share = float(amount)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= MAX_INTENSITY:  # also true of NaN
        raise BridgeError(
            f"The blend {blend!r} has {amount!r} after a colon; expected a number from 0 to "
            f"{MAX_INTENSITY}, as in happy:0.6+surprised:0.3."
        )
    return share


def write_curve(path: Path, weights: Mapping[int, Mapping[str, float]]) -> None:
    """Write how much of each expression and face shape is wanted at every frame.

    Args:
        path: the .csv file.
        weights: by frame, then by name; to three decimals, 0 to 1.5.

    Raises:
        BridgeError: something is more than 1.5.
    """
    rows = [
        (frame, name, round(value, 3))
        for frame, by_name in sorted(weights.items())
        for name, value in by_name.items()
    ]
    for frame, name, value in rows:
        if value > MAX_INTENSITY:
            raise BridgeError(
                f"At frame {frame} the intensity asks for {value:g} of {name}; the most is "
                f"{MAX_INTENSITY}. Lower the intensity there, or the blend."
            )
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("frame", "expression", "value"), *rows])


def fit_arguments(gains: Iterable[tuple[str, float, float]], asymmetry: float) -> list[str]:
    """Return the options that fit a take to a face, as `render` and `curves` take them.

    Args:
        gains: a shape or a word for several, its gain and its offset.
        asymmetry: how much of the difference between left and right is kept, 0 to 1.
    """
    lines = [f"--curves-gain={word}={gain:g},{offset:g}" for word, gain, offset in gains]
    return [*lines, *([] if asymmetry == 1 else [f"--curves-asymmetry={asymmetry:g}"])]


@dataclass(frozen=True, kw_only=True)
class PanelRequest:
    """An expression, still or over time.

    Attributes:
        blend: expressions by name, with or without shares; empty for face shapes alone.
        shapes: weights of face shapes that are laid over, 0 to 1.5.
        intensity: multiplies all of it, 0 to 1.5.
        adds: lay expressions over what the face shows, too.
        presets: a file of one's own expressions, which `blend` may name.
        curve: a file of expressions and shapes by frame, in place of `blend` and `shapes`, into
            which the intensity went.
        take: the file of a recorded performance, in place of `blend` and `shapes`.
        take_options: options that say how it lies in the shot, and fit it to the face.
        name: what results are called after, where that is no expression.
        dropped: what is not done of what was asked, in words.
    """

    blend: str = ""
    shapes: Mapping[str, float] = field(default_factory=dict)
    intensity: float = 1.0
    adds: bool = False
    presets: Path | None = None
    curve: Path | None = None
    take: Path | None = None
    take_options: Sequence[str] = ()
    name: str = ""
    dropped: str = ""

    @property
    def label(self) -> str:
        """The part of results' names."""
        if self.take is not None:
            return self.take.stem
        if self.name:
            return self.name
        names = [part.partition(":")[0].strip() for part in self.blend.split("+")]
        return "_".join(name.lower().replace(" ", "_") for name in names if name) or "shapes"

    def document(self) -> dict[str, Any]:
        """As `live` takes it; of one that is still."""
        shares = shares_from_blend(self.blend, has_presets=True) if self.blend else {}
        weights = {**shares, **self.shapes}
        return {"weights": weights, "intensity": self.intensity, "adds": self.adds}

    def arguments(self) -> list[str]:
        """As the commands take it that change faces."""
        presets = [] if self.presets is None else ["--presets", str(self.presets)]
        return [*self._what(), *(["--add"] if self.adds else []), *presets]

    def _what(self) -> list[str]:
        if self.curve is not None:
            return ["--intensity-curve", str(self.curve)]
        intensity = ["--intensity", f"{self.intensity:.3f}"]
        if self.take is not None:
            return ["--curves", str(self.take), *self.take_options, *intensity]
        shapes = [f"--shape={name}={weight:.3f}" for name, weight in self.shapes.items()]
        return [*(["--expression", self.blend] if self.blend else []), *shapes, *intensity]
