"""The command lines that train a model on a character's file."""

import os
from pathlib import Path

_VIEWS = "8"
_SHORT = (
    *("--kimg", "0.016", "--reader-kimg", "0.064", "--mouth-kimg", "0.016"),
    *("--stage", "reader", "--stage", "motion", "--stage", "mouth"),
)
"""One step of each network, which stays as it is; what is solved is the character's own."""
_MOST_NAME = 60


def file_stem(character: str) -> str:
    """A name that every system takes."""
    kept = "".join(c if c.isalnum() else "-" for c in character)[:_MOST_NAME].strip("-")
    return kept or "character"


def training_command(character: Path, model: str) -> str:
    """Rasterise, train and export, one after the other: `cmd`, `sh` and PowerShell 7 know `&&`.

    Args:
        character: a .glb.
        model: that is started from, by name or file; empty for the one that ships.
    """
    stem = str(character.with_suffix(""))
    heads, run = f"{stem}_heads", f"{stem}_run"
    start = ("--out", run, "--start-from", model or "reggan", *_SHORT)
    lines = (
        ("dataset", "heads", "--glb", str(character), "--views", _VIEWS, "--out", heads),
        ("train-motion", "--heads", heads, *start),
        ("export", "onnx", run, "--out", f"{stem}.onnx"),
    )
    return " && ".join(" ".join(_quoted(w) for w in ("reggan-plugin", *line)) for line in lines)


def _quoted(word: str) -> str:
    """Quote a word with spaces for the shells of Linux, macOS and Windows."""
    if all(c.isalnum() or c in "-_./\\:" for c in word):
        return word
    return f'"{word}"' if os.name == "nt" else "'" + word.replace("'", "'\\''") + "'"
