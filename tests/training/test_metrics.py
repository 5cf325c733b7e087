"""Figures are what they say, judges that fail are said to, and claims can fail."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from reggan_plugin.errors import SourceError
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_training.checkpoint import model_from_run
from reggan_training.loop import TrainingSettings
from reggan_training.metrics import commands
from reggan_training.metrics.claims import CLAIMS, judge_claims
from reggan_training.metrics.image_distance import change_region, mean_inside, psnr_db, ssim_map
from reggan_training.metrics.judge_validity import ExpressionValidity
from reggan_training.metrics.judges import Judges, name_expressions
from reggan_training.metrics.measure import INPUT, REGGAN, REGRESSIONS, TRUE, StyleResult
from reggan_training.metrics.statistics import estimate_mean
from reggan_training.metrics.subjects import subjects_from_photographs
from reggan_training.networks.reggan import RegGAN, RegGANSettings
from reggan_training.regression import RegressionSettings
from reggan_training.run_folder import RunFolder, prefixed

SIDE = 64


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose small model has not learnt anything."""
    settings = TrainingSettings(
        model=RegGANSettings(side_px=SIDE, quarter_channels=8, eighth_channels=8, eighth_blocks=1),
        regression=RegressionSettings(side_px=SIDE // 2, dilation=3),
    )
    torch.manual_seed(0)
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "made")
    config = {"settings": dataclasses.asdict(settings)}
    (folder.root / "config.json").write_text(json.dumps(config))
    model = RegGAN(settings.model, settings.regression)
    folder.save({**prefixed("averaged", model.state_dict()), "images_seen": torch.tensor(5)})
    return folder.root


def whole(side: int) -> torch.Tensor:
    return torch.ones(1, 1, side, side, dtype=torch.bool)


def test_psnr_is_taken_over_the_region_alone() -> None:
    target, made = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    made[..., :8, :] = 0.1
    upper = whole(32)
    upper[..., 8:, :] = False
    assert psnr_db(made, target, upper).item() == pytest.approx(20.0, abs=1e-4)
    assert psnr_db(made, target, whole(32)).item() == pytest.approx(
        20 + 10 * math.log10(4), abs=1e-4
    )
    assert psnr_db(target, target, whole(32)).isinf().all()


