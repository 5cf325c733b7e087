"""Change the expression of rendered faces and keep everything else.

    from reggan_plugin import ExpressionTransfer

    transfer = ExpressionTransfer()
    transfer.change_file("frame.png", "happy.png", "happy", 0.7)

Names are loaded when they are first used, so that importing the package costs nothing.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reggan_plugin.errors import RegganError
    from reggan_plugin.faces.face_finder import FaceChoice
    from reggan_plugin.files.frame import Frame, read_frame, write_frame
    from reggan_plugin.perform.read_expression import read_expression
    from reggan_plugin.textures.read_rig import read_rig
    from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
    from reggan_plugin.vocabulary.expression import (
        EXPRESSION_NAMES,
        ExpressionMix,
        parse_expression_mix,
    )

__version__ = "0.6.12"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# ONNX Runtime reads it when it is imported. It would gather events in the user's cache to be sent,
# and write `.ses` into the folder of temporary files, through a link of anybody's.

__all__ = [
    "EXPRESSION_NAMES",
    "ExpressionMix",
    "ExpressionTransfer",
    "FaceChoice",
    "Frame",
    "RegganError",
    "__version__",
    "parse_expression_mix",
    "read_expression",
    "read_frame",
    "read_rig",
    "write_frame",
]

_MODULE_FROM_NAME = {
    "EXPRESSION_NAMES": "vocabulary.expression",
    "ExpressionMix": "vocabulary.expression",
    "ExpressionTransfer": "transfer.expression_transfer",
    "FaceChoice": "faces.face_finder",
    "Frame": "files.frame",
    "RegganError": "errors",
    "parse_expression_mix": "vocabulary.expression",
    "read_expression": "perform.read_expression",
    "read_frame": "files.frame",
    "read_rig": "textures.read_rig",
    "write_frame": "files.frame",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_FROM_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_FROM_NAME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
