"""The judge of CFEE's names: what it is shown, and that it learns to tell faces apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS
from reggan_training.metrics.judge_training import STORED_SIDE_PX
from reggan_training.metrics.judges import save_judge
from tests.measurements.name_judge import NamesLesson, load_name_judge, probabilities
from tests.measurements.named_views import (
    NAMES_OF_CFEE,
    draw_named_views,
    states_of_names,
    view_of_crop,
)
from tests.measurements.names_on_heads import OURS, SOURCE, TRUE, Judgement, report


def test_the_names_are_those_of_cfee() -> None:
    assert len(NAMES_OF_CFEE) == 22
    assert NAMES_OF_CFEE[0] == "neutral"
    assert set(NAMES_OF_CFEE) <= set(NAMED_EXPRESSIONS)
    assert {"sadly fearful", "appalled", "hatred", "awed"} < set(NAMES_OF_CFEE)
    states = states_of_names(("jawOpen", "browInnerUp"))
    assert states[0] == {}
    assert set(states[NAMES_OF_CFEE.index("awed")]) == {"jawOpen", "browInnerUp"}


def test_views_show_the_face_of_each_name(made_family: Any) -> None:
    views = draw_named_views(made_family.head("one"), 2, np.random.default_rng(0))
    assert views.shape == (22, 2, STORED_SIDE_PX, STORED_SIDE_PX)
    differs = np.abs(views[:, 0].astype(int) - views[0, 0]).mean(axis=(1, 2))
    assert differs[NAMES_OF_CFEE.index("fearfully surprised")] > 1


def test_a_view_is_the_inner_part_in_grey() -> None:
    picture = torch.zeros(3, 256, 256)
    picture[1, :, 128:] = 1.0
    picture[:, :16], picture[:, -16:] = 1.0, 1.0
    view = view_of_crop(picture)
    assert (view[:, 0] == 0).all()
    assert (view[:, -1] == round(0.7152 * 255)).all()


@pytest.fixture(scope="module")
def views() -> np.ndarray:
    """22 stripes for 22 names, which noise lies over."""
    random = np.random.default_rng(2)
    pictures = np.full((2, 22, 1, STORED_SIDE_PX, STORED_SIDE_PX), 60, np.uint8)
    for name in range(22):
        pictures[:, name, :, 20 + 5 * name : 26 + 5 * name] = 230
    return (pictures + random.integers(0, 20, pictures.shape)).astype(np.uint8)


def test_a_lesson_brings_the_loss_down(views: np.ndarray) -> None:
    torch.manual_seed(0)
    lesson = NamesLesson(views, views, 0)
    assert 0 <= lesson.score() < 0.2
    adam = torch.optim.Adam(lesson.network.parameters(), 3e-3)
    losses = []
    for _ in range(24):
        loss = lesson.loss(8)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3


def test_a_judge_is_read_as_it_was_written(views: np.ndarray, tmp_path: Path) -> None:
    network = NamesLesson(views, views, 0).network.eval()
    stored = torch.from_numpy(views[0, :, 0])
    chances = probabilities(network, stored)
    assert chances.sum(dim=1).tolist() == pytest.approx([1.0] * 22, abs=1e-5)
    mirrored = probabilities(network, stored.flip(-1))
    torch.testing.assert_close(chances, mirrored, atol=1e-5, rtol=0)
    path = tmp_path / "names.safetensors"
    save_judge(network, path, {"names": "22"})
    again = probabilities(load_name_judge(path), stored)
    torch.testing.assert_close(chances, again, atol=2e-3, rtol=0)
    path.write_bytes(b"nothing")
    with pytest.raises(SourceError, match="holds no judge"):
        load_name_judge(path)


def test_the_table_counts_what_is_named_rightly() -> None:
    def said(kind: str, wanted: int, found: int) -> Judgement:
        return Judgement("ict/a", "ict", kind, wanted, found, 0.5)

    lines = report(
        [
            said(SOURCE, 0, 0),
            *(said(TRUE, n, n if n != 3 else 4) for n in range(1, 22)),
            *(said(OURS, n, n if n < 3 else 1) for n in range(1, 22)),
        ]
    )
    assert lines[0] == "1 held-out heads; neutral sources named neutral: 1.00"
    assert lines[4].startswith("| all | 21 | 0.95 | 0.10 | 0.10 | 0.50 | 0.50 |")
    assert any(line.startswith("| angry | 1 | 0.00 | 0.00 | nan |") for line in lines)
    assert "happy 1" in lines[-1]
