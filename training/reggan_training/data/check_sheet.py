"""Faces of a set in rows, with their landmarks, as a reader would look for faults."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from reggan_plugin.drawing.contact_sheet import CELL_PX, SheetRow
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity

_MOST_FURTHER = 4
COLUMNS = (*EXPRESSION_NAMES, *(f"further {n + 1}" for n in range(_MOST_FURTHER)))
"""Full expressions, then graded views and sources with closed eyes or open mouths."""
_DOT_PX, _DOT_COLOUR = 5, (1.0, 0.9, 0.1)
_EMPTY: Float[np.ndarray, "cell cell 3"] = np.full((CELL_PX, CELL_PX, 3), 0.18, dtype=np.float32)


def row_of(identity: Identity) -> SheetRow:
    """All views in the crop of the first, their landmarks as dots; what lacks stays grey."""
    full = [identity.full_view(e) for e in range(len(EXPRESSION_NAMES))]
    further = [view for view in range(len(identity.images)) if view not in full]
    if len(further) > _MOST_FURTHER:  # the last ones are the disturbed sources
        half = _MOST_FURTHER // 2
        further = [*further[:half], *further[-half:]]
    views: list[int | None] = [*full, *further]
    views += [None] * (len(COLUMNS) - len(views))
    cells = [_EMPTY if view is None else _cell(identity, view) for view in views]
    return SheetRow(label=identity.name.replace("_", "\n"), views=cells)


def without_empty_columns(
    rows: Sequence[SheetRow],
) -> tuple[tuple[str, ...], list[SheetRow]]:
    """The titles and rows up to the last column in which anything stands."""
    used = [n for row in rows for n, view in enumerate(row.views) if view is not _EMPTY]
    count = max(used, default=0) + 1
    return COLUMNS[:count], [SheetRow(label=r.label, views=r.views[:count]) for r in rows]


def choose_rows(names_by_style: Sequence[tuple[str, str]], most: int) -> list[str]:
    """Up to `most` names out of (style, name), as evenly over the styles as they go."""
    by_style: dict[str, list[str]] = {}
    for style, name in names_by_style:
        by_style.setdefault(style, []).append(name)
    share = max(1, most // max(1, len(by_style)))
    chosen = [name for names in by_style.values() for name in names[:: -(-len(names) // share)]]
    return chosen[:most]


def _cell(identity: Identity, view: int) -> Float[np.ndarray, "cell cell 3"]:
    crop = identity.place_crop(CELL_PX)
    picture = identity.cut(view, crop)
    points = identity.landmarks[view] @ crop.crop_from_frame[:, :2].T + crop.crop_from_frame[:, 2]
    for x, y in np.nan_to_num(points).astype(int):
        rows = slice(max(0, y - _DOT_PX // 2), max(0, y + _DOT_PX // 2 + 1))
        columns = slice(max(0, x - _DOT_PX // 2), max(0, x + _DOT_PX // 2 + 1))
        picture[rows, columns] = _DOT_COLOUR
    return picture
