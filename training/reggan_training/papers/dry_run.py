"""Describe a run without running it."""

import dataclasses
import time
from typing import Any

from torch import nn

from reggan_training.papers.train_step import Trainer
from reggan_training.papers.training_loop import Session

_MEASURED_STEPS = 2


def describe_run(session: Session) -> dict[str, Any]:
    """The resolved configuration, the size of each network, and an estimate of the time.

    Takes a step to warm up and two that are timed, on real pairs; nothing is written.
    """
    started = time.monotonic()
    model = session.start_model(fit=True)
    estimate = {"closed_form_s": round(time.monotonic() - started, 1)}
    parameters = {"generator": _count(model), "discriminator": 0}
    if parameters["generator"]:
        trainer = session.start_trainer(model)
        parameters["discriminator"] = _count(trainer.adversary.discriminator)
        estimate |= _time_steps(session, trainer)
    return {
        "settings": dataclasses.asdict(session.settings),
        "identities": len(session.identities),
        "held_out_identities": len(session.held_out),
        "device": str(session.processes.device),
        "processes": session.processes.count,
        "parameters": parameters,
        "estimate": estimate,
    }


def _time_steps(session: Session, trainer: Trainer) -> dict[str, float]:
    """Steps as they are after the warm-up, when the discriminator has a say."""
    settings = session.settings
    trainer.images_seen = round(1000 * settings.warmup_kimg)
    batches = session.batches(trainer)
    trainer.train_step(next(batches))
    started, seen = time.monotonic(), trainer.images_seen
    for _ in range(_MEASURED_STEPS):
        trainer.train_step(next(batches))
    rate = (trainer.images_seen - seen) / (time.monotonic() - started)
    return {
        "images_per_s": round(rate, 1),
        "hours": round(1000 * settings.length_kimg / rate / 3600, 2),
    }


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
