"""An expression that is asked for, as options of `reggan-plugin`. Nothing is read or run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .expression_blend import shares_from_blend


@dataclass(frozen=True, kw_only=True)
class RecordedTake:
    """A recorded performance.

    Attributes:
        path: its file.
        fps: frames a second of the shot.
        offset: the frame of its first row, or its timecode at the shot's first frame; empty to
            begin with the shot.
        fit: options that fit it to the face, see `fit_arguments`.
    """

    path: Path
    fps: float
    offset: str = ""
    fit: Sequence[str] = ()


def fit_arguments(gains: Iterable[tuple[str, float, float]], asymmetry: float) -> list[str]:
    """Return the options that fit a take to a face, as `render` and `curves` take them.

    Args:
        gains: a shape or a word for several, its gain and its offset.
        asymmetry: how much of the difference between left and right is kept, 0 to 1.
    """
    lines = [f"--curves-gain={word}={gain:g},{offset:g}" for word, gain, offset in gains]
    return [*lines, *([] if asymmetry == 1 else [f"--curves-asymmetry={asymmetry:g}"])]


@dataclass(frozen=True, kw_only=True)
class PanelRequest:
    """An expression, still or over time.

    Attributes:
        blend: expressions by name, with or without shares; empty for face shapes alone.
        shapes: weights of face shapes that are laid over, 0 to 1.5.
        intensity: multiplies all of it, 0 to 1.5.
        adds: lay expressions over what the face shows, too.
        presets: a file of one's own expressions, which `blend` may name.
        curve: a file of expressions and shapes by frame, in place of `blend` and `shapes`, into
            which the intensity went.
        take: in place of `blend` and `shapes`.
        name: what results are called after, where that is no expression.
        dropped: what is not done of what was asked, in words.
    """

    blend: str = ""
    shapes: Mapping[str, float] = field(default_factory=dict)
    intensity: float = 1.0
    adds: bool = False
    presets: Path | None = None
    curve: Path | None = None
    take: RecordedTake | None = None
    name: str = ""
    dropped: str = ""

    @property
    def label(self) -> str:
        """The part of results' names."""
        if self.take is not None:
            return self.take.path.stem
        if self.name:
            return self.name
        names = [part.partition(":")[0].strip() for part in self.blend.split("+")]
        return "_".join(name.lower().replace(" ", "_") for name in names if name) or "shapes"

    def document(self) -> dict[str, Any]:
        """As `live` takes it; of one that is still."""
        shares = shares_from_blend(self.blend, has_presets=True) if self.blend else {}
        weights = {**shares, **self.shapes}
        return {"weights": weights, "intensity": self.intensity, "adds": self.adds}

    def arguments(self) -> list[str]:
        """As the commands take it that change faces."""
        presets = [] if self.presets is None else ["--presets", str(self.presets)]
        return [*self._what(), *(["--add"] if self.adds else []), *presets]

    def _what(self) -> list[str]:
        if self.curve is not None:
            return ["--intensity-curve", str(self.curve)]
        intensity = ["--intensity", f"{self.intensity:.3f}"]
        if self.take is not None:
            offset = ["--curves-offset", self.take.offset] if self.take.offset else []
            fps = ["--curves-fps", f"{self.take.fps:g}"]
            return ["--curves", str(self.take.path), *fps, *offset, *self.take.fit, *intensity]
        shapes = [f"--shape={name}={weight:.3f}" for name, weight in self.shapes.items()]
        return [*(["--expression", self.blend] if self.blend else []), *shapes, *intensity]
