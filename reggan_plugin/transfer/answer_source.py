"""What answers for the model of a card: the only place that chooses by its contract."""

from reggan_plugin.backends.runner import Runner
from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.change.picture_model import PictureModelSource
from reggan_plugin.models.model_card import RIG_CONTRACT, ModelCard


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
    return PictureModelSource(runner, card, batch)
