"""The runs that are compared, and their composites at one common size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.metrics.image_distance import resized
from reggan_training.metrics.trials import Kind, TrialSubject
from reggan_training.papers.losses import paste
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.tensor_shapes import Images, Intensities, Masks

INPUT, TRUE = "input", "true picture"
REGRESSION = "regression layer"
"""The first run's layer alone: its change added to the input."""
_MOST_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Contender:
    """A run that is measured.

    Attributes:
        is_converged: whether its held-out curve has come to rest.
        improvement: of the held-out score in the last quarter of the run, as a share; None if
            the curve is too short to say.
    """

    name: str
    folder: Path
    model: ExpressionModel
    images_seen: int
    is_converged: bool
    improvement: float | None

    @property
    def cross_fade(self) -> str:
        """The name of the method that fades from the input to this run's full expression."""
        return f"cross-fade of {self.name}"


@dataclass(frozen=True, eq=False)
class Composites:
    """Results of every method for a subject.

    `numbers` are the trials that a method was asked, its pictures lie in that order; all share
    the mask.
    """

    mask: Float[Tensor, "trials 1 side side"]
    numbers: dict[str, list[int]]
    pictures: dict[str, Float[Tensor, "asked 3 side side"]]


def composites_of(contenders: Sequence[Contender], subject: TrialSubject) -> Composites:
    """Every method on every trial, through the first run's mask."""
    everything = list(range(len(subject.trials)))
    half = subject.numbers_of(Kind.HALF)
    numbers, pictures = {INPUT: everything}, {INPUT: subject.sources}
    mask = mask_of(contenders[0].model, subject.sources, subject.commands)
    alone = _regression_alone(contenders[0].model, subject)
    if alone is not None:
        numbers[REGRESSION] = everything
        pictures[REGRESSION] = paste(subject.sources, alone, mask)
    for one in contenders:
        numbers[one.name] = everything
        pictures[one.name] = composite(one.model, subject.sources, subject.commands, mask)
        if half:
            sources, commands = subject.sources[half], subject.commands[half]
            intensity = commands.amax(dim=1)[:, None, None, None]
            full = composite(one.model, sources, (commands > 0).float(), mask[half])
            numbers[one.cross_fade] = half
            pictures[one.cross_fade] = sources + intensity * (full - sources)
    return Composites(mask, numbers, pictures)


def composite(
    model: ExpressionModel, sources: Images, commands: Intensities, mask: Masks
) -> Images:
    """Composite the model's change into the sources, at their own size and through the given mask.

    A model of another size sees them resized, and its change is brought back to their size,
    as a frame is composited.
    """
    made = []
    for first in range(0, len(sources), _MOST_AT_ONCE):
        image, command = (many[first : first + _MOST_AT_ONCE] for many in (sources, commands))
        seen = resized(image, model.side_px)
        with torch.no_grad():
            face, _ = model(seen, command)
        made.append(image + resized(face.float() - seen, image.shape[-1]))
    return paste(sources, torch.cat(made), mask).clamp(0, 1)


def mask_of(model: ExpressionModel, sources: Images, commands: Intensities) -> Masks:
    """Mask of the model's changes, at the size of the sources."""
    with torch.no_grad():
        mask = model.mask(commands)
    return resized(mask, sources.shape[-1])


def _regression_alone(
    model: ExpressionModel, subject: TrialSubject
) -> Float[Tensor, "trials 3 side side"] | None:
    """Return what the model's regression layer alone makes, if it stands on one."""
    if not isinstance(model, MaskedRegression) or model.architecture == "regression":
        return None
    with torch.no_grad():
        _, change = model.regress(resized(subject.sources, model.side_px), subject.commands)
    size = subject.sources.shape[-2:]
    enlarged = F.interpolate(change, size=size, mode="bilinear", align_corners=False)
    return (subject.sources + enlarged).clamp(0, 1)
