"""Every named expression on a head of each family: what a model is to show.

python -m tests.measurements.expression_sheet --ict NPZ --out expressions.jpg
"""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, Expression
from reggan_training.commands.options import FILE_TO_WRITE, OpenFamilies, family_options
from reggan_training.heads.head import HeadMesh
from reggan_training.rendering.head_look import sample_look
from reggan_training.rendering.rasterising import frontal_camera, rasterise_head
from reggan_training.rendering.shading import HeadShader

_COLUMNS, _VIEW_PX, _LINE_PX = 11, 128, 14
_SEED = 3


@click.command()
@family_options
@click.option(
    "--head", "number", type=click.IntRange(0, 99), default=3, show_default=True, metavar="N",
    help="Which head of each family.",
)  # fmt: skip
@click.option("--out", type=FILE_TO_WRITE, required=True, metavar="FILE.jpg")
def expression_sheet(*, open_families: OpenFamilies, number: int, out: Path) -> None:
    """Draw every named expression as its weights move true heads: what a model is to show."""
    expressions = list(NAMED_EXPRESSIONS.values())
    rows = []
    for family in open_families():
        names = family.identities(100, _SEED)
        rows.append(views_of(family.head(names[number % len(names)]), expressions))
    kind = "PNG" if out.suffix.lower() == ".png" else "JPEG"
    write_atomically(out, encoded_picture(_laid_out(expressions, rows), kind, quality=86))
    click.echo(out)


def views_of(
    head: HeadMesh, expressions: Sequence[Expression]
) -> list[UInt8[np.ndarray, "side side 3"]]:
    """A head with each expression, from the front; shapes that it does not have are left out."""
    states = [
        {shape: weight for shape, weight in expression.weights.items() if shape in head.controls}
        for expression in expressions
    ]
    random = np.random.default_rng(_SEED)
    seen = rasterise_head(head, states, frontal_camera(head.landmarks(head.rest)))
    look, shader = sample_look(random, style="skin"), HeadShader(seen)
    pictures = (shader.picture(seen.face, state, look) for state in range(len(states)))
    return [(255 * one.permute(1, 2, 0).numpy()).round().astype(np.uint8) for one in pictures]


def _laid_out(
    expressions: Sequence[Expression], rows: Sequence[Sequence[UInt8[np.ndarray, "side side 3"]]]
) -> Image.Image:
    height = _LINE_PX + len(rows) * _VIEW_PX
    lines = -(-len(expressions) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _VIEW_PX, lines * height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for place, expression in enumerate(expressions):
        left, top = place % _COLUMNS * _VIEW_PX, place // _COLUMNS * height
        draw.text((left + 2, top + 1), expression.name, font=font, fill="black")
        for row, views in enumerate(rows):
            view = Image.fromarray(views[place]).resize((_VIEW_PX, _VIEW_PX), Image.Resampling.BOX)
            sheet.paste(view, (left, top + _LINE_PX + row * _VIEW_PX))
    return sheet


if __name__ == "__main__":
    expression_sheet()
