"""Weights of an exported model as a run's first ones, as far as they fit."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.errors import ModelError, UsageError
from reggan_plugin.models.model_card import MOTION_CONTRACT
from reggan_plugin.models.shipped_models import find_model
from reggan_training.contract_1.initial_weights import read_model_file


class EarlierModel:
    """A model of contract 2 that a run starts from.

    Args:
        model: an .onnx that `export onnx` wrote, or the name of one that ships; None for a clean
            start, which gives nothing.

    Attributes:
        facts: what a run's record says of it; None for a clean start.

    Raises:
        UnknownModelError: there is no such model.
        UsageError: it has no face shapes.
        MissingExtraError: the package `onnx` is not installed.
        ModelError: the file is damaged or not ours.
    """

    def __init__(self, model: str | Path | None) -> None:
        self._tensors: Mapping[str, Tensor] = {}
        self.facts: Mapping[str, Any] | None = None
        if model is None:
            return
        path = find_model(model)
        stored = read_model_file(path)
        if stored.card.contract != MOTION_CONTRACT:
            raise UsageError(
                f"{path.name} has named expressions (contract {stored.card.contract}), and motion "
                f"starts from face shapes (contract {MOTION_CONTRACT}). Start from motion.onnx or "
                "a model that export onnx wrote of a train-motion run, or from nothing.",
                kind="start-of-other-contract",
            )
        self._tensors = stored.tensors
        self.facts = {
            "name": stored.card.name,
            "version": stored.card.version,
            "sha256": stored.sha256,
            "images_seen": stored.card.training.get("images_seen", 0),
        }

    def start(self, module: nn.Module, prefix: str) -> None:
        """Give a module's parameters the model's weights.

        Parameters that the model lacks, or has in another shape, stay as they are. A layer that
        sees more channels than it did gives the new ones, which come last, no weight.
        """
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                found = self._tensors.get(f"{prefix}.{name}")
                if found is not None and _grows_into(found, parameter):
                    parameter.copy_(_grown(found, parameter))

    def give(self, module: nn.Module, prefix: str, names: Collection[str]) -> bool:
        """Give a module all of these buffers, solved over the model's heads; or none, and False."""
        buffers = dict(module.named_buffers())
        found = {name: self._tensors.get(f"{prefix}.{name}") for name in names}
        fitting = {k: v for k, v in found.items() if v is not None and v.shape == buffers[k].shape}
        if len(fitting) < len(found):
            return False
        for name, values in fitting.items():
            buffers[name].copy_(values)
        return True

    def table(self, prefix: str) -> Float[Tensor, "shapes channels cells cells"] | None:
        """The values of a `ByteTable`; None of a clean start, or of a model that has none.

        The exporter folds the sizes of the steps into a constant, which is known by its shape.

        Raises:
            ModelError: the model has steps, and no constant of that shape or several.
        """
        steps = self._tensors.get(f"{prefix}.steps")
        if steps is None:
            return None
        shape = (1, *steps.shape[:2])
        sizes = [found for found in self._tensors.values() if found.shape == shape]
        if len(sizes) != 1:
            raise ModelError(
                f"The earlier model holds {len(sizes)} constants of the shape {shape}, and one was "
                f"expected: the sizes of {prefix}.steps. Start from reggan, or from nothing."
            )
        return steps * sizes[0][0, :, :, None, None]


def _grows_into(found: Tensor, parameter: Tensor) -> bool:
    if found.shape == parameter.shape:
        return True
    is_layer = found.ndim == parameter.ndim >= 2
    return is_layer and found.shape[1] < parameter.shape[1] and _others(found) == _others(parameter)


def _others(values: Tensor) -> tuple[int, ...]:
    return (values.shape[0], *values.shape[2:])


def _grown(found: Tensor, parameter: Tensor) -> Float[Tensor, "..."]:
    if found.shape == parameter.shape:
        return found
    result = torch.zeros_like(parameter)
    result[:, : found.shape[1]] = found
    return result
