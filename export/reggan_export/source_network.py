"""The network that a model file is made from, and what is known of it."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

import torch.nn.functional as F

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.models.model_card import UNSEALED, ModelCard, card_from_metadata
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import CANONICAL_LANDMARKS
from reggan_training.papers.initial_weights import initial_weights_from
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.papers.run_folder import RunFolder, model_from_run


def model_at_side(model: ExpressionModel, side_px: int) -> ExpressionModel:
    """Return the same weights for crops of `side_px`; the model itself if that is its side.

    Convolutions and the low-resolution masks do not mind; what was learnt for each pixel does.

    Raises:
        UsageError: no model has such a side, or this one cannot; the message names the field.
    """
    if side_px == model.side_px:
        return model
    resized = build_model(_settings_at_side(model, side_px))
    state = model.state_dict()
    state["masks"] = F.interpolate(
        state["masks"][None], resized.masks.shape[-2:], mode="bilinear", antialias=True
    )[0]
    for name, wanted in resized.state_dict().items():
        if wanted.shape != state[name].shape:
            raise UsageError(
                f"{model.architecture} cannot run at {side_px} px: {name} was learnt at "
                f"{model.side_px} px and has the shape {list(state[name].shape)}, there it would "
                f"need {list(wanted.shape)}. Train with that side_px.",
                kind="other-side",
            )
    resized.load_state_dict(state)
    return resized.eval().requires_grad_(False)


def _settings_at_side(model: ExpressionModel, side_px: int) -> ModelSettings:
    layer = model.settings.regression
    if not isinstance(model, MaskedRegression):  # has no such layer, whatever its settings say
        layer = replace(layer, side_px=side_px)
    try:
        return replace(model.settings, side_px=side_px, regression=layer)
    except ValueError as error:
        raise UsageError(
            f"{model.architecture} cannot run at {side_px} px: {error}. Train with that side_px.",
            kind="other-side",
        ) from error


def folder_of_run(checkpoint: Path) -> Path:
    """Find the run folder that is meant by itself or by the checkpoint in it.

    Raises:
        SourceError: it is no checkpoint.
    """
    if checkpoint.is_dir():
        return checkpoint
    if checkpoint.name.startswith("checkpoint."):
        return checkpoint.parent
    raise SourceError(
        f"{checkpoint} is no run folder, no checkpoint in one and no .onnx; name the folder that "
        "`train` wrote, which holds config.json and checkpoint.safetensors."
    )


class ModelSource(Protocol):
    """Source of a model file; decided once, by `source_of`."""

    def network(self) -> ExpressionModel:
        """Return the network, as it was trained.

        Raises:
            SourceError: it has no checkpoint yet.
            ModelError, UsageError: the .onnx is damaged, or holds no network as it was trained.
        """

    def card(self, network: ExpressionModel) -> ModelCard:
        """Return an unsealed card for this network, at the side that it shall name."""


def source_of(path: Path) -> ModelSource:
    """Open a run folder, the checkpoint in it, or an .onnx of ours.

    Raises:
        SourceError: it is none of these.
    """
    return OnnxSource(path) if path.suffix == ".onnx" else RunSource(folder_of_run(path))


class OnnxSource:
    """A model file of ours."""

    def __init__(self, file: Path) -> None:
        """Read nothing yet."""
        self._file = file

    def network(self) -> ExpressionModel:
        """Return the network in the file; see `ModelSource`."""
        weights = initial_weights_from(self._file)
        network = build_model(weights.settings)
        weights.load_into(network)
        return network.eval().requires_grad_(False)

    def card(self, network: ExpressionModel) -> ModelCard:
        """Return the file's own card; see `ModelSource`."""
        return replace(
            self._own_card(),
            image_size_px=network.side_px,
            training={**self._own_card().training, "model": asdict(network.settings)},
            weights_sha256=UNSEALED,
        )

    def _own_card(self) -> ModelCard:
        return card_from_metadata(metadata_from_onnx(self._file), str(self._file))


class RunSource:
    """A training run."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._folder = folder

    def network(self) -> ExpressionModel:
        """Load the network of the checkpoint; see `ModelSource`."""
        return model_from_run(self._folder)

    def card(self, network: ExpressionModel) -> ModelCard:
        """Make a card from the run's record; see `ModelSource`."""
        run = RunFolder(self._folder)
        config = run.read_config()
        return ModelCard(
            name=run.root.name,
            version="0.1.0",
            architecture=network.architecture,
            image_size_px=network.side_px,
            expressions=EXPRESSION_NAMES,
            canonical_landmarks={
                landmark: (round(float(x), 4), round(float(y), 4))
                for landmark, (x, y) in zip(LANDMARK_NAMES, CANONICAL_LANDMARKS, strict=True)
            },
            training={
                "data": config["data"],
                "data_sha256": config["data_sha256"],
                "identities": len(config["identities"]),
                "images_seen": int(run.load()["images_seen"]),
                "seed": config["settings"]["seed"],
                "model": asdict(network.settings),  # what `train --init-from` builds
                "commits": [session["commit"] for session in config["sessions"]],
            },
            licence="Apache-2.0",
        )
