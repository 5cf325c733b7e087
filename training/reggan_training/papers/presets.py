"""`train --preset`: configurations by name, from which every run starts."""

from collections.abc import Mapping
from types import MappingProxyType

from reggan_plugin.errors import UsageError
from reggan_training.data.pairs import PairSettings
from reggan_training.papers.configuration import (
    AdversarySettings,
    GanLossWeights,
    TrainingSettings,
)
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.papers.regression import REGRESSION_PRESETS, RegressionSettings

PRESETS: Mapping[str, TrainingSettings] = MappingProxyType(
    {
        "default": TrainingSettings(),
        "ablation": TrainingSettings(
            length_kimg=48.0,
            batch_size=16,
            learning_rate=1e-3,
            warmup_kimg=2.0,
            adversary=AdversarySettings(learning_rate=1e-3),
            model=ModelSettings(
                side_px=64,
                width=0.25,
                regression=RegressionSettings(side_px=32),
            ),
            pairs=PairSettings(side_px=64),
        ),
        "sargan": TrainingSettings(
            length_kimg=60.0,
            batch_size=16,
            learning_rate=1e-3,
            warmup_kimg=4.0,
            adversary=AdversarySettings(learning_rate=1e-3),
            model=ModelSettings(
                architecture="sargan",
                side_px=128,
                width=0.5,
                conditioned_norms=True,
                regression=RegressionSettings(side_px=64),
            ),
            pairs=PairSettings(side_px=128),
        ),
        "fine-tune": TrainingSettings(
            length_kimg=8.0,
            learning_rate=2e-4,
            warmup_kimg=0.5,
            average_kimg=1.0,
            validate_every_kimg=0.5,
            adversary=AdversarySettings(learning_rate=4e-4),
        ),
        "published": TrainingSettings(
            length_kimg=1600.0,
            learning_rate=1e-4,
            warmup_kimg=0.0,
            losses=GanLossWeights(
                paired=0.0, edges=0.0, features=0.0, adversarial=1.0, expression=1.0, cycle=1.0
            ),
            adversary=AdversarySettings(
                learning_rate=1e-4, objective="wasserstein", penalty="wgan-gp", steps=5
            ),
            model=ModelSettings(
                architecture="sargan", side_px=128, regression=RegressionSettings(side_px=64)
            ),
            pairs=PairSettings(side_px=128),
        ),
        "paper-400": TrainingSettings(
            model=ModelSettings(
                architecture="reggan-paper",
                side_px=400,
                regression=REGRESSION_PRESETS["paper-400"],
            ),
            pairs=PairSettings(side_px=400),
        ),
        "earlier-128": TrainingSettings(
            model=ModelSettings(
                architecture="regression",
                side_px=128,
                regression=REGRESSION_PRESETS["earlier-128"],
            ),
            pairs=PairSettings(side_px=128),
        ),
    }
)
"""`default`: what ships. `ablation`: small enough for two cores. `sargan`: the second model that
ships, at half the width and with conditioned norms, so that one core trains it. `fine-tune`: short,
for faces of your own, with --init-from. `published`: the losses and rates of US-GAN and SARGAN
(arXiv 2303.17212), which see no pairs. `paper-400`: the sizes in RegGAN's figures, arXiv
2603.15648. `earlier-128`: masked regression, arXiv 2011.09104."""


def preset_named(name: str) -> TrainingSettings:
    """The settings of this name.

    Raises:
        UsageError: there are none.
    """
    if name not in PRESETS:
        raise UsageError(f"There is no preset {name!r}; take one of {', '.join(PRESETS)}.")
    return PRESETS[name]
