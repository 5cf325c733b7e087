"""TensorBoard's view of a run, beside `metrics.jsonl`."""

from collections.abc import Mapping
from pathlib import Path


class LiveCurves:
    """Event files in the run folder, as `tensorboard --logdir` reads them."""

    def __init__(self, folder: Path) -> None:
        from tensorboardX import SummaryWriter  # writes events without TensorFlow or a server

        self._writer = SummaryWriter(str(folder / "events"), write_to_disk=True)

    def add(self, values: Mapping[str, float], images_seen: int) -> None:
        """Append a point to the curve of every value."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, images_seen)
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
