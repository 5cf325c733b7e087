"""Models run by TensorRT engines of our own: what is installed, the build, the run.

The only place that knows TensorRT and CUDA. One run is plain: copy in, execute, copy out, one
caller at a time. Networks are strongly typed: the types in the file are those that run, so an fp16
engine comes from an fp16 file. TensorRT 11 knows nothing else, and 10 is asked for the same.
"""

import functools
import hashlib
import logging
import platform
import threading
import time
import weakref
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.backends.devices import ASKED_FOR, EngineOptions, Tensors
from reggan_plugin.backends.engine_cache import (
    PORTABLE_GPU,
    EngineFile,
    EngineKey,
    fetch_engine,
    find_engine,
    read_engine,
    write_engine,
)
from reggan_plugin.errors import DeviceMemoryError, DeviceUnavailableError, EngineError, ModelError
from reggan_plugin.frozen import frozen
from reggan_plugin.models.model_card import read_card
from reggan_plugin.models.onnx_messages import metadata_from_onnx

SUPPORTED_MAJORS = (10, 11)
INSTALL_COMMAND = 'pip install "reggan-plugin[tensorrt]" --extra-index-url https://pypi.nvidia.com'
_NO_DEVICE_CODES = (35, 100)
"""cudaErrorInsufficientDriver (also: no driver at all) and cudaErrorNoDevice."""
_OUT_OF_MEMORY = 2
_PROFILE = 0
_log = logging.getLogger(__name__)


