"""A glTF or GLB file as its JSON and its buffers, and back without touching either.

The JSON is kept as it is read. Libraries that turn it into classes write defaults that were not
there and drop what they do not know: pygltflib 1.16.5 loses `asset.copyright` and every
vendor field of a Blender export.
Arrays of numbers: glTF 2.0 specification, section 3.6.2 (accessors).
"""

import base64
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.array_types import Shaped
from reggan_plugin.errors import MeshError
from reggan_plugin.frozen import frozen
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_BUFFER_BYTES, MOST_NAME_BYTES, MOST_UNSTORED, refuse_beyond
from reggan_plugin.textures.character import AlphaMode, Material
from reggan_plugin.textures.files_named_by_mesh import file_of_uri, read_file, refuse_many_files
from reggan_plugin.textures.gltf.schema import check_document, refuse_overgrown

_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
_MAGIC, _JSON, _BINARY = b"glTF", b"JSON", b"BIN\0"
_LONGEST_NAME = 80
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
PACKED = (*MESHOPT, "KHR_draco_mesh_compression")
_READ = (
    *("KHR_texture_transform", "KHR_mesh_quantization", "KHR_texture_basisu", "EXT_texture_"),
    *("KHR_materials_", "KHR_lights_", "EXT_lights_", "KHR_xmp", "VRM"),
)
"""Beginnings of extensions that a file may require: they are read, or change neither shape nor
base colour."""


@frozen(eq=False)
class GltfFile:
    """Content of a glTF file. `document` is sound (see `schema`) and never changed in place."""

    path: Path
    document: dict[str, Any]
    buffers: tuple[bytes, ...]
    """Each as long as its entry in the document says."""
    is_binary: bool
    """Whether it is one file (GLB, VRM), whose buffer 0 is inside."""
    further: bytes = b""
    """Chunks of other programs behind it, as they are in the file."""

    def list_of(self, key: str) -> list[dict[str, Any]]:
        """Return a top-level array of the document, empty if it has none."""
        found = self.document.get(key, [])
        return found if isinstance(found, list) else []

    @property
    def has_buffer_inside(self) -> bool:
        """True if buffer 0 is in this file, and not one that it names."""
        entries = self.list_of("buffers")
        return self.is_binary and bool(entries) and "uri" not in entries[0]

    @property
    def names(self) -> tuple[str, ...]:
        """URIs of the buffers and images that it names, wherever these lie.

        Raises:
            MeshError: they are too many.
        """
        entries = [*self.list_of("buffers"), *self.list_of("images")]
        uris = (entry["uri"] for entry in entries if "uri" in entry)
        names = tuple(dict.fromkeys(uri for uri in uris if not is_data(uri)))
        refuse_many_files(self.path, len(names))
        return names

    @property
    def files(self) -> tuple[Path, ...]:
        """The buffers and images that it names, but for images that lie elsewhere: whoever needs
        one refuses it then (see `image_path`).

        Raises:
            MeshError: the name of a buffer leads elsewhere (see `files_named_by_mesh`), or names
                are too many.
        """
        buffers = {entry.get("uri") for entry in self.list_of("buffers")}
        found = []
        for uri in self.names:
            try:
                found.append(file_of_uri(self.path, uri))
            except MeshError:
                if uri in buffers:
                    raise
        return tuple(found)

    def view(self, index: int) -> memoryview:
        """Return a buffer view, without a copy."""
        view = self.document["bufferViews"][index]
        start = view.get("byteOffset", 0)
        content = memoryview(self.buffers[view["buffer"]])[start : start + view["byteLength"]]
        if len(content) < view["byteLength"]:
            raise MeshError(
                f"{self.path}: buffer view {index} reaches beyond the file's end. The file is "
                "cut off; export it again."
            )
        return content

    def broken(self, fault: str) -> MeshError:
        """Return the error of a file that has a fault."""
        return MeshError(f"{self.path}: {fault}. The file is broken; export it again.")

    def extension(self, name: str) -> dict[str, Any]:
        """Return a root extension, empty if the file has none of this name."""
        found = self.document.get("extensions", {}).get(name, {})
        return found if isinstance(found, dict) else {}


