"""How far a model file may differ from what it was made from."""

from reggan_export.verify.verify_report import Bound

BOUNDS = {
    "fp32": Bound(quantity="picture", unit="levels", statistic="max", limit=0.5),
    "fp16": Bound(quantity="picture", unit="levels", statistic="max", limit=2.0),
    "int8": Bound(quantity="picture", unit="levels", statistic="mean", limit=1.0),
}
"""By the precision of an expression model: its result in 8-bit levels."""
RIG_BOUNDS = {
    "points": Bound(quantity="points", unit="crop sides", statistic="max", limit=5e-4),
    "sigma": Bound(quantity="sigma", unit="crop sides", statistic="max", limit=5e-4),
    "label": Bound(quantity="label", unit="shares", statistic="max", limit=0.02),
    "mix": Bound(quantity="mix", unit="shares", statistic="max", limit=0.02),
    "motion": Bound(quantity="motion", unit="eye distances", statistic="max", limit=2e-3),
    "gain": Bound(quantity="gain", unit="logarithm", statistic="max", limit=0.02),
}
"""By the output of contract 3. Points: 0.2 % of the eye distance, as much of motion; noise of 0.5 %
on lids was seen to look clean."""
LOCATOR_BOUNDS = {
    "score": Bound(quantity="score", unit="probability", statistic="max", limit=1e-4),
    "offsets": Bound(quantity="offsets", unit="pixels", statistic="max", limit=1e-2),
    "points": Bound(quantity="points", unit="pixels", statistic="max", limit=1e-2),
}
"""By the output of a face locator's part."""
