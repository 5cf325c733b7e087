"""Words to copy from the page: the command line, Python, and a preset in TOML."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from reggan_plugin.curves.retargeting import ASYMMETRY
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.image_format import is_video
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.plan import default_output_file
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.open_files import OpenShot
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, check_preset_name

_PYTHON = """\
from pathlib import Path

from reggan_plugin import ExpressionMix, ExpressionTransfer, FaceChoice, read_frame, write_frame

transfer = ExpressionTransfer({model})
source = Path({source!r})
frame = read_frame(source)
faces = transfer.find_faces(frame, FaceChoice({choice}))
exposure_ev = transfer.auto_exposure(frame, faces)
mix = ExpressionMix({weights}{more})
pixels = transfer.render(frame, mix, faces, exposure_ev)
write_frame(frame, pixels, source.with_name({name!r}))
"""


@frozen
class PageOptions:
    """Options that the page was started with and that a command repeats.

    Attributes:
        model: name or file; None for the default.
        device: where it runs.
        presets: file of presets of one's own.
        out: folder for shots rendered from uploads.
    """

    model: str | None = None
    device: str = "auto"
    presets: Path | None = None
    out: Path = field(default_factory=Path)


def command_line(
    source: Path, change: SliderValues, choice: FaceChoice, options: PageOptions, out: Path | None
) -> str:
    """Return the `render` that does the same to a frame or shot, for this system's shell."""
    return _render_line(source, _asked(change, options), choice, options, out)


def texture_command(
    shot: OpenShot, change: SliderValues, options: PageOptions, *, wants_map: bool
) -> str:
    """Return the `texture` that does the same to a head: a new one with the changed map, or the
    map.
    """
    source = Path(shot.source.name) if shot.is_uploaded else shot.source
    words = ["reggan-plugin", "texture", "--mesh", str(source)]
    if shot.texture is not None:
        texture = Path(shot.texture.name) if shot.is_uploaded else shot.texture
        words += ["--texture", str(texture)]
    words += [*_asked(change, options), *_model_options(options)]
    if not wants_map:
        label = change.mix.label or "unchanged"
        words += ["--out-mesh", str(default_output_file(source, label))]
    return _joined(words)


def take_command(
    source: Path,
    take: Path,
    fit: Mapping[str, Any],
    change: SliderValues,
    choice: FaceChoice,
    options: PageOptions,
    out: Path | None,
) -> str:
    """Return the `render` that drives a shot by a take, at the intensity of a change; `fit` is
    the table of a character.
    """
    asked = ["--curves", str(take)]
    for word, value in fit.items():
        if word == ASYMMETRY:
            asked += ["--curves-asymmetry", f"{value:g}"]
            continue
        parts = value if isinstance(value, Mapping) else {"gain": value}
        gain, offset = f"{word}={parts.get('gain', 1):g}", parts.get("offset", 0)
        asked += ["--curves-gain", f"{gain},{offset:g}" if offset else gain]
    if change.intensity != 1.0:
        asked += ["--intensity", f"{change.intensity:g}"]
    return _render_line(source, asked, choice, options, out)


def _render_line(
    source: Path, asked: Sequence[str], choice: FaceChoice, options: PageOptions, out: Path | None
) -> str:
    at = f"./{source}" if str(source).startswith("-") else str(source)  # it would be an option
    given = [at] if is_video(source) else ["--frames", str(source)]
    words = ["reggan-plugin", "render", *given, *asked, *_face_options(choice)]
    words += _model_options(options)
    if out is not None:
        words += ["--out", str(out)]
    return _joined(words)


def _asked(change: SliderValues, options: PageOptions) -> list[str]:
    words = expression_options(change)
    named = {name for one in (change, *change.by_face.values()) for name in one.weights}
    if options.presets is not None and any(name in change.own for name in named):
        words += ["--presets", str(options.presets)]
    return words


def _model_options(options: PageOptions) -> list[str]:
    words = ["--model", options.model] if options.model is not None else []
    return [*words, *(["--device", options.device] if options.device != "auto" else [])]


def expression_options(change: SliderValues) -> list[str]:
    """Return the options of `render` that ask for a change."""
    if change.by_face:
        each = [f"{face}={_blend(of.mix.intensities)}" for face, of in change.by_face.items()]
        adds = any(of.adds for of in change.by_face.values())
        return [word for one in each for word in ("--face", one)] + (["--add"] if adds else [])
    named = {n: w for n, w in change.weights.items() if n in NAMED_EXPRESSIONS or n in change.own}
    words = ["--expression", _blend(named)] if named else []
    if change.intensity != 1.0:
        words += ["--intensity", f"{change.intensity:g}"]
    for name, weight in change.weights.items():
        if name not in named:
            words += ["--shape", f"{name}={weight:g}"]
    return [*words, *(["--add"] if change.adds else [])]


def _blend(weights: Mapping[str, float]) -> str:
    return "+".join(name if w == 1 else f"{name}:{w:g}" for name, w in weights.items())


def python_text(
    source: Path, change: SliderValues, choice: FaceChoice, options: PageOptions
) -> str:
    """Return a script that does the same to a frame."""
    if is_video(source.parent):
        raise UsageError(
            "Python changes pictures, and this is a frame of a clip. Save the frame first, or copy "
            "the command."
        )
    if change.by_face:
        raise UsageError(
            "Each face has its own expression. Copy the command, or see faces= on the page Python."
        )
    if any(name in change.own for name in change.weights):
        raise UsageError(
            "Python has no presets of one's own: take their face shapes, or the command line."
        )
    given = [repr(options.model)] if options.model is not None else []
    given += [f"device={options.device!r}"] if options.device != "auto" else []
    mix = change.mix
    return _PYTHON.format(
        model=", ".join(given),
        source=str(source),
        choice=_choice_in_python(choice),
        weights={name: round(weight, 6) for name, weight in mix.intensities.items()},
        more=", adds=True" if mix.adds else "",
        name=f"{source.stem}_{mix.label}{source.suffix}",
    )


def preset_text(name: str, change: SliderValues) -> str:
    """Return a preset in TOML that asks for this change: its face shapes, `neutral`, `shutMouth`.

    Raises:
        UsageError: nothing is asked for, or no preset may have this name.
    """
    check_preset_name(name)
    weights = change.mix.shape_weights()
    if not weights:
        raise UsageError("Nothing is asked for yet: move a slider or choose an expression first.")
    heading = json.dumps(name, ensure_ascii=False)
    lines = [f"[{heading}]", *(f"{part} = {w:.4g}" for part, w in weights.items())]
    return "\n".join([*lines, "adds = true"]) + "\n"


def _choice_in_python(choice: FaceChoice) -> str:
    if choice.whole_image:
        return "whole_image=True"
    if choice.box is not None:
        return f"box={choice.box}"
    return "" if choice.which == "largest" else f"which={choice.which}"


def _face_options(choice: FaceChoice) -> list[str]:
    if choice.whole_image:
        return ["--whole-image"]
    if choice.box is not None:
        return ["--face-box", ",".join(f"{value:g}" for value in choice.box)]
    return ["--face", str(choice.which)] if isinstance(choice.which, int) else []


def _joined(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
