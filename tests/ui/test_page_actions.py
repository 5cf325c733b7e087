"""What the page shows and saves is what `render` makes."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.rig.spectacles_and_hair import LiftedFace
from reggan_plugin.transfer.display_picture import coding_of
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.command_line_to_copy import PageOptions, command_line, python_text
from reggan_plugin.ui.live_face import screen_of
from reggan_plugin.ui.page_actions import Studio
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES, NAMED_EXPRESSIONS

from .conftest import SAMPLES, StartPage, studio_of

HAPPY = SliderValues(weights={"happy": 1.0}, intensity=0.8)
JAW = SliderValues(weights={"jawOpen": 0.7})
FIRST = FaceChoice()


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    room = studio_of()
    yield room
    room.close()


@pytest.fixture(scope="module")
def mask_studio() -> Iterator[Studio]:
    """With a model of contract 1."""
    room = studio_of("sargan")
    yield room
    room.close()


@pytest.fixture(scope="module")
def motion_studio(motion_model: Path) -> Iterator[Studio]:
    room = studio_of(motion_model)
    yield room
    room.close()


@pytest.mark.parametrize("contract", [1, 2])
@pytest.mark.parametrize("sample", ["avatar_png", "avatar_exr"])
def test_the_crop_alone_shows_what_the_whole_frame_would(
    mask_studio: Studio, motion_studio: Studio, contract: int, sample: str
) -> None:
    room, change = (mask_studio, HAPPY) if contract == 1 else (motion_studio, JAW)
    number = room.files.open_sample(sample).first
    shown = room.change(number, FIRST, 4096, change)
    assert shown is not None
    frame = read_frame(room.files.path(number))
    crops = room.transfer.find_faces(frame, FIRST)
    ev = room.transfer.auto_exposure(frame, crops)
    whole = room.transfer.render(frame, change.mix, crops, ev)
    expected = screen_of(whole, frame.alpha, coding_of(frame, ev))[shown.region]
    before = screen_of(frame.pixels, frame.alpha, coding_of(frame, ev))[shown.region]
    assert (np.abs(before.astype(int) - expected) > 8).any()
    assert np.array_equal(shown.screen, expected)


def test_a_reduced_crop_shows_the_same(studio: Studio) -> None:
    number = studio.files.open_sample("avatar_png").first
    small = studio.change(number, FIRST, 300, HAPPY)
    full = studio.change(number, FIRST, 4096, HAPPY)
    assert small is not None
    assert full is not None
    assert small.factor > 1
    height, width = small.screen.shape[:2]
    assert max(height, width) <= 300
    reduced = Image.fromarray(full.screen).reduce(small.factor)
    difference = np.abs(np.asarray(reduced).astype(int) - small.screen)[..., :3]
    assert difference.mean() < 1.0


def test_a_draft_shows_nearly_the_same(studio: Studio) -> None:
    number = studio.files.open_sample("avatar_png").first
    draft = studio.change(number, FIRST, 300, HAPPY, is_draft=True)
    small = studio.change(number, FIRST, 300, HAPPY)
    assert draft is not None
    assert small is not None
    assert draft.screen.shape == small.screen.shape
    difference = np.abs(draft.screen.astype(int) - small.screen)[..., :3]
    assert 0 < difference.mean() < 1.0


def test_outdated_requests_are_not_computed(studio: Studio) -> None:
    number = studio.files.open_sample("toon").first
    assert studio.change(number, FIRST, 512, HAPPY, lambda: False) is None


@pytest.mark.parametrize("sample", ["avatar_png", "avatar_exr"])
def test_a_saved_frame_is_what_the_copied_command_writes(
    studio: Studio, sample: str, tmp_path: Path
) -> None:
    number = studio.files.open_sample(sample).first
    saved = studio.save(number, FIRST, HAPPY)
    path = studio.files.path(number)
    assert saved.name == f"{path.stem}_happy{path.suffix}"
    line = command_line(path, HAPPY, FIRST, PageOptions(device="cpu"), tmp_path)
    assert main(shlex.split(line)[1:]) == 0
    assert (tmp_path / path.name).read_bytes() == saved.content


def test_the_copied_python_writes_the_same_pixels(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(next(iter(sorted(SAMPLES["avatar_png"].iterdir()))).read_bytes())
    number = studio.files.open(path).first
    saved = studio.save(number, FIRST, HAPPY)
    exec(python_text(path, HAPPY, FIRST, PageOptions()), {})
    (tmp_path / "saved.png").write_bytes(saved.content)
    written = read_frame(tmp_path / "face_happy.png").pixels
    assert np.array_equal(written, read_frame(tmp_path / "saved.png").pixels)


def test_a_picture_without_a_face_says_what_to_do(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("RGB", (300, 200), (120, 120, 120)).save(path)
    number = studio.files.open(path).first
    with pytest.raises(Exception, match="Draw a box"):
        studio.change(number, FIRST, 512, HAPPY)
    box = FaceChoice(box=(60.0, 40.0, 100.0, 100.0))
    assert studio.change(number, box, 512, HAPPY) is not None


def test_nothing_asked_for_saves_the_same_file(studio: Studio) -> None:
    number = studio.files.open_sample("toon").first
    saved = studio.save(number, FIRST, SliderValues(weights={}))
    assert saved.content == studio.files.path(number).read_bytes()


def test_the_page_learns_what_the_model_can_do(start_page: StartPage) -> None:
    state = json.loads(start_page(studio_of("sargan")).call("GET", "state")[1])
    assert [one["name"] for one in state["expressions"]] == list(EXPRESSION_NAMES)
    assert (state["shapes"], state["layers"], state["neutral"]) == ([], False, False)
    state = json.loads(start_page(studio_of()).call("GET", "state")[1])
    assert [one["name"] for one in state["expressions"]] == list(NAMED_EXPRESSIONS)
    assert sum(len(group["names"]) for group in state["shapes"]) == 51
    assert (state["layers"], state["neutral"]) == (True, True)


def test_spectacles_are_lifted_once_for_drafts_and_once_for_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lifted, room = [], studio_of()

    def lift(face: np.ndarray, _: np.ndarray) -> LiftedFace:
        lifted.append(face)
        return LiftedFace(face, None)

    monkeypatch.setattr("reggan_plugin.rig.rig_model.lift_spectacles", lift)
    number = room.files.open_sample("toon").first
    for change in (JAW, SliderValues(weights={"jawOpen": 0.3})):
        room.thumbnail(number, FIRST, change)
        room.change(number, FIRST, 512, change, is_draft=True)
        room.change(number, FIRST, 512, change)
    room.close()
    assert len(lifted) == 2  # for drafts, and at its own resolution
