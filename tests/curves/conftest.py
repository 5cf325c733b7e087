"""The same short take, written in each format that is read."""

import base64
import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NAMES = ("jawOpen", "mouthSmileLeft", "browInnerUp")
ROWS = 40
FPS = 30.0


def weights() -> np.ndarray:
    """Curves of three shapes, rounded to percents so that every format holds them."""
    phase = np.arange(ROWS)[:, None] / ROWS + np.array([0.0, 0.2, 0.6])
    return np.round(0.5 - 0.5 * np.cos(2 * np.pi * phase), 2)


def live_link(path: Path) -> None:
    """Two frames of 60 a row, over midnight."""
    lines = ["Timecode,BlendShapeCount,MouthSmileLeft,BrowInnerUp,JawOpen,TongueOut,HeadYaw"]
    for row, (jaw, smile, brow) in enumerate(weights()):
        second, frame = divmod(2 * row, 60)
        clock = "23:59:59" if second == 0 else "00:00:00"
        lines.append(f"{clock}:{frame:02d}.250,61,{smile},{brow},{jaw},0.3,-1.2")
    path.write_text("\n".join(lines) + "\n")


def ifacialmocap(path: Path, mark: str = "-") -> None:
    lines = []
    for jaw, smile, brow in weights():
        cells = (("mouthSmile_L", smile), ("browInnerUp", brow), ("jawOpen", jaw))
        items = "|".join(f"{name}{mark}{round(100 * value)}" for name, value in cells)
        lines.append(f"{items}|=head#1.5,-2,0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|")
    path.write_text("\n".join(lines))


def face_cap(path: Path) -> None:
    lines = ["info,take", "bs,browInnerUp,jawOpen,mouthSmile_L"]
    for row, (jaw, smile, brow) in enumerate(weights()):
        lines.append(f"k,{1000 * row / FPS:.4f},{','.join(['0'] * 10)},{brow},{jaw},{smile}")
    path.write_text("\n".join(lines))


def audio2face(path: Path) -> None:
    sizes = {"exportFps": FPS, "numPoses": len(NAMES), "numFrames": ROWS}
    names = {"facsNames": list(NAMES), "weightMat": weights().tolist()}
    path.write_text(json.dumps({**sizes, **names}))


def own_csv(path: Path) -> None:
    lines = ["time,jawOpen,mouthSmile_L,browInnerUp"]
    for row, values in enumerate(weights()):
        lines.append(",".join(map(str, (row / FPS, *values))))
    path.write_text("\n".join(lines))


def usd(path: Path) -> None:
    rows = ", ".join(f"{row}: {list(map(float, values))}" for row, values in enumerate(weights()))
    path.write_text(
        f'#usda 1.0\n(timeCodesPerSecond = {FPS:g})\ndef SkelAnimation "face" {{\n'
        f"  uniform token[] blendShapes = {json.dumps(NAMES)}\n"
        f"  float[] blendShapeWeights.timeSamples = {{{rows}}}\n}}\n"
    )


def gltf(
    path: Path,
    *,
    interpolation: str = "LINEAR",
    output: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> None:
    """A file with morph target weights; `output` as its sampler holds it."""
    times = np.arange(ROWS) / FPS if times is None else times
    values = (weights() if output is None else output).astype("<f4")
    document = {
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [], "extras": {"targetNames": list(NAMES)}}],
        "animations": [
            {
                "samplers": [{"input": 0, "output": 1, "interpolation": interpolation}],
                "channels": [{"sampler": 0, "target": {"node": 0, "path": "weights"}}],
            }
        ],
    }
    arrays = [times.astype("<f4"), values.reshape(-1)]
    binary, tables = packed(arrays)
    uri = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    buffers = {"buffers": [{"byteLength": len(binary), "uri": uri}]}
    path.write_text(json.dumps({"asset": {"version": "2.0"}, **document, **tables, **buffers}))


def vrma(path: Path) -> None:
    """A GLB in which nodes' translations along x are the weights."""
    presets = {"custom": {"JawOpen": {"node": 0}}, "preset": {"blinkLeft": {"node": 1}}}
    moves = [np.pad(weights()[:, [k]], ((0, 0), (0, 2))).astype("<f4") for k in (0, 1)]
    binary, tables = packed([(np.arange(ROWS) / FPS).astype("<f4"), *moves])
    channels = [{"sampler": k, "target": {"node": k, "path": "translation"}} for k in (0, 1)]
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "extensions": {"VRMC_vrm_animation": {"expressions": presets, "specVersion": "1.0"}},
        "nodes": [{"name": "a"}, {"name": "b"}],
        "animations": [
            {"samplers": [{"input": 0, "output": k} for k in (1, 2)], "channels": channels}
        ],
        "buffers": [{"byteLength": len(binary)}],
        **tables,
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def packed(arrays: list[np.ndarray]) -> tuple[bytes, dict[str, Any]]:
    """Arrays in one buffer, with their views and accessors."""
    ends = np.cumsum([0, *(array.nbytes for array in arrays)]).tolist()
    views = [{"buffer": 0, "byteOffset": a, "byteLength": b - a} for a, b in pairwise(ends)]
    accessors = [
        {
            "bufferView": view,
            "componentType": 5126,
            "count": len(array),
            "type": "SCALAR" if array.ndim == 1 else "VEC3",
        }
        for view, array in enumerate(arrays)
    ]
    content = b"".join(array.tobytes() for array in arrays)
    return content, {"bufferViews": views, "accessors": accessors}


WRITERS: dict[str, Callable[[Path], None]] = {
    "live_link.csv": live_link,
    "version1.txt": ifacialmocap,
    "version2.txt": lambda path: ifacialmocap(path, "&"),
    "face_cap.txt": face_cap,
    "audio.json": audio2face,
    "own.csv": own_csv,
    "face.usda": usd,
    "face.gltf": gltf,
}
"""By the name of the file, which also says what it is."""


@pytest.fixture(params=sorted(WRITERS))
def take_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The take in one of the formats."""
    path = tmp_path / str(request.param)
    WRITERS[path.name](path)
    return path
