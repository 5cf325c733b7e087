"""The pictures that a study compares, and those of folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reggan_plugin.errors import (
    AmbiguousSourceError,
    EmptySourceError,
    SourceError,
    UnknownExpressionError,
    UnreadableFrameError,
)
from reggan_plugin.vocabulary.expression import resolve_expression

Picture = UInt8[np.ndarray, "height width 3"]
"""sRGB-encoded."""


@dataclass(frozen=True, order=True)
class Face:
    """Whose picture, with which expression asked for."""

    identity: str
    expression: str


@runtime_checkable
class StudyPictures(Protocol):
    """Pictures of the same faces by several methods."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of what is compared, in the order in which they were given."""

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces of which every method has a picture, sorted."""

    def read_original(self, face: Face) -> Picture:
        """Read the picture that the methods were given."""

    def read_result(self, method: str, face: Face) -> Picture:
        """Read a method's result for a face."""


_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_PAPER = (128, 128, 128)
"""Colour behind transparent pixels."""
_LAYOUTS = "<expression>/<identity>.png or <identity>_<expression>.png"

Key = tuple[str, str | None]
"""Identity, and expression where the path names one."""


class PictureFolders:
    """A folder for the input and one for each method (see `StudyPictures`)."""

    def __init__(self, original: Path, folder_by_method: Mapping[str, Path]) -> None:
        """Look at the names, not yet at the pictures.

        Raises:
            SourceError: a folder is empty, a picture names no expression, two pictures mean the
                same, or one is missing in one of the folders.
        """
        self.methods = tuple(folder_by_method)
        self._results = {name: _results_in(root) for name, root in folder_by_method.items()}
        self.faces = tuple(sorted(set().union(*self._results.values())))
        for method, paths in self._results.items():
            _require_all(self.faces, paths, method, folder_by_method[method])
        self._originals = _originals_of(self.faces, original)

    def read_original(self, face: Face) -> Picture:
        """Read the picture in the input folder.

        Raises:
            UnreadableFrameError: it is damaged or not an image.
        """
        return _read(self._originals[face])

    def read_result(self, method: str, face: Face) -> Picture:
        """Read the picture in a method's folder.

        Raises:
            UnreadableFrameError: it is damaged or not an image.
        """
        return _read(self._results[method][face])


def key_from_path(path: Path, root: Path) -> Key:
    """Identity and expression that a picture's sub-folder or name says.

    Raises:
        AmbiguousSourceError: the name holds two expressions.
    """
    if path.parent != root and (named := _expression_of(path.parent.name)):
        return path.stem, named
    words = re.split(r"[_\-. ]+", path.stem)
    found = [(at, named) for at, word in enumerate(words) if (named := _expression_of(word))]
    if len(found) > 1:
        raise AmbiguousSourceError(
            f"{path} names {len(found)} expressions ({', '.join(e for _, e in found)}); a name "
            f"may hold one. Call it {_LAYOUTS}."
        )
    if not found:
        return path.stem, None
    at, expression = found[0]
    return "_".join(words[:at] + words[at + 1 :]), expression


def _expression_of(word: str) -> str | None:
    try:
        return resolve_expression(word)
    except UnknownExpressionError:
        return None


def _paths_in(root: Path) -> dict[Key, Path]:
    paths: dict[Key, Path] = {}
    for path in sorted([*root.glob("*"), *root.glob("*/*")]):
        if path.suffix.lower() not in _SUFFIXES or path.name.startswith("."):
            continue
        key = key_from_path(path, root)
        if key in paths:
            raise AmbiguousSourceError(
                f"{paths[key]} and {path} both show {key[0]}, {key[1] or 'no expression named'}; "
                "keep one of them."
            )
        paths[key] = path
    if not paths:
        raise EmptySourceError(
            f"{root} holds no picture ({', '.join(_SUFFIXES)}), nor do its sub-folders. Name the "
            f"folder whose pictures are called {_LAYOUTS}."
        )
    return paths


def _results_in(root: Path) -> dict[Face, Path]:
    results = {}
    for (identity, expression), path in _paths_in(root).items():
        if expression is None:
            raise SourceError(
                f"{path} does not say which expression it shows, neither by its name nor by its "
                f"folder. Call it {_LAYOUTS}."
            )
        results[Face(identity, expression)] = path
    return results


def _require_all(
    faces: tuple[Face, ...], paths: Mapping[Face, Path], method: str, root: Path
) -> None:
    missing = [face for face in faces if face not in paths]
    if missing:
        raise SourceError(
            f"{method} has no picture of {missing[0].identity}, {missing[0].expression} in {root} "
            f"({len(missing)} of {len(faces)} are missing). All methods must show the same faces: "
            "add the missing pictures, or take them out of the other folders."
        )


def _originals_of(faces: tuple[Face, ...], root: Path) -> dict[Face, Path]:
    """Find the picture of the same name, else the identity's own, else its neutral one."""
    paths, originals = _paths_in(root), {}
    for face in faces:
        keys = ((face.identity, face.expression), (face.identity, None), (face.identity, "neutral"))
        path = next((paths[key] for key in keys if key in paths), None)
        if path is None:
            raise SourceError(
                f"{root} has no input for {face.identity}, {face.expression}; put it there as "
                f"{face.identity}.png or neutral/{face.identity}.png."
            )
        originals[face] = path
    return originals


def _read(path: Path) -> Picture:
    try:
        with Image.open(path) as image:
            rgba = image.convert("RGBA")
    except (OSError, SyntaxError) as error:
        raise UnreadableFrameError(
            f"{path} cannot be read as a picture ({error}); export it again as 8-bit PNG."
        ) from error
    paper = Image.new("RGBA", rgba.size, (*_PAPER, 255))
    return np.asarray(Image.alpha_composite(paper, rgba).convert("RGB"))
