"""Pictures of heads in the seven expressions, as `train --data` reads them."""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from reggan_plugin.errors import OutputError, OutputExistsError, UnreadableFrameError
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.data.identity_and_split import CANONICAL_LANDMARKS, RENDERED_STYLES
from reggan_training.data.sets import load_sets
from reggan_training.rendering.picture_set import HeadPictureSettings, picture_heads, tasks_of

from ...ended_processes import end_a_child

NUMBERS = ("00007", "00083", "00090")
"""Of a head to train on, one to choose by and one that is held out."""


class NumberedHeads:
    """Flat heads that are called as a family's that has held-out heads."""

    name = "ict"

    def __init__(self, flat_family, controls=ARKIT_SHAPES) -> None:
        self._flat, self.controls = flat_family, controls

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        return tuple(f"ict-{seed}-{number}" for number in NUMBERS[:count])

    def head(self, identity: str):
        controls = self.controls
        return replace(self._flat.head(identity), family=self.name, controls=controls)


@pytest.fixture(scope="module")
def make(flat_family) -> Callable[..., list[str]]:
    def make(root: Path, count: int = 3, controls=ARKIT_SHAPES, **settings) -> list[str]:
        family, lines = NumberedHeads(flat_family, controls), []
        picture_heads(
            lambda: [family],
            tasks_of([family], count, 1, 7),
            HeadPictureSettings(**{"side_px": 32, **settings}),
            root,
            processes=1,
            report=lines.append,
        )
        return lines

    return make


@pytest.fixture(scope="module")
def pictured(make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictured")
    make(root)
    return root


def test_held_out_heads_are_tested_on_in_every_style(pictured: Path) -> None:
    assert [one.name for one in load_sets([pictured], ["train"])] == ["skin_ict-7-00007-01"]
    assert [one.name for one in load_sets([pictured], ["validation"])] == ["skin_ict-7-00083-08"]
    tested = load_sets([pictured], ["test"])
    assert {one.name for one in tested} == {f"{style}_ict-7-00090-09" for style in RENDERED_STYLES}
    assert len({one.images.tobytes() for one in tested}) == len(RENDERED_STYLES)


def test_a_set_shows_the_six_in_full_and_in_part_and_odd_sources(pictured: Path) -> None:
    for identity in load_sets([pictured], ["train", "test"]):
        assert identity.is_complete
        assert identity.has_graded_views
        assert len(identity.images) == 15
        assert np.count_nonzero(~identity.is_plain) == 2
        assert abs(identity.yaw_deg) < 50
        lids = identity.images[0].astype(int)
        assert (identity.images[1].astype(int) != lids).any()


def test_crops_are_cut_from_inside_of_the_pictures(pictured: Path) -> None:
    [identity] = load_sets([pictured], ["train"])
    assert identity.images.shape[1:] == (40, 40, 3)
    eyes = np.hypot(*(identity.landmarks[0, 0] - identity.landmarks[0, 1]))
    wanted = np.hypot(*(CANONICAL_LANDMARKS[0] - CANONICAL_LANDMARKS[1])) * 32
    assert eyes == pytest.approx(wanted, rel=0.25)  # as its camera is turned and errs


def test_a_seed_gives_the_same_pictures_and_a_set_goes_on(pictured, make, tmp_path: Path) -> None:
    assert len(make(tmp_path / "set", 1)) == 1
    assert len(make(tmp_path / "set", 2)) == 1  # only what is missing
    for path in (tmp_path / "set").rglob("*/*"):
        assert path.read_bytes() == (pictured / path.relative_to(tmp_path / "set")).read_bytes()
    with pytest.raises(OutputExistsError, match="was rendered with"):
        make(tmp_path / "set", 1, seed=8)


def test_an_expression_whose_shapes_a_head_lacks_is_left_out_and_said(make, tmp_path: Path) -> None:
    fewer = tuple(name for name in ARKIT_SHAPES if not name.startswith("brow"))
    [line] = make(tmp_path / "set", 1, fewer)
    named, _, reason = line.partition("without ")[2].partition(": ")
    assert reason == "the head lacks their shapes"
    lacking = set(named.split(", "))
    assert "surprised" in lacking
    assert "happy" not in lacking
    record = json.loads(next(tmp_path.rglob("identity.json")).read_text())
    assert not {one["expression"] for one in record["images"]} & lacking
    assert len(list(tmp_path.rglob("*.jpg"))) == len(record["images"])


def test_a_process_that_is_killed_at_work_is_told_of(tmp_path: Path) -> None:
    work_for_long, settings = partial(time.sleep, 600), HeadPictureSettings(side_px=32)
    tasks = [("ict", "one", view) for view in (0, 1)]
    killer = threading.Thread(target=end_a_child)
    killer.start()
    with pytest.raises(OutputError, match="fewer processes"):
        picture_heads(work_for_long, tasks, settings, tmp_path, processes=2, report=print)
    killer.join()
    assert not multiprocessing.active_children()


def test_a_folder_of_something_else_is_left_alone(make, tmp_path: Path) -> None:
    (tmp_path / "beach.jpg").touch()
    with pytest.raises(OutputExistsError, match="new or an empty folder"):
        make(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UnreadableFrameError, match="damaged"):
        make(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beach.jpg", "manifest.json"]
