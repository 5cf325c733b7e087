"""What `--resume` keeps and what it makes anew: the records of maps, meshes and sheets."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.errors import OutputExistsError, RegganError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs import frame_record
from reggan_plugin.jobs.frame_record import read_record, record_path, sha256_of
from reggan_plugin.jobs.plan import Existing
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.texture_job import make_maps, run_request
from reggan_plugin.textures.texture_job_files import Subject
from reggan_plugin.textures.texture_request import Look, TextureRequest
from reggan_plugin.textures.texture_sheet import draw_sheet
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..glb_files import glb_bytes
from .conftest import MadeHead, write_glb
from .test_write_gltf import parsed

Run = Callable[..., list[str]]
NOTHING = {"sad": ExpressionMix({"sad": 0.0})}
"""Leaves the map as it is; what is kept and what is made anew is the same, in less time."""
BOTH = {**NOTHING, "angry": ExpressionMix({"angry": 0.0})}
FULL = {"sad": ExpressionMix({"sad": 1.0})}


@pytest.fixture
def run(transfer: ExpressionTransfer, tmp_path: Path) -> Run:
    """Resume the character in `tmp_path`; the names of the files that were written."""

    def job(
        *, mesh: str | None = "head.obj", look: Look | None = None, **more: object
    ) -> list[str]:
        settings = {"mixes": NOTHING, "existing": Existing.RESUME, **more}
        request = TextureRequest(
            mesh=None if mesh is None else tmp_path / mesh,
            look=look or Look(texture=tmp_path / "base_color.png"),
            **settings,  # type: ignore[arg-type]
        )
        result = run_request(request, lambda: transfer)
        assert not set(result.written) & set(result.skipped)
        return [path.name for path in result.written]

    return job


@pytest.fixture(autouse=True)
def character(head_files: Path, tmp_path: Path) -> None:
    for name in ("head.obj", "base_color.png"):
        shutil.copy(head_files / name, tmp_path)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_what_still_fits_is_kept_without_running_the_model(
    run: Run, tmp_path: Path, transfer: ExpressionTransfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(mixes=FULL) == ["base_color_sad.png"]
    output = tmp_path / "base_color_sad.png"
    record = read_record(output)
    assert record is not None
    assert record.output_sha256 == sha256_of(output.read_bytes())
    assert (record.source, record.output) == (str(tmp_path / "head.obj"), str(output))
    assert (record.outcome, record.expression) == ("written", {"sad": 1.0})
    assert record.model is not None
    assert record.model.sha256 == transfer.card.weights_sha256
    before = contents(tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("everything is there")

    monkeypatch.setattr(transfer, "change_view", never)
    assert run(mixes=FULL) == []
    assert contents(tmp_path) == before


def test_another_intensity_or_model_does_the_map_again(
    run: Run, tmp_path: Path, transfer: ExpressionTransfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> bytes:
        return (tmp_path / "base_color_sad.png").read_bytes()

    run()
    before = made()
    for _ in range(2):
        assert run(mixes=FULL) == ["base_color_sad.png"]
        assert run(mixes=FULL) == []
        assert made() != before
        other = replace(transfer.card, weights_sha256="ab" * 32)
        monkeypatch.setattr(transfer, "card", other)
    assert run() == ["base_color_sad.png"]  # intensity 0
    assert made() == before
    monkeypatch.setattr(transfer, "card", replace(other, weights_sha256="cd" * 32))
    assert run() == []  # which needs no model


def test_other_ways_of_looking_are_done_again(run: Run, tmp_path: Path) -> None:
    given = tmp_path / "base_color.png"
    run()
    for said in ({"front": "+Z"}, {"material": "a"}, {"force": True}, {}):
        look = Look(texture=given, **said)  # type: ignore[arg-type]
        assert run(look=look) == ["base_color_sad.png"]
        assert run(look=look) == []


def test_another_box_on_a_flat_map_is_done_again(run: Run) -> None:
    for box in ((100, 100, 200, 200), (120, 100, 200, 200)):
        settings = {"mesh": None, "choice": FaceChoice(box=box)}
        assert run(**settings) == ["base_color_sad.png"]
        assert run(**settings) == []


def test_another_version_does_all_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    assert run() == []
    monkeypatch.setattr(frame_record, "__version__", "9.9")
    assert run() == ["base_color_sad.png"]


def test_a_changed_input_is_done_again(run: Run, tmp_path: Path) -> None:
    run()
    Image.new("RGB", (9, 9)).save(tmp_path / "base_color.png")
    assert run() == ["base_color_sad.png"]
    sound = (tmp_path / "base_color.png").read_bytes()
    assert (tmp_path / "base_color_sad.png").read_bytes() == sound
    for name, line in (
        ("head.obj", "mtllib head.mtl"),
        ("head.mtl", "newmtl Eye"),
        ("head.mtl", "map_Kd eye.png"),
        ("eye.png", "no picture"),
    ):
        with (tmp_path / name).open("a") as file:
            file.write(line + "\n")
        assert run() == ["base_color_sad.png"], line
        assert run() == []


def test_a_changed_layer_of_usd_is_done_again(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pxr")
    (tmp_path / "head.usda").write_text("#usda 1.0\n(subLayers = [@look.usda@])\n")
    for layer in ("#usda 1.0\n", '#usda 1.0\ndef Scope "Hair" {}\n'):
        (tmp_path / "look.usda").write_text(layer)
        assert run(mesh="head.usda") == ["base_color_sad.png"]
        assert run(mesh="head.usda") == []


def test_a_map_that_the_mesh_names_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    text = (tmp_path / "head.obj").read_text()
    (tmp_path / "head.obj").write_text(f"mtllib head.mtl\nusemtl Face\n{text}")
    (tmp_path / "head.mtl").write_text("newmtl Face\nmap_Kd base_color.png\n")
    with pytest.raises(UsageError, match="is an input, which is never overwritten"):
        run(look=Look(), out=tmp_path / "base_color.png", existing=Existing.OVERWRITE)


def test_a_damaged_output_is_done_again(run: Run, tmp_path: Path) -> None:
    run()
    output = tmp_path / "base_color_sad.png"
    sound = output.read_bytes()
    for content in (b"", sound[:999], None):
        output.unlink()
        if content is not None:
            output.write_bytes(content)
        assert run() == ["base_color_sad.png"]
        assert output.read_bytes() == sound


@pytest.mark.parametrize("damage", ["", "[]", '{"schema": 2}', "\0"])
def test_a_damaged_record_does_the_map_again(run: Run, tmp_path: Path, damage: str) -> None:
    run()
    record_path(tmp_path / "base_color_sad.png").write_text(damage)
    assert run() == ["base_color_sad.png"]
    assert run() == []


def test_a_file_without_a_record_is_not_replaced(run: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "base_color_angry.png"
    foreign.write_bytes(b"somebody's work")
    with pytest.raises(OutputExistsError, match=r"1 of 2 outputs.*no record"):
        run(mixes=BOTH)
    assert foreign.read_bytes() == b"somebody's work"
    assert not (tmp_path / "base_color_sad.png").exists()


def test_a_write_that_fails_leaves_no_record_that_fits(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise RegganError("full")

    run()
    with monkeypatch.context() as patch:
        patch.setattr("reggan_plugin.textures.maps.texture_files.copy_frame", full_disk)
        with pytest.raises(RegganError, match="full"):
            run(existing=Existing.OVERWRITE)
    assert run() == ["base_color_sad.png"]


def test_a_udim_set_is_made_as_a_whole(run: Run, tmp_path: Path) -> None:
    for number in (1001, 1002):
        Image.new("RGB", (number - 1000, 4)).save(tmp_path / f"face.{number}.png")
    look = Look(texture=tmp_path / "face.<UDIM>.png")
    tiles = [f"face_sad.{number}.png" for number in (1001, 1002)]
    assert run(look=look) == tiles
    assert run(look=look) == []
    (tmp_path / "face_sad.1002.png").write_bytes(b"edited")
    assert run(look=look) == tiles
    (tmp_path / "face.1002.png").write_bytes((tmp_path / "face.1001.png").read_bytes())
    assert run(look=look) == tiles
    shutil.copy(tmp_path / "face.1001.png", tmp_path / "face.1003.png")
    assert run(look=look) == [*tiles, "face_sad.1003.png"]


@pytest.mark.parametrize("kind", ["replace", "variants"])
def test_meshes_have_records_too(kind: str, run: Run, head: MadeHead, tmp_path: Path) -> None:
    write_glb(tmp_path / "head.glb", head, image=(tmp_path / "base_color.png").read_bytes())
    one = kind == "variants"
    name = "out.glb" if one else "out_{expression}.glb"
    everything = ["out.glb"] if one else ["out_sad.glb", "out_angry.glb"]
    settings = {"mesh": "head.glb", "mesh_as": kind, "out_mesh": tmp_path / name, "mixes": BOTH}
    assert run(**settings) == everything
    assert run(**settings) == []
    sound = (tmp_path / everything[-1]).read_bytes()
    (tmp_path / everything[-1]).write_bytes(sound[:-1])
    assert run(**settings) == everything[-1:]
    assert (tmp_path / everything[-1]).read_bytes() == sound
    settings["out"] = tmp_path / "{expression}.png"
    assert run(**settings) == ["sad.png", "angry.png", *everything]
    assert run(**settings) == []
    (tmp_path / "angry.png").unlink()
    remade = ["sad.png", "angry.png", "out.glb"] if one else ["angry.png", "out_angry.glb"]
    assert run(**settings) == remade  # the one mesh of all variants holds both


def test_a_mesh_with_a_changed_map_is_kept(run: Run, head: MadeHead, tmp_path: Path) -> None:
    write_glb(tmp_path / "head.glb", head, image=(tmp_path / "base_color.png").read_bytes())
    settings = {"mesh": "head.glb", "look": Look(), "mixes": FULL}
    for _ in range(2):
        assert run(**settings, out_mesh=tmp_path / "out.glb") == ["out.glb"]
        assert run(**settings, out_mesh=tmp_path / "out.glb") == []
        (tmp_path / "out.glb").write_bytes(b"glTF")


def test_a_gltf_counts_with_the_files_that_it_names(
    run: Run, head: MadeHead, tmp_path: Path
) -> None:
    write_glb(tmp_path / "head.glb", head, image=(tmp_path / "base_color.png").read_bytes())
    document, binary = parsed(tmp_path / "head.glb")
    document["buffers"][0]["uri"] = "head.bin"
    document["images"][0] = {"uri": "base_color.png"}
    (tmp_path / "head.bin").write_bytes(binary)
    (tmp_path / "head.gltf").write_text(json.dumps(document))
    settings = {"mesh": "head.gltf", "look": Look(), "out_mesh": tmp_path / "sad.gltf"}
    settings["mixes"] = FULL
    assert run(**settings) == ["sad.gltf", "map.png"]
    assert run(**settings) == []
    (tmp_path / "map.png").unlink()
    assert run(**settings) == ["sad.gltf", "map.png"]
    assert run(**settings) == []


def test_what_somebody_edited_is_not_made_anew(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "base_color_sad.png"
    assert run() == [output.name]
    Image.open(output).convert("L").save(output)
    with pytest.raises(OutputExistsError, match=f"{output.name} was changed since it was made"):
        run(mixes=FULL)


def test_a_sheet_is_kept_while_it_fits(
    transfer: ExpressionTransfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Path] = []

    def draw(path: Path, *_: object) -> None:
        drawn.append(path)
        path.write_bytes(b"a sheet")

    monkeypatch.setattr("reggan_plugin.textures.texture_sheet._write_sheet", draw)
    sheet = tmp_path / "sheet.png"

    def resumed() -> int:
        look = Look(texture=tmp_path / "base_color.png")
        request = TextureRequest(
            mesh=tmp_path / "head.obj", look=look, mixes={}, existing=Existing.RESUME
        )
        with Subject(request.mesh, request.look, lambda: transfer) as subject:
            draw_sheet(sheet, request, subject)
        return len(drawn)

    assert [resumed(), resumed()] == [1, 1]
    sheet.write_bytes(b"edited")
    assert [resumed(), resumed()] == [2, 2]
    record_path(sheet).unlink()
    with pytest.raises(OutputExistsError, match="no record"):
        resumed()


def test_a_batch_makes_again_what_changed(
    head: MadeHead, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cast, out = tmp_path / "cast", tmp_path / "out"
    for name in ("ann", "bob"):
        (cast / name).mkdir(parents=True)
        image = (tmp_path / "base_color.png").read_bytes()
        write_glb(cast / name / f"{name}.glb", head, image=image)
    command = ["texture", "--mesh", str(cast), "--expression", "sad", "--out", str(out), "--resume"]

    def resumed(*more: str) -> tuple[list[str], str]:
        assert main([*command, *more]) == 0
        captured = capfd.readouterr()
        return [Path(line).name for line in captured.out.split()], captured.err

    assert resumed()[0] == ["ann_sad.png", "bob_sad.png"]
    names, said = resumed()
    assert names == []
    assert "0 written, 2 skipped, 0 failed" in said
    document, binary = parsed(cast / "bob" / "bob.glb")
    document["asset"]["copyright"] = "CC0, edited"
    (cast / "bob" / "bob.glb").write_bytes(glb_bytes(document, binary))
    assert resumed()[0] == ["bob_sad.png"]
    assert resumed("--intensity", "0.5")[0] == ["ann_sad.png", "bob_sad.png"]
    record_path(out / "ann" / "ann_sad.png").unlink()
    assert main([*command, "--intensity", "0.5"]) == 1
    said = capfd.readouterr().err
    assert "ann failed: 1 of 1 outputs exist" in said
    assert "0 written, 1 skipped, 1 failed" in said


def test_maps_and_their_sheet_look_at_the_character_once(
    head: MadeHead, transfer: ExpressionTransfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    parsed_documents: list[object] = []
    write_glb(tmp_path / "head.glb", head, image=(tmp_path / "base_color.png").read_bytes())
    monkeypatch.setattr(
        "reggan_plugin.textures.gltf.gltf_file.check_document", parsed_documents.append
    )

    class Counting(PreparedFace):
        def __init__(self, mesh: Path, *others: object) -> None:
            looked.append(mesh)
            super().__init__(mesh, *others)  # type: ignore[arg-type]

    monkeypatch.setattr("reggan_plugin.textures.texture_job_files.PreparedFace", Counting)
    monkeypatch.setattr(
        "reggan_plugin.textures.texture_sheet._write_sheet", lambda path, *_: path.write_bytes(b"")
    )
    look = Look(texture=tmp_path / "base_color.png")
    request = TextureRequest(mesh=tmp_path / "head.glb", look=look, mixes=FULL)
    with Subject(request.mesh, look, lambda: transfer) as subject:
        make_maps(request, subject)
        draw_sheet(tmp_path / "sheet.png", request, subject)
    assert looked == [tmp_path / "head.glb"]
    assert len(parsed_documents) == 1
