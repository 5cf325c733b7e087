"""TIFF: only the strips or tiles in which a pixel changed are written anew."""

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from reggan_plugin.array_types import Float
from reggan_plugin.files.credentials_left_out import LEFT_OUT, tiff_has_credentials, tiff_without
from reggan_plugin.files.damaged_files import library_faults
from reggan_plugin.files.frame_data import Encoding, Frame
from reggan_plugin.files.orientation import upright_frame
from reggan_plugin.files.samples import (
    change_samples,
    changed_pixels,
    floats_from_samples,
    pixels_from_samples,
)
from reggan_plugin.files.tiff.checks import (
    PALETTE,
    WHITE_IS_ZERO,
    check_complete,
    colour_count,
    refuse_oversize_page,
    refuse_unwritable,
)
from reggan_plugin.files.tiff.segments import (
    WRITABLE_COMPRESSIONS,
    decode_segment,
    encode_segment,
    is_planar,
    replace_segments,
    segment_places,
)

_ASSOCIATED, _UNASSOCIATED = 1, 2
_ORIENTATION, _PHOTOSHOP_LAYERS, _SUB_IFDS = 274, 37724, 330
_KEPT_TAGS = (270, 274, 282, 283, 296, 305, 315, 700, 33432, 34675)
"""Of a palette file: texts, orientation, resolution, XMP, copyright and colour profile."""
_PACKBITS = 32773


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredTiff:
    """The file, whose first page holds the picture."""

    content: bytes

    def encode(
        self,
        before: Float[np.ndarray, "height width 3"],
        after: Float[np.ndarray, "height width 3"],
    ) -> bytes:
        """Return the file with changed samples replaced; see `StoredImage`."""
        changed = changed_pixels(before, after)
        replaced = {}
        with tifffile.TiffFile(io.BytesIO(self.content)) as file:
            page = file.pages.first
            for index, (plane, rows, columns) in segment_places(page):
                if plane >= colour_count(page) or not changed[rows, columns].any():
                    continue
                segment = decode_segment(page, self.content, index)
                _change(page, segment, plane, before[rows, columns], after[rows, columns])
                replaced[index] = encode_segment(page, segment)
            has_credentials = tiff_has_credentials(page)
        written = replace_segments(self.content, replaced)
        return tiff_without(written) if replaced and has_credentials else written

    def encode_alpha(
        self,
        before: Float[np.ndarray, "height width"],
        after: Float[np.ndarray, "height width"],
    ) -> bytes:
        """Return the file with other alpha; see `WritesAlpha`."""
        old, new = before[..., None], after[..., None]
        changed = changed_pixels(old, new)
        replaced = {}
        with tifffile.TiffFile(io.BytesIO(self.content)) as file:
            page = file.pages.first
            channel = _alpha_channel(page, [int(kind) for kind in page.extrasamples])
            assert channel is not None, "the frame has alpha"
            for index, (plane, rows, columns) in segment_places(page):
                if (is_planar(page) and plane != channel) or not changed[rows, columns].any():
                    continue
                segment = decode_segment(page, self.content, index)
                place = 0 if is_planar(page) else channel
                own_old, own_new = old[rows, columns], new[rows, columns]
                height, width = own_old.shape[:2]  # without a tile's padding
                change_samples(segment[:height, :width, place : place + 1], own_old, own_new)
                replaced[index] = encode_segment(page, segment)
        return replace_segments(self.content, replaced)


def decode(content: bytes) -> Frame:
    """Read the first page of a TIFF."""
    with library_faults(), tifffile.TiffFile(io.BytesIO(content)) as file:  # reads as it is asked
        page = file.pages.first
        refuse_oversize_page(page, len(content))
        if page.photometric == PALETTE and page.colormap is not None:
            return _decode_palette(page)
        refuse_unwritable(page)
        check_complete(page, content)
        samples, notices = _all_samples(page, content), _notices(file)
        kinds = [int(kind) for kind in page.extrasamples]
        orientation = int(page.tags.valueof(_ORIENTATION, 1))
    frame = _frame_of(page, samples, kinds, StoredTiff(content=content), notices)
    return upright_frame(frame, orientation)


