"""A shot and its layers on disk, as a composition needs them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reggan_plugin.errors import EmptySourceError, SourceError, UsageError
from reggan_plugin.files.frame import Encoding, read_frame
from reggan_plugin.files.sequence import FrameList
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import find_shot

LAYERS_IN_USE = ("stmap", "gain", "paint")
NOT_RUN = "Written by reggan-plugin from the format's documentation; not run in the program itself."
"""Of scripts for programs that the project cannot start."""


@frozen
class Footage:
    """Numbered files of one name, or one file.

    Attributes:
        folder: absolute.
        prefix: of the names, up to the number.
        suffix: of the names, behind the number.
        padding: digits of the number; 0 for one file, whose name is `prefix`.
    """

    folder: Path
    prefix: str
    suffix: str = ""
    padding: int = 0

    def path(self, number: str) -> str:
        """Return the path with this in place of the number, with / on every system."""
        return (self.folder / f"{self.prefix}{number}{self.suffix}").as_posix()


@frozen
class CompShot:
    """A shot with its layers.

    Attributes:
        source: its frames.
        layers: by name.
        first: number of the first frame; 1 for one picture.
        last: number of the last one.
        display_px: (height, width).
        is_linear: whether files hold linear light, so that nothing is to be decoded.
        is_premultiplied: whether colours are multiplied by alpha.
    """

    source: Footage
    layers: Mapping[str, Footage]
    first: int
    last: int
    display_px: tuple[int, int]
    is_linear: bool
    is_premultiplied: bool

    def path_of(self, footage: Footage, program: str, evaluated: str = "") -> str:
        """Return the path of the first file of some footage, as a script names it.

        Names come with somebody else's files; a script made of them must not run them.

        Args:
            footage: the shot's frames, a layer, or one file.
            program: that reads the script.
            evaluated: characters that it evaluates.

        Raises:
            UsageError: the path holds one of them, or a control character, which no script can
                hold.
        """
        path = footage.path(f"{self.first:0{footage.padding}d}" if footage.padding else "")
        found = next((one for one in path if one in evaluated or not one.isprintable()), None)
        if found is not None:
            raise UsageError(
                f"{path!a} holds {found!a}, which {program} does not take as a plain letter of a "
                "name. Rename the folder or file."
            )
        return path


def comp_shot(frames: str, layers: Path) -> CompShot:
    """Look at a shot and at what `render --layers-out` wrote beside it.

    Raises:
        UsageError: no one number tells the frames apart, or it is below 0.
        SourceError: there are no such frames, a layer that a composition needs is missing, or the
            first file of one is damaged or of another size; others are not read.
    """
    shot = find_shot(frames)
    first, last = shot.frames[0], shot.frames[len(shot.frames) - 1]
    source = _footage(shot.frames, frames)
    frames_of = [(name, frame.path) for name in LAYERS_IN_USE for frame in shot.frames]
    paths = [layers / name / f"{path.stem}.exr" for name, path in frames_of]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise EmptySourceError(
            f"{len(missing)} of {len(paths)} files of the layers are missing, the first is "
            f"{missing[0]}.",
            kind="no-layer-of-shot",
        )
    frame = read_frame(first.path)
    for path in paths[:: len(shot.frames)]:
        map_px = read_frame(path).display_px
        if map_px != frame.display_px:
            raise SourceError(
                f"{path} is {map_px[1]}x{map_px[0]}, but the frame {first.path.name} is "
                f"{frame.display_px[1]}x{frame.display_px[0]}. Name the frames that the layers are "
                "of."
            )
    ending = "suffix" if source.padding else "prefix"
    in_exr = {ending: getattr(source, ending).removesuffix(first.path.suffix) + ".exr"}
    return CompShot(
        source=source,
        layers={
            name: replace(source, folder=(layers / name).absolute(), **in_exr)
            for name in LAYERS_IN_USE
        },
        first=1 if first.number is None else first.number,
        last=1 if last.number is None else last.number,
        display_px=frame.display_px,
        is_linear=frame.encoding is Encoding.SCENE_LINEAR,
        is_premultiplied=frame.alpha is not None and frame.alpha_is_premultiplied,
    )


def _footage(frames: FrameList, source: str) -> Footage:
    first, last = frames[0], frames[len(frames) - 1]
    path = first.path.absolute()
    if first.number is None and len(frames) == 1:
        return Footage(folder=path.parent, prefix=path.name)
    loose = frames.first_loose
    if loose is not None:
        raise UsageError(
            f"{loose.path.name} in {source} has no number, and a composition reads frames by "
            "their numbers. Name one picture, or the frames by a pattern such as shot.####.png."
        )
    assert first.number is not None, "none is loose"
    if first.number < 0:
        raise UsageError(
            f"{path.name} has a number below 0, which compositions do not read. Give the frames "
            "numbers from 0 on, render them, and name them and their layers."
        )
    digits = next(
        one
        for one in reversed(list(re.finditer(r"\d+", path.name)))
        if int(one[0]) == first.number
        and last.path.name
        == f"{path.name[: one.start()]}{last.number:0{len(one[0])}d}{path.name[one.end() :]}"
    )
    return Footage(
        folder=path.parent,
        prefix=path.name[: digits.start()],
        suffix=path.name[digits.end() :],
        padding=len(digits[0]),
    )
