"""Styled grey faces, their cut-out masks and faceless backgrounds, prepared once per run."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from reggan_plugin.array_types import SixPoints
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import crop_around_face, face_centre_px, face_size_px
from reggan_training.locator.cartoons import CARTOON
from reggan_training.locator.labelled_pictures import (
    MASK_SIDE,
    PICTURE_PX,
    LabelledPicture,
    mix_channels,
    stylise,
)

Tile = UInt8[np.ndarray, "side side"]

_DRAWINGS_KEPT = 0.75
"""Share of the drawings that are not restyled."""
Gray = UInt8[np.ndarray, "_height _width"]


def paint_background(rng: np.random.Generator, torn: list[Tile]) -> Tile:
    """Return one random faceless picture; `torn` are faceless pieces of avatars to reuse."""
    kind = rng.random()
    if kind < 0.3 and torn:
        base = torn[int(rng.integers(len(torn)))]
    elif kind < 0.55:
        return _paint_dead_leaves(rng)
    elif kind < 0.75:
        base = _paint_noise(rng)
    else:
        base = _paint_gradient(rng)
    painters = (_paint_shapes, _paint_lines, _paint_text, _paint_dotted_discs, _paint_texture)
    for painter in painters:
        if rng.random() < 0.3:
            base = painter(base.copy(), rng)
    if rng.random() < 0.5:
        base = np.asarray(cv2.GaussianBlur(base, (0, 0), rng.uniform(0.5, 6)), dtype=np.uint8)
    return base


def tear_face(
    gray: Tile, box: tuple[float, float, float], rng: np.random.Generator, background: Tile
) -> Tile:
    """Return the picture without its face: patches shuffled, or the face covered.

    The box is the face's centre x, centre y and side, in pixels.
    """
    torn = gray.copy()
    x, y, side = box
    if rng.random() < 0.5:
        return _shuffle_patches(torn, (x, y, side), rng)
    half = int(side * rng.uniform(0.42, 0.6))
    mask = np.zeros_like(torn)
    axes = (int(half * rng.uniform(0.8, 1.1)), int(half * rng.uniform(0.95, 1.25)))
    cv2.ellipse(mask, (int(x), int(y)), axes, 0, 0, 360, (255,), -1)
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 8)).astype(np.float32) / 255.0
    if rng.random() < 0.5:  # a blank head: its own blurred tones
        cover = cv2.GaussianBlur(gray, (0, 0), side * rng.uniform(0.1, 0.3)).astype(np.float32)
    else:
        cover = background.astype(np.float32)
    return np.asarray(torn * (1 - soft) + cover * soft, dtype=np.uint8)


def _shuffle_patches(gray: Tile, box: tuple[float, float, float], rng: np.random.Generator) -> Tile:
    x, y, side = box
    count = int(rng.integers(2, 5))
    step = int(side * 1.15 / count)
    left, top = int(x - step * count / 2), int(y - step * count / 2)
    left, top = (int(np.clip(v, 0, PICTURE_PX - step * count)) for v in (left, top))
    cells = [(top + r * step, left + c * step) for r in range(count) for c in range(count)]
    source = gray.copy()
    order = rng.permutation(len(cells))
    if count == 2:  # a permutation of four quarters can be the face itself
        order = np.array([3, 2, 1, 0]) if rng.random() < 0.5 else np.array([1, 3, 0, 2])
    for (row, column), k in zip(cells, order, strict=True):
        from_row, from_column = cells[k]
        piece = source[from_row : from_row + step, from_column : from_column + step]
        gray[row : row + step, column : column + step] = np.rot90(piece, int(rng.integers(4)))
    return gray


def _paint_noise(rng: np.random.Generator) -> Tile:
    """Sum of smooth noises of doubling frequency with a random fall-off."""
    total = np.zeros((PICTURE_PX, PICTURE_PX), dtype=np.float32)
    fall_off = rng.uniform(0.3, 1.0)
    for octave in range(1, 8):
        grid = rng.standard_normal((2**octave, int(2**octave * rng.uniform(0.5, 1.5)) + 1))
        layer = cv2.resize(
            grid.astype(np.float32), (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_CUBIC
        )
        total += fall_off**octave * layer
    total = total / (total.std() + 1e-3) * rng.uniform(10, 60) + rng.uniform(40, 210)
    return np.clip(total, 0, 255).astype(np.uint8)


def _paint_dead_leaves(rng: np.random.Generator) -> Tile:
    """Ellipses of all sizes, each shaded, covering one another: the statistics of photographs.

    Source: Lee, Mumford, Huang (2001), Occlusion Models for Natural Images, §3.
    """
    base = _paint_gradient(rng)
    smallest = rng.uniform(1.5, 6)
    sizes = smallest * rng.uniform(0, 1, int(rng.integers(100, 500))) ** -rng.uniform(0.4, 0.8)
    middle, spread = rng.uniform(60, 190), rng.uniform(15, 70)
    for size in np.sort(sizes.clip(1, 120))[::-1]:
        axes = (max(1, int(size * rng.uniform(0.4, 1.2))), max(1, int(size)))
        tone = float(np.clip(rng.normal(middle, spread), 0, 255))
        turn, spot = float(rng.uniform(0, 180)), _point(rng)
        cv2.ellipse(base, spot, axes, turn, 0, 360, (int(tone * rng.uniform(0.4, 1)),), -1)
        lit = (spot[0] - axes[0] // 5, spot[1] - axes[1] // 5)
        inner = (max(1, axes[0] * 3 // 4), max(1, axes[1] * 3 // 4))
        cv2.ellipse(base, lit, inner, turn, 0, 360, (int(tone),), -1)
    return np.asarray(cv2.GaussianBlur(base, (0, 0), rng.uniform(0.3, 2.0)), dtype=np.uint8)


def _paint_gradient(rng: np.random.Generator) -> Tile:
    corners = rng.uniform(0, 255, (int(rng.integers(1, 4)), int(rng.integers(1, 4))))
    smooth = cv2.resize(
        corners.astype(np.float32), (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_LINEAR
    )
    return np.clip(smooth, 0, 255).astype(np.uint8)


def _point(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(-20, PICTURE_PX + 20)), int(rng.integers(-20, PICTURE_PX + 20))


def _tone(rng: np.random.Generator) -> tuple[int]:
    return (int(rng.integers(256)),)


def _paint_shapes(base: Tile, rng: np.random.Generator) -> Tile:
    for _ in range(int(rng.integers(1, 14))):
        kind = rng.integers(3)
        if kind == 0:
            corners = np.array(_point(rng)) + rng.integers(-60, 60, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(base, [corners.astype(np.int32)], _tone(rng))
        elif kind == 1:
            axes = (int(rng.integers(2, 60)), int(rng.integers(2, 60)))
            angle = float(rng.uniform(0, 180))
            thickness = int(rng.choice((-1, 1, 3)))
            cv2.ellipse(base, _point(rng), axes, angle, 0, 360, _tone(rng), thickness)
        else:
            cv2.rectangle(base, _point(rng), _point(rng), _tone(rng), int(rng.choice((-1, 2, 5))))
    return base


def _paint_lines(base: Tile, rng: np.random.Generator) -> Tile:
    """Strands: a bundle of nearly parallel curves, like hair, bars or foliage."""
    start, drift = np.array(_point(rng)), rng.normal(0, 60, 2)
    bend = rng.normal(0, 40, 2)
    steps = np.linspace(0, 3, 12)[:, None]
    for _ in range(int(rng.integers(4, 60))):
        origin = start + rng.normal(0, 40, 2)
        curve = origin + steps * (drift + rng.normal(0, 8, 2)) + steps**2 * bend * 0.3
        cv2.polylines(base, [curve.astype(np.int32)], False, _tone(rng), int(rng.integers(1, 4)))
    return base


def _paint_text(base: Tile, rng: np.random.Generator) -> Tile:
    letters = "ABCDEFGHIKLMNOPQRSTUVWXYZ0123456789@%&()=+*:;o-"
    for _ in range(int(rng.integers(1, 8))):
        word = "".join(rng.choice(list(letters), int(rng.integers(1, 10))))
        size, weight = rng.uniform(0.4, 3.0), int(rng.integers(1, 6))
        cv2.putText(base, word, _point(rng), int(rng.integers(0, 8)), size, _tone(rng), weight)
    return base


def _paint_dotted_discs(base: Tile, rng: np.random.Generator) -> Tile:
    """Discs with dots: what a face is made of, in arrangements that are no face."""
    for _ in range(int(rng.integers(1, 6))):
        x, y = _point(rng)
        radius = int(rng.integers(10, 60))
        cv2.circle(base, (x, y), radius, _tone(rng), -1)
        for _ in range(int(rng.integers(1, 7))):
            dx, dy = rng.uniform(-0.7, 0.7, 2) * radius
            cv2.circle(base, (int(x + dx), int(y + dy)), int(rng.integers(1, 8)), _tone(rng), -1)
    return base


def _paint_texture(base: Tile, rng: np.random.Generator) -> Tile:
    """Stripes, checks or waves blended over the picture."""
    rows, columns = np.indices((PICTURE_PX, PICTURE_PX), dtype=np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 60)
    along = (columns * np.cos(angle) + rows * np.sin(angle)) * (2 * np.pi / period)
    across = (rows * np.cos(angle) - columns * np.sin(angle)) * (2 * np.pi / rng.uniform(3, 60))
    wave = np.sin(along) * (np.sin(across) if rng.random() < 0.5 else 1.0)
    if rng.random() < 0.5:
        wave = np.sign(wave)
    return np.clip(base + rng.uniform(5, 80) * wave, 0, 255).astype(np.uint8)


@frozen(kw_only=False)
class BankFace:
    """One styled picture at 256, 128 and 64 px, its head mask, and its landmarks at 256 px."""

    levels: tuple[Gray, Gray, Gray]
    mask: Gray
    points: SixPoints


@frozen(kw_only=False)
class HardNegatives:
    """False faces of earlier weights: detector patches and landmark crops."""

    patches: UInt8[np.ndarray, "n 128 128"]
    crops: UInt8[np.ndarray, "m 112 112"]


def read_negatives(paths: Sequence[Path]) -> HardNegatives:
    """Read the files written by `mine-locator`; without any there are no hard negatives."""
    patches = [np.zeros((0, 128, 128), dtype=np.uint8)]
    crops = [np.zeros((0, 112, 112), dtype=np.uint8)]
    for path in paths:
        with np.load(path, allow_pickle=False) as arrays:
            patches.append(arrays["patches"])
            crops.append(arrays["crops"])
    return HardNegatives(np.concatenate(patches), np.concatenate(crops))


@frozen(kw_only=False)
class Bank:
    """Everything that training frames are pasted together from."""

    faces: list[BankFace]
    torn: list[BankFace]
    """Heads of the same outline whose face is shuffled or covered: what is not to be found."""
    backgrounds: list[Gray]
    negatives: HardNegatives


def build_bank(
    pictures: list[LabelledPicture],
    *,
    styles_per_picture: int,
    backgrounds: int,
    seed: int,
    negatives: Sequence[Path] = (),
) -> Bank:
    """Style every picture several times and paint the backgrounds; the same seed, the same bank."""
    rng = np.random.default_rng(seed)
    faces = [
        face for picture in pictures for face in _style_faces(picture, styles_per_picture, rng)
    ]
    chosen = rng.permutation(len(faces))[: backgrounds // 2]
    torn = [_tear(faces[index], rng) for index in chosen]
    pieces = [face.levels[0] for face in torn]
    painted = [paint_background(rng, pieces) for _ in range(backgrounds)]
    return Bank(faces, torn, painted, read_negatives(negatives))


def _style_faces(picture: LabelledPicture, count: int, rng: np.random.Generator) -> list[BankFace]:
    mask = cut_out_head(picture) if picture.mask is None else picture.mask
    faces = []
    is_drawing = picture.style == CARTOON
    for _ in range(count):
        gray = mix_channels(picture.image, rng)
        if is_drawing and rng.random() < _DRAWINGS_KEPT:
            styled = np.clip(gray * 255 + 0.5, 0, 255).astype(np.uint8)
        else:
            styled = stylise(gray, picture.points, rng)
        faces.append(BankFace(_halve_twice(styled), mask, picture.points))
    return faces


def _halve_twice(gray: Gray) -> tuple[Gray, Gray, Gray]:
    half = np.asarray(cv2.resize(gray, (128, 128), interpolation=cv2.INTER_AREA), np.uint8)
    quarter = np.asarray(cv2.resize(half, (64, 64), interpolation=cv2.INTER_AREA), np.uint8)
    return gray, half, quarter


def _tear(face: BankFace, rng: np.random.Generator) -> BankFace:
    crop = crop_around_face(face.points)
    x, y = face_centre_px(crop)
    box = (float(x), float(y), face_size_px(crop))
    torn = tear_face(face.levels[0], box, rng, paint_background(rng, []))
    return BankFace(_halve_twice(torn), face.mask, face.points)


def cut_out_head(picture: LabelledPicture) -> Gray:
    """Return a mask of the head, MASK_SIDE px square, 255 inside.

    Source: Rother, Kolmogorov, Blake (2004), GrabCut; started from an ellipse about the face.
    """
    side = MASK_SIDE
    image = cv2.resize(picture.image, (side, side), interpolation=cv2.INTER_AREA)
    points = picture.points * (side / picture.image.shape[1])
    distance = float(np.hypot(*(points[0] - points[1])))
    x, y = 0.6 * points[:2].mean(axis=0) + 0.4 * points[5]
    labels = np.full((side, side), cv2.GC_PR_BGD, dtype=np.uint8)
    for reach_x, reach_y, label in ((1.9, 2.4, cv2.GC_PR_FGD), (0.8, 1.25, cv2.GC_FGD)):
        axes = (int(distance * reach_x), int(distance * reach_y))
        cv2.ellipse(labels, (int(x), int(y)), axes, 0, 0, 360, (int(label),), -1)
    labels[:3] = 0
    labels[: side // 2, :2] = 0
    labels[: side // 2, -2:] = 0
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, labels, None, *models, 3, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels & 1) * 255, dtype=np.uint8)
