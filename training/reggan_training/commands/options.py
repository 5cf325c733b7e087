"""Options that several commands of training share, families of heads among them.

Imports nothing heavy.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reggan_plugin.commands.options.options_and_settings_file import options_as, shown_option
from reggan_plugin.file_safety import write_atomically

if TYPE_CHECKING:
    from reggan_training.heads.head import HeadFamily

Command = Callable[..., Any]
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
"""A folder that is there."""
FOLDER_TO_WRITE = click.Path(file_okay=False, path_type=Path)
FILE_TO_WRITE = click.Path(dir_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SET = click.Path(exists=True, path_type=Path)
"""A set of pictures: a folder, or a packed file."""


sets_argument = click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=SET)
"""Sets of pictures, one or more."""

OpenFamilies = Callable[[], "list[HeadFamily]"]


def threads_option(advice: str = " On shared cores 1 is fastest.") -> Callable[[Command], Command]:
    """Add `--threads`, which sets those of PyTorch before the command runs."""
    return shown_option(
        "--threads N",
        type=click.IntRange(min=1),
        help=f"CPU threads; by default one per core.{advice}",
    )


def identities_option(group: str) -> Callable[[Command], Command]:
    """Add `--identities`, a limit on those of each style or family."""
    return shown_option(
        "--identities N",
        type=click.IntRange(min=1),
        help=f"Measure at most N identities of each {group}.  [default: all]",
    )


def number_option(
    *names: str,
    default: int,
    least: int = 1,
    most: int | None = None,
    metavar: str | None = None,
    help: str | None = None,
) -> Callable[[Command], Command]:
    """Add an option that takes a whole number between two, and shows its default."""
    kind = click.IntRange(least, most)
    return click.option(
        *names, type=kind, default=default, show_default=True, metavar=metavar, help=help
    )


def out_option(help_text: str) -> Callable[[Command], Command]:
    """Add `--out`, a folder that has to be named."""
    return click.option("--out", type=FOLDER_TO_WRITE, required=True, help=help_text)


def overwrite_option(what: str = "the file if it exists") -> Callable[[Command], Command]:
    """Add `--overwrite`."""
    return click.option("--overwrite", is_flag=True, help=f"Replace {what}.")


def set_threads(threads: int | None) -> None:
    """Let PyTorch use so many, or as many as it likes."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


def report_line(line: str) -> None:
    """Print progress where it is no result."""
    click.echo(line, err=True)


def write_report(out: Path, record: Mapping[str, Any], table: str) -> None:
    """Write what an evaluation found as `evaluation.json` and `table.md`."""
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "evaluation.json", json.dumps(record, indent=1).encode())
    write_atomically(out / "table.md", table.encode())


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
    shown_option("--ict NPZ", type=FILE, help="ICT FaceKit light, as one archive."),
    shown_option(
        "--makehuman DIR", type=FOLDER, help="MakeHuman's CC0 assets; needs --face-units."
    ),
    shown_option(
        "--face-units DIR", type=FOLDER, help="ARKit units (*.target) for MakeHuman's base mesh."
    ),
    shown_option("--valid DIR", type=FOLDER, help="VALID avatars, one archive each."),
    shown_option(
        "--glb FILE",
        "characters",
        type=FILE,
        multiple=True,
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
    from reggan_training.heads.ict import IctFamily
    from reggan_training.heads.makehuman.family import MakeHumanFamily
    from reggan_training.heads.own_character import GlbFamily
    from reggan_training.heads.valid import ValidFamily

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
