"""NVIDIA TensorRT as it is installed here: the only place that imports it.

The package index has its Python bindings only; the libraries come from NVIDIA's own index or
installer, the driver from the system. Any of them can be missing or be of another version.
"""

import functools
import logging
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from typing import Any

from reggan_plugin.backends.cuda_device import count_devices
from reggan_plugin.errors import DeviceUnavailableError

SUPPORTED_MAJORS = (10, 11)
INSTALL_COMMAND = 'pip install "reggan-plugin[tensorrt]" --extra-index-url https://pypi.nvidia.com'
_log = logging.getLogger(__name__)


class TensorRTState(Enum):
    """State of an installation."""

    MISSING = "not installed"
    NO_LIBRARIES = "bindings without libraries"
    WRONG_MAJOR = "wrong major version"
    NO_CUDA_BINDINGS = "no cuda-bindings"
    NO_DRIVER = "libraries without a driver"
    WORKS = "works"


@dataclass(frozen=True, kw_only=True)
class TensorRTStatus:
    """The state that was found, and what to do about it."""

    state: TensorRTState
    version: str | None = None
    """Of the Python bindings; None if there are none."""
    message: str = ""
    remedy: str = ""
    """Both are empty if it works."""


def tensorrt_status() -> TensorRTStatus:
    """Look at bindings, libraries and driver; nothing is built."""
    try:
        version = str(_import_tensorrt().__version__)
    except ModuleNotFoundError as error:
        return _status_of_missing(error)
    except (ImportError, OSError) as error:  # OSError: Windows names the DLL that it lacks so
        return _status_without_libraries(error)
    major = int(version.partition(".")[0])
    if major not in SUPPORTED_MAJORS:
        return TensorRTStatus(
            state=TensorRTState.WRONG_MAJOR,
            version=version,
            message=f"TensorRT {version} is installed; this version runs "
            f"{' and '.join(map(str, SUPPORTED_MAJORS))}.",
            remedy=_reinstall(),
        )
    return _status_of_driver(version)


def load_tensorrt() -> Any:
    """Return the module, ready to build and to run.

    Raises:
        DeviceUnavailableError: something is missing; the message says what, and the remedy.
    """
    status = tensorrt_status()
    if status.state is not TensorRTState.WORKS:
        raise DeviceUnavailableError(status.message, status.remedy)
    return _import_tensorrt()


@functools.cache
def logger_for(trt: Any) -> Any:
    """TensorRT's logger, of which it takes one a process: to Python's logging, quietly.

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


def _status_of_missing(error: ModuleNotFoundError) -> TensorRTStatus:
    if (error.name or "").partition(".")[0] == "tensorrt_bindings":
        return TensorRTStatus(
            state=TensorRTState.MISSING,
            message="TensorRT is not installed.",
            remedy=f"For NVIDIA's data-centre GPUs: {INSTALL_COMMAND}",
        )
    return _status_without_libraries(error)


def _status_without_libraries(error: Exception) -> TensorRTStatus:
    bindings, libraries = _installed("bindings"), _installed("libs")
    version = bindings[1] if bindings else None
    if bindings and libraries and _major(bindings[1]) != _major(libraries[1]):
        return TensorRTStatus(
            state=TensorRTState.WRONG_MAJOR,
            version=version,
            message=f"TensorRT's bindings are {bindings[1]}, its libraries {libraries[1]}; "
            "both must be of one version.",
            remedy=_reinstall(),
        )
    if bindings:
        family = bindings[0].removesuffix("-bindings")
        remedy = (
            f"pip install {family}-libs=={bindings[1]} --extra-index-url https://pypi.nvidia.com"
        )
    else:
        remedy = _reinstall()
    return TensorRTStatus(
        state=TensorRTState.NO_LIBRARIES,
        version=version,
        message=f"TensorRT's bindings are installed, but its libraries do not load: {error}.",
        remedy=f"The package index does not have them, NVIDIA's own does: {remedy}",
    )


def _status_of_driver(version: str) -> TensorRTStatus:
    try:
        message = "" if count_devices() else "there is no NVIDIA GPU with a driver that CUDA takes"
    except ModuleNotFoundError:
        return TensorRTStatus(
            state=TensorRTState.NO_CUDA_BINDINGS,
            version=version,
            message=f"TensorRT {version} is installed, but cuda-bindings is not, which gives it "
            "memory and streams.",
            remedy="pip install cuda-bindings",
        )
    except DeviceUnavailableError as error:
        message = str(error)
    if not message:
        return TensorRTStatus(state=TensorRTState.WORKS, version=version)
    return TensorRTStatus(
        state=TensorRTState.NO_DRIVER,
        version=version,
        message=f"TensorRT {version} is installed, but {message}.",
        remedy="Install NVIDIA's driver (580 or newer for the CUDA 13 that the extra brings) and "
        "see that `nvidia-smi` lists the GPU; in a container, pass the GPU to it.",
    )


def _installed(part: str) -> tuple[str, str] | None:
    """Name and version of NVIDIA's package of bindings or libs, of whichever CUDA."""
    for name in (f"tensorrt-cu13-{part}", f"tensorrt-cu12-{part}"):
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _reinstall() -> str:
    """Uninstall, then install: pip leaves the other half of a pair as it is."""
    present = sorted(
        name
        for distribution in metadata.distributions()
        if (name := (distribution.metadata["Name"] or "").lower()).startswith("tensorrt")
    )
    return f"pip uninstall -y {' '.join(present) or 'tensorrt'}; then {INSTALL_COMMAND}"


def _major(version: str) -> str:
    return version.partition(".")[0]
