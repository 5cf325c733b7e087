"""Models by name: what lies in the weights folder is installed."""

import json
import shutil
from pathlib import Path

import pytest

from reggan_plugin.cli import main
from reggan_plugin.models.model_card import DEFAULT_MODEL, find_model, installed_models

Streams = pytest.CaptureFixture[str]
SAMPLES = Path(__file__).resolve().parents[2] / "reggan_plugin/samples"


@pytest.fixture
def two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder that holds the default model under two names."""
    for name in (DEFAULT_MODEL, "alpha"):
        shutil.copyfile(find_model(), tmp_path / f"{name}.onnx")
    monkeypatch.setattr("reggan_plugin.models.model_card.weights_folder", lambda: tmp_path)
    return tmp_path


def test_a_name_is_a_file_in_the_weights_folder(two_models: Path) -> None:
    assert list(installed_models()) == [DEFAULT_MODEL, "alpha"]
    assert find_model("alpha") == two_models / "alpha.onnx"
    assert find_model() == two_models / f"{DEFAULT_MODEL}.onnx"


def test_every_installed_model_is_listed_the_default_first(
    two_models: Path, capsys: Streams
) -> None:
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [Path(entry["path"]).stem for entry in listed] == [DEFAULT_MODEL, "alpha"]
    assert main(["models"]) == 0
    assert capsys.readouterr().out.count("hash ok") == 2


def test_render_takes_an_installed_model_by_name(
    two_models: Path, tmp_path: Path, capsys: Streams
) -> None:
    words = ["render", "--frames", str(SAMPLES / "toon"), "--expression", "happy", "--dry-run"]
    assert main([*words, "--model", "alpha"]) == 0
    capsys.readouterr()
    assert main([*words, "--model", "beta"]) == 2
    assert f"{DEFAULT_MODEL}, alpha" in capsys.readouterr().err
