"""Every architecture by its name in configurations, cards and on the command line."""

from collections.abc import Mapping
from types import MappingProxyType

from reggan_plugin.attached import attached, load_attached
from reggan_plugin.errors import UsageError
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.networks.ganimation import GANimation
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.papers.networks.reggan import RegGAN
from reggan_training.papers.networks.reggan_paper import RegGANPaper
from reggan_training.papers.networks.sargan import SARGAN
from reggan_training.papers.networks.stargan import StarGAN
from reggan_training.papers.networks.us_gan import USGAN

ARCHITECTURES: Mapping[str, type[ExpressionModel]] = MappingProxyType(
    {
        kind.architecture: kind
        for kind in (RegGAN, RegGANPaper, SARGAN, StarGAN, USGAN, GANimation, MaskedRegression)
    }
)


def architecture_names() -> tuple[str, ...]:
    """Return the names of our architectures and of those that other packages add."""
    return (*ARCHITECTURES, *attached("architectures"))


def build_model(settings: ModelSettings) -> ExpressionModel:
    """A new model of these settings.

    Raises:
        UsageError: there is no such architecture.
    """
    if settings.architecture in ARCHITECTURES:
        return ARCHITECTURES[settings.architecture](settings)
    if settings.architecture not in attached("architectures"):
        raise UsageError(
            f"There is no architecture {settings.architecture!r}; take one of "
            f"{', '.join(architecture_names())}."
        )
    model: ExpressionModel = load_attached("architectures", settings.architecture)(settings)
    return model
