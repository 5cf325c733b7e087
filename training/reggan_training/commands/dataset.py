"""`reggan-plugin dataset`: render, check and pack training sets.

Imports nothing heavy.
"""

import click

from reggan_plugin.commands.command_group_and_terminal import LazyCommand, LazyGroup

_COMMANDS = {
    "avatars": LazyCommand(
        "reggan_training.commands.dataset_pictures:avatars",
        "Draw heads with path tracing.",
        "train,avatars",
    ),
    "check": LazyCommand(
        "reggan_training.commands.dataset_check:check",
        "Say what a set holds, and what is wrong with it.",
        "train",
    ),
    "pack": LazyCommand(
        "reggan_training.commands.dataset_pack:pack", "Put sets into one small file.", "train"
    ),
    "pictures": LazyCommand(
        "reggan_training.commands.dataset_pictures:pictures",
        "Draw heads to train models of named expressions on.",
        "train",
    ),
    "test-heads": LazyCommand(
        "reggan_training.commands.dataset_pictures:test_heads",
        "Draw held-out heads to measure a rig on.",
        "train,textures",
    ),
}


@click.group(
    "dataset",
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    epilog="\b\nExample:\n  reggan-plugin dataset check pictures",
)
def dataset() -> None:
    """Draw, check and pack pictures to train on."""
