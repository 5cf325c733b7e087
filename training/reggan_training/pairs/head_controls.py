"""Which face shapes a set of rasterised heads can show."""

import json
from collections.abc import Collection
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL
from reggan_training.pairs.render_set import HEAD_SUFFIX


def controls_of_heads(folder: Path, identities: Collection[str]) -> tuple[str, ...]:
    """The entries of `CONTROLS` that some of these heads can show, and `neutral`.

    Args:
        folder: that `dataset heads` wrote.
        identities: FAMILY/IDENTITY of the heads that count.

    Raises:
        SourceError: none of them is there, or a file is no rasterised head.
    """
    shown: set[str] = set()
    for path in folder.glob(f"*/*{HEAD_SUFFIX}"):
        if f"{path.parent.name}/{path.name.split('-v')[0]}" in identities:
            shown.update(_controls_of_head(path))
    if not shown:
        raise SourceError(
            f"{folder} holds none of the heads that were trained on, such as "
            f"{min(identities, default='ict/ict-7-00000')}{HEAD_SUFFIX}."
        )
    return tuple(name for name in CONTROLS if name in shown or name == NEUTRAL)


def _controls_of_head(path: Path) -> list[str]:
    """The shapes that a head's file names; its arrays are not read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            controls: list[str] = json.loads(stored["facts"].tobytes())["controls"]
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise SourceError(f"{path} is not a rasterised head ({error}). Render it again.") from error
    return controls
