"""The landmark network's run to the one file that a rig needs: a model of contract 3."""

import json
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import torch

from reggan_export.graph_from_module import graph_from_module
from reggan_export.onnx_file import store_weights_as_half, write_model
from reggan_export.sample_crops import VERIFY_FRAMES, largest_faces
from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.errors import ModelParityError
from reggan_plugin.models.model_card import RIG_CONTRACT, RIG_OUTPUTS, TEMPLATES, ModelCard
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.landmarks.graph import CROP_PX, LandmarkGraph
from reggan_training.landmarks.network import POINTS_OF, PartNetwork
from reggan_training.landmarks.training import LOG
from reggan_training.pairs.camera import CANONICAL_LANDMARKS

_MOST_APART: Final = 0.002
"""Of places in the file and in PyTorch, in eye distances; its weights are stored as float16, which
costs 0.0006 on the sample frames with weights 0.4.0."""
_EYE: Final = 0.234
"""An eye distance in parts of the crop's side."""


def export_landmarks(run: Path, out: Path, *, name: str, version: str) -> float:
    """Write the model file of a run; returns how far it is from PyTorch, in eye distances.

    Args:
        run: folder that `train-landmarks` wrote.
        out: replaced if it exists.
        name: of the model, for the card.
        version: of the weights, for the card.

    Raises:
        ModelParityError: the file says otherwise than PyTorch; nothing is left at `out`.
    """
    graph = landmark_graph(run)
    example = torch.zeros(2, 3, CROP_PX, CROP_PX)
    model = graph_from_module(
        graph,
        (example,),
        inputs=["image"],
        outputs=RIG_OUTPUTS,
        dynamic_axes=[{0: torch.export.Dim("batch")}],
    )
    store_weights_as_half(model)
    card = ModelCard(
        name=name,
        version=version,
        architecture="rig",
        image_size_px=CROP_PX,
        contract=RIG_CONTRACT,
        controls=CONTROLS,
        outputs=RIG_OUTPUTS,
        template=TEMPLATES[0],
        canonical_landmarks=CANONICAL_LANDMARKS,
        training=_training(run),
        licence="Apache-2.0",
        max_yaw_deg=60.0,
    )

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        unverified = Path(folder) / out.name
        write_model(model, card.to_json(), unverified)
        apart = _distance(graph, unverified, card)
        if not apart <= _MOST_APART:
            raise ModelParityError(
                f"Landmarks of {out.name} are {apart:.4f} eye distances from PyTorch's; at most "
                f"{_MOST_APART} are allowed. Nothing was written."
            )
        write_atomically(out, unverified.read_bytes())
    return apart


def _distance(graph: LandmarkGraph, file: Path, card: ModelCard) -> float:
    """Largest distance of a landmark in a file from PyTorch's, on real crops; eye distances."""
    runner = open_runner(file, "cpu")
    apart = 0.0
    for crop in largest_faces(VERIFY_FRAMES, card):
        picture = np.ascontiguousarray(crop[None])
        with torch.no_grad():
            expected = graph(torch.from_numpy(picture))[0].numpy()
        places = runner.run({"image": picture})["points"]
        apart = max(apart, float(np.linalg.norm(places - expected, axis=2).max()) / _EYE)
    return apart


def _training(run: Path) -> dict[str, object]:
    """What the run's log says of each network last."""
    last: dict[str, object] = {}
    for line in (run / LOG).read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        last[record.pop("kind")] = record
    return {
        "data": "renders of ICT FaceKit, MakeHuman and VALID heads and smooth warps of them",
        "held_out": "identities of each family: reggan_training.heads.split",
        "networks": last,
    }


def landmark_graph(run: Path) -> LandmarkGraph:
    """The trained networks of a run as one graph, in evaluation mode."""
    networks = {}
    for kind in POINTS_OF:
        network = PartNetwork(kind)
        stored = torch.load(run / f"{kind}.pt", weights_only=True)
        network.load_state_dict(stored["ema"])
        networks[kind] = network.eval()
    return LandmarkGraph(networks).eval()
