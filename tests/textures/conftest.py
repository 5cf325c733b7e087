"""A head made by the tests: half an egg with a face of the samples baked onto it.

Its map has two islands, one for each half of the face, so that a UV seam runs down the nose.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from ..glb_files import GlbContent, glb_bytes
from ..sample_frames import SAMPLES

SIDE_PX = 256
FINE_PX = 512
"""Where seams are looked at, and in Blender."""
_RADII = np.array([0.085, 0.115, 0.09])
_STEPS = 40
_GAP = 0.02
_BACK_COLOUR = (0.45, 0.36, 0.30)


@dataclass(frozen=True, kw_only=True)
class MadeHead:
    """An egg-shaped head that looks along +Z; both halves on one map unless told otherwise."""

    positions: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    picture: np.ndarray
    """uint8 [side, side, 3]."""

    def points_of_texels(self) -> np.ndarray:
        """Where each texel is on the head, NaN in the gap between the islands."""
        points, is_gap = _points_of_texels(self.picture.shape[0])
        points[is_gap] = np.nan
        return points


@pytest.fixture(scope="session")
def transfer() -> ExpressionTransfer:
    return ExpressionTransfer()


@pytest.fixture(scope="session")
def face_picture(transfer: ExpressionTransfer) -> np.ndarray:
    return sample_face(transfer)


def sample_face(transfer: ExpressionTransfer) -> np.ndarray:
    """The face of a sample frame with its surroundings, from the front; float [320, 320, 3]."""
    frame = read_frame(SAMPLES / "avatar_png" / "avatar.1001.png")
    (crop,) = transfer.find_faces(frame, FaceChoice())
    return np.clip(cut_crop(frame.pixels, crop.resized(320)), 0, 1)


@pytest.fixture(scope="session")
def head(face_picture: np.ndarray) -> MadeHead:
    return make_head(face_picture)


@pytest.fixture(scope="session")
def mirrored_head(face_picture: np.ndarray) -> MadeHead:
    """Both halves on the left one's texels."""
    made = make_head(face_picture)
    uv = made.uv.copy()
    right = len(uv) // 2
    uv[right:] = uv[:right]
    return MadeHead(positions=made.positions, faces=made.faces, uv=uv, picture=made.picture)


