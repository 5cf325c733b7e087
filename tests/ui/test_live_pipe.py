"""Requests through a pipe are answered with the picture that `render` makes."""

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.textures.texture_job import run_request
from reggan_plugin.textures.texture_request import Look, TextureRequest
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui import live_pipe
from reggan_plugin.ui.live_pipe import LivePipe, newest_lines
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..layered_shots import render, smile
from ..textures.conftest import make_head, sample_face, write_obj

BOX = {"box": [420, 220, 440, 440]}


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    source = next(path for path in sample_shots() if path.name == "avatar_png")
    path = tmp_path / "avatar.1001.png"
    path.write_bytes(sorted(source.iterdir())[0].read_bytes())
    return path


@pytest.fixture
def pipe(tmp_path: Path) -> LivePipe:
    return LivePipe(ExpressionTransfer(str(smile(tmp_path / "smile.onnx")), device="cpu"))


def asked(frame: Path, out: Path, **changed: Any) -> str:
    change = {"weights": {"happy": 1.0}, "intensity": 1.0, "adds": False}
    request = {"id": 7, "frame": str(frame), "face": BOX, "longest_px": 4096, "change": change}
    return json.dumps({**request, "out": str(out), **changed})


def picture(answer: dict[str, Any], out: Path) -> np.ndarray:
    """From the top, 0 to 255."""
    shape = (answer["height"], answer["width"], 4)
    return np.fromfile(out.with_name(answer["file"]), np.float32).reshape(shape)[::-1] * 255


def test_the_picture_is_what_render_makes(pipe: LivePipe, frame: Path, tmp_path: Path) -> None:
    out = tmp_path / "live.raw"
    answer = pipe.answer(asked(frame, out))
    assert answer["id"] == 7
    made = render(frame, tmp_path / "smile.onnx", "--face-box", "420,220,440,440", out="made")
    with Image.open(made) as result, Image.open(frame) as before:
        wanted, source = np.asarray(result), np.asarray(before)
    assert (wanted != source).any()
    assert np.abs(picture(answer, out) - wanted).max() < 1.0


def test_large_frames_are_answered_small(pipe: LivePipe, frame: Path, tmp_path: Path) -> None:
    out = tmp_path / "live.raw"
    answer = pipe.answer(asked(frame, out, longest_px=400))
    assert max(answer["width"], answer["height"]) <= 400
    still = {"weights": {}, "intensity": 1.0, "adds": False}
    changed = picture(answer, out)
    unchanged = picture(pipe.answer(asked(frame, out, longest_px=400, change=still)), out)
    assert (np.abs(changed - unchanged) > 1).any()


def test_large_faces_are_answered_small(pipe: LivePipe, frame: Path, tmp_path: Path) -> None:
    near = {"box": [300, 20, 690, 690]}
    answer = pipe.answer(asked(frame, tmp_path / "live.raw", face=near))
    assert (answer["width"], answer["height"]) == (640, 360)


def test_many_lines_and_bad_ones_are_answered_in_turn(
    pipe: LivePipe, frame: Path, tmp_path: Path
) -> None:
    out = tmp_path / "live.raw"
    unknown = {"weights": {"hapy": 1.0}, "intensity": 1.0, "adds": False}
    lines = [
        asked(frame, out),
        "no json",
        "",
        asked(frame, out, change=unknown),
        asked(tmp_path / "gone.png", out),
        asked(frame, out, id=8),
    ]
    answers = io.StringIO()
    pipe.serve(lines, answers)
    said = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [one.get("id") for one in said] == [7, None, 7, 7, 8]
    assert "Did you mean 'happy'" in said[2]["message"]
    assert "gone.png" in said[3]["message"]
    assert "width" in said[4]


