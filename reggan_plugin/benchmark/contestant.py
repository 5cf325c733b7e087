"""A contestant of a benchmark: a model on a device."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.backends.device_name import DEVICE_KINDS
from reggan_plugin.backends.providers import PROVIDERS
from reggan_plugin.backends.runner import Runner
from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.models.model_card import RIG_CONTRACT, ModelCard, card_from_metadata
from reggan_plugin.rig.source import model_inputs


@dataclass(frozen=True, kw_only=True, eq=False)
class Contestant:
    """A model, open on a device.

    Attributes:
        name: of the model.
        device: where it runs, and by what if that is not a device of ours.
        card: says what to feed it.
        runner: runs it; arrays in, arrays out, so that copies to a device count.
        load_s: what opening it took; an engine that had to be built is part of it.
        file: None if it is not run from a file.
    """

    name: str
    device: str
    card: ModelCard
    runner: Runner
    load_s: float
    file: Path | None

    def inputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """Made-up faces, each asked for the first thing that the model knows beside none."""
        side, names = self.card.image_size_px, self.card.controls or self.card.expressions
        random = np.random.default_rng(0)
        image = random.random((batch, 3, side, side), dtype=np.float32)
        if self.card.contract == RIG_CONTRACT:  # it only finds landmarks; geometry is asked
            return model_inputs(self.card, image)
        wanted = np.zeros((batch, len(names)), np.float32)
        wanted[:, min(1, len(names) - 1)] = 1
        return {"image": image, "expression": wanted}


def open_contestant(
    model: Path, device: str, *, threads: int | None, largest_batch: int
) -> Contestant:
    """Open a model file.

    Raises:
        DeviceUnavailableError, ModelError: it cannot be run there.
    """
    started = time.perf_counter()
    runner = open_runner(model, device, threads=threads, batch=(1, 1, largest_batch))
    load_s = time.perf_counter() - started
    card = card_from_metadata(runner.metadata, str(model))
    return Contestant(
        name=model.stem,
        device=runner.device,
        card=card,
        runner=runner,
        load_s=load_s,
        file=model,
    )


def open_everywhere(
    models: Sequence[Path], *, threads: int | None, largest_batch: int
) -> tuple[list[Contestant], dict[str, str]]:
    """Each model on each device that can be had; for the other devices, why not."""
    contestants, refused = [], {}
    for kind in DEVICE_KINDS:
        if kind in PROVIDERS and not PROVIDERS[kind].is_for_this_system:
            continue
        for model in models:
            try:
                contestants.append(
                    open_contestant(model, kind, threads=threads, largest_batch=largest_batch)
                )
            except DeviceUnavailableError as error:
                refused[kind] = error.found
    return contestants, refused
