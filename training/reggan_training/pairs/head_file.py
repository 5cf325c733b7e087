"""Rasterised heads as files: one compressed npz of each."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.drawing.encoded_picture import encoded_picture
from reggan_plugin.errors import SourceError
from reggan_training.pairs.camera import Camera
from reggan_training.pairs.rasterising import (
    FACE_WINDOW,
    MOUTH_WINDOW,
    RasterisedHead,
    Rasters,
)

HEAD_SUFFIX = ".head.npz"
_PLAIN = (
    "triangles",
    "parts",
    "texture_of",
    "canonical",
    "regions",
    "eye_angle",
    "jaw",
    "uv",
    "landmarks",
)


def write_head(head: RasterisedHead, path: Path) -> None:
    """Write a rasterised head as one compressed npz, in one step.

    Positions are kept to 1/65536 of their extent, normals to 1/127.
    """
    low, high = head.positions.min(axis=(0, 1)), head.positions.max(axis=(0, 1))
    steps = np.rint((head.positions - low) / (high - low) * 65535).astype(np.uint16)
    facts = {
        "family": head.family,
        "identity": head.identity,
        "states": head.states,
        "controls": head.controls,
        "distance": head.camera.distance,
        "rotation": head.camera.rotation.tolist(),
        "crop_from_plane": head.camera.crop_from_plane.tolist(),
        "textures": len(head.textures),
    }
    arrays: dict[str, Any] = {name: getattr(head, name) for name in _PLAIN}
    arrays |= {
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
        "low": low,
        "high": high,
        # differences between states are small, and compress
        "positions": np.concatenate([steps[:1], steps[1:] - steps[:1]]),
        "normals": np.rint(head.normals * 127).astype(np.int8),
    }
    for window in ("face", "mouth"):
        rasters: Rasters = getattr(head, window)
        arrays[f"{window}_triangle"] = rasters.triangle
        arrays[f"{window}_barycentric"] = rasters.barycentric
    arrays |= {f"texture_{k}": _encoded(texture) for k, texture in enumerate(head.textures)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def _encoded(texture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, " bytes"]:
    jpeg = encoded_picture(Image.fromarray(texture), "JPEG", quality=90)
    return np.frombuffer(jpeg, np.uint8)


def read_head(path: Path) -> RasterisedHead:
    """Read what `write_head` wrote.

    Raises:
        SourceError: the file is not a rasterised head.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return _from_arrays({name: stored[name] for name in stored.files})
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise SourceError(f"{path} is not a rasterised head ({error}). Render it again.") from error


def _from_arrays(stored: Mapping[str, np.ndarray]) -> RasterisedHead:
    facts = json.loads(stored["facts"].tobytes())
    steps = np.concatenate(
        [stored["positions"][:1], stored["positions"][1:] + stored["positions"][:1]]
    )
    low, high = stored["low"], stored["high"]
    return RasterisedHead(
        family=facts["family"],
        identity=facts["identity"],
        states=tuple(facts["states"]),
        controls=tuple(facts["controls"]),
        camera=Camera(
            rotation=np.array(facts["rotation"]),
            distance=facts["distance"],
            crop_from_plane=np.array(facts["crop_from_plane"]),
        ),
        positions=(low + steps * ((high - low) / 65535)).astype(np.float32),
        normals=stored["normals"].astype(np.float32) / 127,
        textures=tuple(
            np.asarray(Image.open(io.BytesIO(stored[f"texture_{k}"].tobytes())).convert("RGB"))
            for k in range(facts["textures"])
        ),
        face=Rasters(
            window=FACE_WINDOW,
            triangle=stored["face_triangle"],
            barycentric=stored["face_barycentric"],
        ),
        mouth=Rasters(
            window=MOUTH_WINDOW,
            triangle=stored["mouth_triangle"],
            barycentric=stored["mouth_barycentric"],
        ),
        **{name: stored[name] for name in _PLAIN},
    )
