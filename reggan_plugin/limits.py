"""What an input may cost: bytes, pixels, nodes, scans, keys, seconds, memory. All readers ask here.

Inputs may come from anybody. A bound is several times what the largest work in use needs, and low
enough that no input takes more than a minute or 4 GiB. docs/security.md lists them by format.
"""

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError

_MIB = 2**20

# Any file
MOST_NAME_BYTES = 255
"""Of a file's name, as all usual disks have it."""
MOST_DEPTH = 100
"""Of nested JSON and TOML."""
MOST_DOCUMENT_BYTES = 32 * _MIB
"""Of JSON or CSV that people may write."""
MOST_TRACKS_BYTES = 128 * _MIB
"""Of JSON with tracks: sixty thousand faces with dense landmarks have 2 kB each."""
MOST_DENSE_FACES, MOST_DENSE_IN_FRAME = 60_000, 4
"""Faces of a shot, and the largest of a frame, whose dense landmarks are kept in tracks: those of
one face in forty minutes. More are found in each frame by itself, as in a single picture."""
MOST_NUMBER_DIGITS = 300
"""Of a whole number; the largest float has 309."""

MOST_TABLE_BYTES = 512 * _MIB
"""Of a table of colours that an OpenColorIO config names."""

# Pictures and videos
MOST_PIXELS = 2**28
"""16384x16384: the largest texture maps; a frame of 15360x8640 takes 5.6 GB."""
MOST_DISPLAYED_PIXELS = 2**26
"""8192x8192 that layers cover, where the picture itself has not a quarter of them."""
MOST_SAMPLES = 2**31
"""Of all channels of a picture, 8 GB as floats: 60 channels at 8K, 240 at 4K."""
MOST_FILE_BYTES = 2**33
"""Of a picture's file: as much as its samples may take."""
MOST_CHANNELS = 2_000
"""Of an EXR, in all its parts together: a shot with every light and matte has some hundred."""
MOST_COORDINATE_PX = 1_000_000
"""Of a place that is given, from the corner of the picture."""
MOST_SCANS = 100
"""Of a progressive JPEG. Usual ones have 10; each goes over the whole picture again."""
MOST_SCANNED_PIXELS = 2**32
"""Pixels times scans: 16 scans of 16384x16384."""
MOST_VIDEO_FRAMES = 1_000_000
"""Eleven hours at 24 frames a second."""
MOST_VIDEO_PACKETS = 10_000_000
"""Frames, and pieces of sound."""

# Meshes
MOST_MESH_BYTES = 2**30
"""Of a mesh's own file, and of each buffer beside it."""
MOST_BUFFER_BYTES = 2**31
"""Of all buffers of a character together."""
MOST_VALUES = 4_000_000
"""Of the JSON of glTF; a scanned body with a thousand animations has a tenth of them."""
MOST_PARTS = 20_000
"""Of a character: pieces of one material each; large ones have some hundred."""
MOST_POINTS = 40_000_000
"""And corners, of all parts of a character together: several times a dense scan."""
MOST_UNSTORED = 1_000_000
"""Values of an accessor of glTF that stand nowhere in its file, and so are 0."""
LEAST_POINTS_A_TARGET = 200
"""As which a morph target counts, however small."""
MOST_MAP_PIXELS = 2**29
"""Of the maps that a character itself names: 8 of 8192x8192. Those beyond are left out."""
MOST_RIG_POINTS, MOST_RIG_TRIANGLES, MOST_SHAPE_POINTS = 1_000_000, 2_000_000, 20_000_000
"""Of a head for `--rig` or `--teeth`; the last of all its shapes together, half a gigabyte that is
copied three times."""
MOST_OVERDRAW, MOST_DRAWN_PIXELS = 200, 20_000_000
"""How many times the triangles of a rig may cover a picture, and pixels that any of them may."""
MOST_MOTION = 10.0
"""Of a shape of a rig, in eye distances; usual ones have 1."""
LEAST_RAYS_A_SECOND, MOST_LATE_SECONDS = 50_000, 10.0
"""At which a mesh is looked at, and the seconds of a processor that it may take beyond; usual are a
million rays, and a second or two."""
MOST_LOOK_SECONDS, RAYS_A_SECOND_MORE = 30.0, 1_000_000
"""All seconds, and rays for each of which there is one more: a map of 16384x16384 needs 300 million
of them."""
MOST_NAMED_FILES, MOST_PATH_LETTERS = 10_000, 4_096
"""That a mesh names, and of each such name."""
MOST_LIBRARIES, MOST_LIBRARY_BYTES = 64, 16 * _MIB
"""Of an OBJ file, and the size of each."""
MOST_LAYERS = 1000
"""Of USD."""

