"""One identity, rasterised: what every pixel of every state shows, and how the surface moved.

Self-contained: only vertices that are seen in some state are kept, so that a set can travel without
the heads that it was made from. Everything of a picture but its look follows from it.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from reggan_plugin.atomic import write_atomically
from reggan_plugin.errors import SourceError
from reggan_training.heads.head import HeadMesh
from reggan_training.pairs.camera import Camera, Window, sample_camera
from reggan_training.pairs.raster import HeadScene
from reggan_training.pairs.states import Weights

FACE_WINDOW: Window = (0.0, 0.0, 1.0, 1.0)
MOUTH_WINDOW: Window = (0.28125, 0.421875, 0.71875, 0.859375)
"""112 of 256 pixels around the mouth, with room for a jaw that drops."""
FACE_PX, MOUTH_PX = 256, 224
_LARGEST_TEXTURE_PX = 512
_NO_TRIANGLE = 0xFFFF
"""Most triangles that a head can show are one fewer than this."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterisedHead:
    """One identity in all of its states, before one camera.

    Attributes:
        family, identity: of the head.
        camera: before it.
        states: ARKit weights of each state; the first is neutral.
        controls: shapes that the head has.
        triangles, parts, texture_of: as `HeadMesh` has them, of what is seen.
        canonical, regions, eye_angle, uv, textures: as `HeadMesh` has them, of what is seen.
        jaw: how far a vertex goes with a jaw that opens, 0 to 255, where the chin is 255; it tells
            the lower lip and its teeth from the upper ones. 0 on heads without `jawOpen`.
        positions: vertices of each state as the camera has them (`Camera.view`).
        normals: of those, unit length.
        landmarks: of each state, in crop coordinates.
        face, mouth: rasters of each state over `FACE_WINDOW` and `MOUTH_WINDOW`: the triangle's
            row, 65535 where there is none, and barycentrics (u, v) in parts of 255.
    """

    family: str
    identity: str
    camera: Camera
    states: tuple[Weights, ...]
    controls: tuple[str, ...]
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    texture_of: Int[np.ndarray, " triangles"]
    canonical: Float[np.ndarray, "vertices 3"]
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: Float[np.ndarray, " vertices"]
    jaw: UInt8[np.ndarray, " vertices"]
    uv: Float[np.ndarray, "vertices 2"]
    textures: tuple[UInt8[np.ndarray, "height width 3"], ...]
    positions: Float[np.ndarray, "states vertices 3"]
    normals: Float[np.ndarray, "states vertices 3"]
    landmarks: Float[np.ndarray, "states 6 2"]
    face: "Rasters"
    mouth: "Rasters"

    @property
    def eye_distance(self) -> float:
        """Distance of the eyes in the neutral picture, in parts of the crop's side."""
        left, right = self.landmarks[0, :2]
        return float(np.linalg.norm(left - right))


