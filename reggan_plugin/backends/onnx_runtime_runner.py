"""Opens a model on the device that was asked for, and runs it by ONNX Runtime."""

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from reggan_plugin.backends.devices import (
    ASKED_FOR,
    AUTO,
    AUTO_ORDER,
    DEFAULT_BATCH,
    ENGINE_SUFFIX,
    GPU,
    GPU_ORDER,
    PROVIDERS,
    DeviceName,
    EngineOptions,
    Provider,
    Runner,
    Tensors,
    device_from_text,
)
from reggan_plugin.backends.engine_cache import CACHE_VARIABLE, cache_folder, make_private
from reggan_plugin.errors import (
    DeviceMemoryError,
    DeviceUnavailableError,
    ModelError,
    UnsafeCacheError,
    UsageError,
)


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


_log = logging.getLogger(__name__)
_LONGEST_REASON = 240
"""Characters of what ONNX Runtime says: the end of it names the cause."""
_OUT_OF_MEMORY = ("failed to allocate memory", "out of memory", "out_of_memory", "alloc_failed")
"""Words of its providers and their libraries for memory that ended; there is no error code."""
IDLE_ON_CPU = (
    # gain nothing on the default model
    "CommonSubexpressionElimination",
    "ConstantSharing",
    "ConvActivationFusion",
    "ExpandElimination",
    "GatherSliceToSplitFusion",
    "GatherToSliceFusion",
    "GemmActivationFusion",
    "ReshapeFusion",
    "SliceConcatToSpaceToDepthFusion",
    "TransposeOptimizer",
    "TransposeOptimizer_CPUExecutionProvider",
    # joins convolutions of 16 bits with what follows; a CPU's are computed in 32
    "ConvAddActivationFusion",
    # look for attention, norms over layers and Gelu, which neither model that ships has; a model of
    # a user's own that has them runs without these fusions
    "AttentionFusion",
    "BiasDropoutFusion",
    "BiasGeluFusion",
    "BiasSkipLayerNormFusion",
    "BiasSoftmaxFusion",
    "EmbedLayerNormFusion",
    "FastGeluFusion",
    "GeluFusionL1",
    "GroupQueryAttentionFusion",
    "GroupQueryAttentionPreNormFusion",
    "LayerNormFusionL1",
    "MatMulActivationFusion",
    "MatMulAddFusion",
    "MatMulNBitsFusion",
    "MatMulScaleFusion",
    "MatmulTransposeFusion",
    "SimplifiedLayerNormFusion",
    "SkipLayerNormFusion",
)
"""Passes over the graph that take a fifth of opening the default model on a CPU (0.15 to 0.12 s,
docs/maintainers/speed.md) and change neither its answers nor their time:
tests/measurements/opening.py. Another ONNX Runtime passes over names that it does not know."""


