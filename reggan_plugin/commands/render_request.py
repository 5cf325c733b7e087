"""What `render` can be asked for: all of its options, and the request that they make."""

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click

from reggan_plugin.commands.options.face import FaceOptions, face_options
from reggan_plugin.commands.options.grouped import grouped_option, options_as
from reggan_plugin.commands.options.input import InputOptions, input_options
from reggan_plugin.commands.options.intensity import (
    AskedExpressions,
    ShotExpression,
    intensity_options,
)
from reggan_plugin.commands.options.picture import picture_options
from reggan_plugin.commands.options.shared import existing_options, exposure_option, rig_options
from reggan_plugin.commands.render_model import ModelOptions, model_and_batch_options
from reggan_plugin.errors import UsageError
from reggan_plugin.files.credentials_signed import Signing
from reggan_plugin.files.video_codecs import VIDEO_CODECS, Coding
from reggan_plugin.jobs.picture_settings import PictureSettings
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.jobs.render_settings import MissingFace, RenderSettings, RigFiles
from reggan_plugin.jobs.video_job import DEFAULT_FPS

_MOST_FPS = 1000
_MOST_BITRATE = 10**9
_CRF = {name: codec.options["crf"] for name, codec in VIDEO_CODECS.items() if codec.most_crf}
_PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _signing_from_options(
    certificate: Path | None,
    key: Path | None,
) -> Signing | None:
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
        help="Folder for the frames, or a file for a single one. {expression} in it stands for "
        "the expression's name. - is standard output.  [default: <name>_<expression> beside the "
        "source]",
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
