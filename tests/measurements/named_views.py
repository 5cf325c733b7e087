"""Grey views of heads that show the 22 expressions of CFEE, for a judge that names them."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, NAMED_EXPRESSIONS
from reggan_training.heads.head import HeadMesh
from reggan_training.metrics.judge_training import STORED_SIDE_PX
from reggan_training.rendering.face_states import Weights
from reggan_training.rendering.head_look import sample_look
from reggan_training.rendering.rasterising import rasterise_head, sample_camera
from reggan_training.rendering.shading import HeadShader

_COMPOUNDS_OF_CFEE = 15
NAMES_OF_CFEE: tuple[str, ...] = (
    *EXPRESSION_NAMES,
    *[one.name for one in NAMED_EXPRESSIONS.values() if one.group == "compound"][
        :_COMPOUNDS_OF_CFEE
    ],
)
"""Neutral, the six and the fifteen compounds of Du, Tao & Martinez (PNAS 2014), in this order."""

_WINDOW = (0.072, 0.928)
"""Part of a head's crop that a stored view shows, along both sides: brows to a dropped chin."""
_RASTER_PX = 192
_LUMA = torch.tensor([0.2126, 0.7152, 0.0722])  # Rec. 709


def states_of_names(controls: Sequence[str]) -> list[Weights]:
    """Each name's weights in full, with the shapes that a head has."""
    named = [NAMED_EXPRESSIONS[name].weights.items() for name in NAMES_OF_CFEE]
    return [{shape: weight for shape, weight in one if shape in controls} for one in named]


def draw_named_views(
    head: HeadMesh, looks: int, random: np.random.Generator
) -> UInt8[np.ndarray, "names looks side side"]:
    """Views of one head in every name and several looks, before one camera drawn at random."""
    seen = rasterise_head(
        head,
        states_of_names(head.controls),
        sample_camera(head.landmarks(head.rest), random),
        face_px=_RASTER_PX,
    )
    shader = HeadShader(seen)
    views = np.empty((len(NAMES_OF_CFEE), looks, STORED_SIDE_PX, STORED_SIDE_PX), np.uint8)
    for number in range(looks):
        look = sample_look(random)
        for state in range(len(NAMES_OF_CFEE)):
            with torch.no_grad():
                views[state, number] = view_of_crop(shader.picture(seen.face, state, look))
    return views


def view_of_crop(picture: Float[Tensor, "3 side side"]) -> UInt8[np.ndarray, "view view"]:
    """The part of a head's crop that a judge is shown, in luminance."""
    side = picture.shape[-1]
    first, last = (round(edge * side) for edge in _WINDOW)
    grey = torch.einsum("c,chw->hw", _LUMA, picture[:, first:last, first:last].clamp(0, 1))
    size = (STORED_SIDE_PX, STORED_SIDE_PX)
    fitted = F.interpolate(grey[None, None], size, mode="bilinear", antialias=True)[0, 0]
    return (fitted * 255 + 0.5).clamp(0, 255).to(torch.uint8).numpy()
