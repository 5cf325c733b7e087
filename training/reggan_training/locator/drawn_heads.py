"""Whole heads to find: real, warped as toons are, turned to both sides, dressed and drawn on.

A set is a folder of shards, npz files of `image` [n, 256, 256, 3], `mask` [n, 96, 96] (255 on the
head), `points` [n, 6, 2] in pixels and `style` [n].
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_training.heads.head import HeadFamily, HeadMesh
from reggan_training.heads.worn.dress import dress
from reggan_training.landmarks.drawn_accessories import (
    SIDE_PX,
    draw_backdrop,
    draw_outlines,
    draw_over_face,
)
from reggan_training.landmarks.part_networks import six_points
from reggan_training.landmarks.picture_pool import FRONT_SHARES
from reggan_training.landmarks.pictures import (
    TEXTURES,
    HeadState,
    found_on_warped,
    random_states,
    sampled_look,
    without_back,
)
from reggan_training.landmarks.points_on_mesh import SHARES, DensePoints, HeadSource
from reggan_training.landmarks.stylised import Bulge, middles_of, stylise, warped_head
from reggan_training.locator.cartoons import draw_cartoon
from reggan_training.locator.labelled_pictures import (
    MASK_SIDE,
    PICTURE_PX,
    LabelledPicture,
    load_pictures,
)
from reggan_training.locator.pasted_faces import MIRRORED_ORDER
from reggan_training.rendering.head_look import keep_textures
from reggan_training.rendering.rasterising import (
    Camera,
    aimed_camera,
    rotation_from_angles,
    sample_distance,
)
from reggan_training.rendering.shading import HeadShader
from reggan_training.training_run import write_arrays

KINDS: Final = ("plain", "stylised", "large-eyed")
_SHARES: Final = (0.4, 0.25, 0.35)
_LARGEST_YAW_DEG: Final = 80.0
_MOST_DRAWN_OVER_DEG: Final = 45.0
"""Heads that are turned further wear meshes alone: hidden landmarks may lie beside the head."""
_HATS: Final = 0.08
_CARTOONS: Final = 2
"""Of a seed's streams, that of the cartoons."""
_BACK = -3.0
_STATES, _LOOKS, _SHARD = 3, 2, 150
_HEADS: Final = 5
"""Seed of the identities."""


def draw_whole_head(
    head: HeadMesh,
    found: DensePoints,
    random: np.random.Generator,
    *,
    states: int = _STATES,
    looks: int = _LOOKS,
    kind: str | None = None,
    yaw_deg: float | None = None,
) -> Iterator[LabelledPicture]:
    """Draw a head in several states before cameras of their own, each in several looks.

    Args:
        head: undressed or dressed.
        found: its dense landmarks.
        random: of everything that is not given.
        states: how many.
        looks: how many of each state.
        kind: of head, one of `KINDS`.
        yaw_deg: turn of the head to its own left.
    """
    kind = kind or str(random.choice(KINDS, p=_SHARES))
    if kind != "plain":
        is_stylised = kind == "stylised"
        strength = float(random.uniform(0.3, 1.0)) if is_stylised else 0.0
        head = stylise(head, random, strength) if is_stylised else large_eyed(head, random)
        found = found_on_warped(found, head)
    if "worn" not in head.notes and random.random() < 0.5:
        head = dress(head, random)
        found = replace(found, rest=head.rest)
    head = without_back(head, _BACK)
    for weights in random_states(random, head, states):
        yaw = _yaw(random) if yaw_deg is None else yaw_deg
        camera = _camera(head, random, yaw)
        state = HeadState.before_camera(head, found, weights, camera)
        points = camera.project(camera.view(head.landmarks(head.vertices(weights)))) * SIDE_PX
        eye_px = float(camera.crop_from_plane[0, 0]) * SIDE_PX
        shader = HeadShader(state.raster)
        for _ in range(looks):
            look = sampled_look(random)
            label = state.is_head.astype(np.uint8)
            pixels = draw_backdrop(state.shaded(look, shader), state.is_head, random)
            if look.style in ("toon", "unlit") and random.random() < 0.6:
                pixels = draw_outlines(pixels, state.part, random)
            if abs(yaw) < _MOST_DRAWN_OVER_DEG:
                over = draw_over_face(pixels, state.points, random, eye_px=eye_px)
                pixels, hiding = over.pixels, np.maximum(over.spectacles, over.others)
                label = np.maximum(label, hiding > 127).astype(np.uint8)
                if random.random() < _HATS:
                    pixels, label = _with_hat(pixels, label, state.points, eye_px, random)
            yield LabelledPicture(
                image=cv2.resize(pixels, (PICTURE_PX,) * 2, interpolation=cv2.INTER_AREA),
                mask=cv2.resize(label * 255, (MASK_SIDE,) * 2, interpolation=cv2.INTER_AREA),
                points=points * (PICTURE_PX / SIDE_PX),
                style=look.style,
            )


