"""Fills in the settings of an execution provider for a model and a device."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from reggan_plugin.backends.cache_folder import CACHE_VARIABLE, cache_folder, make_private
from reggan_plugin.backends.device_name import DeviceName
from reggan_plugin.backends.engine_cache import EngineOptions
from reggan_plugin.backends.providers import PROVIDERS
from reggan_plugin.errors import DeviceUnavailableError, UnsafeCacheError


def provider_settings(
    model: Path, device: DeviceName, *, threads: int, shapes: EngineOptions
) -> dict[str, str]:
    """Return settings of a device from the table, filled in for a model.

    Raises:
        DeviceUnavailableError: there is no folder for what it compiles.
    """
    options = PROVIDERS[device.kind].options
    wanted = " ".join(options.values())
    values = {"index": str(device.index), "threads": str(threads)}
    if "{cache}" in wanted:
        values["cache"] = os.fspath(_make_cache(model, device.kind))
    if "{best}" in wanted:
        values |= _input_shapes(model, shapes)
    return filled(options, values)


def filled(options: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the options with every `{name}` replaced by its value."""
    return {name: text.format_map(values) for name, text in options.items()}


def _make_cache(model: Path, kind: str) -> Path:
    """Folder for what is compiled: providers do not look at versions, nor all of them at weights.

    Raises:
        DeviceUnavailableError: it cannot be made.
    """
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
    room = cache_folder() / f"onnxruntime-{onnxruntime.__version__}"
    folder = room / kind / digest
    try:
        make_private(room)
        make_private(folder)
    except (OSError, UnsafeCacheError) as error:
        raise DeviceUnavailableError(
            f"{kind} has no folder to keep what it compiles: {error}.",
            f"Set {CACHE_VARIABLE} to a folder that you may write to.",
        ) from error
    return folder


def _input_shapes(model: Path, shapes: EngineOptions) -> dict[str, str]:
    """`smallest`, `best` and `largest` as `image:1x3x256x256,expression:1x7`."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        os.fspath(model), options, providers=["CPUExecutionProvider"]
    )
    inputs = {
        one.name: shapes.shapes(tuple(n if isinstance(n, int) else -1 for n in one.shape))
        for one in session.get_inputs()
    }
    return {
        name: ",".join(f"{key}:{'x'.join(map(str, own[which]))}" for key, own in inputs.items())
        for which, name in enumerate(("smallest", "best", "largest"))
    }
