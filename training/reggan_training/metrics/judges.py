"""The two judging networks: which expression a face shows, and whose face it is.

Neither is used in training RegGAN. The first gives ECS; the second gives FSS and, in its
features, the perceptual distance.

The expression judge sees luminance only, once as it is and once with the local contrast made
even, so that skin, marble, metal and ink look alike and what is left is the shape of brows, lids,
nose and mouth. The embedding is trained to know identities and expressions together, so that its
features hold both. It sees colour, and nothing in its training teaches it to overlook blur.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from reggan_plugin.errors import SourceError
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.pair_batches import augment_colours, replace_surroundings, rotations
from reggan_training.metrics.image_distance import mean_inside
from reggan_training.metrics.trials import full_views
from reggan_training.tensor_shapes import Features, Images, Intensities, Masks

JUDGE_SIDE_PX = 128
"""Side of the picture that the judge sees: the inner four fifths of a canonical crop."""
CANONICAL_SIDE_PX = 160
"""Side of the whole canonical crop at the judge's resolution."""
_NEIGHBOURHOOD_PX = 25
_LEAST_CONTRAST = 0.04
"""Standard deviation below which a neighbourhood counts as flat and is not amplified."""
EMBEDDING_LENGTH = 64
CROP_SIDE_PX, _STORED_SIDE_PX = 256, 280
_WHOLE_SHARE = 0.5
"""Part of the views that show the whole face; the others come closer, down to single pixels."""
SHIPPED_JUDGES = Path(__file__).parent / "judges"
_EXPRESSION_FILE, _FACE_FILE = "expression_judge.safetensors", "face_embedding.safetensors"
LEAST_ACCURACY = 0.9
"""Below this share of true pictures named rightly, an ECS says nothing: it is void."""


class JudgeBlock(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)

    def forward(self, features: Features) -> Features:
        """Features refined at the same size."""
        hidden = F.relu(self.first_norm(self.first(features)))
        return F.relu(features + self.second_norm(self.second(hidden)))


