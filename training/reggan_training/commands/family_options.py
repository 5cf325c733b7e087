"""Options for the folders of head families, shared by several commands."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.options.grouped import options_as, together
from reggan_training.commands.options import FOLDER

if TYPE_CHECKING:
    from reggan_training.heads.head import HeadFamily


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OpenFamilies = Callable[[], "list[HeadFamily]"]

number_of_heads_options = together(
    click.option(
        "--identities",
        type=click.IntRange(min=1),
        default=300,
        show_default=True,
        metavar="N",
        help="How many heads to draw of each family that can make new ones.",
    ),
    click.option(
        "--views",
        type=click.IntRange(1, 100),
        default=1,
        show_default=True,
        metavar="N",
        help="How many cameras look at each head. The few heads of VALID get four times as many.",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True),
)
"""How many heads are drawn, before how many cameras, and from which seed."""


def _open_families(
    ict: Path | None,
    makehuman: Path | None,
    face_units: Path | None,
    valid: Path | None,
    characters: tuple[Path, ...],
) -> OpenFamilies:
    return partial(families_from_paths, ict, makehuman, face_units, valid, characters)


family_options = options_as(
    "open_families",
    _open_families,
    click.option("--ict", type=_FILE, metavar="NPZ", help="ICT FaceKit light, as one archive."),
    click.option(
        "--makehuman",
        type=FOLDER,
        metavar="DIR",
        help="MakeHuman's CC0 assets; needs --face-units.",
    ),
    click.option(
        "--face-units",
        type=FOLDER,
        metavar="DIR",
        help="ARKit units (*.target) for MakeHuman's base mesh.",
    ),
    click.option("--valid", type=FOLDER, metavar="DIR", help="VALID avatars, one archive each."),
    click.option(
        "--glb",
        "characters",
        type=_FILE,
        multiple=True,
        metavar="FILE",
        help="A character of your own with ARKit's face shapes, as GLB or VRM. It becomes a "
        "family of one head with the name of the file. May be given several times.",
    ),
)
"""`--ict`, `--makehuman`, `--face-units`, `--valid`, `--glb`; taken as `open_families`."""


def families_from_paths(
    ict: Path | None,
    makehuman: Path | None,
    face_units: Path | None,
    valid: Path | None,
    characters: Sequence[Path],
) -> "list[HeadFamily]":
    """Open the families that are named.

    Raises:
        UsageError: none is, MakeHuman without its units, or two families of one name.
    """
    from reggan_training.heads.glb import GlbFamily
    from reggan_training.heads.ict import IctFamily
    from reggan_training.heads.makehuman.family import MakeHumanFamily
    from reggan_training.heads.valid.family import ValidFamily

    if (makehuman is None) != (face_units is None):
        raise click.UsageError("MakeHuman heads need both --makehuman and --face-units.")
    found: list[HeadFamily] = []
    if ict is not None:
        found.append(IctFamily(ict))
    if makehuman is not None and face_units is not None:
        found.append(MakeHumanFamily(makehuman, face_units))
    if valid is not None:
        found.append(ValidFamily(valid))
    found += [GlbFamily(path) for path in characters]
    if not found:
        raise click.UsageError("Name at least one family: --ict, --makehuman, --valid, --glb.")
    names = [family.name for family in found]
    taken = next((path for path in characters if _is_taken(path.stem, names)), None)
    if taken is not None:
        raise click.UsageError(
            f"{taken} would be called {taken.stem!r}, as another family is. Rename the file."
        )
    return found


def _is_taken(name: str, names: Sequence[str]) -> bool:
    return names.count(name) > 1 or name in ("ict", "makehuman", "valid")
