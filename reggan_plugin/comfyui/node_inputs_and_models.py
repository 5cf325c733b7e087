"""The inputs that several nodes have, as ComfyUI is told of them, and the models they choose."""

import threading
from pathlib import Path
from typing import Any

from reggan_plugin.backends.devices import PROVIDERS
from reggan_plugin.comfyui import host
from reggan_plugin.errors import UsageError
from reggan_plugin.models.model_card import installed_models
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.open_frame import Newest
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

CATEGORY = "reggan"
EXPRESSION, FACES = "REGGAN_EXPRESSION", "REGGAN_FACES"
"""Types of the links between our nodes."""
LEAVE, FAIL = "leave the picture", "error"
SHOT, SEPARATE = "a shot", "separate pictures"
_MOST_FACES = 10

Input = tuple[Any, ...]
Inputs = dict[str, Input]


class Node:
    """What ComfyUI asks of every node of ours; a node that says no more hands on an expression."""

    CATEGORY = CATEGORY
    FUNCTION = "run"
    RETURN_TYPES: tuple[str, ...] = (EXPRESSION,)
    RETURN_NAMES: tuple[str, ...] = ("expression",)


def intensity(default: float = 1.0, tooltip: str = "1 is the full expression.") -> Input:
    """Return a slider from 0 to 1.5."""
    slider = {"default": default, "min": 0.0, "max": MAX_INTENSITY, "step": 0.01}
    return "FLOAT", {**slider, "display": "slider", "tooltip": tooltip}


def choice(options: list[str], tooltip: str) -> Input:
    """Return a list to choose from; the first is the default."""
    return options, {"default": options[0], "tooltip": tooltip}


def face() -> Input:
    """Return the choice of a face."""
    numbers = [str(number) for number in range(_MOST_FACES)]
    tooltip = "Numbers are those of Find Faces: 0 is the largest face."
    return choice(["largest", "all", *numbers], tooltip)


def of_batch() -> Inputs:
    """Return how a batch is read."""
    return {
        "batch_is": choice(
            [SHOT, SEPARATE],
            "Of a shot the faces are tracked, so that the change does not flicker.",
        ),
        "encoding": choice(
            ["sRGB", "linear"],
            "linear: proportional to light, Rec. 709, as an EXR holds it; alpha is premultiplied.",
        ),
    }


def of_model() -> Inputs:
    """Return the choice of a model and its device."""
    return {
        "model": choice(list(model_files()), "Put models of your own into models/reggan."),
        "device": choice(list(DEVICES), "Where the model runs."),
    }


def beside_batch() -> dict[str, Any]:
    """Return what a node that changes pictures may be given beside them, and its own number."""
    return {
        "optional": {
            "mask": ("MASK", {"tooltip": "Where the picture may change."}),
            "faces": (FACES, {"tooltip": "Of Find Faces, so that they are found once."}),
        },
        "hidden": {"node": "UNIQUE_ID"},
    }


def not_found() -> Input:
    """Return what happens to a picture without the face."""
    return choice([FAIL, LEAVE], "What happens to a picture in which the face is not found.")


DEVICES = ("auto", *PROVIDERS)
MODELS_HELD = 2
"""Open models that stay in memory, the newest."""

_held: Newest[ExpressionTransfer] = Newest(MODELS_HELD)
_lock = threading.Lock()


def model_files() -> dict[str, Path]:
    """Models that a node can name: those that ship, and those in ComfyUI's `models/reggan`."""
    return {**installed_models(), **host.models_of_ones_own()}


def opened(model: str, device: str) -> ExpressionTransfer:
    """Return an open model by the name that a node gives it.

    Workflows and requests to the server come from anybody: they choose among the models that are
    there, and name no file.

    Raises:
        UsageError: there is no model of this name.
        RegganError: as `ExpressionTransfer`.
    """
    files = model_files()
    if model not in files:
        raise UsageError(
            f"{model[:80]!r} is no model here; expected one of {', '.join(files)}. Put models of "
            "your own into models/reggan."
        )
    path = files[model]
    with _lock:
        return _held.get((path, device), lambda: ExpressionTransfer(path, device=device))
