"""Rigs made by the tests: the same change for every face, as strong as asked.

Their files hold no network that finds landmarks but the change itself, which `RigSource` is made to
answer with: so a test knows what moves, and how far.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from reggan_plugin.change.answer import Answer
from reggan_plugin.cli import main
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.models.model_card import (
    CARD_KEY,
    RIG_CONTRACT,
    RIG_OUTPUTS,
    TEMPLATES,
    ModelCard,
    seal,
)
from reggan_plugin.rig.dense_landmarks import COUNT
from reggan_plugin.rig.rig_model import RigSource
from reggan_plugin.transfer import expression_transfer
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL

if TYPE_CHECKING:
    from reggan_training.metrics.motion.measures import TrueFace

MADE = "made by the tests"
SIDE_PX, CELLS = 64, 32
_LANDMARKS = ((0.65, 0.4), (0.35, 0.4), (0.5, 0.55), (0.6, 0.7), (0.4, 0.7), (0.5, 0.85))


_answer_of_rig = RigSource.answer


def _answer(
    source: RigSource,
    faces: Sequence[np.ndarray],
    mixes: Sequence[ExpressionMix],
    known: Sequence[FaceInShot | None] | None = None,
) -> list[Answer]:
    """What is in a file of `write_motion_model`; the rig's own answer for all others."""
    if source.card.architecture != MADE:
        return _answer_of_rig(source, faces, mixes, known)
    answers = []
    for mix in mixes:
        asked = np.array([source.card.vector_of(mix)], np.float32)
        planes = source._runner.run({"controls": asked})
        answers.append(
            Answer(**{name: plane[0].transpose(1, 2, 0) for name, plane in planes.items()})
        )
    return answers


_face_in_shot_of_rig = RigSource.face_in_shot


def _face_in_shot(source: RigSource, face: np.ndarray) -> FaceInShot:
    """Of such a file: points of no face, so that a shot keeps none of them."""
    if source.card.architecture != MADE:
        return _face_in_shot_of_rig(source, face)
    return FaceInShot(places=np.zeros((COUNT, 2)), sigma=np.ones(COUNT))


RigSource.answer = _answer  # type: ignore[method-assign]
RigSource.face_in_shot = _face_in_shot  # type: ignore[method-assign]
_try_in_child = expression_transfer._try_apart


def _try_apart(path: Path, size: int, changed_ns: int) -> None:
    """A child knows nothing of this file."""
    if MADE.encode() not in path.read_bytes():
        _try_in_child(path, size, changed_ns)


expression_transfer._try_apart = _try_apart  # type: ignore[assignment]


def render_made(words: list[str]) -> None:
    """Run `render` in a process that was started for it, in which this file is imported."""
    if status := main(["render", *words]):
        raise SystemExit(status)


def motion_card(**more: object) -> ModelCard:
    fields: dict[str, object] = {
        "name": "moving",
        "version": "1",
        "architecture": MADE,
        "image_size_px": SIDE_PX,
        "contract": RIG_CONTRACT,
        "controls": CONTROLS,
        "outputs": RIG_OUTPUTS,
        "template": TEMPLATES[0],
        "canonical_landmarks": dict(zip(LANDMARK_NAMES, _LANDMARKS, strict=True)),
        "training": {},
        "licence": "Apache-2.0",
    }
    return ModelCard(**{**fields, **more})  # type: ignore[arg-type]


def write_motion_model(
    path: Path,
    *,
    motion: tuple[float, float] | np.ndarray = (0.0, 0.0),
    gain: float | np.ndarray = 0.0,
    cover: np.ndarray | float = 0.0,
    paint: float | np.ndarray = 0.0,
    answers_to: str = NEUTRAL,
    **more: object,
) -> Path:
    """A model that answers with these, times the weight of one entry of its control vector.

    That of `neutral` is the intensity of a named expression. `motion` is in parts of the crop's
    side; arrays are [channels, rows, columns], gain and motion of `CELLS` to a side.
    `more` is for the card.
    """
    planes: Mapping[str, np.ndarray] = {
        "motion": np.broadcast_to(_three_axes(motion), (2, CELLS, CELLS)),
        "gain": np.broadcast_to(_three_axes(gain), (len(_three_axes(gain)), CELLS, CELLS)),
        "cover": np.broadcast_to(cover, (1, SIDE_PX, SIDE_PX)),
        "paint": np.broadcast_to(paint, (3, SIDE_PX, SIDE_PX)),
    }
    chosen = np.array([[name == answers_to] for name in CONTROLS], np.float32)
    initialisers = [numpy_helper.from_array(chosen, "chosen")]
    initialisers.append(numpy_helper.from_array(np.array([-1, 1, 1, 1]), "shape"))
    nodes = [
        helper.make_node("MatMul", ["controls", "chosen"], ["weight"]),
        helper.make_node("Reshape", ["weight", "shape"], ["strength"]),
    ]
    for name, plane in planes.items():
        values = np.ascontiguousarray(plane[None], np.float32)
        initialisers.append(numpy_helper.from_array(values, f"{name}_values"))
        nodes.append(helper.make_node("Mul", [f"{name}_values", "strength"], [name]))
    card = motion_card(**more)
    inputs: dict[str, tuple[str | int, ...]] = {"controls": ("N", len(CONTROLS))}
    outputs = {name: ("N", *plane.shape) for name, plane in planes.items()}
    graph = helper.make_graph(
        nodes, "moving", _described(inputs), _described(outputs), initialisers
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.save(model, path)
    seal(path)
    return path


def _three_axes(values: tuple[float, ...] | float | np.ndarray) -> np.ndarray:
    """Channels first; what has none of its own rows and columns is the same everywhere."""
    array = np.asarray(values)
    return array if array.ndim == 3 else array.reshape(-1, 1, 1)


def _described(tensors: Mapping[str, tuple[str | int, ...]]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in tensors.items()
    ]


def true_answer(face: "TrueFace") -> Answer:
    """True motion, cover and colours."""
    return Answer(
        motion=np.ascontiguousarray(face.motion.transpose(1, 2, 0)),
        gain=np.zeros((1, 1, 3), np.float32),
        cover=face.is_uncovered.astype(np.float32)[..., None],
        paint=np.ascontiguousarray(face.target.transpose(1, 2, 0)),
    )
