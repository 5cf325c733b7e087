"""Strands of hair as flat ribbons that lie on what is below them."""

import numpy as np
from jaxtyping import Float, Int


def ribbons(
    strands: Float[np.ndarray, "strands points 3"],
    half_width: Float[np.ndarray, "strands points"],
    outwards: Float[np.ndarray, "strands points 3"],
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "triangles 3"]]:
    """A ribbon along each strand, its front turned outwards, ending in a point.

    Vertices come strand by strand, two for each point; at the tip both are the same place.
    """
    count, places = strands.shape[:2]
    along = np.gradient(strands, axis=1)
    across = np.cross(outwards, along)
    size = np.linalg.norm(across, axis=2, keepdims=True)
    across = across / np.maximum(size, 1e-9)
    width = half_width.copy()
    width[:, -1] = 0.0
    both = np.stack([-across, across], axis=2) * width[:, :, None, None]
    vertices = (strands[:, :, None] + both).reshape(-1, 3)
    at = np.arange(count * places * 2).reshape(count, places, 2)
    one, other = at[:, :-1, 0], at[:, :-1, 1]
    one_after, other_after = at[:, 1:, 0], at[:, 1:, 1]
    first = np.stack([one, other_after, other], axis=-1)
    second = np.stack([one, one_after, other_after], axis=-1)[:, :-1]
    return vertices, np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])
