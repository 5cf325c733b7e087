"""What a face's whole answer costs beside a network of US-GAN's shape: milliseconds of one core.

    OPENBLAS_NUM_THREADS=1 python -m tests.measurements.answer_cost [ROUNDS]

An answer is landmarks, fit, drawing, eyes, mouth and refinement, for crops of the model's own size.
In each round every sample face is asked for one of the basic expressions, then the network, with
random weights, for one of a face; both by ONNX Runtime in one thread. Counted is processor time,
which waiting does not lengthen, and given is the median. Exits 1 if an answer costs more than a
sixth of the network. Small products of NumPy are to have one thread as well, as in the command:
threads that wait for the next one count as work.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from reggan_export.benchmark_baselines import ExportBaselines
from reggan_plugin.__main__ import keep_freed_memory
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.benchmark.model_on_device import open_contestant
from reggan_plugin.change.pipeline import answer_faces
from reggan_plugin.faces.face_finder import FaceChoice, FaceFinder
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.models.model_card import card_from_metadata, find_model
from reggan_plugin.transfer.expression_transfer import source_from_card
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS, ExpressionMix

SAMPLES = Path("reggan_plugin/samples")
FRAMES = ("avatar_png/avatar.1001.png", "toon/toon.1001.png", "statue/statue.1001.png")
USUAL_ROUNDS = 20
MOST = 1 / 6
"""Of the network's time."""


def main() -> None:
    """Time both turn by turn, and say which part of one the other is."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        sys.exit("Threads of OpenBLAS would be counted. Set OPENBLAS_NUM_THREADS=1.")
    keep_freed_memory()  # as the command does
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else USUAL_ROUNDS
    path = find_model()
    runner = open_runner(path, "cpu", threads=1)
    card = card_from_metadata(runner.metadata, str(path))
    source = source_from_card(runner, card)
    finder = FaceFinder(card.canonical_points, source.side_px)
    faces = []
    for name in FRAMES:
        with Image.open(SAMPLES / name) as frame:
            picture = np.asarray(frame.convert("RGB"), np.float32) / np.float32(255)
        (crop, *_) = finder.find(picture, FaceChoice())
        faces.append(np.clip(cut_crop(picture, crop), 0, 1))
    with tempfile.TemporaryDirectory() as folder:
        peers = {one.stem: one for one in ExportBaselines().write_peers(path, Path(folder))}
        peer = open_contestant(peers["us-gan"], "cpu", threads=1, largest_batch=1)
    inputs = peer.inputs(1)
    answers, network = [], []
    for number in range(-1, rounds):  # the first round warms up
        expression = BASIC_EXPRESSIONS[1 + number % (len(BASIC_EXPRESSIONS) - 1)]
        mix = ExpressionMix(intensities={expression.name: 1.0})
        took = [_ms(answer_faces, source, [face.copy()], [mix]) for face in faces]
        alone = _ms(peer.runner.run, inputs)
        if number >= 0:
            answers += took
            network.append(alone)
    answer, whole = statistics.median(answers), statistics.median(network)
    print(f"answer {answer:.0f} ms ({min(answers):.0f} to {max(answers):.0f}), ", end="")
    print(f"US-GAN-shaped {whole:.0f} ms ({min(network):.0f} to {max(network):.0f}): ", end="")
    print(f"1 / {whole / answer:.1f} of it, {rounds} rounds")
    sys.exit(answer > MOST * whole)


def _ms(does: Callable[..., object], *given: object) -> float:
    start = time.process_time()
    does(*given)
    return 1000 * (time.process_time() - start)


if __name__ == "__main__":
    main()
