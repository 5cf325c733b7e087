"""The whole evaluation on a made-up head: a model that knows the truth, and ones with faults."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.metrics.motion.evaluation import COLUMNS, compose, evaluate_motion, find_heads
from reggan_training.metrics.motion.measures import (
    INPUT,
    RESULT,
    FacePart,
    FaceResult,
    ResultKind,
    of_kind,
    part_masks,
    summarise,
)
from reggan_training.metrics.motion.report import judge_bounds
from reggan_training.metrics.motion.test_heads import (
    EXPRESSIONS,
    TestHead,
    read_head,
    render_test_heads,
    states_of_test,
)
from tests.motion_models import motion_card, true_answer

SIDE = 64


@pytest.fixture(scope="module")
def heads(made_family: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    assert len(list(render_test_heads(made_family, ["made-0-0"], folder, SIDE))) == 1  # type: ignore[arg-type]
    return folder


@dataclass(eq=False)
class KnowingModel:
    """Looks up the rig's answer to the nearest request, does a share of it, adds spirals."""

    head: TestHead
    share: float = 1.0
    spirals: float = 0.0
    side_px: int = SIDE
    batch: int = 1
    card: ModelCard = field(default_factory=motion_card)

    def __post_init__(self) -> None:
        self._trials = self.head.trials()
        self._truths = [true_answer(trial.face) for trial in self._trials]

    def answer(
        self, faces: Sequence[np.ndarray], mixes: Sequence[ExpressionMix], known: object = None
    ) -> list[Answer]:
        return [self._of(*one) for one in zip(faces, mixes, strict=True)]

    def _of(self, face: np.ndarray, mix: ExpressionMix) -> Answer:
        controls = np.array(mix.control_vector(CONTROLS))[:-1]

        def away(number: int) -> float:
            trial = self._trials[number]
            source = np.abs(trial.face.source.transpose(1, 2, 0) - face).mean()
            asked = trial.controls[:-1]
            turned = np.abs(_unit(asked) - _unit(controls)).sum()  # a weak smile is a smile
            return float(100 * source + turned + 0.01 * np.abs(asked - controls).sum())

        nearest = min(range(len(self._trials)), key=away)
        trial, truth = self._trials[nearest], self._truths[nearest]
        full, size = np.abs(trial.controls[:-1]).sum(), np.abs(controls).sum()
        part = self.share * (size / full if full else 1.0)
        axis = np.linspace(0, 40, SIDE, dtype=np.float32)
        spiral = self.spirals * np.stack(np.meshgrid(np.sin(axis), np.cos(axis)), axis=-1)
        return Answer(
            motion=truth.motion * part + spiral.transpose(1, 0, 2),
            gain=truth.gain,
            cover=truth.cover * (part > 0.5),
            paint=truth.paint,
        )


def _unit(weights: np.ndarray) -> np.ndarray:
    return weights / max(float(np.linalg.norm(weights)), 1e-9)


few = TestHead.trials


def evaluate(heads: Path, model: KnowingModel) -> list[FaceResult]:
    results, _ = evaluate_motion(model, find_heads(heads), lambda _: None)
    return results


@pytest.fixture(scope="module")
def head(heads: Path) -> TestHead:
    return TestHead(read_head(find_heads(heads)["made"][0]), "skin")


@pytest.fixture(scope="module")
def knowing(heads: Path, head: TestHead) -> list[FaceResult]:
    return evaluate(heads, KnowingModel(head))


def test_states_are_neutral_then_full_then_half() -> None:
    states = states_of_test(("jawOpen", "mouthSmileLeft"))
    assert len(states) == 1 + 2 * len(EXPRESSIONS)
    assert states[0] == {}
    happy, half_happy = states[1], states[1 + len(EXPRESSIONS)]
    assert set(happy) == {"jawOpen", "mouthSmileLeft"}
    assert half_happy == pytest.approx({name: value / 2 for name, value in happy.items()})


