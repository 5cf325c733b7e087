"""The model of a command: its options, its device, and how it is opened."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reggan_plugin.backends.devices import AUTO, DEVICE_KINDS, GPU, device_from_text
from reggan_plugin.commands.options.options_and_settings_file import (
    grouped_option,
    options_as,
    together,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.change_layers import MOTION_LAYERS
from reggan_plugin.jobs.render_job import SideBySide
from reggan_plugin.jobs.render_settings import PictureSettings, RenderSettings, RigFiles
from reggan_plugin.jobs.results_and_events import ModelInUse
from reggan_plugin.models.model_card import installed_models
from reggan_plugin.rig.mouth_drawing import MOUTH_STYLES, MouthStyle
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

if TYPE_CHECKING:
    from reggan_plugin.rig.own_rig import RigMesh


_model_option = partial(grouped_option, "Model")


def open_model(
    model: str | None, device: str, batch: int = 1, rig: RigFiles | None = None
) -> tuple[ExpressionTransfer, ModelInUse]:
    """Load a model by name or path on a device, to take `batch` faces at once; say what was taken.

    Files of a rig are read first; remarks on it are in the model's `remarks`.

    Raises:
        UnknownModelError, ModelError: there is no such model, or it cannot be honoured.
        DeviceUnavailableError: the device that was named cannot be had.
        MeshError, FaceNotFoundError, UsageError: the rig cannot be taken; see `wear_rig`.
    """
    rig = rig or RigFiles()
    head, teeth = (None if path is None else _rig_mesh(path) for path in (rig.rig, rig.teeth))
    transfer = ExpressionTransfer(
        model, device=device, batch=batch, rig=head, teeth=teeth, mouth=rig.mouth
    )
    in_use = ModelInUse(
        name=transfer.card.name,
        version=transfer.card.version,
        sha256=transfer.card.weights_sha256,
        device=transfer.device,
        device_reason=transfer.device_reason,
    )
    return transfer, in_use


def opened(model: str | None, device: str, batch: int, rig: RigFiles) -> ExpressionTransfer:
    """Open a model in a process that renders beside others; see `open_model`."""
    return open_model(model, device, batch, rig)[0]


def _rig_mesh(path: Path) -> "RigMesh":
    from reggan_plugin.textures.read_rig import read_rig  # most take the template that ships

    return read_rig(path)


def complete_devices(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names of devices for a shell."""
    return [name for name in (AUTO, GPU, *DEVICE_KINDS) if name.startswith(begun)]


