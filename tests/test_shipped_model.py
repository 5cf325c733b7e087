"""`render` and `sheet` with the model that ships, on the sample frames."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands import sheet as sheet_command
from reggan_plugin.drawing.contact_sheet import view_of_face
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, ExpressionMix

from .sample_frames import SAMPLES, contents

SHOT = SAMPLES / "avatar_png"
BOX = "260,160,250,250"
"""Around the face of the first sample frame."""

Streams = pytest.CaptureFixture[str]


def render_happy(source: Path, *arguments: str | Path) -> int:
    return main(["render", "--frames", str(source), "--expression", "happy", *map(str, arguments)])


def test_a_range_of_a_png_shot_changes_only_the_face(tmp_path: Path, capsys: Streams) -> None:
    before = contents(SHOT)
    arguments = ["--range", "1001-1002", "--out", tmp_path, "--face-box", BOX, "--json"]
    assert render_happy(SHOT, *arguments) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"]["written"] == 2
    for entry in summary["written"]:
        old, new = read_frame(Path(entry["source"])), read_frame(Path(entry["output"]))
        changed = (old.pixels != new.pixels).any(axis=2)
        assert 0.001 < changed.mean() < 0.6
        assert not changed[:40].any()
        assert old.alpha is None or np.array_equal(old.alpha, new.alpha)
    assert contents(SHOT) == before


def test_a_part_of_a_linear_shot_is_as_in_the_whole(tmp_path: Path) -> None:
    shot = SAMPLES / "avatar_exr"
    assert render_happy(shot, "--out", tmp_path / "whole", "--range", "1001-1002") == 0
    assert render_happy(shot, "--out", tmp_path / "part", "--range", "1002") == 0
    whole, part = (tmp_path / name / "avatar.1002.exr" for name in ("whole", "part"))
    assert part.read_bytes() == whole.read_bytes()


def test_a_bad_first_frame_does_not_take_a_linear_shot_down(tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    shot.mkdir()
    for number in (1002, 1003):
        shutil.copy(SAMPLES / "avatar_exr" / f"avatar.{number}.exr", shot)
    whole = (shot / "avatar.1002.exr").read_bytes()
    points = {"left_eye": [706, 270], "right_eye": [572, 270], "nose_tip": [640, 350]}
    points |= {"mouth_left": [690, 430], "mouth_right": [585, 430], "chin": [640, 520]}
    landmarks = tmp_path / "landmarks.json"
    landmarks.write_text(json.dumps({"1002": {name: [5, 5] for name in points}, "*": points}))
    words = ["render", "--frames", str(shot), "--expression", "happy", "--out"]
    words += [str(tmp_path / "out"), "--landmarks", str(landmarks)]
    assert main(words) == 1
    assert [path.name for path in (tmp_path / "out").glob("*.exr")] == ["avatar.1003.exr"]
    assert (shot / "avatar.1002.exr").read_bytes() == whole


def test_a_sheet_of_all_expressions_ends_in_presets(  # type: ignore[no-untyped-def]
    tmp_path: Path, monkeypatch, capsys: Streams
) -> None:
    presets = tmp_path / "own.toml"
    presets.write_text('["half smile"]\nmouthSmileLeft = 0.6\n')
    monkeypatch.setattr(sheet_command._DrawnFace, "view", lambda face, mix: face.before)
    sheet = ["sheet", str(SHOT / "avatar.1001.png"), "--out", str(tmp_path / "sheet.png")]
    assert main([*sheet, "--all", "--presets", str(presets), "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [cell["expression"] for cell in cells] == [*NAMED_EXPRESSIONS, "half smile"]
    with Image.open(tmp_path / "sheet.png") as drawn:
        assert drawn.size == (8 * 224, -(-(len(cells) + 1) // 8) * 252)


def test_neutral_relaxes_a_smile() -> None:
    """The face comes near what it was before it smiled; a take's neutral leaves the smile."""
    transfer = ExpressionTransfer(device="cpu")
    with Image.open(SHOT / "avatar.1001.png") as opened:
        rest = np.asarray(opened.convert("RGB"))
    smile = transfer.apply(rest, "happy closed")
    calm, shut = (transfer.apply(smile, name) for name in ("neutral", "shutMouth"))
    smiles = (np.abs(smile.astype(int) - rest).max(axis=2)) > 8
    off = [np.abs(one.astype(int) - rest)[smiles].mean() for one in (smile, shut, calm)]
    assert off[1] > 0.95 * off[0]
    assert off[2] < 0.8 * off[0]


