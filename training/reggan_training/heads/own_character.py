"""A user's own character as a family of one head: a GLB or VRM with ARKit's face shapes.

Nobody knows its topology: its landmarks are where its face shapes act.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from reggan_plugin.errors import MeshError
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.rig.own_rig import with_own_sides
from reggan_plugin.textures.character import Character, Material, MeshPart, NamedPart, name_parts
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.maps.texture_files import image_bytes
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.read_rig import binds_by_shape, offsets_by_shape
from reggan_training.heads.head import (
    SIDES,
    FileEye,
    FileHead,
    HeadMesh,
    Part,
    decoded_texture,
    fit_sphere,
    head_mesh_from_file,
    paint_face,
    sparse_offsets_from_dense,
)

Points = Float[np.ndarray, "points 3"]
Rows = Int[np.ndarray, " rows"]
Offsets = Mapping[str, Points]

NEEDED_SHAPES: Final = (
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
)
_LIP_SHARE: Final = 0.3
"""Lips move by at least this share of what jawOpen, mouthPucker and mouthFunnel move most."""
_LOOKS: Final = ("Down", "In", "Out", "Up")


def find_eyes(
    points: Points,
    eye_rows: Int[np.ndarray, " eye"],
    lid_rows: Int[np.ndarray, " skin"],
    offsets: Offsets,
) -> dict[str, FileEye]:
    """Both eyes: spheres through the eyeballs, or what the lids close over where there are none.

    Args:
        points: all vertices, the head about x = 0.
        eye_rows: vertices of eyeballs.
        lid_rows: vertices of the skin.
        offsets: ARKit shapes.
    """
    eyes = {}
    for side, sign in zip(SIDES, (1, -1), strict=True):
        rows = eye_rows[sign * points[eye_rows, 0] > 0]
        moved = [offsets.get(f"eyeLook{look}{side.capitalize()}") for look in _LOOKS]
        has_morphs = any(m is not None and m[rows].any() for m in moved)
        eye = _eyeball(points, rows, not has_morphs) if len(rows) else None
        eyes[side] = eye or _eye_behind_lids(
            points, lid_rows, offsets[f"eyeBlink{side.capitalize()}"]
        )
    return eyes


def find_face_points(
    points: Points, skin: Rows, eyes: Mapping[str, FileEye], offsets: Offsets
) -> dict[str, int]:
    """`nose_tip`, `mouth_left`, `mouth_right` and `chin`: one vertex of the skin each."""
    left, right = (eyes[side].centre for side in SIDES)
    span = float(np.linalg.norm(left - right))
    middle = (left + right) / 2
    places = (points[skin] - middle) / span
    jaw = _way(offsets["jawOpen"])[skin]
    corners = {
        side: _corner(offsets, side, skin, jaw, places[:, 1] < -0.3, places[:, 0] * sign > 0.05)
        for side, sign in zip(SIDES, (1, -1), strict=True)
    }
    mouth_y = np.mean([places[row, 1] for row in corners.values()])
    is_middle = np.abs(places[:, 0]) < 0.12
    between = is_middle & (places[:, 1] < 0.4 * mouth_y) & (places[:, 1] > 0.85 * mouth_y)
    below = is_middle & (places[:, 1] < mouth_y - 0.1) & (jaw > 0.6 * jaw.max())
    return {
        "nose_tip": int(skin[_highest(places[:, 2], between, "nose")]),
        **{f"mouth_{side}": int(skin[row]) for side, row in corners.items()},
        "chin": int(skin[_highest(0.7 * places[:, 2] - places[:, 1], below, "chin")]),
    }


def _corner(
    offsets: Offsets,
    side: str,
    skin: Rows,
    jaw: Float[np.ndarray, " rows"],
    is_low: Bool[np.ndarray, " rows"],
    is_own: Bool[np.ndarray, " rows"],
) -> int:
    """Corner of the mouth: where the smile pulls most; cheeks do not follow the jaw."""
    smile = _way(offsets[f"mouthSmile{side.capitalize()}"])[skin]
    follows = np.minimum(jaw / (_LIP_SHARE * jaw.max()), 1.0)
    for name in ("mouthPucker", "mouthFunnel"):
        if name in offsets:
            way = _way(offsets[name])[skin]
            follows = follows * np.minimum(way / max(_LIP_SHARE * way.max(), 1e-12), 1.0)
    return _highest(smile * follows, is_low & is_own, f"{side} mouth corner")


def _eyeball(points: Points, rows: Rows, turns: bool) -> FileEye | None:
    """Fit a sphere through an eyeball; None if the mesh is none, as a flat iris is."""
    low, high = points[rows].min(axis=0), points[rows].max(axis=0)
    size = (high - low).max()
    centre, radius = fit_sphere(points[rows])
    is_inside = bool(((centre > low - 0.6 * size) & (centre < high + 0.6 * size)).all())
    if not is_inside or not 0.3 * size < radius < 1.5 * size:
        return None
    return FileEye(rows=rows, centre=centre, radius=radius, turns=turns)


def _eye_behind_lids(points: Points, skin: Rows, blink: Points) -> FileEye:
    """Take the middle of what a blink moves, before a ball of a common size."""
    way = _way(blink)[skin]
    if not way.any():
        raise MeshError("A blink moves no skin and no eyeball was found: the eyes are nowhere.")
    strong = skin[way > 0.5 * way.max()]
    low, high = points[strong].min(axis=0), points[strong].max(axis=0)
    radius = float(high[0] - low[0]) / 2
    centre = np.array([*((low + high) / 2)[:2], high[2] - radius])
    return FileEye(rows=np.zeros(0, dtype=np.int64), centre=centre, radius=radius, turns=False)


def _highest(
    values: Float[np.ndarray, " rows"], allowed: Bool[np.ndarray, " rows"], what: str
) -> int:
    if not allowed.any():
        raise MeshError(f"No {what} was found where faces have one: is the mesh a human head?")
    return int(np.where(allowed, values, -np.inf).argmax())


def _way(offsets: Points) -> Float[np.ndarray, " points"]:
    way: Float[np.ndarray, " points"] = np.linalg.norm(offsets, axis=1)
    return way


Texture = UInt8[np.ndarray, "height width 4"]


_WHITE = (1.0, 1.0, 1.0, 1.0)


def is_blank(material: Material) -> bool:
    """Whether a material has neither picture nor colour, so that looks are to be made for it."""
    return material.image is None and material.colour == _WHITE


def texture_of_material(gltf: GltfFile, material: Material) -> Texture:
    """Return a material's base colour times its tint, encoded, at most `TEXTURE_SIDE_PX` a side.

    Raises:
        MeshError: its picture cannot be read.
    """
    texels = np.full((2, 2, 4), 255, np.uint8)
    if isinstance(material.image, int):
        try:
            texels = decoded_texture(image_bytes(gltf, material.image), "RGBA")
        except OSError as error:
            raise MeshError(
                f"{gltf.path}: image {material.image} is not PNG, JPEG or WebP, or is broken "
                f"({error}). Unpack compressed textures first: npx gltf-transform copy IN OUT"
            ) from error
    if material.colour == _WHITE:
        return texels
    tint = np.array(material.colour)
    colours = srgb_from_linear(linear_from_srgb(texels[:, :, :3] / 255.0) * tint[:3])
    encoded = np.concatenate([colours, texels[:, :, 3:] / 255.0 * tint[3]], axis=2)
    return np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)


def uv_in_first_tile(mesh: MeshPart) -> Float[np.ndarray, "points 2"]:
    """UVs with v down, moved by whole tiles to where most of the mesh lies in 0 to 1."""
    if mesh.uv is None:
        return np.full((len(mesh.positions), 2), 0.5)
    uv = np.stack([mesh.uv[:, 0], 1.0 - mesh.uv[:, 1]], axis=1)
    return uv - np.floor(np.median(uv, axis=0)) if len(uv) else uv


_KEPT_BELOW, _KEPT_BESIDE = 4.0, 4.5
"""What lies farther from the eyes is cut off, in eye distances: hands, legs."""
_LIPS = np.array([(1, -1.1), (0.55, -1.0), (0.2, -0.95), (0, -0.97), (-0.2, -0.95), (-0.55, -1.0),
                  (-1, -1.1), (-0.6, -1.22), (0, -1.27), (0.6, -1.22)])  # fmt: skip
_BROW = np.array([(0.18, 0.3), (0.4, 0.37), (0.6, 0.38), (0.85, 0.27)])
_EYE = np.array(
    [(0.27, -0.03), (0.4, 0.07), (0.55, 0.08), (0.72, 0.02), (0.58, -0.07), (0.4, -0.08)]
)
"""Where lips (their width 1), own left brow and lid opening lie on a common face, canonical."""


class GlbFamily:
    """One character. It needs `NEEDED_SHAPES`; what other ARKit shapes it has, it is driven by."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is read late. The family is called as the file is."""
        self.path = path
        self.name = path.stem

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:  # noqa: ARG002 - every family takes one
        """Return the one identity, called as the family is."""
        return (self.name,) if count is None else (self.name,)[:count]

    def head(self, identity: str) -> HeadMesh:
        """Read the character.

        Raises:
            MeshError: the file cannot be read, has no face shapes, or holds no human head.
        """
        if identity != self.name:
            raise MeshError(f"{self.path} holds one head, {self.name!r}; not {identity!r}.")
        loaded = load_mesh(self.path, with_morphs=True)
        if loaded.gltf is None:
            raise MeshError(f"{self.path} is no glTF file; export the character as GLB or VRM.")
        return _head_from_character(loaded.gltf, loaded.character, identity)


