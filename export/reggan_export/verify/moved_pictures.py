"""Difference of two answers of a model of contract 2, measured on the pictures that they make."""

import numpy as np

from reggan_export.verify.verify_report import Difference, difference_between
from reggan_plugin.answers.batched_model import motion_answer_at
from reggan_plugin.backends.runner import Tensors
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.transfer.cut_face import CutFace, CutFrame, Picture
from reggan_plugin.transfer.paste_back import AnsweredFrame, EditedFrame
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
    results, truths = (_moved(crops, answer, card) for answer in (found, expected))
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


def _moved(crops: np.ndarray, answers: Tensors, card: ModelCard) -> list[EditedFrame]:
    """Each crop as if it were a whole frame, changed as the runtime does it."""
    planes = {name: value.transpose(0, 2, 3, 1) for name, value in answers.items()}
    side = card.image_size_px
    whole, where = (slice(0, side), slice(0, side)), FaceCrop(np.eye(2, 3), side)
    edited = []
    for place, crop in enumerate(crops):
        face = CutFace(region=whole, crop=where, display=crop, before=crop, mix=ExpressionMix())
        cut = CutFrame(picture=Picture(pixels=crop), faces=(face,))
        answer = motion_answer_at(place, planes, card.painters, crop)
        edited.append(AnsweredFrame(cut=cut, answers=(answer,)).compose())
    return edited
