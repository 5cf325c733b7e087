"""The runs of landmarks and refinement to the one file that a rig needs: a model of contract 3.

Both networks lie in one graph behind an `If`: asked with planes of nothing, it finds landmarks;
with what a rig is about to do, it refines that; with planes of less than nothing, it says what lies
where, and looks at no part. What is not asked for is not computed.
"""

import json
import tempfile
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, compose, helper, numpy_helper
from torch import Tensor, nn

from reggan_export.onnx_file import graph_from_module, store_weights_as_half, write_model
from reggan_export.verify.crops_and_bounds import VERIFY_FRAMES, largest_faces
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import ModelParityError
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.models.model_card import (
    REFINED_OUTPUTS,
    RIG_CONTRACT,
    RIG_OUTPUTS,
    TEMPLATES,
    ModelCard,
    card_from_metadata,
)
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.rig.dense_landmarks import COUNT
from reggan_plugin.rig.refinement import CELLS, PLANES
from reggan_plugin.rig.rig_model import model_inputs
from reggan_plugin.rig.template_fit import CONVENTIONS
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.landmarks.front_network import SHOWN, FrontNetwork
from reggan_training.landmarks.part_networks import FRONT, POINTS_OF, PartNetwork
from reggan_training.landmarks.training import LOG
from reggan_training.landmarks.whole_network import (
    CROP_PX,
    LABEL_PX,
    FaceLandmarksAndFront,
    LandmarkGraph,
)
from reggan_training.refinement.network import RigRefiner
from reggan_training.refinement.training import CHECKPOINT
from reggan_training.refinement.training import LOG as REFINEMENT_LOG
from reggan_training.rendering.rasterising import CANONICAL_LANDMARKS
from reggan_training.training_run import read_checkpoint
from reggan_training.weights_from_onnx import exported_weights, load_exported

_MOST_APART: Final = 0.002
"""Of places in the file and in PyTorch, in eye distances; its weights are stored as float16, which
costs 0.0006 on the sample frames with weights 0.4.0."""
_SEEN: Final = ("seen_points", "seen_sigma")
"""What `MirroredLandmarks.seen` finds, in the graph: by which parts are looked for."""
_EYE: Final = 0.234
"""An eye distance in parts of the crop's side."""


def export_landmarks(
    run: Path,
    out: Path,
    *,
    name: str,
    version: str,
    front: Path | None = None,
    refinement: Path | None = None,
) -> float:
    """Write the model file of a run; returns how far it is from PyTorch, in eye distances.

    Args:
        run: folder that `train-landmarks` wrote, or a file of contract 3 whose landmark networks
            are kept.
        out: replaced if it exists.
        name: of the model, for the card.
        version: of the weights, for the card.
        front: as `run`, whose network says what lies in front of the face; None for that of `run`.
        refinement: folder that `train-refinement` wrote, or a file of contract 3.

    Raises:
        ModelParityError: the file says otherwise than PyTorch; nothing is left at `out`.
    """
    front = run if front is None else front
    graph = landmark_graph(run, front)
    is_exported = run.is_file() and front.is_file()
    outputs: tuple[str, ...] = RIG_OUTPUTS
    if refinement is None:
        model = _traced(graph, ("image",), RIG_OUTPUTS)
        store_weights_as_half(model, only_exact=is_exported)
    else:
        outputs = (*RIG_OUTPUTS, *REFINED_OUTPUTS)
        is_exported &= refinement.is_file()
        model = _either(graph, refinement_network(refinement), is_exported=is_exported)
    card = ModelCard(
        name=name,
        version=version,
        architecture="rig",
        image_size_px=CROP_PX,
        contract=RIG_CONTRACT,
        controls=CONTROLS,
        outputs=outputs,
        template=TEMPLATES[0],
        canonical_landmarks=CANONICAL_LANDMARKS,
        training=_training(run, front, refinement),
        licence="Apache-2.0",
        max_yaw_deg=60.0,
    )

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        unverified = Path(folder) / out.name
        write_model(model, card.to_json(), unverified)
        apart = _distance(graph, unverified, card)
        if refinement is not None:
            apart = max(apart, _refined_apart(refinement_network(refinement), unverified))
        if not apart <= _MOST_APART:
            raise ModelParityError(
                f"Landmarks of {out.name} are {apart:.4f} eye distances from PyTorch's; at most "
                f"{_MOST_APART} are allowed. Nothing was written."
            )
        write_atomically(out, unverified.read_bytes())
    return apart


