"""A worse model is called worse, and nothing is claimed that the figures do not carry."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.metrics.judges import ExpressionValidity, Judges
from reggan_training.papers.comparison.evaluation import (
    ALL_AVATARS,
    Evaluation,
    EvaluationSet,
    evaluate_runs,
    load_evaluation_set,
    max_yaw_deg,
)
from reggan_training.papers.comparison.measure import INPUT, Contender
from reggan_training.papers.comparison.report import json_from_evaluation, markdown_from_record

MakeRun = Callable[..., Contender]


def evaluated(
    runs: list[Contender], judges: Judges, held_out: EvaluationSet
) -> tuple[Evaluation, dict[str, object]]:
    evaluation = evaluate_runs(runs, judges, held_out, report=lambda line: None)
    return evaluation, json_from_evaluation(evaluation)


@pytest.fixture(scope="module")
def good_and_bad(
    spot_run: MakeRun, spot_judges: Judges, held_out: EvaluationSet
) -> tuple[Evaluation, dict[str, object]]:
    runs = [
        spot_run("good"),
        spot_run("striped", error=0.15),
        spot_run("backwards", share=lambda asked: -asked),
        spot_run("unfinished", is_converged=False),
    ]
    return evaluated(runs, spot_judges, held_out)


def cell(record: object, *path: str) -> float:
    for key in path:
        record = record[key]  # type: ignore[index]
    return record["mean"]  # type: ignore[index, no-any-return]


def figure(record: object, method: str, quantity: str) -> float:
    return cell(record, "splits", "all", ALL_AVATARS, "methods", method, quantity)


def test_a_worse_model_has_worse_figures(good_and_bad: tuple[Evaluation, object]) -> None:
    _, record = good_and_bad
    for worse in ("striped", "backwards", INPUT):
        assert figure(record, "good", "psnr") > figure(record, worse, "psnr") + 3
        assert figure(record, "good", "ssim") > figure(record, worse, "ssim")
        assert figure(record, "good", "perceptual") < figure(record, worse, "perceptual")
    for worse in ("striped", INPUT):  # a set does not tell which picture should show what
        assert figure(record, "good", "frechet") < figure(record, worse, "frechet")
    assert figure(record, "good", "ecs") == 1.0
    assert figure(record, "backwards", "ecs") == figure(record, INPUT, "ecs") == 0.0
    assert figure(record, INPUT, "fss") == pytest.approx(1.0, abs=1e-5)


def test_ranks_follow_and_leave_out_what_has_not_converged(
    good_and_bad: tuple[Evaluation, object],
) -> None:
    evaluation, record = good_and_bad
    ranks = {(one.split, one.quantity): one.ranks for one in evaluation.standings}
    for quantity in ("ecs", "frechet", "psnr"):
        found = ranks[ALL_AVATARS, quantity]
        assert set(found) == {"good", "striped", "backwards"}
        assert found["good"] == 1
    assert ranks[ALL_AVATARS, "psnr"]["striped"] > 1
    assert ranks[ALL_AVATARS, "ecs"]["striped"] == 1  # as good an expression: a shared rank
    assert ranks[ALL_AVATARS, "ecs"]["backwards"] == 3
    table = markdown_from_record(record)  # type: ignore[arg-type]
    assert "| unfinished (not converged) |" in table
    assert "unfinished is **not converged**: its held-out score still improved by 5.0%" in table
    assert "no ranking is claimed over it" in table


def test_half_an_expression_is_compared_with_the_true_half_and_with_a_cross_fade(
    good_and_bad: tuple[Evaluation, object],
) -> None:
    _, record = good_and_bad
    half = record["splits"]["half"][ALL_AVATARS]["methods"]  # type: ignore[index]
    assert half["good"]["psnr"]["mean"] > half["cross-fade of good"]["psnr"]["mean"] + 3
    assert half["good"]["psnr"]["mean"] > half[INPUT]["psnr"]["mean"] + 3


def test_a_model_that_only_fades_does_not_beat_its_cross_fade(
    spot_run: MakeRun, spot_judges: Judges, held_out: EvaluationSet
) -> None:
    jumps = spot_run("jumps", share=lambda asked: (asked > 0).float())
    _, record = evaluated([jumps], spot_judges, held_out)
    half = record["splits"]["half"][ALL_AVATARS]["methods"]  # type: ignore[index]
    assert half["jumps"]["psnr"]["mean"] <= half["cross-fade of jumps"]["psnr"]["mean"]


def test_splits_go_by_style_by_turn_and_by_source(good_and_bad: tuple[Evaluation, object]) -> None:
    _, record = good_and_bad
    splits = record["splits"]  # type: ignore[index]
    assert {name: split["identities"] for name, split in splits["style"].items()} == {
        "skin": ["skin_01009", "skin_01010", "skin_01019", "skin_01020"],
        "stone": ["stone_01001", "stone_01002"],
    }
    assert {name: split["identities"] for name, split in splits["yaw"].items()} == {
        "0–10°": ["skin_01009", "stone_01001"],
        "10–25°": ["skin_01010", "skin_01019", "stone_01002"],
        "25–45°": ["skin_01020"],
    }
    assert {name: split["trials"] for name, split in splits["source"].items()} == {
        "neutral": 36,
        "not neutral": 42,
    }


def test_the_yaw_limit_is_where_the_input_wins(good_and_bad: tuple[Evaluation, object]) -> None:
    evaluation, record = good_and_bad
    assert record["max_yaw_deg"] == 45.0  # type: ignore[index]
    table = evaluation.table
    psnr = table.values["good"]["psnr"].copy()
    psnr[np.abs(table.yaw_deg) >= 10] = 0.0
    table.values["good"]["psnr"][:], kept = psnr, table.values["good"]["psnr"].copy()
    try:
        assert max_yaw_deg(table, "good") == 10.0
    finally:
        table.values["good"]["psnr"][:] = kept


def test_runs_of_two_sizes_are_compared_at_the_larger(
    spot_run: MakeRun, spot_judges: Judges, held_out: EvaluationSet
) -> None:
    small = spot_run("small")
    small.model.settings = type(small.model.settings)(
        architecture="reggan", side_px=32, regression=small.model.settings.regression
    )
    few = EvaluationSet({"stone": held_out.by_style["stone"][:1]}, held_out.validation)
    evaluation, record = evaluated([spot_run("large"), small], spot_judges, few)
    assert evaluation.side_px == 64
    assert 20 < figure(record, "small", "psnr") < figure(record, "large", "psnr")


def test_what_a_run_was_trained_on_is_left_out(spots: Path) -> None:
    few = load_evaluation_set([spots], trained_on={"stone_01001", "skin_01020"})
    assert {style: [one.name for one in many] for style, many in few.by_style.items()} == {
        "skin": ["skin_01009", "skin_01010", "skin_01019"],
        "stone": ["stone_01002"],
    }
    assert [one.name for one in few.validation] == ["skin_01008", "skin_01018"]


def test_a_judge_below_nine_in_ten_makes_ecs_void_and_says_why(
    spot_run: MakeRun, held_out: EvaluationSet
) -> None:
    confusion = 10 * np.eye(len(EXPRESSION_NAMES), dtype=np.int64)
    assert ExpressionValidity(confusion).is_valid
    angry, disgusted = (EXPRESSION_NAMES.index(name) for name in ("angry", "disgusted"))
    confusion[angry, [angry, disgusted]] = (2, 8)
    validity = ExpressionValidity(confusion)
    assert not validity.is_valid
    assert "89% of the true pictures" in validity.reason
    assert "takes angry for disgusted" in validity.reason

    few = EvaluationSet({"stone": held_out.by_style["stone"]}, held_out.validation)
    evaluation, record = evaluated([spot_run("good")], Judges.load(), few)  # knows no spots
    assert evaluation.void_styles == ["stone"]
    cells = record["splits"]["style"]["stone"]["methods"]["good"]  # type: ignore[index]
    assert "ecs" not in cells
    assert "psnr" in cells
    table = markdown_from_record(record)  # type: ignore[arg-type]
    assert "The ECS of stone is not counted: the judge names" in table
    assert "| not counted | not counted |" in table
    assert torch.get_num_threads() >= 1
