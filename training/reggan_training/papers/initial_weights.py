"""Weights to start from: another run's, or those in a model file that we exported."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reggan_plugin.errors import ModelError, SourceError, UsageError
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.models.model_card import PICTURE_CONTRACT, card_from_metadata, check_seal
from reggan_plugin.models.shipped_models import installed_models
from reggan_training.papers.configuration import settings_from_record
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.papers.run_folder import RunFolder, model_settings_from_run, unprefixed

_HALF_SUFFIX = ".half"
"""Suffix that the exporter adds to the name of a tensor that it stores as float16."""
_ABSENT_WHEN_ZERO = (".bias", ".place")
"""Tensors that are added to features: PyTorch's exporter leaves one out if it holds zeros."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InitialWeights:
    """The weights that a run starts from.

    Attributes:
        source: folder or file, for messages and the run's record.
        sha256: of the checkpoint or of the file.
        settings: the network that the weights fit.
        generator: tensors by name; a file holds more than the network's own.
        discriminator: of the other run; empty for a model file.
    """

    source: str
    sha256: str
    settings: ModelSettings
    generator: Mapping[str, Tensor]
    discriminator: Mapping[str, Tensor]

    def load_into(self, model: nn.Module) -> None:
        """Give a model these weights.

        Raises:
            UsageError: the model has another shape; the message names the first tensor.
        """
        wanted, given = model.state_dict(), {}
        for name, value in wanted.items():
            found = self.generator.get(name)
            if found is None and not self.discriminator and name.endswith(_ABSENT_WHEN_ZERO):
                found = torch.zeros_like(value)
            if found is None or found.shape != value.shape:
                shape = "none" if found is None else f"one of {list(found.shape)}"
                raise UsageError(
                    f"{self.source} holds {shape} for {name}, this network needs "
                    f"{list(value.shape)}. Start with the architecture, size and width of "
                    f"{self.source}, or from nothing.",
                    kind="start-of-other-shape",
                )
            given[name] = found
        model.load_state_dict(given)


def initial_weights_from(source: Path) -> InitialWeights:
    """Read the weights of a run folder, of an exported .onnx, or of a model that ships, by name.

    Raises:
        SourceError: it is none of them.
        MissingExtraError: it is an .onnx, and the package `onnx` is not installed.
        ModelError: the .onnx is damaged or not ours.
        UsageError: it is a model with face shapes.
    """
    if source.is_dir():
        return _from_run(source)
    file = installed_models().get(str(source), source)
    if file.is_file() and file.suffix == ".onnx":
        return _from_onnx(file)
    raise SourceError(
        f"{source} is neither a run folder nor an .onnx file, nor the name of a model that ships "
        f"({', '.join(installed_models())}).",
        kind="no-such-start",
    )


def _from_run(folder: Path) -> InitialWeights:
    run = RunFolder(folder)
    state = run.load()
    return InitialWeights(
        source=folder.name,
        sha256=hashlib.sha256(run.checkpoint.read_bytes()).hexdigest(),
        settings=model_settings_from_run(folder),
        generator=unprefixed("averaged", state),
        discriminator=unprefixed("discriminator", state),
    )


def _from_onnx(path: Path) -> InitialWeights:
    with needs_extra(f"Reading {path.name}", "export"):
        import onnx
        from onnx import numpy_helper
    digest = check_seal(path)
    model = onnx.load(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    card = card_from_metadata(metadata, path.name)
    if card.contract != PICTURE_CONTRACT:
        raise UsageError(
            f"{path.name} is a rig (contract {card.contract}), and only models of named "
            "expressions can be started from (contract 1). Start from sargan, a run folder or "
            "nothing.",
        )
    return InitialWeights(
        source=path.name,
        sha256=digest,
        settings=_settings_in_card(card.training),
        generator={
            tensor.name.removesuffix(_HALF_SUFFIX): torch.tensor(
                numpy_helper.to_array(tensor)
            ).float()
            for tensor in model.graph.initializer
        },
        discriminator={},
    )


def _settings_in_card(training: Mapping[str, Any]) -> ModelSettings:
    """Read the network that an export records under `model`."""
    try:
        return settings_from_record(ModelSettings, training["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The card describes a network of another version ({error}). Start from a run folder."
        ) from error
