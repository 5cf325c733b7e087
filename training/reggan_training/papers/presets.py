"""`train --preset`: configurations by name, from which every run starts; in `presets.toml`.

Imports nothing heavy, so that the names stand in a command's help.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reggan_plugin.errors import UsageError

if TYPE_CHECKING:
    from reggan_training.papers.configuration import TrainingSettings


@cache
def preset_tables() -> dict[str, dict[str, Any]]:
    """Read the presets' tables."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def preset_named(name: str) -> "TrainingSettings":
    """Make the settings of this name.

    Raises:
        UsageError: there are none.
    """
    from reggan_training.papers.configuration import TrainingSettings, settings_from_record

    if name not in preset_tables():
        known = ", ".join(preset_tables())
        raise UsageError(f"There is no preset {name!r}; take one of {known}.")
    return settings_from_record(TrainingSettings, preset_tables()[name])
