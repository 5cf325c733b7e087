"""Pictures of heads with the places of their dense landmarks, drawn into a pool of shards.

    python -m reggan_training.landmarks.pictures POOL --data DIR --rank 0 --of 2 --until TIME

Of each picture the parts that the network looks at are kept, a little wider than it looks: the
face, both eyes, both brows, the mouth. A shard is an uncompressed npz of 150 pictures.
"""

import argparse
import functools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from reggan_plugin.rig.crops import PARTS, face_frame, part_square
from reggan_plugin.rig.layout import eye_rows, rows_of
from reggan_plugin.vocabulary.basic_expressions import BASIC_EXPRESSIONS
from reggan_training.heads.head import HeadFamily, HeadMesh, Part
from reggan_training.heads.split import VALID_HELD_OUT, is_held_out
from reggan_training.heads.worn.dress import dress
from reggan_training.landmarks.points import DensePoints, dense_points, iris_of
from reggan_training.landmarks.stylised import stylise
from reggan_training.pairs import noise, shading, surface_colour
from reggan_training.pairs.camera import Camera, rotation_from_angles
from reggan_training.pairs.head_look import HeadLook, sample_look
from reggan_training.pairs.raster import HeadScene
from reggan_training.pairs.rasterising import rasterise_head
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.states import Weights, sample_states

