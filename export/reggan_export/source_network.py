"""The network that a model file is made from, and what is known of it."""

from dataclasses import asdict, replace
from pathlib import Path

from reggan_plugin.errors import SourceError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.model_card import UNSEALED, ModelCard, card_from_metadata
from reggan_plugin.onnx_messages import metadata_from_onnx
from reggan_training.checkpoint import model_from_run
from reggan_training.data.identity import CANONICAL_LANDMARKS
from reggan_training.initial_weights import initial_weights_from
from reggan_training.networks.architectures import build_model
from reggan_training.networks.expression_model import ExpressionModel
from reggan_training.run_folder import RunFolder


def folder_of_run(checkpoint: Path) -> Path:
    """The run folder that is meant by itself or by the checkpoint in it.

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


def network_of(source: Path) -> ExpressionModel:
    """The network of a run folder, of the checkpoint in it, or of an .onnx of ours.

    Raises:
        SourceError: it is none of these, or has no checkpoint yet.
        ModelError, UsageError: the .onnx is damaged, or holds no network as it was trained.
    """
    if source.suffix != ".onnx":
        return model_from_run(folder_of_run(source))
    weights = initial_weights_from(source)
    network = build_model(weights.settings)
    weights.load_into(network)
    return network.eval().requires_grad_(False)


def card_of(source: Path, network: ExpressionModel) -> ModelCard:
    """An unsealed card: the .onnx file's own, or one from the run's record.

    Args:
        source: as for `network_of`.
        network: of this source, at the side that the card shall name.
    """
    model = asdict(network.settings)  # what `train --init-from` builds
    if source.suffix == ".onnx":
        card = card_from_metadata(metadata_from_onnx(source), str(source))
        training = {**card.training, "model": model}
        side_px = network.side_px
        return replace(card, image_size_px=side_px, training=training, weights_sha256=UNSEALED)
    run = RunFolder(folder_of_run(source))
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
            "model": model,
            "commits": [session["commit"] for session in config["sessions"]],
        },
        licence="Apache-2.0",
    )
