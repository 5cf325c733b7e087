"""`reggan-plugin live`: change a face again and again for a program that asks through a pipe."""

import sys

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.options.model import model_options, open_model, rig_options
from reggan_plugin.commands.options.options_and_settings_file import GroupedCommand
from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.ui.live_pipe import LivePipe, newest_lines


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin live")
@model_options
@rig_options
@verbose_option
def live(*, model: str | None, device: str, rig_files: RigFiles) -> None:
    """Change a face again and again, for a program such as Blender that asks through a pipe.

    Each line of standard input is a request in JSON. Each line of standard output is the answer to
    the newest one. The command ends when its input ends. The fields are described in
    reggan_plugin/ui/live_pipe.py.
    """
    if sys.stdin is None:
        raise UsageError("Standard input is closed. Start this command with a pipe to its input.")
    transfer, _ = open_model(model, device, rig=rig_files)
    LivePipe(transfer).serve(newest_lines(sys.stdin.fileno()), sys.stdout)
