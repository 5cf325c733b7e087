"""The change of a frame as layers for a compositor, in the frame's own EXR or in files beside it.

    result = mix(stmap(source) * gain, paint.RGB, paint.A)

on straight (not premultiplied) linear light. `stmap` and `inverse` are absolute coordinates in
[0, 1] with v from the bottom up, `gain` is a factor, `paint` straight colour and its cover, `mask`
the weight that each pixel took, `delta` the file's own values after less before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from reggan_plugin.array_types import Float, Pixels, Plane
from reggan_plugin.change.pipeline import EditedFrame
from reggan_plugin.files.exr.writing_settings import CHANGE_LAYERS, MASK, ChangeLayer
from reggan_plugin.files.image_format import Encoding, Frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import stmap_and_gain
from reggan_plugin.imaging.stmap_and_gain import Canvas
from reggan_plugin.limits import refuse_wide_windows

MOTION_LAYERS: tuple[ChangeLayer, ...] = ("stmap", "inverse", "gain", "paint")
"""Those that only a model can fill that says where a face moves."""
MASK_PICTURE: Literal["mask_png"] = "mask_png"
"""The folder of the mask as a picture, for programs that read no EXR."""
OWN_CHANNELS = {
    name: tuple(f"reggan_{name}.{letter}" for letter in letters)
    for name, letters in {"stmap": "uv", "inverse": "uv", "gain": "RGB", "paint": "RGBA"}.items()
}
"""Channels of the layers in a frame's own EXR."""
_PROBE = 0.25

Planes = dict[str, Plane]
LayerName = ChangeLayer | Literal["mask_png"]


@frozen(eq=False)
class FrameChange:
    """A frame and its change.

    Attributes:
        frame: as read.
        edited: its picture after the change.
    """

    frame: Frame
    edited: EditedFrame

    @property
    def canvas(self) -> Canvas:
        """The pixels of the frame."""
        height, width = self.frame.pixels.shape[:2]
        return Canvas(
            origin_px=self.frame.origin_px, shape=(height, width), display_px=self.frame.display_px
        )

    @property
    def displayed_canvas(self) -> Canvas:
        """The pixels of the frame and all that are displayed.

        Raises:
            UnsupportedFormatError: these are many times the frame's.
        """
        canvas = self.canvas.with_all_displayed()
        height, width = self.frame.pixels.shape[:2]
        refuse_wide_windows(*canvas.shape, height * width)
        return canvas

    def layer(self, layer: ChangeLayer, canvas: Canvas) -> Float[np.ndarray, "height width some"]:
        """Return the planes of a layer on a canvas."""
        match layer:
            case "mask":
                return stmap_and_gain.weight_plane(self.edited.weight, canvas)[..., None]
            case "delta":
                return self._delta(canvas)
            case "gain":
                return stmap_and_gain.gain_plane(self.edited.parts, canvas)
            case "paint":
                return self._paint(canvas)
            case "stmap" | "inverse":
                displacement = stmap_and_gain.displacement_plane(self.edited.parts, canvas)
                if layer == "inverse":
                    displacement = stmap_and_gain.inverse_displacement(displacement)
                return stmap_and_gain.stmap_from_displacement(displacement, canvas)

    def channels_of_frame(self, layers: Sequence[ChangeLayer]) -> Planes:
        """Channels for the frame's own EXR, `delta` left out: that is told by its samples."""
        channels: Planes = {}
        for layer in layers:
            if layer == "mask":
                channels[MASK] = self.edited.weight
            elif layer != "delta":
                planes = self.layer(layer, self.canvas)
                for index, name in enumerate(OWN_CHANNELS[layer]):
                    channels[name] = planes[..., index]
        return channels

    def _delta(self, canvas: Canvas) -> Pixels:
        edited = self.edited
        delta = np.zeros_like(edited.before)
        with np.errstate(invalid="ignore", over="ignore"):
            before = edited.before[edited.box]
            there = (edited.inside_weight[..., None] > 0) & np.isfinite(before)
            delta[edited.box] = np.where(there, edited.inside - before, 0)
        planes = (stmap_and_gain.weight_plane(plane, canvas) for plane in np.moveaxis(delta, 2, 0))
        return np.stack(list(planes), axis=2).astype(np.float32)

    def _paint(self, canvas: Canvas) -> Float[np.ndarray, "height width 4"]:
        """Paint with the frame's own primaries where its values are linear, else of Rec. 709."""
        paint = stmap_and_gain.paint_plane(self.edited.parts, canvas)
        space = self.frame.colour_space
        if space is not None and self.frame.encoding is Encoding.SCENE_LINEAR:
            probe = np.array([[[_PROBE] * 3, [2 * _PROBE] * 3]], np.float32)
            once, twice = space.own_from_linear(probe)[0]
            if np.allclose(2 * once, twice, rtol=1e-4):  # proportional to light, so no log curve
                paint[..., :3] = space.own_from_linear(paint[..., :3])
        return paint


