"""The light on a face, and how it changes where a shape turns the skin to it or away."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.colour import LUMA_WEIGHTS, linear_from_srgb
from reggan_plugin.interpolation import percentile, sampled
from reggan_plugin.kernels.triangles import vertex_normals
from reggan_plugin.rig.template import Template

_LOW, _HIGH = 5, 95
"""Percentiles of brightness between which skin counts: no nostrils, no highlights."""
_RIDGE = 0.03
_LEAST_LIGHT = 0.25
"""Of the mean light: no skin gets less, whatever its normal."""
_MOST = 0.3
"""Largest change of the light's logarithm."""


def light_change(
    template: Template,
    picture: Float[np.ndarray, "crop crop 3"],
    here: Float[np.ndarray, "vertices 3"],
    before: Float[np.ndarray, "vertices 3"],
    after: Float[np.ndarray, "vertices 3"],
) -> Float[np.ndarray, " vertices"]:
    """Natural logarithm of the factor on the light of each vertex.

    The light is a ridge of the picture's brightness on the normals of the template that is laid
    over it (Lambert's law with light from everywhere).

    Args:
        template: that is laid over the face.
        picture: the crop, sRGB-encoded.
        here: places of the vertices in the crop, in parts of its side.
        before: the vertices in the template's space, as the source has them.
        after: as the result has them.
    """
    normals = vertex_normals(before, template.triangles)
    is_skin = (template.keep > 0.95) & (normals[:, 2] > 0.2)
    colours = sampled(picture, here[is_skin, :2] * len(picture))
    luma = linear_from_srgb(np.clip(colours, 0, 1)) @ np.array(LUMA_WEIGHTS, np.float32)
    usual = (luma > percentile(luma, _LOW)) & (luma < percentile(luma, _HIGH))
    if usual.sum() < 16 or not luma[usual].mean() > 1e-4:
        return np.zeros(len(before), np.float32)
    sides = np.column_stack([np.ones(int(usual.sum())), normals[is_skin][usual]])
    wanted = luma[usual] / luma[usual].mean()
    square = sides.T @ sides / len(sides) + np.diag([0, _RIDGE, _RIDGE, _RIDGE])
    light = np.linalg.solve(square, sides.T @ wanted / len(sides))
    turned = vertex_normals(after, template.triangles)
    was, now = (np.maximum(light[0] + own @ light[1:], _LEAST_LIGHT) for own in (normals, turned))
    change = np.log(now / was) * template.keep
    return np.clip(change, -_MOST, _MOST).astype(np.float32)
