"""`[character.hero]` of a settings file: how a take is fitted to a face that is not the actor's.

    [character.hero]
    brows = 1.4                             # all shapes of the brows, 1.4 times as strong
    smile = 0.9
    jawOpen = { gain = 0.8, offset = 0.02 } # 0.8 times the weight, and 0.02 more
    asymmetry = 0.5                         # half of the difference between left and right

A word that names fewer shapes counts more: `smile` before `mouth`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.curves.take import Take
from reggan_plugin.errors import UsageError, counted
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, MAX_WEIGHT, mirrored_name, shapes_of

MOST_GAIN = 5.0
ASYMMETRY = "asymmetry"
"""Beside shapes and their words in a table."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    name: tuple(shape for shape in ARKIT_SHAPES if shape.startswith(stems))
    for name, stems in {
        "brows": ("brow",),
        "blink": ("eyeBlink",),
        "lids": ("eyeBlink", "eyeSquint", "eyeWide"),
        "gaze": ("eyeLook",),
        "cheeks": ("cheek",),
        "nose": ("nose",),
        "jaw": ("jaw", "mouthClose"),
        "smile": ("mouthSmile",),
        "mouth": ("mouth",),
    }.items()
}
"""Words for several shapes. `mouthClose` goes with the jaw that it closes: so lips that meet do."""
_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
"""What TOML takes without quotes."""
_MOST_BLINK = 1.0
"""Of a weight of `eyeBlink`, at which lids meet."""
_SHUTS = 4
"""Power by which a blink with a gain below 1 comes back to 1 as the lids meet."""
_LEARNT_FROM, _LEARNT_UP_TO = 0.5, 3.0
_PEAK, _REST = 99.0, 5.0
"""Percentiles of a take that count as a shape in full and at rest."""
_LEAST_PEAK, _LEAST_REST, _NEARLY = 0.15, 0.03, 0.95
"""Weights: less is no peak to learn from, and no offset."""


@frozen(eq=False)
class Retargeting:
    """How the weights of a take become those of a character.

    Attributes:
        gains: by ARKit shape; 1 where none stands.
        offsets: added behind the gain, likewise 0.
        asymmetry: how much of the difference between left and right is kept.
    """

    gains: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    asymmetry: float = 1.0


def retargeting_from_table(table: Any, where: str) -> Retargeting:
    """Read the table of a character; messages begin with `where` it stands.

    Raises:
        UsageError: it names what is no shape, or a number is out of range.
    """

    def refuse(what: str) -> UsageError:
        return UsageError(f"{where}: {what}")

    if not isinstance(table, dict):
        raise refuse("it is no table; expected lines such as brows = 1.4.")
    asymmetry = table.get(ASYMMETRY, 1.0)
    if not _is_number(asymmetry, 0.0, 1.0):
        raise refuse(f"asymmetry is {asymmetry!r}; it goes from 0 (none) to 1 (as it was).")
    asked: list[tuple[tuple[str, ...], float, float]] = []
    for word, value in table.items():
        if word == ASYMMETRY:
            continue
        shapes = GROUPS.get(word.lower()) or shapes_of(word)
        if not shapes or not set(shapes) <= set(ARKIT_SHAPES):
            raise refuse(
                f"{word!r} is neither a face shape nor one of {', '.join(GROUPS)}, {ASYMMETRY}."
            )
        parts = value if isinstance(value, dict) else {"gain": value}
        gain, offset = parts.get("gain", 1.0), parts.get("offset", 0.0)
        if set(parts) - {"gain", "offset"} or not _is_number(gain, 0.0, MOST_GAIN):
            raise refuse(f"{word} is {value!r}; expected a gain from 0 to {MOST_GAIN:g}.")
        if not _is_number(offset, -1.0, 1.0):
            raise refuse(f"{word} has the offset {offset!r}; it goes from -1 to 1.")
        asked.append((shapes, float(gain), float(offset)))
    gains: dict[str, float] = {}
    offsets: dict[str, float] = {}
    for shapes, gain, offset in sorted(asked, key=lambda one: -len(one[0])):
        gains |= dict.fromkeys(shapes, gain)
        offsets |= dict.fromkeys(shapes, offset)
    return Retargeting(gains=gains, offsets=offsets, asymmetry=float(asymmetry))


def gains_from_texts(texts: Iterable[str], where: str) -> dict[str, dict[str, float]]:
    """Return the table that `brows=1.4` and `jawOpen=0.8,0.02` say: gain, and offset.

    Raises:
        UsageError: a text says none; the message begins with `where` it stands.
    """
    table = {}
    for text in texts:
        word, _, amount = text.partition("=")
        gain, comma, offset = amount.partition(",")
        try:
            table[word.strip()] = {"gain": float(gain), "offset": float(offset) if comma else 0.0}
        except ValueError:
            raise UsageError(
                f"{where}: {text[:80]!r} is no name and gain; write brows=1.4, or with an offset "
                "jawOpen=0.8,0.02."
            ) from None
    return table


