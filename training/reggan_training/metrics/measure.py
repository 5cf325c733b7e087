"""Every method on every subject, through the same mask and the same composite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.errors import SourceError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.losses import paste
from reggan_training.metrics.image_distance import change_region, mean_inside, psnr_db, ssim_map
from reggan_training.metrics.judges import Judges, name_expressions
from reggan_training.metrics.subjects import Subject
from reggan_training.networks.reggan import RegGAN

INPUT, REGGAN, TRUE = "input", "reggan", "true picture"
REGRESSIONS = ("regression", "regression, low resolution")
"""The regression layer alone: its change added to the input, and its own blurred output."""

Values = Mapping[str, Float[np.ndarray, "identities expressions"]]


@dataclass(frozen=True, eq=False)
class StyleResult:
    """What was measured on the subjects of one style.

    Attributes:
        values: by method, then by quantity: `psnr` in dB, `ssim`, `perceptual`, `ecs` (1 where
            the judge names the wanted expression), `probability` of it, `fss`. The first two
            stand again with `_in_mask`, for the part of the region that may be changed at all.
            The true picture has the last three only.
    """

    style: str
    identities: tuple[str, ...]
    expressions: tuple[int, ...]
    values: Mapping[str, Values]


def apply_methods(model: RegGAN, subject: Subject) -> dict[str, Float[Tensor, "count 3 side side"]]:
    """The composites of every method, by its name."""
    sources = subject.sources
    asked = torch.eye(len(EXPRESSION_NAMES))[list(subject.expressions)]
    with torch.no_grad():
        face, mask = model(sources, asked)
        low_resolution, change = model.regress(sources, asked)
    added = sources + F.interpolate(
        change, size=sources.shape[2:], mode="bilinear", align_corners=False
    )
    faces = {
        INPUT: sources,
        REGRESSIONS[0]: added.clamp(0, 1),
        REGRESSIONS[1]: low_resolution.clamp(0, 1),
        REGGAN: face,
    }
    return {method: paste(sources, made, mask) for method, made in faces.items()}


def measure_style(
    model: RegGAN, judges: Judges, style: str, subjects: Iterable[Subject]
) -> StyleResult:
    """Measure every method on the subjects of one style.

    Raises:
        SourceError: a target is the same picture as its source, so that nothing can be measured.
    """
    names: list[str] = []
    expressions: tuple[int, ...] = ()
    rows: dict[str, dict[str, list[Float[np.ndarray, " expressions"]]]] = {}
    for subject in subjects:
        names.append(subject.name)
        expressions = subject.expressions
        for method, values in _measure_subject(model, judges, subject).items():
            for quantity, value in values.items():
                rows.setdefault(method, {}).setdefault(quantity, []).append(value.numpy())
    values_by_method = {
        method: {quantity: np.stack(many) for quantity, many in quantities.items()}
        for method, quantities in rows.items()
    }
    return StyleResult(style, tuple(names), expressions, values_by_method)


def _measure_subject(
    model: RegGAN, judges: Judges, subject: Subject
) -> dict[str, dict[str, Float[Tensor, " expressions"]]]:
    sources, targets = subject.sources, subject.targets
    asked = torch.eye(len(EXPRESSION_NAMES))[list(subject.expressions)]
    region = change_region(sources, targets)
    regions = {"": region, "_in_mask": region & (model.mask(asked) > 0)}
    if not all(one.any(dim=3).any(dim=2).all() for one in regions.values()):
        raise SourceError(
            f"{subject.name}: an expression is the same picture as neutral; expected one that "
            "differs within the model's mask."
        )
    wanted_features = judges.face.features(targets)
    results = {TRUE: _judge(judges, subject, targets)}
    for method, made in apply_methods(model, subject).items():
        features, similarity = judges.face.features(made), ssim_map(made, targets)
        result = {"perceptual": judges.perceptual_distance(features, wanted_features, region)}
        for suffix, where in regions.items():
            result["psnr" + suffix] = psnr_db(made, targets, where)
            result["ssim" + suffix] = mean_inside(similarity, where)
        results[method] = result | _judge(judges, subject, made)
    return results


def _judge(
    judges: Judges, subject: Subject, made: Float[Tensor, "count 3 side side"]
) -> dict[str, Float[Tensor, " expressions"]]:
    """What the judges say of pictures that should show the subject's expressions."""
    wanted = torch.tensor(subject.expressions)
    named = name_expressions(judges.expression, made)
    return {
        "ecs": (named.argmax(dim=1) == wanted).float(),
        "probability": named.gather(1, wanted[:, None])[:, 0],
        "fss": judges.similarity(subject.source[None], made),
    }
