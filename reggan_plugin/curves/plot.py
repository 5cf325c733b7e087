"""A take as a picture, and as a web page in one file: a curve for each column that moves."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reggan_plugin.array_types import Float, UInt8
from reggan_plugin.curves.take import Take
from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.drawing.web_page import html_from_parts

_STRIP_PX, _GAP_PX, _NAMES_PX, _PLOT_PX, _EDGE_PX = 26, 4, 150, 900, 12
_BACK, _STRIP, _INK, _CURVE = (24, 24, 27), (36, 36, 41), (222, 222, 226), (120, 178, 255)
_GRID = (58, 58, 66)


def png_of_take(take: Take) -> bytes:
    """Draw the columns that move over time, each from 0 to 1; at least one does."""
    moving = moving_columns(take)
    height = 2 * _EDGE_PX + len(moving) * (_STRIP_PX + _GAP_PX) + 20
    image = Image.new("RGB", (_NAMES_PX + _PLOT_PX + 2 * _EDGE_PX + 50, height), _BACK)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default()
    for strip, place in enumerate(moving):
        top = _EDGE_PX + strip * (_STRIP_PX + _GAP_PX)
        values = take.weights[:, place]
        draw.text((_EDGE_PX, top + 7), take.names[place], font=font, fill=_INK)
        image.paste(Image.fromarray(_strip(take.times_s, values)), (_NAMES_PX, top))
        end = _NAMES_PX + _PLOT_PX + 8
        draw.text((end, top + 7), f"{values.max():.2f}", font=font, fill=_INK)
    length = float(take.times_s[-1] - take.times_s[0])
    for tick in range(5):
        x = _NAMES_PX + tick * (_PLOT_PX - 1) // 4
        draw.line((x, _EDGE_PX, x, height - 30), fill=_GRID)
        draw.text((x, height - 24), f"{length * tick / 4:.2f} s", font=font, fill=_INK)
    return encoded_picture(image, "PNG")


def moving_columns(take: Take) -> list[int]:
    """Columns that are not 0 throughout."""
    return [place for place in range(len(take.names)) if take.weights[:, place].max() > 0]


def _strip(
    times_s: Float[np.ndarray, " rows"], values: Float[np.ndarray, " rows"]
) -> UInt8[np.ndarray, "height width 3"]:
    """Return the area under a curve."""
    across = np.linspace(times_s[0], times_s[-1], _PLOT_PX)
    share = np.clip(np.interp(across, times_s, values), 0, 1)
    heights = (np.arange(_STRIP_PX)[::-1, None] + 0.5) / _STRIP_PX  # [row, 1]
    cover = np.clip((share[None] - heights) * _STRIP_PX + 0.5, 0, 1)[..., None]
    cover[..., 0] *= share[None] > 0
    return (cover * _CURVE + (1 - cover) * _STRIP).astype(np.uint8)


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
        "notes": list(take.notices),
        "still": [one for place, one in enumerate(take.names) if place not in moving],
        "rows": len(take.times_s),
        "step": step,
        "times": [round(float(time), 4) for time in take.times_s[::step]],
        "frames": None if take.frames is None else take.frames[::step].tolist(),
        "columns": [_column(take, place, step) for place in moving],
    }
    return html_from_parts(Path(__file__).parent / "page", page)


def _column(take: Take, place: int, step: int) -> dict[str, Any]:
    values = take.weights[:, place]
    figures = {"least": values.min(), "mean": values.mean(), "most": values.max()}
    thousandths = np.rint(_PARTS * values[::step]).astype(int)
    return {
        "name": take.names[place],
        "values": thousandths.tolist(),
        **{word: f"{float(figure):.3f}" for word, figure in figures.items()},
    }
