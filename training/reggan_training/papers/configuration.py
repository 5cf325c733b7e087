"""Everything that decides the outcome of a training run, apart from the data.

Settings are frozen dataclasses. A TOML file names any of them, tables for the nested ones:

    preset = "ablation"
    length_kimg = 30

    [model]
    architecture = "sargan"
    [losses]
    adversarial = 0.25
"""

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal, TypeVar

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.frozen import frozen
from reggan_training.data.identity_and_split import TRAINING_STYLES
from reggan_training.data.pair_table import PairSettings
from reggan_training.papers.networks.expression_model import ModelSettings

Settings = TypeVar("Settings")


@frozen
class GanLossWeights:
    """Weights of the generator's losses; what weighs 0 is left out.

    Attributes:
        paired: mean absolute difference from the target.
        edges: the same of the differences between neighbouring pixels.
        adversarial: to be taken for a render by the discriminator.
        features: distance in the discriminator's features (feature matching).
        expression: to be named as the wanted expression by the discriminator's second head.
        identity: a face that shows the wanted expression already comes back as it was.
        cycle: what was made from a neutral face comes back when neutral is asked for.
    """

    paired: float = 10.0
    edges: float = 10.0
    adversarial: float = 0.5
    features: float = 2.0
    expression: float = 0.3
    identity: float = 0.0
    cycle: float = 0.0

    def __post_init__(self) -> None:
        negative = [name for name, value in dataclasses.asdict(self).items() if value < 0]
        if negative:
            raise ValueError(f"the weight of {', '.join(negative)} is negative; take 0 or more")


@frozen
class AdversarySettings:
    """The discriminator and how it is trained.

    Attributes:
        channels: of its first layer at width 1; the model's width scales them.
        learning_rate: of its Adam.
        objective: `hinge` (Lim & Ye, 2017) or `wasserstein` (Arjovsky et al., 2017).
        penalty: on its gradient: `none`, `r1` (Mescheder et al., 2018, on renders alone) or
            `wgan-gp` (Gulrajani et al., 2017, between renders and what was made).
        penalty_weight: as published: 10 for `wgan-gp`; for `r1` half of it is applied.
        penalty_every: apply the penalty in one step of so many, at so many times the weight
            (lazy regularisation; Karras et al., StyleGAN2, 2020).
        expression_weight: of its own expression loss.
        steps: steps of the discriminator for one of the generator.
    """

    channels: int = 64
    learning_rate: float = 6e-4
    objective: Literal["hinge", "wasserstein"] = "hinge"
    penalty: Literal["none", "r1", "wgan-gp"] = "none"
    penalty_weight: float = 10.0
    penalty_every: int = 1
    expression_weight: float = 1.0
    steps: int = 1

    def __post_init__(self) -> None:
        if self.penalty_every < 1 or self.steps < 1 or self.channels < 4:
            raise ValueError("penalty_every and steps are 1 or more, channels 4 or more")


