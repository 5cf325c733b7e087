"""Settings as the arguments of a `reggan-plugin` command. Pure: nothing is read or run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from .errors import BridgeError
from .expression_blend import PanelRequest

Existing = Literal["refuse", "resume", "overwrite"]


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
        return ["--face", self.choice, *option("--tracks", self.tracks)]


_LARGEST = FaceSettings()


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


def render_arguments(
    frames: str,
    asked: PanelRequest,
    *,
    frame_range: str | None = None,
    face: FaceSettings = _LARGEST,
    model: Sequence[str] = (),
    out: Path | None = None,
    existing: Existing = "refuse",
    with_mask: bool = False,
) -> list[str]:
    """`render`, with a summary in JSON.

    Args:
        frames: folder, file or pattern.
        asked: what the face is to show.
        frame_range: the part of the frames, or None for all.
        face: which one.
        model: options that choose it.
        out: folder of the results; None puts them beside the frames.
        existing: what becomes of results that are there already.
        with_mask: add the weight of the change to EXR frames, as the layer reggan.mask.
    """
    return [
        *("render", "--frames", frames, *option("--range", frame_range)),
        *(*asked.arguments(), *face.arguments(), *model),
        *option("--out", out),
        *([] if existing == "refuse" else [f"--{existing}"]),
        *(["--exr-layers", "mask"] if with_mask else []),
        *("--jobs", "1"),  # Blender needs the other cores
        "--json",
    ]


def track_arguments(frames: str, tracks: Path, frame_range: str | None = None) -> list[str]:
    """`track`, which writes where the faces of a shot are into a new file."""
    part = option("--range", frame_range)
    return ["track", "--frames", frames, *part, "--out", str(tracks), "--json"]


def sheet_arguments(
    frame: Path,
    out: Path,
    face: FaceSettings,
    model: Sequence[str],
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
        model: options that choose the one that draws them.
        presets: a file of one's own expressions, drawn behind the others.
        small: all named expressions, small and without labels, instead of the basic ones.
        for_view: light of the scene as dark or bright as it is: the sheet goes through a view.
    """
    chosen = [*face.arguments(), *model, *option("--presets", presets)]
    kind = [*(["--small"] if small else []), *(["--for-view"] if for_view else [])]
    return ["sheet", str(frame), *chosen, *kind, "--out", str(out), "--json"]


def option(name: str, value: object | None) -> list[str]:
    """Return an option with its value; nothing where that is None."""
    return [] if value is None else [name, str(value)]


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


def flat_arguments(face_box: Sequence[float] | None) -> list[str]:
    """Options of `texture` for a map on which the face lies as seen from the front.

    Args:
        face_box: left, top, width and height in pixels, from brows to chin; None to look for it.
    """
    if face_box is None:
        return ["--flat"]
    return ["--flat", "--face-box=" + ",".join(f"{number:g}" for number in face_box)]


def texture_arguments(
    texture: Path,
    placed: Sequence[str],
    *,
    asked: Sequence[PanelRequest] = (),
    model: Sequence[str] = (),
    force: bool = False,
    out: Path | None = None,
    sheet: Path | None = None,
) -> list[str]:
    """`texture`, with a summary in JSON.

    Args:
        texture: the map's file, or a pattern with `<UDIM>`.
        placed: options that say how the face lies on it.
        asked: what the map is to show, each in a file of its own; none for a sheet alone. They
            differ in the expression: of the other options the first one's count.
        model: options that choose it.
        force: take a map that seems not to hold colours.
        out: the results' file, with `{expression}` and `<UDIM>` where there are several.
        sheet: a PNG file that shows all expressions on the head.
    """
    return [
        *("texture", "--texture", str(texture), *placed),
        *(asked[0].arguments() if asked else ()),
        *(part for one in asked[1:] for part in ("--expression", one.blend)),
        *model,
        *(["--force"] if force else []),
        *option("--out", out),
        *option("--sheet", sheet),
        "--json",
    ]
