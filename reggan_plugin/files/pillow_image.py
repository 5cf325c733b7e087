"""Pictures of 8 bits that Pillow reads and writes: TGA, BMP and WebP."""

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Any

import numpy as np
from PIL import BmpImagePlugin, Image, TgaImagePlugin, WebPImagePlugin

from reggan_plugin.array_types import Pixels, Plane, UInt8
from reggan_plugin.errors import UnsupportedFormatError
from reggan_plugin.files.image_format import (
    LEFT_OUT,
    THUMBNAIL_LEFT_OUT,
    Frame,
    change_samples,
    floats_from_samples,
    is_changed,
    library_faults,
    notices_of_previews,
    pixels_from_samples,
    turn_passed_over,
    unlinked,
    without_thumbnail,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_PIXELS, refuse_oversize, refuse_too_short

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""By number of channels."""
_READERS: Mapping[str, Any] = {
    "BMP": BmpImagePlugin.BmpImageFile,
    "TGA": TgaImagePlugin.TgaImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
"""Asked by name: `Image.open` has a limit of its own, below ours; that of WebP has it inside."""
_LIMIT_LIFTED = threading.Lock()
_EXIF = b"Exif\0\0"
_KEPT_INFO = ("icc_profile", "exif", "xmp", "dpi")


@frozen(eq=False)
class StoredPillowImage:
    """The file, its samples, and how Pillow writes such a file."""

    content: bytes
    samples: UInt8[np.ndarray, "height width channels"]
    kind: str
    """Pillow's name of the format."""
    save_options: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file written again, or as it was if nothing differs; see `StoredImage`."""
        if not is_changed(before, after):
            return self.content
        samples = self.samples.copy()
        colours = samples.shape[2] - (samples.shape[2] in (2, 4))
        change_samples(samples[..., :colours], before, after)
        return self._written(samples)

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with other alpha; see `WritesAlpha`."""
        samples = self.samples.copy()
        change_samples(samples[..., -1:], before[..., None], after[..., None])
        return self._written(samples)

    def _written(self, samples: UInt8[np.ndarray, "height width channels"]) -> bytes:
        picture = Image.fromarray(samples if samples.shape[2] > 1 else samples[..., 0])
        stream = io.BytesIO()
        picture.save(stream, self.kind, **self.save_options)
        return stream.getvalue()


def decode_pillow(
    content: bytes,
    kind: str,
    *,
    save_options: Mapping[str, Any],
    notices: tuple[str, ...] = (),
    most_pixels_per_byte: int = MOST_PIXELS,
) -> Frame:
    """Read a picture; one with a palette becomes RGB.

    Args:
        content: the file.
        kind: what Pillow calls the format.
        save_options: for writing it again, beside colour profile, Exif and XMP.
        notices: what to say of it.
        most_pixels_per_byte: that so much of a file can hold, however it is packed.

    Raises:
        UnreadableFrameError: it is damaged.
        UnsupportedFormatError: it is animated, or too large.
    """
    with library_faults(), _larger_pictures():
        image = _reader_of(kind)(io.BytesIO(content))
    refuse_oversize(image.height, image.width, 4)
    refuse_too_short(image.height, image.width, len(content), most_pixels_per_byte)
    if getattr(image, "n_frames", 1) > 1:
        raise UnsupportedFormatError(
            f"is an animated {kind}, of which a frame cannot be replaced. Save its frames as "
            "files: magick IN frame.%04d.png"
        )
    with library_faults():
        is_plain = image.mode in _MODES.values()
        mode = "RGBA" if "transparency" in image.info else "RGB"
        if image.mode == "P" and np.asarray(image).max() >= len(image.getpalette() or ()) // 3:
            raise ValueError("its pixels have colours beyond its palette")
        samples = np.array(image if is_plain else image.convert(mode))
    samples = samples if samples.ndim == 3 else samples[..., None]
    if not is_plain:
        notices = (*notices, f"a {kind} of mode {image.mode} is written as {mode} of 8 bits")
    info = {name: image.info[name] for name in _KEPT_INFO if image.info.get(name)}
    if "xmp" in info and (xmp := unlinked(info["xmp"])) != info["xmp"]:
        info["xmp"], notices = xmp, (*notices, LEFT_OUT)
    exif = info.get("exif", b"")
    begin = len(_EXIF) if exif.startswith(_EXIF) else 0
    if (small := exif[:begin] + without_thumbnail(exif[begin:])) != exif:
        info["exif"], notices = small, (*notices, THUMBNAIL_LEFT_OUT)
    notices = (*notices, *turn_passed_over(exif)) if exif else notices
    notices = (*notices, *notices_of_previews(info.get("xmp", b"")))
    original = StoredPillowImage(
        content=content, samples=samples, kind=kind, save_options={**info, **save_options}
    )
    has_alpha = samples.shape[2] in (2, 4)
    frame = Frame(
        pixels=pixels_from_samples(samples[..., : samples.shape[2] - has_alpha]),
        notices=notices,
        original=original,
    )
    return replace(frame, alpha=floats_from_samples(samples[..., -1])) if has_alpha else frame


@contextmanager
def _larger_pictures() -> Iterator[None]:
    """Let Pillow open pictures of any size; ours are bounded by `refuse_oversize`."""
    with _LIMIT_LIFTED:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _reader_of(kind: str) -> Any:
    """Return the reader of one of our kinds, or of another that Pillow has."""
    if kind not in _READERS:
        Image.init()
    return _READERS.get(kind) or Image.OPEN[kind][0]
