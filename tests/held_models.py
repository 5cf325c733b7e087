"""A process of tests opens a model that ships once, not in every test."""

from pathlib import Path

import onnxruntime

import reggan_plugin
from reggan_plugin.backends import onnx_runtime_runner
from reggan_plugin.backends.devices import DeviceName

_SHIPPED = Path(reggan_plugin.__file__).parent
_open_session = onnx_runtime_runner._session_of_own_providers
_OnnxSession = onnxruntime.InferenceSession


def hold_shipped_models() -> None:
    """Keep sessions of files below `reggan_plugin/` on the CPU open, and use them again.

    A session has no state of its own between runs. Opening one takes longer than a small frame.
    """
    held: dict[object, onnxruntime.InferenceSession] = {}

    def session(
        model: Path,
        device: DeviceName,
        options: onnxruntime.SessionOptions,
        settings: dict[str, str],
    ) -> onnxruntime.InferenceSession:
        real = onnxruntime.InferenceSession is _OnnxSession  # no test put its own in the place
        if not real or device.kind != "cpu" or not model.resolve().is_relative_to(_SHIPPED):
            return _open_session(model, device, options, settings)
        key = (model.resolve(), model.stat().st_mtime_ns, options.intra_op_num_threads)
        if key not in held:
            held[key] = _open_session(model, device, options, settings)
        return held[key]

    onnx_runtime_runner._session_of_own_providers = session
