"""Draws tracks into small copies of their frames, for a person to check."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.errors import RegganError
from reggan_plugin.faces.tracks import TrackedFace, TrackedFrame, Tracks
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.frame import Reading, read_content
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.frames_in_flight import run_overlapped
from reggan_plugin.jobs.plan import make_writable_folder
from reggan_plugin.transfer.display_picture import display_picture

LONGEST_PX = 960
_COLOURS = ("#ffb000", "#4db8ff", "#ff5fa2", "#5fe07f", "#c792ff", "#ff7a4d")
"""Of the identities, in turn."""
_PAPER, _FONT_PX, _DOT_PX = (32, 32, 34), 14, 2.5


def preview_paths(frames: Sequence[SourceFrame], folder: Path) -> list[Path]:
    """Path of the picture of each frame."""
    return [folder / f"{frame.path.stem}.jpg" for frame in frames]


def write_preview(
    tracks: Tracks,
    frames: Sequence[SourceFrame],
    reading: Reading,
    folder: Path,
    stopped: Callable[[], bool],
) -> Iterator[Path]:
    """Write one JPEG a frame, with boxes, points, identities and scores; yield what is written.

    A filled face is drawn without its points. A frame that cannot be read becomes a grey picture
    that says so.

    Raises:
        OutputError: the folder takes no files.
    """
    make_writable_folder(folder)
    targets = dict(zip(frames, preview_paths(frames, folder), strict=True))

    def draw(frame: SourceFrame) -> bytes:
        key = tracks.key_of(frame.number, frame.path.name)
        picture = _picture(frame, reading)
        return _jpeg(*picture, key, tracks.frames[key], is_cut=key in tracks.cuts)

    def write(frame: SourceFrame, content: bytes) -> Path:
        write_atomically(targets[frame], content)
        return targets[frame]

    yield from run_overlapped(
        frames,
        read=draw,
        process=lambda pairs: [content for _, content in pairs],
        write=write,
        room_beside=lambda _: 1,
        stopped=stopped,
    )


def _jpeg(
    picture: Image.Image,
    frame_px: float,
    origin: tuple[int, int],
    key: str,
    tracked: TrackedFrame,
    *,
    is_cut: bool,
) -> bytes:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_FONT_PX)
    for face in tracked.faces:
        _draw_face(draw, font, face, frame_px, origin)
    caption = " | ".join(filter(None, [key, "cut" if is_cut else None, tracked.note]))
    draw.text((6, 4), caption, "white", font, stroke_width=2, stroke_fill="black")
    return encoded_picture(picture, "JPEG", quality=88)


def _picture(source: SourceFrame, reading: Reading) -> tuple[Image.Image, float, tuple[int, int]]:
    """Return a small picture, the frame's pixels that one of its spans, and the frame's (x, y)
    origin.
    """
    try:
        frame = reading.decode(read_content(source.path), source.path)
    except (RegganError, MemoryError):  # the note says why
        return Image.new("RGB", (LONGEST_PX, LONGEST_PX * 9 // 16), _PAPER), 1.0, (0, 0)
    image, factor = display_picture(frame, None, LONGEST_PX)
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    return picture, float(factor), frame.origin_px[::-1]


def _draw_face(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    face: TrackedFace,
    frame_px: float,
    origin: tuple[int, int],
) -> None:
    colour = _COLOURS[face.face % len(_COLOURS)]
    x, y = ((face.box_px[axis] - origin[axis]) / frame_px for axis in (0, 1))
    right, bottom = x + face.box_px[2] / frame_px, y + face.box_px[3] / frame_px
    draw.rectangle((x, y, right, bottom), outline=colour, width=2)
    label = f"{face.face} {face.status} {face.score:.2f}"
    draw.text((x + 3, bottom + 3), label, colour, font, stroke_width=2, stroke_fill="black")
    if face.landmarks is None or face.status == "filled":
        return
    for point in (face.landmarks - origin) / frame_px:
        box = (*(point - _DOT_PX).tolist(), *(point + _DOT_PX).tolist())
        draw.ellipse(box, fill=colour, outline="black")
