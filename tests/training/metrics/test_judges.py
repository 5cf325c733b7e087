"""The judges: what they say, what they are trained on, and that they are read back."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.commands.train_judge import train_judge
from reggan_training.data.sets import load_sets
from reggan_training.metrics import judge_training
from reggan_training.metrics.judge_training import (
    JudgeSettings,
    JudgeViews,
    balanced_chances,
    label_of,
)
from reggan_training.metrics.judges import Judges, embed, name_expressions


def test_the_shipped_judge_gives_probabilities_and_knows_a_picture_from_itself() -> None:
    judges = Judges.load()
    crops = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    probability = name_expressions(judges.expression, crops)
    assert probability.shape == (2, len(EXPRESSION_NAMES))
    assert torch.allclose(probability.sum(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(embed(judges.face, crops).norm(dim=1), torch.ones(2), atol=1e-5)
    region = torch.ones(2, 1, 96, 96, dtype=torch.bool)
    features, mirrored = judges.face.features(crops), judges.face.features(crops.flip(-1))
    assert (judges.perceptual_distance(features, features, region) == 0).all()
    assert (judges.perceptual_distance(features, mirrored, region) > 0.1).all()


def test_only_expressions_that_a_person_shows_are_chosen_between() -> None:
    judge = Judges.load().expression
    crops = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    free, bound = name_expressions(judge, crops), name_expressions(judge, crops, (0, 1))
    assert (bound[:, 2:] == 0).all()
    assert torch.allclose(bound[:, :2], free[:, :2] / free[:, :2].sum(dim=1, keepdim=True))


def test_a_folder_without_judges_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is missing") as refusal:
        Judges.load(tmp_path)
    assert refusal.value.kind == "judge-to-train"


def test_half_a_smile_is_half_happy_and_half_neutral() -> None:
    happy, sad = EXPRESSION_NAMES.index("happy"), EXPRESSION_NAMES.index("sad")
    states = np.zeros((4, len(EXPRESSION_NAMES)))
    states[1, happy], states[2, happy], states[3, sad] = 0.4, 1.1, 1.0
    label = label_of(states)
    assert np.allclose(label.sum(axis=1), 1)
    assert label[0, 0] == 1.0
    assert label[1, happy] == pytest.approx(0.4)
    assert label[1, 0] == pytest.approx(0.6)
    assert label[2, happy] == label[3, sad] == 1.0


def test_the_judge_sees_graded_and_disturbed_views_seldom(spots: Path) -> None:
    identities = load_sets([spots], ("validation",))
    views = JudgeViews(identities, 1, np.random.default_rng(0))
    pictures, label = views.draw(60)
    assert pictures.shape == (60, 3, 128, 128)
    assert torch.allclose(label.sum(dim=1), torch.ones(60))
    partial = ((label > 0.1) & (label < 0.9)).any(dim=1).float().mean()
    assert 0.05 < partial < 0.4


def test_few_photographs_do_not_drown_among_many_renders() -> None:
    styles = ["skin"] * 100 + ["photograph"] * 25
    chances = balanced_chances(styles)
    assert chances.sum() == pytest.approx(1)
    assert chances[100:].sum() == pytest.approx(5 / (10 + 5))


def test_judges_are_trained_on_any_mix_of_sets_saved_and_read_back(
    tiny_avatars: Path, spots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        judge_training, "JudgeSettings", partial(JudgeSettings, batch_size=8, styles=2)
    )
    result = CliRunner().invoke(
        train_judge,
        [
            *("--data", str(tiny_avatars), "--data", str(spots), "--out", str(tmp_path)),
            *("--kimg", "0.016", "--threads", "1"),
        ],
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path)
    assert "of the validation pictures rightly" in result.stderr
    judges = Judges.load(tmp_path)
    assert torch.isfinite(name_expressions(judges.expression, torch.rand(1, 3, 64, 64))).all()


def test_a_set_without_training_identities_says_what_to_add(spots: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(train_judge, ["--data", str(spots), "--out", str(tmp_path)])
    assert isinstance(result.exception, SourceError)
    assert "0 identities of the train split" in str(result.exception)
    assert "Add a set" in str(result.exception)
