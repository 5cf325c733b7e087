"""`reggan-plugin comfyui`: the nodes for ComfyUI, put into one and taken out."""

import shutil
from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.errors import OutputError, OutputExistsError, SourceError
from reggan_plugin.file_safety import write_atomically

FOLDER = "reggan-plugin"
LOADER = '''\
"""Loads the nodes of reggan-plugin; written by `reggan-plugin comfyui install`."""
from reggan_plugin.comfyui.pack import *
'''
_MARK = '"""Loads the nodes of reggan-plugin'


def install_loader(comfyui: Path) -> Path:
    """Write the loader into a ComfyUI, or renew it; return its folder.

    Raises:
        SourceError: this is no ComfyUI.
        OutputExistsError: a folder of this name is there, and another program made it.
    """
    folder = _folder_in(comfyui)
    if folder.exists() and not _is_ours(folder):
        raise OutputExistsError(
            f"{folder} exists, and reggan-plugin did not write it. If ComfyUI-Manager installed "
            "the nodes, they are there already; else move that folder away."
        )
    folder.mkdir(exist_ok=True)
    write_atomically(folder / "__init__.py", LOADER.encode())
    return folder


def uninstall_loader(comfyui: Path) -> Path | None:
    """Take the loader away; return its folder, or None if there was none.

    Raises:
        SourceError: this is no ComfyUI.
        OutputError: the folder holds more than the loader, or cannot be removed.
    """
    folder = _folder_in(comfyui)
    if not folder.exists():
        return None
    if not _is_ours(folder):
        raise OutputError(
            f"{folder} holds more than the loader that reggan-plugin wrote, and stays. Remove it "
            "by hand, or by the program that put it there."
        )
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be removed: {error.strerror}.") from error
    return folder


def _folder_in(comfyui: Path) -> Path:
    nodes = comfyui / "custom_nodes"
    if not nodes.is_dir():
        raise SourceError(
            f"{comfyui} is no ComfyUI: it has no folder custom_nodes. Name the folder in which "
            "ComfyUI's main.py lies."
        )
    return nodes / FOLDER


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder holds the loader, and what Python made of it, alone."""
    loader = folder / "__init__.py"
    if folder.is_symlink() or not loader.is_file():
        return folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
    others = {path.name for path in folder.iterdir()} - {"__init__.py", "__pycache__"}
    begin = loader.read_text(encoding="utf-8", errors="replace")[: len(_MARK)]
    return not others and begin == _MARK


_path = click.argument("path", type=click.Path(file_okay=False, path_type=Path), metavar="PATH")


@click.group(
    short_help="Put the nodes into ComfyUI.",
    epilog="\b\nExample:\n  reggan-plugin comfyui install ComfyUI/",
)
@verbose_option
def comfyui() -> None:
    """Put the nodes into ComfyUI, or take them out.

    Run this with the Python of ComfyUI: the nodes are loaded from the package that is installed
    beside it.
    """


@comfyui.command(epilog="\b\nExample:\n  reggan-plugin comfyui install ComfyUI/")
@_path
@verbose_option
def install(*, path: Path) -> None:
    """Put the nodes into the ComfyUI in PATH, the folder of its main.py.

    A folder with a loader of two lines appears in its custom_nodes. After an upgrade of
    reggan-plugin, only start ComfyUI again.
    """
    folder = install_loader(path)
    click.echo(folder)
    click.echo("Start ComfyUI again. The nodes are in the menu under reggan.", err=True)


@comfyui.command(epilog="\b\nExample:\n  reggan-plugin comfyui uninstall ComfyUI/")
@_path
@verbose_option
def uninstall(*, path: Path) -> None:
    """Take the nodes out of the ComfyUI in PATH.

    The package stays: pip uninstall reggan-plugin removes it.
    """
    folder = uninstall_loader(path)
    if folder is None:
        click.echo(f"There are no nodes of reggan-plugin in {path}.", err=True)
    else:
        click.echo(folder)
