"""A character from glTF: its scene in the rest pose, skins and default morphs applied."""

import math
from collections import deque
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float, Int, Shaped
from reggan_plugin.errors import MeshError
from reggan_plugin.limits import LEAST_POINTS_A_TARGET, MOST_NAME_BYTES, MOST_PARTS, MOST_POINTS
from reggan_plugin.textures.character import Character, Material, MeshPart, Morph, Points
from reggan_plugin.textures.gltf.gltf_file import GltfFile, material_from_gltf, read_accessor

Matrix = Float[np.ndarray, "4 4"]

_TRIANGLES, _STRIP, _FAN = 4, 5, 6


def character_from_gltf(gltf: GltfFile, *, with_morphs: bool = False) -> Character:
    """Return the meshes of the default scene as they stand; morph targets where they are asked for.

    Raises:
        MeshError: numbers lead nowhere, nothing has triangles, or there are too many of them.
    """
    with np.errstate(all="ignore"):  # numbers beyond all bounds: `load_mesh` looks at the points
        return _Reader(gltf, with_morphs).character()


class _Reader:
    """Walks the nodes of one file."""

    def __init__(self, gltf: GltfFile, with_morphs: bool) -> None:
        self._gltf, self._with_morphs = gltf, with_morphs
        self._nodes = gltf.list_of("nodes")
        self._parents = {
            child: i for i, node in enumerate(self._nodes) for child in node.get("children", [])
        }
        self._worlds: dict[int, Matrix] = {}
        self._motions: dict[int, Float[np.ndarray, "joints 4 4"]] = {}
        self._joints: dict[int, Int[np.ndarray, " joints"]] = {}
        self._materials: dict[int | None, Material] = {}
        self._points = 0

    def character(self) -> Character:
        all_parts = (part for node in self._visible() for part in self._parts_of(node))
        parts = tuple(islice(all_parts, MOST_PARTS + 1))
        if len(parts) > MOST_PARTS:
            raise self._gltf.broken(f"it has more than {MOST_PARTS:,} parts")
        if not parts:
            raise MeshError(f"{self._gltf.path} holds no mesh of triangles. Export the mesh too.")
        vrm, vrm0 = self._gltf.extension("VRMC_vrm"), self._gltf.extension("VRM")
        fronts = [("+Z", "+Y"), ("-Z", "+Y"), ("+X", "+Y"), ("-X", "+Y")]
        if vrm0 and not vrm:
            fronts[:2] = fronts[1::-1]  # VRM 0.x looks along -Z
        return Character(
            path=self._gltf.path,
            parts=parts,
            node_names={
                i: node.get("name", "")[:MOST_NAME_BYTES] for i, node in enumerate(self._nodes)
            },
            node_parents=self._parents,
            head_node=_vrm_head(vrm, vrm0),
            fronts=tuple(fronts),
        )

    def _visible(self) -> Iterator[int]:
        scenes = self._gltf.list_of("scenes")
        if not scenes:
            yield from range(len(self._nodes))
            return
        waiting = deque(scenes[self._gltf.document.get("scene", 0)].get("nodes", []))
        seen = set()
        while waiting:
            node = waiting.popleft()
            if node in seen:
                raise self._gltf.broken(f"the scene shows node {node} twice")
            seen.add(node)
            yield node
            waiting += self._nodes[node].get("children", [])

    def _world(self, node: int) -> Matrix:
        """World matrix of a node; its ancestors may be more than a call stack takes."""
        above: list[int] = []
        here: int | None = node
        while here is not None and here not in self._worlds:
            above.append(here)
            here = self._parents.get(here)
        world = np.eye(4) if here is None else self._worlds[here]
        for one in reversed(above):
            world = world @ _local_matrix(self._nodes[one])
            self._worlds[one] = world
        return world

    def _parts_of(self, node: int) -> Iterator[MeshPart]:
        entry = self._nodes[node]
        if "mesh" not in entry:
            return
        mesh = self._gltf.document["meshes"][entry["mesh"]]
        morphs = entry.get("weights", mesh.get("weights", []))
        for primitive in mesh["primitives"]:
            if "POSITION" not in primitive["attributes"]:
                raise self._gltf.broken("a mesh has no positions")
            self._count_points(primitive, morphs)
            faces = self._faces(primitive)
            if faces is None:
                continue
            positions = self._morphed(primitive, morphs)
            placed, moved_by = self._placed(node, primitive, positions)
            if self._mirrors(node, primitive):
                faces = faces[:, ::-1]
            number = primitive.get("material")
            if number not in self._materials:
                self._materials[number] = material_from_gltf(self._gltf, number)
            yield MeshPart(
                name=(entry.get("name") or mesh.get("name", ""))[:MOST_NAME_BYTES],
                material=self._materials[number],
                positions=placed,
                faces=faces,
                uv=self._uv(primitive),
                node=moved_by,
                mesh=entry["mesh"],
                morphs=self._morphs(node, primitive, positions, morphs),
            )

    def _morphs(
        self, node: int, primitive: dict[str, Any], positions: Points, weights: list[float]
    ) -> tuple[Morph, ...]:
        """Targets by name, in the world, if they are wanted; those without positions move
        nothing.
        """
        if not self._with_morphs:
            return ()
        mesh = self._gltf.document["meshes"][self._nodes[node]["mesh"]]
        owners = (one.get("extras") for one in (mesh, primitive, *mesh["primitives"]))
        listed = (own.get("targetNames") for own in owners if isinstance(own, dict))
        names = next((own for own in listed if isinstance(own, list)), [])
        placed, _ = self._placed(node, primitive, positions)
        morphs: list[Morph] = []
        for target, name in zip_longest(primitive.get("targets", []), names):
            if target is None:
                break
            offsets = np.zeros_like(placed)
            if "POSITION" in target:
                moved = positions + self._values(target["POSITION"], 3, len(positions))
                offsets = self._placed(node, primitive, moved)[0] - placed
            text = name[:MOST_NAME_BYTES] if isinstance(name, str) else ""
            weight = weights[len(morphs)] if len(morphs) < len(weights) else 0.0
            morphs.append(Morph(name=text, offsets=offsets, weight=weight))
        return tuple(morphs)

    def _count_points(self, primitive: dict[str, Any], morphs: list[float]) -> None:
        """Refuse what grows beyond all measure, such as one mesh shown a million times."""
        accessors = self._gltf.document["accessors"]
        count = accessors[primitive["attributes"]["POSITION"]]["count"]
        corners = accessors[primitive["indices"]]["count"] if "indices" in primitive else 0
        targets = len(primitive.get("targets", []))
        read = sum(map(bool, islice(morphs, targets))) + (targets if self._with_morphs else 0)
        self._points += count + corners + targets + max(count, LEAST_POINTS_A_TARGET) * read
        if self._points > MOST_POINTS:
            raise self._gltf.broken(f"it shows more than {MOST_POINTS:,} points")

    def _faces(self, primitive: dict[str, Any]) -> Int[np.ndarray, "faces 3"] | None:
        mode = primitive.get("mode", _TRIANGLES)
        if "indices" in primitive:
            order = self._values(primitive["indices"], 1)[:, 0].astype(np.int64)
        else:
            count = self._gltf.document["accessors"][primitive["attributes"]["POSITION"]]["count"]
            order = np.arange(count)
        if mode == _TRIANGLES:
            return order[: len(order) // 3 * 3].reshape(-1, 3)
        if len(order) < 3:
            return np.zeros((0, 3), np.int64)
        if mode == _STRIP:
            faces = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
            faces[1::2] = faces[1::2, ::-1]
            return faces
        if mode == _FAN:
            return np.stack([np.full(len(order) - 2, order[0]), order[1:-1], order[2:]], axis=1)
        return None  # points and lines

    def _morphed(self, primitive: dict[str, Any], weights: list[float]) -> Points:
        positions = self._values(primitive["attributes"]["POSITION"], 3).astype(float)
        for weight, target in zip(weights, primitive.get("targets", []), strict=False):
            if weight and "POSITION" in target:
                positions += weight * self._values(target["POSITION"], 3, len(positions))
        return positions

    def _values(
        self, accessor: int, width: int, count: int | None = None
    ) -> Shaped[np.ndarray, "count width"]:
        """Return an accessor that must have so many numbers each, and so many of them."""
        values = read_accessor(self._gltf, accessor)
        if values.shape[1] != width or (count is not None and len(values) != count):
            found = f"{len(values)} values of {values.shape[1]} numbers"
            most = "any number" if count is None else count
            raise self._gltf.broken(f"accessor {accessor} has {found}, expected {most} of {width}")
        return values

    def _mirrors(self, node: int, primitive: dict[str, Any]) -> bool:
        """Tell whether a node turns triangles over (glTF, 3.7.4); not of a skinned mesh."""
        if "skin" in self._nodes[node] and "JOINTS_0" in primitive["attributes"]:
            return False
        with np.errstate(all="ignore"):  # numbers beyond all bounds: `load_mesh` looks at points
            return bool(np.linalg.det(self._world(node)[:3, :3]) < 0)

    def _placed(
        self, node: int, primitive: dict[str, Any], positions: Points
    ) -> tuple[Points, Int[np.ndarray, " points"]]:
        """Points in the world, and what moves each most. A skinned mesh ignores its own node."""
        attributes, skin = primitive["attributes"], self._nodes[node].get("skin")
        if skin is None or "JOINTS_0" not in attributes:
            world = self._world(node)
            placed = positions @ world[:3, :3].T + world[:3, 3]
            return placed, np.full(len(placed), node)
        if skin not in self._motions:
            self._joints[skin] = np.array(self._gltf.document["skins"][skin]["joints"], np.int64)
            self._motions[skin] = self._motions_of(skin)
        motions, joints = self._motions[skin], self._joints[skin]
        bones, weights = self._bones(attributes, len(positions))
        if bones.max(initial=0) >= len(joints):
            raise self._gltf.broken(f"a point hangs on joint {bones.max()} of {len(joints)}")
        placed = np.zeros_like(positions)
        for slot in range(bones.shape[1]):
            motion = motions[bones[:, slot]]
            moved = np.einsum("pij,pj->pi", motion[:, :3, :3], positions) + motion[:, :3, 3]
            placed += weights[:, slot : slot + 1] * moved
        strongest = bones[np.arange(len(bones)), weights.argmax(axis=1)]
        return placed, joints[strongest]

    def _motions_of(self, skin: int) -> Float[np.ndarray, "joints 4 4"]:
        """Matrix of each joint of a skin."""
        entry = self._gltf.document["skins"][skin]
        if not entry["joints"]:
            raise self._gltf.broken("a skin has no joints")
        motions = np.stack([self._world(joint) for joint in entry["joints"]])
        if "inverseBindMatrices" not in entry:
            return motions
        inverse = self._values(entry["inverseBindMatrices"], 16, len(motions)).astype(float)
        return np.asarray(motions @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1))

    def _bones(
        self, attributes: dict[str, int], count: int
    ) -> tuple[Int[np.ndarray, "points slots"], Float[np.ndarray, "points slots"]]:
        sets = [i for i in range(4) if f"JOINTS_{i}" in attributes]
        if any(f"WEIGHTS_{i}" not in attributes for i in sets):
            raise self._gltf.broken("a mesh has joints and no weights")
        bones = [self._values(attributes[f"JOINTS_{i}"], 4, count) for i in sets]
        weights = [self._values(attributes[f"WEIGHTS_{i}"], 4, count) for i in sets]
        if any(one.dtype.kind != "u" for one in bones):
            raise self._gltf.broken("joints are no whole numbers from 0")
        total = np.concatenate(weights, axis=1).astype(float)
        total /= np.maximum(total.sum(axis=1, keepdims=True), 1e-12)
        return np.concatenate(bones, axis=1).astype(np.int64), total

    def _uv(self, primitive: dict[str, Any]) -> Float[np.ndarray, "points 2"] | None:
        """Return the coordinates that the base colour map is laid by, from the lower left."""
        info: dict[str, Any] = {}
        if primitive.get("material") is not None:
            entry = self._gltf.document["materials"][primitive["material"]]
            info = entry.get("pbrMetallicRoughness", {}).get("baseColorTexture", {})
        transform = info.get("extensions", {}).get("KHR_texture_transform", {})
        channel = transform.get("texCoord", info.get("texCoord", 0))
        index = primitive["attributes"].get(f"TEXCOORD_{channel}")
        if index is None:
            return None
        count = self._gltf.document["accessors"][primitive["attributes"]["POSITION"]]["count"]
        uv = self._values(index, 2, count).astype(float)
        uv = uv * transform.get("scale", (1.0, 1.0))
        turn = transform.get("rotation", 0.0)
        cos, sin = math.cos(turn), math.sin(turn)
        uv = uv @ np.array([[cos, -sin], [sin, cos]]) + transform.get("offset", (0.0, 0.0))
        return np.asarray(np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1))


def _local_matrix(node: dict[str, Any]) -> Matrix:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=float).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _vrm_head(vrm: dict[str, Any], vrm0: dict[str, Any]) -> int | None:
    bones = vrm.get("humanoid", {}).get("humanBones", {})
    if "head" in bones:
        return int(bones["head"]["node"])
    for bone in vrm0.get("humanoid", {}).get("humanBones", []):
        if bone["bone"] == "head" and bone["node"] >= 0:
            return int(bone["node"])
    return None