def read_gltf(path: Path) -> GltfFile:
    """Read a .glb, .vrm or .gltf with all of its buffers.

    Raises:
        MeshError: it cannot be read, is damaged, or is not glTF 2.0.
    """
    content = read_file(path)
    try:
        is_binary = content.startswith(_MAGIC)
        text, binary, further = _chunks(content) if is_binary else (content, b"", b"")
        refuse_overgrown(text)
        document = parse_json(text, parse_constant=_refuse_constant)
        check_document(document)
        version = document["asset"]["version"]
        entries = document.get("buffers", [])
        total = sum(entry["byteLength"] for entry in entries)
        refuse_beyond(total, MOST_BUFFER_BYTES, "bytes in its buffers")
        buffers = tuple(_buffer(path, entry, binary) for entry in entries)
    except (ValueError, RecursionError, struct.error) as error:
        cause = str(error).strip() or type(error).__name__
        raise MeshError(f"{path} is a broken glTF file: {cause}. Export it again.") from error
    if not version.startswith("2."):
        raise MeshError(f"{path} is glTF {version}; expected 2.0. Export it again as glTF 2.0.")
    for name in document.get("extensionsRequired", ()):
        if name in PACKED:
            raise packed_file(path, name)
        if not name.startswith(_READ):
            raise MeshError(
                f"{path} requires the extension {name[:_LONGEST_NAME]!r}, which is not read. "
                "Export it without."
            )
    return GltfFile(
        path=path, document=document, buffers=buffers, is_binary=is_binary, further=further
    )


def packed_file(path: Path, extension: str) -> MeshError:
    """Return the error of a file whose numbers an extension packs."""
    return MeshError(
        f"{path} is packed with {extension}, which is not read. Unpack it first: "
        "npx gltf-transform copy IN OUT"
    )


def bytes_from_gltf(document: dict[str, Any], buffer: bytes | None, further: bytes = b"") -> bytes:
    """Return a GLB with this document, buffer and further chunks; a .gltf where there is no buffer
    to put inside.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can only escape
        text = json.dumps(document, separators=(",", ":")).encode()
    if buffer is None:
        return text
    text += b" " * (-len(text) % 4)
    binary = buffer + b"\0" * (-len(buffer) % 4)
    length = _HEADER.size + 2 * _CHUNK.size + len(text) + len(binary) + len(further)
    return b"".join(
        [
            _HEADER.pack(_MAGIC, 2, length),
            _CHUNK.pack(len(text), _JSON),
            text,
            _CHUNK.pack(len(binary), _BINARY),
            binary,
            further,
        ]
    )


def safe_name(name: str) -> str:
    """Return a name from a document, made fit for a file's name; may be empty."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._")[:_LONGEST_NAME]


def is_data(uri: str) -> bool:
    """Tell whether a URI holds its bytes itself."""
    return uri.startswith("data:")


def bytes_of_data(uri: str) -> bytes:
    """Return the bytes that such a URI holds.

    Raises:
        ValueError: they are no base64.
    """
    return base64.b64decode(uri.partition(",")[2], validate=True)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"its JSON holds {name}, which is no number")


def _chunks(content: bytes) -> tuple[bytes, bytes, bytes]:
    """JSON and binary chunk of a GLB, and those of other programs with their heads."""
    _, version, length = _HEADER.unpack_from(content)
    if version != 2:
        raise ValueError(f"it is GLB version {version}, expected 2")
    if length > len(content):
        raise ValueError(f"it has {len(content)} bytes of {length}")
    chunks: dict[bytes, bytes] = {}
    further = bytearray()
    offset = _HEADER.size
    while offset + _CHUNK.size <= length:
        size, kind = _CHUNK.unpack_from(content, offset)
        begin, end = offset + _CHUNK.size, offset + _CHUNK.size + size
        if kind in (_JSON, _BINARY):
            chunks.setdefault(kind, content[begin:end])
        elif end <= length:
            further += content[offset:end]
        offset = end
    if _JSON not in chunks:
        raise ValueError("it has no JSON chunk")
    return chunks[_JSON], chunks.get(_BINARY, b""), bytes(further)


def _buffer(path: Path, entry: dict[str, Any], binary: bytes) -> bytes:
    uri = entry.get("uri")
    packed = [name for name in MESHOPT if name in (entry.get("extensions") or {})]
    if packed and uri is None:  # a place for what readers without it would need, left empty
        raise packed_file(path, packed[0])
    if uri is None:
        content = binary
    elif is_data(uri):
        content = bytes_of_data(uri)
    else:
        content = read_file(file_of_uri(path, uri), entry["byteLength"])
    if len(content) < entry["byteLength"]:
        raise ValueError(f"a buffer has {len(content)} bytes of {entry['byteLength']}")
    return content[: entry["byteLength"]]


