"""The two judging networks: which expression a face shows, and whose face it is.

Neither is used in training RegGAN. The first gives ECS; the second gives FSS and, in its
features, the perceptual distance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from reggan_plugin.errors import SourceError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.files.atomic import write_atomically
from reggan_training.metrics.image_distance import mean_inside
from reggan_training.networks.expression_judge import ExpressionJudge, look_closer
from reggan_training.networks.face_embedding import FaceEmbedding

SHIPPED_JUDGES = Path(__file__).parent / "judges"
_EXPRESSION_FILE, _FACE_FILE = "expression_judge.safetensors", "face_embedding.safetensors"


@dataclass(frozen=True, eq=False)
class Judges:
    """Both networks, ready to judge."""

    expression: ExpressionJudge
    face: FaceEmbedding

    @classmethod
    def load(cls, folder: Path = SHIPPED_JUDGES) -> "Judges":
        """Read what `save` wrote.

        Raises:
            SourceError: a file is missing or of another version.
        """
        judges = cls(ExpressionJudge(len(EXPRESSION_NAMES)), FaceEmbedding(len(EXPRESSION_NAMES)))
        _load_into(judges.expression, folder / _EXPRESSION_FILE)
        _load_into(judges.face, folder / _FACE_FILE)
        return judges

    def save(self, folder: Path, record: Mapping[str, str]) -> None:
        """Write both networks in half precision, with what they were trained on."""
        folder.mkdir(parents=True, exist_ok=True)
        _save(self.expression, folder / _EXPRESSION_FILE, record)
        _save(self.face, folder / _FACE_FILE, record)

    def similarity(
        self, source: Float[Tensor, "#batch 3 side side"], made: Float[Tensor, "batch 3 side side"]
    ) -> Float[Tensor, " batch"]:
        """FSS: cosine of the face embeddings of canonical crops."""
        return (embed(self.face, source) * embed(self.face, made)).sum(dim=1)

    def perceptual_distance(
        self, made: Sequence[Tensor], target: Sequence[Tensor], region: Bool[Tensor, "batch 1 h w"]
    ) -> Float[Tensor, " batch"]:
        """Distance of two lists of `face.features`, in the region.

        Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
        Metric", CVPR 2018, eq. 1, with every weight 1 and the mean over stages.
        """
        distances = []
        for ours, theirs in zip(made, target, strict=True):
            difference = (F.normalize(ours, dim=1) - F.normalize(theirs, dim=1)) ** 2
            near = F.adaptive_max_pool2d(region.float(), ours.shape[-1]) > 0
            distances.append(mean_inside(difference.sum(dim=1, keepdim=True), near))
        return torch.stack(distances).mean(dim=0)


def name_expressions(
    judge: ExpressionJudge, crops: Float[Tensor, "batch 3 side side"]
) -> Float[Tensor, "batch expressions"]:
    """Probability of every expression for canonical crops; a face and its mirror are averaged."""
    views = look_closer(crops)
    with torch.no_grad():
        both = judge(views).softmax(dim=1) + judge(views.flip(-1)).softmax(dim=1)
    return both / 2


def embed(
    network: FaceEmbedding, crops: Float[Tensor, "batch 3 side side"]
) -> Float[Tensor, "batch length"]:
    """Unit vectors that stand for the identities on canonical crops."""
    with torch.no_grad():
        embedding: Tensor = network(look_closer(crops))[0]
    return embedding


@dataclass(frozen=True, eq=False)
class IdentityPairs:
    """Cosines of pairs of faces that show different expressions."""

    same: Float[np.ndarray, " same"]
    different: Float[np.ndarray, " different"]


def identity_pairs(
    network: FaceEmbedding, views: Sequence[Float[Tensor, "expressions 3 side side"]]
) -> IdentityPairs:
    """Compare all faces of the identities, one entry each, with each other across expressions.

    Raises:
        SourceError: there are fewer than two identities.
    """
    if len(views) < 2:
        raise SourceError(
            f"Telling identities apart needs two of skin in the validation and in the test split; "
            f"found {len(views)}."
        )
    embeddings = torch.stack([embed(network, one) for one in views])
    count, expressions = embeddings.shape[:2]
    cosines = torch.einsum("aec,bfc->abef", embeddings, embeddings).numpy()
    across = ~np.eye(expressions, dtype=bool)
    alike = np.eye(count, dtype=bool)
    return IdentityPairs(cosines[alike][:, across].ravel(), cosines[~alike][:, across].ravel())


def chosen_threshold(pairs: IdentityPairs) -> float:
    """The cosine from which two faces best count as one identity."""
    candidates = np.quantile(np.concatenate([pairs.same, pairs.different]), np.linspace(0, 1, 201))
    return float(max(candidates, key=lambda value: verification_accuracy(pairs, value)))


def verification_accuracy(pairs: IdentityPairs, threshold: float) -> float:
    """Mean of the shares of equal and of different pairs that the threshold gets right."""
    return float(((pairs.same >= threshold).mean() + (pairs.different < threshold).mean()) / 2)


def _save(network: nn.Module, path: Path, record: Mapping[str, str]) -> None:
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    write_atomically(path, save(state, {**record, "expressions": ",".join(EXPRESSION_NAMES)}))


def _load_into(network: nn.Module, path: Path) -> None:
    if not path.is_file():
        raise SourceError(f"{path} is missing; make it with: reggan-plugin train-judge.")
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise SourceError(
            f"{path} holds no judge of this version ({error}); train it again: "
            "reggan-plugin train-judge."
        ) from error
    network.eval().requires_grad_(False)
