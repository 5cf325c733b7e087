"""Settings as the arguments of `reggan-plugin texture`. Pure: nothing is read or run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .command_line import ModelChoice
from .expression_options import PanelRequest

FRONTS = {"-Y": "+Z", "+Y": "-Z", "-X": "-X", "+X": "+X", "+Z": "+Y", "-Z": "-Y"}
"""Axes of Blender as its glTF exporter turns them: up is +Z here and +Y there."""
_AXES = {there: here for here, there in FRONTS.items()}


def in_blender_s_axes(message: str) -> str:
    """Return a message of the runtime about a head that was handed over, as Front names
    directions.
    """
    return re.sub(r"(?<!\S)[+-][XYZ](?!\w)", lambda found: _AXES[found[0]], message)


@dataclass(frozen=True, kw_only=True)
class MapOnHead:
    """A mesh, and which of its maps is the face's.

    Attributes:
        mesh: its file.
        material: that wears the map, by its name in the file.
        front: where the character looks, as the file's axes are; None to look for it.
        head_bone: None to look for it.
    """

    mesh: Path
    material: str
    front: str | None = None
    head_bone: str | None = None

    def arguments(self) -> list[str]:
        """Options of `texture`."""
        front = [] if self.front is None else [f"--front={self.front}"]
        bone = [] if self.head_bone is None else [f"--head-bone={self.head_bone}"]
        named = ["--mesh", str(self.mesh), f"--material={self.material}"]
        return [*named, *front, *bone]


@dataclass(frozen=True, kw_only=True)
class FlatMap:
    """A map on which the face lies as seen from the front.

    Attributes:
        face_box: left, top, width and height in pixels, from brows to chin; None to look for it.
    """

    face_box: tuple[float, float, float, float] | None = None

    def arguments(self) -> list[str]:
        """Options of `texture`."""
        if self.face_box is None:
            return ["--flat"]
        return ["--flat", "--face-box=" + ",".join(f"{number:g}" for number in self.face_box)]


@dataclass(frozen=True, kw_only=True)
class TextureJob:
    """A map to change.

    Attributes:
        texture: its file, or a pattern with `<UDIM>`.
        placed: how the face lies on it.
        asked: what the map is to show, each in a file of its own; none for a sheet alone.
        force: take a map that seems not to hold colours.
        out: the results' file, with `{expression}` and `<UDIM>` where there are several.
        sheet: a PNG file that shows all expressions on the head.
    """

    texture: Path
    placed: MapOnHead | FlatMap
    asked: tuple[PanelRequest, ...] = ()
    model: ModelChoice = field(default_factory=ModelChoice)
    force: bool = False
    out: Path | None = None
    sheet: Path | None = None


def texture_arguments(settings: TextureJob) -> list[str]:
    """`texture`, with a summary in JSON."""
    return [
        *("texture", "--texture", str(settings.texture)),
        *settings.placed.arguments(),
        *_asked_arguments(settings.asked),
        *settings.model.arguments(),
        *(["--force"] if settings.force else []),
        *(["--out", str(settings.out)] if settings.out else []),
        *(["--sheet", str(settings.sheet)] if settings.sheet else []),
        "--json",
    ]


def _asked_arguments(asked: Sequence[PanelRequest]) -> list[str]:
    """Several differ in the expression alone; of the other options the first one's count."""
    if not asked:
        return []
    others = [part for one in asked[1:] for part in ("--expression", one.blend)]
    return [*asked[0].arguments(), *others]
