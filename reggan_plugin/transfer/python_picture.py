"""Pictures of Python programs (PIL, NumPy, bytes), and results of the same kind.

Paths, frames, the bytes of a file, Pillow's images, and NumPy arrays: uint8, uint16 and floats;
grey, RGB, and with alpha.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reggan_plugin.array_types import Pixels
from reggan_plugin.errors import UnreadableFrameError, UsageError
from reggan_plugin.files.frame import DEFAULT_READING, encode_frame, read_frame
from reggan_plugin.files.image_format import (
    Encoding,
    Frame,
    change_samples,
    floats_from_samples,
    pixels_from_samples,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.transfer.display_picture import ArrayEncoding, ChannelOrder

if TYPE_CHECKING:
    from PIL import Image


EXPECTED = (
    "a path, the bytes of a file, a Frame, a PIL image, a NumPy array of shape (height, width, 3) "
    "or a list of them"
)
_INTEGERS = ("uint8", "uint16")
_MODES = ("L", "LA", "RGB", "RGBA")
_PIXELS_ALONE = {"P": "RGBA", "PA": "RGBA", "1": "L"}
"""Modes of which the picture is kept and the palette is not."""
_LEVELS_MAX = 255.0


@frozen(eq=False)
class GivenPicture:
    """A picture as a frame, and how its changed pixels become the kind that was given."""

    frame: Frame
    give_back: Callable[[Pixels], Any]


@frozen(eq=False)
class _NoFile:
    """Stands where a frame has its file; pixels that no file held are never encoded."""

    def encode(
        self,
        before: Pixels,  # noqa: ARG002
        after: Pixels,  # noqa: ARG002
    ) -> bytes:
        """Fail."""
        raise AssertionError("a picture from memory has no file")


def read_given(
    picture: Any, *, encoding: ArrayEncoding | None = None, order: ChannelOrder = "RGB"
) -> GivenPicture:
    """Read whatever a program calls a picture.

    Args:
        picture: see the module.
        encoding: of an array; None is sRGB, where floats have to lie in [0, 1].
        order: of an array's channels; alpha comes last in both.

    Raises:
        UsageError: it is no picture, or its arguments do not fit it.
        UnreadableFrameError: as `read_frame`.
    """
    if not isinstance(encoding, str | None) or encoding not in (None, "srgb", "linear"):
        raise UsageError(f"{encoding!r} is no encoding; give 'srgb' or 'linear'.")
    if not isinstance(order, str) or order not in ("RGB", "BGR"):
        raise UsageError(f"{order!r} is no order of channels; give 'RGB' or 'BGR'.")
    if isinstance(picture, np.ndarray):
        return _from_array(np.asarray(picture), encoding, order)
    if encoding is not None or order != "RGB":
        raise UsageError(
            "encoding and order are for NumPy arrays; files and PIL images say themselves what "
            "they hold. Leave both out."
        )
    if isinstance(picture, str | Path):
        frame = read_frame(Path(picture))
        return GivenPicture(frame=frame, give_back=_own_array)
    if isinstance(picture, Frame):
        return GivenPicture(frame=picture, give_back=_own_array)
    if isinstance(picture, bytes):
        frame = DEFAULT_READING.decode(picture, Path("the picture"))
        return GivenPicture(frame=frame, give_back=lambda pixels: encode_frame(frame, pixels))
    pillow = sys.modules.get("PIL.Image")  # whoever has such an image has loaded it
    if pillow is not None and isinstance(picture, pillow.Image):
        return _from_pil(picture)
    hint = " Convert it: numpy.asarray(picture)." if hasattr(picture, "__array__") else ""
    raise UsageError(
        f"An object of type {type(picture).__name__} is no picture; give {EXPECTED}.{hint}"
    )


def _own_array(pixels: Pixels) -> Pixels:
    """Return the pixels as an array that the caller may write to."""
    return pixels if pixels.flags.writeable else pixels.copy()


def _from_array(
    array: npt.NDArray[Any], encoding: ArrayEncoding | None, order: ChannelOrder
) -> GivenPicture:
    _refuse_shape(array)
    _refuse_values(array, encoding)
    samples = array[..., None] if array.ndim == 2 else array
    colours = samples.shape[2] - (samples.shape[2] in (2, 4))
    places = slice(None, colours) if order == "RGB" or colours == 1 else slice(2, None, -1)
    before = pixels_from_samples(samples[..., places])
    is_linear = encoding == "linear"
    frame = Frame(
        pixels=before,
        alpha=None if samples.shape[2] == colours else floats_from_samples(samples[..., -1]),
        alpha_is_premultiplied=is_linear,
        encoding=Encoding.SCENE_LINEAR if is_linear else Encoding.SRGB,
        original=_NoFile(),
    )

    def give_back(pixels: Pixels) -> npt.NDArray[Any]:
        changed = samples.copy()
        own = np.ascontiguousarray(changed[..., places])
        change_samples(own, before, pixels)
        changed[..., places] = own
        return changed.reshape(array.shape)

    return GivenPicture(frame=frame, give_back=give_back)


def _refuse_shape(array: npt.NDArray[Any]) -> None:
    shape = array.shape
    is_grey, is_colour = array.ndim == 2, array.ndim == 3 and shape[-1] in (1, 2, 3, 4)
    if (is_grey or is_colour) and array.size:
        return
    if array.ndim == 3 and shape[0] in (1, 3, 4) and min(shape[1:]) > 4:
        advice = "Channels come last: numpy.moveaxis(picture, 0, -1)."
    elif array.ndim == 4:
        advice = "Give several pictures as a list: list(pictures)."
    else:
        advice = "Give (height, width) for grey, or 3 or 4 channels for RGB and RGBA."
    raise UsageError(
        f"An array of shape {shape} is no picture; expected (height, width, 3). {advice}"
    )


def _refuse_values(array: npt.NDArray[Any], encoding: ArrayEncoding | None) -> None:
    """Refuse numbers of which nobody said what they mean.

    Raises:
        UsageError: their type, or their range, is none of a picture's.
    """
    if array.dtype.kind != "f":
        if array.dtype.name not in _INTEGERS:
            raise UsageError(
                f"An array of {array.dtype} is no picture; expected uint8, uint16 or floats. "
                "Levels from 0 to 255: picture.astype(numpy.uint8)."
            )
        if encoding == "linear":
            raise UsageError(
                f"Linear pixels need floats, and this array is {array.dtype}. Convert them, or "
                "leave encoding out."
            )
        return
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if encoding is not None or (low >= 0.0 and high <= 1.0):
        return
    if low >= 0.0 and high <= _LEVELS_MAX and bool((finite == np.rint(finite)).all()):
        advice = "These are 8-bit levels: divide them by 255, or give uint8."
    else:
        advice = (
            "Light in linear pixels: encoding='linear'. Display values beyond black and white: "
            "encoding='srgb'. 8-bit levels: divide them by 255."
        )
    raise UsageError(
        f"The picture holds values from {low:.4g} to {high:.4g}; floats are expected from 0 to 1, "
        f"sRGB-encoded. {advice}"
    )


def _from_pil(image: "Image.Image") -> GivenPicture:
    from PIL import Image, ImageOps

    try:
        upright = ImageOps.exif_transpose(image)
        upright.load()
    except (OSError, ValueError, SyntaxError) as error:  # of a file that PIL has opened, not read
        raise UnreadableFrameError(f"The PIL image cannot be read: {error}.") from error
    mode = _PIXELS_ALONE.get(upright.mode, upright.mode)
    if upright.mode == "P" and "transparency" not in upright.info:
        mode = "RGB"
    if mode.startswith("I;16"):
        given = _from_array(np.asarray(upright), None, "RGB")
    elif mode in _MODES:
        given = _from_array(np.asarray(upright.convert(mode)), None, "RGB")
    else:
        raise UsageError(
            f"A PIL image of mode {upright.mode} is not worked on; expected {', '.join(_MODES)} "
            "or I;16. Convert it: image.convert('RGB')."
        )

    def give_back(pixels: Pixels) -> Image.Image:
        result = Image.fromarray(given.give_back(pixels))
        result.info = dict(upright.info)
        return result

    return GivenPicture(frame=given.frame, give_back=give_back)
