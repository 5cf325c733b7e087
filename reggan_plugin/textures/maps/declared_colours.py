"""The colour space that a map's own file declares."""

import struct
import zlib
from collections.abc import Sequence

from reggan_plugin.errors import Remark
from reggan_plugin.files.frame import StoredImage
from reggan_plugin.files.png.chunks import Chunk

_LINEAR_GAMMA, _SRGB_GAMMA = 100000, 45455
_GAMMA_TOLERANCE = 500
_MOST_PROFILE_BYTES = 2**22
"""Of a colour profile, which of a megabyte could unpack to a gigabyte; real ones have 4 KB."""
_LINEAR_TRANSFER = 8
"""Source: ITU-T H.273, transfer characteristics, as PNG's cICP chunk has them."""
_EXR_NAMES = ("colorInteropID", "oiio:ColorSpace", "colorSpace")
"""Source: ASWF Color Interop Forum; OpenImageIO writes the second."""


def declared_by_png(chunks: Sequence[Chunk]) -> tuple[bool, Remark | None]:
    """Tell whether a PNG says that it is linear, and what the user should know of what it says.

    Source: PNG specification, 3rd edition, §11.3.2; of several, cICP, iCCP, sRGB, gAMA count in
    this order.
    """
    said = {chunk.name: chunk.data for chunk in chunks if chunk.raw}
    if b"cICP" in said:
        is_linear = said[b"cICP"][1:2] == bytes([_LINEAR_TRANSFER])
        return is_linear, _read_as_linear("cICP") if is_linear else None
    if b"iCCP" in said:
        return False, _of_profile(said[b"iCCP"])
    if b"sRGB" in said or len(said.get(b"gAMA", b"")) != 4:
        return False, None
    (gamma,) = struct.unpack(">I", said[b"gAMA"])
    if abs(gamma - _LINEAR_GAMMA) <= _GAMMA_TOLERANCE:
        return True, _read_as_linear("gAMA")
    if abs(gamma - _SRGB_GAMMA) <= _GAMMA_TOLERANCE:
        return False, None
    return False, Remark(
        f"its gAMA chunk says {gamma / _LINEAR_GAMMA:g}, and it is read as sRGB", "read-as-srgb"
    )


def declared_by_exr(original: StoredImage) -> str:
    """Return the name of the colour space in an EXR's header; empty if there is none, or it is no
    EXR.
    """
    part = getattr(original, "part", None)
    if part is None:
        return ""
    return next((name for key in _EXR_NAMES if (name := part.text(key))), "")


def _read_as_linear(chunk: str) -> Remark:
    said = f"its {chunk} chunk says that it is linear, and it is read so"
    return Remark(said, "read-as-linear")


def _of_profile(data: bytes) -> Remark | None:
    name, _, packed = data.partition(b"\0")
    try:
        profile = zlib.decompressobj().decompress(packed[1:], _MOST_PROFILE_BYTES)
    except zlib.error:
        return None  # a damaged profile says nothing
    if b"sRGB" in name + profile or "sRGB".encode("utf-16-be") in profile:
        return None
    called = name.decode("latin-1")
    said = f"its colour profile ({called}) is not sRGB, as which it is read"
    return Remark(said, "read-as-srgb")
