"""Collect what a half-trained locator takes for faces and is none."""

import cv2
import numpy as np
from jaxtyping import UInt8

from reggan_plugin.array_types import SixPoints
from reggan_plugin.faces.locator import (
    ONE_VIEW,
    OUTSIDE_TONE,
    Candidate,
    FaceLocator,
    Pyramid,
    build_pyramid,
    candidate_from_points,
)
from reggan_plugin.imaging.crop import CROP_SIDE_PX, crop_around_face
from reggan_training.locator.labelled_pictures import LabelledPicture
from reggan_training.locator.pasted_faces import (
    PATCH_SIDE_PX,
    Placement,
    draw_background,
    paste_face,
)
from reggan_training.locator.styled_faces import Bank, HardNegatives

FRAME_SIDE_PX = 512
LEAST_CROP_SCORE = 0.05
PARTS_FROM_PX = 120.0
"""A level on which the true face is larger shows parts of it only: nothing is to be found."""

Gray = UInt8[np.ndarray, "_height _width"]


def mine_negatives(
    locator: FaceLocator, bank: Bank, pictures: list[LabelledPicture], *, frames: int, seed: int
) -> HardNegatives:
    """Search frames whose faces are known, and keep every false candidate that looks good.

    Half of the frames hold no face, the rest one large face: its parts are what fools most.
    """
    patches: list[Gray] = []
    crops: list[Gray] = []
    for number in range(frames):
        rng = np.random.default_rng([seed, number])
        if number % 2:
            picture = pictures[int(rng.integers(len(pictures)))]
            gray, points = _draw_large_face(picture, rng)
            _harvest_frame(locator, gray, candidate_from_points(points, 1.0), patches, crops)
        else:
            _harvest_frame(locator, _draw_faceless(bank, rng), None, patches, crops)
    return HardNegatives(
        np.array(patches, np.uint8).reshape(-1, PATCH_SIDE_PX, PATCH_SIDE_PX),
        np.array(crops, np.uint8).reshape(-1, CROP_SIDE_PX, CROP_SIDE_PX),
    )


def _draw_large_face(picture: LabelledPicture, rng: np.random.Generator) -> tuple[Gray, SixPoints]:
    """Return a picture enlarged two to three times, with grain, and its landmarks."""
    side = int(rng.integers(FRAME_SIDE_PX, FRAME_SIDE_PX * 3 // 2))
    gray = cv2.cvtColor(picture.image, cv2.COLOR_RGB2GRAY)
    large = cv2.resize(gray, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    sharp = large + rng.uniform(0, 2) * (large - cv2.GaussianBlur(large, (0, 0), 2.0))
    noisy = sharp + rng.standard_normal(sharp.shape) * rng.uniform(0, 6)
    return noisy.clip(0, 255).astype(np.uint8), picture.points * (side / picture.image.shape[0])


def _draw_faceless(bank: Bank, rng: np.random.Generator) -> Gray:
    half = FRAME_SIDE_PX // 2  # four small tiles: clutter as fine as in a whole frame
    tiles = [draw_background(bank, rng, half) for _ in range(4)]
    canvas = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    for _ in range(int(rng.integers(0, 4))):
        torn = bank.torn[int(rng.integers(len(bank.torn)))]
        x, y = (float(v) for v in rng.uniform(0, FRAME_SIDE_PX, 2))
        size = float(np.exp(rng.uniform(np.log(40), np.log(400))))
        roll = float(rng.uniform(-40, 40))
        placement = Placement((x, y), size, roll, 1.0, bool(rng.random() < 0.5))
        paste_face(canvas, torn, placement, cut_out=rng.random() < 0.5)
    return canvas


def _harvest_frame(
    locator: FaceLocator,
    gray: Gray,
    truth: Candidate | None,
    patches: list[Gray],
    crops: list[Gray],
) -> None:
    """Add to `patches` and `crops` what a frame has of false candidates."""
    image = np.repeat(gray[..., None], 3, axis=2).astype(np.float32) / np.float32(255.0)
    pyramid = build_pyramid(image)
    candidates = [one for one in locator.search(pyramid) if not _matches(one, truth)]
    for one in candidates[:6]:
        patch = _cut_patch(pyramid, one, truth)
        if patch is not None:
            patches.append(patch)
    for _ in range(2):
        candidates = locator.read_landmarks(pyramid, candidates, ONE_VIEW)
        for one in candidates:
            if one.score >= LEAST_CROP_SCORE and not _matches(one, truth):
                crop = pyramid.sample(crop_around_face(one.points))
                crops.append((crop * 255 + 0.5).astype(np.uint8))


def _matches(one: Candidate, truth: Candidate | None) -> bool:
    """Tell whether the candidate may be the true face, even a badly placed one."""
    if truth is None:
        return False
    distance = float(np.hypot(*(one.centre_px - truth.centre_px)))
    return distance < 0.4 * truth.size_px and one.size_px > 0.45 * truth.size_px


def _cut_patch(pyramid: Pyramid, one: Candidate, truth: Candidate | None) -> Gray | None:
    """Return the detector's surroundings of the candidate, or None if the true face is in them."""
    level = min(pyramid.searched, key=lambda v: abs(np.log(one.size_px / v.frame_px[0] / 36.0)))
    if truth is not None and truth.size_px / level.frame_px[0] < PARTS_FROM_PX:
        return None
    side = PATCH_SIDE_PX
    padded = np.pad(level.gray, side, constant_values=OUTSIDE_TONE)
    x, y = (one.centre_px / np.array(level.frame_px) + side / 2).astype(int)
    x, y = (int(np.clip(v, 0, n - side)) for v, n in ((x, padded.shape[1]), (y, padded.shape[0])))
    cut = padded[y : y + side, x : x + side]
    return np.asarray((cut * 255 + 0.5).clip(0, 255), dtype=np.uint8)
