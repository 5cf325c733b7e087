"""A picture of our own making as the content of a file: sheets, thumbnails, reports."""

import io
from typing import Any

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float


def encoded_picture(
    picture: Image.Image | Float[np.ndarray, "height width 3"], kind: str, **settings: Any
) -> bytes:
    """Encode a picture.

    Args:
        picture: Pillow's, or sRGB-encoded values, of which those outside of [0, 1] are clipped.
        kind: Pillow's name of the format, such as `PNG`.
        settings: of Pillow for the format, such as `quality`.
    """
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8))
    content = io.BytesIO()
    picture.save(content, kind, **settings)
    return content.getvalue()