SIDE_PX = 384
_EYE_PX = 106.7
"""Pixels of an eye distance."""
_WIDER = 1.4
"""Of the square that is kept over the one that the network looks at."""
KEPT_PX = {"face": 96, "eye": 96, "brow": 80, "mouth": 128}
_TEXTURES = 32
"""Different noise textures; each costs a while to make."""
_NAMED = {one.name: dict(one.weights) for one in BASIC_EXPRESSIONS if one.weights}
_OVER = (Part.HAIR, Part.GLASSES, Part.CLOTHES)
_SHARD = 150
Picture = UInt8[np.ndarray, "side side 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnPicture:
    """A picture of a head.

    Attributes:
        pixels: sRGB-encoded.
        points: of the landmarks, pixels.
        label: 0 behind the head, 1 the head, 2 what it wears before the face.
    """

    pixels: Picture
    points: Float[np.ndarray, "points 2"]
    label: UInt8[np.ndarray, "side side"]


class HeadSource:
    """Heads of several families with their landmarks.

    Args:
        families: by name.
        shares: how often each is drawn.
        seed: of the identities.
        held_out: give held-out identities instead of those for training.
    """

    def __init__(
        self, families: Mapping[str, HeadFamily], shares: Mapping[str, float], seed: int, *, held_out: bool
    ) -> None:
        self._families, self._seed, self._held_out = families, seed, held_out
        self._names = [name for name in families if shares.get(name, 0) > 0]
        total = sum(shares[name] for name in self._names)
        self._shares = [shares[name] / total for name in self._names]
        mean = families["ict"].head(f"ict-{seed}-00000")
        self._mean = replace(mean, rest=mean.canonical)
        self._mean_points = dense_points(self._mean)
        self._found: dict[str, DensePoints] = {}

    def heads(self, random: np.random.Generator) -> Iterator[tuple[HeadMesh, DensePoints]]:
        """Heads without end."""
        while True:
            family = str(random.choice(self._names, p=self._shares))
            yield self.head(family, self._identity(family, random))

    def head(self, family: str, identity: str) -> tuple[HeadMesh, DensePoints]:
        """One head by name."""
        head = self._families[family].head(identity)
        key = identity if family == "valid" else family
        if key not in self._found:
            own = family == "ict"
            self._found[key] = (
                self._mean_points if own else dense_points(head, self._mean_points, self._mean)
            )
        found = self._found[key]
        eyes = {side: iris_of(head, side) for side in ("right", "left")}
        return head, replace(found, eyes=eyes, rest=head.rest)

    def _identity(self, family: str, random: np.random.Generator) -> str:
        if family == "valid":
            names = self._families[family].identities(None, 0)
            return str(random.choice([n for n in names if (n in VALID_HELD_OUT) == self._held_out]))
        prefix = "mh" if family == "makehuman" else family
        while True:
            name = f"{prefix}-{self._seed}-{int(random.integers(100000)):05d}"
            if is_held_out(family, name) == self._held_out:
                return name


def draw_head(
    head: HeadMesh, found: DensePoints, random: np.random.Generator, *, states: int, looks: int, plain: bool = False
) -> list[DrawnPicture]:
    """Draw a head in several states, each in several looks.

    Args:
        head: undressed or dressed.
        found: its landmarks.
        random: of states, cameras, looks and what is drawn on top.
        states, looks: how many.
        plain: no warp, and nothing drawn over the face.
    """
    if not plain and random.random() < 0.45:
        head = stylise(head, random, float(random.uniform(0.3, 1.0)))
        iris = float(head.notes["iris"])
        found = replace(
            found, rest=head.rest, eyes={s: iris_of(head, s, iris) for s in ("right", "left")}
        )
    if not plain and "worn" not in head.notes and random.random() < 0.3:
        head = dress(head, random)
        found = replace(found, rest=head.rest)
    kept = (head.rest[head.triangles].mean(axis=1)[:, 2] > -1.7) & (
        head.canonical[head.triangles].mean(axis=1)[:, 1] > -3.6
    )
    head = _with_triangles(head, kept)
    drawn = []
    for weights in _states(random, head, states):
        vertices = head.vertices(weights)
        camera = _camera(head, random)
        viewed = camera.view(vertices)
        one = _with_triangles(head, _faces_camera(viewed, head, camera))
        raster = rasterise_head(one, [weights], random, camera, face_px=SIDE_PX, mouth_px=8)
        points = camera.project(camera.view(found.at(vertices))) * SIDE_PX
        points = _seen_edges(points, viewed, one, camera)
        shader = HeadShader(raster)
        triangle = raster.face.triangle[0]
        seen = triangle < len(raster.parts)
        part = np.where(seen, raster.parts[np.minimum(triangle, len(raster.parts) - 1)], 255)
        label = np.where(seen, np.where(np.isin(part, _OVER), 2, 1), 0).astype(np.uint8)
        for _ in range(looks):
            look = _look(random)
            with torch.no_grad():
                picture = shader.picture(raster.face, 0, look)
            pixels = (picture.clamp(0, 1) * 255).byte().numpy().transpose(1, 2, 0)
            pixels = _before_backdrop(pixels, label, random)
            if look.style == "toon" and random.random() < 0.7:
                pixels = _inked(pixels, part, random)
            over = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
            if not plain:
                pixels, over = _drawn_on(pixels, points, random)
            drawn.append(
                DrawnPicture(pixels=pixels, points=points, label=np.where(over > 127, 2, label).astype(np.uint8))
            )
    return drawn


def kept_parts(picture: DrawnPicture) -> dict[str, np.ndarray]:
    """The parts of a picture that go into a shard, and the matrices that lead there.

    `FACE_to` [2, 3] maps pixels of the picture to those of the part that is kept.
    """
    frame = face_frame(picture.points)
    row: dict[str, np.ndarray] = {"points": picture.points.astype(np.float32)}
    image = picture.pixels
    for name, part in (*((n, n.split("_")[0]) for n in PARTS),):
        square = part_square(name, picture.points, frame)
        side = KEPT_PX[part]
        matrix = square.wider(_WIDER).to_pixels(side)
        row[name] = cv2.warpAffine(
            image, matrix, (side, side), flags=cv2.INTER_AREA if square.side_px > side else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        row[f"{name}_to"] = matrix.astype(np.float32)
        if name == "face":
            row["label"] = cv2.warpAffine(picture.label, matrix, (side, side), flags=cv2.INTER_NEAREST)
    return row


def _with_triangles(head: HeadMesh, kept: np.ndarray) -> HeadMesh:
    texture_of = None if head.texture_of is None else head.texture_of[kept]
    return replace(head, triangles=head.triangles[kept], parts=head.parts[kept], texture_of=texture_of)


def _faces_camera(viewed: np.ndarray, head: HeadMesh, camera: Camera) -> np.ndarray:
    """Front faces; what is worn is seen from both sides."""
    corner = viewed[head.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    towards = np.array([0, 0, camera.distance], np.float32) - corner.mean(axis=1)
    return ((normal * towards).sum(axis=1) > 0) | np.isin(
        head.parts, (Part.HAIR, Part.GLASSES, Part.LASHES, Part.BEARD, Part.BROWS, Part.CLOTHES)
    )


def _camera(head: HeadMesh, random: np.random.Generator) -> Camera:
    wide = random.random() < 0.25
    yaw = random.uniform(-60, 60) if wide else np.clip(random.normal(0, 15), -35, 35)
    pitch, roll = np.clip(random.normal(0, 8), -20, 20), np.clip(random.normal(0, 4), -12, 12)
    rotation = rotation_from_angles(*np.radians([yaw, pitch, roll]))
    distance = float(np.exp(random.uniform(np.log(7), np.log(30))))
    camera = Camera(rotation=rotation, distance=distance, crop_from_plane=np.eye(2, 3))
    nose, chin = head.rest[head.nose_tip], head.rest[head.chin]
    middle = np.array([0.0, 0.5 * nose[1] + 0.25 * chin[1], 0.2])
    origin = camera.plane_points(camera.view(middle[None]))[0]
    near = distance / (distance - 0.6)
    height = max(1.0, -float(chin[1]) / 1.75)
    scale = _EYE_PX / SIDE_PX / near / height * float(np.exp(random.normal(0, 0.04)))
    matrix = np.eye(2, 3) * scale
    matrix[:, 2] = np.array([0.5, 0.5]) - scale * origin + random.normal(0, 0.015, 2)
    return replace(camera, crop_from_plane=matrix)


def _states(random: np.random.Generator, head: HeadMesh, count: int) -> list[Weights]:
    drawn = sample_states(random, head.controls, _NAMED, single=3)
    states = []
    for number in random.permutation(len(drawn))[:count]:
        weights = dict(drawn[number])
        if random.random() < 0.33:
            blink = 1.0 if random.random() < 0.4 else random.uniform(0.2, 1)
            for side in ("Left", "Right"):
                share = blink * random.uniform(0.9, 1) if random.random() < 0.9 else 0.0
                weights["eyeBlink" + side] = max(weights.get("eyeBlink" + side, 0.0), share)
                weights["eyeWide" + side] = 0.0
        states.append({name: value for name, value in weights.items() if name in head.controls})
    return states


def _look(random: np.random.Generator) -> HeadLook:
    return replace(sample_look(random), texture_seed=int(random.integers(_TEXTURES)))


def _seen_edges(
    points: Float[np.ndarray, "points 2"], viewed: np.ndarray, head: HeadMesh, camera: Camera
) -> Float[np.ndarray, "points 2"]:
    """Landmarks of lids and lips where their edges are seen: what overlaps, meets.

    The mesh's own inner line of a lip is not the edge of what is seen of the mouth: along each pair
    of points, the ends of what is seen of the inside are looked for.
    """
    points = points.copy()
    for side in ("right", "left"):
        upper, lower = rows_of("lid_upper", side)[1:-1], rows_of("lid_lower", side)[::-1]
        down = _down(points, rows_of("lid_upper", side), side == "right")
        over = ((points[lower] - points[upper]) @ down) < 0
        points[upper[over]] = points[lower[over]] = (points[upper[over]] + points[lower[over]]) / 2
    upper, lower = rows_of("lip_inner_upper")[1:-1], rows_of("lip_inner_lower")[::-1]
    whole = rows_of("lip_inner_upper")
    down = _down(points, whole, True)
    centre = points[whole].mean(axis=0)
    reach = 0.75 * np.linalg.norm(points[whole[-1]] - points[whole[0]]) + 8
    low, high = (centre - reach) / SIDE_PX, (centre + reach) / SIDE_PX
    bare = ~np.isin(head.parts, (Part.HAIR, Part.GLASSES, Part.BEARD, Part.LASHES, Part.BROWS))
    fine = 384
    scene = HeadScene(viewed, head.triangles[bare], camera)
    triangle = scene.cast((low[0], low[1], high[0], high[1]), fine).triangle
    parts = head.parts[bare]
    part = np.where(triangle >= 0, parts[triangle], Part.SKIN)
    inside = np.isin(part, (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE, Part.SOCKET))
    scale = fine / (2 * reach)
    lip = 0.10 * np.linalg.norm(points[whole[-1]] - points[whole[0]])
    for top, bottom in zip(upper, lower, strict=True):
        start, end = points[top] - lip * down, points[bottom] + lip * down
        if (end - start) @ down < 1:
            start, end = (points[top] + points[bottom]) / 2 - lip * down, (points[top] + points[bottom]) / 2 + lip * down
        steps = np.linspace(0, 1, 160)
        line = start + steps[:, None] * (end - start)
        cells = np.clip(((line - (centre - reach)) * scale).astype(int), 0, fine - 1)
        hit = np.flatnonzero(inside[cells[:, 1], cells[:, 0]])
        if len(hit) > 1:
            points[top], points[bottom] = line[hit[0]], line[hit[-1]]
        else:
            points[top] = points[bottom] = (points[top] + points[bottom]) / 2
    return points


def _down(points: np.ndarray, rows: np.ndarray, from_left: bool) -> np.ndarray:
    across = points[rows[-1]] - points[rows[0]]
    across = across if from_left else -across
    return np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)


def _before_backdrop(pixels: Picture, label: np.ndarray, random: np.random.Generator) -> Picture:
    """Replace what is behind the head by shapes and gradients, half of the time."""
    if random.random() < 0.5:
        return pixels
    size = int(random.choice([3, 6, 12, 24]))
    back = cv2.resize(random.integers(0, 256, (size, size, 3)).astype(np.uint8), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(random.integers(0, 12))):
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        a, b = (tuple(int(v) for v in random.integers(0, SIDE_PX, 2)) for _ in range(2))
        kind = random.integers(3)
        if kind == 0:
            cv2.rectangle(back, a, b, colour, -1)
        elif kind == 1:
            cv2.circle(back, a, int(random.integers(4, 90)), colour, -1)
        else:
            cv2.line(back, a, b, colour, int(random.integers(1, 16)), cv2.LINE_AA)
    if random.random() < 0.6:
        back = cv2.GaussianBlur(back, (0, 0), float(random.uniform(0.6, 8)))
    head = cv2.GaussianBlur((label > 0).astype(np.float32), (3, 3), 0)[..., None]
    return (pixels * head + back * (1 - head)).astype(np.uint8)


def _inked(pixels: Picture, part: np.ndarray, random: np.random.Generator) -> Picture:
    """Dark lines where parts meet, as drawn characters have them."""
    plane = part.astype(np.uint8)
    edge = (cv2.dilate(plane, np.ones((2, 2))) != cv2.erode(plane, np.ones((2, 2)))).astype(np.uint8)
    width = int(random.integers(1, 4))
    line = cv2.GaussianBlur(cv2.dilate(edge, np.ones((width, width))).astype(np.float32), (3, 3), 0)[..., None]
    return (pixels * (1 - line) + line * random.uniform(0, 60, 3)).astype(np.uint8)


def _drawn_on(
    pixels: Picture, points: Float[np.ndarray, "points 2"], random: np.random.Generator
) -> tuple[Picture, UInt8[np.ndarray, "side side"]]:
    """Lashes and lid lines, solid brows, fringes, spectacles; and what of it is before the face."""
    fine, shift = 2, 3
    image = pixels
    over = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    unit = _EYE_PX * fine

    def fixed(place: np.ndarray) -> tuple[int, int]:
        return tuple(int(v) for v in np.round(place * (1 << shift)))  # type: ignore[return-value]

    def blend(mask: np.ndarray, colour: np.ndarray) -> np.ndarray:
        nonlocal image
        small = cv2.resize(mask, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        share = (small.astype(np.float32) / 255)[..., None]
        image = (image * (1 - share) + share * colour).astype(np.uint8)
        return small

    def canvas() -> np.ndarray:
        return np.zeros((SIDE_PX * fine, SIDE_PX * fine), np.uint8)

    if random.random() < 0.7:
        mask = canvas()
        length = random.uniform(0.02, 0.11) * unit
        count, width = int(random.integers(8, 26)), int(random.integers(1, 4))
        liner, line = random.random() < 0.5, int(random.integers(1, 8))
        strength = int(random.integers(110, 256))
        for side in ("right", "left"):
            upper = points[rows_of("lid_upper", side)] * fine
            lower = points[rows_of("lid_lower", side)] * fine
            across = (upper[-1] - upper[0]) / max(np.linalg.norm(upper[-1] - upper[0]), 1e-6)
            up = np.array([across[1], -across[0]]) * (1 if side == "right" else -1)
            open_share = np.linalg.norm(upper[6] - lower[5]) / max(np.linalg.norm(upper[-1] - upper[0]), 1e-6)
            if liner:
                trace = np.round((upper + up * line / 2) * (1 << shift)).astype(np.int32)
                cv2.polylines(mask, [trace], False, strength, line, cv2.LINE_AA, shift)
            for place in np.linspace(0.3, 11.5, count):
                k = int(place)
                base = upper[k] * (1 - place + k) + upper[k + 1] * (place - k)
                out = (base - upper.mean(axis=0)) @ across / max(np.linalg.norm(upper[-1] - upper[0]), 1e-6)
                tip = base + (up * (0.8 if open_share > 0.16 else -0.6) + across * out * 1.2) * length * random.uniform(0.6, 1.1)
                cv2.line(mask, fixed(base), fixed(tip), strength, width, cv2.LINE_AA, shift)
        blend(mask, random.uniform(0, 50, 3))
    if random.random() < 0.2:  # solid brows
        mask = canvas()
        width = int(random.uniform(0.04, 0.2) * unit)
        for side in ("right", "left"):
            trace = np.round(points[rows_of("brow", side)] * fine * (1 << shift)).astype(np.int32)
            cv2.polylines(mask, [trace], False, 255, max(width, 2), cv2.LINE_AA, shift)
        blend(mask, random.uniform(0, 140, 3) * random.uniform(0.2, 1))
    brows = np.concatenate([points[rows_of("brow", s)] for s in ("right", "left")]) * fine
    if random.random() < 0.3:  # a fringe
        mask = canvas()
        left, right = brows[:, 0].min() - 40 * fine, brows[:, 0].max() + 40 * fine
        height = brows[:, 1].mean() - random.uniform(-0.15, 0.7) * unit
        parting, width = random.uniform(left, right), int(random.integers(4, 40))
        for x in np.linspace(left, right, int(random.integers(12, 70))):
            y = height + abs(x - parting) * random.uniform(-0.1, 0.45) + random.normal(0, 6 * fine)
            cv2.line(mask, fixed(np.array([x - (x - parting) * 0.2, 0])), fixed(np.array([x, y])), 255, width, cv2.LINE_AA, shift)
        over = np.maximum(over, blend(mask, random.uniform(0, 255, 3) * random.uniform(0.1, 1)))
    if random.random() < 0.15:  # spectacles
        mask = canvas()
        width = int(random.integers(2, 16))
        wide, high = random.uniform(0.28, 0.5, 2) * unit
        middles = [points[eye_rows(s)].mean(axis=0) * fine for s in ("right", "left")]
        square = random.random() < 0.5
        for middle in middles:
            if square:
                low, top = middle - [wide, high * 0.8], middle + [wide, high]
                cv2.rectangle(mask, fixed(low), fixed(top), 255, width, cv2.LINE_AA, shift)
            else:
                axes = tuple(int(v * (1 << shift)) for v in (wide, high))
                cv2.ellipse(mask, fixed(middle), axes, 0, 0, 360, 255, width, cv2.LINE_AA, shift)
        cv2.line(mask, fixed(middles[0] + [wide, 0]), fixed(middles[1] - [wide, 0]), 255, width, cv2.LINE_AA, shift)
        over = np.maximum(over, blend(mask, random.uniform(0, 200, 3) * random.uniform(0, 1)))
    return image, over


def save_shard(rows: list[dict[str, np.ndarray]], path: Path) -> None:
    """Write pictures of one shard under a temporary name, then rename it."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.savez(stream, **{name: np.stack([row[name] for row in rows]) for name in rows[0]})
    partial.rename(path)


def fewer_textures() -> None:
    """Keep all noise textures that looks are drawn with here in memory."""
    for name in ("detail_texture", "strand_texture"):
        kept = functools.lru_cache(maxsize=2 * _TEXTURES)(getattr(noise, name).__wrapped__)
        for module in (noise, surface_colour, shading):
            if hasattr(module, name):
                setattr(module, name, kept)


def families_in(data: Path) -> dict[str, HeadFamily]:
    """The three families of a data folder, by name."""
    from reggan_training.heads.ict import IctFamily
    from reggan_training.heads.makehuman.family import MakeHumanFamily
    from reggan_training.heads.valid.family import ValidFamily

    return {
        "ict": IctFamily(data / "heads/ict/ict_face_model_light.npz"),
        "makehuman": MakeHumanFamily(data / "makehuman", data / "heads/faceunits01"),
        "valid": ValidFamily(data / "heads/valid"),
    }


SHARES = {"ict": 0.36, "makehuman": 0.34, "valid": 0.30}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pool", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--until", type=float, default=float("inf"))
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--without", action="append", default=[])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    fewer_textures()
    arguments.pool.mkdir(parents=True, exist_ok=True)
    shares = {name: share for name, share in SHARES.items() if name not in arguments.without}
    source = HeadSource(families_in(arguments.data), shares, 5 if not arguments.held_out else 9, held_out=arguments.held_out)
    number = len(list(arguments.pool.glob(f"{arguments.rank}-*.npz")))
    random = np.random.default_rng([77, arguments.rank, number, int(arguments.held_out)])
    rows: list[dict[str, np.ndarray]] = []
    started, drawn = time.time(), 0
    for head, found in source.heads(random):
        if time.time() > arguments.until or drawn >= arguments.count:
            break
        states, looks = (2, 1) if arguments.held_out else (5, 3)
        pictures = draw_head(head, found, random, states=states, looks=looks, plain=False)
        rows += [kept_parts(one) for one in pictures]
        drawn += len(pictures)
        if len(rows) >= _SHARD:
            save_shard(rows, arguments.pool / f"{arguments.rank}-{number:05d}.npz")
            rows, number = [], number + 1
            print(f"{drawn} pictures, {drawn / (time.time() - started):.2f} a second", flush=True)
    if rows:
        save_shard(rows, arguments.pool / f"{arguments.rank}-{number:05d}.npz")


if __name__ == "__main__":
    os.nice(10)
    main()
