"""A take as a web page in one file: a curve for each column that moves, read off row by row."""

from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.curves.plot import moving_columns
from reggan_plugin.curves.take import Take
from reggan_plugin.drawing.web_page import html_from_parts

_MOST_ROWS = 6000
"""Longer takes are shown by one row in several, so that the page opens at once."""
_PARTS = 1000


def html_of_take(take: Take, name: str) -> str:
    """Draw the columns that move, with the least, mean and most of each.

    Args:
        take: at least one of its columns moves.
        name: of its file.
    """
    step = -(-len(take.times_s) // _MOST_ROWS)
    length = float(take.times_s[-1] - take.times_s[0])
    shown = f"; one row in {step} is shown" if step > 1 else ""
    moving = moving_columns(take)
    page: dict[str, Any] = {
        "name": name,
        "facts": f"{take.kind}: {len(take.times_s)} rows, {take.rate_fps:g} a second, "
        f"{length:.3f} s{shown}",
        "notes": notes_of_take(take),
        "still": [one for place, one in enumerate(take.names) if place not in moving],
        "rows": len(take.times_s),
        "step": step,
        "times": [round(float(time), 4) for time in take.times_s[::step]],
        "frames": None if take.frames is None else take.frames[::step].tolist(),
        "columns": [_column(take, place, step) for place in moving],
    }
    return html_from_parts(Path(__file__).parent / "page", page)


def notes_of_take(take: Take) -> list[str]:
    """Notices for the user, the names that mean nothing first."""
    unknown = [f"No face shapes, left out: {', '.join(take.unknown)}."] if take.unknown else []
    return [*unknown, *take.notes]


def _column(take: Take, place: int, step: int) -> dict[str, Any]:
    values = take.weights[:, place]
    figures = {"least": values.min(), "mean": values.mean(), "most": values.max()}
    thousandths = np.rint(_PARTS * values[::step]).astype(int)
    return {
        "name": take.names[place],
        "values": thousandths.tolist(),
        **{word: f"{float(figure):.3f}" for word, figure in figures.items()},
    }
