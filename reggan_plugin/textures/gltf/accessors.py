"""Arrays of numbers in a glTF file. Source: glTF 2.0 specification, section 3.6.2 (accessors)."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

from reggan_plugin.errors import MeshError
from reggan_plugin.textures.gltf.gltf_file import GltfFile

_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_PACKED = ("EXT_meshopt_compression", "KHR_draco_mesh_compression")


def read_accessor(gltf: GltfFile, index: int) -> Shaped[np.ndarray, "count width"]:
    """The values of an accessor; normalised integers become floats.

    Raises:
        MeshError: the accessor's bytes are not in the file, or are packed by an extension.
    """
    accessor = gltf.document["accessors"][index]
    width, count = _WIDTHS[accessor["type"]], accessor["count"]
    dtype = np.dtype(_DTYPES[accessor["componentType"]])
    if "bufferView" in accessor:
        values = _elements(gltf, accessor, dtype, width, count)
    else:
        values = np.zeros((count, width), dtype)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        places = np.dtype(_DTYPES[sparse["indices"]["componentType"]])
        rows = _elements(gltf, sparse["indices"], places, 1, sparse["count"])[:, 0]
        values = values.copy()
        values[rows] = _elements(gltf, sparse["values"], dtype, width, sparse["count"])
    if accessor.get("normalized"):
        limit = np.iinfo(dtype).max
        return np.asarray(np.maximum(values / np.float32(limit), -1.0), dtype=np.float32)
    return values


def _elements(
    gltf: GltfFile, place: dict[str, Any], dtype: np.dtype[Any], width: int, count: int
) -> Shaped[np.ndarray, "count width"]:
    view = gltf.document["bufferViews"][place["bufferView"]]
    for name in _PACKED:
        if name in view.get("extensions", {}):
            raise MeshError(
                f"{gltf.path} is packed with {name}, which is not read. Unpack it first: "
                "npx gltf-transform copy IN OUT"
            )
    content = gltf.view_bytes(place["bufferView"])
    offset, size = place.get("byteOffset", 0), dtype.itemsize * width
    stride = view.get("byteStride", size)
    if count and offset + stride * (count - 1) + size > len(content):
        raise MeshError(
            f"{gltf.path}: an accessor reaches beyond buffer view {place['bufferView']}. The file "
            "is broken; export it again."
        )
    rows = np.ndarray((count, width), dtype, content, offset, (stride, dtype.itemsize))
    return rows.copy()
