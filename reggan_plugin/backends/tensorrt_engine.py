"""Builds TensorRT engines from ONNX files: one way for TensorRT 10 and 11.

Networks are strongly typed: the types in the file are the types that run, so an fp16 engine comes
from an fp16 file. TensorRT 11 knows nothing else, and 10 is asked for the same.
"""

import contextlib
import logging
import time
from pathlib import Path
from typing import Any

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.backends.engine_key import EngineOptions
from reggan_plugin.backends.tensorrt_library import logger_for
from reggan_plugin.errors import DeviceUnavailableError, ModelError, OutputError

_log = logging.getLogger(__name__)


def build_plan(
    trt: Any, model: Path, options: EngineOptions, timing_cache: Path | None = None
) -> bytes:
    """Build an engine on the current GPU; takes from seconds to minutes.

    Args:
        trt: the TensorRT module, as `load_tensorrt` returns it.
        model: an .onnx file without external data.
        options: shapes and how hard to try.
        timing_cache: file of kernel timings, read and written, which makes the next build of a
            similar model faster; nothing is lost without it.

    Raises:
        DeviceUnavailableError: TensorRT cannot reach the GPU.
        ModelError: it cannot read the file, or finds no way to run it.
    """
    started = time.monotonic()
    logger = logger_for(trt)
    try:
        builder = trt.Builder(logger)
    except TypeError as error:  # how its bindings say that the library gave them nothing
        raise DeviceUnavailableError(
            f"TensorRT cannot begin on this GPU: {logger.latest_error}.",
            kind="gpu-fails",
        ) from error
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    _parse(trt, model, network, logger)
    config = builder.create_builder_config()
    config.builder_optimization_level = options.optimization_level
    config.clear_flag(trt.BuilderFlag.TF32)  # fp32 means fp32: TF32 has the precision of fp16
    if options.portable:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    _add_profile(builder, network, config, options)
    _use_timings(config, timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(
            f"TensorRT {trt.__version__} finds no way to run {model.name}: {logger.latest_error}.",
            kind="no-engine-can-be-built",
        )
    _keep_timings(config, timing_cache)
    _log.info("Built an engine for %s in %.1f s.", model.name, time.monotonic() - started)
    return bytes(plan)


def load_plan(trt: Any, plan: bytes) -> Any | None:
    """The engine in a plan; None if this TensorRT or this GPU refuses it.

    Raises:
        DeviceUnavailableError: TensorRT cannot reach the GPU.
    """
    logger = logger_for(trt)
    try:
        runtime = trt.Runtime(logger)
    except TypeError as error:
        raise DeviceUnavailableError(
            f"TensorRT cannot begin on this GPU: {logger.latest_error}.",
            kind="gpu-fails",
        ) from error
    return runtime.deserialize_cuda_engine(plan)


def _parse(trt: Any, model: Path, network: Any, logger: Any) -> None:
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model.read_bytes()):
        reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise ModelError(
            f"TensorRT {trt.__version__} cannot read {model.name}: {'; '.join(reasons)}. "
            "int8 files are made for the CPU; take the fp32 or fp16 one."
        )


def _add_profile(builder: Any, network: Any, config: Any, options: EngineOptions) -> None:
    profile = builder.create_optimization_profile()
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    for tensor in inputs:
        profile.set_shape(tensor.name, *options.shapes(tuple(tensor.shape)))
    config.add_optimization_profile(profile)


def _use_timings(config: Any, path: Path | None) -> None:
    """Start from what earlier builds measured; from nothing if that is absent or of no use."""
    known = b""
    if path is not None:
        with contextlib.suppress(OSError):
            known = path.read_bytes()
    cache = config.create_timing_cache(known)
    if cache is None or not config.set_timing_cache(cache, False):
        _log.info("%s is of no use to this TensorRT and GPU; starting a new one.", path)
        config.set_timing_cache(config.create_timing_cache(b""), False)


def _keep_timings(config: Any, path: Path | None) -> None:
    if path is None:
        return
    try:
        write_atomically(path, bytes(config.get_timing_cache().serialize()))
    except OutputError as error:
        _log.info("Timings are not kept: %s", error)
