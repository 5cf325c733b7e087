from collections.abc import Callable

import numpy as np

from reggan_training.metrics.motion.measures import (
    INTENSITIES,
    LARGEST_PSNR_DB,
    FacePart,
    TrueFace,
    changed_region,
    motion_rises,
    moved_region,
    part_masks,
    region_psnr_db,
)


def test_parts_share_the_crop_among_them(face: TrueFace) -> None:
    masks = part_masks(face)
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()
    x, y = (points * face.side_px for points in face.source_landmarks.T)
    at = {name: (int(y[row]), int(x[row])) for row, name in enumerate(("left", "right", "nose"))}
    brows, mouth, rest = masks.values()
    assert brows[at["left"]]
    assert brows[at["right"]]
    assert brows[int(0.2 * face.side_px), at["left"][1]]
    assert rest[at["nose"]]
    assert mouth[face.is_uncovered].all()
    assert mouth[int(0.615 * face.side_px), face.side_px // 2]
    assert rest[0].all()
    assert brows.mean() < 0.4
    assert mouth.mean() < 0.25


def test_the_changed_region_holds_what_moves_and_what_appears(face: TrueFace) -> None:
    region = changed_region(face)
    assert region[moved_region(face)].all()
    assert region[face.is_uncovered].all()
    assert not region[0].any()
    assert 0.1 < region.mean() < 0.8


def test_each_part_is_judged_by_itself(
    face: TrueFace, blurred: Callable[[np.ndarray], np.ndarray], half_moved: np.ndarray
) -> None:
    region, masks = changed_region(face), part_masks(face)
    floor = blurred(face.target)
    pictures = {
        "true": face.target,
        "floor": floor,
        "input": face.source,
        "half": half_moved,
        "double": (face.source + face.target) / 2,
        "bad mouth": np.where(masks[FacePart.MOUTH], face.source, face.target),
    }

    def decibels(name: str, where: np.ndarray) -> float:
        return region_psnr_db(pictures[name], face.target, where & region)

    everywhere = np.ones_like(region)
    assert decibels("true", everywhere) == LARGEST_PSNR_DB
    assert decibels("input", everywhere) < decibels("half", everywhere)
    assert decibels("input", everywhere) < decibels("double", everywhere)
    mouth, brows = masks[FacePart.MOUTH], masks[FacePart.BROWS_AND_LIDS]
    assert decibels("bad mouth", mouth) == decibels("input", mouth) < decibels("floor", mouth)
    assert decibels("bad mouth", brows) == LARGEST_PSNR_DB
    assert np.isnan(decibels("true", np.zeros_like(region)))


def test_moving_half_the_way_beats_fading_half(
    face: TrueFace, half_face: TrueFace, warped: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    region = changed_region(face)
    moved = warped(face.source, half_face.motion)
    moved = np.where(half_face.is_uncovered, half_face.target, moved)
    faded = (face.source + face.target) / 2
    better = region_psnr_db(moved, half_face.target, region)
    assert better > region_psnr_db(faded, half_face.target, region) + 2


def test_motion_must_rise_from_nothing(face: TrueFace) -> None:
    region = moved_region(face)

    def rises(shares: tuple[float, ...]) -> bool:
        motions = [np.float32(share) * face.motion for share in shares]
        return motion_rises(motions, face.motion, region)

    assert rises(INTENSITIES[1:])
    assert rises((0.5, 0.9, 1.0, 1.0))
    assert not rises((0.5, 0.4, 0.8, 1.0))
    assert not rises((0, 0, 0, 0))
    assert not rises((-0.25, -0.5, -0.75, -1.0))
