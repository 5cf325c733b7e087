"""An expression over time, as the curve file that `render --intensity-curve` reads."""

import csv
from collections.abc import Mapping
from pathlib import Path

from .errors import BridgeError
from .expression_blend import MAX_INTENSITY


def write_curve(path: Path, weights: Mapping[int, Mapping[str, float]]) -> None:
    """Write how much of each expression and face shape is wanted at every frame.

    Args:
        path: the .csv file.
        weights: by frame, then by name; to three decimals, 0 to 1.5.

    Raises:
        BridgeError: something is more than 1.5.
    """
    rows = [
        (frame, name, round(value, 3))
        for frame, by_name in sorted(weights.items())
        for name, value in by_name.items()
    ]
    for frame, name, value in rows:
        if value > MAX_INTENSITY:
            raise BridgeError(
                f"At frame {frame} the intensity asks for {value:g} of {name}; the most is "
                f"{MAX_INTENSITY}. Lower the intensity there, or the blend."
            )
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("frame", "expression", "value"), *rows])
