"""An animated intensity as the curve file that `render --intensity-curve` reads."""

import csv
from collections.abc import Mapping
from pathlib import Path

from .errors import BridgeError
from .expressions import MAX_INTENSITY, shares_from_blend


def write_curve(path: Path, blend: str, intensities: Mapping[int, float]) -> None:
    """Write how much of each expression of a blend is wanted at every frame, to three decimals.

    Args:
        path: the .csv file.
        blend: an expression, or several: `happy:0.6+surprised:0.3`.
        intensities: by frame, 0 to 1.5; they multiply the blend.

    Raises:
        BridgeError: the blend cannot be read, or blend times intensity is more than 1.5.
    """
    rows = [
        (frame, name, round(share * intensity, 3))
        for name, share in shares_from_blend(blend).items()
        for frame, intensity in sorted(intensities.items())
    ]
    for frame, name, value in rows:
        if value > MAX_INTENSITY:
            raise BridgeError(
                f"At frame {frame} the intensity asks for {value:g} of {name}; the most is "
                f"{MAX_INTENSITY}. Lower the intensity there, or the blend."
            )
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("frame", "expression", "value"), *rows])
