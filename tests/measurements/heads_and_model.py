"""What measurements on held-out heads share: the model that is asked, and the heads."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

import reggan_plugin
from reggan_plugin.change.answer import AnswerSource
from reggan_training.heads.head import HeadFamily, HeadMesh
from reggan_training.metrics.motion.evaluation import open_exported
from reggan_training.metrics.motion.test_heads import (
    TestHead,
    held_out_identities,
    rasterise_test_head,
    style_of,
)
from reggan_training.rendering.face_states import Weights

SHIPPED = Path(reggan_plugin.__file__).parent / "weights" / "reggan.onnx"
SIDE_PX, SEED = 256, 7

model_option = click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SHIPPED,
    help="An exported file; the model that ships unless given.",
)


def opened(model: Path) -> AnswerSource:
    """A model in one thread."""
    return open_exported(model, 1)


def held_out_heads(
    families: Sequence[HeadFamily], identities: int, states: Callable[[HeadMesh], list[Weights]]
) -> Iterator[TestHead]:
    """So many heads of each family that nothing has learnt from, in materials by turns."""
    number = 0
    for family in families:
        for name in held_out_identities(family, identities, SEED):
            head = family.head(name)
            seen = rasterise_test_head(head, SIDE_PX, states(head))
            yield TestHead(seen, style_of(number))
            number += 1
