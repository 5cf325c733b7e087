"""What makes pictures of heads: a shader, or a path tracer."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from reggan_training.heads.head import HeadMesh
from reggan_training.pairs.head_look import HeadLook
from reggan_training.pairs.shading import HeadShader

Drawn = Callable[[int], Float[Tensor, "3 height width"]]
"""One state of a head in a look, sRGB-encoded, [0, 1], at the side of the rasters or half of it."""
Drawing = Callable[[HeadMesh, HeadShader, HeadLook], Drawn]


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """What makes pictures of heads.

    Attributes:
        name: of its settings in a set's manifest.
        styles: that it can draw.
        draw: opens a head in a look.
        packages: whose versions the manifest names.
    """

    name: str
    styles: tuple[str, ...]
    draw: Drawing
    packages: tuple[str, ...] = ("torch",)