@pytest.fixture(scope="session")
def head_files(head: MadeHead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with head.obj and base_color.png."""
    return write_head_files(head, tmp_path_factory.mktemp("head"))


def write_head_files(head: MadeHead, folder: Path) -> Path:
    write_obj(folder / "head.obj", head)
    Image.fromarray(head.picture).save(folder / "base_color.png")
    return folder


@pytest.fixture
def head_glb(head: MadeHead, head_files: Path, tmp_path: Path) -> Path:
    """head.glb, with its map inside."""
    path = tmp_path / "head.glb"
    write_glb(path, head, image=(head_files / "base_color.png").read_bytes())
    return path


@pytest.fixture(scope="session")
def write_head_glb() -> "Callable[..., None]":
    return write_glb


def make_head(face_picture: np.ndarray, side_px: int = SIDE_PX) -> MadeHead:
    grid = np.linspace(0.0, 1.0, _STEPS + 1)
    s, t = (values.ravel() for values in np.meshgrid(grid, grid))
    halves = [_surface(s, t, side) for side in (-1, 1)]
    uvs = [np.stack([_u_of(s, side), t], axis=1) for side in (-1, 1)]
    index = np.arange((_STEPS + 1) ** 2).reshape(_STEPS + 1, -1)
    a, b, c, d = (
        x.ravel() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    quads = np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])
    count = len(s)
    faces = np.concatenate([quads[:, ::-1], quads + count])  # the left half is turned over
    points, _ = _points_of_texels(side_px)
    picture = _baked(points, face_picture)
    return MadeHead(
        positions=np.concatenate(halves), faces=faces, uv=np.concatenate(uvs), picture=picture
    )


def _surface(s: np.ndarray, t: np.ndarray, side: int) -> np.ndarray:
    """A half of the egg: s from the middle of the face to the back, t from below to above."""
    angle, height = s * np.pi * side, (t - 0.5) * np.pi * 0.98
    around = np.cos(height)
    unit = np.stack([around * np.sin(angle), np.sin(height), around * np.cos(angle)], axis=-1)
    return unit * _RADII


def _u_of(s: np.ndarray, side: int) -> np.ndarray:
    """The left half fills the map's left, outwards; the right one its right."""
    across = 0.5 * (1 - _GAP) * (1 - s) if side < 0 else 1 - 0.5 * (1 - _GAP) * (1 - s)
    return across if side < 0 else 0.5 * (1 + _GAP) + 0.5 * (1 - _GAP) * s


def _points_of_texels(side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Points, and which of them only continue the nearest island into the gap."""
    place = (np.arange(side_px) + 0.5) / side_px
    u, t = np.meshgrid(place, 1 - place)
    left = u < 0.5 * (1 - _GAP)
    right = u > 0.5 * (1 + _GAP)
    s = np.where(u < 0.5, 1 - u / (0.5 * (1 - _GAP)), (u - 0.5 * (1 + _GAP)) / (0.5 * (1 - _GAP)))
    is_left, s = u < 0.5, np.maximum(s, 0.0)
    points = np.where(is_left[..., None], _surface(s, t, -1), _surface(s, t, 1))
    return points, ~(left | right)


def _baked(points: np.ndarray, face_picture: np.ndarray) -> np.ndarray:
    side = face_picture.shape[0]
    x = (0.5 + points[..., 0] / (2.1 * _RADII[0])) * side
    y = (0.5 - points[..., 1] / (2.1 * _RADII[0])) * side
    inside = (points[..., 2] > 0) & (x > 1) & (y > 1) & (x < side - 2) & (y < side - 2)
    colour = np.broadcast_to(np.array(_BACK_COLOUR), (*points.shape[:2], 3)).copy()
    rows, columns = np.nan_to_num(y)[inside], np.nan_to_num(x)[inside]
    low_r, low_c = rows.astype(int), columns.astype(int)
    part_r, part_c = (rows - low_r)[:, None], (columns - low_c)[:, None]
    top = face_picture[low_r, low_c] * (1 - part_c) + face_picture[low_r, low_c + 1] * part_c
    low = (
        face_picture[low_r + 1, low_c] * (1 - part_c) + face_picture[low_r + 1, low_c + 1] * part_c
    )
    colour[inside] = top * (1 - part_r) + low * part_r
    return np.rint(colour * 255).astype(np.uint8)


def share_missed(result: np.ndarray, wanted: np.ndarray, before: np.ndarray) -> float:
    """How far from a wanted change a result is, in parts of that change; 1 if nothing changed.

    All three are in levels of 8 bits.
    """
    changed = (wanted != before).any(axis=2)
    assert changed.sum() > 1000
    off = np.abs(result.astype(float) - wanted)[changed].mean()
    return float(off / np.abs(wanted.astype(float) - before)[changed].mean())


def write_obj(path: Path, head: MadeHead, *, uv: np.ndarray | None = None) -> None:
    places = head.uv if uv is None else uv
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in head.positions]
    lines += [f"vt {u:.7f} {v:.7f}" for u, v in places]
    lines += ["f " + " ".join(f"{i + 1}/{i + 1}" for i in face) for face in head.faces]
    path.write_text("\n".join(lines) + "\n")


def write_glb(
    path: Path,
    head: MadeHead,
    *,
    image: bytes,
    mime_type: str = "image/png",
    vrm: dict[str, Any] | None = None,
    normal_map: bytes | None = None,
) -> None:
    """A skinned head with a morph target, an animation, fields and extensions of its own."""
    glb = GlbContent()
    view, accessor = glb.view, glb.accessor
    shift = np.array([0.0, 1.5, 0.0], np.float32)
    position = head.positions.astype(np.float32) + shift
    bounds = {"min": position.min(0).tolist(), "max": position.max(0).tolist()}
    texcoord = np.stack([head.uv[:, 0], 1 - head.uv[:, 1]], axis=1).astype(np.float32)
    joints = np.tile(np.array([1, 0, 0, 0], np.uint8), (len(position), 1))
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (len(position), 1))
    inverse = np.stack([np.eye(4), np.eye(4)]).astype(np.float32)
    inverse[1, 3, :3] = -shift  # column major: the translation is the last row
    base_image = view(image)  # in the middle, so that the views behind it must move
    primitive = {
        "attributes": {
            "POSITION": accessor(position, "VEC3", 5126, **bounds),
            "TEXCOORD_0": accessor(texcoord, "VEC2", 5126),
            "JOINTS_0": accessor(joints, "VEC4", 5121),
            "WEIGHTS_0": accessor(weights, "VEC4", 5126),
        },
        "indices": accessor(head.faces.astype(np.uint32).reshape(-1, 1), "SCALAR", 5125),
        "material": 0,
        "targets": [{"POSITION": accessor(position * 0.01, "VEC3", 5126)}],
    }
    times = accessor(np.array([[0.0], [1.0]], np.float32), "SCALAR", 5126, min=[0], max=[1])
    turns = accessor(np.array([[0, 0, 0, 1], [0, 1, 0, 0]], np.float32), "VEC4", 5126)
    material: dict[str, Any] = {
        "name": "Face",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0},
        "extras": {"shader": "ours"},
    }
    images = [{"bufferView": base_image, "mimeType": mime_type, "name": "face_base"}]
    textures = [{"source": 0, "sampler": 0}]
    if normal_map is not None:
        images.append({"bufferView": view(normal_map), "mimeType": "image/png", "name": "bumps"})
        textures.append({"source": 1, "sampler": 0})
        material["normalTexture"] = {"index": 1}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "copyright": "CC0", "unknownField": [1, None]},
        "scene": 0,
        "scenes": [{"nodes": [0, 2]}],
        "nodes": [
            {"name": "Hips", "children": [1], "vendorField": True},
            {"name": "J_Head", "translation": shift.tolist()},
            {"name": "Body", "mesh": 0, "skin": 0, "translation": [9, 9, 9]},
        ],
        "skins": [
            {
                "joints": [0, 1],
                "inverseBindMatrices": accessor(inverse.reshape(2, 16), "MAT4", 5126),
            }
        ],
        "meshes": [{"primitives": [primitive], "extras": {"targetNames": ["grow"]}}],
        "animations": [
            {
                "channels": [{"sampler": 0, "target": {"node": 1, "path": "rotation"}}],
                "samplers": [{"input": times, "output": turns}],
            }
        ],
        "materials": [material, {"name": "Unused"}],
        "textures": textures,
        "samplers": [{"magFilter": 9729}],
        "images": images,
        **glb.tables(),
        "extensionsUsed": ["VENDOR_things"],
        "extensions": {"VENDOR_things": {"things": [1, 2.5, None, "é"]}},
        "unknownTopLevel": {"kept": True},
    }
    if vrm is not None:
        document["extensionsUsed"].append("VRMC_vrm")
        document["extensions"]["VRMC_vrm"] = vrm
    path.write_bytes(glb_bytes(document, bytes(glb.content)))
