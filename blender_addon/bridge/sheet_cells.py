"""Pictures on a contact sheet: which expression each shows, as `sheet --json` says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import BridgeError


@dataclass(frozen=True, kw_only=True)
class SheetCell:
    """One picture.

    Attributes:
        expression: its name.
        intensity: 0 to 1.
        box: x, y, width and height in pixels from the top left corner of the sheet.
    """

    expression: str
    intensity: float
    box: tuple[int, ...]


def cells_text(summary: Mapping[str, Any]) -> str:
    """Return the cells of a summary, as text that an image can keep."""
    return json.dumps(summary.get("cells", []))


def cells_from_text(text: str) -> tuple[SheetCell, ...]:
    """Return the cells that `cells_text` wrote.

    Raises:
        BridgeError: the text was changed by somebody else.
    """
    try:
        return tuple(
            SheetCell(
                expression=str(cell["expression"]),
                intensity=float(cell["intensity"]),
                box=tuple(int(value) for value in cell["box"]),
            )
            for cell in json.loads(text)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BridgeError(
            f"The sheet does not say which face is which ({error}). Draw it again."
        ) from error


def cell_at(
    cells: Sequence[SheetCell], size: tuple[int, int], u: float, v: float
) -> SheetCell | None:
    """Return the picture at a place of a sheet; None beside all of them.

    Args:
        cells: of the sheet.
        size: of the sheet, width and height in pixels.
        u: from the left, in parts of the width.
        v: from the bottom, in parts of the height.
    """
    x, y = u * size[0], (1 - v) * size[1]
    for cell in cells:
        left, top, width, height = cell.box
        if left <= x < left + width and top <= y < top + height:
            return cell
    return None
