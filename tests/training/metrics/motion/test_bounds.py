import json
import math

import pytest

from reggan_training.metrics.motion.figures import (
    CROSS_FADE,
    INPUT,
    PARTS,
    RESULT,
    TRUE,
    FaceResult,
    Figures,
    ResultKind,
    mean_difference,
    named,
    summarise,
)
from reggan_training.metrics.motion.report import (
    MotionBound,
    json_from_results,
    judge_bounds,
    markdown_from_results,
    warnings_of,
)


def in_every_part(quantity: str, value: float) -> Figures:
    return {named(quantity, part): value for part in PARTS}


def good_result() -> Figures:
    return {
        **in_every_part("psnr", 30.0),
        **in_every_part("explained", 0.9),
        **in_every_part("cover intersection", 70.0),
        **in_every_part("cover union", 100.0),
        **in_every_part("ghost", 0.0),
        **in_every_part("colour", 4.0),
        "folds": 0.0,
        "detail": 0.97,
        "large detail": 0.95,
        "mouth colour": 4.0,
        "teeth": 0.99,
        "oversaturated": 0.0,
        "rises": 1.0,
        "distance": 0.2,
        "named": 1.0,
    }


def faces(identity: str = "a", **changed: float) -> list[FaceResult]:
    """A full, a half and a neutralised face that keep every bound, but for what is changed."""
    figures = {
        ResultKind.FULL: {
            RESULT: good_result() | changed,
            INPUT: in_every_part("psnr", 21.0),
            TRUE: {"distance": 0.2, "named": 1.0},
        },
        ResultKind.HALF: {RESULT: {"psnr": 30.0, "folds": 0.0}, CROSS_FADE: {"psnr": 28.0}},
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
        ("cover intersection", 55.0, "cover, intersection over union"),
        ("psnr, mouth", 20.9, "PSNR over that of the unchanged input in mouth"),
        ("psnr, brows and lids", 20.9, "PSNR over that of the unchanged input in brows and lids"),
        ("detail", 0.85, "detail"),
        ("detail", 1.15, "detail"),
        ("large detail", 0.5, "detail in large frames"),
        ("ghost", 0.2, "double contours beyond the truth's own"),
        ("colour", 9.0, "median ΔE2000 of what is uncovered"),
        ("mouth colour", 9.0, "median ΔE2000 in the open mouth"),
        ("teeth", 0.5, "share of teeth within the true hues"),
        ("oversaturated", 3.0, "oversaturated pixels per face"),
        ("rises", 0.0, "share of faces whose motion rises with the intensity"),
        ("distance", 0.23, "distance of the face embedding over the true render's"),
        ("named", 0.9, "ECS over the true pictures'"),
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
    half.figures[CROSS_FADE]["psnr"] = 30.5
    back.figures[INPUT]["psnr"] = 27.5
    assert missed(results) == [
        "PSNR of half intensity over a cross-fade's, dB",
        "PSNR of the neutralised face over the unchanged input's, dB",
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
    beside = MotionBound(name="detail", faces="ict", found=0.5, least=0.9, most=1.1, reachable=0.88)
    assert beside.sentence.endswith("expected 0.9 to 1.1; the true motion has 0.880")


def test_ecs_above_the_truth_is_a_warning() -> None:
    results = faces()
    assert warnings_of(results) == []
    results[0].figures[TRUE]["named"] = 0.5
    assert "above the true pictures' 0.50" in warnings_of(results)[0]


def test_an_expression_that_the_judge_cannot_read_is_no_bound_but_a_warning() -> None:
    results = faces(named=0.0)
    results[0].figures[TRUE]["named"] = 0.0
    assert missed(results) == []
    assert "reads happy in no true picture" in warnings_of(results)[0]


def test_identities_count_alike_however_many_faces_they_have() -> None:
    results = [*faces("a", detail=1.0), *faces("a", detail=1.0), *faces("b", detail=0.5)]
    full = [one for one in results if one.kind is ResultKind.FULL]
    assert summarise(full, RESULT, "detail") == pytest.approx(0.75)
    assert mean_difference(full, RESULT, INPUT, "psnr") == pytest.approx(9.0)


def test_cover_is_taken_over_all_faces_together() -> None:
    empty = faces("a", **{"cover intersection": 0.0, "cover union": 0.0})
    full = [one for one in [*empty, *faces("b")] if one.kind is ResultKind.FULL]
    assert summarise(full, RESULT, "cover") == pytest.approx(0.7)


def test_the_report_has_a_row_for_every_group_and_names_what_is_missed() -> None:
    results = faces(folds=2.0)
    bounds = judge_bounds(results)
    table = markdown_from_results(results, bounds)
    for row in ("| all | 1 | result |", "| ict | 1 |", "| happy | 1 |", "| mouth | 1 | result |"):
        assert row in table
    assert "| **no** | folds per face | ict | 0.667 | at most 0 |  |" in table
    record = json.loads(json.dumps(json_from_results(results, bounds)))
    assert record["faces"][0]["figures"][RESULT]["folds"] == 2.0
    assert [one["name"] for one in record["bounds"] if not one["holds"]] == ["folds per face"]
