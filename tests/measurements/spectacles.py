"""What it is worth to lift spectacles off a face before the model sees it.

    python -m tests.measurements.spectacles --heads heads --count 200 --seed 5

Takes heads that `dataset heads` wrote, in the look that each one's name draws, and says on how many
spectacles were found and where there were none. Of those found, each head is asked for the two of
its states that move the brows most; in the region within 12 pixels of the true spectacles, and in
the whole crop of 256 pixels, the PSNR against the true render is that of the unchanged source, of
the model that sees the spectacles, and of the one that does not.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter

from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.change.pipeline import as_they_are
from reggan_plugin.imaging.spectacles import find_spectacles, lift_spectacles
from reggan_training.heads.head import Part
from reggan_training.metrics.motion.answer import compose, motion_answers
from reggan_training.metrics.motion.evaluation import find_heads
from reggan_training.metrics.motion.exported import open_exported
from reggan_training.metrics.motion.fidelity import region_psnr_db
from reggan_training.metrics.motion.test_heads import TestHead
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.sitting import reduce_to
from reggan_training.pairs.truth import request_of_pair, truth_of_pair

from .heads_and_model import SHIPPED, SIDE_PX

REACH_PX, LEAST_PX = 25, 50


class Sitter(NamedTuple):
    """A head, its neutral picture, and where that shows spectacles."""

    head: TestHead
    source: np.ndarray
    worn: np.ndarray

    def picture(self, state: int) -> np.ndarray:
        """The true render of a state, [3 side side]."""
        with torch.no_grad():
            picture = self.head._shader.picture(self.head.head.face, state, self.head.look)
        return reduce_to(picture, SIDE_PX).clamp(0, 1).numpy()


def sitters(folder: Path, count: int, seed: int) -> Iterator[Sitter]:
    """Heads in an order that a seed draws."""
    paths = [path for family in find_heads(folder).values() for path in family]
    random.Random(seed).shuffle(paths)
    for path in paths[:count]:
        head = TestHead(read_head(path))
        truth = truth_of_pair(head._shader, head.head.face, 0, 0)
        worn = truth.hit.numpy() & (truth.part.numpy() == Part.GLASSES)
        step = len(worn) // SIDE_PX
        sitter = Sitter(head, np.empty(0), worn[::step, ::step])
        yield sitter._replace(source=sitter.picture(0))


def measured(model: AnswerSource, sitter: Sitter) -> Iterator[list[float]]:
    """PSNR of unchanged, seen and lifted near the spectacles, then of seen and lifted in all."""
    states = sitter.head.head.states
    raised = sorted(range(1, len(states)), key=lambda k: -brows(states[k]))[:2]
    asked = np.stack([request_of_pair(states[0], states[k], 1.0) for k in raised])
    sources = torch.from_numpy(np.stack([sitter.source] * len(raised)))
    controls = torch.from_numpy(asked)
    seen, lifted = (
        motion_answers(model, sources, controls, one) for one in (as_they_are, lift_spectacles)
    )
    image = Image.fromarray(sitter.worn).convert("L").filter(ImageFilter.MaxFilter(REACH_PX))
    near, everywhere = np.asarray(image) > 0, np.ones((SIDE_PX, SIDE_PX), bool)
    for state, one, other in zip(raised, seen, lifted, strict=True):
        truth = sitter.picture(state)
        pictures = [compose(sitter.source, answer).picture for answer in (one, other)]
        yield [
            *(region_psnr_db(one, truth, near) for one in (sitter.source, *pictures)),
            *(region_psnr_db(one, truth, everywhere) for one in pictures),
        ]


def brows(weights: dict[str, float]) -> float:
    """How far a state moves them."""
    return sum(weight for name, weight in weights.items() if name.startswith("brow"))


def main() -> None:
    """Print the two lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    model = open_exported(asked.model)
    found = {True: [0, 0], False: [0, 0]}
    rows: list[list[float]] = []
    for sitter in sitters(asked.heads, asked.count, asked.seed):
        is_found = find_spectacles(sitter.source.transpose(1, 2, 0)) is not None
        wears = bool(sitter.worn.sum() > LEAST_PX)
        found[wears][0] += is_found
        found[wears][1] += 1
        if wears and is_found:
            rows += measured(model, sitter)
    (with_them, wearers), (without, bare) = found[True], found[False]
    print(f"found on {with_them} of {wearers} with spectacles, and on {without} of {bare} without")
    near = "near them {:.2f} dB unchanged, {:.2f} seen, {:.2f} lifted; everywhere {:.2f} and {:.2f}"
    print(f"{len(rows)} pairs:", near.format(*np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
