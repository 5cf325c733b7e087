"""How long a shot takes, in times of reading and writing its frames and nothing else.

    python tests/benchmarks/pipeline.py [--height 1080] [--frames 8] [--suffix png]

The sample frame is enlarged to the height that is asked for. The rival reads every frame and
writes it again with one pixel changed, one after the other. Also prints the largest memory of
the process, to compare runs of different length.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import reggan_plugin
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame, write_frame
from reggan_plugin.jobs.frame_steps import RenderSettings
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import run_job
from reggan_plugin.transfer import ExpressionTransfer

SAMPLE = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png" / "avatar.1001.png"


def make_shot(folder: Path, height: int, frames: int, suffix: str) -> list[Path]:
    """Enlarged copies of the sample, with a little noise so that they compress as renders do."""
    sample = Image.open(SAMPLE).convert("RGB")
    size = (round(sample.width * height / sample.height), height)
    pixels = np.asarray(sample.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    random = np.random.default_rng(0)
    paths = [folder / f"shot.{number:04d}.{suffix}" for number in range(1, frames + 1)]
    for path in paths:
        noisy = pixels + random.integers(-2, 3, pixels.shape, dtype=np.int16)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
    return paths


def read_and_write(paths: list[Path], out: Path) -> float:
    """Seconds to read every frame and write it with one pixel changed."""
    out.mkdir()
    begin = time.perf_counter()
    for path in paths:
        frame = read_frame(path)
        pixels = frame.pixels.copy()
        pixels[0, 0] = 1.0 - pixels[0, 0]
        write_frame(frame, pixels, out / path.name)
    return time.perf_counter() - begin


def render(folder: Path, out: Path, choice: FaceChoice) -> float:
    """Seconds of the whole job, without loading the model."""
    plan = plan_job(str(folder), None, out, "happy", Existing.REFUSE)
    transfer = ExpressionTransfer(device="cpu")
    settings = RenderSettings(mix=ExpressionMix({"happy": 1.0}), choice=choice)
    begin = time.perf_counter()
    summary = run_job(plan, settings, transfer, model=None, report=lambda _: None)
    summary.raise_for_failure()
    return time.perf_counter() - begin


def main() -> None:
    """Print seconds a frame and ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--suffix", choices=["png", "tif", "jpg"], default="png")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shot"
        folder.mkdir()
        paths = make_shot(folder, asked.height, asked.frames, asked.suffix)
        face = np.array([0.36, 0.22, 0.28, 0.50]) * asked.height * 16 / 9
        seconds = {
            "read_and_write": read_and_write(paths, Path(name) / "copied"),
            "render_given_box": render(
                folder,
                Path(name) / "boxed",
                FaceChoice(box=(*map(float, face),)),  # type: ignore[arg-type]
            ),
            "render_with_locator": render(folder, Path(name) / "located", FaceChoice()),
        }
    pure = seconds["read_and_write"]
    report = {
        "seconds_a_frame": {key: round(value / asked.frames, 3) for key, value in seconds.items()},
        "times_read_and_write": {key: round(value / pure, 2) for key, value in seconds.items()},
        "largest_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