def large_eyed(head: HeadMesh, random: np.random.Generator) -> HeadMesh:
    """Give a head eyes up to 2.5 times as large, hardly a nose, and a small mouth."""
    nose, mouth, chin = middles_of(head)
    drawn = random.uniform
    wide, tall = drawn(1.3, 2.3), drawn(1.0, 1.8)
    steps = 4  # one large step would fold space
    grow = wide ** (1 / steps)
    bulges = [
        Bulge(
            middle=(side * (0.5 + 0.03 * step), 0.0, 0.3),
            reach=(0.66 + 0.14 * step, (0.66 + 0.14 * step) * 1.1, 1.3), core=0.3,
            scale=(grow, grow * tall ** (1 / steps), 1 + 0.08 * (grow - 1)),
            shift=(side * drawn(0.0, 0.04), 0.0, 0.0),
        )
        for step in range(steps)
        for side in (-1.0, 1.0)
    ]  # fmt: skip
    bulges += [
        Bulge(
            middle=mouth, reach=(0.95, 0.62, 1.3), core=0.3,
            scale=(small := drawn(0.35, 0.95), small * drawn(0.8, 1.3), 1.0),
            shift=(0.0, drawn(-0.1, 0.12), 0.0),
        ),
        Bulge(
            middle=nose + np.array((0, 0.08, -0.15)), reach=(0.5, 0.55, 0.8), core=0.2,
            scale=(size := drawn(0.25, 0.8), size, drawn(0.3, 0.8)),
            shift=(0.0, 0.0, -drawn(0, 0.05)),
        ),
        Bulge(
            middle=chin + np.array((0, 0.1, -0.3)), reach=(1.5, 0.9, 1.8), core=0.1,
            scale=(drawn(0.4, 1.1), drawn(0.7, 1.1), 1.0), shift=(0.0, drawn(-0.05, 0.3), 0.0),
        ),
        Bulge(
            middle=(0.0, 0.75, -0.6), reach=(2.4, 1.9, 2.6), core=0.1,
            scale=(drawn(1.0, 1.35), drawn(1.0, 1.5), 1.1), shift=(0.0, drawn(0, 0.25), 0.0),
        ),
    ]  # fmt: skip
    return warped_head(head, tuple(bulges), iris=float(drawn(0.9, 1.9)))


