"""The folder of pictures of one character to train on.

The layout is `<expression>/<view>.png`. A view keeps its camera and light through all expressions,
so that the pictures of a view differ by the expression alone; to the training a view is an identity
of its own, and since all are the same character none may be held out (`--every-identity`).
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .character_views import SetView, face_frame, landmarks_in_view
from .errors import BridgeError
from .vectors import Point

RECORD_FOLDER, RECORD, LANDMARKS = ".reggan", "character.json", "landmarks.json"


def pictures_to_render(
    out: Path, views: Iterable[SetView], expressions: Iterable[str]
) -> list[tuple[int, str, Path]]:
    """Number of the view, expression and file of what is not there yet, view by view."""
    names = list(expressions)
    return [
        (number, name, path)
        for number, view in enumerate(views)
        for name in names
        if not (path := out / name / f"{view.name}.png").exists()
    ]


def begin_set(out: Path, made_by: Mapping[str, Any], *, replaces: bool) -> None:
    """Make the folder, or go on with one that was made in the same way.

    Args:
        out: the set.
        made_by: everything that its pictures follow from, as JSON knows it.
        replaces: take away the pictures that the folder's record names as ours.

    Raises:
        BridgeError: it holds other pictures, or cannot be written.
    """
    record = out / RECORD_FOLDER / RECORD
    wanted = json.dumps(made_by, indent=1, sort_keys=True)
    try:
        found = record.read_text(encoding="utf-8") if record.is_file() else None
        pictures = [path for path in out.glob("*/*.png") if path.parent.name != RECORD_FOLDER]
        if pictures and found is None:
            raise BridgeError(
                f"{out} holds pictures that were not rendered here. Choose a new folder."
            )
        if pictures and found != wanted and not replaces:
            raise BridgeError(
                f"{out} holds {len(pictures)} pictures that were rendered with other settings. "
                "Choose a new folder, or tick Render All Again."
            )
        if replaces:
            for path in (*pictures, out / LANDMARKS):
                path.unlink(missing_ok=True)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(wanted, encoding="utf-8")
    except OSError as error:
        raise BridgeError(
            f"{out} cannot be written: {error.strerror}. Choose a folder that you may write to."
        ) from error


def finish_set(out: Path, points: Sequence[Point], views: Iterable[SetView], size_px: int) -> None:
    """Write the landmarks of all pictures, so that training need not find the faces.

    Raises:
        BridgeError: they cannot be written.
    """
    face, shown = face_frame(points), defaultdict[str, list[str]](list)
    for path in sorted(out.glob("*/*.png")):
        shown[path.stem].append(path.parent.name)
    sheet = {
        view.name: dict.fromkeys(shown[view.name], landmarks_in_view(points, face, view, size_px))
        for view in views
    }
    new = out / RECORD_FOLDER / LANDMARKS
    try:
        new.write_text(json.dumps(sheet, indent=1, ensure_ascii=False), encoding="utf-8")
        new.replace(out / LANDMARKS)
    except OSError as error:
        raise BridgeError(f"{out} cannot be written: {error.strerror}. Run it again.") from error


_START = "sargan"
"""The model of the extension that `train` can go on from: the default one has face shapes."""


def training_command(out: Path, model: str) -> str:
    """The command line that trains on a set, starting from a model, by name or file."""
    words = ["reggan-plugin", "train", "--preset", "fine-tune", "--init-from", model or _START]
    words += ["--every-identity", "--data", str(out), "--out", f"{out}_run"]
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """Quote a word with spaces for the shells of Linux, macOS and Windows."""
    if all(c.isalnum() or c in "-_./\\:" for c in word):
        return word
    return f'"{word}"' if os.name == "nt" else "'" + word.replace("'", "'\\''") + "'"
