"""A contact sheet: what the model made above what is true, for some identities of each style."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.metrics.measure import REGGAN, apply_methods
from reggan_training.metrics.subjects import Subject, title_of
from reggan_training.networks.reggan import RegGAN

_CELL_PX, _HEADER_PX, _MARGIN_PX, _GAP_PX = 144, 24, 92, 6


def draw_sheet(model: RegGAN, subjects: Sequence[Subject]) -> Image.Image:
    """Two rows for each subject: input and RegGAN, then the true pictures.

    All subjects show the same expressions.
    """
    columns = 1 + len(subjects[0].expressions)
    size = (_MARGIN_PX + columns * _CELL_PX, _HEADER_PX + len(subjects) * (2 * _CELL_PX + _GAP_PX))
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    titles = ["input", *(EXPRESSION_NAMES[e] for e in subjects[0].expressions)]
    for column, title in enumerate(titles):
        middle = _MARGIN_PX + (column + 0.5) * _CELL_PX
        draw.text((middle, _HEADER_PX / 2), title, "black", font, anchor="mm")
    for number, subject in enumerate(subjects):
        top = _HEADER_PX + number * (2 * _CELL_PX + _GAP_PX)
        made = torch.cat([subject.source[None], apply_methods(model, subject)[REGGAN]])
        rows = (("RegGAN", made), ("true", subject.true_pictures[0]))
        for row, (label, pictures) in enumerate(rows):
            y = top + row * _CELL_PX
            text = f"{title_of(subject.style)}\n{label}"
            draw.multiline_text((6, y + _CELL_PX / 2), text, "black", font, anchor="lm")
            sheet.paste(_strip(pictures), (_MARGIN_PX, y))
    return sheet


def _strip(pictures: Float[Tensor, "count 3 side side"]) -> Image.Image:
    """The pictures side by side, each a cell wide."""
    size = (_CELL_PX, _CELL_PX)
    small = F.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)
    row = torch.cat(list(small), dim=2).permute(1, 2, 0).clamp(0, 1).numpy()
    return Image.fromarray((row * 255 + 0.5).astype(np.uint8))