class FeatureTrunk(nn.Module):
    """Four stages, each at half the side of the one before; any input size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.widths = widths = (24, 40, 64, 96)
        shrink: list[nn.Module] = []
        for before, after in zip((inputs, *widths), widths, strict=False):
            convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
            shrink.append(nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU()))
        self.shrink = nn.ModuleList(shrink)
        refine = [nn.Identity(), *(JudgeBlock(width) for width in widths[1:])]
        self.refine = nn.ModuleList(refine)

    def forward(self, image: Float[Tensor, "batch inputs height width"]) -> list[Tensor]:
        """Return the features of every stage, finest first."""
        stages = []
        for shrink, refine in zip(self.shrink, self.refine, strict=True):
            image = refine(shrink(image))
            stages.append(image)
        return stages


class ExpressionJudge(nn.Module):
    """Trunk on two luminance planes, a place code, and one logit for every expression."""

    luma: Tensor  # [1, 3, 1, 1]

    def __init__(self, expressions: int) -> None:
        super().__init__()
        self.register_buffer(
            "luma", torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1), persistent=False
        )
        self.trunk = FeatureTrunk(2)
        width, cells = self.trunk.widths[-1], JUDGE_SIDE_PX // 16
        self.place = nn.Parameter(torch.ones(1, width, cells, cells))
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(width, expressions)

    def forward(self, image: Images) -> Intensities:
        """Logits of the expressions for sRGB-encoded pictures in [0, 1] (see `look_closer`)."""
        deepest = self.trunk(even_contrast((image * self.luma).sum(dim=1, keepdim=True)))[-1]
        pooled = (deepest * self.place).mean(dim=(2, 3))
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def look_closer(crops: Images) -> Float[Tensor, "batch 3 128 128"]:
    """Cut out the inner part of canonical crops, at the resolution at which the judges look."""
    size, margin = (CANONICAL_SIDE_PX, CANONICAL_SIDE_PX), (CANONICAL_SIDE_PX - JUDGE_SIDE_PX) // 2
    small = F.interpolate(crops, size=size, mode="bilinear", antialias=True, align_corners=False)
    return small[:, :, margin:-margin, margin:-margin]


def even_contrast(gray: Masks) -> Float[Tensor, "batch 2 side side"]:
    """Normalise a picture to mean 0 and deviation 1 as a whole, then in every neighbourhood."""
    mean, variance = gray.mean(dim=(2, 3), keepdim=True), gray.var(dim=(2, 3), keepdim=True)
    whole = (gray - mean) / (variance + _LEAST_CONTRAST**2).sqrt()
    local = gray - _average(gray)
    return torch.cat([whole, local / (_average(local**2) + _LEAST_CONTRAST**2).sqrt()], dim=1)


def _average(plane: Masks) -> Masks:
    """Mean of the square neighbourhood within the picture: along columns, then along rows."""
    length, margin = _NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX // 2
    down = F.avg_pool2d(plane, (length, 1), 1, (margin, 0), count_include_pad=False)
    return F.avg_pool2d(down, (1, length), 1, (0, margin), count_include_pad=False)


class FaceEmbedding(nn.Module):
    """Trunk on colour, a unit vector for the identity and a logit for every expression."""

    def __init__(self, expressions: int) -> None:
        super().__init__()
        self.trunk = FeatureTrunk(3)
        self.identity_head = nn.Linear(2 * self.trunk.widths[-1], EMBEDDING_LENGTH)
        self.expression_head = nn.Linear(2 * self.trunk.widths[-1], expressions)

    def forward(self, image: Images) -> tuple[Float[Tensor, "batch length"], Intensities]:
        """Return unit embeddings and expression logits of sRGB-encoded pictures in [0, 1]."""
        deepest = self.features(image)[-1]
        return self.embedding_of(deepest), self.expression_head(_pooled(deepest))

    def embedding_of(
        self, deepest: Float[Tensor, "batch width rows columns"]
    ) -> Float[Tensor, "batch length"]:
        """Return unit embeddings from the features of the last stage."""
        return F.normalize(self.identity_head(_pooled(deepest)).float(), dim=1)

    def features(self, image: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """Return the features of every stage, finest first; any size."""
        stages: list[Tensor] = self.trunk(image * 4 - 2)
        return stages


def _pooled(deepest: Float[Tensor, "batch width rows columns"]) -> Float[Tensor, "batch both"]:
    """Mean and maximum over all places."""
    return torch.cat([deepest.mean(dim=(2, 3)), deepest.amax(dim=(2, 3))], dim=1)


class FaceViews:
    """Holds every face in colour and draws batches of views of them.

    Half of the views lie as the judges see a crop. The others are windows of the full
    resolution, so that the features also know skin, hair and lips at the size at which they
    are compared.
    """

    def __init__(self, identities: Sequence[Identity], random: np.random.Generator) -> None:
        self.random = random
        views, labels = [], []
        for identity in identities:
            wide, shown = full_views(identity, CROP_SIDE_PX, wide_px=_STORED_SIDE_PX)
            views.append((wide * 255 + 0.5).to(torch.uint8))
            labels.append(np.array(shown))
        self._views, self._labels = views, labels

    def draw(self, batch_size: int) -> tuple[Images, Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Draw a batch in [0, 1] with the numbers of its identities and of its expressions."""
        who = self.random.integers(len(self._views), size=batch_size)
        chosen = [int(self.random.integers(len(self._views[one]))) for one in who]
        picked = zip(who, chosen, strict=True)
        views = torch.stack([self._views[one][view] for one, view in picked]).float() / 255.0
        label = np.array([self._labels[a][b] for a, b in zip(who, chosen, strict=True)])
        views = F.grid_sample(
            views,
            self._grids(batch_size),
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        views = augment_colours(replace_surroundings(views[:, None], self.random), self.random)
        return views[:, 0], torch.from_numpy(who), torch.from_numpy(label)

    def _grids(self, count: int) -> Float[Tensor, "count 128 128 2"]:
        """Windows around the middle: of the judges' extent, or smaller and off the middle."""
        whole = CROP_SIDE_PX * JUDGE_SIDE_PX / CANONICAL_SIDE_PX / _STORED_SIDE_PX
        closest = JUDGE_SIDE_PX / _STORED_SIDE_PX
        near = self.random.random(count) > _WHOLE_SHARE
        scale = np.where(near, self.random.uniform(closest, whole, count), whole)
        roam = (whole - scale)[:, None] * self.random.uniform(-1, 1, (count, 2))
        angle = self.random.normal(0, 0.04, count)
        scale = scale * self.random.normal(1, 0.03, count)
        linear = rotations(angle) * scale[:, None, None]
        linear[self.random.random(count) < 0.5, :, 0] *= -1
        shift = (roam + self.random.normal(0, 0.02, (count, 2)))[:, :, None]
        theta = torch.from_numpy(np.concatenate([linear, shift], axis=2).astype(np.float32))
        size = [count, 3, JUDGE_SIDE_PX, JUDGE_SIDE_PX]
        return F.affine_grid(theta, size, align_corners=False)


def recoloured_views(
    identity: Identity,
) -> tuple[Float[Tensor, "views 3 side side"], tuple[int, ...]]:
    """Canonical crops of the full expressions, each in its own colours before its own scenery.

    Light, colour and background would otherwise give an identity away. The same on every call.
    The second are the numbers of the expressions.
    """
    random = np.random.default_rng(list(identity.name.encode()))
    views, shown = full_views(identity, CROP_SIDE_PX)
    changed = augment_colours(replace_surroundings(views[:, None], random), random)
    return changed[:, 0], shown


@frozen(kw_only=False, eq=False)
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


@frozen(kw_only=False, eq=False)
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


@frozen(kw_only=False, eq=False)
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
