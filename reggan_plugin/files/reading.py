"""Settings for reading frames: their colours, and which layer holds the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reggan_plugin.files.colour_management import OcioColourSpace
from reggan_plugin.files.formats import format_of, image_formats
from reggan_plugin.files.frame import Encoding, Frame, decode_frame
from reggan_plugin.files.image_format import HEAD_BYTES


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Settings for reading frames.

    Attributes:
        colour_space: what their pixels are; None is linear Rec. 709 for EXR and float TIFF, and
            sRGB for all others.
        exr_picture: layer, part or view of an EXR that holds the picture; None finds it.
    """

    colour_space: OcioColourSpace | None = None
    exr_picture: str | None = None

    def decode(self, content: bytes, path: Path) -> Frame:
        """Return the frame in `content`, which is that of the file at `path`; errors as
        `read_frame`.
        """
        space = self.colour_space
        frame = decode_frame(
            content, path, exr_picture=self.exr_picture, colours_are_declared=space is not None
        )
        if space is None:
            return frame
        encoding = Encoding.SCENE_LINEAR if space.is_scene_referred else Encoding.SRGB
        return replace(frame, colour_space=space, encoding=encoding)


DEFAULT_READING = Reading()


def may_have_layers(paths: Sequence[Path]) -> bool:
    """Tell by a name, or by the first file's first bytes; true if that cannot be read."""
    layered = [suffix for one in image_formats() if one.has_layers for suffix in one.suffixes]
    if any(path.suffix.lower() in layered for path in paths):
        return True
    try:
        with paths[0].open("rb") as file:
            found = format_of(file.read(HEAD_BYTES))
    except OSError:
        return True
    return found is not None and found.has_layers
