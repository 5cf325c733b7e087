"""Figures of outside networks for composites: ECS, FSS, QualiCLIP, and features for FID and KID.

They are ONNX files, which run no code when they are loaded; beside each lies a JSON file of the
same name that says how its input is made:

    {"side_px": 224, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
     "window": [0, 0, 1, 1], "labels": ["anger", "contempt"]}

`mean` and `std` are of sRGB-encoded values in [0, 1]; `window` is the part of the canonical crop
that the network sees, left, top, right, bottom in fractions of its side, all of it if left out;
only a classifier has `labels`, in the order of its outputs.
"""

import importlib.util
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.errors import MissingExtraError, SourceError, UnknownExpressionError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, resolve_expression
from reggan_training.papers.comparison.measure import Gauge
from reggan_training.tensor_shapes import Images

_HSEMOTION_LABELS = (
    *("anger", "contempt", "disgust", "fear"),
    *("happiness", "neutral", "sadness", "surprise"),
)
INCEPTION = "inception"
_SUBSETS, _LARGEST_SUBSET = 100, 1000


@frozen(kw_only=False)
class WeightFile:
    """One of the files: what it is for, whose to take, and the JSON that goes with it."""

    measures: str
    origin: str
    example: Mapping[str, Any]


WEIGHT_FILES: Mapping[str, WeightFile] = MappingProxyType(
    {
        "expression": WeightFile(
            "ECS of an outside classifier",
            "enet_b0_8_best_vgaf.onnx of hsemotion-onnx (Apache-2.0)",
            {
                "side_px": 224,
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "labels": list(_HSEMOTION_LABELS),
            },
        ),
        "face": WeightFile(
            "FSS of an outside embedding",
            "w600k_r50.onnx of insightface's buffalo_l (non-commercial), or facenet-pytorch's "
            "InceptionResnetV1 (MIT) exported with torch.onnx",
            {
                "side_px": 112,
                "mean": [0.5, 0.5, 0.5],
                "std": [0.5, 0.5, 0.5],
                "window": [0.087, -0.081, 0.913, 0.746],
            },
        ),
        "inception": WeightFile(
            "FID and KID",
            "the pooled 2048 features of pt_inception-2015-12-05 (torch-fidelity, Apache-2.0), "
            "exported with torch.onnx",
            {"side_px": 299, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        ),
        "qualiclip": WeightFile(
            "QualiCLIP",
            "the official QualiCLIP (non-commercial) exported with torch.onnx; pyiqa's halves the "
            "logits, so say which you took",
            {"side_px": 224, "mean": [0.4815, 0.4578, 0.4082], "std": [0.2686, 0.2613, 0.2758]},
        ),
    }
)


@frozen
class NetworkInput:
    """Conversion of canonical crops to the input of an outside network."""

    side_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        left, top, right, bottom = self.window
        if not (self.side_px > 0 and len(self.mean) == len(self.std) == 3 and min(self.std) > 0):
            raise ValueError("side_px and std are positive, mean and std hold three numbers")
        if not (left < right and top < bottom):
            raise ValueError("window is left, top, right, bottom")

    def prepare(self, crops: Images) -> Float[np.ndarray, "batch 3 seen seen"]:
        """Cut out the crops' window at the network's size, normalised.

        A window that leaves the crop is filled up with its border.
        """
        left, top, right, bottom = self.window
        theta = torch.tensor(
            [[right - left, 0, left + right - 1], [0, bottom - top, top + bottom - 1]]
        ).expand(len(crops), -1, -1)
        size = [len(crops), 3, self.side_px, self.side_px]
        seen_px = (right - left) * crops.shape[-1]
        if seen_px > self.side_px:  # a smaller copy first, or sampling would alias
            side = round(crops.shape[-1] * self.side_px / seen_px)
            crops = F.interpolate(
                crops, (side, side), mode="bilinear", antialias=True, align_corners=False
            )
        grid = F.affine_grid(theta, size, align_corners=False)
        seen = F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
        mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (self.mean, self.std))
        return np.ascontiguousarray(((seen - mean) / std).numpy(), dtype=np.float32)


class OutsideNetwork:
    """An ONNX file with its JSON, ready to run on the CPU."""

    def __init__(self, path: Path) -> None:
        """Open a network.

        Raises:
            SourceError: the file or its JSON is missing, damaged or does not fit.
        """
        self.seen = _read_input(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise SourceError(
                f"{path} is no ONNX file that runs here: {error}. Export or download it again."
            ) from error
        self._input = self._session.get_inputs()[0]

    def __call__(self, crops: Images) -> Float[Tensor, "batch outputs"]:
        """Return the first output for canonical crops, flattened; one by one if it must be."""
        prepared = self.seen.prepare(crops)
        is_fixed = isinstance(self._input.shape[0], int)
        batches = np.split(prepared, len(prepared)) if is_fixed else [prepared]
        rows = [self._session.run(None, {self._input.name: batch})[0] for batch in batches]
        return torch.from_numpy(np.concatenate(rows)).float().flatten(1)


def missing_files(folder: Path | None) -> list[str]:
    """Write a line for every file that is not there: what it would measure, and where it goes."""
    if folder is None:
        measured = ", ".join(one.measures for one in WEIGHT_FILES.values())
        names = ", ".join(f"{name}.onnx" for name in WEIGHT_FILES)
        return [f"not measured without weights of others ({names}): {measured}"]
    return [
        f"{folder / name}.onnx is missing: {one.measures} is not measured. Put there "
        f"{one.origin}, and as {name}.json beside it {json.dumps(dict(one.example))}"
        for name, one in WEIGHT_FILES.items()
        if not (folder / f"{name}.onnx").is_file()
    ]


def _read_input(path: Path) -> NetworkInput:
    beside = path.with_suffix(".json")
    example = json.dumps(dict(WEIGHT_FILES[path.stem].example))
    try:
        record = json.loads(beside.read_text(encoding="utf-8"))
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in record.items()
        }
        return NetworkInput(**values)
    except FileNotFoundError as error:
        raise SourceError(
            f"{beside} is missing; it says how {path.name} is fed. Write, for "
            f"{WEIGHT_FILES[path.stem].origin}: {example}"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{beside} does not say how {path.name} is fed: {error}. Write for example {example}"
        ) from error


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
