"""Settings as the arguments of a `reggan-plugin` command. Pure: nothing is read or run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Existing = Literal["refuse", "resume", "overwrite"]
"""What becomes of results that are there already."""


@dataclass(frozen=True, kw_only=True)
class FaceSettings:
    """Which face.

    Attributes:
        choice: `largest`, `all` or an index; of tracks, the number there.
        tracks: where the faces are in every frame.
    """

    choice: str = "largest"
    tracks: Path | None = None

    def arguments(self) -> list[str]:
        """As every command that looks for faces takes them."""
        return ["--face", self.choice, *_option("--tracks", self.tracks)]


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, by name or file, and where it runs; None leaves it to the runtime."""

    model: str | None = None
    device: str | None = None

    def arguments(self) -> list[str]:
        """As every command that runs a model takes them."""
        return [*_option("--model", self.model), *_option("--device", self.device)]


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """A sequence to change.

    Attributes:
        frames: folder, file or pattern.
        frame_range: the part of it, or None for all.
        expression: one, or a blend.
        intensity: 0 to 1.5; multiplies the expression.
        curve: a file of expressions by frame, in place of `expression` and `intensity`.
        out: folder of the results; None puts them beside the frames.
        with_mask: add the weight of the change to EXR frames, as the layer reggan.mask.
    """

    frames: str
    frame_range: str | None = None
    expression: str
    intensity: float = 1.0
    curve: Path | None = None
    face: FaceSettings = field(default_factory=FaceSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    out: Path | None = None
    existing: Existing = "refuse"
    with_mask: bool = False


def render_arguments(settings: RenderSettings) -> list[str]:
    """`render`, with a summary in JSON."""
    wanted = (
        ["--expression", settings.expression, "--intensity", f"{settings.intensity:.3f}"]
        if settings.curve is None
        else ["--intensity-curve", str(settings.curve)]
    )
    existing = [] if settings.existing == "refuse" else [f"--{settings.existing}"]
    return [
        *("render", "--frames", settings.frames),
        *_option("--range", settings.frame_range),
        *wanted,
        *settings.face.arguments(),
        *settings.model.arguments(),
        *_option("--out", settings.out),
        *existing,
        *(["--exr-layers", "mask"] if settings.with_mask else []),
        "--json",
    ]


def track_arguments(frames: str, tracks: Path) -> list[str]:
    """`track`, which writes where the faces of a shot are into a new file."""
    return ["track", "--frames", frames, "--out", str(tracks), "--json"]


def sheet_arguments(frame: Path, out: Path, face: FaceSettings, model: ModelSettings) -> list[str]:
    """`sheet`, which draws all expressions of a frame's face into a new PNG file."""
    return ["sheet", str(frame), *face.arguments(), *model.arguments(), "--out", str(out), "--json"]


def _option(name: str, value: object | None) -> list[str]:
    return [] if value is None else [name, str(value)]
