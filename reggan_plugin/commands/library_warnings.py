"""Warnings of libraries in our own words: which file they are about, and no line of their code."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click


@contextmanager
def library_warnings_named() -> Iterator[None]:
    """Print each warning as a note with the name of the file that is at work, once for each."""
    said: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],  # noqa: ARG001
        filename: str,  # noqa: ARG001
        lineno: int,  # noqa: ARG001
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        text = f"Note{_about()}: a library warns: {str(message).strip()}"
        if text not in said:
            said.add(text)
            click.echo(text, err=True)

    usual: Any = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def _about() -> str:
    damage = sys.modules.get("reggan_plugin.files.damaged_files")  # loaded by whoever reads a file
    path = None if damage is None else damage.file_at_work()
    return "" if path is None else f", {path.name}"
