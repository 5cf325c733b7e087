"""A made-up shot at any size: a sample frame, enlarged, with noise as renders have it."""

from pathlib import Path

import numpy as np
from PIL import Image

import reggan_plugin
from reggan_plugin.array_types import Float
from reggan_plugin.files.frame import read_frame

_SAMPLES = Path(reggan_plugin.__file__).parent / "samples"
SAMPLE_FROM_SUFFIX = {
    "png": _SAMPLES / "avatar_png" / "avatar.1001.png",
    "exr": _SAMPLES / "avatar_exr" / "avatar.1001.exr",
}
_NOISE = 0.01
"""Standard deviation, in parts of a pixel's own brightness: black stays black."""


def make_shot(folder: Path, height: int, frames: int, suffix: str) -> list[Path]:
    """Write `shot.0001.<suffix>`, ...: 8-bit PNG, or half-float EXR with alpha, in ZIP."""
    sample = read_frame(SAMPLE_FROM_SUFFIX[suffix])
    pixels = _enlarged(sample.pixels, height)
    random = np.random.default_rng(0)
    paths = [folder / f"shot.{number:04d}.{suffix}" for number in range(1, frames + 1)]
    for path in paths:
        noise = random.standard_normal(pixels.shape[:2], dtype=np.float32)[..., None]
        noisy = pixels * (1 + _NOISE * noise)
        if suffix == "png":
            Image.fromarray((255 * noisy.clip(0, 1)).round().astype(np.uint8)).save(path)
        else:
            assert sample.alpha is not None
            alpha = _enlarged(sample.alpha[..., None], height)
            _write_exr(path, np.concatenate([noisy, alpha], axis=2))
    return paths


def _enlarged(
    pixels: Float[np.ndarray, "height width channels"], height: int
) -> Float[np.ndarray, "taller wider channels"]:
    size = (round(pixels.shape[1] * height / pixels.shape[0]), height)
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BILINEAR)
        for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _write_exr(path: Path, rgba: Float[np.ndarray, "height width 4"]) -> None:
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGBA": rgba.astype(np.float16)}) as file:
        file.write(str(path))
