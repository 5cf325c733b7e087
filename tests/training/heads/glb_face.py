"""Writes a crude face with ARKit morphs as GLB: an ellipsoid with a nose, and balls for eyes."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reggan_plugin.textures.gltf.gltf_file import bytes_from_gltf

SPAN_M = 0.06
"""Eye distance of the face, in metres."""
EYES_AT = np.array([0.02, 1.5, 0.0])
CORNER, NOSE_Y, CHIN_Y = (0.4, -1.1), -0.6, -1.8

Offsets = Mapping[str, np.ndarray]


def skin_points() -> tuple[np.ndarray, np.ndarray]:
    """A grid over the face, in eye distances, and its triangles."""
    columns, rows = 49, 73
    x, y = np.meshgrid(np.linspace(-1.2, 1.2, columns), np.linspace(-2.0, 1.2, rows))
    bowl = np.sqrt(np.maximum(1 - (x / 1.3) ** 2 - ((y + 0.4) / 1.7) ** 2, 0.0)) - 0.6
    nose = 0.5 * np.exp(-((x / 0.12) ** 2) - ((y - NOSE_Y) / 0.12) ** 2)
    points = np.stack([x, y, bowl + nose], axis=-1).reshape(-1, 3)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    right, up = first + 1, first + columns
    faces = np.concatenate([np.stack([first, right, up], 1), np.stack([right, up + 1, up], 1)])
    return points, faces


def ball_points(x: float) -> tuple[np.ndarray, np.ndarray]:
    """An eyeball of radius 0.25 and some triangles of it."""
    turn, height = np.meshgrid(np.linspace(0, 2 * np.pi, 13)[:-1], np.linspace(-0.9, 1.0, 9))
    across = np.sqrt(1 - height**2)
    unit = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=-1)
    points = np.array([x, 0.0, 0.0]) + 0.25 * unit.reshape(-1, 3)
    first = np.arange(len(points) - 13)
    return points, np.stack([first, first + 1, first + 12], axis=1)


def face_offsets(points: np.ndarray) -> dict[str, np.ndarray]:
    """ARKit's most telling shapes, in eye distances."""
    x, y, _ = points.T

    def near(cx: float, cy: float, width: float) -> np.ndarray:
        return np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / width) ** 2)[:, None]

    below = np.clip((-1.0 - y) / 0.3, 0, 1)[:, None] * np.exp(-((x / 0.8) ** 2))[:, None]
    offsets = {"jawOpen": below * (0, -0.5, -0.2), "mouthPucker": near(0, -1.1, 0.4) * (0, 0, 0.15)}
    for side, sign in (("Left", 1), ("Right", -1)):
        offsets |= {
            f"eyeBlink{side}": near(0.5 * sign, 0.1, 0.15) * (0, -0.15, 0),
            f"mouthSmile{side}": near(sign * CORNER[0], CORNER[1], 0.25) * (0.1 * sign, 0.15, -0.1),
        }
    return offsets


class GlbWriter:
    """Collects meshes and writes one file."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "scenes": [{"nodes": []}],
            "nodes": [],
            "meshes": [],
            "materials": [],
            "textures": [],
            "images": [],
            "accessors": [],
            "bufferViews": [],
        }
        self.content = bytearray()

    def add(
        self,
        name: str,
        points: np.ndarray,
        faces: np.ndarray,
        offsets: Offsets | None = None,
        material: dict[str, Any] | None = None,
        uv: np.ndarray | None = None,
    ) -> None:
        """One mesh in a node of its own."""
        offsets = offsets or {}
        attributes = {"POSITION": self._accessor(points.astype(np.float32), "VEC3", 5126)}
        if uv is not None:
            attributes["TEXCOORD_0"] = self._accessor(uv.astype(np.float32), "VEC2", 5126)
        primitive: dict[str, Any] = {
            "attributes": attributes,
            "indices": self._accessor(faces.astype(np.uint32).reshape(-1, 1), "SCALAR", 5125),
            "targets": [
                {"POSITION": self._accessor(moved.astype(np.float32), "VEC3", 5126)}
                for moved in offsets.values()
            ],
        }
        if material is not None:
            primitive["material"] = self._append("materials", material)
        mesh = {"primitives": [primitive], "extras": {"targetNames": list(offsets)}}
        node = self._append("nodes", {"name": name, "mesh": self._append("meshes", mesh)})
        self.document["scenes"][0]["nodes"].append(node)

    def add_texture(self, picture: Image.Image) -> int:
        """Index of a texture with this picture."""
        encoded = io.BytesIO()
        picture.save(encoded, format="PNG")
        image = {"bufferView": self._view(encoded.getvalue()), "mimeType": "image/png"}
        return self._append("textures", {"source": self._append("images", image)})

    def write(self, path: Path) -> None:
        """Write the GLB."""
        self.document["buffers"] = [{"byteLength": len(self.content)}]
        path.write_bytes(bytes_from_gltf(self.document, bytes(self.content)))

    def _append(self, key: str, entry: dict[str, Any]) -> int:
        self.document[key].append(entry)
        return len(self.document[key]) - 1

    def _view(self, data: bytes) -> int:
        self.content.extend(b"\0" * (-len(self.content) % 4))
        view = {"buffer": 0, "byteOffset": len(self.content), "byteLength": len(data)}
        self.content.extend(data)
        return self._append("bufferViews", view)

    def _accessor(self, values: np.ndarray, kind: str, component: int) -> int:
        view = self._view(values.tobytes())
        entry = {"bufferView": view, "componentType": component, "count": len(values), "type": kind}
        return self._append("accessors", entry)


def write_face(
    path: Path,
    *,
    rename: Callable[[str], str] = str,
    without: tuple[str, ...] = (),
    eyes: bool = True,
    turned: bool = False,
    more: Callable[[GlbWriter], None] | None = None,
) -> None:
    """A face in metres.

    Args:
        path: the file.
        rename: what a shape is called in the file.
        without: shapes that it lacks.
        eyes: add meshes of eyeballs.
        turned: look along -z, as VRM 0 does.
        more: adds to the file.
    """
    turn = np.diag([-1.0, 1.0, -1.0]) if turned else np.eye(3)
    writer = GlbWriter()
    points, faces = skin_points()
    offsets = {
        rename(name): moved * SPAN_M @ turn
        for name, moved in face_offsets(points).items()
        if name not in without
    }
    writer.add("Face", (points * SPAN_M + EYES_AT) @ turn, faces, offsets)
    for side, x in (("Left", 0.5), ("Right", -0.5)) if eyes else ():
        ball, triangles = ball_points(x)
        writer.add(f"Eye{side}", (ball * SPAN_M + EYES_AT) @ turn, triangles)
    if turned:
        writer.document["extensions"] = {"VRM": {"humanoid": {}}}
    if more is not None:
        more(writer)
    writer.write(path)
