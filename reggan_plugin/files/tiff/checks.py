"""Checks of a TIFF before its samples are read: its size, its kind, and that it is whole."""

import numpy as np
import tifffile

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.tiff.segments import (
    FLOAT_PREDICTOR,
    WRITABLE_COMPRESSIONS,
    WRITABLE_PREDICTORS,
    is_laid_out_soundly,
)
from reggan_plugin.limits import refuse_oversize, refuse_too_short

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
_MOST_SAMPLES_PER_BYTE = 2**15
"""Of a black picture in ZSTD. Strips that are left out take no bytes at all."""
_WRITABLE_TYPES = ("uint8", "uint16", "uint32", "float16", "float32", "float64")


def colour_count(page: tifffile.TiffPage) -> int:
    """Channels that are colours: 3, or 1 of a grey page."""
    return 3 if page.photometric == RGB else 1


def refuse_oversize_page(page: tifffile.TiffPage, size_bytes: int) -> None:
    """Raise for a picture, or a tile of it, that is larger than is worked on or can be here."""
    sizes = [(page.imagelength, page.imagewidth)]
    if page.is_tiled:
        sizes.append((page.tilelength, page.tilewidth))
    numbers = [page.samplesperpixel, *(side for size in sizes for side in size)]
    if not all(isinstance(number, int) for number in numbers):  # lists, times a size, fill memory
        raise UnreadableFrameError(
            "is damaged: its size is none of whole numbers. Render or copy it again."
        )
    for height, width in sizes:
        refuse_oversize(height, width, page.samplesperpixel)
        samples = width * page.samplesperpixel
        refuse_too_short(height, samples, size_bytes, _MOST_SAMPLES_PER_BYTE)


def refuse_unwritable(page: tifffile.TiffPage) -> None:
    """Raise for a TIFF that is sound but of a kind that is not written."""
    photometric = getattr(page.photometric, "name", str(page.photometric))
    compression = getattr(page.compression, "name", str(page.compression))
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        raise _unsupported(
            f"{photometric} colours", "RGB or grey", "-colorspace sRGB -type TrueColor"
        )
    if page.compression not in WRITABLE_COMPRESSIONS:
        raise _unsupported(
            f"{compression} compression", "deflate, LZW, ZSTD or no compression", "-compress zip"
        )
    bits = np.dtype(page.dtype).itemsize * 8 if page.dtype else 0
    if str(page.dtype) not in _WRITABLE_TYPES or bits != page.bitspersample:
        raise _unsupported(
            f"samples of {_sample_format(page)}",
            "unsigned integers of 8, 16 or 32 bits, or floats of 16, 32 or 64",
            "-depth 16",
        )
    is_float = np.dtype(page.dtype).kind == "f"
    if page.photometric == WHITE_IS_ZERO and is_float:
        raise _unsupported("white stored as 0.0", "black as 0.0")
    if page.predictor == FLOAT_PREDICTOR and not is_float:
        raise _unsupported("the predictor of floats on integers", "an ordinary one")
    if page.predictor not in WRITABLE_PREDICTORS or page.fillorder != 1 or page.imagedepth != 1:
        raise _unsupported("an unusual predictor, bit order or depth", "ordinary ones")


def check_complete(page: tifffile.TiffPage, content: bytes) -> None:
    """Raise for a page whose samples are not all in the file."""
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    if 0 in page.shaped:
        raise UnreadableFrameError("is a TIFF without pixels. Render or copy it again.")
    if page.samplesperpixel < colour_count(page):
        raise UnreadableFrameError(
            f"is damaged: it says that it is RGB with {page.samplesperpixel} channels. Render or "
            "copy it again."
        )
    if any(offset + count > len(content) for offset, count in segments):
        raise UnreadableFrameError(
            f"is truncated: image data is missing from its {len(content)} bytes. "
            "Render or copy it again."
        )
    if not is_laid_out_soundly(page):
        raise UnreadableFrameError(
            f"is damaged: the table of its {len(page.dataoffsets)} strips or tiles is incomplete "
            "or lies over other data. Render or copy it again."
        )


def _sample_format(page: tifffile.TiffPage) -> str:
    """Storage of the numbers, in words: `signed integers of 16 bits`."""
    kinds = {1: "unsigned integers", 2: "signed integers", 3: "floats", 5: "complex integers"}
    kinds |= {6: "complex floats"}
    bits = page.bitspersample
    widths = "/".join(map(str, bits)) if isinstance(bits, tuple) else str(bits)
    return f"{kinds.get(int(page.sampleformat), 'no stated kind')} of {widths} bits"


def _unsupported(found: str, expected: str, options: str = "") -> UnsupportedFormatError:
    """`options` are those of ImageMagick that save it so."""
    command = f" With ImageMagick: magick IN {options} OUT.tif" if options else ""
    return UnsupportedFormatError(f"is a TIFF with {found}. Save it with {expected}.{command}")