@dataclass(frozen=True, kw_only=True, eq=False)
class Rasters:
    """Rasters of all states over one window."""

    window: Window
    triangle: Int[np.ndarray, "states side side"]
    barycentric: UInt8[np.ndarray, "states side side 2"]

    def thinned(self, step: int) -> "Rasters":
        """Every `step`-th pixel of every `step`-th row: the same window, coarser and aliased."""
        kept = slice(step // 2, None, step)
        return Rasters(
            window=self.window,
            triangle=self.triangle[:, kept, kept],
            barycentric=self.barycentric[:, kept, kept],
        )

    @property
    def side_px(self) -> int:
        """Pixels along a side."""
        return int(self.triangle.shape[1])


def rasterise_head(
    head: HeadMesh,
    states: list[Weights],
    random: np.random.Generator,
    camera: Camera | None = None,
    *,
    face_px: int = FACE_PX,
    mouth_px: int = MOUTH_PX,
) -> RasterisedHead:
    """See all states of a head through one camera, drawn at random unless it is given.

    Args:
        head: what is seen.
        states: in which it is seen.
        random: of the camera, if none is given.
        camera: before the head.
        face_px: side of the face's rasters.
        mouth_px: side of the mouth's.

    Raises:
        SourceError: more than 65,535 triangles are seen.
    """
    camera = camera or sample_camera(head.landmarks(head.rest), random)
    face, mouth, positions, normals, landmarks = [], [], [], [], []
    for weights in states:
        vertices = head.vertices(weights)
        viewed = camera.view(vertices)
        scene = HeadScene(viewed, head.triangles, camera)
        face.append(scene.cast(FACE_WINDOW, face_px))
        mouth.append(scene.cast(MOUTH_WINDOW, mouth_px))
        positions.append(viewed)
        normals.append(vertex_normals(viewed, head.triangles))
        landmarks.append(camera.project(camera.view(head.landmarks(vertices))))
    shown = np.unique(np.concatenate([r.triangle.ravel() for r in (*face, *mouth)]))
    shown = shown[shown >= 0]
    if len(shown) >= _NO_TRIANGLE:
        raise SourceError(f"{head.identity} shows {len(shown)} triangles; at most 65,534 fit.")
    row_of = np.full(len(head.triangles) + 1, _NO_TRIANGLE, dtype=np.uint16)
    row_of[shown] = np.arange(len(shown))  # the last entry is met by -1
    kept, triangles = np.unique(head.triangles[shown], return_inverse=True)
    no_texture = np.full(len(head.triangles), -1)
    texture_of = no_texture if head.texture_of is None else head.texture_of
    uv = np.zeros((len(head.rest), 2)) if head.uv is None else head.uv
    return RasterisedHead(
        family=head.family,
        identity=head.identity,
        camera=camera,
        states=tuple(states),
        controls=head.controls,
        triangles=triangles.reshape(-1, 3).astype(np.int32),
        parts=head.parts[shown],
        texture_of=texture_of[shown].astype(np.int16),
        canonical=head.canonical[kept].astype(np.float32),
        regions=head.regions[kept],
        eye_angle=head.eye_angle[kept].astype(np.float32),
        jaw=_with_jaw(head)[kept],
        uv=uv[kept].astype(np.float32),
        textures=tuple(_small_texture(texture) for texture in head.textures),
        positions=np.stack(positions)[:, kept],
        normals=np.stack(normals)[:, kept],
        landmarks=np.stack(landmarks).astype(np.float32),
        face=_packed(face, row_of, FACE_WINDOW),
        mouth=_packed(mouth, row_of, MOUTH_WINDOW),
    )


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals of vertices: the mean of their triangles' normals, weighted by area."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    count = len(vertices)
    summed = np.zeros((count, 3))
    for axis in range(3):
        for corner in range(3):
            summed[:, axis] += np.bincount(triangles[:, corner], normal[:, axis], count)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return (summed / np.maximum(length, 1e-12)).astype(np.float32)


def _with_jaw(head: HeadMesh) -> UInt8[np.ndarray, " vertices"]:
    """See `RasterisedHead.jaw`."""
    if "jawOpen" not in head.controls:
        return np.zeros(len(head.rest), dtype=np.uint8)
    moved = np.linalg.norm(head.vertices({"jawOpen": 1.0}) - head.rest, axis=1)
    return np.rint(255 * np.clip(moved / moved[head.chin], 0, 1)).astype(np.uint8)


def _packed(rasters: list, row_of: np.ndarray, window: Window) -> Rasters:  # type: ignore[type-arg]
    return Rasters(
        window=window,
        triangle=np.stack([row_of[raster.triangle] for raster in rasters]),
        barycentric=np.stack(
            [
                np.rint(np.clip(raster.barycentric, 0, 1) * 255).astype(np.uint8)
                for raster in rasters
            ]
        ),
    )


def _small_texture(
    texture: UInt8[np.ndarray, "height width channels"],
) -> UInt8[np.ndarray, "rows columns 3"]:
    picture = Image.fromarray(texture[..., :3])
    picture.thumbnail((_LARGEST_TEXTURE_PX, _LARGEST_TEXTURE_PX), Image.Resampling.LANCZOS)
    return np.asarray(picture)


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
    buffer = io.BytesIO()
    Image.fromarray(texture).save(buffer, "JPEG", quality=90)
    return np.frombuffer(buffer.getvalue(), np.uint8)


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
