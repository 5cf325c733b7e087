"""`fit-regression` and `merge-regression` leave a run that is a model."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from reggan_plugin.errors import OutputExistsError, SourceError, UsageError
from reggan_training.commands.fit_regression import fit_regression
from reggan_training.commands.merge_regression import merge_regression
from reggan_training.contract_1.checkpoint import model_from_run
from reggan_training.contract_1.regression import REGRESSION_PRESETS, RegressionSettings
from reggan_training.networks.expression_model import ExpressionModel

SMALL = ["--preset", "earlier-128", "--size", "32"]


def invoke(*arguments: object) -> Result:
    command = merge_regression if arguments[0] == "merge" else fit_regression
    texts = [str(argument) for argument in arguments[1:]]
    return CliRunner().invoke(command, texts, catch_exceptions=False)


def fit(data: Path, out: Path, *options: object) -> Result:
    return invoke("fit", "--data", data, "--out", out, *options)


def test_a_fit_is_a_model_that_changes_the_mouth(tiny_avatars: Path, tmp_path: Path) -> None:
    result = fit(tiny_avatars, tmp_path / "run", *SMALL)
    assert result.stdout == f"{tmp_path / 'run'}\n"
    assert "happy: 6 pairs" in result.stderr
    model = model_from_run(tmp_path / "run")
    assert (model.architecture, model.side_px) == ("regression", 32)
    assert model.settings.regression == RegressionSettings(
        side_px=32, shared_channels=False, towards_identity=False
    )
    image = torch.full((1, 3, 32, 32), 0.4)
    face, mask = model(image, torch.eye(7)[6:])
    assert face.shape == image.shape
    assert mask[0, 0, 21, 16] > 0.5
    assert not (tmp_path / "run/sums").exists()
    record = json.loads((tmp_path / "run/config.json").read_text())
    assert record["identities"] == ["photo_00001", "photo_00002", "photo_00003"]


def test_merged_shards_are_the_whole_fit(tiny_avatars: Path, tmp_path: Path) -> None:
    """Largest difference of a weight: 1e-6; masks are equal."""
    fit(tiny_avatars, tmp_path / "whole", *SMALL)
    parts = [tmp_path / "1", tmp_path / "2"]
    for index, part in enumerate(parts, start=1):
        assert fit(tiny_avatars, part, *SMALL, "--shard", f"{index}/2").stdout == f"{part}\n"
    invoke("merge", *parts, "--out", tmp_path / "merged")
    whole, merged = (model_from_run(tmp_path / name) for name in ("whole", "merged"))
    assert (changes(whole) - changes(merged)).abs().max() < 1e-6
    assert torch.equal(whole.masks, merged.masks)
    configs = [json.loads((tmp_path / n / "config.json").read_text()) for n in ("whole", "merged")]
    for key in ("settings", "identities", "data", "data_sha256"):
        assert configs[0][key] == configs[1][key]
    assert [p["shard"] for p in fit_record(tmp_path / "merged")["parts"]] == ["1/2", "2/2"]

    invoke("merge", *parts, "--out", tmp_path / "auto", "--penalty", "auto", "--data", tiny_avatars)
    errors = fit_record(tmp_path / "auto")["validation_mse"]
    best = min(errors["by_penalty"], key=lambda one: sum(errors["by_penalty"][one].values()))
    auto = model_from_run(tmp_path / "auto")
    assert auto.settings.regression.penalty == float(best)
    with pytest.raises(SourceError, match="photo_00001 is in"):
        invoke("merge", parts[0], parts[0], "--out", tmp_path / "twice")
    with pytest.raises(UsageError, match="give both or neither"):
        invoke("merge", *parts, "--out", tmp_path / "no", "--penalty", "auto")


def test_every_option_reaches_the_layer(tiny_avatars: Path, tmp_path: Path) -> None:
    options = ["--size", 16, "--crop", 32, "--field", 5, "--dilation", 2, "--penalty", 2.5]
    fit(tiny_avatars, tmp_path / "run", *options, "--per-channel", "--towards", "zero", "--no-bias")
    layer = model_from_run(tmp_path / "run").settings.regression
    assert (layer.side_px, layer.field_px, layer.dilation, layer.penalty) == (16, 5, 2, 2.5)
    flags = (layer.shared_channels, layer.towards_identity, layer.with_bias)
    assert flags == (False, False, False)


def test_what_cannot_be_is_refused_with_a_remedy(tiny_avatars: Path, tmp_path: Path) -> None:
    fit(tiny_avatars, tmp_path / "run", *SMALL)
    with pytest.raises(OutputExistsError, match="holds a finished"):
        fit(tiny_avatars, tmp_path / "run", *SMALL)
    assert fit(tiny_avatars, tmp_path / "run", *SMALL, "--overwrite").exit_code == 0
    with pytest.raises(UsageError, match="odd number, such as 3"):
        fit(tiny_avatars, tmp_path / "even", "--field", 4)
    with pytest.raises(UsageError, match=r"layer of 100 px in a crop of 256 px.*Change one"):
        fit(tiny_avatars, tmp_path / "odd", "--size", 100)
    for option, value, remedy in (
        ("--shard", "3/2", "such as 1/4"),
        ("--penalty", "-1", "such as 0.4"),
    ):
        result = fit(tiny_avatars, tmp_path / "none", option, value)
        assert result.exit_code == 2
        assert remedy in result.stderr
    assert not (tmp_path / "none").exists()


def test_presets_are_what_was_published() -> None:
    paper, earlier = REGRESSION_PRESETS["paper-400"], REGRESSION_PRESETS["earlier-128"]
    assert (paper.side_px, paper.taps, paper.dilation) == (400, 9, 3)
    assert (earlier.side_px, earlier.taps, earlier.dilation) == (128, 9, 1)
    assert paper.sums_bytes == 480_000 * 65 * 8
    for preset in (paper, earlier):
        assert preset.with_bias
        assert not preset.shared_channels
        assert preset.penalty == 0.4


def changes(model: ExpressionModel) -> torch.Tensor:
    return model.state_dict()["regression.changes"]


def fit_record(run: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads((run / "fit.json").read_text())
    return record