@frozen
class LayerFiles:
    """Layers as files of their own: `FOLDER/LAYER/NAME.exr` for a frame of that name.

    Attributes:
        folder: where the folder of each layer lies.
        layers: which.
    """

    folder: Path
    layers: tuple[ChangeLayer, ...] = CHANGE_LAYERS

    def paths_of(self, frame: Path) -> dict[LayerName, Path]:
        """Return the files of a frame, by layer; the mask as a picture too."""
        name = f"{frame.stem}.exr"
        paths: dict[LayerName, Path] = {one: self.folder / one / name for one in self.layers}
        if "mask" in self.layers:
            paths[MASK_PICTURE] = self.folder / MASK_PICTURE / f"{frame.stem}.png"
        return paths


def layer_files(
    change: FrameChange, paths: Mapping[LayerName, Path]
) -> Iterator[tuple[Path, bytes]]:
    """Each file of a frame's layers, and its bytes; they have all pixels that are displayed."""
    from reggan_plugin.files.exr.block_codec import exr_from_planes

    canvas = change.displayed_canvas
    for name, path in paths.items():
        if name == "mask_png":
            yield path, _mask_picture(change)
        else:
            planes = change.layer(name, canvas)
            channels = _FILE_CHANNELS.get(name, _colours)(planes)
            corner = change.frame.display_corner_px
            yield path, exr_from_planes(channels, canvas.origin_px, canvas.display_px, corner)


def coordinate_file(planes: Float[np.ndarray, "height width 2"], canvas: Canvas) -> bytes:
    """Return an EXR file of an STMap."""
    from reggan_plugin.files.exr.block_codec import exr_from_planes

    return exr_from_planes(_coordinates(planes), canvas.origin_px, canvas.display_px)


def _coordinates(planes: Float[np.ndarray, "height width 2"]) -> Planes:
    """Blender's Map UV multiplies by the third channel, and viewers show what has alpha 1."""
    ones = np.ones(planes.shape[:2], np.float32)
    return {"R": planes[..., 0], "G": planes[..., 1], "B": ones, "A": ones}


def _colours(planes: Float[np.ndarray, "height width some"]) -> Planes:
    """By channel; one plane is all of red, green and blue."""
    names = "RGB" if planes.shape[2] == 1 else "RGBA"[: planes.shape[2]]
    return {name: planes[..., min(i, planes.shape[2] - 1)] for i, name in enumerate(names)}


_FILE_CHANNELS: Mapping[str, Callable[[Float[np.ndarray, "..."]], Planes]] = {
    "stmap": _coordinates,
    "inverse": _coordinates,
}


def _mask_picture(change: FrameChange) -> bytes:
    """Return the mask where the picture is displayed, grey in 16 bits."""
    from imagecodecs import png_encode

    canvas = change.displayed_canvas
    (top, left), (height, width) = canvas.origin_px, canvas.display_px
    plane = stmap_and_gain.weight_plane(change.edited.weight, canvas)[-top:, -left:][
        :height, :width
    ]
    levels = np.rint(np.clip(plane, 0, 1) * np.iinfo(np.uint16).max).astype(np.uint16)
    return bytes(png_encode(np.ascontiguousarray(levels)))
