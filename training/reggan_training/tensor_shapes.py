"""Shapes of the tensors that models of named expressions and their measures hand on."""

from jaxtyping import Float
from torch import Tensor

Images = Float[Tensor, "batch 3 side side"]
"""sRGB-encoded, [0, 1]."""
Masks = Float[Tensor, "batch 1 side side"]
Intensities = Float[Tensor, "batch expressions"]
"""Of each expression, in the order of `EXPRESSION_NAMES`."""
Features = Float[Tensor, "batch channels height width"]
"""What one layer of a network hands to the next."""
