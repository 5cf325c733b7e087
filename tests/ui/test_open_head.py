"""A head on the page: its picture from the front and its map; what it saves is `texture`'s."""

import io
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.page_actions import Studio

from ..textures.conftest import SIDE_PX, make_head, sample_face, write_glb, write_obj
from .conftest import Caller, running_page, studio_of

ANGRY = SliderValues(weights={"angry": 1.0}, intensity=0.9)
FIRST = FaceChoice()


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with head.glb, and head.obj with base_color.png."""
    folder = tmp_path_factory.mktemp("heads")
    head = make_head(sample_face(ExpressionTransfer(device="cpu")))
    Image.fromarray(head.picture).save(folder / "base_color.png")
    write_glb(folder / "head.glb", head, image=(folder / "base_color.png").read_bytes())
    write_obj(folder / "head.obj", head)
    return folder


@pytest.fixture(scope="module")
def studio(heads: Path) -> Iterator[Studio]:
    room = studio_of()
    room.files.open(heads / "head.glb")
    yield room
    room.close()


@pytest.fixture
def page() -> Iterator[Caller]:
    with running_page(studio_of(most_file_bytes=2**22)) as caller:
        yield caller


def test_it_shows_the_face_and_the_map(studio: Studio, heads: Path) -> None:
    view, map_ = studio.look(0), studio.look(1)
    assert (view.kind, len(view.crops), map_.kind) == ("view", 1, "map")
    shown = Image.open(io.BytesIO(studio.picture(1, FIRST)))
    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(heads / "base_color.png")))
    assert str(SIDE_PX) in map_.notes[0]


@pytest.mark.parametrize("number", [0, 1])
def test_both_change_and_small_pictures_look_alike(studio: Studio, number: int) -> None:
    full = studio.change(number, FIRST, 4096, ANGRY)
    small = studio.change(number, FIRST, 128, ANGRY)
    nothing = studio.change(number, FIRST, 4096, SliderValues(weights={}))
    assert full is not None
    assert small is not None
    assert nothing is not None
    changed = np.abs(full.screen.astype(int) - nothing.screen)[..., :3].max(axis=2)
    assert changed.max() > 20
    assert (changed == 0).mean() > 0.2
    assert small.factor > full.factor
    reduced = Image.fromarray(full.screen).reduce(small.factor // full.factor)
    seen = (np.asarray(reduced)[..., 3] == 255) & (small.screen[..., 3] == 255)
    assert np.abs(np.asarray(reduced).astype(int) - small.screen)[seen].mean() < 2.0


def test_the_gallery_of_a_map_shows_the_head(studio: Studio) -> None:
    of_view, of_map = (studio.thumbnail(number, FIRST, ANGRY) for number in (0, 1))
    assert np.array_equal(of_view, of_map)


@pytest.mark.parametrize(
    ("number", "name", "more"),
    [(0, "head_angry.glb", ["--out-mesh", "head_angry.glb"]), (1, "head_angry.png", [])],
)
def test_it_saves_what_the_copied_command_writes(
    heads: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    name: str,
    more: list[str],
) -> None:
    own = tmp_path / "head.glb"
    shutil.copy(heads / "head.glb", own)
    studio = studio_of()
    studio.files.open(own)
    with running_page(studio) as page:
        change = {"weights": {"angry": 1.0}, "intensity": 0.9}
        asked = {"file": number, "face": 0, "change": change, "kind": "frame"}
        status, content = page.post("words", **asked)
        assert status == 200, content
        saved = page.call("POST", "save", asked)
    assert saved[0] == 200
    assert name in saved[2]["content-disposition"]
    words = shlex.split(json.loads(content)["words"])
    assert words[:6] == ["reggan-plugin", "texture", "--mesh", str(own), "--expression", "angry"]
    assert [Path(word).name for word in words[8:]] == more
    monkeypatch.chdir(tmp_path)
    assert main(words[1:]) == 0
    assert (tmp_path / name).read_bytes() == saved[1]


def test_nothing_asked_for_saves_the_same_file(studio: Studio, heads: Path) -> None:
    saved = studio.save(0, FIRST, SliderValues(weights={}))
    assert saved.content == (heads / "head.glb").read_bytes()


def uploaded(page: Caller, *files: Path) -> tuple[int, dict[str, object]]:
    for path in files:
        status, content, _ = page.call("PUT", f"upload?drop=d&name={path.name}", path.read_bytes())
        assert status == 200, content
    status, answer = page.post("opened", drop="d")
    return status, json.loads(answer)


@pytest.mark.parametrize("number", [0, 1])
def test_an_obj_wears_the_picture_that_is_dropped_with_it(
    page: Caller, heads: Path, number: int
) -> None:
    status, shot = uploaded(page, heads / "head.obj", heads / "base_color.png")
    assert status == 200, shot
    assert shot["gives_mesh"] is False
    asked = {"file": number, "face": 0, "change": {"weights": {"sad": 1}}, "kind": "frame"}
    words = json.loads(page.post("words", **asked)[1])["words"]
    assert words == (
        "reggan-plugin texture --mesh head.obj --texture base_color.png --expression sad"
    )
    status, saved, headers = page.call("POST", "save", asked)
    assert status == 200, saved
    assert "base_color_sad.png" in headers["content-disposition"]


def test_what_is_no_head_is_told_at_once(page: Caller, tmp_path: Path) -> None:
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF broken")
    status, answer = uploaded(page, broken)
    assert status == 422
    assert "broken.glb" in str(answer["message"])


def test_a_head_is_no_shot(page: Caller, heads: Path) -> None:
    uploaded(page, heads / "head.glb")
    asked = {"file": 0, "face": 0, "change": {"weights": {"sad": 1}}}
    for path, kind in (("job/start", ""), ("words", "shot"), ("words", "python")):
        status, answer = page.post(path, **asked, kind=kind)
        assert status == 400
        assert "A head" in json.loads(answer)["message"]
