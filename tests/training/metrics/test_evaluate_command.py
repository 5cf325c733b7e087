"""`reggan-plugin evaluate`: files, streams, exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.commands.evaluate import evaluate
from reggan_training.papers.comparison.measure import INPUT, REGRESSION, TRUE

MakeRun = Callable[..., Path]


def invoke(*words: object) -> Result:
    return CliRunner().invoke(evaluate, [*map(str, words), "--threads", "1"])


def test_figures_table_and_sheet_are_written(
    tiny_avatars: Path, make_run: MakeRun, tmp_path: Path
) -> None:
    first, second = make_run("first", scores=[0.4, 0.3, 0.3, 0.3]), make_run("second")
    result = invoke(first, second, "--data", tiny_avatars, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "not measured without weights of others" in result.stderr

    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(record["runs"]) == ["first", "second"]
    assert record["runs"]["first"]["is_converged"]
    assert not record["runs"]["second"]["is_converged"]  # kept no held-out curve
    assert record["runs"]["first"]["ms_per_face"] > 0
    assert record["max_yaw_deg"] is None  # this set does not say how heads are turned
    assert list(record["splits"]["yaw"]) == ["unknown"]
    skin = record["splits"]["style"]["skin"]
    assert skin["identities"] == ["photo_00009", "photo_00010"]
    assert set(skin["methods"]) == {INPUT, REGRESSION, "first", "second", TRUE}
    assert record["judge"]["styles"]["skin"]["ecs_is_void"]
    untouched = skin["methods"][INPUT]
    assert untouched["fss"]["mean"] == pytest.approx(1.0, abs=1e-5)
    assert untouched["psnr"]["low"] <= untouched["psnr"]["mean"] <= untouched["psnr"]["high"]
    assert set(untouched["psnr"]["by_expression"]) == set(EXPRESSION_NAMES[1:])

    table = (tmp_path / "table.md").read_text()
    assert table.strip() in result.stdout
    assert "| skin | 2 | first |" in table
    assert "| skin | 2 | second (not converged) |" in table
    assert "The ECS of skin is not counted: the judge names" in table
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (104 + 7 * 148, 28 + 2 * 3 * 148)


def test_a_report_goes_into_the_first_run_and_takes_few_identities_if_asked(
    tiny_avatars: Path, make_run: MakeRun
) -> None:
    run = make_run("run")
    result = invoke(run, "--data", tiny_avatars, "--identities", 1)
    assert result.exit_code == 0, result.output
    record = json.loads((run / "evaluation" / "evaluation.json").read_text())
    counts = {s: len(one["identities"]) for s, one in record["splits"]["style"].items()}
    assert counts == {"skin": 1, "stone": 1}


def test_runs_of_one_name_are_told_apart_and_one_run_twice_is_refused(
    tiny_avatars: Path, make_run: MakeRun, tmp_path: Path
) -> None:
    runs = [make_run("run"), make_run("run")]
    result = invoke(*runs, "--data", tiny_avatars, "--identities", 1, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(record["runs"]) == [f"{run.parent.name}/run" for run in runs]
    result = invoke(runs[0], runs[0], "--data", tiny_avatars)
    assert isinstance(result.exception, UsageError)
    assert "name each run once" in str(result.exception)


def test_a_set_without_held_out_identities_says_which_ones_are(
    make_run: MakeRun, tmp_path: Path, tiny_avatars: Path
) -> None:
    for expression in EXPRESSION_NAMES:
        (tmp_path / expression).mkdir()
        for name in ("photo_00001",):
            source = tiny_avatars / expression / f"{name}.jpg"
            (tmp_path / expression / f"{name}.jpg").write_bytes(source.read_bytes())
    sheet = json.loads((tiny_avatars / "landmarks.json").read_text())
    few = {"photo_00001": sheet["photo_00001"]}
    (tmp_path / "landmarks.json").write_text(json.dumps(few))
    result = invoke(make_run("run"), "--data", tmp_path)
    assert isinstance(result.exception, SourceError)
    assert "numbers that end in 9 or 0" in str(result.exception)
    assert "Add a set." in str(result.exception)
