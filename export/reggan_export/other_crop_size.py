"""A model for crops of another side than it was trained on, where its weights allow that."""

from dataclasses import replace

import torch.nn.functional as F

from reggan_plugin.errors import UsageError
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.networks.masked_regression import MaskedRegression


def model_at_side(model: ExpressionModel, side_px: int) -> ExpressionModel:
    """The same weights for crops of `side_px`; the model itself if that is its side.

    Convolutions and the low-resolution masks do not mind; what was learnt for each pixel does.

    Raises:
        UsageError: no model has such a side, or this one cannot; the message names the field.
    """
    if side_px == model.side_px:
        return model
    resized = build_model(_settings_at_side(model, side_px))
    state = model.state_dict()
    state["masks"] = F.interpolate(
        state["masks"][None], resized.masks.shape[-2:], mode="bilinear", antialias=True
    )[0]
    for name, wanted in resized.state_dict().items():
        if wanted.shape != state[name].shape:
            raise UsageError(
                f"{model.architecture} cannot run at {side_px} px: {name} was learnt at "
                f"{model.side_px} px and has the shape {list(state[name].shape)}, there it would "
                f"need {list(wanted.shape)}. Train with that side_px.",
                kind="other-side",
            )
    resized.load_state_dict(state)
    return resized.eval().requires_grad_(False)


def _settings_at_side(model: ExpressionModel, side_px: int) -> ModelSettings:
    layer = model.settings.regression
    if not isinstance(model, MaskedRegression):  # has no such layer, whatever its settings say
        layer = replace(layer, side_px=side_px)
    try:
        return replace(model.settings, side_px=side_px, regression=layer)
    except ValueError as error:
        raise UsageError(
            f"{model.architecture} cannot run at {side_px} px: {error}. Train with that side_px.",
            kind="other-side",
        ) from error
