"""What answers for the model of a card: the only place that chooses by its contract."""

from reggan_plugin.backends.runner import Runner
from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.change.model_sources import MotionModelSource, PictureModelSource
from reggan_plugin.models.model_card import PICTURE_CONTRACT, RIG_CONTRACT, ModelCard


def source_from_card(runner: Runner, card: ModelCard, batch: int = 1) -> AnswerSource:
    """Open a model as a source of answers.

    Args:
        runner: that has it loaded.
        card: of it.
        batch: faces that it is given at once.
    """
    if card.contract == RIG_CONTRACT:
        from reggan_plugin.rig.source import RigSource  # other models need no geometry

        return RigSource(runner, card, batch)
    if card.contract == PICTURE_CONTRACT:
        return PictureModelSource(runner, card, batch)
    return MotionModelSource(runner, card, batch)
