"""The locator's synthesis tells the truth about landmarks, and its training resumes."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from reggan_plugin.faces.locator import DEFAULT_FOLDER  # noqa: E402
from reggan_plugin.rig.dense_landmarks import eye_rows  # noqa: E402
from reggan_training.landmarks.drawn_accessories import SIDE_PX  # noqa: E402
from reggan_training.landmarks.picture_pool import kept_parts  # noqa: E402
from reggan_training.landmarks.pictures import HeadPicture  # noqa: E402
from reggan_training.locator.cartoons import draw_cartoon  # noqa: E402
from reggan_training.locator.drawn_heads import read_drawn_set  # noqa: E402
from reggan_training.locator.labelled_pictures import LabelledPicture  # noqa: E402
from reggan_training.locator.pasted_faces import (  # noqa: E402
    Placement,
    paste_face,
    synthesise_crop,
    synthesise_patch,
)
from reggan_training.locator.styled_faces import Bank, BankFace, build_bank  # noqa: E402
from reggan_training.locator.training import (  # noqa: E402  # noqa: E402
    DetectorStage,
    FaceDetector,
    LandmarkNetwork,
    LandmarkStage,
    LocatorRun,
    LocatorStage,
    RunConfig,
    detector_targets,
)
from reggan_training.training_run import run_training, write_arrays  # noqa: E402
from reggan_training.weights_from_onnx import exported_weights, load_exported  # noqa: E402

from ..landmarks.test_squares import mean_face  # noqa: E402

POINTS = np.array([[158, 100], [98, 104], [129, 145], [154, 178], [102, 180], [128, 225]], float)


@pytest.fixture(scope="module")
def bank() -> Bank:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (256, 256, 3)).astype(np.uint8)
    picture = LabelledPicture(style="skin", image=image, points=POINTS)
    return build_bank([picture], styles_per_picture=2, backgrounds=4, seed=0)


@pytest.mark.parametrize("mirrored", [False, True])
def test_landmarks_follow_the_pasted_picture(mirrored: bool) -> None:
    """Each landmark in turn is a bright spot, which must shine where its label went."""
    for k in range(6):
        rows, columns = np.indices((256, 256)) + 0.5
        x, y = POINTS[k]
        spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 6.0**2))
        levels = [spot.astype(np.uint8)]
        for side in (128, 64):
            levels.append(cv2.resize(levels[0], (side, side), interpolation=cv2.INTER_AREA))
        face = BankFace(tuple(levels), np.full((96, 96), 255, np.uint8), POINTS)
        canvas = np.zeros((128, 128), np.uint8)
        placement = Placement((66.0, 60.0), 70.0, 25.0, 1.05, mirrored)
        moved = paste_face(canvas, face, placement, cut_out=False)
        weight = canvas.astype(float) / canvas.sum()
        rows, columns = np.indices(canvas.shape) + 0.5
        shining = np.array([(weight * columns).sum(), (weight * rows).sum()])
        label = moved[(1, 0, 2, 4, 3, 5)[k] if mirrored else k]
        np.testing.assert_allclose(shining, label, atol=0.35)
        assert moved[0][0] > moved[1][0]  # the face's own left stays on the right


def test_the_pool_of_a_run_of_landmarks_is_read_as_heads(tmp_path: Path) -> None:
    """The left eye is a bright spot; what is behind the head is masked away."""
    points = 80 * mean_face() + [190.0, 150.0]
    rows, columns = np.indices((SIDE_PX, SIDE_PX)) + 0.5
    x, y = points[eye_rows("left")].mean(axis=0)
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 8.0**2))
    shares = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    shares[rows < 150, 0] = 255
    pixels = np.repeat(spot.astype(np.uint8)[..., None], 3, axis=2)
    row = kept_parts(HeadPicture(pixels=pixels, points=points, shares=shares))
    write_arrays(tmp_path / "0-00000.npz", {name: array[None] for name, array in row.items()})
    (picture,) = read_drawn_set(tmp_path)
    weight = picture.image[..., 0] / picture.image[..., 0].sum()
    rows, columns = np.indices(weight.shape) + 0.5
    shining = [(weight * columns).sum(), (weight * rows).sum()]
    np.testing.assert_allclose(picture.points[0], shining, atol=1.5)
    assert picture.points[3][0] > picture.points[4][0]  # its own left corner of the mouth
    assert picture.mask is not None
    assert picture.mask[10, 48] == 0
    assert picture.mask[80, 48] == 255


def test_synthesis_repeats_itself(bank: Bank) -> None:
    for synthesise in (synthesise_patch, synthesise_crop):
        first, second = (synthesise(bank, np.random.default_rng(4)) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])


def test_targets_point_from_cells_to_landmarks() -> None:
    points = POINTS * 0.3 + 20
    target = detector_targets([points])
    rows, columns = np.nonzero(target[0])
    assert len(rows) > 0
    for row, column in zip(rows, columns, strict=True):
        cell = (np.array([column, row]) + 0.5) * 8
        found = cell + target[2:, row, column].reshape(6, 2) * 32
        np.testing.assert_allclose(found, points, atol=1e-3)


@pytest.mark.parametrize("stage_name", ["detector", "landmarks"])
def test_a_resumed_run_equals_one_that_was_not_interrupted(
    bank: Bank, tmp_path: Path, stage_name: str
) -> None:
    def start(folder: str) -> LocatorRun:
        torch.manual_seed(0)
        stage: LocatorStage = (
            DetectorStage(bank, FaceDetector())
            if stage_name == "detector"
            else LandmarkStage(bank, LandmarkNetwork())
        )
        config = RunConfig(stage=stage_name, total_kimg=0.006, batch=2)
        return LocatorRun(tmp_path / folder, config, stage)

    run_training(start("whole"))
    interrupted = start("parts")
    interrupted.take_step()
    interrupted.save()
    resumed = start("parts")
    assert resumed.steps == 1
    run_training(resumed)
    whole = start("whole")
    assert whole.steps == resumed.steps == 3
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(value, resumed.network.state_dict()[name])


def test_a_checkpoint_of_an_earlier_version_goes_on(bank: Bank, tmp_path: Path) -> None:
    config = RunConfig(stage="detector", total_kimg=0.006, batch=2)
    run = LocatorRun(tmp_path, config, DetectorStage(bank, FaceDetector()))
    run.take_step()
    run.save()
    file = tmp_path / "checkpoint.pt"
    stored = torch.load(file, weights_only=True)
    names = {"steps": "step", "ema": "average", "optimiser": "optimizer"}
    torch.save({names.get(name, name): value for name, value in stored.items()}, file)
    resumed = LocatorRun(tmp_path, config, DetectorStage(bank, FaceDetector()))
    assert resumed.steps == 1
    for name, value in run.ema.state_dict().items():
        assert torch.equal(value, resumed.ema.state_dict()[name])


def test_a_run_refuses_other_options(bank: Bank, tmp_path: Path) -> None:
    config = RunConfig(stage="detector", total_kimg=0.002, batch=2)
    LocatorRun(tmp_path, config, DetectorStage(bank, FaceDetector())).save()
    other = RunConfig(stage="detector", total_kimg=0.004, batch=2)
    with pytest.raises(ValueError, match="same options, or name a new folder"):
        LocatorRun(tmp_path, other, DetectorStage(bank, FaceDetector()))


def test_cartoons_have_their_landmarks_on_the_head() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        cartoon = draw_cartoon(rng)
        x, y = (cartoon.points * 96 / 256).astype(int).T
        assert (cartoon.mask[y.clip(0, 95), x.clip(0, 95)] > 0).mean() > 0.6
        eyes, mouth = cartoon.points[:2, 1].mean(), cartoon.points[3:5, 1].mean()
        assert eyes < mouth < cartoon.points[5, 1]


@pytest.mark.parametrize("stage_name", ["detector", "landmarks"])
def test_training_goes_on_from_an_exported_network(bank: Bank, stage_name: str) -> None:
    """It answers as the file does, and about so in training, where batch norms are of the batch."""
    session = onnxruntime.InferenceSession(DEFAULT_FOLDER / f"{stage_name}.onnx")
    stage: LocatorStage
    if stage_name == "detector":
        stage = DetectorStage(bank, FaceDetector())
    else:
        stage = LandmarkStage(bank, LandmarkNetwork())
    inputs, _ = stage.draw_batch(np.random.default_rng(0), 24)
    weights = exported_weights(DEFAULT_FOLDER / f"{stage_name}.onnx")
    load_exported(stage.network, weights, inputs)
    with torch.no_grad():
        score = torch.sigmoid(stage.network.eval()(inputs[:1])[0])
        in_training = torch.sigmoid(stage.network.train()(inputs)[0])
        evaluated = torch.sigmoid(stage.network.eval()(inputs)[0])
    (expected,) = session.run(["score"], {session.get_inputs()[0].name: inputs[:1].numpy()})
    np.testing.assert_allclose(score.numpy(), expected, atol=1e-5)
    assert float((in_training - evaluated).abs().mean()) < 0.05