_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def read_accessor(gltf: GltfFile, index: int) -> Shaped[np.ndarray, "count width"]:
    """Return the values of an accessor; normalised integers become floats.

    Raises:
        MeshError: the accessor's bytes are not in the file, or are packed by an extension.
    """
    accessor = gltf.document["accessors"][index]
    width, count = _WIDTHS.get(accessor["type"], 0), accessor["count"]
    dtype = _dtype(gltf, accessor["componentType"])
    if not width:
        raise gltf.broken(f"accessor {index} is of type {accessor['type'][:20]!r}")
    if "bufferView" not in accessor and count > MOST_UNSTORED:
        raise gltf.broken(f"accessor {index} has {count:,} values and no bytes for them")
    if "bufferView" in accessor:
        values = _elements(gltf, accessor, dtype, width, count)
    else:
        values = np.zeros((count, width), dtype)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        places = _dtype(gltf, sparse["indices"]["componentType"])
        if sparse["count"] > count:
            raise gltf.broken(f"accessor {index} is sparse beyond its {count} values")
        rows = _elements(gltf, sparse["indices"], places, 1, sparse["count"])[:, 0]
        if places.kind != "u" or rows.max(initial=0) >= max(count, 1):
            raise gltf.broken(f"accessor {index} is sparse beyond its {count} values")
        values = values.copy()
        values[rows] = _elements(gltf, sparse["values"], dtype, width, sparse["count"])
    if accessor.get("normalized"):
        if dtype.kind == "f":
            raise gltf.broken(f"accessor {index} holds floats that are said to be normalised")
        limit = np.iinfo(dtype).max
        return np.asarray(np.maximum(values / np.float32(limit), -1.0), dtype=np.float32)
    return values


def _elements(
    gltf: GltfFile, place: dict[str, Any], dtype: np.dtype[Any], width: int, count: int
) -> Shaped[np.ndarray, "count width"]:
    view = gltf.document["bufferViews"][place["bufferView"]]
    for name in PACKED:
        if name in view.get("extensions", {}):
            raise packed_file(gltf.path, name)
    content = gltf.view(place["bufferView"])
    offset, size = place.get("byteOffset", 0), dtype.itemsize * width
    stride = view.get("byteStride", size)
    if count and offset + stride * (count - 1) + size > len(content):
        raise gltf.broken(f"an accessor reaches beyond buffer view {place['bufferView']}")
    if count > len(content):
        raise gltf.broken(f"{count:,} values lie on each other in {len(content)} bytes")
    rows = np.ndarray((count, width), dtype, content, offset, (stride, dtype.itemsize))
    return rows.copy()


def _dtype(gltf: GltfFile, component_type: int) -> np.dtype[Any]:
    if component_type not in _DTYPES:
        raise gltf.broken(f"{component_type} is no type of numbers in glTF 2.0")
    return np.dtype(_DTYPES[component_type])


_ALPHA_MODES: dict[str, AlphaMode] = {"OPAQUE": "opaque", "MASK": "cutout", "BLEND": "blend"}


_MIRRORED_REPEAT = 33648


def material_from_gltf(gltf: GltfFile, index: int | None) -> Material:
    """Return the base colour of a material; an absent one is white."""
    if index is None:
        return Material(name="(none)", is_double_sided=False)
    entry = gltf.document["materials"][index]
    base = entry.get("pbrMetallicRoughness", {})
    return Material(
        name=entry.get("name", f"material {index}")[:MOST_NAME_BYTES],
        index=index,
        image=image_of_texture(gltf, base.get("baseColorTexture")),
        colour=tuple(base.get("baseColorFactor", (1.0, 1.0, 1.0, 1.0))),
        alpha_mode=_ALPHA_MODES.get(entry.get("alphaMode", "OPAQUE"), "opaque"),
        alpha_cutoff=entry.get("alphaCutoff", 0.5),
        is_double_sided=entry.get("doubleSided", False),
        is_map_mirrored=_is_mirrored(gltf, base.get("baseColorTexture")),
    )


def _is_mirrored(gltf: GltfFile, info: dict[str, Any] | None) -> bool:
    """Tell whether a texture is mirrored beyond its borders."""
    if info is None:
        return False
    sampler = gltf.document["textures"][info["index"]].get("sampler")
    wrapping = {} if sampler is None else gltf.document["samplers"][sampler]
    return _MIRRORED_REPEAT in (wrapping.get("wrapS"), wrapping.get("wrapT"))


def image_of_texture(gltf: GltfFile, info: dict[str, Any] | None) -> int | None:
    """Return the image that a textureInfo leads to; WebP and KTX2 ones by their extensions."""
    if info is None:
        return None
    texture = gltf.document["textures"][info["index"]]
    for extension in texture.get("extensions", {}).values():
        if isinstance(extension, dict) and "source" in extension:
            return int(extension["source"])
    source = texture.get("source")
    return None if source is None else int(source)


def image_path(gltf: GltfFile, index: int) -> Path | None:
    """Return the file that an image is in; None for one that is inside.

    Raises:
        MeshError: its name leads elsewhere; see `files_named_by_mesh`.
    """
    uri = gltf.document["images"][index].get("uri")
    return None if uri is None or is_data(uri) else file_of_uri(gltf.path, uri)
