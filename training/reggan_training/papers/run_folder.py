"""The record of one training run: what was asked, what happened, where it stands; and weights to
start from, of another run or a model file that we exported.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reggan_plugin.errors import ModelError, SourceError, UsageError
from reggan_plugin.file_safety import appearing, write_atomically
from reggan_plugin.frozen import frozen
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.models.model_card import (
    PICTURE_CONTRACT,
    card_from_metadata,
    check_seal,
    installed_models,
)
from reggan_training.data.identity_and_split import Identity
from reggan_training.papers.configuration import TrainingSettings, settings_from_record
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.training_run import append_line, commit_of_source


@frozen
class RunData:
    """Training data of a run.

    Attributes:
        name: of the sets, joined by +.
        identities: names, in order.
        sha256: of all pictures.
        initial: what the weights were started from; None for a start from nothing.
    """

    name: str
    identities: Sequence[str]
    sha256: str
    initial: str | None = None


def describe_data(
    roots: Sequence[Path], identities: Sequence[Identity], initial: str | None
) -> RunData:
    """Record the identities, whatever the layout that they came in."""
    digest = hashlib.sha256()
    for identity in identities:
        digest.update(identity.name.encode())
        digest.update(np.ascontiguousarray(identity.images).data)
    return RunData(
        name="+".join(root.resolve().name for root in roots),
        identities=[identity.name for identity in identities],
        sha256=digest.hexdigest(),
        initial=initial,
    )


class RunFolder:
    """Files of a run: `config.json`, `metrics.jsonl`, `checkpoint.safetensors`, `grids/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def checkpoint(self) -> Path:
        """The last state, from which a run resumes and a model is exported."""
        return self.root / "checkpoint.safetensors"

    @property
    def metrics(self) -> Path:
        """One JSON object a line: losses where kimg stands, and points of the held-out curve."""
        return self.root / "metrics.jsonl"

    def open_session(self, settings: TrainingSettings, data: RunData, **facts: object) -> None:
        """Record everything that decides the outcome, and with which code each session ran.

        A run can be made longer or shorter when it is resumed; nothing else may change.
        `facts` of the machine are recorded with the session.

        Raises:
            SourceError: the folder holds a run with other settings or other identities.
        """
        record: dict[str, Any] = {
            "architecture": settings.model.architecture,
            "settings": dataclasses.asdict(settings),
            "data": data.name,
            "identities": list(data.identities),
            "data_sha256": data.sha256,
            "initial": data.initial,
            "sessions": [],
        }
        if (self.root / "config.json").is_file():
            record["sessions"] = self._sessions_that_agree_with(json.loads(json.dumps(record)))
        session = {
            "commit": commit_of_source(),
            "length_kimg": settings.length_kimg,
            "torch": torch.__version__,
            "numpy": np.__version__,
            **facts,
        }
        record["sessions"].append(session)
        self.root.mkdir(parents=True, exist_ok=True)
        write_atomically(self.root / "config.json", json.dumps(record, indent=1).encode())

    def write_model_state(self, model: nn.Module) -> None:
        """Save a model that needs no descent as the run's checkpoint."""
        self.save({**prefixed("averaged", model.state_dict()), "images_seen": torch.tensor(0)})

    def _sessions_that_agree_with(self, asked: dict[str, Any]) -> list[Any]:
        known = self.read_config()
        for key in ("settings", "data", "identities", "data_sha256", "initial"):
            old, new = known.get(key), asked[key]
            if key == "settings":
                old, new = {**(old or {}), "length_kimg": None}, {**new, "length_kimg": None}
            if old != new:
                raise SourceError(
                    f"{self.root} holds a run with another {key}{_difference(old, new)}; resume it "
                    "with the same options, or name a new folder.",
                    kind="run-of-other-options",
                )
        return list(known["sessions"])

    def read_config(self) -> dict[str, Any]:
        """Read the record of `open_session`.

        Raises:
            SourceError: this is not the folder of a run.
        """
        path = self.root / "config.json"
        if not path.is_file():
            raise SourceError(f"{self.root} is not a run folder: it holds no config.json.")
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return config

    def log(self, **values: float) -> None:
        """Append one line of numbers."""
        append_line(self.metrics, {key: round(float(value), 6) for key, value in values.items()})

    def read_metrics(self) -> list[dict[str, float]]:
        """Read the lines of `log`; none before the first."""
        if not self.metrics.is_file():
            return []
        return [json.loads(line) for line in self.metrics.read_text("utf-8").splitlines()]

    def forget_after(self, kimg: float) -> None:
        """Drop what was logged after the checkpoint from which the run goes on."""
        kept = [line for line in self.read_metrics() if line["kimg"] <= kimg + 1e-6]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomically(self.metrics, text.encode())

    def save(self, state: dict[str, Tensor]) -> None:
        """Replace the checkpoint in one step."""
        with appearing(self.checkpoint) as temporary:
            save_file({key: value.contiguous().cpu() for key, value in state.items()}, temporary)

    def load(self) -> dict[str, Tensor]:
        """Read the checkpoint.

        Raises:
            SourceError: there is none yet.
        """
        if not self.checkpoint.is_file():
            raise SourceError(f"{self.root} has no checkpoint yet; let the run reach its first.")
        return load_file(self.checkpoint)

    def save_grid(self, name: str, images: Float[Tensor, "rows columns 3 side side"]) -> None:
        """Write a sheet of images in [0, 1] as `grids/<name>.jpg`."""
        rows, columns, _, side, _ = images.shape
        sheet = images.permute(0, 3, 1, 4, 2).reshape(rows * side, columns * side, 3)
        levels = (sheet.clamp(0, 1) * 255 + 0.5).to(torch.uint8).cpu().numpy()
        (self.root / "grids").mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(self.root / "grids" / f"{name}.jpg", quality=92)


def prefixed(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put a name before every key, so that several states share one file."""
    return {f"{prefix}.{key}": value for key, value in state.items()}


def unprefixed(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take one state out of a file that `prefixed` filled."""
    start = f"{prefix}."
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}


def adam_state(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """Moments and step counts as plain tensors, which safetensors can hold."""
    states = optimizer.state_dict()["state"]
    return {f"{i}.{key}": value for i, state in states.items() for key, value in state.items()}


def restore_adam(optimizer: torch.optim.Adam, state: Mapping[str, Tensor]) -> None:
    """Undo `adam_state`; moments lie in memory as their parameters do, or sums would differ."""
    parameters = optimizer.param_groups[0]["params"]
    for key, value in state.items():
        number, _, name = key.partition(".")
        parameter = parameters[int(number)]
        known = optimizer.state[parameter]
        if name == "step":
            known[name] = value.to(parameter.device)
        else:
            known[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def _difference(old: object, new: object, path: str = "") -> str:
    """Find the first place where two records differ, for a message."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return _difference(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    if isinstance(old, list) and isinstance(new, list):
        return f" ({path}: {len(old)} before, {len(new)} now)".replace("(: ", "(")
    return f" ({path}: {old} before, {new} now)".replace("(: ", "(")


def model_from_run(folder: Path) -> ExpressionModel:
    """Load the averaged model of the run's last checkpoint, ready for inference on the CPU.

    Raises:
        SourceError: this is not the folder of a run, it has no checkpoint yet, or its settings
            or weights are of another version.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder; give the folder of a training run.")
    run = RunFolder(folder)
    config = run.read_config()
    model = build_model(_model_settings(folder, config))
    try:
        model.load_state_dict(unprefixed("averaged", run.load()))
    except RuntimeError as error:
        raise _another_version(folder, error) from error
    return model.eval().requires_grad_(False)


def images_seen(folder: Path) -> int:
    """Count the training pairs that the run's checkpoint has seen.

    Raises:
        SourceError: the run has no checkpoint yet.
    """
    return int(RunFolder(folder).load()["images_seen"])


def _model_settings(folder: Path, config: Mapping[str, Any]) -> ModelSettings:
    try:
        return settings_from_record(ModelSettings, config["settings"]["model"])
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise _another_version(folder, error) from error


def _another_version(folder: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{folder} was written by another version of RegGAN ({error}); train it again with "
        "this one."
    )


_HALF_SUFFIX = ".half"
"""Suffix that the exporter adds to the name of a tensor that it stores as float16."""
_ABSENT_WHEN_ZERO = (".bias", ".place")
"""Tensors that are added to features: PyTorch's exporter leaves one out if it holds zeros."""


@frozen(eq=False)
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
        settings=_model_settings(folder, run.read_config()),
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
            "nothing."
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
