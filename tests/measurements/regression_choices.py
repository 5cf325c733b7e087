"""Mean squared error of the regression layer alone, for the choices that it leaves open.

    python tests/measurements/regression_choices.py --data pictures

Fitted on the training identities from neutral to each expression, each pair as it is and
mirrored; measured over whole crops at 256 px on the validation and, by style, the test identities.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.sets import load_sets
from reggan_training.papers.ridge_regression import RegressionSettings, RidgeSums, apply_filters

SIDE = 256
CHOICES = {
    "128 px, dilation 3": RegressionSettings(dilation=3),
    "128 px, dilation 2": RegressionSettings(dilation=2),
    "128 px, dilation 1": RegressionSettings(),
    "... towards zero": RegressionSettings(towards_identity=False),
    "... without bias": RegressionSettings(with_bias=False),
    "... own filters a channel": RegressionSettings(shared_channels=False),
    "... penalty 4": RegressionSettings(penalty=4.0),
    "... 5 x 5 taps": RegressionSettings(field_px=5),
    "64 px, dilation 1": RegressionSettings(side_px=64),
}


def crops_of(identity: Identity) -> Tensor:
    """Every expression, cut by the neutral landmarks."""
    crop = identity.place_crop(SIDE)
    stack = np.stack([identity.cut(e, crop) for e in range(len(EXPRESSION_NAMES))])
    return torch.from_numpy(stack).permute(0, 3, 1, 2)


def fit(crops: list[Tensor], settings: RegressionSettings) -> list[Tensor]:
    """Filters of every expression but neutral."""
    sums = [RidgeSums(settings) for _ in EXPRESSION_NAMES[1:]]
    for images in crops:
        small = F.avg_pool2d(images, SIDE // settings.side_px)
        for view in (small, small.flip(-1)):
            for number, own in enumerate(sums, start=1):
                own.add(view[:1], view[number : number + 1])
    return [own.solve() for own in sums]


def error(images: Tensor, filters: list[Tensor], settings: RegressionSettings) -> float:
    """Mean squared error over the expressions of one identity."""
    small = F.avg_pool2d(images[:1], SIDE // settings.side_px)
    changes = torch.cat([apply_filters(small, own, settings) - small for own in filters])
    enlarged = F.interpolate(changes, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    made = (images[:1] + enlarged).clamp(0, 1)
    return float(((made - images[1:]) ** 2).mean())


def main() -> None:
    """Print one line a choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    training = [crops_of(one) for one in load_sets([data], ("train",))]
    validation = load_sets([data], ("validation",))
    groups = {"validation": validation}
    for identity in load_sets([data], ("test",)):
        groups.setdefault(identity.style, []).append(identity)
    measured = {name: [crops_of(one) for one in many] for name, many in groups.items()}
    unchanged = {
        name: np.mean([float(((one[:1] - one[1:]) ** 2).mean()) for one in many])
        for name, many in measured.items()
    }
    print("unchanged input", {name: f"{value:.5f}" for name, value in unchanged.items()})
    for title, settings in CHOICES.items():
        filters = fit(training, settings)
        errors = {
            name: f"{np.mean([error(one, filters, settings) for one in many]):.5f}"
            for name, many in measured.items()
        }
        print(title, errors, flush=True)


if __name__ == "__main__":
    main()
