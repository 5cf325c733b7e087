"""Every architecture by its name in configurations, cards and on the command line.

Imports no network, so that the names stand in a command's help.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from reggan_plugin.attached import attached, load_attached
from reggan_plugin.errors import UsageError

if TYPE_CHECKING:
    from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings

ARCHITECTURES: Final = {
    "reggan": "reggan:RegGAN",
    "reggan-paper": "reggan:RegGANPaper",
    "sargan": "sargan:SARGAN",
    "stargan": "encoder_decoder:StarGAN",
    "us-gan": "encoder_decoder:USGAN",
    "ganimation": "encoder_decoder:GANimation",
    "regression": "masked_regression:MaskedRegression",
}
"""Module of this folder and class, by name."""


def architecture_names() -> tuple[str, ...]:
    """Return the names of our architectures and of those that other packages add."""
    return (*ARCHITECTURES, *attached("architectures"))


def build_model(settings: "ModelSettings") -> "ExpressionModel":
    """Make a new model of these settings.

    Raises:
        UsageError: there is no such architecture.
    """
    name = settings.architecture
    if name in ARCHITECTURES:
        module, _, kind = ARCHITECTURES[name].partition(":")
        network = import_module(f"{__package__}.{module}")
        model: ExpressionModel = getattr(network, kind)(settings)
    elif name in attached("architectures"):
        model = load_attached("architectures", name)(settings)
    else:
        known = ", ".join(architecture_names())
        raise UsageError(f"There is no architecture {name!r}; take one of {known}.")
    return model
