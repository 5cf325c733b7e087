"""A TensorRT with exactly the names that our code may use, of the two tensors that ours has.

What it lacks fails in the tests of this room, and test_tensorrt_api.py asks the real bindings of
both major versions for every public name of every class here. It is loaded anew for each test,
as the fixture `trt`; what begins with an underscore is the tests' own.
"""

import json
from typing import Any

__version__ = "11.4.0.106"
SIDE = 8

_device: Any = None
_faults: set[str] = set()
"""Which of the calls fail; each is named where it is asked for."""
_refused: set[bytes] = set()
"""Plans that `Runtime` does not load."""
_calls: list[tuple[str, Any]] = []


class _Strict:
    """Refuses to be given attributes that TensorRT does not have."""

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(name)
        super().__setattr__(name, value)


class TensorIOMode(_Strict):
    INPUT = "input"


class DataType(_Strict):
    FLOAT = "float"


class BuilderFlag(_Strict):
    TF32 = "TF32"


class NetworkDefinitionCreationFlag(_Strict):
    STRONGLY_TYPED = 1


class HardwareCompatibilityLevel(_Strict):
    AMPERE_PLUS = "AMPERE_PLUS"


class ILogger:  # we make our own of it
    INTERNAL_ERROR, ERROR = 0, 1

    def log(self, severity: int, msg: str) -> None: ...


class ParserError(_Strict):
    def desc(self) -> str:
        return "No importer registered for op: Fancy"


class ITimingCache(_Strict):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def serialize(self) -> bytes:
        return self._content + b"+timed"


class IOptimizationProfile(_Strict):
    def __init__(self) -> None:
        self._shapes: dict[str, Any] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._shapes[input] = (min, opt, max)


class IBuilderConfig(_Strict):
    builder_optimization_level = 3
    hardware_compatibility_level = "NONE"

    def clear_flag(self, flag: str) -> None:
        _calls.append(("clear_flag", flag))

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self._shapes = profile._shapes
        return 0

    def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache | None:
        unreadable = serialized_timing_cache == b"rubbish"
        return None if unreadable else ITimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        self._timings = cache
        return ignore_mismatch or not cache._content.startswith(b"other GPU")

    def get_timing_cache(self) -> ITimingCache:
        return self._timings


class ITensor(_Strict):
    name, shape = "", ()


class INetworkDefinition(_Strict):
    num_inputs = 2

    def get_input(self, index: int) -> ITensor:
        tensor = ITensor()
        tensor.name = ("image", "expression")[index]
        tensor.shape = ((-1, 3, SIDE, SIDE), (-1, 7))[index]
        return tensor


class OnnxParser(_Strict):
    num_errors = 1

    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None: ...

    def parse(self, model: bytes) -> bool:
        return "no parse" not in _faults

    def get_error(self, index: int) -> ParserError:
        return ParserError()


class Builder(_Strict):
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger
        _fail_without_driver(logger)

    def create_network(self, flags: int) -> INetworkDefinition:
        _calls.append(("create_network", flags))
        return INetworkDefinition()

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def build_serialized_network(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> bytes | None:
        _calls.append(("build", config.hardware_compatibility_level))
        if "no tactic" in _faults:
            self._logger.log(ILogger.ERROR, "Could not find any implementation for node x")
            return None
        return json.dumps({"built": len(_calls), "shapes": config._shapes}).encode()


class IExecutionContext(_Strict):
    """Answers face = image + sum of expression, mask = first channel of image."""

    def __init__(self, shapes: dict[str, Any]) -> None:
        self._allowed = shapes
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}
        self._has_run = False

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert not self._has_run, "a context is changed from which a graph was recorded"
        smallest, _, largest = self._allowed[name]
        self._shapes[name] = shape
        return all(a <= b <= c for a, b, c in zip(smallest, shape, largest, strict=True))

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        batch = self._shapes["image"][0]
        return {"face": (batch, 3, SIDE, SIDE), "mask": (batch, 1, SIDE, SIDE)}[name]

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        self._has_run = True
        at = {name: _device.memory[address] for name, address in self._addresses.items()}

        def infer() -> None:
            image = at["image"].reshape(self._shapes["image"])
            expression = at["expression"].reshape(self._shapes["expression"])
            face = image + expression.sum(axis=1)[:, None, None, None]
            at["face"][:], at["mask"][:] = face.ravel(), image[:, :1].ravel()

        _device.streams[stream_handle].add("run", infer)
        return "no run" not in _faults


class ICudaEngine(_Strict):
    num_io_tensors = 4

    def __init__(self, shapes: dict[str, Any]) -> None:
        self._shapes = shapes

    def get_tensor_name(self, index: int) -> str:
        return ("image", "expression", "face", "mask")[index]

    def get_tensor_mode(self, name: str) -> str:
        return TensorIOMode.INPUT if name in self._shapes else "output"

    def get_tensor_dtype(self, name: str) -> str:
        return "half" if "half tensors" in _faults else DataType.FLOAT

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
        return list(self._shapes[name])

    def create_execution_context(self) -> IExecutionContext | None:
        return None if "no context" in _faults else IExecutionContext(self._shapes)


class Runtime(_Strict):
    def __init__(self, logger: ILogger) -> None:
        _fail_without_driver(logger)

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        _calls.append(("load", serialized_engine))
        if serialized_engine in _refused or "no load" in _faults:
            return None
        return ICudaEngine(json.loads(serialized_engine)["shapes"])


def _fail_without_driver(logger: ILogger) -> None:
    if "no driver" in _faults:
        logger.log(ILogger.INTERNAL_ERROR, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")
