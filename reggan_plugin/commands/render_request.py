"""What `render` can be asked for: all of its options, the request that they make, and its model."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import click

from reggan_plugin.backends.runner import AUTO, GPU, device_from_text
from reggan_plugin.commands.open_model import open_model, opened
from reggan_plugin.commands.options.face import FaceOptions, face_options
from reggan_plugin.commands.options.grouped import grouped_option, options_as
from reggan_plugin.commands.options.input import InputOptions, input_options
from reggan_plugin.commands.options.intensity import (
    AskedExpressions,
    ShotExpression,
    intensity_options,
)
from reggan_plugin.commands.options.picture import picture_options
from reggan_plugin.commands.options.shared import (
    existing_options,
    exposure_option,
    model_options,
    rig_options,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.files.credentials_signed import Signing
from reggan_plugin.files.video_codecs import VIDEO_CODECS, Coding
from reggan_plugin.jobs.change_layers import MOTION_LAYERS
from reggan_plugin.jobs.picture_settings import PictureSettings
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.jobs.render_settings import MissingFace, RenderSettings, RigFiles
from reggan_plugin.jobs.results import ModelInUse
from reggan_plugin.jobs.side_by_side import SideBySide
from reggan_plugin.jobs.video_job import DEFAULT_FPS
from reggan_plugin.models.shipped_models import find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

MOST_BATCH = 64
MOST_JOBS = 256


@dataclass(frozen=True)
class ModelOptions:
    """A model by name or file, its device, and the faces that it is given at once."""

    model: str | None
    device: str
    batch: int
    jobs: int | None

    def refuse_unknown(self) -> None:
        """Fail early if there is no such model.

        Raises:
            UnknownModelError: there is none.
        """
        find_model(self.model)

    def side_by_side(
        self, settings: RenderSettings, in_use: ModelInUse | None
    ) -> SideBySide | None:
        """Return the processes that share a shot's frames; None for this one alone.

        Unless they are asked for, a GPU is not shared: nobody measured that this is faster.
        """
        on_cpu = in_use is not None and in_use.device == "cpu"
        if self.jobs == 1 or (self.jobs is None and not on_cpu):
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
    grouped_option(
        "Model",
        "--batch",
        type=click.IntRange(1, MOST_BATCH),
        default=1,
        show_default=True,
        metavar="N",
        help="How many faces the model gets at once, from several frames. Only a GPU gains from "
        "it; a processor takes one at a time.",
    ),
    grouped_option(
        "Model",
        "--jobs",
        type=jobs_from_text,
        default="auto",
        show_default=True,
        metavar="N|auto",
        help="How many processes share the frames of a shot, with the same bits as one. Each "
        "takes about 1.8 GB of memory at 4K. auto takes one for each idle core, if there are 8 "
        "frames and 3 GB of free memory for each.",
    ),
)
"""Model, device, batch and jobs; the command takes `asked_model`, an `ModelOptions`."""

_MOST_FPS = 1000
_MOST_BITRATE = 10**9
_CRF = {name: codec.options["crf"] for name, codec in VIDEO_CODECS.items() if codec.most_crf}
_PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _signing_from_options(certificate: Path | None, key: Path | None) -> Signing | None:
    if (certificate is None) != (key is None):
        raise UsageError("--sign CERT.pem and --key KEY.pem belong together. Give both.")
    if certificate is None or key is None:
        return None
    return Signing(certificate=certificate, key=key)


def fps_from_text(text: str) -> Fraction:
    """Read frames a second: a number or a fraction."""
    try:
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError):
        fps = Fraction(0)
    if not 0 < fps <= _MOST_FPS:
        raise click.BadParameter(
            f"{text[:80]!r} is no number of frames a second, up to {_MOST_FPS}, such as 24 or "
            "30000/1001."
        )
    return fps.limit_denominator(1001)


def bitrate_from_text(text: str) -> int:
    """Read bits a second: 8M, 800k or a number."""
    found = re.fullmatch(r"(\d{1,9})([kM]?)", text)
    bits = int(found[1]) * {"": 1, "k": 1000, "M": 1_000_000}[found[2]] if found else 0
    if not 0 < bits <= _MOST_BITRATE:
        raise click.BadParameter(
            f"{text[:80]!r} is no number of bits a second, such as 8M or 800k."
        )
    return bits


coding_options = options_as(
    "coding",
    Coding,
    grouped_option(
        "Output",
        "--codec",
        type=click.Choice(list(VIDEO_CODECS)),
        help="Codec of a video.  [default: that of the source, or the usual one of the file "
        "format]",
    ),
    grouped_option(
        "Output",
        "--quality",
        type=click.IntRange(min=0),
        metavar="CRF",
        help="Quality of a video, as its codec counts it: 0 is the best, and the largest file.  "
        f"[default: {', '.join(f'{crf} for {name}' for name, crf in _CRF.items())}]",
    ),
    grouped_option(
        "Output",
        "--bitrate",
        type=bitrate_from_text,
        metavar="BITS",
        help="Bits a second of a video, such as 8M or 800k, in place of --quality.",
    ),
)
"""The command takes them as `coding`."""

signing_options = options_as(
    "signing",
    _signing_from_options,
    grouped_option(
        "Output",
        "--sign",
        "certificate",
        type=_PEM_FILE,
        is_input=True,
        metavar="CERT.pem",
        help="Sign changed frames with Content Credentials (C2PA): inside PNG, JPEG, TIFF and "
        "WebP, in a file beside the others. CERT.pem is the signer's certificate, then those "
        "that issued it. Needs the extra [c2pa].",
    ),
    grouped_option(
        "Output",
        "--key",
        type=_PEM_FILE,
        is_input=True,
        metavar="KEY.pem",
        help="The key of --sign, without a password. It is never written anywhere.",
    ),
)
"""`--sign` and `--key`; the command takes `signing`, None without them."""


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """Values of the options, by the names that the options below give them."""

    asked_inputs: InputOptions
    asked: AskedExpressions
    exposure_ev: float | None
    faces: FaceOptions
    picture: PictureSettings
    on_missing_face: MissingFace | None
    asked_model: ModelOptions
    rig_files: RigFiles
    asked_out: str | None
    atlas: Path | None
    existing: Existing
    stamp: bool
    signing: Signing | None
    coding: Coding
    fps: Fraction | None
    dry_run: bool
    as_json: bool

    @property
    def out(self) -> Path | None:
        """The folder or file that was named."""
        return None if self.asked_out is None else Path(self.asked_out)

    @property
    def out_is_folder(self) -> bool:
        """Whether a slash at its end says so, whatever its name."""
        return (self.asked_out or "").endswith(("/", os.sep))

    @property
    def expressions(self) -> tuple[ShotExpression, ...]:
        """The expressions, each for results of its own."""
        return self.asked.with_faces(self.faces.by_face)

    def settings_of(self, asked: ShotExpression) -> RenderSettings:
        """Return what becomes of every frame, before the expression is laid on a shot."""
        return RenderSettings(
            mix=asked.mix,
            choice=self.faces.choice_with(others=bool(self.asked.shots)),
            on_missing_face=self.on_missing_face or "copy",
            exposure_ev=self.exposure_ev,
            picture=self.picture,
            rig=self.rig_files,
            stamp=self.stamp,
            signing=self.signing,
        )


render_options = options_as(
    "request",
    RenderOptions,
    input_options,
    intensity_options,
    exposure_option("Expression"),
    face_options,
    picture_options,
    grouped_option(
        "Face",
        "--on-missing-face",
        type=click.Choice(["copy", "skip", "fail"]),
        help="What to do with a frame without a face.  [default: copy; fail for one picture]",
    ),
    model_and_batch_options,
    rig_options,
    grouped_option(
        "Output",
        "-o",
        "--out",
        "asked_out",
        type=click.Path(),
        metavar="DIR|FILE|-",
        help="Folder for the frames, which keep their names in it, or a file for a single one. "
        "{expression} in it stands for the expression's name. - is standard output.  [default: "
        "<name>_<expression> beside the source]",
    ),
    grouped_option(
        "Output",
        "--atlas",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE.png",
        help="Also put each picture and its results side by side on one sheet. FILE.json says "
        "where each one is.",
    ),
    existing_options,
    grouped_option(
        "Output",
        "--stamp/--no-stamp",
        default=True,
        show_default=True,
        help="Say in the metadata of changed frames that a model changed them.",
    ),
    signing_options,
    coding_options,
    grouped_option(
        "Output",
        "--fps",
        type=fps_from_text,
        metavar="FPS",
        help="Frames a second of a video that is made of pictures: 24, 23.976, 30000/1001.  "
        f"[default: {DEFAULT_FPS}]",
    ),
    grouped_option(
        "Output", "--dry-run", is_flag=True, help="List what would be written. Write nothing."
    ),
    grouped_option(
        "Output",
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON summary in place of the paths. Progress and messages are JSON lines.",
    ),
)
"""The command takes them as `request`."""