def _traced(
    module: nn.Module, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> onnx.ModelProto:
    """Trace a module of `image`, of `image` and `asked`, or of `image` and what `_SEEN` names."""
    batch = torch.export.Dim("batch")
    shapes = {
        "image": (3, CROP_PX, CROP_PX),
        "asked": (len(PLANES), CELLS, CELLS),
        _SEEN[0]: (COUNT, 2),
        _SEEN[1]: (COUNT, 1),
    }
    times = {name: 2 if name in _SEEN else 1 for name in inputs}
    return graph_from_module(
        module.eval(),
        tuple(torch.rand(2 * times[name], *shapes[name]) for name in inputs),
        inputs=inputs,
        outputs=outputs,
        dynamic_axes=[{0: times[name] * batch} for name in inputs],
    )


def _either(
    finds: FaceLandmarksAndFront, refines: RigRefiner, *, is_exported: bool
) -> onnx.ModelProto:
    """All networks in one graph: each answers with its own outputs, and zeros for the others'.

    Two `If`s follow each other: TensorRT-RTX 0.5.0 builds none within another.
    """
    names, inputs = (*RIG_OUTPUTS, *REFINED_OUTPUTS), ("image", "asked")
    points = RIG_OUTPUTS[:2]
    either = (*names[len(points) :], *_SEEN)
    models = []
    for prefix, module, given, found in (
        ("refine/", _RefinementBranch(refines), inputs, either),
        ("find/", _LabelBranch(finds), inputs, either),
        ("finer/", _PartsBranch(finds), ("image", *_SEEN), points),
        ("nowhere/", _Nowhere(), ("image",), points),
    ):
        model = _traced(module, given, found)
        store_weights_as_half(model, only_exact=is_exported)
        models.append(compose.add_prefix(model, prefix, rename_inputs=False))
    refine, find, finer, nowhere = (model.graph for model in models)
    starts = list(refine.input)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    for end, known in zip(ends, (*nowhere.output, *refine.output), strict=False):
        end.type.CopyFrom(known.type)
    for branch in (refine, find, finer, nowhere):
        del branch.input[:]  # a branch sees what lies around it
    nothing = numpy_helper.from_array(np.float32(0), "nothing")
    nodes = [
        helper.make_node("ReduceMax", ["asked"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "nothing"], ["is_asked"]),
        helper.make_node("If", ["is_asked"], either, then_branch=refine, else_branch=find),
        helper.make_node("Equal", ["most", "nothing"], ["is_whole"]),
        helper.make_node("If", ["is_whole"], points, then_branch=finer, else_branch=nowhere),
    ]
    whole = helper.make_graph(nodes, "rig", starts, ends, [nothing])
    return helper.make_model(
        whole, opset_imports=models[0].opset_import, ir_version=models[0].ir_version
    )


class _LabelBranch(nn.Module):
    """What lies where, and where parts are looked for; no refinement."""

    def __init__(self, graph: FaceLandmarksAndFront) -> None:
        super().__init__()
        self.reading = graph

    def forward(self, image: Tensor, asked: Tensor) -> tuple[Tensor, ...]:
        points, sigma, seen = self.reading.landmarks.seen(image)
        nothing = asked[:, :1] * 0
        half = nothing[..., ::2, ::2]
        mix, motion = half.repeat(1, len(CONVENTIONS), 1, 1), half.repeat(1, 4, 1, 1)
        return self.reading.label(image, seen), mix, motion, nothing, points, sigma


class _PartsBranch(nn.Module):
    """Landmarks, by where the other branch says that parts are."""

    def __init__(self, graph: FaceLandmarksAndFront) -> None:
        super().__init__()
        self.reading = graph.landmarks

    def forward(self, image: Tensor, points: Tensor, sigma: Tensor) -> tuple[Tensor, ...]:
        found: tuple[Tensor, ...] = self.reading(image, points, sigma)
        return found


class _Nowhere(nn.Module):
    """Landmarks that are nowhere."""

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        nowhere = image[:, :1, :COUNT, :2].flatten(1, 2) * 0
        return nowhere, nowhere[..., 0]


class _RefinementBranch(nn.Module):
    """A refinement; nothing was seen."""

    def __init__(self, network: RigRefiner) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, asked: Tensor) -> tuple[Tensor, ...]:
        refined = self.network(F.avg_pool2d(image, CROP_PX // CELLS), asked)
        label = image[:, :1, :LABEL_PX, :LABEL_PX].repeat(1, len(SHOWN), 1, 1) * 0
        nowhere = (image[:, :1, :COUNT, :2].flatten(1, 2) * 0).repeat(2, 1, 1)
        return label, *refined, nowhere, nowhere[..., :1]


def _refined_apart(network: RigRefiner, file: Path) -> float:
    """Largest difference of a refinement in a file from PyTorch's, on noise; eye distances.

    Noise will do: what is compared is arithmetic, and a weight of nought would be found in it.
    """
    runner = open_runner(file, "cpu")
    random = torch.Generator().manual_seed(1)
    image = torch.rand(1, 3, CROP_PX, CROP_PX, generator=random)
    asked = 0.1 * torch.rand(1, len(PLANES), CELLS, CELLS, generator=random)
    with torch.no_grad():
        expected = network(F.avg_pool2d(image, CROP_PX // CELLS), asked)
    found = runner.run({"image": image.numpy(), "asked": asked.numpy()})
    return max(
        float(np.abs(found[name] - one.numpy()).max())
        for name, one in zip(REFINED_OUTPUTS, expected, strict=True)
    )


def _distance(graph: FaceLandmarksAndFront, file: Path, card: ModelCard) -> float:
    """Largest distance of a landmark in a file from PyTorch's, on real crops; eye distances."""
    runner = open_runner(file, "cpu")
    apart = 0.0
    for crop in largest_faces(VERIFY_FRAMES, card):
        picture = np.ascontiguousarray(crop[None])
        with torch.no_grad():
            expected = graph(torch.from_numpy(picture))[0].numpy()
        places = runner.run(model_inputs(card, picture))["points"]
        apart = max(apart, float(np.linalg.norm(places - expected, axis=2).max()) / _EYE)
    return apart


def _training(source: Path, front: Path, refinement: Path | None) -> dict[str, object]:
    """Say what each network was measured to be last, by logs of runs or cards of files."""
    last = {**_measured(source), FRONT: _measured(front).get(FRONT)}
    networks: dict[str, object] = {
        kind: last[kind] for kind in (*POINTS_OF, FRONT) if last.get(kind)
    }
    if refinement is not None:
        networks["refinement"] = _measured(refinement)["refinement"]
    return {
        "data": "renders of ICT FaceKit, MakeHuman and VALID heads and smooth warps of them",
        "held_out": "identities of each family: reggan_training.data.identity_and_split",
        "networks": networks,
    }


def _measured(source: Path) -> dict[str, object]:
    """Return the last measurement of each network of a run or a file, by kind."""
    if source.is_file():
        card = card_from_metadata(metadata_from_onnx(source), source.name)
        return dict(card.training["networks"])
    last: dict[str, object] = {}
    for name in (LOG, REFINEMENT_LOG):
        log = source / name
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
            record = json.loads(line)
            last[record.pop("kind", "refinement")] = record
    return last


def landmark_graph(source: Path, front: Path | None = None) -> FaceLandmarksAndFront:
    """Join trained networks as one graph to evaluate.

    Args:
        source: run, or file, of the landmarks.
        front: run, or file, of what lies in front; None for the same.
    """
    networks = {kind: _trained(PartNetwork(kind), kind, source) for kind in POINTS_OF}
    return FaceLandmarksAndFront(
        LandmarkGraph(networks), _trained(FrontNetwork(), FRONT, front or source)
    ).eval()


_Kind = TypeVar("_Kind", PartNetwork, FrontNetwork)


def _trained(network: _Kind, kind: str, source: Path) -> _Kind:
    """Give a network the weights that a run or a file has of its kind."""
    if source.is_file():
        load_exported(network, exported_weights(source, f"networks.{kind}."))
    else:
        network.load_state_dict(read_checkpoint(source / f"{kind}.pt")["ema"])
    return network.eval()


def refinement_network(source: Path) -> RigRefiner:
    """Load the trained refinement of a run or of a file, to evaluate."""
    network = RigRefiner()
    if source.is_file():
        load_exported(network, exported_weights(source, "refine/network."))
    else:
        network.load_state_dict(read_checkpoint(source / CHECKPOINT)["ema"])
    return network.eval()
