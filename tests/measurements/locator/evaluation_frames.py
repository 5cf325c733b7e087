"""Frames to measure the locator on, painted and pasted otherwise than the training's.

All frames are uint8 RGB. The same seed gives the same frames.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_training.locator.labelled_pictures import LabelledPicture
from reggan_training.locator.styled_faces import cut_out_head

FRAME_SIZE = (720, 1280)
SIZE_BANDS_PX = {"48-96": (48.0, 96.0), "96-240": (96.0, 240.0), "240-frame": (240.0, 620.0)}
CHOSEN_BY = ("bronze_00000", "bronze_00003", "bronze_00006")
"""Test identities by which the least score was chosen; they are not measured on."""
PAINTINGS = 40
"""Paintings in which the locator should find no face."""

Frame = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True, eq=False)
class EvaluationFrame:
    """A frame with one known face, and what it is counted under."""

    frame: Frame
    points: Float[np.ndarray, "6 2"]
    style: str
    band: str
    roll_deg: float


def draw_face_frames(
    pictures: list[LabelledPicture], photographs: list[Frame], seed: int
) -> Iterator[EvaluationFrame]:
    """Paste every picture once per size band, rolled up to 30 degrees, heads cut out or whole."""
    for index, picture in enumerate(pictures):
        mask = cut_out_head(picture)
        for number, (band, limits) in enumerate(SIZE_BANDS_PX.items()):
            rng = np.random.default_rng([seed, index, number])
            frame = draw_faceless_frame(photographs, rng)
            size = float(np.exp(rng.uniform(*np.log(limits))))
            roll = float(rng.uniform(-30, 30))
            chosen = mask if rng.random() < 0.5 else np.full_like(mask, 255)
            points = paste_picture(frame, picture.image, picture.points, chosen, size, roll, rng)
            yield EvaluationFrame(frame, points, picture.style, band, roll)


def paste_picture(
    frame: Frame,
    image: UInt8[np.ndarray, "side side 3"],
    points: Float[np.ndarray, "n 2"],
    mask: UInt8[np.ndarray, "mask_side mask_side"],
    size_px: float,
    roll_deg: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "n 2"]:
    """Draw the picture into the frame, in place, so that its face box has this side.

    The face's middle falls where at least 40 % of the box's side lies inside on every side.
    Returns the points in the frame. The first two points are the eyes.
    """
    eyes = points[:2]
    scale = size_px / (2.6 * float(np.hypot(*(eyes[0] - eyes[1]))))
    angle = math.radians(roll_deg) - math.atan2(*(eyes[0] - eyes[1])[::-1])
    linear = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    middle = eyes.mean(axis=0) + np.array([0.0, 0.7]) * size_px / 2.6 / scale
    height, width = frame.shape[:2]
    room = min(0.5 * size_px, 0.49 * height)
    spot = np.array([rng.uniform(room, width - room), rng.uniform(room, height - room)])
    matrix = np.column_stack([linear, spot - linear @ middle])
    drawn = warp_continuous(image, matrix, (height, width), shrink=scale)
    enlarged = cv2.resize(mask, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    cover = warp_continuous(enlarged, matrix, (height, width), shrink=scale)
    weight = cover[..., None] / np.float32(255.0)
    frame[...] = (frame * (1 - weight) + drawn * weight + 0.5).astype(np.uint8)
    return points @ linear.T + matrix[:, 2]


def warp_continuous(
    image: UInt8[np.ndarray, "..."],
    matrix: Float[np.ndarray, "2 3"],
    size: tuple[int, int],
    *,
    shrink: float,
) -> UInt8[np.ndarray, "..."]:
    """Warp by a matrix of continuous coordinates; an image that shrinks is smoothed before."""
    if shrink < 1:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.45 / shrink), dtype=np.uint8)
    half = np.full(2, 0.5)
    shifted = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ half - half])
    warped = cv2.warpAffine(image, shifted, size[::-1], flags=cv2.INTER_LINEAR)
    return np.asarray(warped, dtype=np.uint8)


def draw_faceless_frame(photographs: list[Frame], rng: np.random.Generator) -> Frame:
    """Return a cut of a photograph half of the time, else a painting."""
    if photographs and rng.random() < 0.5:
        return cut_photograph(photographs[int(rng.integers(len(photographs)))], rng)
    return paint_frame(rng)


def draw_faceless_set(
    photographs: list[Frame], heads: list[LabelledPicture], seed: int
) -> Iterator[tuple[str, Frame]]:
    """Yield named faceless frames: 4 cuts a photograph, paintings, 20 heads without a face."""
    for index, photograph in enumerate(photographs):
        for cut in range(4):
            yield (
                "photograph",
                cut_photograph(photograph, np.random.default_rng([seed, index, cut])),
            )
    for index in range(PAINTINGS):
        yield "painting", paint_frame(np.random.default_rng([seed, 1000 + index]))
    for index, picture in enumerate(heads[:20]):
        yield "faceless head", _erase_face(picture, np.random.default_rng([seed, 2000 + index]))


def cut_photograph(photograph: Frame, rng: np.random.Generator) -> Frame:
    """Return a random 16:9 window, at least half as wide as the photograph, scaled to the frame."""
    height, width = photograph.shape[:2]
    window_width = int(min(width, height * 16 / 9) * rng.uniform(0.5, 1.0))
    window_height = window_width * 9 // 16
    top = int(rng.integers(0, height - window_height + 1))
    left = int(rng.integers(0, width - window_width + 1))
    cut = photograph[top : top + window_height, left : left + window_width]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    return _fit_frame(cut)


def _fit_frame(image: UInt8[np.ndarray, "..."]) -> Frame:
    fitted = cv2.resize(image, FRAME_SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    if fitted.ndim == 2:
        fitted = np.repeat(fitted[..., None], 3, axis=2)
    return np.asarray(fitted, dtype=np.uint8)


def paint_frame(rng: np.random.Generator) -> Frame:
    """Return one of five kinds of painting, none of which training uses."""
    painters: tuple[Callable[[np.random.Generator], Frame], ...] = (
        _paint_mosaic,
        _paint_fractal,
        _paint_skyline,
        _paint_marbling,
        _paint_walks,
    )
    return painters[int(rng.integers(len(painters)))](rng)


def _colour(values: Float[np.ndarray, "h w"], rng: np.random.Generator) -> Frame:
    """Spread values in [0, 1] over a random three-colour ramp."""
    stops = rng.uniform(0, 255, (3, 3))
    position = np.clip(values, 0, 1)[..., None] * 2
    low = stops[0] + (stops[1] - stops[0]) * position
    high = stops[1] + (stops[2] - stops[1]) * (position - 1)
    return _fit_frame(np.where(position < 1, low, high).clip(0, 255).astype(np.uint8))


def _paint_mosaic(rng: np.random.Generator) -> Frame:
    """Cells about random seeds, shaded by their distance."""
    seeds = rng.uniform(0, 1, (int(rng.integers(20, 400)), 2)) * (640, 360)
    marks = np.full((360, 640), 255, dtype=np.uint8)
    marks[seeds[:, 1].astype(int), seeds[:, 0].astype(int)] = 0
    distance, labels = cv2.distanceTransformWithLabels(marks, cv2.DIST_L2, 5)
    tone = rng.uniform(0, 1, int(labels.max()) + 1)[labels]
    return _colour(tone * 0.7 + 0.3 * distance / (distance.max() + 1e-3), rng)


def _paint_fractal(rng: np.random.Generator) -> Frame:
    """A Julia set."""
    x, y = np.meshgrid(np.linspace(-1.7, 1.7, 426), np.linspace(-1, 1, 240))
    z = ((x + 1j * y) * rng.uniform(0.3, 1.2)).astype(np.complex64)
    angle = rng.uniform(0, 2 * np.pi)
    constant = 0.7885 * complex(math.cos(angle), math.sin(angle))
    count = np.zeros(z.shape)
    for _ in range(40):
        alive = np.abs(z) < 4
        z[alive] = z[alive] ** 2 + constant
        count += alive
    return _colour(np.sqrt(count / 40), rng)


def _paint_skyline(rng: np.random.Generator) -> Frame:
    """Houses with lit and dark windows before a sky."""
    frame = _colour(np.linspace(0, 1, 360)[:, None] * np.ones(640), rng)
    for _ in range(int(rng.integers(6, 20))):
        left, wide = int(rng.integers(0, 1240)), int(rng.integers(60, 260))
        top, step = int(rng.integers(80, 600)), int(rng.integers(14, 50))
        wall = tuple(int(v) for v in rng.integers(0, 255, 3))
        cv2.rectangle(frame, (left, top), (left + wide, 720), wall, -1)
        for row in range(top + step // 2, 720, step):
            for column in range(left + step // 3, left + wide - step // 2, step):
                light = tuple(int(v) for v in rng.integers(0, 255, 3) * (rng.random() < 0.6))
                corner = (column + step // 2, row + step // 2)
                cv2.rectangle(frame, (column, row), corner, light, -1)
    return frame


def _paint_marbling(rng: np.random.Generator) -> Frame:
    """Sine waves bent by other sine waves, twice."""
    x, y = np.meshgrid(np.linspace(0, 16, 640), np.linspace(0, 9, 360))
    for _ in range(3):
        f, g, p, q = rng.uniform(0.3, 1.6, 4)
        x, y = x + 1.3 * np.sin(f * y + p * 6), y + 1.3 * np.sin(g * x + q * 6)
    return _colour(0.5 + 0.5 * np.sin(x * rng.uniform(0.5, 4)) * np.cos(y), rng)


def _paint_walks(rng: np.random.Generator) -> Frame:
    """Random walks of many colours and widths, like scribbles, wires or twigs."""
    frame = np.full((*FRAME_SIZE, 3), rng.integers(0, 255, 3), dtype=np.uint8)
    for _ in range(int(rng.integers(20, 120))):
        turns = np.cumsum(rng.normal(0, 0.5, 80))
        steps = np.column_stack([np.cos(turns), np.sin(turns)]) * rng.uniform(3, 14)
        path = (np.cumsum(steps, axis=0) + rng.uniform(0, 1, 2) * (1280, 720)).astype(np.int32)
        ink = tuple(int(v) for v in rng.integers(0, 255, 3))
        cv2.polylines(frame, [path], False, ink, int(rng.integers(1, 9)), cv2.LINE_AA)
    return frame


def _erase_face(picture: LabelledPicture, rng: np.random.Generator) -> Frame:
    """Return a frame filled by a head whose face is inpainted from its rim."""
    face = FaceLandmarks(picture.points)
    mask = np.zeros(picture.image.shape[:2], dtype=np.uint8)
    x, y = picture.points.mean(axis=0)
    reach = int(1.35 * face.eye_distance_px)
    cv2.ellipse(mask, (int(x), int(y)), (int(0.85 * reach), reach), 0, 0, 360, (255,), -1)
    erased = cv2.inpaint(picture.image, mask, 3, cv2.INPAINT_TELEA)
    top = int(rng.integers(0, 256 - 143))
    return _fit_frame(np.asarray(erased, dtype=np.uint8)[top : top + 144])


def read_photographs(folder: Path) -> list[Frame]:
    """Read every PNG and JPEG of a folder as RGB, in the order of their names."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    images = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in paths]
    return [np.asarray(image, dtype=np.uint8) for image in images if image is not None]
