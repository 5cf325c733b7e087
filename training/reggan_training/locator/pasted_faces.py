"""Paste styled faces into backgrounds, and keep track of where their landmarks went."""

import math
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.array_types import Plane, SixPoints
from reggan_plugin.faces.landmarks_and_pose import BOX_SIDE_IN_EYE_DISTANCES
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import (
    CROP_SIDE_IN_EYE_DISTANCES,
    CROP_SIDE_PX,
    crop_around_face,
    face_centre_px,
    face_size_px,
)
from reggan_training.locator.labelled_pictures import MASK_SIDE, PICTURE_PX
from reggan_training.locator.styled_faces import Bank, BankFace

PATCH_SIDE_PX = 128
SMALLEST_FACE_PX, LARGEST_FACE_PX = 20.0, 76.0
OUTSIDE_TONE = 128
"""Grey beyond the frame's edge: the networks subtract 0.5, so it equals zero padding."""
MOST_ROLL_DEG = 48.0
"""Faces rolled further are found by a look at the frame turned by quarters."""
HARD_SHARE = 0.15
"""Share of mined negatives in every batch, where there are any."""
MIRRORED_ORDER = (1, 0, 2, 4, 3, 5)
Gray = UInt8[np.ndarray, "_height _width"]
Matrix = Float[np.ndarray, "2 3"]


def augment(
    patch: UInt8[np.ndarray, "height width"], rng: np.random.Generator
) -> UInt8[np.ndarray, "height width"]:
    """Return the patch as another camera, light and codec might have shown it."""
    if rng.random() < 0.12:
        patch = _occlude(patch.copy(), rng)
    image = patch.astype(np.float32) / np.float32(255.0)
    if rng.random() < 0.4:
        image = _shade(image, rng)
    image = _change_tone(image, rng)
    if rng.random() < 0.35:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.3)), np.float32)
    if rng.random() < 0.45:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        limit = min(0.07, 0.45 * float(image.std()))  # the face stays visible
        image = image + noise * np.float32(rng.uniform(0.0, limit))
    result = np.clip(image * 255.0 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, code = cv2.imencode(
            ".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 90))]
        )
        result = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return result


def _change_tone(image: Plane, rng: np.random.Generator) -> Plane:
    """Gamma, contrast, brightness; once in 25 a negative."""
    if rng.random() < 0.04:
        image = 1 - image
    if rng.random() < 0.6:
        image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.4)))
    middle = float(image.mean())
    contrast = np.exp(rng.uniform(np.log(0.35), np.log(1.6)))
    reach = contrast * float(image.std())
    target = np.clip(middle + rng.normal(0, 0.12), min(reach, 0.5), max(1 - reach, 0.5))
    return np.asarray((image - middle) * np.float32(contrast) + np.float32(target), np.float32)


