"""Time of the batched regression layer against a plain loop over pixels, in one run.

    python tests/measurements/regression_solver.py --preset earlier-128 --pairs 72

Both fit the same made-up pairs on one thread. The loop does what the papers' description says,
filter by filter: gather the window of every pair, form X'X + l I, solve. It is timed on a sample
of filters from all over the picture and scaled up; the answers on that sample are compared.
"""

import argparse
import time

import numpy as np
import torch

from reggan_training.papers.presets import preset_named
from reggan_training.papers.regression import RegressionSettings, RidgeSums


def solve_in_a_loop(
    source: np.ndarray, target: np.ndarray, settings: RegressionSettings, filters: np.ndarray
) -> np.ndarray:
    """The weights of some filters, each given as (channel, row, column)."""
    reach = settings.dilation * (settings.field_px // 2)
    padded = np.pad(source, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    prior = np.zeros(settings.columns)
    prior[settings.taps // 2] = settings.towards_identity
    solved = np.empty((len(filters), settings.columns))
    for number, (channel, row, column) in enumerate(filters):
        own = slice(None) if settings.shared_channels else slice(channel, channel + 1)
        window = padded[
            :, own, row : row + 2 * reach + 1 : settings.dilation,
            column : column + 2 * reach + 1 : settings.dilation,
        ]  # fmt: skip
        design = window.reshape(-1, settings.taps).astype(np.float64)
        if settings.with_bias:
            design = np.column_stack([design, np.ones(len(design))])
        system = design.T @ design + settings.penalty * np.eye(settings.columns)
        moment = design.T @ target[:, own, row, column].reshape(-1)
        solved[number] = np.linalg.solve(system, moment + settings.penalty * prior)
    return solved


def time_batched(
    source: np.ndarray, target: np.ndarray, settings: RegressionSettings
) -> tuple[float, float, np.ndarray]:
    """Seconds to sum, seconds to solve, and the weights [channels, columns, side, side]."""
    started = time.perf_counter()
    sums = RidgeSums(settings)
    for one, other in zip(torch.from_numpy(source), torch.from_numpy(target), strict=True):
        sums.add(one[None], other[None])
    summed = time.perf_counter()
    solved = sums.solve().numpy()
    return summed - started, time.perf_counter() - summed, solved


def main() -> None:
    """Print both times, their ratio, and how far the answers are apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=["paper-400", "earlier-128"], default="earlier-128")
    parser.add_argument("--pairs", type=int, default=72)
    parser.add_argument("--sample", type=int, default=4000, help="filters that the loop solves")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = preset_named(arguments.preset).model.regression
    side, random = settings.side_px, np.random.default_rng(0)
    shape = (arguments.pairs, 3, side, side)
    source, target = (random.random(shape, dtype=np.float32) for _ in range(2))

    runs = [time_batched(source, target, settings) for _ in range(3)]
    sum_s, solve_s, batched = min(runs, key=lambda run: run[0] + run[1])
    batched_s = sum_s + solve_s

    count = settings.filter_channels * side**2
    chosen = random.choice(count, min(arguments.sample, count), replace=False)
    filters = np.column_stack(np.unravel_index(chosen, (settings.filter_channels, side, side)))
    begin = time.perf_counter()
    looped = solve_in_a_loop(source, target, settings, filters)
    loop_s = (time.perf_counter() - begin) * count / len(filters)
    difference = np.abs(batched.transpose(0, 2, 3, 1)[tuple(filters.T)] - looped).max()
    print(
        f"{arguments.preset}: {count} filters of {settings.columns} unknowns, {len(source)} pairs"
    )
    print(f"  batched {batched_s:.2f} s (sums {sum_s:.2f}, solve {solve_s:.2f}), best of three")
    print(f"  plain loop {loop_s:.1f} s, scaled up from {len(filters)} filters")
    print(f"  ratio {loop_s / batched_s:.1f}; largest difference of a weight {difference:.1e}")


if __name__ == "__main__":
    main()