@frozen(eq=False)
class _Meshes:
    """A character's meshes one after the other: +z to the front, x = 0 between the eyes."""

    named: Sequence[NamedPart]
    points: Points
    offsets: Mapping[str, Points]

    @property
    def faces(self) -> list[Int[np.ndarray, "faces 3"]]:
        """Triangles of each mesh, by the rows of all points."""
        counts = [len(entry.mesh.positions) for entry in self.named]
        starts = np.cumsum([0, *counts[:-1]])
        return [s + entry.mesh.faces for s, entry in zip(starts, self.named, strict=True)]

    def rows(self, part: Part) -> Int[np.ndarray, " rows"]:
        """Vertices of the triangles of a part."""
        faces = [f for f, entry in zip(self.faces, self.named, strict=True) if entry.part == part]
        return np.unique(np.concatenate(faces)) if faces else np.zeros(0, dtype=np.int64)


def _head_from_character(gltf: GltfFile, character: Character, identity: str) -> HeadMesh:
    meshes = _meshes(gltf, character)
    skin = meshes.rows(Part.SKIN)
    eyes = find_eyes(meshes.points, meshes.rows(Part.EYE), skin, meshes.offsets)
    face = find_face_points(meshes.points, skin, eyes, meshes.offsets)
    materials = {entry.mesh.material.index: entry.mesh.material for entry in meshes.named}
    textures = {i: texture_of_material(gltf, material) for i, material in materials.items()}
    kept = _kept_faces(meshes, textures, eyes)
    counts = [len(faces) for faces in kept]
    place = {i: -1 if is_blank(materials[i]) else n for n, i in enumerate(materials)}
    joined = FileHead(
        vertices=meshes.points,
        triangles=np.concatenate(kept),
        parts=np.repeat([entry.part for entry in meshes.named], counts).astype(np.uint8),
        eyes=eyes,
        offsets={name: sparse_offsets_from_dense(dense) for name, dense in meshes.offsets.items()},
        **face,
        uv=np.concatenate([uv_in_first_tile(entry.mesh) for entry in meshes.named]),
        textures=tuple(textures.values()),
        texture_of=np.repeat([place[e.mesh.material.index] for e in meshes.named], counts),
    )
    corners = [face["mouth_left"], face["mouth_right"]]

    def regions(canonical: Points) -> dict[str, Float[np.ndarray, " points"]]:
        is_skin = np.isin(np.arange(len(canonical)), skin)
        width = float(np.abs(canonical[corners, 0]).mean())
        lips = _LIPS * (width, 1.0)
        weights = paint_face(canonical, lips, [_BROW, _BROW * (-1, 1)], [_EYE, _EYE * (-1, 1)])
        return {name: weight * is_skin for name, weight in weights.items()}

    return head_mesh_from_file(joined, family=identity, identity=identity, regions=regions)