def _shade(image: Plane, rng: np.random.Generator) -> Plane:
    """Multiply by a smooth ramp: light from one side, or the shadow of something."""
    corners = rng.uniform(0.35, 1.3, (int(rng.integers(1, 4)), int(rng.integers(1, 4))))
    size = (image.shape[1], image.shape[0])
    ramp = cv2.resize(corners.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(image * ramp, dtype=np.float32)


def _occlude(
    patch: UInt8[np.ndarray, "height width"], rng: np.random.Generator
) -> UInt8[np.ndarray, "height width"]:
    """Cover a small ellipse or bar with one tone."""
    height, width = patch.shape
    centre = (int(rng.integers(width)), int(rng.integers(height)))
    axes = (int(width * rng.uniform(0.02, 0.12)), int(height * rng.uniform(0.02, 0.12)))
    angle, tone = float(rng.uniform(0, 180)), (int(rng.integers(256)),)
    cv2.ellipse(patch, centre, axes, angle, 0, 360, tone, -1)
    return patch


@frozen(kw_only=False)
class Placement:
    """Placement of a face: centre and size in patch pixels, roll in degrees, stretch, mirror."""

    centre: tuple[float, float]
    size_px: float
    roll_deg: float
    aspect: float
    mirrored: bool

    def matrix_for(self, points: SixPoints) -> Matrix:
        """Return patch_from_picture for a face with these landmarks."""
        crop = crop_around_face(points)
        scale = self.size_px / face_size_px(crop)
        angle = math.radians(self.roll_deg)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        stretch = np.diag([self.aspect * (-1 if self.mirrored else 1), 1 / self.aspect])
        linear = scale * turn @ stretch
        return np.column_stack([linear, np.array(self.centre) - linear @ face_centre_px(crop)])


def paste_face(canvas: Gray, face: BankFace, placement: Placement, *, cut_out: bool) -> SixPoints:
    """Draw the face onto the canvas, in place, and return its landmarks there.

    With `cut_out` only the head is drawn, softly masked; else the picture with its background.
    """
    matrix = placement.matrix_for(face.points)
    side = canvas.shape[0]
    level = int(np.clip(math.floor(-math.log2(placement.size_px / 160.0) + 0.35), 0, 2))
    picture = _warp(face.levels[level], matrix, side)
    mask = face.mask if cut_out else np.full((MASK_SIDE, MASK_SIDE), 255, dtype=np.uint8)
    weight = _warp(mask, matrix, side).astype(np.float32) / np.float32(255.0)
    if cut_out:
        weight = np.asarray(cv2.GaussianBlur(weight, (0, 0), 0.8), dtype=np.float32)
    canvas[...] = (canvas * (1 - weight) + picture * weight + 0.5).astype(np.uint8)
    moved = face.points @ matrix[:, :2].T + matrix[:, 2]
    # A mirrored face's left eye is its former right.
    return moved[list(MIRRORED_ORDER)] if placement.mirrored else moved


def _warp(source: Gray, matrix: Matrix, side: int) -> Gray:
    """Draw a square source, whose landmarks count `PICTURE_PX` across, into a patch.

    The matrix is in continuous coordinates; OpenCV counts from pixel centres, hence the halves.
    """
    linear = matrix[:, :2] * (PICTURE_PX / source.shape[0])
    half = np.full(2, 0.5)
    shifted = np.column_stack([linear, matrix[:, 2] + linear @ half - half])
    return np.asarray(cv2.warpAffine(source, shifted, (side, side)), dtype=np.uint8)


def draw_background(bank: Bank, rng: np.random.Generator, side: int) -> Gray:
    """Return a random window of a random background, or once in eight a flat grey."""
    if rng.random() < 0.12:
        return np.full((side, side), OUTSIDE_TONE, dtype=np.uint8)
    tile = bank.backgrounds[int(rng.integers(len(bank.backgrounds)))]
    window = int(rng.integers(tile.shape[0] // 3, tile.shape[0] + 1))
    top, left = rng.integers(0, tile.shape[0] - window + 1, 2)
    cut = np.rot90(tile[top : top + window, left : left + window], int(rng.integers(4)))
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    method = cv2.INTER_AREA if window > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (side, side), interpolation=method), dtype=np.uint8)


def _random_placement(
    rng: np.random.Generator, size_px: float, centre: tuple[float, float], roll_limit_deg: float
) -> Placement:
    return Placement(
        centre=centre,
        size_px=size_px,
        roll_deg=float(rng.uniform(-roll_limit_deg, roll_limit_deg)),
        aspect=float(np.exp(rng.normal(0, 0.06))),
        mirrored=bool(rng.random() < 0.5),
    )


def _random_face(faces: list[BankFace], rng: np.random.Generator) -> BankFace:
    return faces[int(rng.integers(len(faces)))]


def _cut_frame(canvas: Gray, centres: list[tuple[float, float]], rng: np.random.Generator) -> None:
    """Put the frame's edge through the patch, in place, on the far side of every centre."""
    side = canvas.shape[0]
    for axis in (0, 1):
        if rng.random() < 0.5:
            continue
        limits = [c[1 - axis] for c in centres] or [side / 2]
        rows = canvas if axis == 0 else canvas.T
        margin = side * 0.08
        if rng.random() < 0.5:
            rows[: int(rng.uniform(0, max(0.0, min(limits) - margin)))] = OUTSIDE_TONE
        else:
            start = rng.uniform(min(max(limits) + margin, side), side)
            rows[int(start) :] = OUTSIDE_TONE


def synthesise_patch(bank: Bank, rng: np.random.Generator) -> tuple[Gray, list[SixPoints]]:
    """Return a patch as the detector sees it, and the landmarks of every face in its range."""
    if len(bank.negatives.patches) and rng.random() < HARD_SHARE:
        return _draw_negative(bank.negatives.patches, rng), []
    side = PATCH_SIDE_PX
    canvas = draw_background(bank, rng, side)
    kind = rng.random()
    faces: list[SixPoints] = []
    if rng.random() < 0.25:
        _paste_torn(canvas, bank, rng)
    if kind < 0.08:  # parts of a face too large for this level
        size = float(rng.uniform(150, 330))
        spot = (float(rng.uniform(-40, side + 40)), float(rng.uniform(-40, side + 40)))
        placement = _random_placement(rng, size, spot, 40)
        paste_face(canvas, _random_face(bank.faces, rng), placement, cut_out=rng.random() < 0.5)
    elif kind < 0.80:
        faces = _paste_faces(canvas, bank, rng)
    elif kind < 0.88:  # what is found by a look at the frame turned by quarters, and only so
        _paste_fallen(canvas, bank, rng)
    if rng.random() < 0.25:
        centres = [
            (float(x), float(y))
            for x, y in (face_centre_px(crop_around_face(points)) for points in faces)
        ]
        _cut_frame(canvas, centres, rng)
    return augment(canvas, rng), faces


def _draw_negative(negatives: UInt8[np.ndarray, "n side side"], rng: np.random.Generator) -> Gray:
    """Return one mined negative, mirrored and augmented at random."""
    negative = negatives[int(rng.integers(len(negatives)))]
    return augment(negative[:, ::-1] if rng.random() < 0.5 else negative, rng)


def _paste_torn(canvas: Gray, bank: Bank, rng: np.random.Generator) -> None:
    """Paste a head without a face, of any size and place."""
    side = canvas.shape[0]
    size = side * float(np.exp(rng.uniform(math.log(0.16), math.log(0.75))))
    spot = (float(rng.uniform(0, side)), float(rng.uniform(0, side)))
    placement = _random_placement(rng, size, spot, MOST_ROLL_DEG)
    paste_face(canvas, _random_face(bank.torn, rng), placement, cut_out=rng.random() < 0.65)


def _paste_fallen(canvas: Gray, bank: Bank, rng: np.random.Generator) -> None:
    """Paste a face that lies on its side or stands on its head."""
    side = canvas.shape[0]
    size = float(np.exp(rng.uniform(math.log(SMALLEST_FACE_PX), math.log(LARGEST_FACE_PX))))
    x, y = (float(v) for v in rng.uniform(0.2 * size, side - 0.2 * size, 2))
    drawn = _random_placement(rng, size, (x, y), 20)
    placement = replace(drawn, roll_deg=drawn.roll_deg + 90 * int(rng.integers(1, 4)))
    paste_face(canvas, _random_face(bank.faces, rng), placement, cut_out=rng.random() < 0.65)


def _paste_faces(canvas: Gray, bank: Bank, rng: np.random.Generator) -> list[SixPoints]:
    """Paste one face, or two that stand well apart."""
    side = canvas.shape[0]
    faces: list[SixPoints] = []
    taken: list[tuple[float, float, float]] = []
    for _ in range(1 if rng.random() < 0.7 else 2):
        size = float(np.exp(rng.uniform(math.log(SMALLEST_FACE_PX), math.log(LARGEST_FACE_PX))))
        x, y = (float(v) for v in rng.uniform(0.2 * size, side - 0.2 * size, 2))
        if any(math.hypot(x - a, y - b) < 0.85 * (size + s) for a, b, s in taken):
            continue
        placement = _random_placement(rng, size, (x, y), MOST_ROLL_DEG)
        cut_out = bool(rng.random() < 0.65)
        faces.append(paste_face(canvas, _random_face(bank.faces, rng), placement, cut_out=cut_out))
        taken.append((x, y, size))
    return faces


def synthesise_crop(bank: Bank, rng: np.random.Generator) -> tuple[Gray, SixPoints | None]:
    """Return a crop as the landmark network sees it, and its landmarks, or None for no face.

    Half of the crops are placed as roughly as the detector places them, half as finely as
    the network's own first pass does. A crop that misses its face counts as no face.
    """
    if len(bank.negatives.crops) and rng.random() < HARD_SHARE:
        return _draw_negative(bank.negatives.crops, rng), None
    side = int(np.exp(rng.uniform(math.log(44), math.log(150))))  # the face's own resolution
    canvas = draw_background(bank, rng, side)
    kind = rng.random()
    points: SixPoints | None = None
    if kind < 0.70:
        points = _paste_centred(canvas, bank.faces, rng, rough=rng.random() < 0.5)
    elif kind < 0.80:
        _paste_centred(canvas, bank.torn, rng, rough=True)
    elif kind < 0.90:
        _paste_misplaced(canvas, bank, rng)
    if rng.random() < 0.15:
        centres = [] if points is None else [(side / 2, side / 2)]
        _cut_frame(canvas, centres, rng)
    method = cv2.INTER_AREA if side > CROP_SIDE_PX else cv2.INTER_LINEAR
    seen = augment(canvas, rng) if rng.random() < 0.75 else canvas
    patch = cv2.resize(seen, (CROP_SIDE_PX,) * 2, interpolation=method)
    if points is not None:
        points = points * (CROP_SIDE_PX / side)
    return np.asarray(patch, dtype=np.uint8), points


def _paste_centred(
    canvas: Gray, faces: list[BankFace], rng: np.random.Generator, *, rough: bool
) -> SixPoints:
    """Draw a face about the middle, never mirrored.

    The labelled mouth corners are vertices that do not lie alike on both sides of the mesh.
    """
    side = canvas.shape[0]
    size = side * BOX_SIDE_IN_EYE_DISTANCES / CROP_SIDE_IN_EYE_DISTANCES
    shift, spread, roll = (0.07, 0.14, 22.0) if rough else (0.025, 0.06, 7.0)
    x, y = rng.normal(side / 2, shift * side, 2).clip(0.3 * side, 0.7 * side)
    size *= float(np.exp(rng.normal(0, spread)))
    drawn = _random_placement(rng, size, (float(x), float(y)), roll)
    placement = replace(drawn, mirrored=False)
    cut_out = bool(rng.random() < 0.5)
    return paste_face(canvas, _random_face(faces, rng), placement, cut_out=cut_out)


def _paste_misplaced(canvas: Gray, bank: Bank, rng: np.random.Generator) -> None:
    """Draw a face far off centre, far off scale, upside down or on its side."""
    side = canvas.shape[0]
    size = side * BOX_SIDE_IN_EYE_DISTANCES / CROP_SIDE_IN_EYE_DISTANCES
    middle = (side / 2, side / 2)
    kind = rng.integers(3)
    if kind == 0:
        angle, reach = rng.uniform(0, 2 * math.pi), side * rng.uniform(0.36, 0.6)
        spot = (middle[0] + reach * math.cos(angle), middle[1] + reach * math.sin(angle))
        placement = _random_placement(rng, size, spot, 40)
    elif kind == 1:
        factor = rng.uniform(2.2, 4.0) if rng.random() < 0.6 else rng.uniform(0.25, 0.42)
        placement = _random_placement(rng, size * factor, middle, 40)
    else:
        fallen = _random_placement(rng, size, middle, 30)
        placement = replace(fallen, roll_deg=fallen.roll_deg + 90 * int(rng.integers(1, 4)))
    paste_face(canvas, _random_face(bank.faces, rng), placement, cut_out=rng.random() < 0.5)
