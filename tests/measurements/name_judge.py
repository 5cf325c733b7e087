"""A judge that names the 22 expressions of CFEE: learnt from true renders, never used to train."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from reggan_training.metrics.judge_training import STORED_SIDE_PX, disturbed_views
from reggan_training.metrics.judges import JUDGE_SIDE_PX, ExpressionJudge, load_judge
from tests.measurements.named_views import NAMES_OF_CFEE

NamedViews = UInt8[np.ndarray, "heads names looks side side"]


class NamesLesson:
    """A lesson of `train_network`: naming the expression of disturbed grey views."""

    def __init__(self, training: NamedViews, validation: NamedViews, seed: int) -> None:
        """Take the views of heads that are learnt from, and of others that choose the state."""
        self.network = ExpressionJudge(len(NAMES_OF_CFEE))
        self._views = torch.from_numpy(training)
        self._validation, self._true = _flat(torch.from_numpy(validation))
        self._random = np.random.default_rng(seed)

    def loss(self, batch_size: int) -> Tensor:
        """Cross entropy with the names, softened; all heads, names and looks are as frequent."""
        counts = self._views.shape[:3]
        places = [torch.from_numpy(self._random.integers(n, size=batch_size)) for n in counts]
        views = disturbed_views(self._views[tuple(places)], self._random)
        label = places[1]
        return F.cross_entropy(self.network(views).float(), label, label_smoothing=0.05)

    def score(self) -> float:
        """Share of the validation views that are named rightly."""
        found = probabilities(self.network, self._validation).argmax(dim=1)
        return float((found == self._true).float().mean())


def probabilities(
    judge: ExpressionJudge, stored: UInt8[Tensor, "views side side"]
) -> Float[Tensor, "views names"]:
    """Probability of each name for stored views; a view and its mirror are averaged."""
    margin = (STORED_SIDE_PX - JUDGE_SIDE_PX) // 2
    inner = stored[:, None, margin:-margin, margin:-margin].float() / 255.0
    with torch.no_grad():
        parts = [
            judge(part.expand(-1, 3, -1, -1)).softmax(1)
            + judge(part.flip(-1).expand(-1, 3, -1, -1)).softmax(1)
            for part in torch.split(inner, 64)
        ]
    return torch.cat(parts) / 2


def load_name_judge(path: Path) -> ExpressionJudge:
    """Read what `save_judge` wrote of such a judge.

    Raises:
        SourceError: the file is missing or holds another judge.
    """
    judge = ExpressionJudge(len(NAMES_OF_CFEE))
    load_judge(judge, path)
    return judge


def _flat(views: UInt8[Tensor, "heads names looks side side"]) -> tuple[Tensor, Int[Tensor, " n"]]:
    heads, names, looks = views.shape[:3]
    labels = torch.arange(names)[None, :, None].expand(heads, names, looks)
    return views.flatten(0, 2), labels.flatten()