def _decode_palette(page: tifffile.TiffPage) -> Frame:
    """Return a page of palette indices as the RGB picture that it shows; 8 bits hold most
    palettes.
    """
    table = np.asarray(page.colormap)  # [3, entries], 16 bits
    is_short = bool((table % 257 == 0).all() or (table % 256 == 0).all())
    colours = (table >> 8).astype(np.uint8) if is_short else table.astype(np.uint16)
    stream = io.BytesIO()
    kept = [
        (tag.code, tag.dtype, tag.count, tag.value, True)
        for tag in page.tags
        if tag.code in _KEPT_TAGS
    ]
    samples = np.moveaxis(colours[:, page.asarray()], 0, -1)
    compression = int(page.compression) if int(page.compression) in WRITABLE_COMPRESSIONS else None
    tifffile.imwrite(
        stream,
        np.ascontiguousarray(samples),
        photometric="rgb",
        compression=compression if compression != _PACKBITS else None,
        extratags=kept,
        metadata=None,
        software=False,
    )
    frame = decode(stream.getvalue())
    bits = colours.itemsize * 8
    return replace(
        frame, notices=(*frame.notices, f"a palette TIFF is written as RGB of {bits} bits")
    )


def _frame_of(
    page: tifffile.TiffPage,
    samples: npt.NDArray[Any],
    kinds: list[int],
    original: StoredTiff,
    notices: tuple[str, ...],
) -> Frame:
    colours = colour_count(page)
    channel = _alpha_channel(page, kinds)
    kind = None if channel is None else kinds[channel - colours]
    return Frame(
        pixels=pixels_from_samples(_shown(page, samples[..., :colours])),
        alpha=None if channel is None else floats_from_samples(samples[..., channel]),
        alpha_is_premultiplied=kind == _ASSOCIATED,
        encoding=Encoding.SCENE_LINEAR if samples.dtype.kind == "f" else Encoding.SRGB,
        notices=notices,
        original=original,
    )


def _alpha_channel(page: tifffile.TiffPage, kinds: list[int]) -> int | None:
    """Its place among the channels, by the kinds of those that are no colours."""
    place = next((i for i, kind in enumerate(kinds) if kind in (_ASSOCIATED, _UNASSOCIATED)), None)
    return None if place is None else colour_count(page) + place


def _all_samples(page: tifffile.TiffPage, content: bytes) -> npt.NDArray[Any]:
    """All channels, [row, column, channel]."""
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    samples = np.empty(shape, page.dtype)
    for index, (plane, rows, columns) in segment_places(page):
        channels = slice(plane, plane + 1) if is_planar(page) else slice(None)
        place = samples[rows, columns, channels]
        segment = decode_segment(page, content, index)
        place[...] = segment[: place.shape[0], : place.shape[1]]
    return samples


def _change(
    page: tifffile.TiffPage,
    segment: npt.NDArray[Any],
    plane: int,
    before: Float[np.ndarray, "rows columns 3"],
    after: Float[np.ndarray, "rows columns 3"],
) -> None:
    """Replace, in place, the samples of a segment that differ."""
    colours = slice(0, colour_count(page))
    if is_planar(page) and colours.stop == 3:
        colours, own = slice(0, 1), slice(plane, plane + 1)
        before, after = before[..., own], after[..., own]
    visible = segment[: before.shape[0], : before.shape[1], colours]  # without a tile's padding
    shown = _shown(page, visible)
    change_samples(shown, before, after)
    visible[...] = _shown(page, shown)


def _shown(page: tifffile.TiffPage, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return samples in which white is high; its own inverse."""
    return ~samples if page.photometric == WHITE_IS_ZERO else samples


def _notices(file: tifffile.TiffFile) -> tuple[str, ...]:
    notices = []
    further = len(file.pages) - 1
    if further or _SUB_IFDS in file.pages.first.tags:
        notices.append("only the first page of a TIFF is changed; the others are kept as they are")
    if _PHOTOSHOP_LAYERS in file.pages.first.tags:
        notices.append("only the flat picture of a layered TIFF is changed, not its layers")
    if tiff_has_credentials(file.pages.first):
        notices.append(LEFT_OUT)
    return tuple(notices)
