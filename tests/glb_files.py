"""GLB files for tests, put together by hand: what is read here was not written by us."""

import json
import struct
from typing import Any

import numpy as np


class GlbContent:
    """The binary part of a GLB, with the views and accessors that say what is where."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, data: bytes) -> int:
        """Append bytes; returns the number of their view."""
        self.content.extend(b"\0" * (-len(self.content) % 4))
        place = {"byteOffset": len(self.content), "byteLength": len(data)}
        self.views.append({"buffer": 0, **place})
        self.content.extend(data)
        return len(self.views) - 1

    def accessor(self, values: np.ndarray, kind: str, component: int, **more: Any) -> int:
        """Append an array; returns the number of its accessor."""
        entry = {"bufferView": self.view(values.tobytes()), "componentType": component}
        self.accessors.append({**entry, "count": len(values), "type": kind, **more})
        return len(self.accessors) - 1

    def tables(self) -> dict[str, Any]:
        """What the document says of it; complete once nothing is appended any more."""
        buffers = [{"byteLength": len(self.content)}]
        return {"accessors": self.accessors, "bufferViews": self.views, "buffers": buffers}


def glb_bytes(document: Any, binary: bytes) -> bytes:
    """The file of a document and its binary part."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
