"""Models run by ONNX Runtime."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from reggan_plugin.backends.runner import Runner, Tensors
from reggan_plugin.errors import DeviceUnavailableError, ModelError, UsageError

_PROVIDER_FROM_DEVICE = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
DEVICE_KINDS = tuple(_PROVIDER_FROM_DEVICE)
_AUTO_ORDER = ("cuda", "cpu")


class OnnxRuntimeRunner:
    """An ONNX model in one ONNX Runtime session."""

    def __init__(self, session: onnxruntime.InferenceSession, device: str) -> None:
        self._session = session
        self._output_names = [output.name for output in session.get_outputs()]
        self.device = device
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return every output by name for `inputs` by name.

        Raises:
            ModelError: ONNX Runtime refuses the inputs, or the device fails.
        """
        try:
            values = self._session.run(self._output_names, dict(inputs))
        except Exception as error:  # as in _open_session
            raise ModelError(
                f"The model fails on {self.device}: {error}. If its inputs are at fault, the card "
                "does not fit the graph: export it again."
            ) from error
        return dict(zip(self._output_names, values, strict=True))


def runner_from_onnx(model: Path, device: str = "auto", *, threads: int | None = None) -> Runner:
    """Load an ONNX file on a device.

    Args:
        model: the file.
        device: `auto`, or a kind with an optional index: `cpu`, `cuda:0`, ...
        threads: CPU threads of one run; by default as many as the process may use.

    Raises:
        DeviceUnavailableError: the device was named and cannot be had; nothing else is tried.
        ModelError: ONNX Runtime cannot read the file.
    """
    for candidate in available_devices() if device == "auto" else (device,):
        try:
            return OnnxRuntimeRunner(_open_session(model, candidate, threads), candidate)
        except DeviceUnavailableError:
            if device != "auto" or candidate == "cpu":
                raise
    raise AssertionError("the CPU is always among the devices")


def available_devices() -> tuple[str, ...]:
    """Device kinds for which this ONNX Runtime has a provider, best first; `cpu` is last.

    A provider that is compiled in can still fail to load: only opening a model tells.
    """
    compiled_in = onnxruntime.get_available_providers()
    return tuple(kind for kind in _AUTO_ORDER if _PROVIDER_FROM_DEVICE[kind] in compiled_in)


def _open_session(model: Path, device: str, threads: int | None) -> onnxruntime.InferenceSession:
    kind, _, index = device.partition(":")
    if kind not in _PROVIDER_FROM_DEVICE or (
        ":" in device and not (kind == "cuda" and index.isdigit())
    ):
        raise UsageError(
            f"{device!r} is not a device; name auto, or one of {', '.join(DEVICE_KINDS)}; cuda "
            "takes an index, such as cuda:0."
        )
    provider = _PROVIDER_FROM_DEVICE[kind]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceUnavailableError(
            f"This ONNX Runtime has no {provider}, which {device} needs. "
            "`reggan-plugin doctor` says what to install; --device auto takes what is there."
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or _usable_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    arguments = [(provider, {"device_id": index or "0"} if kind == "cuda" else {})]
    try:
        # Its own fall-back would go on silently on the CPU, and print to stdout.
        session = onnxruntime.InferenceSession(
            os.fspath(model), options, providers=arguments, enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes of its own
        if kind != "cpu":
            raise DeviceUnavailableError(
                f"{provider} cannot load {model.name}: {error}. --device cpu tells whether the "
                "device or the file is at fault."
            ) from error
        raise ModelError(f"{model} cannot be loaded by ONNX Runtime: {error}") from error
    if session.get_providers()[0] != provider:
        raise DeviceUnavailableError(
            f"{provider} is part of this ONNX Runtime, but did not load: its driver or "
            f"libraries are missing. `reggan-plugin doctor` tells more; --device cpu works."
        )
    return session


def _usable_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else (os.cpu_count() or 1)
