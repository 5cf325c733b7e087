"""Many small runs on the same data with the same budget, to say what matters.

All train on the same pairs with the same losses, discriminator and number of pairs: what differs
is the one thing in the entry's name.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from reggan_plugin.errors import UsageError
from reggan_training.contract_1.configuration import TrainingSettings, settings_with_tables
from reggan_training.contract_1.presets import ABLATION_PX, PRESETS
from reggan_training.contract_1.training_loop import train
from reggan_training.data.sets import load_sets
from reggan_training.data.split import TRAINING_STYLES

STATUE_STYLES = (*TRAINING_STYLES, "stone", "clay")
"""Skin and some statues; metal, toon and painted stay unseen."""
IDENTITY_COUNTS = (25, 50, 100, 200)
_METHODS = ("reggan", "sargan", "us-gan", "stargan", "ganimation", "regression")
_WHOLE_LAYER = {"regression": {"side_px": ABLATION_PX}}
"""Without the input beside it, the layer must not lose the fine half of the picture first."""


def _settings(**tables: object) -> TrainingSettings:
    return settings_with_tables(PRESETS["ablation"], tables, "the ablation")


def _entries() -> Mapping[str, TrainingSettings]:
    entries = {name: _settings(model={"architecture": name}) for name in _METHODS}
    entries["reggan-without-input"] = _settings(model={"reads_input": False, **_WHOLE_LAYER})
    entries["reggan-paper"] = _settings(model={"architecture": "reggan-paper", **_WHOLE_LAYER})
    entries["reggan-statues"] = _settings(training_styles=STATUE_STYLES)
    entries["sargan-conditioned"] = _settings(
        model={"architecture": "sargan", "conditioned_norms": True}
    )
    for name in ("reggan", "sargan"):
        for count in IDENTITY_COUNTS:
            entries[f"{name}-{count}"] = _settings(model={"architecture": name}, identities=count)
    return MappingProxyType(entries)


ABLATION: Mapping[str, TrainingSettings] = _entries()
"""Configurations by the name of their folder, in the order in which they run."""


def chosen_entries(
    data: Sequence[Path],
    only: Sequence[str],
    changes: Mapping[str, object],
    report: Callable[[str], None],
) -> dict[str, TrainingSettings]:
    """The entries to run; one that asks for more identities than there are is left out.

    Args:
        data: sets of pictures.
        only: names of entries; all when empty.
        changes: tables as in a configuration file, for every entry.
        report: told what is left out.

    Raises:
        UsageError: there is no entry of a name.
        SourceError: the data is incomplete.
    """
    unknown = [name for name in only if name not in ABLATION]
    if unknown:
        raise UsageError(
            f"There is no ablation run {unknown[0]!r}; known are {', '.join(ABLATION)}."
        )
    entries = {
        name: settings_with_tables(ABLATION[name], changes, f"the change to {name}")
        for name in (only or ABLATION)
    }
    if any(settings.identities for settings in entries.values()):
        available = len(load_sets(data, ["train"]))
        for name, settings in list(entries.items()):
            if settings.identities and settings.identities > available:
                report(f"{name} is left out: the data holds {available} training identities")
                del entries[name]
    return entries


def run_ablation(
    data: Sequence[Path],
    out: Path,
    entries: Mapping[str, TrainingSettings],
    *,
    report: Callable[[str], None],
    device: str = "cpu",
) -> list[Path]:
    """Train every entry in `out/<name>`, or go on with it; returns the folders.

    Raises:
        SourceError, TrainingDivergedError, Interrupted: as `train`; a rerun goes on there.
    """
    folders = []
    for name, settings in entries.items():
        report(f"--- {name}")
        folders.append(train(data, out / name, settings, report=report, device=device).root)
    return folders
