"""Styled grey faces, their cut-out masks and faceless backgrounds, prepared once per run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.faces.locator_crop import crop_around_face, face_centre_px, face_size_px
from reggan_training.locator.backgrounds import paint_background, tear_face
from reggan_training.locator.cartoons import CARTOON
from reggan_training.locator.sources import MASK_SIDE, LabelledPicture
from reggan_training.locator.stylise import mix_channels, stylise

_DRAWINGS_KEPT = 0.75
"""Share of the drawings that are not restyled."""

Gray = UInt8[np.ndarray, "_height _width"]


@dataclass(frozen=True)
class BankFace:
    """One styled picture at 256, 128 and 64 px, its head mask, and its landmarks at 256 px."""

    levels: tuple[Gray, Gray, Gray]
    mask: Gray
    points: Float[np.ndarray, "6 2"]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
