"""A small stand-in for what the nodes touch of ComfyUI: for units; the real one is in test_real."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ..sample_frames import small_frame

CHANGE: dict[str, Any] = {
    "intensity": 1.0,
    "face": "largest",
    "region": "all",
    "grow": 0.0,
    "blur": 0.0,
    "face_not_found": "error",
    "batch_is": "a shot",
    "encoding": "sRGB",
    "layers": False,
    "model": "reggan",
    "device": "cpu",
}


class CancelledError(Exception):
    """By which this ComfyUI ends a node."""


@dataclass
class FakeComfy:
    """What the nodes told it, and what they are told."""

    folder: Path
    steps: list[tuple[int, int]] = field(default_factory=list)
    cancels_at: int | None = None
    routes: dict[str, Any] = field(default_factory=dict)

    @property
    def cancelled(self) -> bool:
        return self.cancels_at is not None and len(self.steps) >= self.cancels_at


@pytest.fixture
def comfy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeComfy]:
    fake = FakeComfy(tmp_path)
    for name in ("input", "output", "models"):
        (tmp_path / name).mkdir()

    class ProgressBar:
        def __init__(self, total: int, node_id: str | None = None) -> None:
            self.total = total

        def update_absolute(self, value: int) -> None:
            fake.steps.append((value, self.total))

    def raise_if_cancelled() -> None:
        if fake.cancelled:
            raise CancelledError

    class Blocker:
        def __init__(self, message: str) -> None:
            self.message = message

    def route(address: str) -> Any:
        return lambda handler: fake.routes.setdefault(address, handler)

    server = type("S", (), {"routes": type("R", (), {"post": staticmethod(route)})})
    contents: dict[str, dict[str, Any]] = {
        "comfy.utils": {"ProgressBar": ProgressBar},
        "comfy.model_management": {
            "processing_interrupted": lambda: fake.cancelled,
            "throw_exception_if_processing_interrupted": raise_if_cancelled,
        },
        "comfy_execution.graph_utils": {"ExecutionBlocker": Blocker},
        "folder_paths": {
            "models_dir": str(tmp_path / "models"),
            "annotated_filepath": lambda name: (name, None),
            "get_input_directory": lambda: str(tmp_path / "input"),
            "get_output_directory": lambda: str(tmp_path / "output"),
            "get_save_image_path": lambda prefix, out, *_: (out, prefix, 1, "", prefix),
        },
        "server": {"PromptServer": type("P", (), {"instance": server})},
        "aiohttp.web": {
            "json_response": lambda document, status=200: (status, document),
            "Response": lambda body, content_type, headers: (200, content_type, body),
        },
    }
    for name, values in contents.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
        parent = name.partition(".")[0]
        if parent != name and parent not in sys.modules:
            monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    yield fake
    sys.modules.pop("reggan_plugin.comfyui.pack", None)


@pytest.fixture(scope="session")
def face_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small frame with a face, 8 bits, without alpha."""
    path = small_frame("toon/toon.1001.png", tmp_path_factory.mktemp("faces") / "frame.png", 2)
    with Image.open(path) as image:
        image.convert("RGB").save(path)
    return path


def batch_of(*paths: Path) -> torch.Tensor:
    """Pictures as *Load Image* gives them."""
    arrays = []
    for path in paths:
        with Image.open(path) as image:
            arrays.append(np.asarray(image).astype(np.float32) / 255.0)
    return torch.from_numpy(np.stack(arrays))


def as_saved(image: torch.Tensor) -> np.ndarray:
    """The levels that *Save Image* writes of a batch."""
    return np.clip(255.0 * image.numpy(), 0, 255).astype(np.uint8)
