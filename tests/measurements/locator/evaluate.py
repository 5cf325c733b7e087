"""Measure a face locator on held-out faces, real photographs and faceless frames."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.faces.locator import FaceLocator
from reggan_training.locator.labelled_pictures import LabelledPicture
from tests.measurements.locator.contact_sheet import ContactSheet
from tests.measurements.locator.evaluation_frames import (
    EvaluationFrame,
    Frame,
    draw_faceless_frame,
    paste_picture,
)
from tests.measurements.locator.scoring import (
    Box,
    FaceOutcome,
    Row,
    judge_frame,
    markdown_from_rows,
)

LONDON_EYES = np.array([[0.68, 0.40], [0.32, 0.40]])
"""Eye centres (left, right) of the aligned photographs, as fractions of the side."""
LONDON_FRAME_SIZE = (1080, 1920)
TIMED_SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}
"""Frames whose search is timed, (width, height)."""


class FrontalCascade:
    """OpenCV's Viola-Jones frontal face cascade with its usual settings, to compare with."""

    def __init__(self) -> None:
        folder = Path(cv2.__file__).parent / "data"
        path = folder / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))

    def locate(self, frame: Frame) -> list[Box]:
        """Return the boxes found, from 30 px up."""
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        found = self._cascade.detectMultiScale(gray, 1.1, 3, minSize=(30, 30))
        return [(float(x), float(y), float(w), float(h)) for x, y, w, h in found]


def locate_bytes(locator: FaceLocator, frame: Frame) -> list[FaceLandmarks]:
    """Run the locator on an 8-bit frame."""
    return locator.locate(frame.astype(np.float32) / np.float32(255.0))


def judge_faces(
    locator: FaceLocator, frames: Iterable[EvaluationFrame], sheet: ContactSheet
) -> list[FaceOutcome]:
    """Run locator and cascade over frames with one face each."""
    cascade = FrontalCascade()
    outcomes = []
    for one in frames:
        faces = locate_bytes(locator, one.frame)
        outcome = judge_frame(
            faces,
            cascade.locate(one.frame),
            one.points,
            true_box=FaceLandmarks(six_points(one.points)).box,
            style=one.style,
            band=one.band,
            roll_deg=one.roll_deg,
        )
        sheet.add(one.frame, faces, failed=not outcome.found or outcome.false_faces > 0)
        outcomes.append(outcome)
    return outcomes


def six_points(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "6 2"]:
    """Complete two known eyes to six points by the mean face, so that they have a box."""
    if len(points) == 6:
        return points
    left, right = points
    across = left - right
    down = np.array([-across[1], across[0]])
    shape = ((0.0, 0.7), (0.41, 1.25), (-0.41, 1.25), (0.0, 2.0))
    rest = [(left + right) / 2 + x * across + y * down for x, y in shape]
    return np.array([left, right, *rest])


def draw_london_frames(
    folder: Path, photographs: list[Frame], seed: int
) -> Iterator[EvaluationFrame]:
    """Paste each real photograph into a 1080p frame, face box 48 to 900 px, roll to 30 degrees."""
    for index, path in enumerate(sorted(folder.glob("*/*.jpg"))):
        rng = np.random.default_rng([seed, index])
        image = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        small = draw_faceless_frame(photographs, rng)
        frame = np.asarray(cv2.resize(small, LONDON_FRAME_SIZE[::-1]), dtype=np.uint8)
        size, roll = float(np.exp(rng.uniform(*np.log((48, 900))))), float(rng.uniform(-30, 30))
        whole = np.full(image.shape[:2], 255, dtype=np.uint8)
        eyes = LONDON_EYES * image.shape[0]
        points = paste_picture(frame, image, eyes, whole, size, roll, rng)
        yield EvaluationFrame(frame, points, f"london {path.parent.name}", "48-900", roll)


def count_false_faces(
    locator: FaceLocator, frames: Iterable[tuple[str, Frame]], sheet: ContactSheet
) -> dict[str, dict[str, int]]:
    """Return per kind of frame: frames, false faces, and those of the cascade."""
    cascade = FrontalCascade()
    counts: dict[str, dict[str, int]] = {}
    for kind, frame in frames:
        faces = locate_bytes(locator, frame)
        line = counts.setdefault(kind, {"frames": 0, "false_faces": 0, "cascade_false_faces": 0})
        line["frames"] += 1
        line["false_faces"] += len(faces)
        line["cascade_false_faces"] += len(cascade.locate(frame))
        sheet.add(frame, faces, failed=bool(faces))
    return counts


def measure_times(locator: FaceLocator, picture: LabelledPicture) -> dict[str, float]:
    """Return milliseconds per frame that one face fills, the best of three."""
    times = {}
    for name, size in TIMED_SIZES.items():
        image = np.asarray(cv2.resize(picture.image, size), dtype=np.float32) / 255.0
        best = min(_time_once(locator, image) for _ in range(3))
        times[name] = round(best * 1000, 1)
    return times


def _time_once(locator: FaceLocator, image: Float[np.ndarray, "h w 3"]) -> float:
    start = time.perf_counter()
    locator.locate(image)
    return time.perf_counter() - start


def write_report(
    folder: Path,
    rows: list[Row],
    faceless: dict[str, dict[str, int]],
    times_ms: dict[str, float],
    notes: dict[str, Any],
) -> str:
    """Write `locator.json` and `locator.md`; return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    report = {
        "faces": [asdict(row) for row in rows],
        "faceless": faceless,
        "times_ms": times_ms,
        "cores": cores,
        **notes,
    }
    (folder / "locator.json").write_text(json.dumps(report, indent=2) + "\n")
    lines = ["| faceless frames | n | false faces | cascade false faces |", "|---|---|---|---|"]
    for kind, line in faceless.items():
        lines.append(f"| {kind} | " + " | ".join(str(value) for value in line.values()) + " |")
    times = ", ".join(f"{name} {value:.0f} ms" for name, value in times_ms.items())
    text = "\n".join(
        [markdown_from_rows(rows), *lines, "", f"Time per frame on {cores} core(s): {times}.", ""]
    )
    (folder / "locator.md").write_text(text)
    return text
