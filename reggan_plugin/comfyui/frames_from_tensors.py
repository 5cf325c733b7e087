"""Between ComfyUI's tensors and frames: floats, channels last, 8-bit levels kept as such.

Tensors go through NumPy, and new ones are made by the given ones, so that no torch is imported.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, Self

import numpy as np

from reggan_plugin.array_types import Float, Pixels
from reggan_plugin.errors import UsageError
from reggan_plugin.files.image_format import Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.transfer.python_picture import GivenPicture, read_given

ImageEncoding = Literal["sRGB", "linear"]
_LEVELS = np.float32(255)
_SLACK = 1e-3
"""Levels by which a value may miss one: what sums and differences of floats leave."""


class Tensor(Protocol):
    """The part of a torch tensor that is used here."""

    def cpu(self) -> Self:
        """Return it in the memory of the processor."""
        ...

    def float(self) -> Self:
        """Return it in single precision."""
        ...

    def numpy(self) -> Any:
        """Return it as an array."""
        ...

    def new_tensor(self, data: Any) -> Any:
        """Return a tensor like it with other content."""
        ...


def array_from_tensor(tensor: Tensor, name: str = "image") -> Float[np.ndarray, "..."]:
    """Return the content of the tensor that an input was given as float32.

    Raises:
        UsageError: it is none: nodes of any kind hand on whatever they have.
    """
    if not hasattr(tensor, "new_tensor"):
        raise UsageError(f"The input {name} got {type(tensor).__name__}; connect a picture.")
    return np.asarray(tensor.cpu().float().numpy(), dtype=np.float32)


@frozen(eq=False)
class BatchPicture:
    """A picture of a batch.

    Attributes:
        frame: as the model's steps take it.
        given: by which a result becomes what was given.
        values: as they were in the batch.
        is_of_levels: whether they are 8-bit levels, and the result is to be so.
    """

    frame: Frame
    given: GivenPicture
    values: Float[np.ndarray, "height width channels"]
    is_of_levels: bool

    def with_pixels(self, pixels: Pixels) -> Float[np.ndarray, "height width channels"]:
        """Return the picture with other pixels; where they are the same its values keep their
        bits, and alpha does.
        """
        changed = self.given.give_back(pixels)
        if not self.is_of_levels:
            return np.asarray(changed, np.float32)
        before = levels_of(self.values)
        return np.where(changed == before, self.values, changed.astype(np.float32) / _LEVELS)


def levels_of(values: Float[np.ndarray, "..."]) -> Any:
    """Return the 8-bit levels of values in [0, 1]."""
    return np.rint(values * _LEVELS).astype(np.uint8)


def read_batch(
    image: Tensor, encoding: ImageEncoding, mask: Tensor | None = None
) -> list[BatchPicture]:
    """Read ComfyUI's IMAGE: (batch, height, width, channels), with RGB or RGB and alpha.

    An 8-bit picture, whose values are whole levels of 255, is read as one and stays one, so that
    *Save Image* writes the bytes of the command line's pixels.

    Args:
        image: the batch.
        encoding: `sRGB` display values with straight alpha, also above 1; or `linear`, Rec. 709,
            with premultiplied alpha, as an EXR holds it.
        mask: how much of a change each pixel takes; one for all pictures, or one for each.

    Raises:
        UsageError: mask and picture do not fit, or this is no batch of pictures.
    """
    batch = array_from_tensor(image)
    refuse_no_batch(batch)
    mattes = None if mask is None else _mattes(mask, batch.shape)
    pictures = []
    for place, values in enumerate(batch):
        is_of_levels = encoding == "sRGB" and _is_of_levels(values)
        if is_of_levels:
            given = read_given(levels_of(values))
        else:
            given = read_given(values, encoding="linear" if encoding == "linear" else "srgb")
        frame = given.frame
        if mattes is not None:
            frame = replace(frame, matte=mattes[place % len(mattes)])
        pictures.append(
            BatchPicture(frame=frame, given=given, values=values, is_of_levels=is_of_levels)
        )
    return pictures


def refuse_no_batch(batch: Float[np.ndarray, "..."]) -> None:
    """Refuse what is no batch of pictures.

    Raises:
        UsageError: it has another shape.
    """
    if batch.ndim != 4 or batch.shape[3] not in (3, 4) or not batch.size:
        raise UsageError(
            f"An image of shape {batch.shape} came in; expected (batch, height, width, 3), or 4 "
            "channels with alpha. Connect an IMAGE."
        )


def _mattes(mask: Tensor, shape: tuple[int, ...]) -> Float[np.ndarray, "batch height width"]:
    mattes = array_from_tensor(mask, "mask")
    mattes = mattes[None] if mattes.ndim == 2 else mattes
    if mattes.ndim == 3 and mattes.shape[1:] == shape[1:3] and len(mattes) in (1, shape[0]):
        return np.clip(mattes, 0.0, 1.0)
    empty = " (Load Image gives this one for pictures without alpha: leave it unconnected)"
    raise UsageError(
        f"The mask is {_size(mattes.shape)}{empty if mattes.shape[1:] == (64, 64) else ''}, and "
        f"the image {_size(shape[:3])}; expected one mask of its size, or one for each picture."
    )


def _size(shape: Sequence[int]) -> str:
    return f"{shape[0]} of {shape[2]}x{shape[1]}" if len(shape) > 2 else str(tuple(shape))


def _is_of_levels(values: Float[np.ndarray, "height width channels"]) -> bool:
    """Tell whether all values are 8-bit levels; a row is asked first, as most are not."""
    return _rows_are_levels(values[:1]) and _rows_are_levels(values)


def _rows_are_levels(values: Float[np.ndarray, "rows width channels"]) -> bool:
    with np.errstate(invalid="ignore", over="ignore"):
        levels = values * _LEVELS
        whole = np.rint(levels)
        near = np.abs(levels - whole) < _SLACK
        return bool((near & (whole >= 0) & (whole <= _LEVELS)).all())
