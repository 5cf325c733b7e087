"""The limit on the size that a picture declares, checked before memory is taken for it."""

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError

MOST_PIXELS = 2**28
"""16384x16384: the largest texture maps; a frame of 15360x8640 takes 5.6 GB."""
MOST_SAMPLES = 2**31
"""Of all channels of a picture, 8 GB as floats: 60 channels at 8K, 240 at 4K."""

MOST_FILE_BYTES = 2**33
"""Of a picture's file: as much as its samples may take."""


def refuse_oversize(height: int, width: int, channels: int) -> None:
    """Refuse a picture that is larger than is worked on.

    Raises:
        UnsupportedFormatError: it is larger, or its header is damaged or hostile.
    """
    if height * width <= MOST_PIXELS and height * width * channels <= MOST_SAMPLES:
        return
    raise UnsupportedFormatError(
        f"says that it is {width}x{height} with {channels} channels; at most {MOST_PIXELS:,} "
        f"pixels (16384x16384) and {MOST_SAMPLES:,} samples of all channels are read. Divide it "
        "into tiles; if it is smaller than it says, it is damaged: render it again."
    )


def refuse_too_short(height: int, width: int, file_bytes: int, most_pixels_per_byte: int) -> None:
    """Refuse a file that is too short for the picture that it says it holds.

    Decoders fill up what is missing: a few bytes would take gigabytes and a minute.

    Raises:
        UnreadableFrameError: not even an empty picture of this size compresses so well.
    """
    if height * width > file_bytes * most_pixels_per_byte:
        raise UnreadableFrameError(
            f"is damaged: it says that it is {width}x{height}, for which {file_bytes} bytes are "
            "too few. Render or copy it again."
        )
