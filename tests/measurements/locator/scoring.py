"""Scores of a locator: hits, their error, and the tables that follow."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks

LARGEST_ERROR = 0.25
"""A face whose mean landmark error is larger, in eye distances, counts as missed."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class FaceOutcome:
    """One known face: what the locator and the cascade made of it.

    `found` needs the landmarks, `box_found` only the place and size; `error` is the mean
    landmark error in eye distances where the box was found, else None.
    """

    style: str
    band: str
    roll_deg: float
    found: bool
    box_found: bool
    error: float | None
    false_faces: int
    cascade_found: bool
    cascade_false_faces: int


def boxes_agree(found: Box, true: Box) -> bool:
    """True if the centres are within 0.4 of the true side and the sides within a factor of 2."""
    found_centre = np.array([found[0] + found[2] / 2, found[1] + found[3] / 2])
    true_centre = np.array([true[0] + true[2] / 2, true[1] + true[3] / 2])
    near = float(np.hypot(*(found_centre - true_centre))) <= 0.4 * true[2]
    return near and 0.5 <= found[2] / true[2] <= 2.0


def landmark_error(found: Float[np.ndarray, "6 2"], true: Float[np.ndarray, "n 2"]) -> float:
    """Return the mean distance over the points that are known, in true eye distances."""
    distances = np.hypot(*(found[: len(true)] - true).T)
    return float(distances.mean() / np.hypot(*(true[0] - true[1])))


def judge_frame(
    faces: list[FaceLandmarks],
    cascade: list[Box],
    true: Float[np.ndarray, "n 2"],
    *,
    true_box: Box,
    style: str,
    band: str,
    roll_deg: float,
) -> FaceOutcome:
    """Compare everything found in one frame with the one true face."""
    hits = [face for face in faces if boxes_agree(face.box, true_box)]
    errors = [landmark_error(face.points, true) for face in hits]
    cascade_hits = [box for box in cascade if boxes_agree(box, true_box)]
    return FaceOutcome(
        style=style,
        band=band,
        roll_deg=roll_deg,
        found=bool(errors) and min(errors) <= LARGEST_ERROR,
        box_found=bool(hits),
        error=min(errors, default=None),
        false_faces=len(faces) - min(1, len(hits)),
        cascade_found=bool(cascade_hits),
        cascade_false_faces=len(cascade) - min(1, len(cascade_hits)),
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table."""

    group: str
    faces: int
    recall: float
    box_recall: float
    median_error: float | None
    p90_error: float | None
    false_faces: int
    cascade_recall: float
    cascade_false_faces: int


def summarise(group: str, outcomes: Iterable[FaceOutcome]) -> Row:
    """Return the figures of one group; errors are over faces whose box was found."""
    rows = list(outcomes)
    errors = [one.error for one in rows if one.error is not None]
    count = max(1, len(rows))
    return Row(
        group=group,
        faces=len(rows),
        recall=sum(one.found for one in rows) / count,
        box_recall=sum(one.box_found for one in rows) / count,
        median_error=float(np.median(errors)) if errors else None,
        p90_error=float(np.quantile(errors, 0.9)) if errors else None,
        false_faces=sum(one.false_faces for one in rows),
        cascade_recall=sum(one.cascade_found for one in rows) / count,
        cascade_false_faces=sum(one.cascade_false_faces for one in rows),
    )


def tabulate(outcomes: list[FaceOutcome]) -> list[Row]:
    """Group by style, by style and size band, and by |roll|."""
    groups: dict[str, list[FaceOutcome]] = {}
    for name_groups in (_by_style, _by_style_and_size, _by_roll):
        for one in outcomes:
            groups.setdefault(name_groups(one), []).append(one)
    return [summarise(group, members) for group, members in groups.items()]


def _by_style(one: FaceOutcome) -> str:
    return one.style


def _by_style_and_size(one: FaceOutcome) -> str:
    return f"{one.style}, {one.band} px"


def _by_roll(one: FaceOutcome) -> str:
    low = min(2, int(abs(one.roll_deg) // 10)) * 10
    return f"|roll| {low}-{low + 10}°"


def markdown_from_rows(rows: list[Row]) -> str:
    """Return the table as Markdown."""
    head = (
        "| faces | n | recall | box recall | median error | p90 error | false faces "
        "| cascade box recall | cascade false faces |\n|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_markdown_line(row) for row in rows)


def _markdown_line(row: Row) -> str:
    values = [
        "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
        for value in asdict(row).values()
    ]
    return "| " + " | ".join(values) + " |\n"
