"""The models that nodes hold open: a model is loaded once for all nodes that name it."""

import threading
from pathlib import Path

from reggan_plugin.backends.runner import PROVIDERS
from reggan_plugin.comfyui import host
from reggan_plugin.errors import UsageError
from reggan_plugin.models.shipped_models import installed_models
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.open_frame import Newest

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
