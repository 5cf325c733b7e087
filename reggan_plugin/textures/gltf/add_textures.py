"""New images, textures and materials in a glTF file; all else keeps its JSON and its bytes."""

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reggan_plugin.errors import UsageError
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.textures.gltf.gltf_file import (
    GltfFile,
    bytes_from_gltf,
    image_of_texture,
    safe_name,
)

_ALIGNMENT = 8
MIME_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
"""Media types of glTF images, by the ending of a file's name."""
_WITHOUT_UV = "matcapTexture"


def refuse_output(gltf: GltfFile, path: Path) -> None:
    """Refuse a file that a changed glTF file cannot be written to.

    Raises:
        UsageError: the kinds differ, it would lose its buffers, or it is a GLB whose first buffer
            is another file's, which is not put inside.
    """
    if gltf.is_binary and gltf.buffers and not gltf.has_buffer_inside:
        raise UsageError(
            f"{gltf.path} keeps its first buffer in another file, so no map can be put inside. "
            "Make one file of it: npx gltf-transform copy IN OUT"
        )
    if gltf.is_binary != (path.suffix.lower() != ".gltf"):
        raise UsageError(
            f"{path} is of another kind than {gltf.path}. Give it the ending {gltf.path.suffix}."
        )
    names_files = not gltf.is_binary or gltf.names
    if names_files and path.parent.resolve() != gltf.path.parent.resolve():
        raise UsageError(
            f"{path} would not find the files of {gltf.path}, which lie beside it. "
            "Write it into the same folder, or make one .glb of the source first: "
            "npx gltf-transform copy IN OUT"
        )


def materials_showing(gltf: GltfFile, image: int) -> list[int]:
    """Materials of a file whose base colour is an image."""
    return [
        index
        for index, material in enumerate(gltf.document.get("materials", []))
        for info in [material.get("pbrMetallicRoughness", {}).get("baseColorTexture")]
        if info is not None and image_of_texture(gltf, info) == image
    ]


