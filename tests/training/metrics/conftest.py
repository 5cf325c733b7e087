"""A made-up world in which the truth is known: a dark spot that each expression moves its own way.

At intensity a the spot has gone a of its way, so that a cross-fade, which shows two half spots, is
wrong, and a model that moves it is right.
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import CANONICAL_LANDMARKS
from reggan_training.metrics.judges import ExpressionJudge, Judges
from reggan_training.papers.comparison.evaluation import EvaluationSet, load_evaluation_set
from reggan_training.papers.comparison.measure import Contender
from reggan_training.papers.configuration import TrainingSettings, settings_with_tables
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.ridge_regression import RegressionSettings
from reggan_training.papers.run_folder import RunData, RunFolder

SIDE, FRAME = 64, 96
WAY, RADIUS = 0.14, 0.05
"""How far a full expression moves the spot, and how large it is, in parts of the side."""
DIRECTIONS = torch.tensor(
    [[0.0, 0.0], *([math.cos(k * math.pi / 3), math.sin(k * math.pi / 3)] for k in range(6))]
)
NAMES = {
    **{"skin_01008": 5.0, "skin_01018": 5.0},  # chosen by
    **{"skin_01009": 3.0, "skin_01010": 14.0, "skin_01019": -16.0, "skin_01020": 40.0},
    **{"stone_01001": 0.0, "stone_01002": 20.0},
}
"""Identities with the turn of their heads."""
SETTINGS = ModelSettings(
    architecture="reggan", side_px=SIDE, width=0.25, regression=RegressionSettings(side_px=32)
)


def spot(states: Tensor, side: int) -> Tensor:
    """The spot's darkness, [batch, 1, side, side], for intensities [batch, expressions]."""
    axis = (torch.arange(side) + 0.5) / side - 0.5
    centre = WAY * states @ DIRECTIONS  # [batch, 2]
    x = axis[None, None, :] - centre[:, 0, None, None]
    y = axis[None, :, None] - centre[:, 1, None, None]
    return torch.exp(-(x**2 + y**2) / (2 * RADIUS**2))[:, None]


class SpotModel(ExpressionModel):
    """Paints the spot where it belongs; `error` adds stripes, `share` stops it on its way."""

    architecture = "spot"

    def __init__(self, error: float = 0.0, share: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__(SETTINGS)
        self.error, self.share = error, share

    def make_face(self, image: Tensor, expression: Tensor) -> Tensor:
        states = expression if self.share is None else self.share(expression)
        made = image[:, :, 1:2] * (1 - 0.9 * spot(states, self.side_px))
        stripes = (torch.arange(self.side_px) % 2) - 0.5
        return (made + self.error * stripes).clamp(0, 1)


class SpotJudge(ExpressionJudge):
    """Reads the expression from where the spot is: surer, the further it has gone."""

    def __init__(self) -> None:
        super().__init__(len(EXPRESSION_NAMES))

    def forward(self, image: Tensor) -> Tensor:
        grey = _upright(image).mean(dim=1)
        dark = grey.amax(dim=1, keepdim=True) - grey  # against the background of each column
        dark = torch.where(dark > 0.3 * dark.amax(dim=(1, 2), keepdim=True), dark, 0.0)
        axis = ((torch.arange(128) + 0.5) / 128 - 0.5) * 128 / 160
        total = dark.sum(dim=(1, 2)) + 1e-6
        gone = torch.stack([(dark * a).sum(dim=(1, 2)) / total for a in (axis, axis[:, None])], 1)
        logits = 10 * gone @ DIRECTIONS.T / WAY
        logits[:, 0] = 5.0
        return logits


def _upright(image: Tensor) -> Tensor:
    """Undo the mirror, in which the spot would show another expression: left is brighter."""
    is_mirrored = image[:, 0, :, -4:].mean(dim=(1, 2)) > image[:, 0, :, :4].mean(dim=(1, 2))
    return torch.where(is_mirrored[:, None, None, None], image.flip(-1), image)


@pytest.fixture(scope="session")
def spot_judges() -> Judges:
    return Judges(SpotJudge().eval(), Judges.load().face)


def picture(name: str, states: Tensor, *, eyes_closed: bool) -> np.ndarray:
    random = np.random.default_rng(list(name.encode()))
    tint = torch.from_numpy(random.uniform(0.5, 0.7, 3).astype(np.float32))
    background = tint[:, None, None] + torch.linspace(0.1, 0, FRAME)  # brighter on the left
    made = background * (1 - 0.9 * spot(states[None], FRAME)[0])
    if eyes_closed:
        made[:, 20:26, 30:66] *= 0.4
    return (made.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(1, 2, 0).numpy()


@pytest.fixture(scope="session")
def spots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world as the renderer writes it, with graded and disturbed views."""
    root = tmp_path_factory.mktemp("spots")
    points = dict(zip(LANDMARK_NAMES, (CANONICAL_LANDMARKS * FRAME).tolist(), strict=True))
    views = [("neutral", 1.0, False), *((name, 1.0, False) for name in EXPRESSION_NAMES[1:])]
    views += [(name, 0.5, False) for name in EXPRESSION_NAMES[1:]]
    views += [("happy", 0.3, True), ("neutral", 1.0, True)]
    for name, yaw_deg in NAMES.items():
        (root / name).mkdir()
        images = []
        for number, (expression, intensity, eyes_closed) in enumerate(views):
            states = torch.zeros(len(EXPRESSION_NAMES))
            if expression != "neutral":
                states[EXPRESSION_NAMES.index(expression)] = intensity
            file = f"{number:02d}.png"
            levels = picture(name, states, eyes_closed=eyes_closed)
            Image.fromarray(levels).save(root / name / file)
            images.append(
                {
                    "file": file,
                    "expression": expression,
                    "intensity": intensity,
                    "eye_closure": float(eyes_closed),
                    "mouth_open": 0.0,
                    "yaw_deg": yaw_deg,
                    "pitch_deg": 0.0,
                    "landmarks": points,
                }
            )
        style = name.partition("_")[0]
        record = {"schema": 1, "name": name, "style": style, "parameters": {}, "images": images}
        (root / name / "identity.json").write_text(json.dumps(record))
    manifest = {"schema": 1, "settings": {}, "software": {}, "identities": list(NAMES)}
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


@pytest.fixture(scope="session")
def held_out(spots: Path) -> EvaluationSet:
    return load_evaluation_set([spots])


def contender(name: str, model: ExpressionModel, *, is_converged: bool = True) -> Contender:
    return Contender(
        name=name,
        folder=Path(name),
        model=model.eval(),
        images_seen=1000,
        improvement=0.0 if is_converged else 0.05,
    )


@pytest.fixture(scope="session")
def spot_run() -> Callable[..., Contender]:
    """Makes a run whose model paints spots; takes its name and `SpotModel`'s arguments."""

    def make(name: str, *, is_converged: bool = True, **how: object) -> Contender:
        return contender(name, SpotModel(**how), is_converged=is_converged)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes the folder of a run whose small model has not learnt anything."""

    def make(name: str, scores: Sequence[float] = ()) -> Path:
        torch.manual_seed(0)
        tables = {"model": {"side_px": SIDE, "width": 0.25}}
        settings = settings_with_tables(TrainingSettings(), tables, "the test")
        folder = RunFolder(tmp_path_factory.mktemp("runs") / name)
        data = RunData(name="made", identities=(), sha256="")
        folder.open_session(settings, data)
        folder.write_model_state(build_model(settings.model))
        for number, score in enumerate(scores):
            folder.log(kimg=float(number + 1), held_out_l1=score)
        return folder.root

    return make
