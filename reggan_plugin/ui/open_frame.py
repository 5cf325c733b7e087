"""A frame that the page shows: its pixels, its faces, and the picture of it."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, Literal, TypeVar

from PIL import Image

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop
from reggan_plugin.transfer.display_picture import coding_of
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.live_face import Screen, averaged, screen_of
from reggan_plugin.ui.picture_sizes_and_memory import LONGEST_SCREEN_PX

Value = TypeVar("Value")
Kind = Literal["frame", "view", "map"]


@frozen(eq=False)
class OpenFrame:
    """A frame in memory.

    Attributes:
        path: its file.
        frame: as read.
        crops: of all faces, largest first.
        factor: pixels of the frame that a pixel of its picture spans.
        kind: a frame; a head from the front; or a head's base colour map.
        notes: what the user should know.
    """

    path: Path
    frame: Frame
    crops: tuple[FaceCrop, ...]
    factor: int
    kind: Kind = "frame"
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frame."""
        height, width = self.frame.pixels.shape[:2]
        return height, width

    def picture(self, exposure_ev: float) -> bytes:
        """Return the frame as a browser shows it, as PNG."""
        pixels, alpha = averaged(self.frame.pixels, self.frame.alpha, self.factor)
        return png_of(screen_of(pixels, alpha, coding_of(self.frame, exposure_ev)))


def open_frame(transfer: ExpressionTransfer, path: Path) -> OpenFrame:
    """Read a frame and find its faces.

    Raises:
        UnreadableFrameError, UnsupportedFormatError: as `read_frame`.
    """
    frame = read_frame(path)
    return OpenFrame(
        path=path,
        frame=frame,
        crops=transfer.find_faces(frame, FaceChoice(which="all"), (path.name,)),
        factor=max(1, math.ceil(max(frame.pixels.shape[:2]) / LONGEST_SCREEN_PX)),
        notes=tuple(str(notice) for notice in frame.notices),
    )


def png_of(screen: Screen) -> bytes:
    """Return a picture as PNG, compressed little: it does not travel far."""
    is_opaque = bool((screen[..., 3] == 255).all())
    picture = Image.fromarray(screen[..., :3].copy() if is_opaque else screen)
    return encoded_picture(picture, "PNG", compress_level=1)


class Newest(Generic[Value]):
    """Holds the values that were asked for last, and forgets the others; for one thread at once."""

    def __init__(self, most: int) -> None:
        """Hold nothing yet, and never more than `most` values."""
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._most = most

    def peek(self, key: Hashable) -> Value | None:
        """Return the value of a key, if it is held."""
        return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Hold a value in place of the one that a key had."""
        self._values.pop(key, None)
        self.get(key, lambda: value)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key; made if it is not held."""
        if key not in self._values:
            while len(self._values) >= self._most:  # before the next one takes its memory
                self._values.popitem(last=False)
            self._values[key] = make()
        self._values.move_to_end(key)
        return self._values[key]
