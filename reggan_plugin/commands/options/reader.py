"""The options that say who reads expressions in pictures."""

from pathlib import Path

import click

from reggan_plugin.commands.options.grouped import grouped_option

landmarker_option = grouped_option(
    "Reader",
    "--landmarker",
    is_input=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.task",
    help="Model file of MediaPipe's face landmarker, which reads faces of people. It is yours to "
    "download; the page is named when it is missing.",
)
"""The command takes `landmarker`, a path or None."""
