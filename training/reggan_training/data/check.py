"""Check a set: what it holds and its faults, one identity at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from reggan_plugin.array_types import SixPoints
from reggan_plugin.drawing.contact_sheet import CELL_PX, SheetRow
from reggan_plugin.errors import RegganError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity, split_of
from reggan_training.data.pair_table import pairs_of
from reggan_training.data.set_files import Entry
from reggan_training.data.sets import window_points

_FARTHEST_EYES, _LARGEST_TURN_DEG = 0.12, 6.0
"""Largest shift of a view's eyes from the neutral ones, in eye distances, and largest turn."""
_FARTHEST_POINT = 0.8
"""Largest shift of a landmark from its neutral place, in eye distances: a jaw drops by 0.6."""
_STEEPEST_EYES_DEG = 25.0
_LEAST_EYES_PX = 16.0
_EYES = [LANDMARK_NAMES.index("left_eye"), LANDMARK_NAMES.index("right_eye")]

_MOST_FURTHER = 4
COLUMNS = (*EXPRESSION_NAMES, *(f"further {n + 1}" for n in range(_MOST_FURTHER)))
"""Full expressions, then graded views and sources with closed eyes or open mouths."""
_DOT_PX, _DOT_COLOUR = 5, (1.0, 0.9, 0.1)
_EMPTY: Float[np.ndarray, "cell cell 3"] = np.full((CELL_PX, CELL_PX, 3), 0.18, dtype=np.float32)


@dataclass
class SetReport:
    """Findings so far; texts name the identity.

    Attributes:
        identities: by (style, split).
        pairs: pairs of pictures that a command connects, by (style, split).
        interpolated: identities without graded views: theirs are interpolated.
        missing: full expressions that an identity lacks.
        sizes: pictures by (height, width).
        views: pictures by what they show: `happy`, `happy in part`, `disturbed`.
        misaligned: views whose landmarks do not fit those of neutral.
        faults: what training would trip over.
    """

    identities: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    interpolated: list[str] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    views: Counter[str] = field(default_factory=Counter)
    misaligned: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> Identity | None:
        """Read one identity and note what it holds; None if it cannot be used."""
        try:
            identity = entry.load()
        except RegganError as error:
            self.faults.append(f"{entry.name}: {error}")
            return None
        if identity is None:
            self.faults.append(f"{entry.name}: fewer than two faces are found in {entry.place}")
            return None
        key = entry.style, split_of(entry.name)
        pairs = sum(pair.start < 0 and pair.source != pair.target for pair in pairs_of(identity))
        self.identities[key] += 1
        self.pairs[key] += pairs
        self.sizes[identity.images.shape[1], identity.images.shape[2]] += len(identity.images)
        self.views.update(label_of_view(identity, view) for view in range(len(identity.images)))
        if not identity.has_graded_views:
            self.interpolated.append(entry.name)
        lacking = [n for e, n in enumerate(EXPRESSION_NAMES) if identity.full_view(e) is None]
        if lacking:
            self.missing[entry.name] = lacking
        self.misaligned += [f"{entry.name}: {text}" for text in misalignments(identity)]
        self.faults += [f"{entry.name}: {text}" for text in faults_of(identity, pairs)]
        return identity

    def finish(self) -> None:
        """Note what only the whole shows: nothing to train on."""
        if not any(split == "train" and count for (_, split), count in self.pairs.items()):
            self.faults.append(
                "no pair is in the train split: add skin or photographs whose number does not "
                "end in 8, 9 or 0"
            )


def label_of_view(identity: Identity, view: int) -> str:
    """Expression of a view, in words."""
    strongest = int(identity.states[view].argmax())
    if not identity.is_plain[view]:
        return "disturbed"
    full = identity.full_view(strongest)
    is_full = full is not None and (identity.states[view] == identity.states[full]).all()
    return EXPRESSION_NAMES[strongest] + ("" if is_full else " in part")


def misalignments(identity: Identity) -> Iterator[str]:
    """Find views whose eyes or other points do not lie where those of the first view do.

    Everything is measured in eye distances of the first view, which is neutral where there is
    a neutral one.
    """
    reference = identity.landmarks[0]
    distance = float(np.hypot(*(reference[0] - reference[1])))
    if not np.isfinite(identity.landmarks).all() or distance == 0:
        return
    for view in range(1, len(identity.landmarks)):
        points = identity.landmarks[view]
        offset = np.hypot(*(points[_EYES] - reference[_EYES]).mean(axis=0)) / distance
        turn = (_eye_line_deg(points) - _eye_line_deg(reference) + 180) % 360 - 180
        farthest = np.hypot(*(points - reference).T) / distance
        label = f"view {view} ({label_of_view(identity, view)})"
        if offset > _FARTHEST_EYES:
            yield f"{label}: the eyes lie {offset:.2f} eye distances from the first view's"
        elif abs(turn) > _LARGEST_TURN_DEG:
            yield f"{label}: the eye line is turned by {turn:.0f} degrees"
        elif farthest.max() > _FARTHEST_POINT:
            point = LANDMARK_NAMES[int(farthest.argmax())]
            yield f"{label}: {point} lies {farthest.max():.2f} eye distances away"


def faults_of(identity: Identity, pairs: int) -> Iterator[str]:
    """Faults that no training can use.

    Args:
        identity: any.
        pairs: how many pairs it has.
    """
    if pairs == 0:
        yield "no two pictures make a pair; it needs neutral and one expression"
    height, width = identity.images.shape[1:3]
    for view, points in enumerate(identity.landmarks):
        label = f"view {view} ({label_of_view(identity, view)})"
        if not np.isfinite(points).all():
            yield f"{label}: a landmark is not finite"
            continue
        inside = (points[_EYES] >= 0) & (points[_EYES] <= [width, height])
        angle = _eye_line_deg(points)
        if not inside.all():
            yield f"{label}: an eye lies outside the picture"
        elif abs(angle) > 90:
            yield f"{label}: left and right are swapped; left_eye is the face's own left"
        elif abs(angle) > _STEEPEST_EYES_DEG:
            yield f"{label}: the eye line stands at {angle:.0f} degrees"
        elif np.hypot(*(points[0] - points[1])) < _LEAST_EYES_PX:
            yield f"{label}: the eyes are under {_LEAST_EYES_PX:.0f} px apart"


def _eye_line_deg(points: SixPoints) -> float:
    """Angle of the line from the right eye to the left; 0 is level."""
    x, y = points[0] - points[1]
    return float(np.degrees(np.arctan2(y, x)))


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


def without_empty_columns(rows: Sequence[SheetRow]) -> tuple[tuple[str, ...], list[SheetRow]]:
    """Cut the titles and rows after the last column in which anything stands."""
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
    points = window_points(identity.landmarks[view], crop)
    for x, y in np.nan_to_num(points).astype(int):
        rows = slice(max(0, y - _DOT_PX // 2), max(0, y + _DOT_PX // 2 + 1))
        columns = slice(max(0, x - _DOT_PX // 2), max(0, x + _DOT_PX // 2 + 1))
        picture[rows, columns] = _DOT_COLOUR
    return picture
