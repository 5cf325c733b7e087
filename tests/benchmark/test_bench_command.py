"""What was measured is what is reported: in the table, in the file, and named by machine."""

import json
from pathlib import Path

import pytest

from reggan_plugin.benchmark import model_on_device
from reggan_plugin.cli import main
from reggan_plugin.errors import RegganError
from reggan_plugin.models.model_card import installed_models

Streams = pytest.CaptureFixture[str]


def test_every_model_and_device_is_timed_and_the_others_are_named(
    tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_on_device, "_PROCESSES", 1)
    out = tmp_path / "bench.json"
    words = ["bench", "--rounds", "4", "--batch", "2,1", "--threads", "1", "--json", str(out)]
    assert main(words) == 0
    table = capsys.readouterr().out
    report = json.loads(out.read_text())
    assert report["machine"]["cpu"] in table
    assert report["machine"]["packages"]["numpy"]
    on_cpu = [one for one in report["models"] if one["device"] == "cpu"]
    assert [one["model"] for one in on_cpu] == list(installed_models())
    for one in on_cpu:
        assert [timing["batch"] for timing in one["timings"]] == [1, 2]
        for timing in one["timings"]:
            assert 0 < timing["median_ms"] <= timing["p99_ms"]
            assert timing["faces_per_s"] == pytest.approx(
                1000 * timing["batch"] / timing["median_ms"], rel=0.01
            )
        cold = one["cold_start"]
        assert 0 < cold["load_s"] + cold["first_run_s"] < cold["process_s"]
    assert report["models"][0]["times_first"] == {"1": 1.0, "2": 1.0}
    tried = {one["device"] for one in report["models"]} | set(report["refused"])
    assert {"cpu", "cuda", "tensorrt", "rtx"} <= tried
    for device, reason in report["refused"].items():
        assert f"not {device}: {reason}" in table


def test_a_device_that_was_named_is_had_or_the_benchmark_fails(
    tmp_path: Path, capsys: Streams
) -> None:
    out = tmp_path / "bench.json"
    assert main(["bench", "--device", "cuda:63", "--json", str(out)]) == 1
    assert "Error: " in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("text", ["0", "1,x", "", "1,,2", "65"])
def test_batches_that_make_no_sense_are_a_wrong_request(text: str, capsys: Streams) -> None:
    assert main(["bench", "--batch", text]) == 2
    assert "such as 1,4,8" in capsys.readouterr().err


def test_a_report_is_not_overwritten_unasked(tmp_path: Path, capsys: Streams) -> None:
    out = tmp_path / "bench.json"
    out.write_text("mine")
    assert main(["bench", "--json", str(out)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_a_report_replaces_no_file_of_another_kind(tmp_path: Path, capsys: Streams) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"mine")
    assert main(["bench", "--json", str(picture), "--overwrite"]) == 2
    assert "Let it end in .json" in capsys.readouterr().err
    assert picture.read_bytes() == b"mine"


def test_a_start_that_fails_says_what_the_process_said(tmp_path: Path) -> None:
    broken = tmp_path / "x.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(RegganError, match="cannot be loaded by ONNX Runtime"):
        model_on_device.measure_cold_start(broken, "cpu", threads=1, largest_batch=1)
