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
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity
from reggan_training.metrics.face_views import CROP_SIDE_PX, recoloured_views
from reggan_training.metrics.image_distance import mean_inside
from reggan_training.metrics.judge_networks import ExpressionJudge, FaceEmbedding, look_closer
from reggan_training.metrics.trials import full_views
from reggan_training.tensor_shapes import Images, Intensities

SHIPPED_JUDGES = Path(__file__).parent / "judges"
_EXPRESSION_FILE, _FACE_FILE = "expression_judge.safetensors", "face_embedding.safetensors"

LEAST_ACCURACY = 0.9
"""Below this share of true pictures named rightly, an ECS says nothing: it is void."""


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
        load_judge(judges.expression, folder / _EXPRESSION_FILE)
        load_judge(judges.face, folder / _FACE_FILE)
        return judges

    def save(self, folder: Path, record: Mapping[str, str]) -> None:
        """Write both networks in half precision, with what they were trained on."""
        folder.mkdir(parents=True, exist_ok=True)
        named = {**record, "expressions": ",".join(EXPRESSION_NAMES)}
        save_judge(self.expression, folder / _EXPRESSION_FILE, named)
        save_judge(self.face, folder / _FACE_FILE, named)

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
    judge: ExpressionJudge, crops: Images, among: Sequence[int] = range(len(EXPRESSION_NAMES))
) -> Intensities:
    """Probability of every expression for canonical crops; a face and its mirror are averaged.

    The choice is between the expressions `among`, which are those that the set shows of this
    person; all others have probability 0. Whoever has only been seen neutral and happy is asked
    about as neutral or happy.
    """
    views = look_closer(crops)
    asked = torch.zeros(len(EXPRESSION_NAMES))
    asked[list(among)] = 1.0
    with torch.no_grad():
        both = judge(views).softmax(dim=1) + judge(views.flip(-1)).softmax(dim=1)
    return F.normalize(both * asked, p=1, dim=1)


def embed(network: FaceEmbedding, crops: Images) -> Float[Tensor, "batch length"]:
    """Return unit vectors that stand for the identities on canonical crops; FSS is their cosine."""
    return describe(network, crops)[0]


def describe(
    network: FaceEmbedding, crops: Images
) -> tuple[Float[Tensor, "batch length"], Float[Tensor, "batch width"]]:
    """Embeddings, and what sets of crops are compared by: the deepest features' mean."""
    with torch.no_grad():
        deepest = network.features(look_closer(crops))[-1]
        return network.embedding_of(deepest), deepest.mean(dim=(2, 3))


@dataclass(frozen=True, eq=False)
class IdentityPairs:
    """Cosines of pairs of faces that show different expressions."""

    same: Float[np.ndarray, " same"]
    different: Float[np.ndarray, " different"]


def identity_pairs(
    network: FaceEmbedding,
    views: Sequence[tuple[Float[Tensor, "views 3 side side"], Sequence[int]]],
) -> IdentityPairs:
    """Compare all faces of the identities with each other across expressions.

    `views` holds an entry for each identity: its faces and the numbers of their expressions.
    """
    embeddings = torch.cat([embed(network, faces) for faces, _ in views])
    who = np.repeat(np.arange(len(views)), [len(faces) for faces, _ in views])
    shown = np.concatenate([np.asarray(expressions) for _, expressions in views])
    cosines = (embeddings @ embeddings.T).numpy()
    across, alike = shown[:, None] != shown, who[:, None] == who
    return IdentityPairs(cosines[across & alike], cosines[across & ~alike])


def chosen_threshold(pairs: IdentityPairs) -> float:
    """Find the cosine from which two faces best count as one identity."""
    candidates = np.quantile(np.concatenate([pairs.same, pairs.different]), np.linspace(0, 1, 201))
    return float(max(candidates, key=lambda value: verification_accuracy(pairs, value)))


def verification_accuracy(pairs: IdentityPairs, threshold: float) -> float:
    """Mean of the shares of equal and of different pairs that the threshold gets right."""
    return float(((pairs.same >= threshold).mean() + (pairs.different < threshold).mean()) / 2)


def save_judge(network: nn.Module, path: Path, record: Mapping[str, str]) -> None:
    """Write a judge in half precision, with what it was trained on."""
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    write_atomically(path, save(state, dict(record)))


def load_judge(network: nn.Module, path: Path) -> None:
    """Read what `save_judge` wrote into a network, ready to judge.

    Raises:
        SourceError: the file is missing or of another judge.
    """
    if not path.is_file():
        raise SourceError(f"{path} is missing; train it.", kind="judge-to-train")
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise SourceError(
            f"{path} holds no judge of this version ({error}); train it again.",
            kind="judge-to-train",
        ) from error
    network.eval().requires_grad_(False)


@dataclass(frozen=True, eq=False)
class ExpressionValidity:
    """Results of the expression judge on true pictures of one style.

    `confusion` counts pictures by their true (row) and their named (column) expression.
    """

    confusion: Int[np.ndarray, "expressions expressions"]

    @property
    def accuracy(self) -> float:
        """Share of the pictures that are named rightly."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def is_valid(self) -> bool:
        """True if an ECS of this style may be believed."""
        return self.accuracy >= LEAST_ACCURACY

    @property
    def reason(self) -> str:
        """The reason why the ECS is void, with the pair of expressions that is confused most."""
        mistaken = self.confusion * (1 - np.eye(len(self.confusion), dtype=np.int64))
        true, named = np.unravel_index(int(mistaken.argmax()), mistaken.shape)
        return (
            f"the judge names {self.accuracy:.0%} of the true pictures rightly, needed are "
            f"{LEAST_ACCURACY:.0%}; most often it takes {EXPRESSION_NAMES[true]} for "
            f"{EXPRESSION_NAMES[named]}"
        )


def judge_true_pictures(judges: Judges, identities: Sequence[Identity]) -> ExpressionValidity:
    """Let the expression judge name the neutral and full views of identities of one style."""
    count = len(EXPRESSION_NAMES)
    confusion = np.zeros((count, count), dtype=np.int64)
    for identity in identities:
        pictures, true = full_views(identity, CROP_SIDE_PX)
        named = name_expressions(judges.expression, pictures, true).argmax(dim=1).numpy()
        np.add.at(confusion, (np.array(true), named), 1)
    return ExpressionValidity(confusion)


def verify_identities(
    judges: Judges, choosing: Sequence[Identity], testing: Sequence[Identity]
) -> float | None:
    """Accuracy of telling the test identities apart, at the threshold of other identities.

    Pairs show different expressions in different colours before different scenery; pairs of
    one identity and pairs of two count equally. None where one of the two is fewer than two.
    """
    if min(len(choosing), len(testing)) < 2:
        return None
    pairs = [
        identity_pairs(judges.face, [recoloured_views(identity) for identity in identities])
        for identities in (choosing, testing)
    ]
    return verification_accuracy(pairs[1], chosen_threshold(pairs[0]))
