"""KDEF: `AF01ANS.JPG` is session, sex, person, expression and angle.

Source: Lundqvist, Flykt & Öhman, The Karolinska Directed Emotional Faces, 1998.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from reggan_training.data.basic_expression import number_of_expression
from reggan_training.data.photographs import Locator, entry_from_pictures
from reggan_training.data.set_files import Entry

_NAME = re.compile(r"(?P<session>[AB])(?P<person>[FM]\d\d)(?P<code>[A-Z]{2})(?P<angle>S|[HF][LR])")
_WORDS = {
    "AF": "afraid",
    "AN": "angry",
    "DI": "disgusted",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprised",
}


def is_kdef(path: Path) -> bool:
    """True if a picture is named as in KDEF."""
    match = _NAME.fullmatch(path.stem.upper())
    return match is not None and match["code"] in _WORDS


def list_kdef(root: Path, files: Sequence[Path], locator: Locator | None = None) -> list[Entry]:
    """One identity for each person and session, seen straight on.

    Both sessions of a person are in the same split: the person's number decides.
    """
    takes: dict[str, dict[int, str]] = {}
    for path in files:
        match = _NAME.fullmatch(path.stem.upper())
        if match is None or match["angle"] != "S" or match["code"] not in _WORDS:
            continue
        number = number_of_expression(_WORDS[match["code"]])
        name = f"photograph_kdef{match['session']}_{match['person']}"
        takes.setdefault(name, {})[number] = path.relative_to(root).as_posix()
    return [
        entry_from_pictures(name, root, pictures, locator=locator, is_separate_takes=True)
        for name, pictures in sorted(takes.items())
    ]
