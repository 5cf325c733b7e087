"""The skin weights of the face rig's bones."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import SourceError

SkinWeights = dict[str, Float[np.ndarray, " points"]]
"""Weight of each body point, by bone; those of a point that has any sum to 1."""


def read_skin_weights(path: Path, points: int) -> SkinWeights:
    """An .mhw file, for a body of so many points.

    Raises:
        SourceError: the file is missing or holds no weights.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["weights"]
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Fetch the assets.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} holds no weights ({error!r}). Fetch the file again.") from error
    weights: SkinWeights = {}
    for bone, rows in table.items():
        weights[bone] = np.zeros(points)
        if rows:
            row, value = np.array(rows, dtype=np.float64).T
            np.add.at(weights[bone], row.astype(np.int64), value)
    total = np.sum(list(weights.values()), axis=0)
    return {bone: weight / np.where(total > 0, total, 1) for bone, weight in weights.items()}
