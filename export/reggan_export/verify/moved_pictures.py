"""Difference of two answers of a model of contract 2, measured on the pictures that they make."""

from collections.abc import Mapping

import numpy as np

from reggan_export.verify.verify_report import Difference, difference_between
from reggan_plugin.backends.runner import Tensors
from reggan_plugin.change.picture import EditedFrame
from reggan_plugin.change.pipeline import answer_faces, change_crop
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.answer_source import source_from_card
from reggan_plugin.vocabulary.expression_mix import ExpressionMix

_LEVELS = 255


def compare_moved_pictures(
    card: ModelCard, inputs: Tensors, expected: Tensors, found: Tensors
) -> dict[str, Difference]:
    """Of the crops after the change; the mean is taken where either answer changes anything."""
    if {name: value.shape for name, value in found.items()} != {
        name: value.shape for name, value in expected.items()
    }:
        return {"picture": difference_between(np.zeros(0), np.ones(1))}
    crops = inputs["image"].transpose(0, 2, 3, 1)
    results, truths = (_moved(crops, outputs, card) for outputs in (found, expected))
    seen = [
        np.maximum(result.weight, truth.weight) > 0
        for result, truth in zip(results, truths, strict=True)
    ]
    return {
        "picture": difference_between(
            _LEVELS * np.stack([result.pixels for result in results]),
            _LEVELS * np.stack([truth.pixels for truth in truths]),
            counted=np.stack(seen)[..., None],
        )
    }


class _Recorded:
    """What a model said before, as a runner."""

    device, reason = "recorded", "it has answered already"
    metadata: Mapping[str, str] = {}

    def __init__(self, outputs: Tensors) -> None:
        self._outputs = outputs

    def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:  # noqa: ARG002
        return self._outputs


def _moved(crops: np.ndarray, outputs: Tensors, card: ModelCard) -> list[EditedFrame]:
    """Each crop as if it were a whole frame, changed as the runtime does it."""
    source = source_from_card(_Recorded(outputs), card, len(crops))
    answers = answer_faces(source, list(crops), [ExpressionMix()] * len(crops))
    return [change_crop(crop, answer) for crop, answer in zip(crops, answers, strict=True)]
