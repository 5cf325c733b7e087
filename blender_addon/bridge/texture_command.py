"""Settings as the arguments of `reggan-plugin texture`. Pure: nothing is read or run."""

from dataclasses import dataclass, field
from pathlib import Path

from .command_line import ModelChoice

FRONTS = {"-Y": "+Z", "+Y": "-Z", "-X": "-X", "+X": "+X", "+Z": "+Y", "-Z": "-Y"}
"""Axes of Blender as its glTF exporter turns them: up is +Z here and +Y there."""


@dataclass(frozen=True, kw_only=True)
class MapOnHead:
    """A mesh, and which of its maps is the face's.

    Attributes:
        mesh: its file.
        material: that wears the map, by its name in the file.
        front: where the character looks, as the file's axes are; None to look for it.
        head_bone: None to look for it.
        views: 1, or 3 with the face from both sides.
    """

    mesh: Path
    material: str
    front: str | None = None
    head_bone: str | None = None
    views: int = 1

    def arguments(self) -> list[str]:
        """As `texture` takes them."""
        front = [] if self.front is None else [f"--front={self.front}"]
        bone = [] if self.head_bone is None else [f"--head-bone={self.head_bone}"]
        named = ["--mesh", str(self.mesh), f"--material={self.material}"]
        return [*named, *front, *bone, "--views", str(self.views)]


@dataclass(frozen=True, kw_only=True)
class FlatMap:
    """A map on which the face lies as seen from the front.

    Attributes:
        face_box: left, top, width and height in pixels, from brows to chin; None to look for it.
    """

    face_box: tuple[float, float, float, float] | None = None

    def arguments(self) -> list[str]:
        """As `texture` takes them."""
        if self.face_box is None:
            return ["--flat"]
        return ["--flat", "--face-box=" + ",".join(f"{number:g}" for number in self.face_box)]


@dataclass(frozen=True, kw_only=True)
class TextureJob:
    """A map to change.

    Attributes:
        texture: its file, or a pattern with `<UDIM>`.
        placed: how the face lies on it.
        expressions: one or several, or blends; none for a sheet alone.
        intensity: 0 to 1.5.
        force: take a map that seems not to hold colours.
        out: the results' file, with `{expression}` and `<UDIM>` where there are several.
        sheet: a PNG file that shows all expressions on the head.
    """

    texture: Path
    placed: MapOnHead | FlatMap
    expressions: tuple[str, ...] = ()
    intensity: float = 1.0
    model: ModelChoice = field(default_factory=ModelChoice)
    force: bool = False
    out: Path | None = None
    sheet: Path | None = None


def texture_arguments(settings: TextureJob) -> list[str]:
    """`texture`, with a summary in JSON."""
    expressions = [part for text in settings.expressions for part in ("--expression", text)]
    intensity = ["--intensity", f"{settings.intensity:.3f}"] if expressions else []
    return [
        *("texture", "--texture", str(settings.texture)),
        *settings.placed.arguments(),
        *expressions,
        *intensity,
        *settings.model.arguments(),
        *(["--force"] if settings.force else []),
        *(["--out", str(settings.out)] if settings.out else []),
        *(["--sheet", str(settings.sheet)] if settings.sheet else []),
        "--json",
    ]
