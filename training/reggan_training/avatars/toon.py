"""A rendering as if drawn: bands of flat colour and lines of ink."""

import numpy as np
from jaxtyping import Float, Int

from reggan_training.avatars.painting import calm_means
from reggan_training.avatars.render_passes import RenderPasses
from reggan_training.avatars.surfaces import SURFACES

_BANDS = 5
_SATURATION = 1.35
_DEPTH_STEP_M = 0.012
_CREASE = 0.45
"""Neighbouring directions whose cosine is below it meet in a crease."""
_INK = np.array([0.05, 0.04, 0.05])
_HAIRS = tuple(SURFACES.index(name) for name in ("brow", "lash", "beard", "hair"))


def draw_toon(
    picture: Float[np.ndarray, "height width 3"], passes: RenderPasses
) -> Float[np.ndarray, "height width 3"]:
    """The picture (sRGB-encoded) in bands of light, with ink along the lines of its shapes.

    Raises:
        ValueError: the passes lack depth or normals.
    """
    flat = calm_means(picture, max(2, round(picture.shape[0] / 64)))
    brightness = flat.max(axis=2, keepdims=True)
    stepped = _banded(brightness)
    coloured = flat * (stepped / np.maximum(brightness, 1e-4))
    grey = coloured.mean(axis=2, keepdims=True)
    vivid = (grey + _SATURATION * (coloured - grey)).clip(0.0, 1.0)
    ink = _ink_lines(passes)[..., None]
    return np.asarray(vivid + ink * (_INK - vivid))


def _banded(brightness: Float[np.ndarray, "height width 1"]) -> Float[np.ndarray, "height width 1"]:
    """Brightness in steps, with edges a few grey levels soft."""
    scaled = brightness * _BANDS
    step = np.floor(scaled)
    within = ((scaled - step - 0.5) * 7).clip(-0.5, 0.5) + 0.5
    return np.asarray((step + within) / _BANDS)


def _ink_lines(passes: RenderPasses) -> Float[np.ndarray, "height width"]:
    if passes.depth is None or passes.normal is None:
        raise ValueError("drawing needs the passes of depth and normals")
    depth, normal = passes.depth, passes.normal
    surface = _without_specks(passes.surface)
    is_hair, is_behind = np.isin(surface, _HAIRS), surface == 0
    line = np.zeros(depth.shape)
    for axis in (0, 1):
        before = [slice(None)] * 2
        after = [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        first, second = tuple(before), tuple(after)
        both_hair = is_hair[first] & is_hair[second]
        jump = np.abs(depth[first] - depth[second]) > _DEPTH_STEP_M
        crease = (normal[first] * normal[second]).sum(axis=2) < _CREASE
        for quiet in (is_hair, is_behind):
            crease &= ~(quiet[first] | quiet[second])
        border = (surface[first] != surface[second]) & ~_is_neck_to_face(surface, first, second)
        found = (border | ((jump | crease) & ~both_hair)).astype(np.float64)
        line[first] = np.maximum(line[first], found)
        line[second] = np.maximum(line[second], 0.6 * found)
    return _softened(line)


def _without_specks(surface: Int[np.ndarray, "height width"]) -> Int[np.ndarray, "height width"]:
    """Each pixel's most frequent surface within two pixels."""
    reach = 2
    framed = np.pad(surface, reach, mode="edge")
    height, width = surface.shape
    votes = np.zeros((len(SURFACES), height, width), dtype=np.int64)
    for down in range(2 * reach + 1):
        for right in range(2 * reach + 1):
            seen = framed[down : down + height, right : right + width]
            votes += seen == np.arange(len(SURFACES))[:, None, None]
    return votes.argmax(axis=0)


def _is_neck_to_face(
    surface: np.ndarray, first: tuple[slice, ...], second: tuple[slice, ...]
) -> np.ndarray:
    """Pixels that get no line: skin goes on as skin, or hairs grow on it."""
    quiet = np.isin(
        surface, [SURFACES.index(n) for n in ("face", "neck", "brow", "lash", "beard", "lens")]
    )
    return np.asarray(quiet[first] & quiet[second])


def _softened(line: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    """A line a little wider and without stairs."""
    framed = np.pad(line, 1, mode="edge")
    rows = framed[:-2] + 2 * framed[1:-1] + framed[2:]
    both = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return np.asarray((both / 16 * 1.5).clip(0.0, 1.0))
