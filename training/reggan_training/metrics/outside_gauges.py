"""Figures of outside networks for composites: ECS, FSS, QualiCLIP, and features for FID and KID."""

import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from reggan_plugin.errors import MissingExtraError, SourceError, UnknownExpressionError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES, resolve_expression
from reggan_training.metrics.measure import Gauge
from reggan_training.metrics.outside_weights import WEIGHT_FILES, OutsideNetwork

INCEPTION = "inception"
_SUBSETS, _LARGEST_SUBSET = 100, 1000


class OutsideGauge(Gauge):
    """A gauge that asks one network."""

    def __init__(self, network: OutsideNetwork) -> None:
        self.network = network


class ExpressionGauge(OutsideGauge):
    """ECS; labels that are no expressions of ours are wrong answers."""

    def __init__(self, network: OutsideNetwork, path: Path) -> None:
        """Take a classifier.

        Raises:
            SourceError: its labels lack one of the expressions.
        """
        super().__init__(network)
        named = [_expression_of(label) for label in network.seen.labels]
        absent = [name for name in EXPRESSION_NAMES if name not in named]
        if absent:
            raise SourceError(
                f"{path.with_suffix('.json')}: labels name no {', '.join(absent)}. List the labels "
                f"of {path.name} in the order of its outputs, such as "
                f"{WEIGHT_FILES['expression'].example['labels']}."
            )
        self._columns = [named.index(name) for name in EXPRESSION_NAMES]

    def values(
        self,
        sources: Float[Tensor, "batch 3 side side"],
        made: Float[Tensor, "batch 3 side side"],
        wanted: Int[Tensor, " batch"],
    ) -> Mapping[str, Float[Tensor, " batch"]]:
        """Hits, and the probability of the wanted expression."""
        del sources
        probability = self.network(made).softmax(dim=1)
        columns = torch.tensor(self._columns)[wanted]
        return {
            "outside_ecs": (probability.argmax(dim=1) == columns).float(),
            "outside_probability": probability.gather(1, columns[:, None])[:, 0],
        }


class FaceGauge(OutsideGauge):
    """FSS: cosine of the embeddings of source and result."""

    def values(
        self,
        sources: Float[Tensor, "batch 3 side side"],
        made: Float[Tensor, "batch 3 side side"],
        wanted: Int[Tensor, " batch"],
    ) -> Mapping[str, Float[Tensor, " batch"]]:
        """The cosine."""
        del wanted
        return {"outside_fss": F.cosine_similarity(self.network(sources), self.network(made))}


class QualityGauge(OutsideGauge):
    """QualiCLIP: a score of each picture by itself; higher is better."""

    def values(
        self,
        sources: Float[Tensor, "batch 3 side side"],
        made: Float[Tensor, "batch 3 side side"],
        wanted: Int[Tensor, " batch"],
    ) -> Mapping[str, Float[Tensor, " batch"]]:
        """The score."""
        del sources, wanted
        return {"quality": self.network(made)[:, 0]}


class InceptionGauge(OutsideGauge):
    """Features for FID and KID."""

    def features(
        self, made: Float[Tensor, "batch 3 side side"]
    ) -> Mapping[str, Float[Tensor, "batch length"]]:
        """The features."""
        return {INCEPTION: self.network(made)}


def load_gauges(folder: Path | None) -> list[Gauge]:
    """Everything that the folder has weights for.

    Raises:
        SourceError: a file is damaged, or its JSON is missing or wrong.
        MissingExtraError: there are weights for FID, but torchmetrics is not installed.
    """
    gauges: list[Gauge] = []
    if folder is None:
        return gauges
    paths = {name: folder / f"{name}.onnx" for name in WEIGHT_FILES}
    if paths["expression"].is_file():
        path = paths["expression"]
        gauges.append(ExpressionGauge(OutsideNetwork(path), path))
    if paths["face"].is_file():
        gauges.append(FaceGauge(OutsideNetwork(paths["face"])))
    if paths["qualiclip"].is_file():
        gauges.append(QualityGauge(OutsideNetwork(paths["qualiclip"])))
    if paths[INCEPTION].is_file():
        if importlib.util.find_spec("torchmetrics") is None:
            raise MissingExtraError(
                f"{paths[INCEPTION]} is there for FID and KID, but torchmetrics is not installed. "
                'Install it: pip install "reggan-plugin[metrics]"'
            )
        gauges.append(InceptionGauge(OutsideNetwork(paths[INCEPTION])))
    return gauges


def fid_and_kid(
    made: Float[np.ndarray, "made length"], true: Float[np.ndarray, "true length"]
) -> dict[str, float]:
    """FID and the mean KID of two sets of Inception features, by torchmetrics."""
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    as_it_is = nn.Identity()
    as_it_is.num_features = made.shape[1]  # what torchmetrics asks for
    subset = min(_LARGEST_SUBSET, len(made), len(true))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # KID keeps all features: these are few
        torch.manual_seed(0)
        fid = FrechetInceptionDistance(feature=as_it_is)
        kid = KernelInceptionDistance(feature=as_it_is, subsets=_SUBSETS, subset_size=subset)
        for metric in (fid, kid):
            metric.update(torch.from_numpy(true).float(), real=True)
            metric.update(torch.from_numpy(made).float(), real=False)
        return {"fid": float(fid.compute()), "kid": float(kid.compute()[0])}


def _expression_of(label: str) -> str | None:
    try:
        return resolve_expression(label)
    except UnknownExpressionError:
        return None
