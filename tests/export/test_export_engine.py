"""`export engine` keeps an engine only if it says what its file says.

TensorRT's own part is a stand-in here; tests/backends has it against a whole fake, and against the
real one where it can be had.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reggan_export import engine_export as engine_module
from reggan_export.commands import export
from reggan_export.verify import verify_model
from reggan_export.verify.crops_and_bounds import Questions, questions_from_metadata
from reggan_export.verify.verify_report import Bound, Comparison, Difference, VerifyReport
from reggan_plugin.backends import tensorrt_runner
from reggan_plugin.backends.devices import Tensors
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import (
    DeviceUnavailableError,
    ModelParityError,
    OutputExistsError,
    RegganError,
    UsageError,
)
from reggan_plugin.models.model_card import find_model

MODEL = find_model("sargan")
GPU = tensorrt_runner.Gpu(name="NVIDIA Fake", compute_capability="9.0", driver="13.0")
Shift = Callable[[float], None]


class ShiftedRunner:
    """The model on the CPU, its faces brighter by some levels."""

    device, metadata, reason = "tensorrt", {}, "asked for"

    def __init__(self, levels: float) -> None:
        self._runner, self._levels = open_runner(MODEL, "cpu"), levels

    def run(self, inputs: Tensors) -> Tensors:
        outputs = self._runner.run(inputs)
        return outputs | {"face": outputs["face"] + np.float32(self._levels / 255)}


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shift:
    """A machine whose engines are off by so many levels; two expressions are looked at."""
    trt = SimpleNamespace(__version__="11.4.0.106")
    monkeypatch.setenv("REGGAN_PLUGIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tensorrt_runner, "load_tensorrt", lambda: trt)
    monkeypatch.setattr(tensorrt_runner, "open_gpu", lambda index: GPU)
    monkeypatch.setattr(tensorrt_runner, "build_plan", lambda *arguments: b"native code")
    monkeypatch.setattr(tensorrt_runner, "_load_plan", lambda *arguments: object())

    def two_of(metadata: Mapping[str, str], source: str) -> Questions:
        proof = questions_from_metadata(metadata, source)
        return replace(proof, probes={name: proof.probes[name] for name in ("happy", "sad:0.5")})

    monkeypatch.setattr(verify_model, "questions_from_metadata", two_of)

    def set_levels(levels: float) -> None:
        monkeypatch.setattr(verify_model, "_runner_from_engine", lambda path: ShiftedRunner(levels))

    return set_levels


@pytest.fixture
def proven(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> Shift:
    """As `shift`, without looking at any."""

    def set_levels(levels: float) -> None:
        found = Difference(max=levels, total=0, squares=0, values=1)
        bound = Bound(quantity="picture", unit="levels", statistic="max", limit=0.5)
        report = VerifyReport(
            model="sargan.onnx",
            precision="fp32",
            reference="itself",
            frames=[],
            bounds=[bound],
            comparisons=[Comparison(subject="x.plan", differences={"happy": {"picture": found}})],
            not_opened={},
        )
        monkeypatch.setattr(engine_module, "verify_model", lambda *args, **settings: report)

    return set_levels


def export_engine(*options: str) -> Result:
    return CliRunner().invoke(export, ["engine", str(MODEL), *options], catch_exceptions=False)


def plans(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if ".plan" in path.name}


def test_an_engine_that_says_what_its_file_says_is_kept(shift: Shift, tmp_path: Path) -> None:
    shift(0.2)
    result = export_engine("--out", str(tmp_path / "my.plan"), "--batch", "1,4,16")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith(f"{tmp_path / 'my.plan'}: ")
    assert (tmp_path / "my.plan").read_bytes() == b"native code"
    document = json.loads((tmp_path / "my.plan.json").read_text())
    assert document["key"]["options"]["batch"] == [1, 4, 16]
    assert document["key"]["precision"] == "fp32"
    assert "reggan_plugin.card" in document["metadata"]


@pytest.mark.parametrize("option", [[], ["--out", "my.plan"]], ids=["cache", "file"])
def test_one_that_does_not_is_not_kept(
    proven: Shift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    proven(0.6)
    with pytest.raises(ModelParityError, match=r"0.6 levels.*not kept"):
        export_engine(*option)
    assert not plans(tmp_path) - {name for name in plans(tmp_path) if name.endswith(".lock")}
    proven(0.4)
    assert export_engine(*option).exit_code == 0


def test_one_that_cannot_be_run_is_not_kept(
    proven: Shift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **settings: object) -> None:
        raise DeviceUnavailableError("The GPU fails.")

    monkeypatch.setattr(engine_module, "verify_model", fail)
    with pytest.raises(DeviceUnavailableError):
        export_engine("--out", str(tmp_path / "my.plan"))
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_without_a_name_it_goes_to_the_cache(proven: Shift, tmp_path: Path) -> None:
    proven(0.1)
    path = Path(export_engine().stdout.splitlines()[-1].partition(": ")[0])
    assert path.parent == tmp_path / "cache" / "engines"
    assert path.name.startswith("sargan-fp32-sm90-trt11.4.0.106-")
    portable = export_engine("--portable").stdout.splitlines()[-1]
    assert "sargan-fp32-portable-trt" in portable


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (["--precision", "fp16"], UsageError, r"is fp32, fp16 was asked for"),
        (["--device", "cuda"], UsageError, r"tensorrt or tensorrt:INDEX, not on cuda"),
        (["--out", "my.engine"], UsageError, r"must end in \.plan"),
        (["--batch", "4,1,16"], UsageError, r"rising order.*1,4,16"),
    ],
)
def test_a_request_that_cannot_be_meant_says_how_to_say_it(
    proven: Shift, options: list[str], error: type[RegganError], text: str
) -> None:
    with pytest.raises(error, match=text):
        export_engine(*options)


def test_a_file_that_is_there_is_not_replaced_unasked(proven: Shift, tmp_path: Path) -> None:
    (tmp_path / "my.plan").write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="exists"):
        export_engine("--out", str(tmp_path / "my.plan"))
    proven(0.1)
    assert export_engine("--out", str(tmp_path / "my.plan"), "--overwrite").exit_code == 0
    assert (tmp_path / "my.plan").read_bytes() == b"native code"


@pytest.mark.parametrize("batch", ["1,2", "a", "", "1,,3"])
def test_a_batch_that_is_no_batch_is_a_wrong_option(batch: str) -> None:
    result = export_engine("--batch", batch)
    assert result.exit_code == 2
    assert "1,4,16" in result.stderr


def test_where_tensorrt_is_missing_it_says_what_to_install(tmp_path: Path) -> None:
    pytest.importorskip("cuda.bindings")
    with pytest.raises(DeviceUnavailableError, match=r"pip install|nvidia-smi"):
        export_engine("--out", str(tmp_path / "my.plan"))