class TensorRTRunner:
    """An engine on a GPU; any number of threads may call `run`, one after another."""

    def __init__(self, engine: Any, trt: Any, index: int, metadata: Mapping[str, str]) -> None:
        """Take over a loaded engine.

        Args:
            engine: as TensorRT loads it.
            trt: the TensorRT module.
            index: number of the GPU that it is on.
            metadata: string pairs of its model file.

        Raises:
            ModelError: its tensors are not float32, or TensorRT gives it no context.
        """
        self.reason = ASKED_FOR
        self.metadata = metadata
        self.device = f"tensorrt:{index}" if index else "tensorrt"
        names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
        others = [name for name in names if engine.get_tensor_dtype(name) != trt.DataType.FLOAT]
        if others:
            raise ModelError(
                f"The engine's {', '.join(others)} are not float32, as inputs and outputs of a "
                "model are at every precision. Export the model again."
            )
        is_input = {name: engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names}
        self._outputs = [name for name in names if not is_input[name]]
        self._ranges = {
            name: [tuple(shape) for shape in engine.get_tensor_profile_shape(name, _PROFILE)]
            for name in names
            if is_input[name]
        }
        self._context = engine.create_execution_context()
        if self._context is None:
            raise ModelError(
                "TensorRT gives no context for the engine, most likely for want of memory on the "
                "GPU. Close what else uses it.",
                kind="engine-too-large",
            )
        self._index = index
        self._lock = threading.Lock()
        self._stream = int(_cuda("cudaStreamCreate"))
        self._memory: dict[str, tuple[int, int]] = {}  # address and bytes of each tensor
        weakref.finalize(self, _release, self._stream, self._memory).atexit = False

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return every output by name for `inputs` by name.

        Batches larger than the engine takes are cut, smaller ones are filled with the last row.

        Raises:
            DeviceMemoryError: the GPU has no memory for the batch.
            DeviceUnavailableError: it fails.
            ModelError: the engine does not take these inputs.
        """
        rows = self._rows_of(inputs)
        smallest, _, largest = (shape[0] for shape in next(iter(self._ranges.values())))
        parts = []
        with self._lock:
            _cuda("cudaSetDevice", self._index)  # CUDA keeps a current device for each thread
            for first in range(0, rows, largest):
                count = min(largest, rows - first)
                taken = np.minimum(np.arange(first, first + max(count, smallest)), rows - 1)
                outputs = self._run_batch({name: one[taken] for name, one in inputs.items()})
                parts.append({name: one[:count] for name, one in outputs.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in self._outputs}

    def _run_batch(self, inputs: Tensors) -> Tensors:
        for name, array in inputs.items():
            accepted = self._context.set_input_shape(name, array.shape)
            _demand(accepted, f"{name} of shape {array.shape}")
            self._copy(name, array, "cudaMemcpyHostToDevice")
        outputs: Tensors = {}
        for name in self._outputs:
            shape = tuple(self._context.get_tensor_shape(name))
            _demand(min(shape) > 0, f"{name} of the open shape {shape}")
            outputs[name] = np.empty(shape, np.float32)
        for name, array in {**inputs, **outputs}.items():
            address = self._address(name, array.nbytes)
            _demand(self._context.set_tensor_address(name, address), name)
        _demand(self._context.execute_async_v3(self._stream), "the run")
        _cuda("cudaStreamSynchronize", self._stream)
        for name, array in outputs.items():
            self._copy(name, array, "cudaMemcpyDeviceToHost")
        return outputs

    def _copy(self, name: str, array: NDArray[np.float32], kind: str) -> None:
        from cuda.bindings import runtime

        host, device = array.ctypes.data, self._address(name, array.nbytes)
        upwards = kind == "cudaMemcpyHostToDevice"
        target, source = (device, host) if upwards else (host, device)
        _cuda("cudaMemcpy", target, source, array.nbytes, getattr(runtime.cudaMemcpyKind, kind))

    def _address(self, name: str, size_bytes: int) -> int:
        """Return where a tensor lives on the GPU, in a block that only grows."""
        address, held_bytes = self._memory.get(name, (0, 0))
        if size_bytes > held_bytes:
            _cuda("cudaFree", self._memory.pop(name, (0, 0))[0])
            address = int(_cuda("cudaMalloc", size_bytes))
            self._memory[name] = (address, size_bytes)
        return address

    def _rows_of(self, inputs: Mapping[str, NDArray[np.float32]]) -> int:
        counts = {len(array) for array in inputs.values() if array.ndim}
        floats = all(array.dtype == np.float32 for array in inputs.values())
        ranks = {name: array.ndim for name, array in inputs.items()}
        expected = {name: len(shapes[0]) for name, shapes in self._ranges.items()}
        if not floats or ranks != expected or len(counts) != 1 or 0 in counts:
            taken = (f"{name} float32 {shapes[0]}" for name, shapes in self._ranges.items())
            given = (f"{name} {array.dtype} {array.shape}" for name, array in inputs.items())
            raise ModelError(
                f"The model gets {', '.join(given)}; its engine takes {', '.join(taken)}, of 1 or "
                "more rows, as many for each. The card does not fit the graph: export it again."
            )
        return counts.pop()


def runner_from_model(
    model: Path, index: int = 0, options: EngineOptions | None = None
) -> TensorRTRunner:
    """Run an .onnx file by its engine from the cache, which is built if it is not there.

    Raises:
        DeviceUnavailableError: TensorRT, its libraries, the driver or the GPU is missing.
        ModelError: TensorRT cannot read the file.
        OutputError: an engine must be built, and the cache cannot be written.
    """
    builder = EngineBuilder(model, options or EngineOptions(), index)
    stored, engine = builder.cached(exactly=False)
    return TensorRTRunner(engine, load_tensorrt(), index, stored.metadata)


def runner_from_engine(path: Path, index: int = 0) -> TensorRTRunner:
    """Run an engine that `reggan-plugin export engine` wrote.

    It is native code: name only files that you trust as you would a program.

    Raises:
        DeviceUnavailableError: TensorRT, its libraries, the driver or the GPU is missing.
        EngineError: it is not such a file, is damaged, or is for another GPU or TensorRT.
    """
    try:
        stored = read_engine(path)
    except FileNotFoundError as error:
        raise EngineError(
            f"{error.filename} does not exist; an engine is two files, FILE and FILE.json. "
            "Build it.",
            kind="engine-to-build",
        ) from error
    trt = load_tensorrt()
    open_gpu(index)
    engine = _load_plan(trt, stored.plan)
    if engine is None:
        key = stored.key
        raise EngineError(
            f"TensorRT {trt.__version__} refuses {stored.path}, which was built with TensorRT "
            f"{key.get('tensorrt')} for {key.get('gpu')} on {key.get('system')}. Build it on this "
            "machine.",
            kind="engine-to-build",
        )
    return TensorRTRunner(engine, trt, index, stored.metadata)


class EngineBuilder:
    """The engine of one model on one GPU, from the cache or built."""

    def __init__(self, model: Path, options: EngineOptions, index: int = 0) -> None:
        """Read what the model says of itself.

        Raises:
            DeviceUnavailableError: TensorRT, its libraries, the driver or the GPU is missing.
            ModelError: the file cannot be read, or has no card.
        """
        self._trt, self._gpu = load_tensorrt(), open_gpu(index)
        self._model, self._options = model, options
        self._metadata = metadata_from_onnx(model)
        self.key = EngineKey(
            model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
            tensorrt=str(self._trt.__version__),
            system=f"{platform.system()}-{platform.machine()}".lower(),
            gpu=PORTABLE_GPU if options.portable else self._gpu.name,
            compute_capability="" if options.portable else self._gpu.compute_capability,
            precision=str(read_card(self._metadata, str(model)).get("precision", "fp32")),
            options=options,
        )

    def build_at(self, path: Path) -> EngineFile:
        """Build the engine and write it to `path`.

        Raises:
            DeviceUnavailableError, ModelError: as `build_plan`.
            OutputError: it cannot be written.
        """
        _log.warning(
            "Building a TensorRT engine for %s on %s; this takes up to minutes, once.",
            self._model.name,
            self._gpu.name,
        )
        plan = build_plan(self._trt, self._model, self._options)
        driver = self._gpu.driver
        return write_engine(path, plan, key=self.key, metadata=self._metadata, driver=driver)

    def cached(self, *, exactly: bool) -> tuple[EngineFile, Any]:
        """Return the engine's file in the cache, and the engine, loaded; built if need be.

        Unless it has to be `exactly` what was asked for, one that was exported for other batches
        or for all GPUs is taken before another is built.

        Raises:
            DeviceUnavailableError: TensorRT refuses even an engine that it has just built.
            OutputError: it must be built, and the cache cannot be written.
        """
        stem = self._model.stem
        stored = find_engine(self.key, stem, exactly=exactly)
        stored = stored or fetch_engine(self.key, stem, self.build_at)
        engine = _load_plan(self._trt, stored.plan)
        if engine is None:
            _log.warning("TensorRT refuses %s, most likely since the driver changed.", stored.path)
            stored = fetch_engine(self.key, stem, self.build_at, refused=stored)
            engine = _load_plan(self._trt, stored.plan)
        if engine is None:
            raise DeviceUnavailableError(
                f"TensorRT refuses {stored.path}, which it has just built.", kind="no-engine"
            )
        return stored, engine


def build_plan(trt: Any, model: Path, options: EngineOptions) -> bytes:
    """Build an engine on the current GPU; takes from seconds to minutes.

    Args:
        trt: the TensorRT module, as `load_tensorrt` returns it.
        model: an .onnx file without external data.
        options: shapes, and whether for this GPU alone.

    Raises:
        DeviceUnavailableError: TensorRT cannot reach the GPU.
        ModelError: it cannot read the file, or finds no way to run it.
    """
    started = time.monotonic()
    logger = _logger_for(trt)
    builder = _begin(trt.Builder, logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model.read_bytes()):
        reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise ModelError(
            f"TensorRT {trt.__version__} cannot read {model.name}: {'; '.join(reasons)}. "
            "int8 files are made for the CPU; take the fp32 or fp16 one."
        )
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # fp32 means fp32: TF32 has the precision of fp16
    if options.portable:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    profile = builder.create_optimization_profile()
    for tensor in map(network.get_input, range(network.num_inputs)):
        profile.set_shape(tensor.name, *options.shapes(tuple(tensor.shape)))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(
            f"TensorRT {trt.__version__} finds no way to run {model.name}: {logger.latest_error}.",
            kind="no-engine-can-be-built",
        )
    _log.info("Built an engine for %s in %.1f s.", model.name, time.monotonic() - started)
    return bytes(plan)


def load_tensorrt() -> Any:
    """Return the module, ready to build and to run.

    Raises:
        DeviceUnavailableError: something is missing; the message says what, and the remedy.
    """
    try:
        trt = _import_tensorrt()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tensorrt_bindings":
            raise _without_libraries(error) from error
        raise DeviceUnavailableError(
            "TensorRT is not installed.", f"For NVIDIA's data-centre GPUs: {INSTALL_COMMAND}"
        ) from error
    except (ImportError, OSError) as error:  # OSError: Windows names the DLL that it lacks so
        raise _without_libraries(error) from error
    if int(trt.__version__.partition(".")[0]) not in SUPPORTED_MAJORS:
        raise DeviceUnavailableError(
            f"TensorRT {trt.__version__} is installed; this version runs "
            f"{' and '.join(map(str, SUPPORTED_MAJORS))}.",
            _reinstall(),
        )
    try:
        fault = "" if count_gpus() else "there is no NVIDIA GPU with a driver that CUDA takes"
    except ModuleNotFoundError as error:
        raise DeviceUnavailableError(
            f"TensorRT {trt.__version__} is installed, but cuda-bindings is not, which gives it "
            "memory and streams.",
            "pip install cuda-bindings",
        ) from error
    except DeviceUnavailableError as error:
        fault = error.found.rstrip(".")
    if fault:
        raise DeviceUnavailableError(
            f"TensorRT {trt.__version__} is installed, but {fault}.",
            "Install NVIDIA's driver (580 or newer for the CUDA 13 that the extra brings) and "
            "see that `nvidia-smi` lists the GPU; in a container, pass the GPU to it.",
        )
    return trt


@frozen
class Gpu:
    """One GPU: its name, its generation such as `9.0`, the newest CUDA that its driver speaks."""

    name: str
    compute_capability: str
    driver: str


def count_gpus() -> int:
    """Return the number of GPUs.

    Raises:
        ModuleNotFoundError: the package cuda-bindings is missing.
        DeviceUnavailableError: there is no driver, or it fails.
    """
    from cuda.bindings import runtime

    code, count = runtime.cudaGetDeviceCount()
    return 0 if int(code) in _NO_DEVICE_CODES else int(_checked(code, count))


def open_gpu(index: int) -> Gpu:
    """Make the GPU of this number the thread's own.

    Raises:
        DeviceUnavailableError: there is none, or no driver.
    """
    count = count_gpus()
    if index >= count:
        raise DeviceUnavailableError(
            f"CUDA finds {count} GPUs, numbered from 0; number {index} was asked for.",
            kind="gpu-fails",
        )
    _cuda("cudaSetDevice", index)
    properties = _cuda("cudaGetDeviceProperties", index)
    version = int(_cuda("cudaDriverGetVersion"))
    return Gpu(
        name=properties.name.decode().strip("\0 "),
        compute_capability=f"{int(properties.major)}.{int(properties.minor)}",
        driver=f"{version // 1000}.{version % 1000 // 10}",
    )


def _cuda(call: str, *arguments: Any) -> Any:
    from cuda.bindings import runtime

    return _checked(*getattr(runtime, call)(*arguments))


def _checked(code: Any, *values: Any) -> Any:
    """Return what a call of the CUDA runtime answered beside its error code."""
    if int(code) == 0:
        return values[0] if values else None
    from cuda.bindings import runtime

    text = runtime.cudaGetErrorString(code)[1].decode()
    found = f"The GPU fails with {code.name}: {text}."
    if int(code) == _OUT_OF_MEMORY:
        raise DeviceMemoryError(f"{found} Close what else uses it.")
    raise DeviceUnavailableError(found, kind="gpu-fails")


def _release(stream: int, memory: dict[str, tuple[int, int]]) -> None:
    from cuda.bindings import runtime

    for address, _ in memory.values():
        runtime.cudaFree(address)
    runtime.cudaStreamDestroy(stream)


def _demand(accepted: bool, what: str) -> None:
    if not accepted:
        raise ModelError(
            f"TensorRT refuses {what}; the engine does not fit its model. Build it again.",
            kind="engine-to-build",
        )


def _load_plan(trt: Any, plan: bytes) -> Any | None:
    """Return the engine in a plan; None if this TensorRT or this GPU refuses it."""
    return _begin(trt.Runtime, _logger_for(trt)).deserialize_cuda_engine(plan)


def _begin(kind: Any, logger: Any) -> Any:
    try:
        return kind(logger)
    except TypeError as error:  # how its bindings say that the library gave them nothing
        raise DeviceUnavailableError(
            f"TensorRT cannot begin on this GPU: {logger.latest_error}.", kind="gpu-fails"
        ) from error


@functools.cache
def _logger_for(trt: Any) -> Any:
    """Return TensorRT's logger, of which it takes one a process: to Python's logging, quietly.

    Its `latest_error` is for the message of what is raised.
    """
    errors = (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR)

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.latest_error = "TensorRT gives no reason"

        def log(self, severity: Any, message: str) -> None:
            if severity in errors:
                self.latest_error = message.strip()
            _log.debug("TensorRT: %s", message)

    return Logger()


def _import_tensorrt() -> Any:
    try:
        import tensorrt
    except ModuleNotFoundError as error:
        if error.name != "tensorrt":
            raise
        import tensorrt_bindings as tensorrt  # the wheel's own name, without NVIDIA's front
    return tensorrt


def _without_libraries(error: Exception) -> DeviceUnavailableError:
    """Say which of NVIDIA's two packages, of whichever CUDA, does not fit the other."""
    installed = _installed()
    bindings, libraries = (
        next(((name, own) for name, own in sorted(installed.items()) if name.endswith(end)), None)
        for end in ("-bindings", "-libs")
    )
    if bindings and libraries and bindings[1].split(".")[0] != libraries[1].split(".")[0]:
        return DeviceUnavailableError(
            f"TensorRT's bindings are {bindings[1]}, its libraries {libraries[1]}; both must be of "
            "one version.",
            _reinstall(),
        )
    remedy = _reinstall()
    if bindings:
        name, version = bindings[0].removesuffix("-bindings"), bindings[1]
        remedy = f"pip install {name}-libs=={version} --extra-index-url https://pypi.nvidia.com"
    return DeviceUnavailableError(
        f"TensorRT's bindings are installed, but its libraries do not load: {error}.",
        f"The package index does not have them, NVIDIA's own does: {remedy}",
    )


def _reinstall() -> str:
    """Uninstall, then install: pip leaves the other half of a pair as it is."""
    present = " ".join(sorted(_installed())) or "tensorrt"
    return f"pip uninstall -y {present}; then {INSTALL_COMMAND}"


def _installed() -> dict[str, str]:
    """Return the versions of NVIDIA's packages by name."""
    names = ((one.metadata["Name"] or "", one.version) for one in metadata.distributions())
    named = ((name.lower().replace("_", "-"), version) for name, version in names)
    return {name: version for name, version in named if name.startswith("tensorrt")}
