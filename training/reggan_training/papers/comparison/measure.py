"""Every run that is compared, on every trial, as one long table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.metrics.image_distance import (
    change_region,
    mean_inside,
    psnr_db,
    resized,
    ssim_map,
)
from reggan_training.metrics.judges import Judges, describe, embed, name_expressions
from reggan_training.metrics.trials import Kind, TrialSubject
from reggan_training.papers.losses import paste
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.tensor_shapes import Images, Intensities, Masks

INPUT, TRUE = "input", "true picture"
REGRESSION = "regression layer"
"""The first run's layer alone: its change added to the input."""
_MOST_AT_ONCE = 16
_CONVERGED_SHARE = 0.02
"""A run whose score improves by more than this in its last quarter has not converged."""
OWN_FEATURES = "own"
"""The name of the project's own features among `Measurements.features`."""
Gauge = Callable[[Images, Images, Int[Tensor, " batch"]], Mapping[str, Tensor]]
"""Something else that measures composites: an outside network that a user gave.

Of sources, results and the expressions wanted it gives a figure of each result by quantity, or its
features, [batch, length], by the name of their network."""
Rows = dict[str, dict[str, Tensor]]
"""A subject's figures by method and quantity, one for each of its trials."""


@frozen(eq=False)
class Contender:
    """A run that is measured.

    Attributes:
        improvement: of the held-out score in the last quarter of the run, as a share; None if
            the curve is too short to say.
    """

    name: str
    folder: Path
    model: ExpressionModel
    images_seen: int
    improvement: float | None

    @property
    def is_converged(self) -> bool:
        """True if its held-out curve has come to rest."""
        return self.improvement is not None and self.improvement <= _CONVERGED_SHARE

    @property
    def cross_fade(self) -> str:
        """The name of the method that fades from the input to this run's full expression."""
        return f"cross-fade of {self.name}"


@frozen(kw_only=False, eq=False)
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


@frozen(kw_only=False, eq=False)
class Measurements:
    """One row for each trial of each identity.

    Attributes:
        identities, styles: of every trial.
        yaw_deg: NaN where it is unknown.
        values: by method, then by quantity: `psnr` in dB, `ssim`, `perceptual`, `ecs` (1 where
            the judge names the wanted expression), `probability` of it, `fss`.
            NaN where a method was not asked. The true picture has the last three only.
        features: by method, then by network, for distances between sets.
    """

    identities: tuple[str, ...]
    styles: tuple[str, ...]
    yaw_deg: Float[np.ndarray, " trials"]
    kinds: tuple[Kind, ...]
    expressions: Int[np.ndarray, " trials"]
    values: Mapping[str, Mapping[str, Float[np.ndarray, " trials"]]]
    features: Mapping[str, Mapping[str, Float[np.ndarray, "trials length"]]]

    def are_of(self, kind: Kind) -> Bool[np.ndarray, " trials"]:
        """Tell which trials are of a kind."""
        return np.array([one is kind for one in self.kinds], dtype=bool)

    def have_style(self, styles: Iterable[str]) -> Bool[np.ndarray, " trials"]:
        """Tell which trials have one of the styles."""
        return np.isin(np.array(self.styles), list(styles))