def draw_set(families: Mapping[str, HeadFamily], folder: Path, count: int, seed: int) -> None:
    """Draw heads to train on into a folder, until it holds so many pictures.

    Args:
        families: by name, with ICT FaceKit's.
        folder: created if it is not there; goes on behind the shards that are.
        count: how many, or a few more.
        seed: of everything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = len(list(folder.glob("*.npz")))
    drawn = sum(len(np.load(path)["style"]) for path in folder.glob("*.npz"))
    keep_textures(TEXTURES)
    source = HeadSource(families, SHARES, _HEADS, held_out=False)
    random = np.random.default_rng([seed, shards])
    rows: list[LabelledPicture] = []
    for head, found in source.heads(random):
        if len(rows) >= _SHARD or (rows and drawn >= count):
            _write(rows, folder / f"{shards:05d}.npz")
            rows, shards = [], shards + 1
        if drawn >= count:
            break
        pictures = list(draw_whole_head(head, found, random))
        rows += pictures
        drawn += len(pictures)


def _write(rows: list[LabelledPicture], path: Path) -> None:
    arrays = {
        "image": np.stack([row.image for row in rows]),
        "mask": np.array([row.mask for row in rows]),
        "points": np.stack([row.points for row in rows]).astype(np.float32),
        "style": np.array([row.style for row in rows]),
    }
    write_arrays(path, arrays)


def read_drawn_set(folder: Path, every: int = 1) -> list[LabelledPicture]:
    """Read all shards of a folder, or of a pool of `train-landmarks`.

    Args:
        folder: of shards.
        every: of a pool's pictures, keep one of so many.
    """
    pictures: list[LabelledPicture] = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as shard:
            pictures += _pool_pictures(shard, every) if "face" in shard else _drawn_pictures(shard)
    return pictures


def pictures_to_train_on(
    data: Path, heads: Sequence[Path], cartoons: int, seed: int, *, every: int = 1
) -> list[LabelledPicture]:
    """Gather a set's training split, drawn heads and so many cartoons.

    Args:
        data: the set.
        heads: folders, as `read_drawn_set` reads them.
        cartoons: how many.
        seed: of the cartoons.
        every: of a pool's pictures, keep one of so many.
    """
    pictures = load_pictures(data, "train")
    for folder in heads:
        pictures += read_drawn_set(folder, every)
    rng = np.random.default_rng([seed, _CARTOONS])
    return pictures + [draw_cartoon(rng) for _ in range(cartoons)]


def _drawn_pictures(shard: Mapping[str, np.ndarray]) -> Iterator[LabelledPicture]:
    arrays = [shard[name] for name in ("style", "image", "points", "mask")]
    for style, image, points, mask in zip(*arrays, strict=True):
        places = points.astype(np.float64)
        yield LabelledPicture(style=str(style), image=image, points=places, mask=mask)


def _pool_pictures(shard: Mapping[str, np.ndarray], every: int) -> Iterator[LabelledPicture]:
    """Load the squares of whole faces, which are small, with six of their dense landmarks."""
    arrays = [shard[name][::every] for name in ("face", "face_to", "points", FRONT_SHARES)]
    for face, matrix, dense, shares in zip(*arrays, strict=True):
        grow = PICTURE_PX / face.shape[0]
        six = six_points(dense)[list(MIRRORED_ORDER)]  # the left one of a pair comes first
        points = six @ matrix[:, :2].T.astype(np.float64) + matrix[:, 2]
        image = cv2.resize(face, (PICTURE_PX,) * 2, interpolation=cv2.INTER_CUBIC)
        mask = cv2.resize(255 - shares[..., 0], (MASK_SIDE,) * 2, interpolation=cv2.INTER_AREA)
        yield LabelledPicture(style="pool", image=image, points=points * grow, mask=mask)


def _yaw(random: np.random.Generator) -> float:
    if random.random() < 0.6:
        return float(random.uniform(-_LARGEST_YAW_DEG, _LARGEST_YAW_DEG))
    return float(np.clip(random.normal(0, 15), -45, 45))


def _camera(head: HeadMesh, random: np.random.Generator, yaw_deg: float) -> Camera:
    """Set a camera that sees the whole head, or nearly."""
    pitch, roll = np.clip(random.normal(0, 9), -28, 28), np.clip(random.normal(0, 5), -12, 12)
    rotation = rotation_from_angles(*np.radians([yaw_deg, pitch, roll]))
    distance = sample_distance(random)
    top, low = float(head.rest[:, 1].max()), float(head.rest[head.chin, 1]) - 0.3
    middle = np.array([0.0, (top + low) / 2, -0.3])
    scale = float(random.uniform(0.75, 1.15)) / (top - low) * 0.8
    return aimed_camera(middle, rotation, distance, scale, random.normal(0, 0.02, 2))


def _with_hat(
    pixels: UInt8[np.ndarray, "side side 3"],
    label: UInt8[np.ndarray, "side side"],
    dense: Float[np.ndarray, "points 2"],
    eye_px: float,
    random: np.random.Generator,
) -> tuple[UInt8[np.ndarray, "side side 3"], UInt8[np.ndarray, "side side"]]:
    """Cover what lies above the forehead by a crown and a brim."""
    brow = dense[:, 1].min() + eye_px * random.uniform(-0.15, 0.3)
    x = float(np.median(dense[:, 0]))
    half, tall = eye_px * random.uniform(1.4, 1.9), eye_px * random.uniform(0.7, 2.0)
    hat = np.zeros(label.shape, np.uint8)
    cv2.ellipse(hat, (int(x), int(brow)), (int(half), int(tall)), 0, 180, 360, (255,), -1)
    if random.random() < 0.7:
        brim = (int(half * random.uniform(1.0, 1.6)), int(eye_px * random.uniform(0.08, 0.3)))
        cv2.ellipse(hat, (int(x), int(brow)), brim, 0, 0, 360, (255,), -1)
    colour, other = random.uniform(0, 255, (2, 3))
    slope = np.linspace(0, 1, label.shape[0])[:, None, None] * np.ones((1, label.shape[1], 1))
    paint = colour + (other - colour) * slope * random.uniform(0, 1)
    share = (cv2.GaussianBlur(hat, (3, 3), 0) / np.float32(255))[..., None]
    painted = (pixels * (1 - share) + paint * share).astype(np.uint8)
    return painted, np.maximum(label, hat > 127).astype(np.uint8)
