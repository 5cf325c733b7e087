"""Sets of any layout as identities in memory."""

from collections.abc import Collection, Sequence
from pathlib import Path

from reggan_plugin.errors import SourceError
from reggan_training.data.identity import Identity
from reggan_training.data.licensed_sets import (
    is_cfee,
    is_kdef,
    is_rafd,
    list_cfee,
    list_kdef,
    list_rafd,
)
from reggan_training.data.photographs import PICTURE_SUFFIXES, Locator
from reggan_training.data.plain_set import expression_folders, list_plain
from reggan_training.data.rendered_set import MANIFEST, list_rendered
from reggan_training.data.set_files import Entry, FolderFiles, ZipFiles
from reggan_training.data.split import TRAINING_STYLES, Split, split_of, stable_hash


def load_sets(
    roots: Sequence[Path],
    splits: Collection[Split],
    *,
    styles: Collection[str] | None = None,
    training_styles: Collection[str] = TRAINING_STYLES,
    limit: int | None = None,
    locator: Locator | None = None,
) -> list[Identity]:
    """Read the identities of the given splits, in the order of the roots and then of names.

    Args:
        roots: folders or packed sets, of any layout that `list_set` knows.
        splits: which identities, by `split_of`.
        styles: keep only these; all when None.
        training_styles: the styles that `split_of` trains on.
        limit: keep so many, chosen by a hash of the name: a smaller choice is a part of a
            larger one.
        locator: finds the faces of sets without landmarks; the built-in one when None.

    Raises:
        SourceError: a file is missing or damaged, a layout unknown, or an identity in two sets.
    """
    entries = choose_entries(
        roots,
        splits,
        styles=styles,
        training_styles=training_styles,
        limit=limit,
        locator=locator,
    )
    loaded = [entry.load() for entry in entries]
    return [identity for identity in loaded if identity is not None]


def choose_entries(
    roots: Sequence[Path],
    splits: Collection[Split],
    *,
    styles: Collection[str] | None = None,
    training_styles: Collection[str] = TRAINING_STYLES,
    limit: int | None = None,
    locator: Locator | None = None,
) -> list[Entry]:
    """List what `load_sets` reads, with the same arguments; no picture is read yet."""
    kept = [
        entry
        for entry in list_sets(roots, locator)
        if (styles is None or entry.style in styles)
        and split_of(entry.name, training_styles) in splits
    ]
    if limit is not None:
        chosen = {e.name for e in sorted(kept, key=lambda e: stable_hash(e.name))[:limit]}
        kept = [entry for entry in kept if entry.name in chosen]
    return kept


def list_sets(roots: Sequence[Path], locator: Locator | None = None) -> list[Entry]:
    """List what several sets hold, in the order of the roots and then of names.

    Raises:
        SourceError: as in `list_set`, or an identity is in two sets.
    """
    entries = [entry for root in roots for entry in list_set(root, locator)]
    places: dict[str, Path] = {}
    for entry in entries:
        if entry.name in places:
            raise SourceError(
                f"{entry.name} is in {places[entry.name]} and in {entry.place}. Name each set "
                "once; render with other numbers, or rename the pictures of one set."
            )
        places[entry.name] = entry.place
    return entries


def list_set(root: Path, locator: Locator | None = None) -> list[Entry]:
    """List what a folder or packed set holds, in order of name; no picture is read yet.

    Raises:
        SourceError: it is missing, has no known layout, or lacks a file that its layout needs.
    """
    if root.is_file():
        return list_rendered(ZipFiles(root))
    if not root.is_dir():
        raise SourceError(f"{root} is not there. Name a folder of pictures or a packed set.")
    files = FolderFiles(root)
    if files.has(MANIFEST):
        return list_rendered(files)
    if expression_folders(root):
        return list_plain(root, locator)
    pictures = [p for p in sorted(root.rglob("*")) if p.suffix.lower() in PICTURE_SUFFIXES]
    if is_cfee(root, pictures):
        return list_cfee(root, pictures, locator)
    if any(is_kdef(path) for path in pictures):
        return list_kdef(root, pictures, locator)
    if any(is_rafd(path) for path in pictures):
        return list_rafd(root, pictures, locator)
    raise SourceError(
        f"{root} has no known layout: no {MANIFEST} of rendered avatars, no folder named after an "
        "expression (<expression>/<identity>.jpg), no files named as in CFEE, KDEF or RaFD. Name "
        "the folder that holds one of them."
    )