def test_lips_that_neutral_shuts_leave_no_teeth_between_them() -> None:
    transfer = ExpressionTransfer(device="cpu")
    with Image.open(SHOT / "avatar.1001.png") as opened:
        smile = transfer.apply(np.asarray(opened.convert("RGB")), "happy")
    mouth = np.s_[485:525, 590:735, 2]  # teeth alone have so much blue
    before, after = ((one[mouth] > 125).sum() for one in (smile, transfer.apply(smile, "neutral")))
    assert before > 500
    assert after < 0.02 * before


def test_a_closed_smile_that_is_taken_away_leaves_no_smear_at_its_line() -> None:
    transfer = ExpressionTransfer(device="cpu")
    with Image.open(SHOT / "avatar.1001.png") as opened:
        smile = transfer.apply(np.asarray(opened.convert("RGB")), "happy closed")
    mouth = np.s_[480:560, 560:760]
    lips, calm = (one[mouth].mean(axis=2) for one in (smile, transfer.apply(smile, "neutral")))
    dark = 0.7 * np.median(lips)
    assert (lips < dark).sum() > 200
    assert 0.2 < (calm < dark).sum() / (lips < dark).sum() < 0.7


def test_a_sheet_s_face_is_cut_and_reduced_before_it_is_changed() -> None:
    """As much as the page's gallery, but for cells that are larger; the model sees it whole."""
    transfer = ExpressionTransfer(device="cpu")
    sample = read_frame(SHOT / "avatar.1001.png")
    pixels = np.repeat(np.repeat(sample.pixels, 3, axis=0), 3, axis=1)
    alpha = None if sample.alpha is None else np.repeat(np.repeat(sample.alpha, 3, 0), 3, 1)
    frame = replace(sample, pixels=pixels, alpha=alpha)
    choice = FaceChoice()
    face = sheet_command._find(
        transfer, Path("a.png"), frame, choice, None, finer=1, for_view=False
    )
    assert face.face.picture.pixels.size < pixels.size / 30
    (crop,) = transfer.find_faces(frame, choice)
    whole = view_of_face(frame, pixels, crop)
    assert np.abs(whole - face.before).mean() < 0.004
    mix = ExpressionMix({"happy": 1.0})
    changed = transfer.render(frame, mix, [crop])
    drawn = view_of_face(frame, changed, crop)
    motion = drawn - whole
    away = face.view(mix) - face.before - motion
    assert np.abs(away).mean() < 0.25 * np.abs(motion).mean()


def test_a_sheet_for_a_view_is_as_dark_as_its_frame(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    parts = OpenEXR.File(str(SAMPLES / "avatar_exr/avatar.1001.exr")).parts
    for channel in parts[0].channels.values():
        channel.pixels[..., :3] *= 0.125
    OpenEXR.File(parts).write(str(tmp_path / "dark.exr"))
    means = list[float]()
    monkeypatch.setattr(
        sheet_command,
        "write_sheet",
        lambda *given, **_: means.append(given[2][0].views[0][90:130, 90:130].mean()),
    )
    monkeypatch.setattr(sheet_command, "INTENSITIES", ())
    sheet = ["sheet", str(tmp_path / "dark.exr"), "--out", str(tmp_path / "sheet.png")]
    assert main(sheet) == main([*sheet, "--for-view"]) == 0
    assert means[1] < 0.6 * means[0]  # three stops of light are a third of the encoded values


def test_a_sheet_shows_every_expression_of_the_model(tmp_path: Path, capsys: Streams) -> None:
    path = tmp_path / "sheet.png"
    assert main(["sheet", str(SHOT / "avatar.1001.png"), "--out", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    expressions = ExpressionTransfer(device="cpu").card.names
    drawn = read_frame(path).pixels
    assert drawn.shape[0] > len(expressions) * drawn.shape[1] / 6
    assert main(["sheet", str(SHOT / "avatar.1001.png"), "--out", str(path)]) == 1
    assert "--overwrite" in capsys.readouterr().err
