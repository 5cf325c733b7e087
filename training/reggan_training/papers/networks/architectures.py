"""Every architecture by its name in configurations, cards and on the command line."""

from collections.abc import Mapping
from types import MappingProxyType

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


def build_model(settings: ModelSettings) -> ExpressionModel:
    """A new model of these settings.

    Raises:
        UsageError: there is no such architecture.
    """
    if settings.architecture not in ARCHITECTURES:
        raise UsageError(
            f"There is no architecture {settings.architecture!r}; take one of "
            f"{', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[settings.architecture](settings)