def retargeted(take: Take, fitted: Retargeting) -> Take:
    """Return a take with a character's gains and offsets; a note says if it has none of the shapes
    that they are of.
    """
    weights = fitted_weights(take.weights, take.names, fitted)
    if not fitted.gains or fitted.gains.keys() & set(take.names):
        return replace(take, weights=weights)
    first = min(fitted.gains)
    note = f"No gain counts: the take has none of the {counted(len(fitted.gains), 'shape')} that "
    note += f"they are of, such as {first}."
    return replace(take, weights=weights, notes=(*take.notes, note))


def fitted_weights(
    weights: Float[np.ndarray, "rows names"], names: Sequence[str], fitted: Retargeting
) -> Float[np.ndarray, "rows names"]:
    """Return weights with a character's gains and offsets."""
    made = weights.copy()
    if fitted.asymmetry < 1:
        for place, name in enumerate(names):
            other = mirrored_name(name)
            if name.endswith(("Left", "Right")) and not _is_sideways(name) and other in names:
                half = (weights[:, place] + weights[:, names.index(other)]) / 2
                made[:, place] = half + fitted.asymmetry * (weights[:, place] - half)
    for place, name in enumerate(names):
        gain, column = fitted.gains.get(name, 1.0), made[:, place]
        is_blink = name.startswith("eyeBlink")
        if is_blink and gain < 1:
            column = gain * column + (1 - gain) * column**_SHUTS
        else:
            column = gain * column
        column = column + fitted.offsets.get(name, 0.0)
        made[:, place] = np.clip(column, 0, _MOST_BLINK if is_blink else MAX_WEIGHT)
    return made


def text_of_table(name: str, table: Mapping[str, Any]) -> str:
    """Return a table that `retargeting_from_table` reads, as `[character.NAME]` in TOML."""
    lines = [
        f"{word} = {value:g}"
        if not isinstance(value, Mapping)
        else f"{word} = {{ {', '.join(f'{part} = {one:g}' for part, one in value.items())} }}"
        for word, value in table.items()
    ]
    key = name if _BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return "\n".join([f"[character.{key}]", *lines]) + "\n"


def table_learnt_from(take: Take) -> dict[str, dict[str, float]]:
    """Return the table of a character, learnt from a take in which each shape is shown in full.

    The actor's fullest frown, smile and so on become 1. What moves too little to tell is left out.

    Raises:
        UsageError: nothing moves enough.
    """
    table: dict[str, dict[str, float]] = {}
    for place, shape in enumerate(take.names):
        if shape not in ARKIT_SHAPES:
            continue
        values: Float[np.ndarray, " rows"] = take.weights[:, place]
        rest, peak = (float(np.percentile(values, share)) for share in (_REST, _PEAK))
        rest = rest if rest >= _LEAST_REST else 0.0
        if peak - rest < _LEAST_PEAK:
            continue
        gain = float(np.clip(1 / (peak - rest), _LEARNT_FROM, _LEARNT_UP_TO))
        gain = min(gain, 1 / rest) if rest else gain  # whose offset takes the rest to 0
        table[shape] = {"gain": round(gain, 2)}
        if rest:
            table[shape]["offset"] = max(-1.0, round(-gain * rest, 2))
    if not table:
        raise UsageError(
            f"No shape of this take reaches {_LEAST_PEAK:g}, so that there is nothing to learn "
            "from. Expected a range of motion: every part of the face moved as far as it goes."
        )
    return table


def told_of_table(take: Take, table: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Sentences on shapes that a learnt table does not bring to 1 in its take."""
    peaks = dict(zip(take.names, np.percentile(take.weights, _PEAK, axis=0), strict=True))
    moves = {
        one: peak for one, peak in peaks.items() if one in ARKIT_SHAPES and peak >= _LEAST_REST
    }
    still = [f"{one} ({peak:.2g})" for one, peak in moves.items() if one not in table]
    short = [
        f"{one} ({peak:.2g})"
        for one, peak in moves.items()
        if one in table and table[one]["gain"] * peak + table[one].get("offset", 0) < _NEARLY
    ]
    told = [
        (still, f"move by less than {_LEAST_PEAK:g}, too little to tell, and stay as they are"),
        (short, f"do not reach 1: no gain is above {_LEARNT_UP_TO:g}"),
    ]
    return [f"These {words}: {', '.join(shapes)}." for shapes, words in told if shapes]


def _is_sideways(name: str) -> bool:
    """Tell whether both sides are ways of one part, or of the eyes, and not two halves alike."""
    return name.startswith(("jaw", "eyeLook")) or name in ("mouthLeft", "mouthRight")


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
