"""What it is worth to lift spectacles off a face before the model sees it.

    python -m tests.measurements.spectacles --ict ict_face_model_light.npz \\
        --makehuman makehuman --face-units faceunits01 --valid valid

Dresses heads as training does, in the look that each one's name draws, and says on how many
spectacles were found and where there were none. Of those found, each head is asked for the two of
its states that move the brows most; in the region within 12 pixels of the true spectacles, and in
the whole crop of 256 pixels, the PSNR against the true render is that of the unchanged source, of
the model that sees the spectacles, and of the one that does not. Of all heads with spectacles,
found or not, and of those found: how far their frames move, which should stay. Of a pixel that a
frame covers in part that part has to stay, not the skin beside it. `Whole pixels` are the older
figure: each one whose upper left sample shows a frame counts as one that the frame fills.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import cv2
import numpy as np
import torch
from PIL import Image, ImageFilter

from reggan_plugin.rig.rig_model import RigSource
from reggan_training.commands.options import OpenFamilies, family_options
from reggan_training.heads.head import HeadFamily, Part
from reggan_training.heads.worn.dress import dress
from reggan_training.metrics.image_distance import resized
from reggan_training.metrics.motion.evaluation import compose, motion_answers, motion_in_crop
from reggan_training.metrics.motion.measures import region_psnr_db
from reggan_training.metrics.motion.test_heads import TestHead, rasterise_test_head
from reggan_training.rendering.shading import request_of_pair, truth_of_pair

from .heads_and_model import SIDE_PX, model_option, opened

REACH_PX, LEAST_PX = 25, 50
MOST_RIM_PX = 0.3


class Sitter(NamedTuple):
    """A head, its neutral picture, which pixels show spectacles, and their share of each."""

    head: TestHead
    source: np.ndarray
    worn: np.ndarray
    cover: np.ndarray


def sitters(
    families: list[HeadFamily], count: int, seed: int, *, only_wearers: bool
) -> Iterator[Sitter]:
    """Dressed heads, so many of each family; those without spectacles may be left out."""
    names = [(family, name) for family in families for name in family.identities(count, seed)]
    for number, (family, name) in enumerate(names):
        mesh = dress(family.head(name), np.random.default_rng([seed, number]))
        if only_wearers and not (mesh.parts == Part.GLASSES).any():
            continue
        head = TestHead(rasterise_test_head(mesh, SIDE_PX))
        truth = truth_of_pair(head._shader, head.head.face, 0, 0)
        worn = truth.hit.numpy() & (truth.part.numpy() == Part.GLASSES)
        step = len(worn) // SIDE_PX
        cover = worn.reshape(SIDE_PX, step, SIDE_PX, step).mean(axis=(1, 3))
        yield Sitter(head, head.picture(0), worn[::step, ::step], cover)


def measured(models: tuple[RigSource, RigSource], sitter: Sitter) -> Iterator[list[float]]:
    """PSNR of unchanged, seen and lifted near the spectacles, then of seen and lifted in all."""
    states = sitter.head.head.states
    raised = sorted(range(1, len(states)), key=lambda k: -brows(states[k]))[:2]
    asked = [request_of_pair(states[0], states[k], 1.0) for k in raised]
    seen, lifted = (motion_answers(one, [sitter.source] * len(asked), asked) for one in models)
    image = Image.fromarray(sitter.worn).convert("L").filter(ImageFilter.MaxFilter(REACH_PX))
    near, everywhere = np.asarray(image) > 0, np.ones((SIDE_PX, SIDE_PX), bool)
    for state, one, other in zip(raised, seen, lifted, strict=True):
        truth = sitter.head.picture(state)
        pictures = [compose(sitter.source, answer).picture for answer in (one, other)]
        yield [
            *(region_psnr_db(one, truth, near) for one in (sitter.source, *pictures)),
            *(region_psnr_db(one, truth, everywhere) for one in pictures),
        ]


def rims_move_px(model: RigSource, sitter: Sitter) -> tuple[float, float]:
    """How far the frame of spectacles moves as the brows move most; px at 512, mean.

    First by the frame's share of each pixel, then by whole pixels.
    """
    states = sitter.head.head.states
    raised = max(range(1, len(states)), key=lambda k: brows(states[k]))
    asked = request_of_pair(states[0], states[raised], 1.0)
    (answer,) = motion_answers(model, [sitter.source], [asked])
    far = np.linalg.norm(motion_in_crop(answer, SIDE_PX).displacement, axis=2) * (512 / SIDE_PX)
    stays = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    if answer.front is not None:
        stays = cv2.resize(answer.front[..., 0], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return moved_px(far, stays, sitter.cover), moved_px(far, stays, sitter.worn)


def moved_px(far: np.ndarray, stays: np.ndarray, cover: np.ndarray) -> float:
    """Mean motion of what covers so much of each pixel, where the shares `stays` are held still."""
    return float((far * np.maximum(cover - stays, 0)).sum() / cover.sum())


def brows(weights: dict[str, float]) -> float:
    """How far a state moves them."""
    return sum(weight for name, weight in weights.items() if name.startswith("brow"))


@click.command()
@family_options
@model_option
@click.option("--count", default=70, show_default=True, help="Heads of each family.")
@click.option("--seed", default=5, show_default=True)
@click.option("--only-wearers", is_flag=True, help="Leave heads without spectacles out.")
def main(
    open_families: OpenFamilies, model: Path, count: int, seed: int, *, only_wearers: bool
) -> None:
    """Print how many were found, the PSNR, and how far frames move."""
    asked = opened(model)
    assert isinstance(asked, RigSource)
    handling = replace(asked.card.handling, lifts_spectacles=False)
    seeing = RigSource(asked._runner, replace(asked.card, own_handling=handling))
    found = {True: [0, 0], False: [0, 0]}
    rows: list[list[float]] = []
    moved: list[tuple[float, float]] = []
    of_found: list[bool] = []
    for sitter in sitters(open_families(), count, seed, only_wearers=only_wearers):
        face = resized(torch.from_numpy(sitter.source[None]), asked.side_px)[0].numpy()
        is_found = asked.lifted(np.clip(face.transpose(1, 2, 0), 0, 1)).front is not None
        wears = bool(sitter.worn.sum() > LEAST_PX)
        found[wears][0] += is_found
        found[wears][1] += 1
        if wears:
            moved.append(rims_move_px(asked, sitter))
            of_found.append(is_found)
        if wears and is_found:
            rows += measured((seeing, asked), sitter)
    (with_them, wearers), (without, bare) = found[True], found[False]
    print(f"found on {with_them} of {wearers} with spectacles, and on {without} of {bare} without")
    near = "near them {:.2f} dB unchanged, {:.2f} seen, {:.2f} lifted; everywhere {:.2f} and {:.2f}"
    if rows:
        print(f"{len(rows)} pairs:", near.format(*np.mean(rows, axis=0)))
    if not moved:
        return
    far = np.array(moved)
    ways = {
        "frames": far[:, 0],
        "of those found": far[of_found, 0],
        "whole pixels": far[:, 1],
        "whole pixels of those found": far[of_found, 1],
    }
    for name, px in ways.items():
        print(
            f"{name} move by {np.median(px):.2f} px at 512 (median), {np.mean(px):.2f} (mean); "
            f"by {MOST_RIM_PX} or less on {np.mean(px <= MOST_RIM_PX):.2f} of the heads"
        )


if __name__ == "__main__":
    main()
