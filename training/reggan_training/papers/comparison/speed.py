"""Cost of a model: time for one face, and numbers to store."""

import statistics
import time
from dataclasses import dataclass

import torch

from reggan_training.papers.networks.expression_model import ExpressionModel

_REPEATS, _WARM_UP = 15, 3


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of one model.

    Attributes:
        ms_per_face: median CPU time of one thread for one face at the model's own size, eager;
            what it waits for other processes does not count.
        trained: parameters found by descent.
        solved: numbers found in closed form: filters and masks.
    """

    ms_per_face: float
    trained: int
    solved: int


def cost_of(model: ExpressionModel) -> Cost:
    """Time the model and count what it stores."""
    trained = sum(value.numel() for value in model.parameters())
    stored = sum(value.numel() for value in model.state_dict().values())
    return Cost(ms_per_face=_ms_per_face(model), trained=trained, solved=stored - trained)


def _ms_per_face(model: ExpressionModel) -> float:
    threads = torch.get_num_threads()
    image = torch.rand(1, 3, model.side_px, model.side_px)
    expression = torch.eye(model.settings.expressions)[1:2]
    times = []
    torch.set_num_threads(1)
    try:
        for _ in range(_WARM_UP + _REPEATS):
            started = time.thread_time()
            with torch.no_grad():
                model(image, expression)
            times.append(1000 * (time.thread_time() - started))
    finally:
        torch.set_num_threads(threads)
    return statistics.median(times[_WARM_UP:])
