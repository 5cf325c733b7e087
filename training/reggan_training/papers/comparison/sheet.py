"""A contact sheet: what every run made above what is true, for some identities of each style."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.metrics.trials import Kind, TrialSubject
from reggan_training.papers.comparison.contenders import Contender, composite, mask_of

_CELL_PX, _HEADER_PX, _MARGIN_PX, _GAP_PX = 144, 24, 120, 6
_LONGEST_LABEL = 15


def draw_sheet(contenders: Sequence[Contender], subjects: Sequence[TrialSubject]) -> Image.Image:
    """For each subject a row of every run at full intensity, then the true pictures.

    The first column is the neutral source; expressions that a subject does not show are empty.
    """
    columns, rows = len(EXPRESSION_NAMES), len(contenders) + 1
    height = len(subjects) * (rows * _CELL_PX + _GAP_PX)
    sheet = Image.new("RGB", (_MARGIN_PX + columns * _CELL_PX, _HEADER_PX + height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, title in enumerate(("input", *EXPRESSION_NAMES[1:])):
        middle = _MARGIN_PX + (column + 0.5) * _CELL_PX
        draw.text((middle, _HEADER_PX / 2), title, "black", font, anchor="mm")
    top = _HEADER_PX
    for subject in subjects:
        for label, pictures in _rows(contenders, subject).items():
            text = f"{subject.style}\n{_shortened(label)}"
            draw.multiline_text((6, top + _CELL_PX / 2), text, "black", font, anchor="lm")
            for column, picture in pictures.items():
                sheet.paste(_cell(picture), (_MARGIN_PX + column * _CELL_PX, top))
            top += _CELL_PX
        top += _GAP_PX
    return sheet


def _rows(
    contenders: Sequence[Contender], subject: TrialSubject
) -> dict[str, dict[int, Float[Tensor, "3 side side"]]]:
    """Pictures by row and then by column."""
    numbers = subject.numbers_of(Kind.FULL)
    sources, commands = subject.sources[numbers], subject.commands[numbers]
    mask = mask_of(contenders[0].model, sources, commands)
    made = {one.name: composite(one.model, sources, commands, mask) for one in contenders}
    columns = [subject.trials[number].expression for number in numbers]
    return {
        label: {0: sources[0], **dict(zip(columns, pictures, strict=True))}
        for label, pictures in {**made, "true": subject.targets[numbers]}.items()
    }


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"


def _cell(picture: Float[Tensor, "3 side side"]) -> Image.Image:
    size = (_CELL_PX, _CELL_PX)
    small = F.interpolate(
        picture[None], size, mode="bilinear", antialias=True, align_corners=False
    )[0]
    levels = torch.round(small.clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(levels.numpy()))