@pytest.mark.parametrize(
    "odd",
    [
        *({"longest_px": one} for one in (None, 0, -1, 1.5, True, "x", 10**290, [])),
        *({"id": one} for one in (None, "../../x", -1, 1.5, {})),
        *({"frame": one} for one in (None, 5, "", "\0", "\ud800", "a\nb", "a" * 5000, "folder")),
        *({"out": one} for one in (None, [], "", "gone/live.raw", "avatar.1001.png/x.raw")),
        *({"presets": one} for one in (5, "\0", "folder")),
        {"texture": "folder", "mesh": 5, "material": None},
        {"texture": "avatar.1001.png", "mesh": "folder", "material": 5},
    ],
)
def test_odd_values_are_answered_and_no_input_is_written_over(
    odd: dict[str, Any],
    pipe: LivePipe,
    frame: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    request = json.dumps(json.loads(asked(frame, tmp_path / "live.raw")) | odd)
    assert "message" in pipe.answer(request)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_an_answer_is_not_written_over_its_frame(
    pipe: LivePipe, frame: Path, tmp_path: Path
) -> None:
    content = frame.read_bytes()
    said = pipe.answer(asked(frame, tmp_path / "avatar.png", id=1001))
    assert "never overwritten" in said["message"]
    assert frame.read_bytes() == content


@pytest.mark.parametrize("is_link", [False, True])
def test_an_answer_replaces_no_file_but_its_own(
    is_link: bool, pipe: LivePipe, frame: Path, tmp_path: Path
) -> None:
    precious = tmp_path / ("somebody.txt" if is_link else "live.7.raw")
    precious.write_text("precious")
    if is_link:
        (tmp_path / "live.7.raw").symlink_to("somebody.txt")
    assert "live.7.raw" in pipe.answer(asked(frame, tmp_path / "live.raw"))["message"]
    assert precious.read_text() == "precious"
    for _ in range(2):
        answer = pipe.answer(asked(frame, tmp_path / "live.raw", id=8))
        assert picture(answer, tmp_path / "live.raw").any()
    assert not list(tmp_path.glob("*.reggan-tmp"))


def test_a_face_that_is_not_there_and_a_disk_that_is_full_are_named(
    pipe: LivePipe, frame: Path, tmp_path: Path
) -> None:
    said = pipe.answer(asked(frame, tmp_path / "live.raw", face=77))
    assert said["kind"] == "face-number"
    assert said["message"] == "No face 77 in avatar.1001.png; found 1 face (0)."
    if os.name != "posix":
        return
    import resource

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, usual[1]))
    try:
        said = pipe.answer(asked(frame, tmp_path / "live.raw"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "live.7.raw cannot be written: File too large" in said["message"]


def test_of_lines_that_came_meanwhile_the_newest_is_answered() -> None:
    read, write = os.pipe()
    lines = newest_lines(read)
    os.write(write, b"first\n")
    assert next(lines) == "first"
    for piece in (b"second\n\nthi", b"rd\nbeg"):
        os.write(write, piece)
        time.sleep(0.05)
    assert next(lines) == "third"
    os.write(write, b"un\nlast\n")
    os.close(write)
    time.sleep(0.05)
    assert list(lines) == ["last"]
    os.close(read)


def test_a_last_line_needs_no_end() -> None:
    read, write = os.pipe()
    os.write(write, b"first\nlast")
    os.close(write)
    assert list(newest_lines(read))[-1] == "last"
    os.close(read)


def test_on_windows_each_line_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_pipe, "_IS_WINDOWS", True)
    read, write = os.pipe()
    os.write(write, b"first\nsecond\n")
    os.close(write)
    assert [line.strip() for line in newest_lines(read)] == ["first", "second"]
    os.close(read)


def test_a_map_is_answered_as_texture_makes_it(tmp_path: Path) -> None:
    transfer = ExpressionTransfer(device="cpu")
    head = make_head(sample_face(transfer))
    texture, mesh = tmp_path / "face.png", tmp_path / "head.obj"
    Image.fromarray(head.picture).save(texture)
    write_obj(mesh, head)
    out = tmp_path / "map.raw"
    request = {"id": 1, "texture": str(texture), "mesh": str(mesh), "material": None}
    change = {"weights": {"angry": 1.0}, "intensity": 1.0, "adds": False}
    request |= {"longest_px": 4096, "change": change, "out": str(out)}
    pipe = LivePipe(transfer)
    answer = pipe.answer(json.dumps(request))
    assert (answer["width"], answer["height"]) == head.picture.shape[1::-1], answer
    look = TextureRequest(
        mesh=mesh,
        look=Look(texture=texture),
        mixes={"angry": ExpressionMix({"angry": 1.0})},
        out=tmp_path / "angry.png",
    )
    run_request(look, lambda: transfer)
    with Image.open(tmp_path / "angry.png") as made:
        wanted = np.asarray(made)
    assert np.abs(wanted - head.picture.astype(float)).max() > 20
    assert np.abs(picture(answer, out)[..., :3] - wanted).max() < 1.0
    small = pipe.answer(json.dumps({**request, "longest_px": 128}))
    assert (small["width"], small["height"]) == (128, 128)
    reduced = np.asarray(Image.fromarray(wanted).resize((128, 128), Image.Resampling.BOX))
    assert np.abs(picture(small, out)[..., :3] - reduced).mean() < 2.0


def test_tiles_are_answered_as_files_of_which_only_the_changed_are_written(tmp_path: Path) -> None:
    """One half of the face on tile 1001, the other on 1002; 1011 has none of it."""
    transfer = ExpressionTransfer(device="cpu")
    head = make_head(sample_face(transfer))
    middle, half = head.picture.shape[1] // 2, len(head.uv) // 2
    parts = {1001: head.picture[:, :middle], 1002: head.picture[:, middle:]}
    parts[1011] = np.full((8, 8, 3), 9, np.uint8)
    for number, part in parts.items():
        Image.fromarray(part).save(tmp_path / f"face.{number}.png")
    uv = head.uv * [2, 1]
    uv[:half, 0] = np.minimum(uv[:half, 0], 1 - 1e-4)
    write_obj(tmp_path / "head.obj", replace(head, uv=uv))
    change = {"weights": {"angry": 1.0}, "intensity": 1.0, "adds": False}
    request = {"id": 1, "texture": str(tmp_path / "face.<UDIM>.png"), "material": None}
    request |= {"mesh": str(tmp_path / "head.obj"), "longest_px": 4096, "change": change}
    pipe = LivePipe(transfer)
    (tmp_path / "job").mkdir()
    request["out"] = str(tmp_path / "job" / "live.raw")
    answer = pipe.answer(json.dumps(request))
    assert answer["tiles"] == "live.<UDIM>.png", answer
    shown = {number: tmp_path / "job" / f"live.{number}.png" for number in parts}
    for number, part in parts.items():
        with Image.open(shown[number]) as made:
            moved = np.abs(np.asarray(made)[..., :3] - part.astype(float)).max()
        assert (moved > 20) == (number != 1011)
    shown[1011].unlink()
    still = {**change, "intensity": 0.0}
    pipe.answer(json.dumps({**request, "change": still}))
    assert not shown[1011].exists()  # nothing of it ever changes
    for number in (1001, 1002):
        with Image.open(shown[number]) as made:
            assert (np.asarray(made)[..., :3] == parts[number]).all()
