"""A stand-in for the model, small shots, and a job on them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.change.pipeline import EditedFrame, Picture
from reggan_plugin.faces.face_finder import ChosenFaces, FaceChoice
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging.crop import FaceCrop, crop_of_whole_image
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import Event, JobSummary, ModelInUse
from reggan_plugin.jobs.signals_and_timeouts import DEFAULT_STALL_S
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..sample_frames import edited_everywhere

MODEL = ModelInUse(name="brightening", version="1", sha256="ab", device="cpu", device_reason="")


Cut = tuple[Picture, ExpressionMix]


class Composed:
    """Stands for an answer that is to be composed."""

    def __init__(self, edited: EditedFrame) -> None:
        self._edited = edited

    def compose(self) -> EditedFrame:
        return self._edited


class Brightening:
    """Stands for a model: every face is the whole picture, and a black one has none.

    Frames get brighter by 0.4 times the intensity of happy; `seen` are their numbers of calls.
    """

    batch = 1
    landmarker = None

    def __init__(self, before: Callable[[int], None] = lambda call: None) -> None:
        """`before` is told the number of each frame that is rendered, from 1."""
        self.calls = 0
        self._before = before

    def find_faces(self, frame: Frame, choice: FaceChoice, names: tuple[str, ...]) -> ChosenFaces:
        crop = crop_of_whole_image(*frame.pixels.shape[:2], side_px=8)
        return ChosenFaces.of([crop], [0]) if frame.pixels.any() else ChosenFaces()

    def intensity_share(self, crop: FaceCrop) -> float:
        return 1.0

    def auto_exposure(self, frame: Frame, crops: object) -> float:
        return float(frame.pixels.mean())

    def cut(self, picture: Picture, mix: ExpressionMix, crops: object) -> Cut:
        return picture, mix

    def answer(self, cuts: Sequence[Cut]) -> list[Composed]:
        return [Composed(self._edited(*cut)) for cut in cuts]

    def changed(self, picture: Picture, mix: ExpressionMix) -> np.ndarray:
        self.calls += 1
        self._before(self.calls)
        rise = np.float32(0.4 * mix.intensities.get("happy", 0.0))
        return np.minimum(picture.pixels + rise, np.float32(1.0))

    def _edited(self, picture: Picture, mix: ExpressionMix) -> EditedFrame:
        pixels = self.changed(picture, mix)
        weight = np.ones(pixels.shape[:2], np.float32)
        return edited_everywhere(picture.pixels, pixels, weight)


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Six small frames, 1001 to 1006."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(1, 7):
        level = 10 * number
        Image.new("RGB", (6, 4), (level, level, level)).save(folder / f"a.{1000 + number}.png")
    return folder


@pytest.fixture
def run(shot: Path) -> Callable[..., JobSummary]:
    """Render the shot; settings by name."""

    def run(
        out: Path,
        *,
        transfer: Brightening | None = None,
        existing: Existing = Existing.REFUSE,
        frame_range: str | None = None,
        model: ModelInUse = MODEL,
        stall_s: float = DEFAULT_STALL_S,
        events: list[Event] | None = None,
        **settings: Any,
    ) -> JobSummary:
        plan = plan_job(str(shot), frame_range, out, "happy", existing)
        asked = RenderSettings(**{"mix": ExpressionMix({"happy": 1.0}), **settings})
        return run_job(
            plan,
            asked,
            RenderRun(
                transfer=transfer or Brightening(),
                model=model,
                report=(events if events is not None else []).append,
                stall_s=stall_s,
            ),
        )

    return run
