"""Expression vectors of a verification, by the label that the report shows."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression_mix import parse_expression_mix

_BLEND = (0.6, 0.3)

Vectors = Mapping[str, Float[np.ndarray, " entries"]]


def single_vectors(card: ModelCard) -> Vectors:
    """Each named expression that a model can show, whole and at half intensity."""
    names = _shown_names(card)
    labels = [*names, *(f"{name}:0.5" for name in names)]
    return {label: _vector_of(label, card) for label in labels}


def asked_vectors(card: ModelCard) -> Vectors:
    """The same and a blend."""
    vectors = dict(single_vectors(card))
    if len(names := _shown_names(card)) > 1:
        first, second = names[-2:]
        blend = f"{first}:{_BLEND[0]:g}+{second}:{_BLEND[1]:g}"
        vectors[blend] = _vector_of(blend, card)
    return vectors


def _shown_names(card: ModelCard) -> list[str]:
    return [name for name in card.names if card.can_show(parse_expression_mix(name))]


def _vector_of(label: str, card: ModelCard) -> Float[np.ndarray, " entries"]:
    return np.array(card.vector_of(parse_expression_mix(label)), np.float32)