def _meshes(gltf: GltfFile, character: Character) -> _Meshes:
    """Name the meshes, find their shapes, and turn them to the front.

    Raises:
        MeshError: a shape of `NEEDED_SHAPES` is missing.
    """
    named = name_parts(character.parts)
    parts = [entry.mesh for entry in named]
    turn = _turn_to_front(character)
    points = np.concatenate([part.positions for part in parts]) @ turn.T
    offsets = {
        name: dense @ turn.T
        for name, dense in offsets_by_shape(binds_by_shape(gltf, parts), parts).items()
    }
    missing = [name for name in NEEDED_SHAPES if name not in offsets or not offsets[name].any()]
    if missing:
        raise MeshError(
            f"{gltf.path} has no morph for {', '.join(missing)}; it has {len(offsets)} of ARKit's "
            "face shapes. Export the character with its blend shapes, named as ARKit's."
        )
    blinks = (offsets["eyeBlinkLeft"], offsets["eyeBlinkRight"])
    points[:, 0] -= np.mean([points[blink.any(axis=1), 0].mean() for blink in blinks])
    return _Meshes(named=named, points=points, offsets=with_own_sides(offsets, points))


def _turn_to_front(character: Character) -> Float[np.ndarray, "3 3"]:
    """Rotation about y that brings the file's likeliest front to +z."""
    front = character.fronts[0][0]
    sign = -1.0 if front.startswith("-") else 1.0
    x, z = (sign, 0.0) if front.endswith("X") else (0.0, sign)
    return np.array([[z, 0, -x], [0, 1, 0], [x, 0, z]])


