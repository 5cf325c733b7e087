"""Errors of training alone; all others stand in `reggan_plugin/errors.py`."""

from reggan_plugin.errors import RegganError


class TrainingDivergedError(RegganError):
    """A training run whose losses or gradients are not finite any more."""

    default_kind = "training-diverged"
