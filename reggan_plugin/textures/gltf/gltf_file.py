"""A glTF or GLB file as its JSON and its buffers, and back without touching either.

The JSON is kept as it is read. Libraries that turn it into classes write defaults that were not
there and drop what they do not know: pygltflib 1.16.5 loses `asset.copyright` and every
vendor field of a Blender export.
"""

import base64
import binascii
import json
import struct
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reggan_plugin.errors import MeshError

_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
_MAGIC, _JSON, _BINARY = b"glTF", b"JSON", b"BIN\0"
GLTF_SUFFIXES = (".glb", ".vrm", ".gltf")


@dataclass(frozen=True, kw_only=True, eq=False)
class GltfFile:
    """What is in a glTF file. `document` is never changed in place."""

    path: Path
    document: dict[str, Any]
    buffers: tuple[bytes, ...]
    is_binary: bool
    """Whether it is one file (GLB, VRM), whose buffer 0 is inside."""

    def list_of(self, key: str) -> list[dict[str, Any]]:
        """A top-level array of the document, empty if it has none."""
        found = self.document.get(key, [])
        return found if isinstance(found, list) else []

    def view_bytes(self, index: int) -> bytes:
        """The bytes of a buffer view."""
        view = self.document["bufferViews"][index]
        start = view.get("byteOffset", 0)
        content = self.buffers[view["buffer"]][start : start + view["byteLength"]]
        if len(content) < view["byteLength"]:
            raise MeshError(
                f"{self.path}: buffer view {index} reaches beyond the file's end. The file is "
                "cut off; export it again."
            )
        return content

    def extension(self, name: str) -> dict[str, Any]:
        """A root extension, empty if the file has none of this name."""
        found = self.document.get("extensions", {}).get(name, {})
        return found if isinstance(found, dict) else {}


def read_gltf(path: Path) -> GltfFile:
    """Read a .glb, .vrm or .gltf with all of its buffers.

    Raises:
        MeshError: it cannot be read, is damaged, or is not glTF 2.0.
    """
    content = read_bytes(path)
    try:
        is_binary = content.startswith(_MAGIC)
        text, binary = _chunks(content) if is_binary else (content, b"")
        document = json.loads(text)
        version = str(document["asset"]["version"])
        buffers = tuple(_buffer(path, entry, binary) for entry in document.get("buffers", []))
    except (KeyError, TypeError, ValueError, struct.error, binascii.Error) as error:
        cause = str(error).strip() or type(error).__name__
        raise MeshError(f"{path} is a broken glTF file: {cause}. Export it again.") from error
    if not version.startswith("2."):
        raise MeshError(f"{path} is glTF {version}; expected 2.0. Export it again as glTF 2.0.")
    return GltfFile(path=path, document=document, buffers=buffers, is_binary=is_binary)


def bytes_from_gltf(document: dict[str, Any], buffer: bytes | None) -> bytes:
    """A GLB with this document and buffer; a .gltf where there is no buffer to put inside."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if buffer is None:
        return text
    text += b" " * (-len(text) % 4)
    binary = buffer + b"\0" * (-len(buffer) % 4)
    length = _HEADER.size + 2 * _CHUNK.size + len(text) + len(binary)
    return b"".join(
        [
            _HEADER.pack(_MAGIC, 2, length),
            _CHUNK.pack(len(text), _JSON),
            text,
            _CHUNK.pack(len(binary), _BINARY),
            binary,
        ]
    )


def read_bytes(path: Path) -> bytes:
    """A mesh file's content.

    Raises:
        MeshError: it is not there or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise MeshError(
            f"{path} cannot be read: {error.strerror}. Check the path and your rights to it."
        ) from error


def _chunks(content: bytes) -> tuple[bytes, bytes]:
    """JSON and binary chunk of a GLB."""
    _, version, length = _HEADER.unpack_from(content)
    if version != 2:
        raise ValueError(f"it is GLB version {version}, expected 2")
    if length > len(content):
        raise ValueError(f"it has {len(content)} bytes of {length}")
    chunks: dict[bytes, bytes] = {}
    offset = _HEADER.size
    while offset + _CHUNK.size <= length:
        size, kind = _CHUNK.unpack_from(content, offset)
        offset += _CHUNK.size
        chunks.setdefault(kind, content[offset : offset + size])
        offset += size
    if _JSON not in chunks:
        raise ValueError("it has no JSON chunk")
    return chunks[_JSON], chunks.get(_BINARY, b"")


def _buffer(path: Path, entry: dict[str, Any], binary: bytes) -> bytes:
    uri = entry.get("uri")
    if uri is None:
        content = binary
    elif uri.startswith("data:"):
        content = base64.b64decode(uri.partition(",")[2], validate=True)
    else:
        content = read_bytes(path.parent / urllib.parse.unquote(uri))
    if len(content) < entry["byteLength"]:
        raise ValueError(f"a buffer has {len(content)} bytes of {entry['byteLength']}")
    return content