def test_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    first, second = torch.full((1, 3, 32, 32), 0.4), torch.full((1, 3, 32, 32), 0.6)
    expected = (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    assert mean_inside(ssim_map(first, second), whole(32)).item() == pytest.approx(
        expected, abs=1e-4
    )


def test_ssim_falls_with_inverted_structure_and_is_1_for_equal_pictures() -> None:
    stripes = (torch.arange(32) % 2).float().expand(1, 3, 32, 32)
    assert mean_inside(ssim_map(stripes, stripes), whole(32)).item() == pytest.approx(1.0, abs=1e-5)
    assert mean_inside(ssim_map(stripes, 1 - stripes), whole(32)).item() < -0.9


def test_the_region_is_the_change_dilated_by_8_px_at_256() -> None:
    source, target = torch.zeros(1, 3, 256, 256), torch.zeros(1, 3, 256, 256)
    target[0, 1, 100:110, 120:140] = 0.5
    region = change_region(source, target)[0, 0]
    rows, columns = torch.nonzero(region, as_tuple=True)
    mean_px = 1  # the change itself is averaged over 3x3 pixels
    assert [int(rows.min()), int(rows.max())] == [100 - mean_px - 8, 109 + mean_px + 8]
    assert [int(columns.min()), int(columns.max())] == [120 - mean_px - 8, 139 + mean_px + 8]


def test_noise_of_a_few_levels_is_no_change() -> None:
    source = torch.full((1, 3, 64, 64), 0.5)
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 4 / 255
    assert not change_region(source, source + noise).any()


def test_the_interval_repeats_and_covers() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        values = random.normal(3.0, 1.0, 25)
        estimate = estimate_mean(values)
        assert estimate == estimate_mean(values)
        assert estimate.mean == pytest.approx(values.mean())
        assert estimate.low <= estimate.mean <= estimate.high
        covered += estimate.low <= 3.0 <= estimate.high
    assert covered >= 88


def test_the_shipped_judge_gives_probabilities_and_knows_a_picture_from_itself() -> None:
    judges = Judges.load()
    crops = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    probability = name_expressions(judges.expression, crops)
    assert probability.shape == (2, len(EXPRESSION_NAMES))
    assert torch.allclose(probability.sum(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(judges.similarity(crops, crops), torch.ones(2), atol=1e-5)
    region = torch.ones(2, 1, 96, 96, dtype=torch.bool)
    features, mirrored = judges.face.features(crops), judges.face.features(crops.flip(-1))
    assert (judges.perceptual_distance(features, features, region) == 0).all()
    assert (judges.perceptual_distance(features, mirrored, region) > 0.1).all()


def test_a_folder_without_judges_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="reggan-plugin train-judge"):
        Judges.load(tmp_path)


def test_a_judge_below_nine_in_ten_makes_ecs_void_and_says_why() -> None:
    confusion = 10 * np.eye(len(EXPRESSION_NAMES), dtype=np.int64)
    assert ExpressionValidity(confusion).is_valid
    angry, disgusted = (EXPRESSION_NAMES.index(name) for name in ("angry", "disgusted"))
    confusion[angry, [angry, disgusted]] = (2, 8)
    validity = ExpressionValidity(confusion)
    assert not validity.is_valid
    assert "89% of the true pictures" in validity.reason
    assert "takes angry for disgusted" in validity.reason


def made_result(reggan_psnr: float) -> StyleResult:
    def values(psnr: float, ecs: float, perceptual: float) -> dict[str, np.ndarray]:
        spread = np.linspace(-0.1, 0.1, 4)[:, None].astype(np.float32)
        named = {"psnr": psnr, "ssim": psnr / 100, "perceptual": perceptual}
        named |= {"ecs": ecs, "probability": ecs}
        return {quantity: value + spread for quantity, value in named.items()}

    methods = {
        INPUT: values(20.0, 0.1, 0.5),
        REGRESSIONS[0]: values(25.0, 0.7, 0.4),
        REGGAN: values(reggan_psnr, 0.9, 0.3),
    }
    return StyleResult("photo", ("a", "b", "c", "d"), (1,), methods)


@pytest.mark.parametrize(
    ("reggan_psnr", "holding"),
    [(25.1, [True] * 6), (24.8, [True] * 6), (24.6, [True] * 5 + [False])],
)
def test_a_claim_fails_where_the_allowance_is_used_up(
    reggan_psnr: float, holding: list[bool]
) -> None:
    verdicts = judge_claims("photo", [made_result(reggan_psnr)], REGRESSIONS[0], void=())
    assert [verdict.holds for verdict in verdicts] == holding
    assert len(verdicts) == len(CLAIMS)
    assert "psnr of reggan should be above that of regression less 0.3" in verdicts[-1].sentence
    with_void = judge_claims("photo", [made_result(reggan_psnr)], REGRESSIONS[0], void=("photo",))
    assert [one.claim.quantity for one in with_void if one.is_void] == ["ecs", "probability"]


def test_evaluate_writes_figures_table_and_sheet_and_names_what_does_not_hold(
    tiny_avatars: Path, run: Path, tmp_path: Path
) -> None:
    arguments = [
        "--run",
        str(run),
        "--data",
        str(tiny_avatars),
        "--out",
        str(tmp_path),
        "--threads",
        "1",
        "--check",
    ]
    result = CliRunner().invoke(commands.evaluate, arguments)
    assert result.exit_code == 1, result.output
    claim = "psnr of reggan should be above that of regression less 0.3"
    assert f"does not hold: all avatars: {claim}" in result.stderr
    assert "void: photo: ecs of reggan" in result.stderr
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert record["images_seen"] == 5
    assert list(record["styles"]) == ["photo", "stone"]
    skin = record["styles"]["photo"]
    assert skin["identities"] == ["photo_00009", "photo_00010"]
    assert set(skin["methods"]) == {INPUT, *REGRESSIONS, REGGAN, TRUE}
    assert skin["judge"]["ecs_is_void"]
    untouched = skin["methods"][INPUT]
    assert untouched["fss"]["mean"] == pytest.approx(1.0, abs=1e-5)
    assert untouched["psnr"]["low"] <= untouched["psnr"]["mean"] <= untouched["psnr"]["high"]
    assert set(untouched["psnr"]["by_expression"]) == set(EXPRESSION_NAMES[1:])

    table = (tmp_path / "table.md").read_text()
    assert table.strip() in result.stdout
    assert "| skin | 2 | reggan |" in table
    assert "The ECS of skin is void: the judge names" in table
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width > 7 * 100


def test_photographs_are_placed_by_their_known_eyes(tiny_avatars: Path, tmp_path: Path) -> None:
    for expression in ("neutral", "happy"):
        (tmp_path / expression).mkdir()
        picture = tiny_avatars / expression / "photo_00001.jpg"
        shutil.copy(picture, tmp_path / expression / "001.jpg")
    (subject,) = subjects_from_photographs(tmp_path, SIDE)
    assert subject.expressions == (EXPRESSION_NAMES.index("happy"),)
    assert subject.targets.shape == (1, 3, SIDE, SIDE)
    with pytest.raises(SourceError, match="holds no pair"):
        list(subjects_from_photographs(tmp_path / "neutral", SIDE))


def test_judges_are_trained_saved_and_read_back(tiny_avatars: Path, tmp_path: Path) -> None:
    arguments = [
        "--data",
        str(tiny_avatars),
        "--out",
        str(tmp_path),
        "--kimg",
        "0.064",
        "--threads",
        "1",
    ]
    result = CliRunner().invoke(commands.train_judge, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path)
    judges = Judges.load(tmp_path)
    assert torch.isfinite(name_expressions(judges.expression, torch.rand(1, 3, 64, 64))).all()


def test_a_run_of_another_version_is_refused(run: Path, tmp_path: Path) -> None:
    assert model_from_run(run).settings.side_px == SIDE
    config = json.loads((run / "config.json").read_text())
    config["settings"]["model"]["eighth_blocks"] = 2
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "checkpoint.safetensors").write_bytes((run / "checkpoint.safetensors").read_bytes())
    with pytest.raises(SourceError, match="another version of RegGAN"):
        model_from_run(tmp_path)
