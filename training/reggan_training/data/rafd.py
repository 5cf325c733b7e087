"""RaFD: `Rafd090_30_Caucasian_male_disgusted_frontal.jpg`, seen and looking straight on.

Source: Langner et al., "Presentation and validation of the Radboud Faces Database", Cognition &
Emotion 24(8), 2010.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from reggan_plugin.errors import UnknownExpressionError
from reggan_training.data.basic_expression import number_of_expression
from reggan_training.data.photographs import Locator, entry_from_pictures, notice_left_out
from reggan_training.data.set_files import Entry

_NAME = re.compile(
    r"rafd(?P<angle>\d{3})_(?P<person>\d+)_[a-z]+_[a-z]+_(?P<expression>[a-z]+)_(?P<gaze>[a-z]+)"
)
_FRONTAL = "090"


def is_rafd(path: Path) -> bool:
    """True if a picture is named as in RaFD."""
    return _NAME.fullmatch(path.stem.lower()) is not None


def list_rafd(root: Path, files: Sequence[Path], locator: Locator | None = None) -> list[Entry]:
    """One identity for each person; expressions that this project does not have are left out."""
    people: dict[str, dict[int, str]] = {}
    unknown: list[str] = []
    for path in files:
        match = _NAME.fullmatch(path.stem.lower())
        if match is None or match["angle"] != _FRONTAL or match["gaze"] != "frontal":
            continue
        try:
            number = number_of_expression(match["expression"])
        except UnknownExpressionError:
            unknown.append(path.name)
            continue
        name = f"photograph_rafd_{int(match['person']):02d}"
        people.setdefault(name, {})[number] = path.relative_to(root).as_posix()
    notice_left_out(root, unknown, "the expression is not one of ours")
    return [
        entry_from_pictures(name, root, pictures, locator=locator, is_separate_takes=True)
        for name, pictures in sorted(people.items())
    ]
