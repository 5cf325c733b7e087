"""Arrays of numbers in a glTF file. Source: glTF 2.0 specification, section 3.6.2 (accessors)."""

from typing import Any

import numpy as np

from reggan_plugin.array_types import Shaped
from reggan_plugin.errors import MeshError
from reggan_plugin.limits import MOST_POINTS
from reggan_plugin.textures.gltf.gltf_file import PACKED, GltfFile, packed_file

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
        raise _broken(gltf, f"accessor {index} is of type {accessor['type'][:20]!r}")
    if "bufferView" not in accessor and count > MOST_POINTS:
        raise _broken(gltf, f"accessor {index} has {count:,} values and no bytes for them")
    if "bufferView" in accessor:
        values = _elements(gltf, accessor, dtype, width, count)
    else:
        values = np.zeros((count, width), dtype)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        places = _dtype(gltf, sparse["indices"]["componentType"])
        if sparse["count"] > count:
            raise _broken(gltf, f"accessor {index} is sparse beyond its {count} values")
        rows = _elements(gltf, sparse["indices"], places, 1, sparse["count"])[:, 0]
        if places.kind != "u" or rows.max(initial=0) >= max(count, 1):
            raise _broken(gltf, f"accessor {index} is sparse beyond its {count} values")
        values = values.copy()
        values[rows] = _elements(gltf, sparse["values"], dtype, width, sparse["count"])
    if accessor.get("normalized"):
        if dtype.kind == "f":
            raise _broken(gltf, f"accessor {index} holds floats that are said to be normalised")
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
        raise _broken(gltf, f"an accessor reaches beyond buffer view {place['bufferView']}")
    if count > len(content):
        raise _broken(gltf, f"{count:,} values lie on each other in {len(content)} bytes")
    rows = np.ndarray((count, width), dtype, content, offset, (stride, dtype.itemsize))
    return rows.copy()


def _dtype(gltf: GltfFile, component_type: int) -> np.dtype[Any]:
    if component_type not in _DTYPES:
        raise _broken(gltf, f"{component_type} is no type of numbers in glTF 2.0")
    return np.dtype(_DTYPES[component_type])


def _broken(gltf: GltfFile, fault: str) -> MeshError:
    return MeshError(f"{gltf.path}: {fault}. The file is broken; export it again.")
