"""Opens a model on the device that was asked for; which devices `auto` tries, in which order."""

import logging
from pathlib import Path

from reggan_plugin.backends.onnx_runtime import runner_from_onnx
from reggan_plugin.backends.runner import (
    AUTO,
    DEFAULT_BATCH,
    ENGINE_SUFFIX,
    GPU,
    PROVIDERS,
    EngineOptions,
    Runner,
    device_from_text,
)
from reggan_plugin.errors import DeviceUnavailableError, UsageError

_log = logging.getLogger(__name__)

_GPUS = ("rtx", "cuda", "directml", "coreml")
AUTO_ORDER = ("rtx", "cuda", "directml", "cpu")
"""Devices that `auto` tries. Not `tensorrt` and `tensorrt-ep`, which build for minutes before the
first frame, and not `coreml` and `openvino`, which nobody measured to be better than `cpu`."""


def open_runner(
    model: Path,
    device: str = AUTO,
    *,
    threads: int | None = None,
    batch: tuple[int, int, int] = DEFAULT_BATCH,
) -> Runner:
    """Load a model; its `reason` says why it runs where it does.

    Args:
        model: an .onnx file, or an engine that `export engine` wrote: it is native code and runs
            only if `device` names `tensorrt`.
        device: `auto`, `gpu`, or a name from `device_name`. What is named is had or refused.
        threads: CPU threads of one run; by default as many as the process may use.
        batch: smallest, best and largest number of crops, for devices that compile for shapes.

    Raises:
        UsageError: `device` is no device, or, for an engine, is not `tensorrt`.
        DeviceUnavailableError: the device was named and cannot be had; nothing else is tried.
        ModelError: the file cannot be read.
    """
    if model.suffix == ENGINE_SUFFIX:
        return _open_engine(model, device)
    shapes = EngineOptions(batch=batch)
    if device not in (AUTO, GPU):
        return _open(model, device, threads, shapes)
    refused: list[str] = []
    for kind in AUTO_ORDER if device == AUTO else _GPUS:
        if not PROVIDERS[kind].is_for_this_system:
            continue
        try:
            runner = _open(model, kind, threads, shapes)
        except DeviceUnavailableError as error:
            _log.info("%s: %s", kind, error)
            refused.append(f"{kind}: {error.found.rstrip('.')}")
            continue
        runner.reason = "; ".join(["the best that works here", *refused])
        return runner
    if device == GPU:
        tried = "; ".join(refused) or "none of this system's kinds is known here"
        raise DeviceUnavailableError(
            f"No GPU can be had: {tried}. Name cpu, or set one up.", kind="no-gpu"
        )
    raise AssertionError("the CPU is never unavailable: what it cannot load is a ModelError")


def _open(model: Path, device: str, threads: int | None, shapes: EngineOptions) -> Runner:
    name = device_from_text(device)
    if name.kind == "tensorrt":
        from reggan_plugin.backends.tensorrt_runner import runner_from_model

        return runner_from_model(model, name.index, options=shapes)
    return runner_from_onnx(model, name, threads=threads, shapes=shapes)


def _open_engine(engine: Path, device: str) -> Runner:
    if device == AUTO:
        raise UsageError(
            f"{engine.name} is an engine, which is native code and runs with all your rights. It "
            "runs only where its device is named, too; the .onnx file runs anywhere.",
            kind="engine-without-device",
        )
    name = device_from_text(device)
    if name.kind != "tensorrt":
        raise UsageError(
            f"{engine.name} is an engine for TensorRT; for {device} name the .onnx file "
            "that it was built from."
        )
    from reggan_plugin.backends.tensorrt_runner import runner_from_engine

    return runner_from_engine(engine, name.index)