@frozen
class TrainingSettings:
    """A whole run.

    Attributes:
        seed: of weights, pairs and augmentation.
        length_kimg: training pairs to see, in thousands.
        batch_size: pairs in one step, over all processes.
        learning_rate: of the generator's Adam.
        warmup_kimg: pairs before the discriminator has a say.
        decay_share: last part of the run in which the learning rates fall to a hundredth.
        average_kimg: half-life of the EMA weights, which are the ones exported.
        validate_every_kimg: pairs between two points of the held-out curve.
        half_precision: convolutions in bfloat16.
        closed_form: `fit` masks and filters to the data, or `keep` those that --init-from gave.
        identities: take only so many training identities; all when None.
        training_styles: the styles that are trained on; all others are for testing.
        every_identity: train on all identities, whatever their split and style; none is held
            out, so nothing that is measured on them counts.
    """

    seed: int = 1
    length_kimg: float = 56.0
    batch_size: int = 8
    learning_rate: float = 5e-4
    warmup_kimg: float = 4.0
    decay_share: float = 0.4
    average_kimg: float = 4.0
    validate_every_kimg: float = 2.0
    half_precision: bool = True
    closed_form: Literal["fit", "keep"] = "fit"
    identities: int | None = None
    training_styles: tuple[str, ...] = TRAINING_STYLES
    every_identity: bool = False
    losses: GanLossWeights = field(default_factory=GanLossWeights)
    adversary: AdversarySettings = field(default_factory=AdversarySettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    pairs: PairSettings = field(default_factory=PairSettings)

    def __post_init__(self) -> None:
        if self.length_kimg <= 0 or self.batch_size < 1 or self.learning_rate <= 0:
            raise ValueError("length_kimg, batch_size and learning_rate are more than 0")
        if not 0 < self.decay_share <= 1:
            raise ValueError(f"decay_share is {self.decay_share:g}; take more than 0, at most 1")
        if self.pairs.side_px != self.model.side_px:
            raise ValueError(
                f"pairs.side_px is {self.pairs.side_px}, model.side_px {self.model.side_px}; "
                "take the same"
            )


def read_toml(path: Path) -> dict[str, Any]:
    """Read the tables of a configuration file.

    Raises:
        SourceError: it is missing or no TOML; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read ({error}). Name a TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{path} is not TOML: {error}. Mend that line.") from error


def settings_with(settings: Settings, changes: Mapping[str, Any], source: str) -> Settings:
    """Put the values of nested tables into settings, every one checked for its type.

    Args:
        settings: a frozen dataclass.
        changes: values by name; a table for a nested dataclass.
        source: what to call the file, or the table within it, in an error.

    Raises:
        UsageError: a name is unknown, a value of another type or out of its range.
    """
    hints = typing.get_type_hints(type(settings))
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in hints:
            raise UsageError(_unknown(name, list(hints), source))
        current = getattr(settings, name)
        if dataclasses.is_dataclass(current) and isinstance(value, Mapping):
            values[name] = settings_with(current, value, f"{source} [{name}]")
        else:
            values[name] = _value_as(hints[name], value, f"{name} in {source}")
    try:
        return dataclasses.replace(settings, **values)  # type: ignore[type-var]
    except ValueError as error:
        raise UsageError(f"{source} asks for what cannot be: {error}.") from error


def settings_with_tables(
    settings: TrainingSettings, tables: Mapping[str, Any], source: str
) -> TrainingSettings:
    """Put the values of a file, or of the command line, into a run's settings.

    Another `model.side_px` takes the regression layer and the pairs along.

    Raises:
        UsageError: as `settings_with`.
    """
    tables = dict(tables)
    model_table = tables.pop("model", {})
    if not isinstance(model_table, Mapping):
        raise UsageError(f"model in {source} is {model_table!r}; expected a table.")
    model_table = dict(model_table)
    model = settings.model
    side_px = model_table.pop("side_px", None)
    if side_px is not None:
        model = model_of_side(model, _value_as(int, side_px, f"model.side_px in {source}"))
    model = settings_with(model, model_table, f"{source} [model]")
    return settings_with(settings_for_model(settings, model), tables, source)


def settings_for_model(settings: TrainingSettings, model: ModelSettings) -> TrainingSettings:
    """Give a run another network; pairs are drawn at its size."""
    pairs = dataclasses.replace(settings.pairs, side_px=model.side_px)
    return dataclasses.replace(settings, model=model, pairs=pairs)


def model_of_side(model: ModelSettings, side_px: int) -> ModelSettings:
    """Change a network to crops of another size, its regression layer scaled along.

    Raises:
        UsageError: no network takes that size.
    """
    layer = model.regression
    factor = layer.side_px / model.side_px
    scaled = dataclasses.replace(
        layer,
        side_px=round(side_px * factor),
        dilation=max(1, round(layer.dilation * side_px / model.side_px)),
    )
    try:
        return dataclasses.replace(model, side_px=side_px, regression=scaled)
    except ValueError as error:
        raise UsageError(f"A side of {side_px} px cannot be: {error}.") from error


def settings_from_record(kind: type[Settings], record: Mapping[str, Any]) -> Settings:
    """Read settings from the JSON that `dataclasses.asdict` became.

    A field that the record is too old to have takes its default, so the default of a field that
    is added must be what was done before it.

    Raises:
        KeyError, TypeError, ValueError: the record is of a later version, or damaged.
    """
    hints = typing.get_type_hints(kind)
    if unknown := set(record) - set(hints):
        raise KeyError(f"unknown settings {sorted(unknown)}")
    values: dict[str, Any] = {}
    for name, value in record.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            values[name] = settings_from_record(hint, value)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _unknown(name: str, known: list[str], source: str) -> str:
    near = difflib.get_close_matches(name, known, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"{source} names {name!r}; known are {', '.join(known)}.{meant}"


def _value_as(hint: Any, value: Any, place: str) -> Any:
    """Return the value, if it is what the type hint says; whole numbers are good floats.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        return _value_as(kinds[0], value, place)
    if typing.get_origin(hint) is Literal:
        if value in typing.get_args(hint):
            return value
        expected = "one of " + ", ".join(map(repr, typing.get_args(hint)))
    elif typing.get_origin(hint) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            return tuple(value)
        expected = "a list of names"
    elif dataclasses.is_dataclass(hint):
        expected = "a table"
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if type(value) is hint or (hint is float and number):
            return hint(value)
        expected = {bool: "true or false", int: "a whole number", float: "a number"}.get(
            hint, "a text"
        )
    raise UsageError(f"{place} is {value!r}; expected {expected}.")
