"""A folder of rasterised heads as training and measures see it."""

from collections.abc import Collection
from pathlib import Path

from reggan_plugin.errors import SourceError
from reggan_training.heads.split import is_held_out
from reggan_training.pairs.render_set import HEAD_SUFFIX

_VALID_WEIGHT = 4
"""Weight of each of VALID's files: a few heads stand for all that users' avatars are."""


def training_files(folder: Path, without: Collection[str] = ()) -> list[Path]:
    """Files to train on, in a fixed order; those that count several times stand there as often.

    Args:
        folder: that `dataset heads` wrote.
        without: families to leave out.

    Raises:
        SourceError: nothing is left.
    """
    files = [
        path
        for path, family, identity in _files(folder)
        if family not in without and not is_held_out(family, identity)
        for _ in range(_VALID_WEIGHT if family == "valid" else 1)
    ]
    if not files:
        raise SourceError(
            f"{folder} holds no head to train on: FAMILY/IDENTITY-vVIEW{HEAD_SUFFIX} was expected. "
            "Rasterise heads into it first."
        )
    return files


def _files(folder: Path) -> list[tuple[Path, str, str]]:
    found = sorted(folder.glob(f"*/*{HEAD_SUFFIX}"))
    return [
        (path, path.parent.name, path.name.removesuffix(HEAD_SUFFIX).rpartition("-v")[0])
        for path in found
    ]
