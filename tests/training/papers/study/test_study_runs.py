"""A study that makes its pictures itself, from training runs."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reggan_plugin.cli import main
from reggan_plugin.errors import EmptySourceError
from reggan_training.papers.study import run_pictures
from reggan_training.papers.study.pictures import Face
from reggan_training.papers.study.run_pictures import RunPictures


class Brighten(nn.Module):
    """Lightens the upper half of a crop by as much as the name of its run says."""

    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount, self.settings = amount, SimpleNamespace(side_px=64)

    def forward(self, image: Tensor, expression: Tensor) -> tuple[Tensor, Tensor]:
        assert expression.sum() == 1
        mask = torch.zeros_like(image[:, :1])
        mask[:, :, 4:32, 4:-4] = 1
        return image + self.amount * expression.max(), mask


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    amounts = {"faint": 0.05, "strong": 0.2}
    for name in amounts:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(
        run_pictures, "model_from_run", lambda folder: Brighten(amounts[folder.name])
    )
    return {name: tmp_path / name for name in amounts}


def test_pictures_pass_through_mask_and_composite(
    runs: dict[str, Path], tiny_avatars: Path
) -> None:
    source = RunPictures(runs, [tiny_avatars], limit=10)
    assert {face.identity for face in source.faces} == {"photo_00009", "photo_00010", "stone_00001"}
    face = Face("stone_00001", "happy")
    original = source.read_original(face).astype(int)
    changes = {name: source.read_result(name, face).astype(int) - original for name in runs}
    for name, amount in (("faint", 0.05), ("strong", 0.2)):
        typical = np.median(changes[name][changes[name] != 0])
        assert typical == pytest.approx(amount * 255, abs=2)
    for change in changes.values():
        assert not change[-20:].any()
        assert np.count_nonzero(change) > 500


def test_make_names_each_method_after_its_run(
    runs: dict[str, Path], tiny_avatars: Path, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    given = ["--runs", str(runs["faint"]), "--runs", f"ours={runs['strong']}"]
    words = [*given, "--data", str(tiny_avatars), "--comparisons", "6", "--side", "64"]
    assert main(["study", "make", *words, "--out", str(out)]) == 0
    key = json.loads((out / "key.json").read_text())
    assert key["methods"] == ["faint", "ours"]
    assert len(key["trials"]) == 9
    assert "faint" not in (out / "raters" / "index.html").read_text()


def test_data_without_a_test_identity_is_refused(
    runs: dict[str, Path], tiny_avatars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pictures, "load_sets", lambda *_, **__: [])
    with pytest.raises(EmptySourceError, match="Name a set that has some"):
        RunPictures(runs, [tiny_avatars], limit=10)
