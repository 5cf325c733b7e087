"""The names that a model can show, in the groups in which people look for them."""

from collections.abc import Iterable
from typing import Any

from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression import (
    NAMED_EXPRESSIONS,
    NO_PRESETS,
    ExpressionMix,
    OwnPresets,
)
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

_SHAPE_GROUPS = {
    "Brows": ("brow",),
    "Eyes": ("eye",),
    "Cheeks and nose": ("cheek", "nose"),
    "Mouth": ("mouth",),
    "Jaw": ("jaw",),
}
"""What the names of a group's shapes begin with."""
_TITLES = {"Basic": "basic", "Compound": "compound", "More": "other", "Eyes, gaze, speech": "part"}


def listed_shapes(card: ModelCard) -> list[dict[str, Any]]:
    """Return the face shapes of a model: `{"group": "Brows", "names": [...]}`."""
    groups = {
        group: [n for n in ARKIT_SHAPES if n in card.controls and n.startswith(begins)]
        for group, begins in _SHAPE_GROUPS.items()
    }
    return [{"group": group, "names": names} for group, names in groups.items() if names]


def listed_expressions(card: ModelCard, own: OwnPresets = NO_PRESETS) -> list[dict[str, str]]:
    """Return the expressions that a model can show: `{"name": "happy", "group": "Basic"}`."""
    groups: dict[str, Iterable[str]] = {"Own": own}
    for title, group in _TITLES.items():
        groups[title] = [name for name, one in NAMED_EXPRESSIONS.items() if one.group == group]
    return [
        {"name": name, "group": group}
        for group, names in groups.items()
        for name in names
        if card.can_show(ExpressionMix({name: 1.0}, own=own))
    ]
