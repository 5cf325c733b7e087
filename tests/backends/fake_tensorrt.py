"""A TensorRT with exactly the names that our code may use, of a model of two inputs and one output.

test_tensorrt_api.py asks the real bindings of both major versions for every public name of every
class here. It is loaded anew for each test, as the fixture `trt`; what begins with an underscore is
the tests' own.
"""

import json
from typing import Any

__version__ = "11.4.0.106"
SIDE = 8

_memory: dict[int, Any] = {}
_faults: set[str] = set()
"""Which of the calls fail; each is named where it is asked for."""
_refused: set[bytes] = set()
"""Plans that `Runtime` does not load."""
_calls: list[tuple[str, Any]] = []


class TensorIOMode:
    INPUT = "input"


class DataType:
    FLOAT = "float"


class BuilderFlag:
    TF32 = "TF32"


class NetworkDefinitionCreationFlag:
    STRONGLY_TYPED = 1


class HardwareCompatibilityLevel:
    AMPERE_PLUS = "AMPERE_PLUS"


class ILogger:  # we make our own of it
    INTERNAL_ERROR, ERROR = 0, 1

    def log(self, severity: int, msg: str) -> None: ...


class ParserError:
    def desc(self) -> str:
        return "No importer registered for op: Fancy"


class IOptimizationProfile:
    def __init__(self) -> None:
        self._shapes: dict[str, Any] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._shapes[input] = (min, opt, max)


class IBuilderConfig:
    hardware_compatibility_level = "NONE"

    def clear_flag(self, flag: str) -> None:
        _calls.append(("clear_flag", flag))

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self._shapes = profile._shapes
        return 0


class ITensor:
    name, shape = "", ()


class INetworkDefinition:
    num_inputs = 2

    def get_input(self, index: int) -> ITensor:
        tensor = ITensor()
        tensor.name = ("image", "expression")[index]
        tensor.shape = ((-1, 3, SIDE, SIDE), (-1, 7))[index]
        return tensor


class OnnxParser:
    num_errors = 1

    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None: ...

    def parse(self, model: bytes) -> bool:
        return "no parse" not in _faults

    def get_error(self, index: int) -> ParserError:
        return ParserError()


class Builder:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger
        if "no driver" in _faults:
            logger.log(ILogger.INTERNAL_ERROR, "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")

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


class IExecutionContext:
    """Answers face = image + sum of expression."""

    def __init__(self, shapes: dict[str, Any]) -> None:
        self._allowed = shapes
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        smallest, _, largest = self._allowed[name]
        self._shapes[name] = shape
        return all(a <= b <= c for a, b, c in zip(smallest, shape, largest, strict=True))

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._shapes["image"]

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        image, expression = (
            _memory[self._addresses[name]][: _size(shape)].reshape(shape)
            for name, shape in self._shapes.items()
        )
        face = image + expression.sum(axis=1)[:, None, None, None]
        _memory[self._addresses["face"]][: face.size] = face.ravel()
        return "no run" not in _faults


class ICudaEngine:
    num_io_tensors = 3

    def __init__(self, shapes: dict[str, Any]) -> None:
        self._shapes = shapes

    def get_tensor_name(self, index: int) -> str:
        return ("image", "expression", "face")[index]

    def get_tensor_mode(self, name: str) -> str:
        return TensorIOMode.INPUT if name in self._shapes else "output"

    def get_tensor_dtype(self, name: str) -> str:
        return "half" if "half tensors" in _faults else DataType.FLOAT

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
        return list(self._shapes[name])

    def create_execution_context(self) -> IExecutionContext | None:
        return None if "no context" in _faults else IExecutionContext(self._shapes)


class Runtime:
    def __init__(self, logger: ILogger) -> None: ...

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        _calls.append(("load", serialized_engine))
        if serialized_engine in _refused or "no load" in _faults:
            return None
        return ICudaEngine(json.loads(serialized_engine)["shapes"])


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
