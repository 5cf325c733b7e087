"""Largest yaw up to which a model does more good than harm."""

import itertools

import numpy as np

from reggan_training.metrics.statistics import mean_of_each
from reggan_training.papers.comparison.contenders import INPUT
from reggan_training.papers.comparison.measure import Measurements
from reggan_training.papers.comparison.splits import (
    UNKNOWN_YAW,
    YAW_EDGES_DEG,
    yaw_name,
    yaw_splits,
)


def max_yaw_deg(table: Measurements, method: str) -> float | None:
    """The lower edge of the first yaw bin in which a method's mean PSNR is not above the input's.

    Where it wins in every bin, the upper edge of the last one that was measured. None if no yaw
    is known.
    """
    splits = {split.name: split for split in yaw_splits(table) if split.name != UNKNOWN_YAW}
    limit = None
    for low, high in itertools.pairwise(YAW_EDGES_DEG):
        split = splits.get(yaw_name(low, high))
        if split is None:
            continue
        names = np.array(table.identities)[split.trials]
        gain = table.values[method]["psnr"] - table.values[INPUT]["psnr"]
        if mean_of_each(gain[split.trials], names.tolist()).mean() <= 0:
            return low
        limit = high
    return limit
