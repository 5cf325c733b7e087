"""From rendered light to the picture of a style."""

import numpy as np
from jaxtyping import Bool, Float

from reggan_training.avatars.look import AvatarLook
from reggan_training.avatars.painting import paint_over
from reggan_training.avatars.render_passes import RenderPasses, picture_from_light
from reggan_training.avatars.surfaces import FACE_SURFACES, SURFACES
from reggan_training.avatars.toon import draw_toon


def finished_picture(passes: RenderPasses, look: AvatarLook) -> Float[np.ndarray, "height width 3"]:
    """The sRGB-encoded picture, as the look's style draws it."""
    picture = picture_from_light(passes.colour)
    if look.style == "toon":
        return draw_toon(picture, passes)
    if look.style == "painted":
        return paint_over(picture, look.texture_seed)
    return picture


def face_mask(passes: RenderPasses) -> Bool[np.ndarray, "height width"]:
    """Pixels that show skin of the face, its features, brows, lashes or beard."""
    shown = [SURFACES.index(surface) for surface in FACE_SURFACES]
    return np.isin(passes.surface, shown)
