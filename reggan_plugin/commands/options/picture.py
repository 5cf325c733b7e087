"""Options about pictures: what their numbers mean, where a change counts, how EXR is written."""

import math
from functools import partial
from pathlib import Path

import click

from reggan_plugin.change.region_limits import LARGEST_BLUR, LARGEST_GROWTH, RegionLimits
from reggan_plugin.commands.options.options_and_settings_file import (
    AddOption,
    FiniteRange,
    grouped_option,
    options_as,
    output_option,
)
from reggan_plugin.files.colour_management import colour_space_from_name
from reggan_plugin.files.exr.writing_settings import (
    CHANGE_LAYERS,
    LOSSLESS_COMPRESSIONS,
    ChangeLayer,
    ExrWriting,
    LosslessCompression,
    PassChoice,
)
from reggan_plugin.files.frame import Reading
from reggan_plugin.files.matte import Matte
from reggan_plugin.imaging.pass_rules import PASS_RULES, PassRule
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.render_settings import PictureSettings


def change_layers_from_text(text: str) -> tuple[ChangeLayer, ...]:
    """Read names of layers with commas between; `all` is all of them."""
    if text.strip() == "all":
        return CHANGE_LAYERS
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in CHANGE_LAYERS]
    if unknown or not names:
        raise click.BadParameter(
            f"{text!r} is no list of layers; give all, or some of {', '.join(CHANGE_LAYERS)}."
        )
    return tuple(layer for layer in CHANGE_LAYERS if layer in names)


def passes_from_text(text: str) -> PassChoice | None:
    """Read `auto`, `none` or names with commas between, each perhaps with `=rule` behind it."""
    if text in ("auto", "none"):
        return PassChoice() if text == "auto" else None
    patterns: list[tuple[str, PassRule | None]] = []
    for word in (word.strip() for word in text.split(",") if word.strip()):
        name, equals, rule = word.partition("=")
        if not name or (equals and rule not in PASS_RULES):
            raise click.BadParameter(
                f"{word!r} is no name of a pass with a rule; rules are {', '.join(PASS_RULES)}."
            )
        patterns.append((name, next((one for one in PASS_RULES if one == rule), None)))
    if not patterns:
        raise click.BadParameter("no pass is named; give auto, none or names of passes.")
    return PassChoice(patterns=tuple(patterns))


def reading_options(heading: str) -> AddOption:
    """Add `--colorspace` and `--exr-picture` under a heading; the command takes a `reading`."""
    return options_as(
        "reading",
        Reading,
        grouped_option(
            heading,
            "--colorspace NAME",
            "colour_space",
            type=colour_space_from_name,
            help="Colour space of the pictures, such as ACEScg: a name of the OpenColorIO config "
            "in $OCIO, else of the built-in ACES config.  [default: linear Rec. 709 for EXR and "
            "float TIFF, else sRGB]",
        ),
        grouped_option(
            heading,
            "--exr-picture NAME",
            help="Layer, part or view of an EXR that is the picture.  [default: R, G, B, or "
            "Combined]",
        ),
    )


def _matte_from_options(matte: str | None, matte_channel: str | None) -> Matte | None:
    if matte is None and matte_channel is None:
        return None
    return Matte(source=matte, channel=matte_channel)


def _writing_from_options(
    exr_compression: LosslessCompression | None,
    layers: tuple[ChangeLayer, ...] | None,
    layers_out: Path | None,
) -> tuple[ExrWriting, LayerFiles | None]:
    """Return settings for writing EXR, and the layers that go to files of their own."""
    if layers_out is None:
        return ExrWriting(compression=exr_compression, layers=layers or ()), None
    beside = LayerFiles(folder=layers_out, layers=layers or CHANGE_LAYERS)
    return ExrWriting(compression=exr_compression, layers=()), beside


_region_option = partial(grouped_option, "Region")


picture_options = options_as(
    "picture",
    PictureSettings,
    reading_options("Frames"),
    options_as(
        "limits",
        RegionLimits,
        _region_option(
            "--region",
            "part",
            type=click.Choice(["all", "upper", "lower"]),
            default="all",
            help="Part of the face that may change. upper is brows, lids and eyes; lower is the "
            "rest.",
        ),
        _region_option(
            "--mask-grow PART",
            "grow",
            type=FiniteRange(-LARGEST_GROWTH, LARGEST_GROWTH),
            default=0.0,
            help="Widen the mask. 1 would be the side of the face box (brows to below the chin). "
            "A number below 0 makes the mask narrower.",
        ),
        _region_option(
            "--mask-blur PART",
            "blur",
            type=FiniteRange(0, LARGEST_BLUR),
            default=0.0,
            help="Soften the edge of the mask, in the same measure.",
        ),
    ),
    options_as(
        "matte",
        _matte_from_options,
        _region_option(
            "--matte FILE|DIR|PATTERN",
            help="Pictures of the frames' size, or one for all frames. Where it is black, "
            "nothing changes. Its alpha counts; without alpha, its red.",
        ),
        _region_option(
            "--matte-channel NAME",
            help="EXR channel that is the matte. Without --matte it is a channel of the frames.",
        ),
    ),
    options_as(
        ("writing", "layer_files"),
        _writing_from_options,
        output_option(
            "--exr-compression",
            type=click.Choice(list(LOSSLESS_COMPRESSIONS)),
            help="Compress the picture of an EXR in this way. All of them keep every bit.  "
            "[default: the file's own]",
        ),
        output_option(
            "--exr-layers all|stmap,gain,...",
            "layers",
            type=change_layers_from_text,
            default=None,
            help="Add the change to EXR files as layers: stmap (where each pixel comes from), "
            "inverse (where it goes), gain (factor on light), paint, mask, delta (after minus "
            "before). See docs/layers.md.",
        ),
        output_option(
            "--layers-out DIR",
            type=click.Path(file_okay=False, path_type=Path),
            help="Write the layers as files of their own, for frames of any format: "
            "DIR/stmap/NAME.exr, DIR/gain/NAME.exr, ... All layers, unless --exr-layers names "
            "some.",
        ),
    ),
    output_option(
        "--move-alpha",
        "moves_alpha",
        is_flag=True,
        help="Move the alpha with the face, so that its outline changes, too. Not with models of "
        "contract 1, such as sargan.",
    ),
    output_option(
        "--move-layers auto|none|NAMES",
        "passes",
        type=passes_from_text,
        default="auto",
        help="Other passes of an EXR that move with the face, with * and ?: normal,albedo,crypto*. "
        "auto takes those whose name says what they hold; a rule can be given: "
        f"foo=nearest ({', '.join(PASS_RULES)}).",
    ),
)
"""All options of this module; the command takes `picture`, `PictureSettings`."""


_MOST_STOPS = 20


def exposure_from_text(text: str) -> float | None:
    """Read a number of stops; None for `auto`."""
    if text == "auto":
        return None
    try:
        stops = float(text)
    except ValueError:
        stops = math.nan
    if not abs(stops) <= _MOST_STOPS:  # also true for NaN
        raise click.BadParameter(
            f"{text!r} is neither auto nor a number of stops from -{_MOST_STOPS} to "
            f"{_MOST_STOPS}, such as -1.5."
        )
    return stops


def exposure_option(heading: str) -> AddOption:
    """Add `--exposure` under a heading of the help; the command takes it as `exposure_ev`."""
    return grouped_option(
        heading,
        "--exposure auto|EV",
        "exposure_ev",
        type=exposure_from_text,
        default="auto",
        help="Stops that bring a scene-linear face to the brightness of a display, for the model "
        "only; the file keeps its exposure. auto measures the first face of the shot.",
    )