def _kept_faces(
    meshes: _Meshes, textures: Mapping[int | None, Texture], eyes: Mapping[str, FileEye]
) -> list[Int[np.ndarray, "faces 3"]]:
    """Triangles near the head that are not transparent, of each mesh."""
    left, right = (eyes[side].centre for side in SIDES)
    reach = float(np.linalg.norm(left - right)) * np.array([_KEPT_BESIDE, _KEPT_BELOW])
    is_near = (np.abs(meshes.points[:, 0]) < reach[0]) & (meshes.points[:, 1] > left[1] - reach[1])
    return [
        faces[_opaque_faces(mesh, textures[mesh.material.index]) & is_near[faces].all(axis=1)]
        for faces, mesh in zip(meshes.faces, [e.mesh for e in meshes.named], strict=True)
    ]


def _opaque_faces(mesh: MeshPart, texture: Texture) -> Bool[np.ndarray, " faces"]:
    """Triangles whose texture is opaque in its mean; all of an opaque material's.

    Cards of hair and lashes are cut to what can be drawn without transparency.
    """
    if mesh.material.alpha_mode == "opaque" or mesh.uv is None:
        return np.ones(len(mesh.faces), dtype=bool)
    corners = mesh.uv[mesh.faces]
    alphas = [_alpha(texture, np.einsum("k,fkc->fc", place, corners)) for place in _PLACES]
    opaque: Bool[np.ndarray, " faces"] = np.mean(alphas, axis=0) >= 0.5
    return opaque


_PLACES: Final = np.array(
    [(1, 1, 1), (4, 1, 1), (1, 4, 1), (1, 1, 4), (0.2, 1, 1), (1, 0.2, 1), (1, 1, 0.2)]
) / np.array([[3], [6], [6], [6], [2.2], [2.2], [2.2]])
"""Barycentric coordinates at which a triangle's alpha is sampled."""


def _alpha(texture: Texture, uv: Float[np.ndarray, "faces 2"]) -> Float[np.ndarray, " faces"]:
    """Alpha at UVs from the lower left, 0 to 1; they repeat beyond 1."""
    height, width = texture.shape[:2]
    columns: Int[np.ndarray, " faces"] = np.floor(uv[:, 0] % 1 * width).astype(int) % width
    rows: Int[np.ndarray, " faces"] = np.floor((1 - uv[:, 1]) % 1 * height).astype(int) % height
    alpha: Float[np.ndarray, " faces"] = texture[rows, columns, 3] / 255.0
    return alpha
