"""The record of one training run: what was asked, what happened, where it stands."""

import dataclasses
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reggan_plugin.errors import SourceError


class RunFolder:
    """Files of a run: `config.json`, `log.jsonl`, `checkpoint.safetensors`, `grids/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "grids").mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The last state, from which a run resumes and a model is exported."""
        return self.root / "checkpoint.safetensors"

    def open_session(self, settings: Any, data: Path, identities: list[str]) -> None:
        """Record everything that decides the outcome, and with which code each session ran.

        A run can be made longer or shorter when it is resumed; nothing else may change.

        Raises:
            SourceError: the folder holds a run with other settings or other identities.
        """
        record: dict[str, Any] = {
            "settings": dataclasses.asdict(settings),
            "data": data.name,
            "identities": identities,
            "data_sha256": hashlib.sha256((data / "landmarks.json").read_bytes()).hexdigest(),
            "sessions": [],
        }
        path = self.root / "config.json"
        if path.is_file():
            record["sessions"] = self._sessions_that_agree_with(json.loads(json.dumps(record)))
        session = {
            "commit": _commit(),
            "length_kimg": settings.length_kimg,
            "torch": torch.__version__,
            "numpy": np.__version__,
        }
        record["sessions"].append(session)
        path.write_text(json.dumps(record, indent=1), encoding="utf-8")

    def _sessions_that_agree_with(self, asked: dict[str, Any]) -> list[Any]:
        known = self.read_config()
        for key in ("settings", "data", "identities", "data_sha256"):
            old, new = known[key], asked[key]
            if key == "settings":
                old = {**old, "length_kimg": None}
                new = {**new, "length_kimg": None}
            if old != new:
                raise SourceError(
                    f"{self.root} holds a run with another {key}; resume it with the same "
                    "options, or name a new folder with --out."
                )
        return list(known["sessions"])

    def read_config(self) -> dict[str, Any]:
        """The record of `write_config`.

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
        line = json.dumps({key: round(float(value), 5) for key, value in values.items()})
        with (self.root / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def save(self, state: dict[str, Tensor]) -> None:
        """Replace the checkpoint in one step."""
        temporary = self.checkpoint.with_suffix(".partial")
        save_file({key: value.contiguous() for key, value in state.items()}, temporary)
        temporary.replace(self.checkpoint)

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
        levels = (sheet.clamp(0, 1) * 255 + 0.5).to(torch.uint8).numpy()
        Image.fromarray(levels).save(self.root / "grids" / f"{name}.jpg", quality=92)


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put a name before every key, so that several states share one file."""
    return {f"{prefix}.{key}": value for key, value in state.items()}


def unprefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take one state out of a file that `prefixed` filled."""
    start = f"{prefix}."
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}


def adam_state(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """Moments and step counts as plain tensors, which safetensors can hold."""
    states = optimizer.state_dict()["state"]
    return {f"{i}.{key}": value for i, state in states.items() for key, value in state.items()}


def restore_adam(optimizer: torch.optim.Adam, state: dict[str, Tensor]) -> None:
    """Undo `adam_state`."""
    whole = optimizer.state_dict()
    for key, value in state.items():
        number, _, name = key.partition(".")
        whole["state"].setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(whole)


def average_into(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move an exponential moving average of the parameters one step on."""
    with torch.no_grad():
        for mean, value in zip(average.parameters(), model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)


def _commit() -> str:
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not under version control"
    return result.stdout.strip()
