"""An exported file as the evaluation asks it: the very file that users get."""

from pathlib import Path

from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.errors import ModelCardError
from reggan_plugin.models.model_card import card_from_metadata
from reggan_plugin.models.model_hash import check_seal
from reggan_plugin.transfer.expression_transfer import source_from_card


def open_exported(path: Path, threads: int | None = None) -> AnswerSource:
    """Open a sealed file on the CPU.

    Raises:
        ModelCardError: it has no card, or answers with pictures.
        ModelHashError: it is not as it was sealed.
    """
    check_seal(path)
    runner = open_runner(path, "cpu", threads=threads)
    card = card_from_metadata(runner.metadata, path.name)
    if not card.says_motion:
        raise ModelCardError(
            f"{path.name} is of contract {card.contract}, which answers with a picture; expected "
            "one that answers with motion. Measure it with: reggan-plugin evaluate."
        )
    return source_from_card(runner, card)
