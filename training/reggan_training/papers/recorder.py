"""Records that a run writes while it trains."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity
from reggan_training.papers.held_out_curve import HeldOutPairs
from reggan_training.papers.losses import paste
from reggan_training.papers.networks.expression_model import ExpressionModel
from reggan_training.papers.run_folder import RunFolder
from reggan_training.papers.train_step import Trainer
from reggan_training.training_run import progress_line


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


class Recorder:
    """Writes what a run leaves behind: losses, the held-out curve, checkpoints and grids."""

    def __init__(
        self,
        run: RunFolder,
        trainer: Trainer,
        held_out: HeldOutPairs,
        shown: Sequence[Identity],
        report: Callable[[str], None],
    ) -> None:
        """Drop what was logged after the checkpoint, and score a run that begins."""
        self.run, self._trainer, self._held_out = run, trainer, held_out
        self._shown, self._report = shown, report
        run.forget_after(trainer.images_seen / 1000)
        self._curves = LiveCurves(run.root)
        self._images_then = trainer.images_seen
        self._every_images = 1000 * trainer.settings.validate_every_kimg
        if trainer.images_seen == 0:
            self._score()

    def score_if_due(self) -> None:
        """Add a point to the held-out curve, every few images and in the end."""
        seen, done = self._trainer.images_seen, self._trainer.progress >= 1
        before = seen - self._trainer.settings.batch_size
        if done or math.floor(seen / self._every_images) > math.floor(before / self._every_images):
            self._score()

    def close(self) -> None:
        """Finish the event file."""
        self._curves.close()

    def _score(self) -> None:
        """Add a point to the held-out curve."""
        values = self._held_out.score(self._trainer.averaged)
        if values:
            self._log(values)
            self._report(
                f"{self._trainer.images_seen / 1000:7.1f} kimg  held out: L1 "
                f"{values['held_out_l1']:.4f} (input {values['held_out_input_l1']:.4f}), "
                f"{values['held_out_psnr_db']:.2f} dB"
            )

    def save(self, means: Mapping[str, float], since_s: float) -> None:
        """Write mean losses, the checkpoint and a grid; see `TrainingTask.store`."""
        trainer = self._trainer
        rate = (trainer.images_seen - self._images_then) / since_s
        self._log({"images_per_s": rate, **means})
        self.run.save(trainer.state())
        grid = sample_grid(trainer.averaged, self._shown)
        self.run.save_grid(f"{trainer.images_seen // 1000:06d}", grid)
        place = f"{trainer.images_seen / 1000:7.1f} kimg  {rate:5.1f} img/s"
        self._report(progress_line(place, means))
        self._images_then = trainer.images_seen

    def _log(self, values: Mapping[str, float]) -> None:
        self.run.log(kimg=self._trainer.images_seen / 1000, **values)
        self._curves.add(values, self._trainer.images_seen)


def sample_grid(
    model: ExpressionModel, identities: Sequence[Identity]
) -> Float[Tensor, "rows columns 3 side side"]:
    """Rows: source, full expressions, then half of each, of some identities."""
    count, device = len(EXPRESSION_NAMES), model.masks.device
    asked = torch.cat([torch.eye(count), 0.5 * torch.eye(count)[1:]]).to(device)
    rows = []
    for identity in identities:
        view = identity.full_view(0) or 0
        crop = identity.place_crop(model.side_px, view)
        image = torch.from_numpy(identity.cut(view, crop)).permute(2, 0, 1)[None].to(device)
        with torch.inference_mode():
            many = image.expand(len(asked), -1, -1, -1)
            face, mask = model(many, asked)
        rows.append(torch.cat([image, paste(many, face, mask)[1:]]))
    return torch.stack(rows)
