"""Settings as the arguments of a `reggan-plugin` command. Pure: nothing is read or run."""

from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

from .errors import BridgeError
from .expression_options import PanelRequest

Existing = Literal["refuse", "resume", "overwrite"]
"""What becomes of results that are there already."""


@dataclass(frozen=True, kw_only=True)
class FaceSettings:
    """The choice of a face.

    Attributes:
        choice: `largest`, `all` or an index; of tracks, the number there.
        tracks: where the faces are in every frame.
    """

    choice: str = "largest"
    tracks: Path | None = None

    def arguments(self) -> list[str]:
        """Options of every command that looks for faces."""
        return ["--face", self.choice, *_option("--tracks", self.tracks)]


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model, by name or file, its device, and a character's own rig; None leaves it out."""

    model: str | None = None
    device: str | None = None
    rig: Path | None = None

    def arguments(self) -> list[str]:
        """Options of every command that runs a model."""
        return [
            *_option("--model", self.model),
            *_option("--device", self.device),
            *_option("--rig", self.rig),
        ]


def refuse_native_code(model: str) -> None:
    """Refuse a model that is not data: the name stands in the .blend, which anybody may have made.

    Raises:
        BridgeError: it is a path to anything but an .onnx file, such as a TensorRT engine.
    """
    kind = PurePath(model.replace("\\", "/")).suffix.lower()
    is_path = "/" in model or "\\" in model
    if kind in (".plan", ".engine") or (is_path and kind != ".onnx"):
        raise BridgeError(
            f"The field Model is {model}, which is no .onnx file. A .blend may not name native "
            "code such as a TensorRT engine. Choose the .onnx file that it was built from."
        )


@dataclass(frozen=True, kw_only=True)
class RenderRequest:
    """A sequence to change.

    Attributes:
        frames: folder, file or pattern.
        frame_range: the part of it, or None for all.
        asked: what the face is to show.
        out: folder of the results; None puts them beside the frames.
        with_mask: add the weight of the change to EXR frames, as the layer reggan.mask.
    """

    frames: str
    frame_range: str | None = None
    asked: PanelRequest
    face: FaceSettings = field(default_factory=FaceSettings)
    model: ModelChoice = field(default_factory=ModelChoice)
    out: Path | None = None
    existing: Existing = "refuse"
    with_mask: bool = False


def render_arguments(settings: RenderRequest) -> list[str]:
    """`render`, with a summary in JSON."""
    existing = [] if settings.existing == "refuse" else [f"--{settings.existing}"]
    return [
        *("render", "--frames", settings.frames),
        *_option("--range", settings.frame_range),
        *settings.asked.arguments(),
        *settings.face.arguments(),
        *settings.model.arguments(),
        *_option("--out", settings.out),
        *existing,
        *(["--exr-layers", "mask"] if settings.with_mask else []),
        *("--jobs", "1"),  # Blender needs the other cores
        "--json",
    ]


def track_arguments(frames: str, tracks: Path, frame_range: str | None = None) -> list[str]:
    """`track`, which writes where the faces of a shot are into a new file."""
    part = _option("--range", frame_range)
    return ["track", "--frames", frames, *part, "--out", str(tracks), "--json"]


def sheet_arguments(
    frame: Path,
    out: Path,
    face: FaceSettings,
    model: ModelChoice,
    *,
    presets: Path | None = None,
    small: bool = False,
    for_view: bool = False,
) -> list[str]:
    """`sheet`, which draws expressions of a frame's face into a new PNG file.

    Args:
        frame: the picture.
        out: the new file.
        face: which one.
        model: that draws them.
        presets: a file of one's own expressions, drawn behind the others.
        small: all named expressions, small and without labels, instead of the basic ones.
        for_view: light of the scene as dark or bright as it is: the sheet goes through a view.
    """
    chosen = [*face.arguments(), *model.arguments(), *_option("--presets", presets)]
    kind = [*(["--small"] if small else []), *(["--for-view"] if for_view else [])]
    return ["sheet", str(frame), *chosen, *kind, "--out", str(out), "--json"]


def _option(name: str, value: object | None) -> list[str]:
    return [] if value is None else [name, str(value)]
