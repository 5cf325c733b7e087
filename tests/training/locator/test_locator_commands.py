"""Train, mine, export and evaluate a locator on two made-up pictures, by command."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")
pytest.importorskip("onnxscript")

from click.testing import CliRunner  # noqa: E402

from reggan_export.commands.export_locator import export_locator  # noqa: E402
from reggan_plugin.errors import SourceError  # noqa: E402
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES  # noqa: E402
from reggan_plugin.faces.locator import FaceLocator  # noqa: E402
from reggan_training.commands import mine_locator as command  # noqa: E402
from reggan_training.commands.mine_locator import mine_locator  # noqa: E402
from reggan_training.commands.train_locator import train_locator  # noqa: E402
from reggan_training.locator.labelled_pictures import load_pictures  # noqa: E402
from tests.measurements.locator import evaluate, evaluation_frames  # noqa: E402
from tests.measurements.locator.__main__ import evaluate_locator  # noqa: E402
from tests.measurements.locator.evaluation_frames import SIZE_BANDS_PX  # noqa: E402

POINTS = [[158, 100], [98, 104], [129, 145], [154, 178], [102, 180], [128, 225]]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """One identity to train on and one to test on, happy as noise can be, at half the size."""
    folder = tmp_path / "pictures"
    labels = {}
    points = (np.array(POINTS) / 2).tolist()
    for seed, name in enumerate(("skin_00001", "skin_00009")):
        for expression in ("neutral", "happy"):
            (folder / expression).mkdir(parents=True, exist_ok=True)
            image = np.random.default_rng(seed).integers(0, 255, (128, 128, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / expression / f"{name}.jpg"), image)
        row = dict(zip(LANDMARK_NAMES, points, strict=True))
        labels[name] = {"neutral": row, "happy": row}
    (folder / "landmarks.json").write_text(json.dumps(labels))
    return folder


def test_pictures_are_brought_to_one_size_with_their_points(pictures: Path) -> None:
    [neutral, happy] = load_pictures(pictures, "train")
    assert neutral.image.shape == happy.image.shape == (256, 256, 3)
    np.testing.assert_allclose(neutral.points, POINTS)
    with pytest.raises(SourceError, match="no identity of the test split"):
        load_pictures(pictures, "test", without=["skin_00009"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter, about its own future
def test_a_locator_from_pictures_to_report(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A locator that has learnt nothing finds faces everywhere, and is slow at it.
    monkeypatch.setattr(evaluation_frames, "PAINTINGS", 2)
    monkeypatch.setattr(evaluation_frames, "FRAME_SIZE", (360, 640))
    bands = {name: (low / 2, high / 2) for name, (low, high) in SIZE_BANDS_PX.items()}
    monkeypatch.setattr(evaluation_frames, "SIZE_BANDS_PX", bands)
    monkeypatch.setattr(evaluate, "TIMED_SIZES", {"360p": (640, 360)})
    monkeypatch.setattr(command, "_BACKGROUNDS", 4)
    runner = CliRunner()
    for stage in ("detector", "landmarks"):
        options = ["--kimg", "0.02", "--backgrounds", "4", "--styles", "1", "--stage", stage]
        folder = tmp_path / "runs" / stage
        arguments = ["--data", str(pictures), "--run", str(folder), *options]
        result = runner.invoke(train_locator, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        assert json.loads((folder / "config.json").read_text())["stage"] == stage
    weights = tmp_path / "weights"
    arguments = ["--run", str(tmp_path / "runs"), "--out", str(weights)]
    assert runner.invoke(export_locator, arguments, catch_exceptions=False).exit_code == 0
    assert isinstance(FaceLocator(weights).locate(np.zeros((64, 64, 3), np.float32)), list)
    refused = runner.invoke(export_locator, arguments)
    assert refused.exit_code == 1
    assert "exists." in str(refused.exception)

    mined = tmp_path / "negatives.npz"
    arguments = ["--data", str(pictures), "--model", str(weights), "--out", str(mined)]
    assert runner.invoke(mine_locator, [*arguments, "--frames", "2"]).exit_code == 0
    with np.load(mined) as arrays:
        assert arrays["patches"].shape[1:] == (128, 128)

    report = tmp_path / "report"
    arguments = ["--data", str(pictures), "--model", str(weights), "--out", str(report)]
    result = runner.invoke(evaluate_locator, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    figures = json.loads((report / "locator.json").read_text())
    assert figures["faces"][0]["faces"] == 6  # two pictures of the test split, three sizes
    assert "| skin | 6 |" in (report / "locator.md").read_text()
    assert figures["faceless"]["painting"]["frames"] == 2
