"""Did you mean …? Names that come near to one that is not known, by letters and by meaning."""

import math
from collections.abc import Iterable, Iterator, Mapping

from reggan_plugin.vocabulary.expression import Expression

_ALIKE_IN_MEANING, _ALIKE_IN_LETTERS = 0.8, 0.6
_MOST = 3
_BEGINNING = 4
"""Letters: of names that are alike, those that begin so come first (*smiling*: *smile*)."""


def did_you_mean(key: str, names: Mapping[str, str], expressions: Iterable[Expression]) -> str:
    """Return a hint for a word that names no expression; empty if nothing is near.

    Args:
        key: the word.
        names: what may be meant, by how it is written.
        expressions: whose meanings count.
    """
    alike = _close(key, names, 9)
    by_letters = sorted(alike, key=lambda one: not one.startswith(key[:_BEGINNING]))[:2]
    near = [*_near_in_meaning(key, expressions), *(names[one] for one in by_letters)]
    found = list(dict.fromkeys(near))[:_MOST]
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""


def shape_meant(key: str, shapes: Mapping[str, str]) -> str:
    """Return the same for a word that names no face shape."""
    near = [shapes[one] for one in _close(key, shapes, _MOST)]
    return f" Did you mean {' or '.join(near)}?" if near else ""


def nearest_in_weights(name: str, names: Iterable[str], named: Mapping[str, Expression]) -> str:
    """Return a hint to the one of some expressions whose face shapes are most like those of
    another.
    """
    wanted = named[name].weights if name in named else {name: 1.0}
    likeness = {other: _likeness(wanted, named[other].weights) for other in names if other in named}
    best = max(likeness, key=likeness.__getitem__, default="")
    return f" The nearest of these is {best!r}." if likeness.get(best, 0.0) > 0 else ""


def _near_in_meaning(key: str, expressions: Iterable[Expression]) -> Iterator[str]:
    for expression in expressions:
        words = [word for word in expression.meanings if word in key.split() or word == key]
        if words or _close(key, expression.meanings, 1, _ALIKE_IN_MEANING):
            yield expression.name


def _close(
    key: str, words: Iterable[str], most: int, alike: float = _ALIKE_IN_LETTERS
) -> list[str]:
    from difflib import get_close_matches  # few mistype

    return get_close_matches(key, list(words), most, alike)


def _likeness(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Cosine of the angle between two sets of weights; 0 for those of neutral."""
    lengths = [math.hypot(*weights.values()) for weights in (one, other)]
    product = sum(weight * other.get(shape, 0.0) for shape, weight in one.items())
    return product / math.prod(lengths) if all(lengths) else 0.0
