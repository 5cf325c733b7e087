"""`evaluate-motion` and `dataset test-heads`, from their arguments to the files they write."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from reggan_plugin.change.answer import Answer
from reggan_plugin.errors import ModelCardError
from reggan_plugin.models.model_card import weights_folder
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_training.commands import dataset_pictures, evaluate_motion, options
from reggan_training.heads.head import HeadFamily
from reggan_training.metrics.motion import evaluation, test_heads
from reggan_training.metrics.motion.evaluation import open_exported
from reggan_training.metrics.motion.test_heads import TestHead, held_out_identities
from tests.motion_models import motion_card


class StillModel:
    """Changes nothing."""

    side_px, batch, card = 32, 1, motion_card()

    def answer(
        self, faces: Sequence[np.ndarray], mixes: Sequence[ExpressionMix], known: object = None
    ) -> list[Answer]:
        nothing = Answer(
            motion=np.zeros((16, 16, 2), np.float32),
            gain=np.zeros((16, 16, 3), np.float32),
            cover=np.zeros((32, 32, 1), np.float32),
            paint=np.zeros((32, 32, 3), np.float32),
        )
        return [nothing] * len(faces)


@pytest.fixture(scope="module")
def heads(made_family: HeadFamily, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    patch = pytest.MonkeyPatch()
    patch.setattr(options, "families_from_paths", lambda *_: [made_family])
    patch.setattr(test_heads, "held_out_identities", lambda *_: ["made-0-0"])
    arguments = ["--side", "64", "--out", str(folder)]
    result = CliRunner().invoke(dataset_pictures.test_heads, arguments)
    again = CliRunner().invoke(dataset_pictures.test_heads, arguments)
    patch.undo()
    assert result.exit_code == 0, result.output
    assert Path(result.stdout.strip()).is_file()
    assert again.stdout == ""  # it is there already
    return folder


@pytest.fixture
def evaluated(heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, Path]:
    trials = TestHead.trials
    monkeypatch.setattr(TestHead, "trials", lambda self: trials(self, ("surprised",)))
    monkeypatch.setattr(evaluation, "open_exported", lambda *_: StillModel())
    model = tmp_path / "still.onnx"
    model.touch()
    arguments = [str(model), "--heads", str(heads), "--threads", "1", "--left-out", "made"]
    result = CliRunner().invoke(evaluate_motion.evaluate_motion, arguments)
    return result, tmp_path / "evaluation-motion"


def test_a_model_that_changes_nothing_misses_its_bounds(evaluated: tuple[Result, Path]) -> None:
    result, folder = evaluated
    assert result.exit_code == 1, result.output
    assert "| all | 1 | result |" in result.stdout
    assert (
        "missed: true motion explained, made: found 0.000, expected at least 0.7" in result.stderr
    )
    assert "missed: folds per face" not in result.stderr
    record = json.loads((folder / "evaluation.json").read_text())
    assert record["model"] == "still.onnx"
    assert record["left_out"] == ["made"]
    assert {one["kind"] for one in record["faces"]} == {"full", "half", "neutralised"}
    held = {one["name"]: one["holds"] for one in record["bounds"]}
    assert held["folds per face"]
    assert not held["true motion explained"]
    assert (folder / "table.md").read_text() == result.stdout.removesuffix("\n")
    sheets = list(folder.glob("sheet-*.png"))
    assert len(sheets) == 1
    assert np.asarray(Image.open(sheets[0])).shape[0] > 64


def test_a_family_that_is_not_there_cannot_have_been_left_out(heads: Path, tmp_path: Path) -> None:
    model = tmp_path / "still.onnx"
    model.touch()
    arguments = [str(model), "--heads", str(heads), "--left-out", "valid"]
    result = CliRunner().invoke(evaluate_motion.evaluate_motion, arguments)
    assert "no family 'valid'" in str(result.exception)


def test_a_folder_without_heads_says_how_to_make_them(tmp_path: Path) -> None:
    model = tmp_path / "still.onnx"
    model.touch()
    arguments = [str(model), "--heads", str(tmp_path)]
    result = CliRunner().invoke(evaluate_motion.evaluate_motion, arguments)
    assert "reggan-plugin dataset test-heads" in str(result.exception)


def test_a_model_of_another_contract_is_refused() -> None:
    with pytest.raises(ModelCardError, match=r"contract 1, which.*reggan-plugin evaluate"):
        open_exported(weights_folder() / "sargan.onnx")


def test_only_identities_that_no_model_was_trained_on_are_taken() -> None:
    class Numbered:
        name = "ict"

        def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
            return tuple(f"ict-{seed}-{number:05d}" for number in range(count or 0))

        def head(self, identity: str) -> object: ...

    names = held_out_identities(Numbered(), 12, 7)  # type: ignore[arg-type]
    assert names[:2] == ["ict-7-00090", "ict-7-00091"]
    assert names[-2:] == ["ict-7-00190", "ict-7-00191"]
