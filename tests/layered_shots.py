"""A model that moves, lights and paints smoothly, and its results as others rebuild them."""

from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO

from reggan_plugin.cli import main
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear

from .motion_models import CELLS, SIDE_PX, write_motion_model

KERNEL = "simon"
"""Nuke's and OpenImageIO's name for the cubic with the slope that ours has."""


def smile(path: Path, *, grey: bool = True, strength: float = 1.0) -> Path:
    """A model whose faces stretch around the middle, get lighter there, and open a mouth."""
    y, x = (np.mgrid[:CELLS, :CELLS] + 0.5) / CELLS - 0.5
    bump = np.exp(-(x**2 + y**2) / 0.03)
    motion = strength * np.stack([0.03 * np.sin(6 * y), 0.02 * np.cos(5 * x)]) * bump
    gain = strength * 0.3 * bump * np.array([1.0] if grey else [1.0, 0.5, -0.5]).reshape(-1, 1, 1)
    y, x = (np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5) / SIDE_PX - 0.5
    cover = 1 / (1 + np.exp(40 * (np.hypot(x, 2 * (y - 0.2)) - 0.12)))
    paint = np.stack([0.4 + 0.3 * x, 0.2 + 0.1 * y, np.full_like(x, 0.15)])
    return write_motion_model(path, motion=motion, gain=gain, cover=cover, paint=paint)


def render(source: Path, model: Path, *more: str, out: str = "out", status: int = 0) -> Path:
    folder = source.parent / out
    words = ["render", "--frames", source, "--out", folder, "--model", model]
    words += ["--expression", "happy", *more]
    assert main([str(word) for word in words]) == status
    return folder / source.name


def planes(path: Path) -> np.ndarray:
    """All channels of a file in the order R, G, B, A."""
    file = OpenEXR.File(str(path), separate_channels=True)
    channels = {name: channel.pixels for name, channel in file.channels().items()}
    return np.stack([channels[name] for name in "RGBA" if name in channels], axis=2)


def warped(picture: np.ndarray, stmap: np.ndarray, kernel: str = KERNEL) -> np.ndarray:
    """By OpenImageIO, whose own convention has v from the top down."""
    result = OpenImageIO.ImageBufAlgo.st_warp(
        _buffer(picture), _buffer(stmap), kernel, 0.0, 0, 1, False, True
    )
    return np.asarray(result.get_pixels(OpenImageIO.FLOAT))


def rebuilt(source: Frame, layers: Path, name: str, alpha: np.ndarray | None = None) -> np.ndarray:
    """The display picture from the source and its layers, as a compositor puts it together."""
    alpha = source.alpha if alpha is None else alpha
    straight = source.pixels
    if source.alpha_is_premultiplied and source.alpha is not None:
        straight = straight / np.where(source.alpha > 0, source.alpha, 1)[..., None]
    moved = warped(straight, planes(layers / "stmap" / name))
    light = moved if source.alpha_is_premultiplied else linear_from_srgb(moved)
    light = light * planes(layers / "gain" / name)
    paint = planes(layers / "paint" / name)
    light += paint[..., 3:] * (paint[..., :3] - light)
    return srgb_from_linear(light)


def shown(frame: Frame) -> np.ndarray:
    """The display picture of a frame without its alpha."""
    if not frame.alpha_is_premultiplied:
        return frame.pixels
    alpha = 1.0 if frame.alpha is None else np.where(frame.alpha > 0, frame.alpha, 1)[..., None]
    return srgb_from_linear(frame.pixels / alpha)


def _buffer(picture: np.ndarray) -> OpenImageIO.ImageBuf:
    height, width, channels = picture.shape
    buffer = OpenImageIO.ImageBuf(OpenImageIO.ImageSpec(width, height, channels, OpenImageIO.FLOAT))
    buffer.set_pixels(OpenImageIO.ROI(), np.ascontiguousarray(picture, dtype=np.float32))
    return buffer
