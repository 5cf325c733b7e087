"""The report of a verification: how far answers are from a reference, and whether near enough."""

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from reggan_plugin.frozen import frozen


@frozen
class Difference:
    """Difference of two sets of values, in sums, so that differences add up.

    Attributes:
        max: largest absolute difference; infinite where one of the values is no number.
        total: sum of absolute differences.
        squares: sum of their squares.
        values: how many were summed.
    """

    max: float
    total: float
    squares: float
    values: int

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            max=max(self.max, other.max),
            total=self.total + other.total,
            squares=self.squares + other.squares,
            values=self.values + other.values,
        )

    @property
    def mean(self) -> float:
        """Of the absolute differences."""
        return self.total / max(self.values, 1)

    @property
    def psnr_db(self) -> float:
        """Of 8-bit levels; infinite for equal pictures."""
        mean_square = self.squares / max(self.values, 1)
        if mean_square in (0.0, math.inf):
            return math.inf if mean_square == 0.0 else -math.inf
        return 10 * math.log10(255**2 / mean_square)


def difference_between(
    found: Float[np.ndarray, "..."],
    expected: Float[np.ndarray, "..."],
    counted: Bool[np.ndarray, "..."] | None = None,
) -> Difference:
    """Compare value by value; the sums take only what is `counted`, the maximum takes all.

    Another shape counts as infinitely far away.
    """
    if found.shape != expected.shape:
        return Difference(max=math.inf, total=math.inf, squares=math.inf, values=1)
    apart = np.abs(found.astype(np.float64) - expected)
    apart[np.isnan(apart)] = np.inf
    summed = apart if counted is None else apart[np.broadcast_to(counted, apart.shape)]
    return Difference(
        max=float(apart.max(initial=0.0)),
        total=float(summed.sum()),
        squares=float((summed**2).sum()),
        values=summed.size,
    )


@frozen
class Bound:
    """Largest difference of a quantity: `limit` in its unit."""

    quantity: str
    unit: str
    statistic: Literal["max", "mean"]
    limit: float

    def holds(self, difference: Difference) -> bool:
        """Tell whether the difference is within it."""
        found: float = getattr(difference, self.statistic)
        return found <= self.limit

    def numbers(self, difference: Difference) -> dict[str, float | None]:
        """Figures of a difference for a report; None for what is infinite."""
        numbers = {"max": difference.max, "mean": difference.mean}
        if self.unit == "levels":
            numbers["psnr_db"] = difference.psnr_db
        return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


@frozen
class Comparison:
    """One way to run the file against the reference.

    Attributes:
        subject: a device, or an engine.
        differences: by probe, then by quantity.
    """

    subject: str
    differences: Mapping[str, Mapping[str, Difference]]

    def over_all(self, quantity: str) -> Difference:
        """Of a quantity over all probes."""
        return reduce(add, (row[quantity] for row in self.differences.values()))


@frozen
class VerifyReport:
    """Everything that was compared for one file.

    Attributes:
        model: its name.
        precision: that its card states.
        reference: what it was compared with.
        frames: names of the pictures.
        bounds: one or more for each quantity.
        comparisons: at least one.
        not_opened: devices that exist here and failed, with the reason.
    """

    model: str
    precision: str
    reference: str
    frames: Sequence[str]
    bounds: Sequence[Bound]
    comparisons: Sequence[Comparison]
    not_opened: Mapping[str, str]

    @property
    def faults(self) -> list[str]:
        """Every bound that is not kept, in words."""
        return [
            f"on {one.subject} {bound.quantity} differs by {found:.4g} {bound.unit} "
            f"({bound.statistic}), at most {bound.limit:g} is allowed"
            for one in self.comparisons
            for bound in self.bounds
            if not bound.holds(one.over_all(bound.quantity))
            for found in [getattr(one.over_all(bound.quantity), bound.statistic)]
        ]

    @property
    def passed(self) -> bool:
        """True if every bound is kept everywhere."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """Return the report as plain JSON; what is infinite stands as null."""
        return {
            "model": self.model,
            "precision": self.precision,
            "reference": self.reference,
            "frames": list(self.frames),
            "bounds": [vars(bound) for bound in self.bounds],
            "comparisons": [
                {
                    "subject": one.subject,
                    "probes": {
                        probe: {
                            bound.quantity: bound.numbers(row[bound.quantity])
                            for bound in self.bounds
                        }
                        for probe, row in self._rows(one).items()
                    },
                }
                for one in self.comparisons
            ],
            "not_opened": dict(self.not_opened),
            "passed": self.passed,
        }

    def table(self) -> str:
        """Write the report as a table to read."""
        lines = [
            f"{self.model} ({self.precision}) against {self.reference}",
            f"on {', '.join(self.frames)}",
        ]
        for quantity in dict.fromkeys(bound.quantity for bound in self.bounds):
            bounds = [bound for bound in self.bounds if bound.quantity == quantity]
            for one in self.comparisons:
                rows = {probe: row[quantity] for probe, row in self._rows(one).items()}
                lines += ["", *_table(f"{one.subject}: {quantity}", rows, bounds)]
        if self.not_opened:
            lines += ["", f"Not here: {', '.join(self.not_opened)}"]
        return "\n".join([*lines, "", "; ".join(self.faults) or "Within the bounds."])

    def _rows(self, one: Comparison) -> dict[str, Mapping[str, Difference]]:
        overall = {bound.quantity: one.over_all(bound.quantity) for bound in self.bounds}
        return {**one.differences, "all": overall}


def _table(title: str, rows: Mapping[str, Difference], bounds: Sequence[Bound]) -> list[str]:
    width = max(map(len, (title, *rows))) + 2
    columns = list(bounds[0].numbers(rows["all"]))
    return [
        title.ljust(width) + "".join(f"{name:>10}" for name in columns),
        *(
            probe.ljust(width)
            + "".join(
                f"{math.inf if value is None else value:>10.3g}"
                for value in bounds[0].numbers(row).values()
            )
            for probe, row in rows.items()
        ),
        ", ".join(
            [bounds[0].unit, *(f"{bound.statistic} at most {bound.limit:g}" for bound in bounds)]
        ),
    ]
