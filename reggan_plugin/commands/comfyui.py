"""`reggan-plugin comfyui`: the nodes for ComfyUI, put into one and taken out."""

from pathlib import Path

import click

from reggan_plugin.comfyui.install_nodes import install_loader, uninstall_loader
from reggan_plugin.commands.terminal import verbose_option

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
