"""The tally of a study: right on answers whose result is known, and strict on all others."""

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_training.papers.study.page import OTHER, QUESTIONS, SAME
from reggan_training.papers.study.tally import share_over_raters, wilson_share

from .written_study import key_of, page_of

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Twelve comparisons of two methods and two attention checks: 38 questions."""
    names = ("input/{}.png", "reggan/happy/{}.png", "sargan/happy/{}.png")
    for number, name in itertools.product(range(12), names):
        path = tmp_path / name.format(f"skin_{number:05}")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (20 * number, 80 * names.index(name), 90)).save(path)
    methods = ["--methods", str(tmp_path / "reggan"), "--methods", str(tmp_path / "sargan")]
    words = [*methods, "--input", str(tmp_path / "input"), "--attention-checks", "2"]
    assert main(["study", "make", *words, "--side", "32", "--out", str(tmp_path / "study")]) == 0
    return tmp_path / "study"


def answer_sheet(
    study: Path, rater: str, prefers: Callable[[str, Mapping[str, str]], str], form: int = 0
) -> dict[str, Any]:
    """What the page would save for somebody who chooses by `prefers(question, label by name)`."""
    page, trials = page_of(study), key_of(study)["trials"]
    answers = []
    for number, left, right in page["forms"][form]:
        trial = page["trials"][number]
        labels = trials[trial["id"]]["pictures"]
        for question in trial["questions"]:
            shown = {"trial": trial["id"], "question": question, "left": left, "right": right}
            chosen = prefers(question, labels)
            when = {"answered_at": "2026-01-01T00:00:00.000Z", "duration_ms": 2000}
            answers.append({**shown, "chosen": chosen, **when})
    return {
        "kind": "face study answers",
        "schema": 1,
        "study": page["id"],
        "rater": rater,
        "form": form,
        "is_complete": True,
        "answers": answers,
    }


def prefer(*labels: str) -> Callable[[str, Mapping[str, str]], str]:
    """Choose the picture whose label comes first in `labels`; `SAME` before all."""
    order = (SAME, *labels, OTHER)

    def choose(question: str, label_by_name: Mapping[str, str]) -> str:
        return min(label_by_name, key=lambda name: order.index(label_by_name[name]))

    return choose


def write_sheet(folder: Path, sheet: dict[str, Any]) -> Path:
    path = folder / f"{sheet['rater']}.json"
    path.write_text(json.dumps(sheet))
    return path


def test_wilson_interval_is_the_published_one() -> None:
    """Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263, 15 of 148, 0 of 20."""
    for wins, answers, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        share = wilson_share(wins, answers)
        assert (share.low, share.high) == pytest.approx((low, high), abs=5e-5)
    assert wilson_share(0, 20).low == 0
    assert wilson_share(0, 20).high == pytest.approx(0.1611, abs=5e-5)


def test_the_interval_over_raters_is_as_wide_as_the_raters_differ() -> None:
    asked = np.full(20, 30)
    alike = share_over_raters(np.full(20, 18), asked)
    pooled = wilson_share(360, 600)
    assert (alike.low, alike.high) == (pooled.low, pooled.high)
    split = share_over_raters(np.repeat([30, 6], 10), asked)
    assert split.share == alike.share == 0.6
    # The mean of 20 raters, standard deviation 0.4: 0.6 ± 1.96 · 0.4 / √20, in steps of 0.04.
    assert (split.low, split.high) == pytest.approx((0.425, 0.775), abs=0.02)


def test_one_rater_or_raters_without_answers_do_not_disturb() -> None:
    one = share_over_raters(np.array([3, 0]), np.array([4, 0]))
    assert one == wilson_share(3, 4)
    with pytest.raises(ValueError, match="no answer"):
        share_over_raters(np.array([0]), np.array([0]))


def tally(study: Path, paths: list[Path], *options: str) -> int:
    words = [str(path) for path in paths]
    return main(["study", "tally", *words, "--key", str(study / "key.json"), *options])


def test_known_answers_give_known_preferences(study: Path, tmp_path: Path, capsys: Streams) -> None:
    def mixed(question: str, labels: Mapping[str, str]) -> str:
        wants = ("sargan", "reggan") if question == "identity" else ("reggan", "sargan")
        return prefer(*wants)(question, labels)

    sheets = [
        answer_sheet(study, "a", prefer("reggan", "sargan"), form=0),
        answer_sheet(study, "b", mixed, form=1),
    ]
    capsys.readouterr()
    assert tally(study, [write_sheet(tmp_path, sheet) for sheet in sheets], "--json") == 0
    document = json.loads(capsys.readouterr().out)
    found = {one["question"]: one for one in document["preferences"]}
    assert list(found) == list(QUESTIONS)
    shares = [found[question]["preferred"]["share"] for question in QUESTIONS]
    assert shares == [1.0, 0.5, 1.0]
    assert all(one["answers"] == 24 for one in found.values())
    assert all((one["method"], one["other"]) == ("reggan", "sargan") for one in found.values())
    assert found["identity"]["preferred"]["low"] == 0.0  # two raters of opposite minds
    assert found["identity"]["preferred"]["high"] == 1.0
    assert 0.8 < found["realism"]["preferred"]["low"] < 1.0
    assert document["raters"] == 2
    assert document["pairs"] == 12
    assert document["failures"] == {"a": 0, "b": 0}
    assert document["checks"] == 4
    assert document["median_seconds"] == 2.0


def test_the_table_names_pairs_raters_and_failed_checks(
    study: Path, tmp_path: Path, capsys: Streams
) -> None:
    def careless(question: str, labels: Mapping[str, str]) -> str:
        return min(labels, key=lambda name: (labels[name] == SAME, labels[name]))

    paths = [
        write_sheet(tmp_path, answer_sheet(study, "careful", prefer("sargan", "reggan"))),
        write_sheet(tmp_path, answer_sheet(study, "careless", careless)),
    ]
    capsys.readouterr()
    assert tally(study, paths) == 0
    out = capsys.readouterr().out
    assert "| looks more real | reggan over sargan | 50% |" in out
    assert "2 raters, 12 pairs" in out
    assert "Attention checks failed: 2 of 4." in out
    assert tally(study, paths, "--max-attention-failures", "1") == 0
    out = capsys.readouterr().out
    assert "| looks more real | reggan over sargan | 0% | 0% to 24% | 12 |" in out
    assert "Left out for them: careless." in out
    assert tally(study, paths[1:], "--max-attention-failures", "1") == 1
    assert "--max-attention-failures allows more" in capsys.readouterr().err


def test_a_rater_who_stopped_early_counts_as_far_as_they_came(
    study: Path, tmp_path: Path, capsys: Streams
) -> None:
    sheet = answer_sheet(study, "a", prefer("reggan", "sargan"))
    sheet |= {"is_complete": False, "answers": sheet["answers"][:7]}
    capsys.readouterr()
    assert tally(study, [write_sheet(tmp_path, sheet)]) == 0
    assert "Stopped early, and counted as far as they came: 1." in capsys.readouterr().out


def _cut(sheet: dict[str, Any]) -> str:
    return json.dumps(sheet)[:-40]


def _changed(**fields: Any) -> Callable[[dict[str, Any]], str]:
    return lambda sheet: json.dumps({**sheet, **fields})


def _first_answer(**fields: Any) -> Callable[[dict[str, Any]], str]:
    def write(sheet: dict[str, Any]) -> str:
        first, *others = sheet["answers"]
        return json.dumps({**sheet, "answers": [{**first, **fields}, *others]})

    return write


@pytest.mark.parametrize(
    ("write", "fault", "remedy"),
    [
        (_cut, "cannot be read", "save the answers again"),
        (_changed(study="0123456789ab"), "answers of study 0123456789ab", "key of that study"),
        (_changed(kind="holiday"), "is of kind 'holiday'", "leave this file out"),
        (_changed(schema=9), "has schema 9", "version that made the study"),
        (_changed(is_complete=False), "38 of 38 answers, and says that it is not", "save the"),
        (_changed(answers=5), "is damaged", "save the answers again"),
        (_first_answer(trial="nothing"), "no pair 'nothing'", "save the answers again"),
        (_first_answer(trial=["x"]), "is damaged", "save the answers again"),
        (_first_answer(chosen="nothing"), "does not show these pictures", "leave this file out"),
        (_first_answer(question="taste"), "not asked for 'taste'", "leave this file out"),
        (_first_answer(duration_ms=None), "is damaged", "save the answers again"),
        (lambda s: _changed(answers=[s["answers"][0]] * 2)(s), "answered twice", "again"),
        (json.dumps, "", ""),
    ],
)
def test_answers_that_do_not_fit_are_refused_by_name(
    write: Callable[[dict[str, Any]], str],
    fault: str,
    remedy: str,
    study: Path,
    tmp_path: Path,
    capsys: Streams,
) -> None:
    sheet = answer_sheet(study, "a", prefer("reggan", "sargan"))
    path = tmp_path / "odd.json"
    path.write_text(write(sheet))
    capsys.readouterr()
    status = tally(study, [path])
    out, err = capsys.readouterr()
    assert status == (1 if fault else 0)
    assert (out == "") == bool(fault)
    assert all(part in err for part in (fault, remedy))
    assert (str(path) in err) == bool(fault)


def test_one_rater_given_twice_and_a_wrong_key_are_refused(
    study: Path, tmp_path: Path, capsys: Streams
) -> None:
    path = write_sheet(tmp_path, answer_sheet(study, "a", prefer("reggan", "sargan")))
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    assert tally(study, [path, copy]) == 1
    assert f"{copy} and {path} are both of rater a; give the later one" in capsys.readouterr().err
    assert main(["study", "tally", str(path), "--key", str(path)]) == 1
    assert "Give the key.json" in capsys.readouterr().err
    (study / "key.json").write_text(json.dumps({**key_of(study), "trials": [1]}))
    assert tally(study, [path]) == 1
    assert "is a damaged key" in capsys.readouterr().err