# Recorded performances, curves, presets, settings
MOST_TAKE_BYTES = 512 * _MIB
"""Of a recorded performance: an hour of 60 rows a second as text."""
MOST_TAKE_ROWS = 2_000_000
"""Nine hours of 60 a second."""
MOST_TAKE_FPS = 1000
"""That a file says of itself, as of `--curves-rate`."""
MOST_TAKE_SECONDS = 1e12
"""From 0: far beyond the epoch's; beyond, frames cannot be told apart."""
MOST_TAKE_COLUMNS = 10_000
"""Of a table; the richest rigs have two thousand controls."""
MOST_TAKE_CELLS = 50_000_000
"""Rows times columns."""
MOST_KEYS = 200_000
"""Of a curve: two hours with a key on every frame."""
MOST_PRESETS = 1_000
"""Of one's own, and expressions of one run."""
MOST_SETTINGS_BYTES = _MIB
"""Of a file of settings or presets."""

# Models of others
MOST_MODEL_BYTES = 2**31
"""What a protocol buffer may have."""

MOST_LANDMARKER_BYTES = 256 * _MIB
"""Of a task file of MediaPipe; that of faces has 4 MB."""

# What a child process may take (`reggan_plugin.child_process`)
MOST_CHILD_SECONDS = 50
"""Of a processor, to read one file; twice as many by the clock, as others may be at work."""
MOST_CHILD_BYTES = 4 * 2**30
"""Of address space, on Linux; other systems do not hold a process to it."""

# The local page
MOST_JSON_BYTES = 2**16
"""Of one request."""
MOST_UPLOADED_TAKE_BYTES = 2**28
"""Of one recorded performance."""
MOST_UPLOAD_BYTES = 2**30
"""Of one file: an EXR of 16k with alpha in float has about as much."""
MOST_UPLOADED_BYTES = 2**33
"""Of all files together, while the page runs."""
MOST_CAMERA_PICTURE_BYTES = 4 * _MIB
"""Of one picture of a camera, which the page reduces first."""
MOST_CAMERA_PIXELS = 4096 * 4096
"""Of such a picture."""
MOST_CONNECTIONS = 64
"""At once; a browser holds 6. What comes beyond is closed."""
MOST_HEADER_SECONDS = 10
"""Until the head of a request is there, and between requests of one connection."""


def refuse_beyond(count: int, most: int, what: str) -> None:
    """Refuse what has more of something than is read.

    Raises:
        ValueError: it has; the sentence goes on behind the file's name.
    """
    if count > most:
        raise ValueError(f"it has {count:,} {what}, of at most {most:,}")


def refuse_oversize(height: int, width: int, channels: int) -> None:
    """Refuse a picture that is larger than is worked on, before memory is taken for it.

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


def refuse_wide_windows(height: int, width: int, own_pixels: int) -> None:
    """Refuse layers for windows that are far larger than the picture in them.

    Raises:
        UnsupportedFormatError: they are, or a header is damaged or hostile.
    """
    if height * width > max(MOST_DISPLAYED_PIXELS, min(4 * own_pixels, MOST_PIXELS)):
        raise UnsupportedFormatError(
            f"The display and data windows together are {width}x{height}, which layers would "
            f"cover, around a picture of {own_pixels:,} pixels; expected at most "
            f"{MOST_DISPLAYED_PIXELS:,} (8192x8192), or four times its own. Give the frame a "
            "smaller display window, or render it without layers."
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


def is_coordinate(value: object) -> bool:
    """Tell whether a value of a document is a number, finite, that a place in pixels can have."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= MOST_COORDINATE_PX
