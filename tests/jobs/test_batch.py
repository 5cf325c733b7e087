"""Faces of several frames in one batch: same bits wherever the shot is cut, halved for memory."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import reggan_plugin
from reggan_plugin.backends.devices import Runner, Tensors
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.change.picture_model import BatchedModel, PictureModelSource
from reggan_plugin.errors import DeviceMemoryError, ModelError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.jobs.frame_record import read_record
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import Event, JobSummary, Notice
from reggan_plugin.models.model_card import ModelCard, find_model
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..sample_frames import contents
from .conftest import MODEL

SAMPLES = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png"
CARD = ModelCard(
    name="brightening",
    version="1",
    architecture="none",
    image_size_px=4,
    expressions=("happy", "sad"),
    canonical_landmarks={name: (0.5, 0.1 * i) for i, name in enumerate(LANDMARK_NAMES)},
    training={},
    licence="Apache-2.0",
)


class SmallDevice:
    """Runs up to so many faces at once; each face comes back brighter by its first intensity."""

    device = "fake:0"
    reason = "a test"
    metadata: Mapping[str, str] = {}

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []

    def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:
        image = inputs["image"]
        self.sizes.append(len(image))
        if len(image) > self.most:
            raise DeviceMemoryError(f"no memory for {len(image)} faces")
        rise = inputs["expression"][:, :1, None, None]
        return {"face": image + rise, "mask": np.ones_like(image[:, :1])}


def answer(model: BatchedModel, count: int) -> list[float]:
    faces = [np.full((4, 4, 3), number, np.float32) for number in range(count)]
    vectors = [[number / 10, 0.0] for number in range(count)]
    return [round(float(planes["face"].mean()), 4) for planes in model.run(faces, vectors)]


def test_every_batch_has_the_same_size_and_answers_keep_their_order() -> None:
    device = SmallDevice(4)
    assert answer(BatchedModel(device, CARD, 4), 9) == [round(1.1 * n, 4) for n in range(9)]
    assert device.sizes == [4, 4, 4]
    assert answer(BatchedModel(device, CARD, 4), 0) == []


def test_a_batch_without_memory_is_halved_and_stays_so() -> None:
    device = SmallDevice(3)
    model = BatchedModel(device, CARD, 8)
    assert answer(model, 5) == [round(1.1 * n, 4) for n in range(5)]
    assert device.sizes == [8, 4, 2, 2, 2]
    assert model.batch == 2


def test_a_device_without_memory_for_one_face_is_an_error() -> None:
    with pytest.raises(DeviceMemoryError, match="no memory for 1 faces"):
        answer(BatchedModel(SmallDevice(0), CARD, 2), 3)


def test_a_model_without_mask_is_refused() -> None:
    class NoMask(SmallDevice):
        def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:
            return {"face": inputs["image"]}

    with pytest.raises(ModelError, match="answers with face; expected face and mask"):
        answer(BatchedModel(NoMask(8), CARD, 1), 1)


def test_an_answer_of_another_shape_is_refused() -> None:
    class WideFace(SmallDevice):
        def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:
            return {**super().run(inputs), "face": np.zeros((1, 3, 8, 4), np.float32)}

    with pytest.raises(ModelError, match=r"face has the shape \(1, 3, 8, 4\)"):
        answer(BatchedModel(WideFace(8), CARD, 1), 1)


@pytest.fixture(scope="module")
def runner() -> Runner:
    return open_runner(find_model("sargan"), "cpu")


def render(
    out: Path,
    batch: int,
    frame_range: str | None = None,
    *,
    runner: Runner | None = None,
    events: list[Event] | None = None,
) -> JobSummary:
    transfer = ExpressionTransfer("sargan", device="cpu", batch=batch)
    if runner is not None:
        transfer._source = PictureModelSource(runner, transfer.card, batch)
    return run_job(
        plan_job(str(SAMPLES), frame_range, out, "happy", Existing.RESUME),
        RenderSettings(
            mix=ExpressionMix({"happy": 1.0}), choice=FaceChoice(box=(480.0, 190.0, 330.0, 330.0))
        ),
        RenderRun(
            transfer=transfer, model=MODEL, report=(events if events is not None else []).append
        ),
    )


def test_a_shot_has_the_same_bits_with_and_without_batches_and_in_chunks(tmp_path: Path) -> None:
    render(tmp_path / "whole", 1)
    for chunk in ("1001-1003", "1004", "1005-1006"):
        render(tmp_path / "chunks", 4, chunk)
    assert len(contents(tmp_path / "whole")) == 6
    assert contents(tmp_path / "chunks") == contents(tmp_path / "whole")


class Grudging:
    """The real model on a device that refuses more than two faces."""

    device = "fake:0"
    reason = "a test"
    metadata: Mapping[str, str] = {}

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, inputs: Mapping[str, np.ndarray]) -> Tensors:
        if len(inputs["image"]) > 2:
            raise DeviceMemoryError("the device has no memory left")
        return self._runner.run(inputs)


def test_a_job_halves_its_batch_and_says_so(runner: Runner, tmp_path: Path) -> None:
    events: list[Event] = []
    summary = render(tmp_path / "out", 4, runner=Grudging(runner), events=events)
    assert summary.count()["written"] == 6
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert len(notices) == 1
    assert "no memory for 4 faces at once; from here on it is given 2" in notices[0]
    record = read_record(tmp_path / "out" / "avatar.1001.png")
    assert record is not None
    assert record.batch == 2
    assert record.warnings == (notices[0],)
