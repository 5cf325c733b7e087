"""The inverse of small matrices, by operations that every engine can run."""

import torch
from jaxtyping import Float
from torch import Tensor


def inverse_of_symmetric(matrix: Float[Tensor, "batch 3 3"]) -> Float[Tensor, "batch 3 3"]:
    """Of symmetric matrices, by their adjugate."""
    a, b, c = matrix[:, 0], matrix[:, 1], matrix[:, 2]
    adjugate = torch.stack(
        [torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], dim=1
    )
    determinant = (a * adjugate[:, 0]).sum(1)
    return adjugate / determinant[:, None, None]
