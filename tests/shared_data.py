"""Data too large for the repository: `shared/data` beside a checkout, above it or in it."""

from pathlib import Path
from typing import Final

SHARED_DATA: Final = next(
    (above / "shared/data" for above in Path(__file__).parents if (above / "shared/data").is_dir()),
    Path("shared/data"),
)
"""Where nothing is found, a folder that is not there."""
