"""Figures of outside networks for composites: ECS, FSS, QualiCLIP, and features for FID and KID."""

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.errors import MissingExtraError, SourceError, UnknownExpressionError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES, resolve_expression
from reggan_training.papers.comparison.measure import Gauge
from reggan_training.papers.comparison.outside_weights import WEIGHT_FILES, OutsideNetwork

INCEPTION = "inception"
_SUBSETS, _LARGEST_SUBSET = 100, 1000


def expression_gauge(path: Path) -> Gauge:
    """ECS: hits, and the probability of the wanted expression.

    Labels that are no expressions of ours are wrong answers.

    Raises:
        SourceError: the labels lack one of the expressions.
    """
    network = OutsideNetwork(path)
    named = [_expression_of(label) for label in network.seen.labels]
    absent = [name for name in EXPRESSION_NAMES if name not in named]
    if absent:
        raise SourceError(
            f"{path.with_suffix('.json')}: labels name no {', '.join(absent)}. List the labels "
            f"of {path.name} in the order of its outputs, such as "
            f"{WEIGHT_FILES['expression'].example['labels']}."
        )
    column_of = torch.tensor([named.index(name) for name in EXPRESSION_NAMES])

    def gauge(_: Tensor, made: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        probability = network(made).softmax(dim=1)
        columns = column_of[wanted]
        return {
            "outside_ecs": (probability.argmax(dim=1) == columns).float(),
            "outside_probability": probability.gather(1, columns[:, None])[:, 0],
        }

    return gauge


def face_gauge(path: Path) -> Gauge:
    """FSS: cosine of the embeddings of source and result."""
    network = OutsideNetwork(path)
    return lambda sources, made, _: {
        "outside_fss": F.cosine_similarity(network(sources), network(made))
    }


def quality_gauge(path: Path) -> Gauge:
    """QualiCLIP: a score of each picture by itself; higher is better."""
    network = OutsideNetwork(path)
    return lambda _, made, __: {"quality": network(made)[:, 0]}


def inception_gauge(path: Path) -> Gauge:
    """Features for FID and KID.

    Raises:
        MissingExtraError: torchmetrics, which compares them, is not installed.
    """
    if importlib.util.find_spec("torchmetrics") is None:
        raise MissingExtraError(
            f"{path} is there for FID and KID, but torchmetrics is not installed. "
            'Install it: pip install "reggan-plugin[metrics]"'
        )
    network = OutsideNetwork(path)
    return lambda _, made, __: {INCEPTION: network(made)}


_GAUGES: Mapping[str, Callable[[Path], Gauge]] = {
    "expression": expression_gauge,
    "face": face_gauge,
    "qualiclip": quality_gauge,
    INCEPTION: inception_gauge,
}


def load_gauges(folder: Path | None) -> list[Gauge]:
    """Everything that the folder has weights for.

    Raises:
        SourceError: a file is damaged, or its JSON is missing or wrong.
        MissingExtraError: there are weights for FID, but torchmetrics is not installed.
    """
    if folder is None:
        return []
    paths = {name: folder / f"{name}.onnx" for name in _GAUGES}
    return [_GAUGES[name](path) for name, path in paths.items() if path.is_file()]


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
