"""`reggan-plugin study`: ask people, blind, which pictures they prefer, and tally their answers."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.commands.command_group_and_terminal import LazyCommand, LazyGroup, verbose_option
from reggan_plugin.commands.options.options_and_settings_file import options_as, shown_option
from reggan_plugin.errors import OutputExistsError, UsageError
from reggan_plugin.file_safety import write_atomically
from reggan_training.commands.options import (
    FOLDER,
    SET,
    number_option,
    out_option,
    overwrite_option,
)
from reggan_training.papers.study.page import USUAL_COMPARISONS, StudySettings

if TYPE_CHECKING:
    from reggan_training.papers.study.pictures import StudyPictures

_COMMANDS = {
    "make": LazyCommand(
        "reggan_training.commands.study:make", "Write a page for raters, and the key to it."
    ),
    "tally": LazyCommand(
        "reggan_training.commands.study:tally",
        "Print which methods were preferred, and how surely.",
    ),
}


@click.group(
    "study",
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    epilog="\b\nExample:\n  reggan-plugin study make --help",
)
def study() -> None:
    """Ask people which pictures they prefer, blind, and tally their answers."""


def named_folder_from_text(text: str) -> tuple[str, Path]:
    """Read `NAME=FOLDER`, or a folder that gives its own name."""
    name, equals, path = text.rpartition("=")
    folder = Path(path)
    name = name.strip() if equals else folder.resolve().name
    if not name:
        raise click.BadParameter(f"{text!r} has no name before '='; write NAME=FOLDER.")
    if not folder.is_dir():
        raise click.BadParameter(f"{folder} is no folder; name one that is there.")
    return name, folder


@click.command("make")
@shown_option(
    "--methods [NAME=]FOLDER",
    type=named_folder_from_text,
    multiple=True,
    help="Pictures of a method: EXPRESSION/IDENTITY.png or IDENTITY_EXPRESSION.png. Repeat it.",
)
@click.option(
    "--input",
    "original",
    type=FOLDER,
    help="The pictures that the methods were given: the same names, IDENTITY.png or "
    "neutral/IDENTITY.png.",
)
@shown_option(
    "--runs [NAME=]FOLDER",
    type=named_folder_from_text,
    multiple=True,
    help="In place of pictures: a training run that makes them. May be given several times.",
)
@click.option(
    "--data",
    type=SET,
    multiple=True,
    help="Set whose test identities the runs change. Repeat it for more.",
)
@out_option("Folder for the page and its key.")
@options_as(
    "settings",
    StudySettings,
    shown_option(
        "--comparisons N",
        type=click.IntRange(min=1),
        help="Pairs of pictures for a rater, three questions each.  "
        f"[default: {USUAL_COMPARISONS}, or as many as there are]",
    ),
    number_option(
        "--attention-checks",
        default=StudySettings.attention_checks,
        least=0,
        metavar="N",
        help="More pairs, in which one picture shows another person.",
    ),
    number_option(
        "--side",
        "side_px",
        default=StudySettings.side_px,
        least=32,
        most=1024,
        metavar="PIXELS",
        help="Longer side of every picture on the page.",
    ),
    click.option("--contact", default="", help="Whom raters can ask, shown with the consent."),
    click.option("--seed", type=int, default=StudySettings.seed, show_default=True),
)
@overwrite_option("a study that is there")
@verbose_option
def make(
    *,
    methods: Sequence[tuple[str, Path]],
    original: Path | None,
    runs: Sequence[tuple[str, Path]],
    data: Sequence[Path],
    out: Path,
    settings: StudySettings,
    overwrite: bool,
) -> None:
    """Write a page for raters, raters/index.html, and the key to it, key.json.

    The page is one file that works without server and network and names no method: hand it out,
    and keep the key. Raters send back the file of answers that it lets them save.

    \b
    Example:
      reggan-plugin study make --methods a=outputs/a --methods b=outputs/b --input in --out study
    """
    from reggan_training.papers.study.page import html_from_page, pack_study

    page_path, key_path = out / "raters" / "index.html", out / "key.json"
    for path in () if overwrite else (page_path, key_path):
        if path.exists():
            raise OutputExistsError(
                f"{path} exists; answers to it need its key. Replace it only if nobody has "
                "answered yet."
            )
    if bool(methods) == bool(runs) or (runs and original) or (methods and data):
        raise UsageError(
            "Compare either pictures, --methods NAME=FOLDER with --input, or training runs, "
            "--runs FOLDER with --data."
        )
    folders = _unique_names(methods or runs)
    for name in folders:  # the page is blind: its only free text names no method
        if name.lower() in settings.contact.lower():
            raise UsageError(
                f"--contact {settings.contact!r} names the method {name!r}, which raters may not "
                "know; leave it out."
            )
    source = _open_source(folders, bool(methods), original, data, settings)
    page, key = pack_study(source, settings)
    page_path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(key_path, json.dumps(key, indent=1).encode())
    write_atomically(page_path, html_from_page(page).encode())
    click.echo(f"Hand out {page_path}; keep {key_path}, which no rater may see.", err=True)
    click.echo(page_path)
    click.echo(key_path)


def _open_source(
    folders: Mapping[str, Path],
    are_pictures: bool,
    original: Path | None,
    data: Sequence[Path],
    settings: StudySettings,
) -> "StudyPictures":
    from reggan_training.papers.study.pictures import PictureFolders

    if are_pictures:
        if original is None:
            raise UsageError("--methods needs the pictures they were given; add --input FOLDER.")
        return PictureFolders(original, folders)
    if not data:
        raise UsageError("--runs needs faces to change; add --data SET.")
    from reggan_training.papers.study.run_pictures import RunPictures  # needs torch

    return RunPictures(folders, data, limit=settings.comparisons or USUAL_COMPARISONS)


def _unique_names(folders: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    by_name: dict[str, Path] = {}
    for name, folder in folders:
        if name in by_name:
            raise UsageError(
                f"{by_name[name]} and {folder} are both called {name!r}; give them names of their "
                "own: NAME=FOLDER."
            )
        by_name[name] = folder
    return by_name


@click.command("tally")
@click.argument(
    "answers", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option(
    "--key",
    "key_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="key.json of the study.",
)
@shown_option(
    "--max-attention-failures N",
    type=click.IntRange(min=0),
    help="Leave out raters who failed more attention checks.  [default: count everybody]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@verbose_option
def tally(
    *, answers: Sequence[Path], key_path: Path, max_attention_failures: int | None, as_json: bool
) -> None:
    """Print how often each method was preferred, with 95 % confidence intervals.

    \b
    Example:
      reggan-plugin study tally answers/*.json --key study/key.json
    """
    from reggan_training.papers.study.tally import (
        markdown_from_tally,
        read_key,
        read_sheets,
        tally_answers,
    )

    key = read_key(key_path)
    result = tally_answers(key, read_sheets(answers, key), max_attention_failures)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result), indent=1))
    else:
        click.echo(markdown_from_tally(result))