@dataclass(eq=False)
class Collector:
    """Measures subject after subject and keeps the rows."""

    contenders: Sequence[Contender]
    judges: Judges
    gauges: Sequence[Gauge] = ()
    _subjects: list[tuple[TrialSubject, list[int]]] = field(default_factory=list)
    _values: list[Rows] = field(default_factory=list)
    _features: list[Rows] = field(default_factory=list)

    def add(self, subject: TrialSubject) -> None:
        """Measure every method on a subject.

        Raises:
            SourceError: a full expression is the same picture as neutral.
        """
        made = composites_of(self.contenders, subject)
        region = change_region(subject.sources, subject.targets)
        kept = _measurable(subject, region & (made.mask > 0))
        with torch.no_grad():
            wanted = self.judges.face.features(subject.targets)
        whose = embed(self.judges.face, subject.sources)
        everything = list(range(len(subject.trials)))
        values, features = Rows(), Rows()
        for method, pictures in {TRUE: subject.targets, **made.pictures}.items():
            numbers = made.numbers.get(method, everything)
            embedding, summary = describe(self.judges.face, pictures)
            row = self._judge(subject, numbers, pictures)
            row["fss"] = (whose[numbers] * embedding).sum(dim=1)
            if method != TRUE:
                asked, targets = region[numbers], subject.targets[numbers]
                near = [one[numbers] for one in wanted]
                with torch.no_grad():
                    shown = self.judges.face.features(pictures)
                row["perceptual"] = self.judges.perceptual_distance(shown, near, asked)
                row["psnr"] = psnr_db(pictures, targets, asked)
                row["ssim"] = mean_inside(ssim_map(pictures, targets), asked)
            found = {name: row.pop(name) for name in [*row] if row[name].ndim > 1}
            features[method] = _spread({OWN_FEATURES: summary, **found}, numbers, kept)
            values[method] = _spread(row, numbers, kept)
        self._subjects.append((subject, kept))
        self._values.append(values)
        self._features.append(features)

    def measurements(self) -> Measurements:
        """Return the long table of everything that was added."""
        rows = [(subject, subject.trials[n]) for subject, kept in self._subjects for n in kept]
        counts = [len(kept) for _, kept in self._subjects]
        return Measurements(
            tuple(subject.name for subject, _ in rows),
            tuple(subject.style for subject, _ in rows),
            np.array([subject.yaw_deg for subject, _ in rows], dtype=np.float64),
            tuple(trial.kind for _, trial in rows),
            np.array([trial.expression for _, trial in rows], dtype=np.int64),
            _joined(self._values, counts),
            _joined(self._features, counts),
        )

    def _judge(
        self,
        subject: TrialSubject,
        numbers: list[int],
        pictures: Float[Tensor, "asked 3 side side"],
    ) -> dict[str, Tensor]:
        """Figures and gauges' features for pictures that should show the trials' expressions."""
        wanted = torch.tensor([subject.trials[number].expression for number in numbers])
        named = name_expressions(self.judges.expression, pictures, subject.shown)
        sources = subject.sources[numbers]
        values = {
            "ecs": (named.argmax(dim=1) == wanted).float(),
            "probability": named.gather(1, wanted[:, None])[:, 0],
        }
        for gauge in self.gauges:
            values |= gauge(sources, pictures, wanted)
        return values


def _spread(row: Mapping[str, Tensor], numbers: list[int], kept: list[int]) -> dict[str, Tensor]:
    """Figures of the trials `numbers` as figures of the trials `kept`; NaN where there is none."""
    spread = {}
    for quantity, value in row.items():
        whole = value.new_full((max(numbers + kept) + 1, *value.shape[1:]), float("nan"))
        whole[numbers] = value
        spread[quantity] = whole[kept]
    return spread


def _joined(
    subjects: Sequence[Rows], counts: Sequence[int]
) -> dict[str, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]]:
    """Join the subjects' rows below each other; NaN for a method that a subject did not need."""
    shapes = {
        (method, quantity): value.shape[1:]
        for rows in subjects
        for method, row in rows.items()
        for quantity, value in row.items()
    }
    joined: dict[str, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = {}
    for (method, quantity), shape in shapes.items():
        parts = [
            rows[method][quantity] if method in rows else torch.full((count, *shape), float("nan"))
            for rows, count in zip(subjects, counts, strict=True)
        ]
        joined.setdefault(method, {})[quantity] = torch.cat(parts).double().numpy()
    return joined


def _measurable(subject: TrialSubject, region: Bool[Tensor, "trials 1 side side"]) -> list[int]:
    """Find the trials in which the truth differs from the source where a model may change it."""
    differs = region.any(dim=3).any(dim=2)[:, 0]
    for number, trial in enumerate(subject.trials):
        if trial.kind is Kind.FULL and not differs[number]:
            raise SourceError(
                f"{subject.name}: {EXPRESSION_NAMES[trial.expression]} is the same picture as "
                "neutral; expected one that differs within the model's mask. Render or "
                "photograph it again, or take the identity out of the set."
            )
    return [number for number in range(len(subject.trials)) if differs[number]]
