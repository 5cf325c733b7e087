"""Takes of Audio2Face: JSON with names, a rate and a matrix of weights."""

import numpy as np

from reggan_plugin.curves.take import Columns, TakeFormat
from reggan_plugin.errors import counted
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_TAKE_FPS

_FIELDS = ("facsNames", "weightMat")


def columns_of_audio2face(text: str, rate_fps: float | None) -> Columns:
    """Read `exportFps`, `facsNames` and `weightMat`, a row for each frame.

    Raises:
        ValueError: a field is missing, or the matrix has another shape than the names say.
    """
    document = parse_json(text)
    if not isinstance(document, dict) or any(field not in document for field in _FIELDS):
        raise ValueError(f"it has no {' and '.join(_FIELDS)}, as Audio2Face writes them")
    names, rows = document["facsNames"], document["weightMat"]
    rate = rate_fps or document.get("exportFps")
    if not isinstance(rate, int | float) or not 0 < rate <= MOST_TAKE_FPS:  # false for NaN, too
        raise ValueError(
            f"its exportFps is {rate!r:.80}, no number of frames a second up to {MOST_TAKE_FPS}"
        )
    try:
        if isinstance(rows, list) and len({len(row) for row in rows}) > 1:
            raise ValueError("its rows have different lengths")
        numbers = np.array(rows)
        if numbers.size and numbers.dtype.kind not in "iuf":
            raise ValueError("it holds what is no number")
        values = numbers.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its weightMat is no matrix of numbers ({error})") from error
    if not isinstance(names, list) or values.ndim != 2 or values.shape[1] != len(names):
        raise ValueError(
            f"its weightMat has the shape {values.shape}, and it names {len(names)} poses"
        )
    asked, notes = document.get("numFrames", len(values)), tuple[str, ...]()
    if asked != len(values):
        notes = (f"It has {counted(len(values), 'row')}, and its numFrames is {str(asked)[:80]}.",)
    return Columns(
        kind="Audio2Face",
        notes=notes,
        names=[str(name) for name in names],
        times_s=np.arange(len(values)) / rate,
        values=values,
        rate_fps=float(rate),
    )


FORMAT = TakeFormat(
    name="Audio2Face JSON",
    read=columns_of_audio2face,
    recognises=lambda text: text.lstrip()[:1] in ("{", "["),
)