def complete_models(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names of installed models for a shell."""
    return [name for name in installed_models() if name.startswith(begun)]


model_options = together(
    _model_option(
        "-m --model NAME|FILE.onnx",
        is_input=True,
        shell_complete=complete_models,
        help="Model: a name that `reggan-plugin models` lists, or a file.",
    ),
    _model_option(
        "-d --device auto|cpu|gpu|cuda:0|...",
        default="auto",
        shell_complete=complete_devices,
        help="Where the model runs. `reggan-plugin doctor` lists the names; gpu is the best GPU. "
        "If the device does not work here, that is an error.",
    ),
)
"""`--model` and `--device`."""


_MESH = click.Path(exists=True, dir_okay=False, path_type=Path)


def _rig_files(rig: Path | None, teeth: Path | None, mouth: MouthStyle) -> RigFiles:
    """Return the files of a rig, and those that they name.

    Raises:
        MeshError: one is broken, or names what is not beside it.
    """
    named: list[Path] = []
    for mesh in (rig, teeth):
        if mesh is not None:
            from reggan_plugin.textures.read_mesh import files_of_mesh  # as of `read_rig`

            named += files_of_mesh(mesh)[1:]
    return RigFiles(rig=rig, teeth=teeth, mouth=mouth, named=tuple(named))


rig_options = options_as(
    "rig_files",
    _rig_files,
    _model_option(
        "--rig FILE.glb",
        is_input=True,
        type=_MESH,
        help="The character's own mesh with ARKit's face shapes (GLB, VRM, glTF or USD). Faces "
        "move as it does, and show its teeth.",
    ),
    _model_option(
        "--teeth FILE.glb",
        is_input=True,
        type=_MESH,
        help="Teeth of your own: both rows, upright, looking to the front.",
    ),
    _model_option(
        "--mouth",
        type=click.Choice(MOUTH_STYLES),
        default="auto",
        help="What parted lips show: rendered teeth; a plate, as toons have it; or an empty "
        "mouth. auto gives flat drawings softer teeth. closed parts no lips, whatever you ask for.",
    ),
)
"""`--rig`, `--teeth` and `--mouth`; the command takes `rig_files`, a `RigFiles`."""


MOST_BATCH = 64


MOST_JOBS = 256


@frozen(kw_only=False)
class ModelOptions:
    """A model by name or file, its device, and the faces that it is given at once."""

    model: str | None
    device: str
    batch: int
    jobs: int | None

    def side_by_side(
        self, settings: RenderSettings, in_use: ModelInUse | None, frames: int
    ) -> SideBySide | None:
        """Return the processes that share the frames of a shot, of at most so many frames; None
        for this one alone.

        Unless they are asked for, a GPU is not shared: nobody measured that this is faster.
        """
        on_cpu = in_use is not None and in_use.device == "cpu"
        if 1 in (self.jobs, frames) or (self.jobs is None and not on_cpu):
            return None
        own = partial(opened, self.model, self.device, self.batch, settings.rig)
        return SideBySide(processes=self.jobs, open_transfer=own)

    def open_for(
        self, asked: Sequence[RenderSettings], *, on_cpu: bool = False
    ) -> tuple[ExpressionTransfer | None, ModelInUse | None]:
        """Open it, if there is anything for it to change.

        Raises:
            UsageError: it cannot do what is asked for.
        """
        if all(settings.mix.changes_nothing for settings in asked):
            return None, None
        transfer, in_use = open_model(
            self.model, "cpu" if on_cpu else self.device, self.batch, asked[0].rig
        )
        for mix in (part for settings in asked for part in settings.mix.parts):
            transfer.card.vector_of(mix)  # refuses what the model cannot do
        if not transfer.card.says_motion:
            _refuse_motion(asked[0].picture, transfer.card.name)
        return transfer, in_use

    def in_dry_run(self, asked: Sequence[RenderSettings]) -> ModelInUse | None:
        """Return the model as it would be used; it is opened on the CPU, which every machine
        has.
        """
        if self.device not in (AUTO, GPU):
            device_from_text(self.device)  # refuses what is no device anywhere
        _, in_use = self.open_for(asked, on_cpu=True)
        return in_use


def jobs_from_text(text: str) -> int | None:
    """Read a number of processes; None for `auto`."""
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text[:4]) <= MOST_JOBS:
        raise click.BadParameter(f"{text!r} is neither auto nor a number from 1 to {MOST_JOBS}.")
    return int(text)


def _refuse_motion(picture: PictureSettings, model: str) -> None:
    """Refuse what only a model can do that says where a face moves.

    Raises:
        UsageError: something of that is asked for.
    """
    found = f"The model {model} answers with pictures and says nothing of where a face moves"
    other = "or take a model with controls: reggan-plugin models lists them."
    if picture.moves_alpha:
        raise UsageError(f"{found}, so alpha cannot move with it. Leave out --move-alpha, {other}")
    if picture.needs_motion:
        raise UsageError(
            f"{found}, so passes cannot move with it, and there is no {', '.join(MOTION_LAYERS)}. "
            f"Leave out --move-layers and ask for mask and delta alone (--exr-layers mask,delta), "
            f"{other}"
        )


model_and_batch_options = options_as(
    "asked_model",
    ModelOptions,
    model_options,
    _model_option(
        "--batch N",
        type=click.IntRange(1, MOST_BATCH),
        default=1,
        help="How many faces the model gets at once, from several frames. Only a GPU gains from "
        "it; a processor takes one at a time.",
    ),
    _model_option(
        "--jobs N|auto",
        type=jobs_from_text,
        default="auto",
        help="How many processes share the frames of a shot, with the same bits as one. Each "
        "takes about 1.8 GB of memory at 4K. auto takes one for each idle core, if there are 8 "
        "frames and 3 GB of free memory for each.",
    ),
)
"""Model, device, batch and jobs; the command takes `asked_model`, an `ModelOptions`."""