class GltfEdit:
    """A copy of a file's document and of the buffer inside, to be added to and written."""

    def __init__(self, gltf: GltfFile) -> None:
        """Copy the document and the buffer that is inside; all others stay where they are."""
        self._gltf = gltf
        self.document: dict[str, Any] = copy.deepcopy(gltf.document)
        self._buffer = bytearray(gltf.buffers[0] if gltf.has_buffer_inside else b"")
        self._beside: dict[str, bytes] = {}

    def replace_image(self, image: int, content: bytes, suffix: str) -> None:
        """Put another picture in an image's place; everything that uses it shows the new one."""
        entry = self.document["images"][image]
        if self._gltf.is_binary and "bufferView" in entry and self._is_alone(entry["bufferView"]):
            self._splice(entry["bufferView"], content)
            entry["mimeType"] = MIME_TYPES[suffix]
        else:
            self._place(entry, content, suffix)
        self._show_plainly(image)

    def add_image(self, content: bytes, suffix: str, name: str) -> int:
        """Add a further image; return its index."""
        entry: dict[str, Any] = {"name": name}
        self._place(entry, content, suffix)
        return self.append("images", entry)

    def add_texture(self, like: int, image: int) -> int:
        """Add a texture with another one's sampler and an image of its own; return its index."""
        entry = {k: v for k, v in self.document["textures"][like].items() if k != "extensions"}
        return self.append("textures", {**entry, "source": image})

    def use_extension(self, name: str) -> None:
        """Declare an extension that readers may ignore."""
        used = self.document.setdefault("extensionsUsed", [])
        if name not in used:
            used.append(name)

    def image_of(self, info: dict[str, Any]) -> int | None:
        """Return the image that a textureInfo of the file's own leads to."""
        return image_of_texture(self._gltf, info)

    def write(self, path: Path) -> None:
        """Write the file as it is now, of the same kind as the source.

        Raises:
            UsageError: see `refuse_output`.
            OutputError: it cannot be written.
        """
        refuse_output(self._gltf, path)
        if self._gltf.is_binary:
            if self._buffer:
                self.document["buffers"][0]["byteLength"] = len(self._buffer)
            content = bytes_from_gltf(self.document, bytes(self._buffer), self._gltf.further)
            write_atomically(path, content)
            return
        for name, content in self._beside.items():
            write_atomically(path.with_name(name), content)
        write_atomically(path, bytes_from_gltf(self.document, None))

    def append(self, key: str, entry: dict[str, Any]) -> int:
        """Add an entry to a top-level array; return its index."""
        entries = self.document.setdefault(key, [])
        entries.append(entry)
        return len(entries) - 1

    def _show_plainly(self, image: int) -> None:
        """Let textures that show an image as one of another kind (WebP, KTX2) show it as PNG or
        JPEG, and undeclare what no texture needs any longer.
        """
        textures, dropped = self.document.get("textures", []), set[str]()
        for index, texture in enumerate(textures):
            own = texture.get("extensions", {})
            kinds = {name for name, one in own.items() if "source" in one}
            if kinds and self.image_of({"index": index}) == image:
                dropped |= kinds
                texture["source"] = image
                texture["extensions"] = {k: one for k, one in own.items() if k not in kinds}
                if not texture["extensions"]:
                    del texture["extensions"]
        for texture in textures:
            dropped -= set(texture.get("extensions", {}))
        for key in ("extensionsUsed", "extensionsRequired"):
            kept = [name for name in self.document.get(key, []) if name not in dropped]
            if dropped and kept:
                self.document[key] = kept
            elif dropped:
                self.document.pop(key, None)

    def _place(self, entry: dict[str, Any], content: bytes, suffix: str) -> None:
        """Let an image's entry lead to new bytes: at the buffer's end, or in a file beside."""
        for key in ("uri", "bufferView", "mimeType"):
            entry.pop(key, None)
        if self._gltf.is_binary:
            self._buffer += b"\0" * (-len(self._buffer) % _ALIGNMENT)
            view = {"buffer": 0, "byteOffset": len(self._buffer), "byteLength": len(content)}
            self._buffer += content
            if not self.document.get("buffers"):
                self.document["buffers"] = [{"byteLength": 0}]
            entry["bufferView"] = self.append("bufferViews", view)
            entry["mimeType"] = MIME_TYPES[suffix]
        else:
            stem = safe_name(entry.get("name", "")) or "map"
            names = (f"{stem}{f'_{i}' if i else ''}{suffix}" for i in itertools.count())
            name = next(name for name in names if not self._is_taken(name))
            self._beside[name] = content
            entry["uri"] = name

    def _is_taken(self, name: str) -> bool:
        return name in self._beside or (self._gltf.path.parent / name).exists()

    def _is_alone(self, index: int) -> bool:
        """Tell whether nothing else lies in a view's bytes, so that they can make room."""
        views = self.document["bufferViews"]
        view = views[index]
        start = view.get("byteOffset", 0)
        end = start + view["byteLength"]
        packed = any("extensions" in other for other in views)
        users = [e for e in self.document["images"] if e.get("bufferView") == index]
        for other in (v for i, v in enumerate(views) if i != index and v["buffer"] == 0):
            begin = other.get("byteOffset", 0)
            if begin < end and begin + other["byteLength"] > start:
                return False
        return view["buffer"] == 0 and not packed and len(users) == 1

    def _splice(self, index: int, content: bytes) -> None:
        """Other bytes for a view; views behind it move by a multiple of the alignment."""
        views = self.document["bufferViews"]
        view = views[index]
        start, length = view.get("byteOffset", 0), view["byteLength"]
        shift = len(content) - length
        padding = -shift % _ALIGNMENT
        self._buffer[start : start + length] = content + b"\0" * padding
        for other in views:
            if other["buffer"] == 0 and other.get("byteOffset", 0) >= start + length:
                other["byteOffset"] += shift + padding
        view["byteLength"] = len(content)


def texture_infos(material: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every textureInfo of a material that is laid by UVs, those of its extensions included."""
    for key, value in material.items():
        if not isinstance(value, dict) or key == _WITHOUT_UV:
            continue
        if key.endswith("Texture") and isinstance(value.get("index"), int):
            yield value
        else:
            yield from texture_infos(value)
