"""A stand-in for the model of commands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.change.pipeline import Picture
from reggan_plugin.commands.options import model as open_model
from reggan_plugin.faces.face_finder import ChosenFaces, FaceChoice
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging.crop import crop_from_box
from reggan_plugin.jobs import render_job
from reggan_plugin.jobs.plan import JobPlan
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, ExpressionMix

from ..jobs.conftest import Brightening

_POINTS = ((0.65, 0.4), (0.35, 0.4), (0.5, 0.55), (0.6, 0.7), (0.4, 0.7), (0.5, 0.85))
_NAMES = ("left_eye", "right_eye", "nose_tip", "mouth_left", "mouth_right", "chin")


class ReddeningTransfer(Brightening):
    """Stands for the model: reddens a box in the middle of pictures that are not black."""

    def __init__(self, model: str | None, *, device: str, batch: int = 1, **_rig: object) -> None:
        super().__init__()
        self.card = ModelCard(
            name="reddening",
            version="1",
            architecture="none",
            image_size_px=16,
            expressions=EXPRESSION_NAMES[1:],
            canonical_landmarks=dict(zip(_NAMES, _POINTS, strict=True)),
            training={},
            licence="Apache-2.0",
        )
        self.device, self.device_reason = "cpu", "asked for"
        self.remarks: tuple[str, ...] = ()

    def find_faces(
        self, frame: Frame, choice: FaceChoice, names: Sequence[str] = ()
    ) -> ChosenFaces:
        height, width = frame.pixels.shape[:2]
        middle = (width / 4, height / 4, width / 2, height / 2)
        crop = crop_from_box(choice.box or middle, self.card.canonical_points, 16)
        return ChosenFaces.of([crop], [0]) if frame.pixels.any() else ChosenFaces()

    def auto_exposure(self, frame: Frame, crops: object) -> float:
        return 0.0

    def render(
        self, frame: Frame | Picture, mix: ExpressionMix, crops: object, exposure_ev: float = 0.0
    ) -> np.ndarray:
        pixels = frame.pixels.copy()
        height, width = pixels.shape[:2]
        pixels[height // 4 : -height // 4, width // 4 : -width // 4, 0] = 1.0
        return pixels

    def changed(self, picture: Picture, mix: ExpressionMix) -> np.ndarray:
        return self.render(picture, mix, ())


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shots that were to be tracked, in commands that run with a `ReddeningTransfer`.

    They are not tracked: its pictures show no face.
    """
    names: list[str] = []

    def untracked(plan: JobPlan, settings: RenderSettings, *_: object) -> RenderSettings:
        names.append(Path(plan.source).name)
        return settings

    monkeypatch.setattr(open_model, "ExpressionTransfer", ReddeningTransfer)
    monkeypatch.setattr(render_job, "settings_with_tracks", untracked)
    return names
