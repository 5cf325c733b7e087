"""Every architecture by its name in configurations, cards and on the command line.

Reads the names from the text of this folder's modules, so that a command's help needs no PyTorch.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from reggan_plugin.entry_points import attached, load_attached
from reggan_plugin.errors import UsageError
from reggan_training.papers import networks

if TYPE_CHECKING:
    from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings

_CLASS = re.compile(r"^class (\w+)|^    architecture = \"(.+)\"$", re.MULTILINE)


@cache
def architectures() -> Mapping[str, tuple[str, str]]:
    """Return our architectures: the module and the class of each name."""
    found = {}
    for path in (path for folder in networks.__path__ for path in Path(folder).glob("*.py")):
        kind = ""
        for defined, name in _CLASS.findall(path.read_text(encoding="utf-8")):
            kind = defined or kind
            if name:
                found[name] = (path.stem, kind)
    return dict(sorted(found.items()))


def architecture_names() -> tuple[str, ...]:
    """Return the names of our architectures and of those that other packages add."""
    return (*architectures(), *attached("architectures"))


def build_model(settings: "ModelSettings") -> "ExpressionModel":
    """Make a new model of these settings.

    Raises:
        UsageError: there is no such architecture.
    """
    name = settings.architecture
    if name in architectures():
        module, kind = architectures()[name]
        network = import_module(f"{networks.__name__}.{module}")
        model: ExpressionModel = getattr(network, kind)(settings)
    elif name in attached("architectures"):
        model = load_attached("architectures", name)(settings)
    else:
        known = ", ".join(architecture_names())
        raise UsageError(f"There is no architecture {name!r}; take one of {known}.")
    return model
