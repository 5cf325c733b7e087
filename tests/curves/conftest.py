"""The same short take, written in each format that is read."""

import base64
import json
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..glb_files import glb_bytes

NAMES = ("jawOpen", "mouthSmileLeft", "browInnerUp")
ROWS = 40
FPS = 30.0
CUSTOM = dict.fromkeys(NAMES, "custom")
"""How a VRM animation calls them: expressions of an avatar's own."""


def weights(rows: int = ROWS) -> np.ndarray:
    """Curves of three shapes, rounded to percents so that every format holds them."""
    phase = np.arange(rows)[:, None] / rows + np.array([0.0, 0.2, 0.6])
    return np.round(0.5 - 0.5 * np.cos(2 * np.pi * phase), 2)


def live_link(path: Path, rows: int = ROWS) -> None:
    """Two frames of 60 a row, over midnight; at most a minute."""
    lines = ["Timecode,BlendShapeCount,MouthSmileLeft,BrowInnerUp,JawOpen,TongueOut,HeadYaw"]
    for row, (jaw, smile, brow) in enumerate(weights(rows)):
        second, frame = divmod(2 * row, 60)
        clock = "23:59:59" if second == 0 else f"00:00:{second - 1:02d}"
        lines.append(f"{clock}:{frame:02d}.250,61,{smile},{brow},{jaw},0.3,-1.2")
    path.write_text("\n".join(lines) + "\n")


def ifacialmocap(path: Path, rows: int = ROWS, *, mark: str = "-") -> None:
    lines = []
    for jaw, smile, brow in weights(rows):
        cells = (("mouthSmile_L", smile), ("browInnerUp", brow), ("jawOpen", jaw))
        items = "|".join(f"{name}{mark}{round(100 * value)}" for name, value in cells)
        lines.append(f"{items}|=head#1.5,-2,0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|")
    path.write_text("\n".join(lines))


def face_cap(path: Path, rows: int = ROWS) -> None:
    lines = ["info,take", "bs,browInnerUp,jawOpen,mouthSmile_L"]
    for row, (jaw, smile, brow) in enumerate(weights(rows)):
        lines.append(f"k,{1000 * row / FPS:.4f},{','.join(['0'] * 10)},{brow},{jaw},{smile}")
    path.write_text("\n".join(lines))


def audio2face(path: Path, rows: int = ROWS) -> None:
    sizes = {"exportFps": FPS, "numPoses": len(NAMES), "numFrames": rows}
    names = {"facsNames": list(NAMES), "weightMat": weights(rows).tolist()}
    path.write_text(json.dumps({**sizes, **names}))


def own_csv(path: Path, rows: int = ROWS) -> None:
    lines = ["time,jawOpen,mouthSmile_L,browInnerUp"]
    for row, values in enumerate(weights(rows)):
        lines.append(",".join(map(str, (row / FPS, *values))))
    path.write_text("\n".join(lines))


def usd(path: Path, rows: int = ROWS) -> None:
    rows = ", ".join(
        f"{row}: {list(map(float, values))}" for row, values in enumerate(weights(rows))
    )
    path.write_text(
        f'#usda 1.0\n(timeCodesPerSecond = {FPS:g})\ndef SkelAnimation "face" {{\n'
        f"  uniform token[] blendShapes = {json.dumps(NAMES)}\n"
        f"  float[] blendShapeWeights.timeSamples = {{{rows}}}\n}}\n"
    )


def gltf(
    path: Path,
    rows: int = ROWS,
    *,
    interpolation: str = "LINEAR",
    output: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> None:
    """A file with morph target weights; `output` as its sampler holds it."""
    document, binary = _morph_targets(rows, interpolation, output, times)
    uri = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    document["buffers"][0]["uri"] = uri
    path.write_text(json.dumps(document))


def glb(path: Path, rows: int = ROWS) -> None:
    """The same in one binary file."""
    path.write_bytes(glb_bytes(*_morph_targets(rows)))


def _morph_targets(
    rows: int,
    interpolation: str = "LINEAR",
    output: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> tuple[dict[str, Any], bytes]:
    times = np.arange(rows) / FPS if times is None else times
    values = (weights(rows) if output is None else output).astype("<f4")
    binary, tables = packed([times.astype("<f4"), values.reshape(-1)])
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [], "extras": {"targetNames": list(NAMES)}}],
        "animations": [
            {
                "samplers": [{"input": 0, "output": 1, "interpolation": interpolation}],
                "channels": [{"sampler": 0, "target": {"node": 0, "path": "weights"}}],
            }
        ],
        "buffers": [{"byteLength": len(binary)}],
        **tables,
    }
    return document, binary


def vrma(path: Path, rows: int = ROWS, *, names: Mapping[str, str] = CUSTOM) -> None:
    """A GLB in which nodes' translations along x are the weights of custom and preset names."""
    expressions: dict[str, dict[str, Any]] = {"custom": {}, "preset": {}}
    for node, (name, kind) in enumerate(names.items()):
        expressions[kind][name] = {"node": node}
    columns = weights(rows)[:, : len(names)].T
    moves = [np.pad(column[:, None], ((0, 0), (0, 2))).astype("<f4") for column in columns]
    binary, tables = packed([(np.arange(rows) / FPS).astype("<f4"), *moves])
    places = range(len(names))
    channels = [{"sampler": k, "target": {"node": k, "path": "translation"}} for k in places]
    samplers = [{"input": 0, "output": k + 1} for k in places]
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "extensions": {"VRMC_vrm_animation": {"expressions": expressions, "specVersion": "1.0"}},
        "nodes": [{"name": name} for name in names],
        "animations": [{"samplers": samplers, "channels": channels}],
        "buffers": [{"byteLength": len(binary)}],
        **tables,
    }
    path.write_bytes(glb_bytes(document, binary))


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


WRITERS: dict[str, Callable[..., None]] = {
    "live_link.csv": live_link,
    "version1.txt": ifacialmocap,
    "version2.txt": partial(ifacialmocap, mark="&"),
    "face_cap.txt": face_cap,
    "audio.json": audio2face,
    "own.csv": own_csv,
    "face.usda": usd,
    "face.gltf": gltf,
    "face.glb": glb,
    "face.vrma": vrma,
}
"""By the name of the file, which also says what it is; each takes a path and a number of rows."""
UNTIMED = {"version1.txt", "version2.txt"}
"""They hold no time, so that a reader is told how many rows a second has."""


@pytest.fixture(params=sorted(WRITERS))
def take_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The take in one of the formats."""
    path = tmp_path / str(request.param)
    WRITERS[path.name](path)
    return path
