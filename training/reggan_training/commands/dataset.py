"""`reggan-plugin dataset`: render, check and pack training sets.

Imports nothing heavy.
"""

import click

from reggan_plugin.commands.lazy_group import LazyCommand, LazyGroup

_COMMANDS = {
    "avatars": LazyCommand(
        "reggan_training.commands.dataset_pictures:avatars",
        "Picture heads by path tracing.",
        "train,avatars",
    ),
    "check": LazyCommand(
        "reggan_training.commands.dataset_check:check",
        "Report what a set holds and what is wrong with it.",
        "train",
    ),
    "pack": LazyCommand(
        "reggan_training.commands.dataset_pack:pack",
        "Put sets into one small file.",
        "train",
    ),
    "pictures": LazyCommand(
        "reggan_training.commands.dataset_pictures:pictures",
        "Picture heads for models of named expressions.",
        "train",
    ),
    "test-heads": LazyCommand(
        "reggan_training.commands.dataset_test_heads:test_heads",
        "Rasterise held-out heads to measure motion models on.",
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
    """Render, check and pack pictures to train on."""