def test_the_truth_of_a_head_makes_its_target_from_its_source(head: TestHead) -> None:
    for trial in head.trials(("surprised",)):
        face = trial.face
        made = compose(face.source, true_answer(face)).picture
        where = face.is_head
        error = np.abs(made - face.target)[:, where].mean()
        unchanged = np.abs(face.source - face.target)[:, where].mean()
        assert error < 0.7 * unchanged, trial.kind  # the rest is light


def test_what_does_not_move_has_no_motion(head: TestHead) -> None:
    face = next(one.face for one in head.trials(("surprised",)))
    ears = face.is_head & face.is_visible
    ears[:, SIDE // 4 : -SIDE // 4] = False
    assert np.median(np.abs(face.motion[:, ears] * SIDE)) < 0.02


def test_a_model_that_knows_the_truth_keeps_the_bounds_of_motion(
    knowing: Sequence[FaceResult],
) -> None:
    full = of_kind(knowing, ResultKind.FULL)
    assert len(full) == len(EXPRESSIONS)
    assert summarise(full, RESULT, "explained") > 0.9
    assert summarise(full, RESULT, "rises") == 1
    assert summarise(full, RESULT, "colour") < 4
    assert summarise(full, RESULT, "psnr") > summarise(full, INPUT, "psnr") + 3
    missed = {one.name for one in judge_bounds(knowing) if not one.holds}
    assert "true motion explained" not in missed
    assert not any("PSNR" in name for name in missed)


def test_every_kind_is_measured_by_what_it_is_about(knowing: Sequence[FaceResult]) -> None:
    half, back = (of_kind(knowing, kind) for kind in (ResultKind.HALF, ResultKind.NEUTRALISED))
    assert len(half) == len(EXPRESSIONS)
    assert len(back) == 1
    assert summarise(half, RESULT, "psnr") > summarise(half, INPUT, "psnr")
    assert summarise(back, RESULT, "psnr") > summarise(back, INPUT, "psnr")


@pytest.mark.parametrize(
    ("fault", "bound"),
    [
        ({"share": 0.0}, "true motion explained"),
        ({"share": 0.0}, "share of motions that rise with the intensity"),
        ({"share": 0.5}, "true motion explained"),
        ({"spirals": 0.02}, "folds per face"),
    ],
)
def test_faults_of_a_model_are_found(
    heads: Path,
    head: TestHead,
    fault: dict[str, float],
    bound: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TestHead, "trials", lambda self: few(self, ("surprised",)))
    results = evaluate(heads, KnowingModel(head, **fault))
    assert bound in {one.name for one in judge_bounds(results) if not one.holds}


def test_a_sheet_shows_every_expression_at_its_own_size(
    heads: Path, head: TestHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = ("happy", "surprised")
    monkeypatch.setattr(TestHead, "trials", lambda self, expressions=two: few(self, expressions))
    results, rows = evaluate_motion(KnowingModel(head), find_heads(heads), lambda _: None)
    assert list(rows) == ["skin"]
    assert [row.label.splitlines()[-1] for row in rows["skin"]] == list(two)
    assert len(of_kind(results, ResultKind.FULL)) == 2
    full = [trial for trial in head.trials() if trial.kind is ResultKind.FULL]
    for row, trial in zip(rows["skin"], full, strict=True):
        assert len(row.views) == len(COLUMNS)
        source, truth, _, mouth, *_ = row.views
        assert np.array_equal(source, trial.face.source.transpose(1, 2, 0))
        where = np.nonzero(part_masks(trial.face)[FacePart.MOUTH])
        assert min(one.min() for one in where) > 0
        size = np.array([np.ptp(one) + 1 for one in where])
        assert np.abs(mouth.shape[:2] - size * SIDE / size.max()).max() <= 1
        assert np.array_equal(truth, trial.face.target.transpose(1, 2, 0).clip(0, 1))