class OnnxRuntimeRunner:
    """An ONNX model in one ONNX Runtime session."""

    def __init__(self, session: onnxruntime.InferenceSession, device: str) -> None:
        self._session = session
        self._output_names = [output.name for output in session.get_outputs()]
        self.device = device
        self.reason = ASKED_FOR
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return every output by name for `inputs` by name.

        Raises:
            DeviceMemoryError: so large a batch does not fit into the device's memory.
            ModelError: ONNX Runtime refuses the inputs, or the device fails.
        """
        try:
            values = self._session.run(self._output_names, dict(inputs))
        except Exception as error:  # as in _open_session
            if any(words in str(error).lower() for words in _OUT_OF_MEMORY):
                raise DeviceMemoryError(
                    f"{self.device} has no memory for this batch: {error}. Close what else "
                    "uses the device."
                ) from error
            raise ModelError(
                f"The model fails on {self.device}: {error}. If its inputs are at fault, the card "
                "does not fit the graph: export it again."
            ) from error
        return dict(zip(self._output_names, values, strict=True))


def find_obstacle(provider: Provider) -> str | None:
    """Return the reason why this installation cannot have a provider, as far as known without a
    model.

    A provider that is compiled in can still fail to load: only opening a model tells.
    """
    if not provider.is_for_this_system:
        return f"{provider.name} is for {provider.only_on} alone."
    if provider.plug_in is None:
        if provider.name in onnxruntime.get_available_providers():
            return None
        return f"This ONNX Runtime has no {provider.name}."
    if importlib.util.find_spec(provider.plug_in) is None:
        return f"The plug-in {provider.plug_in} is not installed."
    if not hasattr(onnxruntime, "register_execution_provider_library"):
        return f"onnxruntime {onnxruntime.__version__} takes no plug-ins; 1.24 and newer do."
    return None


def _open_session(
    model: Path, device: DeviceName, threads: int, shapes: EngineOptions
) -> onnxruntime.InferenceSession:
    provider = PROVIDERS[device.kind]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = provider.reuses_memory
    # CUDA's means over a picture add up in whatever order its threads come: a shot that is rendered
    # twice, or in parts, would differ by a level here and there.
    options.use_deterministic_compute = device.kind != "cpu"
    # On a CPU, planning which tensors share memory takes longer than all else of opening a model
    # of a thousand nodes, and saves neither memory nor time of a run: tests/measurements/opening.py
    options.enable_mem_reuse = device.kind != "cpu"
    if device.kind == "cpu":  # a second pass over the graph changes neither answers nor their time
        options.add_session_config_entry("session.graph_optimizations_loop_level", "0")
    try:
        settings = provider_settings(model, device, threads=threads, shapes=shapes)
        if provider.plug_in is None:
            session = _session_of_own_providers(model, device, options, settings)
        else:
            _add_plug_in(provider, provider.plug_in, device.index, options, settings)
            session = onnxruntime.InferenceSession(os.fspath(model), options, enable_fallback=0)
    except DeviceUnavailableError:
        raise
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes of its own
        if device.kind != "cpu":
            raise DeviceUnavailableError(
                f"{device} cannot load {model.name}: {_shortened(error)}.",
                provider.remedy if provider.loads_cuda else "",
                kind="device-cannot-load",
            ) from error
        raise ModelError(f"{model} cannot be loaded by ONNX Runtime: {error}") from error
    if session.get_providers()[0] != provider.name:
        raise DeviceUnavailableError(
            f"This ONNX Runtime has {provider.name}, but the driver, libraries or device that it "
            f"needs for {device} are missing.",
            f"ONNX Runtime names what it missed above. {provider.remedy}",
        )
    return session


def _session_of_own_providers(
    model: Path, device: DeviceName, options: onnxruntime.SessionOptions, settings: dict[str, str]
) -> onnxruntime.InferenceSession:
    provider = PROVIDERS[device.kind]
    if provider.loads_cuda:
        _load_cuda()
    chosen = [(provider.name, settings)]
    if provider.beside is not None:
        other = PROVIDERS[provider.beside]
        chosen.append((other.name, filled(other.options, {"index": str(device.index)})))
    # Its own fall-back would go on silently on the CPU, and print to stdout.
    return onnxruntime.InferenceSession(
        os.fspath(model),
        options,
        providers=chosen,
        disabled_optimizers=IDLE_ON_CPU if device.kind == "cpu" else (),
        enable_fallback=0,
    )


def _load_cuda() -> None:
    """Load CUDA's libraries from where pip puts them; what is missing shows when a model opens."""
    preload = getattr(onnxruntime, "preload_dlls", None)  # 1.21 and newer
    if preload is None:
        return
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        preload()
    _log.info("ONNX Runtime's preload_dlls says: %s", printed.getvalue().strip() or "nothing")


def _add_plug_in(
    provider: Provider,
    plug_in: str,
    index: int,
    options: onnxruntime.SessionOptions,
    settings: dict[str, str],
) -> None:
    try:
        _register(plug_in, provider.name)
    except Exception as error:  # as in _open_session
        raise DeviceUnavailableError(
            f"{provider.name} does not load: {str(error).rpartition('with error: ')[2]}.",
            "Install NVIDIA's driver and see that `nvidia-smi` lists the card.",
        ) from error
    found = [one for one in onnxruntime.get_ep_devices() if one.ep_name == provider.name]
    if index >= len(found):
        raise DeviceUnavailableError(
            f"{plug_in} finds {len(found)} devices that it runs on, numbered from 0; number "
            f"{index} was asked for.",
            "`nvidia-smi` lists the cards; it takes those of the RTX 30 series and newer.",
            kind="no-rtx-card",
        )
    options.add_provider_for_devices([found[index]], settings)


@functools.cache
def _register(plug_in: str, name: str) -> None:
    """Once a process: ONNX Runtime refuses a library that it has."""
    library = importlib.import_module(plug_in).get_library_path()
    onnxruntime.register_execution_provider_library(name, library)


def _shortened(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= _LONGEST_REASON else f"… {text[-_LONGEST_REASON:]}"


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
    for kind in AUTO_ORDER if device == AUTO else GPU_ORDER:
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
    provider = PROVIDERS[name.kind]
    obstacle = find_obstacle(provider)
    if obstacle:
        raise DeviceUnavailableError(obstacle, provider.remedy)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return OnnxRuntimeRunner(_open_session(model, name, threads or cores, shapes), str(name))


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
