import json
import math

import pytest

from reggan_training.metrics.motion.measures import (
    INPUT,
    PARTS,
    RESULT,
    FaceResult,
    Figures,
    ResultKind,
    named,
    psnr_gain_db,
    summarise,
)
from reggan_training.metrics.motion.report import (
    MotionBound,
    json_from_results,
    judge_bounds,
    markdown_from_results,
)


def in_every_part(quantity: str, value: float) -> Figures:
    return {named(quantity, part): value for part in PARTS}


def good_result() -> Figures:
    return {
        **in_every_part("psnr", 30.0),
        **in_every_part("explained", 0.9),
        **in_every_part("ghost", 0.0),
        **in_every_part("colour", 4.0),
        "folds": 0.0,
        "detail": 0.97,
        "rises": 1.0,
    }


def faces(identity: str = "a", **changed: float) -> list[FaceResult]:
    """A full, a half and a neutralised face that keep every bound, but for what is changed."""
    figures = {
        ResultKind.FULL: {RESULT: good_result() | changed, INPUT: in_every_part("psnr", 21.0)},
        ResultKind.HALF: {RESULT: {"psnr": 30.0, "folds": 0.0}, INPUT: {"psnr": 28.0}},
        ResultKind.NEUTRALISED: {RESULT: {"psnr": 27.0, "folds": 0.0}, INPUT: {"psnr": 22.0}},
    }
    return [
        FaceResult(
            family="ict",
            identity=identity,
            style="skin",
            expression="happy",
            kind=kind,
            figures=one,
        )
        for kind, one in figures.items()
    ]


def missed(results: list[FaceResult], left_out: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in judge_bounds(results, left_out) if not one.holds]


def test_a_good_model_keeps_every_bound() -> None:
    assert missed(faces()) == []


@pytest.mark.parametrize(
    ("quantity", "value", "bound"),
    [
        ("explained", 0.84, "true motion explained"),
        ("folds", 1.0, "folds per face"),
        ("psnr, mouth", 20.9, "PSNR over that of the unchanged input in mouth"),
        ("psnr, brows and lids", 20.9, "PSNR over that of the unchanged input in brows and lids"),
        ("detail", 0.85, "detail"),
        ("detail", 1.15, "detail"),
        ("ghost", 0.2, "double contours beyond the truth's own"),
        ("colour", 9.0, "median ΔE2000 of what is uncovered"),
        ("rises", 0.0, "share of motions that rise with the intensity"),
        ("explained", math.nan, "true motion explained"),
    ],
)
def test_each_bound_is_missed_by_its_own_figure(quantity: str, value: float, bound: str) -> None:
    found = missed(faces(**{quantity: value}))
    assert any(name.startswith(bound) for name in found)
    assert len(found) == 1


def test_ways_to_and_from_an_expression_are_bounds() -> None:
    results = faces()
    half, back = results[1], results[2]
    half.figures[INPUT]["psnr"] = 30.5
    back.figures[INPUT]["psnr"] = 27.5
    assert missed(results) == [
        "PSNR of half intensity over that of the unchanged input, dB",
        "PSNR of the neutralised face over that of the unchanged input, dB",
    ]


def test_a_family_left_out_of_training_needs_less_motion() -> None:
    results = faces(explained=0.75)
    assert missed(results) == ["true motion explained"]
    assert missed(results, left_out=("ict",)) == []
    assert missed(faces(explained=0.65), left_out=("ict",)) == ["true motion explained"]


def test_every_bound_says_what_was_found_and_expected() -> None:
    bound = MotionBound(name="detail", faces="ict", found=0.5, least=0.9, most=1.1)
    assert bound.sentence == "detail, ict: found 0.500, expected 0.9 to 1.1"
    nothing = MotionBound(name="folds per face", faces="ict", found=math.nan, most=0)
    assert nothing.sentence == "folds per face, ict: found nothing to measure, expected at most 0"
    assert not nothing.holds


def test_identities_count_alike_however_many_faces_they_have() -> None:
    results = [*faces("a", detail=1.0), *faces("a", detail=1.0), *faces("b", detail=0.5)]
    full = [one for one in results if one.kind is ResultKind.FULL]
    assert summarise(full, RESULT, "detail") == pytest.approx(0.75)
    assert psnr_gain_db(full) == pytest.approx(9.0)


def test_the_report_has_a_row_for_every_group_and_names_what_is_missed() -> None:
    results = faces(folds=2.0)
    bounds = judge_bounds(results)
    table = markdown_from_results(results, bounds)
    for row in ("| all | 1 | result |", "| ict | 1 |", "| happy | 1 |", "| mouth | 1 | result |"):
        assert row in table
    assert "| **no** | folds per face | ict | 0.667 | at most 0 |" in table
    record = json.loads(json.dumps(json_from_results(results, bounds)))
    assert record["faces"][0]["figures"][RESULT]["folds"] == 2.0
    assert [one["name"] for one in record["bounds"] if not one["holds"]] == ["folds per face"]
