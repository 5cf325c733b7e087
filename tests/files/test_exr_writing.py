"""What is written on request: another compression, the change as layers; and what was lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from reggan_plugin.change.pipeline import EditedFrame
from reggan_plugin.errors import Remark, UnsupportedFormatError
from reggan_plugin.files.exr.container import read_container
from reggan_plugin.files.exr.writing_settings import (
    CHANGE_LAYERS,
    LOSSLESS_COMPRESSIONS,
    EncodedFrame,
    ExrWriting,
)
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.change_layers import FrameChange
from reggan_plugin.jobs.render_settings import PictureSettings

from ..sample_frames import edited_everywhere
from .conftest import Edit
from .exr_files import (
    LOSSLESS,
    LOSSY,
    NEWER_LOSSLESS,
    assert_same_bits,
    channels,
    header,
    raw_pieces,
    tiled,
)

HEIGHT, WIDTH = 70, 45
BOTH = ("mask", "delta")


@pytest.fixture
def layers(image: Callable[..., Any]) -> dict[str, Any]:
    smooth = np.linspace(0.2, 0.8, HEIGHT * WIDTH * 4).reshape(HEIGHT, WIDTH, 4)
    noise = 0.01 * image(HEIGHT, WIDTH, 4, "f4")
    return {
        "RGBA": (smooth + noise).astype("f2"),
        "Z": image(HEIGHT, WIDTH, 1, "f4")[..., 0],
        "id": image(HEIGHT, WIDTH, 1, "u4")[..., 0],
    }


def decoded(path: Path, settings: PictureSettings) -> Frame:
    return settings.decode(path.read_bytes(), SourceFrame(path=path, number=None))


def written(path: Path, target: Path, edit: Edit, **asked: Any) -> tuple[Any, Any, EncodedFrame]:
    """Change pixels of a file; return the mask, the weight and what was encoded."""
    settings = PictureSettings(writing=ExrWriting(**asked))
    frame = decoded(path, settings)
    pixels, mask = edit(frame)
    weight = np.where(mask, np.float32(0.75), np.float32(0.0))
    encoded = settings.encode(
        FrameChange(frame=frame, edited=edited_everywhere(frame.pixels, pixels, weight))
    )
    target.write_bytes(encoded.content)
    return mask, weight, encoded


@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("compression", [*LOSSLESS, *NEWER_LOSSLESS])
@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_original_plus_delta_is_the_result_bit_for_bit(
    tmp_path: Path,
    layers: dict[str, Any],
    edit: Edit,
    compression: str,
    make_header: Callable[..., Any],
    kind: str,
) -> None:
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    layers["RGBA"] = layers["RGBA"].astype(kind) * np.float32(37).astype(kind)  # a large way down
    OpenEXR.File(make_header(compression), dict(layers)).write(str(source))
    mask, weight, encoded = written(source, target, edit, layers=BOTH)
    before, after = channels(source), channels(target)
    added = {"reggan.mask", *(f"reggan.delta.{colour}" for colour in "RGB")}
    assert after.keys() - before.keys() == added
    assert_same_bits(after["reggan.mask"], weight)
    for colour in "RGB":
        delta = after[f"reggan.delta.{colour}"]
        assert delta.dtype == np.float32
        assert not delta[~mask].any()
        rebuilt = (before[colour].astype(np.float32) + delta).astype(kind)
        assert_same_bits(rebuilt, after[colour])
        assert_same_bits(after[colour][~mask], before[colour][~mask])
        assert np.abs(after[colour][mask] - 0.5).max() <= 0.41
    for name in ("A", "Z", "id"):
        assert_same_bits(after[name], before[name])
    assert encoded.generation_loss is None
    old, new = (read_container(path.read_bytes()).parts[0].attributes for path in (source, target))
    assert [name for name in old if old[name] != new[name]] == ["channels"]
    assert old.keys() == new.keys()


@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("compression", [*LOSSY, "PXR24", "LJ2K"])
def test_the_second_generation_is_measured(
    tmp_path: Path,
    layers: dict[str, Any],
    edit: Edit,
    compression: str,
    make_header: Callable[..., Any],
) -> None:
    if not hasattr(OpenEXR, f"{compression}_COMPRESSION"):
        pytest.skip(f"this OpenEXR has no {compression}")
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    OpenEXR.File(make_header(compression), dict(layers)).write(str(source))
    mask, _, encoded = written(source, target, edit)
    before, after = channels(source), channels(target)
    types = {"PXR24": "f4", "B44": "f2", "B44A": "f2"}.get(compression, "f2 f4 u4")
    differences = []
    for name, samples in before.items():
        if samples.dtype.str[1:] in types:
            beside = ~mask if name in "RGB" and compression != "PXR24" else np.ones_like(mask)
            differences.append(
                np.abs(after[name].astype("f8") - samples.astype("f8"))[beside].max()
            )
    if max(differences) == 0:  # PXR24 cuts bits off, and has none to cut the second time
        assert compression in ("PXR24", "LJ2K")
        assert encoded.generation_loss is None
        return
    assert encoded.generation_loss is not None
    assert encoded.generation_loss.largest == pytest.approx(max(differences))
    assert encoded.generation_loss.rms <= encoded.generation_loss.largest


@pytest.mark.parametrize("asked", LOSSLESS_COMPRESSIONS)
@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("compression", ["DWAB", "B44", "PXR24", "PIZ"])
@pytest.mark.parametrize("order", [OpenEXR.INCREASING_Y, OpenEXR.DECREASING_Y])
def test_another_compression_keeps_every_decoded_sample(
    tmp_path: Path,
    layers: dict[str, Any],
    edit: Edit,
    compression: str,
    make_header: Callable[..., Any],
    asked: str,
    order: Any,
) -> None:
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    OpenEXR.File(make_header(compression, lineOrder=order), dict(layers)).write(str(source))
    mask, _, encoded = written(source, target, edit, compression=asked, layers=("delta",))
    assert encoded.generation_loss is None
    before, after = channels(source), channels(target)
    for name, samples in before.items():
        kept = ~mask if name in "RGB" else np.ones_like(mask)
        assert_same_bits(after[name][kept], samples[kept])
    for colour in "RGB":
        delta = after[f"reggan.delta.{colour}"]
        assert_same_bits((before[colour] + delta).astype(np.float16), after[colour])
    (old,), (new,) = (read_container(path.read_bytes()).parts for path in (source, target))
    assert new.compression == LOSSLESS_COMPRESSIONS[asked]
    assert new.attributes["lineOrder"] == old.attributes["lineOrder"]
    offsets = list(new.chunk_offsets)
    assert offsets == sorted(offsets, reverse=order == OpenEXR.DECREASING_Y)


@pytest.mark.parametrize("asked", [{"compression": "zip"}, {"layers": BOTH}])
def test_other_parts_keep_their_bytes_when_one_is_written_anew(
    tmp_path: Path, layers: dict[str, Any], edit: Edit, asked: dict[str, Any]
) -> None:
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    other = {"RGB": layers["RGBA"][..., :3]}
    lossless = OpenEXR.Part(header("PIZ", owner="x"), dict(layers), "beauty")
    OpenEXR.File(
        [
            OpenEXR.Part(header("DWAA"), {f"a.{k}": v for k, v in other.items()}, "first"),
            lossless,
            OpenEXR.Part(tiled("B44"), {f"b.{k}": v for k, v in other.items()}, "last"),
        ]
    ).write(str(source))
    written(source, target, edit, **asked)
    before, after = (read_container(path.read_bytes()) for path in (source, target))
    assert [part.name for part in after.parts] == ["first", "beauty", "last"]
    for index in (0, 2):
        assert raw_pieces(after, index) == raw_pieces(before, index)
        assert after.parts[index].attributes == before.parts[index].attributes
    count = int.from_bytes(after.parts[1].attributes["chunkCount"].value, "little")
    assert count == len(after.parts[1].chunk_offsets)
    assert OpenEXR.File(str(target)).parts[1].header["owner"] == "x"


def test_without_a_change_nothing_is_added(tmp_path: Path, layers: dict[str, Any]) -> None:
    source = tmp_path / "in.exr"
    OpenEXR.File(header("DWAA"), dict(layers)).write(str(source))
    settings = PictureSettings(writing=ExrWriting(compression="zip", layers=BOTH))
    frame = decoded(source, settings)
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    same = settings.encode(
        FrameChange(
            frame=frame, edited=edited_everywhere(frame.pixels, frame.pixels.copy(), nothing)
        )
    )
    assert same.content == source.read_bytes()
    assert same.generation_loss is None


def test_layers_of_an_earlier_change_are_replaced_and_are_no_picture(
    tmp_path: Path, edit: Edit, layers: dict[str, Any]
) -> None:
    source, once, twice = (tmp_path / name for name in ("in.exr", "once.exr", "twice.exr"))
    beauty = {f"beauty.{colour}": layers["RGBA"][..., index] for index, colour in enumerate("RGB")}
    OpenEXR.File(header(), beauty).write(str(source))
    written(source, once, edit, layers=BOTH)
    mask, _, _ = written(once, twice, edit, layers=("delta",))
    assert "reggan.mask" in channels(once)
    after = channels(twice)
    assert "reggan.mask" not in after
    rebuilt = channels(once)["beauty.R"] + after["reggan.delta.R"]
    assert_same_bits(rebuilt.astype(np.float16), after["beauty.R"])
    assert not after["reggan.delta.R"][~mask].any()


@pytest.mark.parametrize("asked", [{}, {"compression": "zip"}])
def test_layers_of_an_earlier_change_that_stay_are_told(
    tmp_path: Path, edit: Edit, layers: dict[str, Any], asked: dict[str, Any]
) -> None:
    source, once, twice = (tmp_path / name for name in ("in.exr", "once.exr", "twice.exr"))
    OpenEXR.File(header(), dict(layers)).write(str(source))
    assert not written(source, once, edit, layers=BOTH)[2].notices
    assert not written(once, twice, edit, layers=("mask",))[2].notices
    (said,) = written(once, twice, edit, **asked)[2].notices
    assert said.endswith("do not tell of this one: reggan.delta, reggan.mask")
    assert "reggan.mask" in channels(twice)


def test_delta_is_0_where_the_source_is_no_number(
    tmp_path: Path, layers: dict[str, Any], edit: Edit
) -> None:
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    layers["RGBA"][::3, :, :3], layers["RGBA"][1::3, :, :3] = np.nan, -np.inf
    OpenEXR.File(header(), dict(layers)).write(str(source))
    settings = PictureSettings(writing=ExrWriting(layers=("delta",)))
    frame = decoded(source, settings)
    pixels, mask = edit(frame)
    pixels = np.where(np.isfinite(frame.pixels), pixels, frame.pixels)
    change = FrameChange(
        frame=frame, edited=edited_everywhere(frame.pixels, pixels, mask.astype(np.float32))
    )
    target.write_bytes(settings.encode(change).content)
    before, after = channels(source), channels(target)
    for index, colour in enumerate("RGB"):
        delta = after[f"reggan.delta.{colour}"]
        is_odd = ~np.isfinite(before[colour])
        assert (mask & is_odd).any()
        assert not delta[is_odd].any()
        assert delta[mask & ~is_odd].any()
        assert_same_bits((before[colour] + delta).astype(np.float16), after[colour])
        beside = change.layer("delta", change.canvas)[..., index]
        assert not beside[is_odd].any()
        assert beside[mask & ~is_odd].any()


def test_a_grey_picture_has_a_grey_delta(
    tmp_path: Path, edit: Edit, layers: dict[str, Any]
) -> None:
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    OpenEXR.File(header(), {"Y": layers["RGBA"][..., 0]}).write(str(source))
    mask, _, _ = written(source, target, edit, layers=BOTH)
    after = channels(target)
    assert after.keys() == {"Y", "reggan.mask", "reggan.delta.Y"}
    rebuilt = channels(source)["Y"] + after["reggan.delta.Y"]
    assert_same_bits(rebuilt.astype(np.float16), after["Y"])
    assert after["reggan.delta.Y"][mask].any()


@pytest.mark.parametrize("compression", [*LOSSY, "PXR24"])
def test_layers_in_a_lossy_file_need_another_compression(
    tmp_path: Path, layers: dict[str, Any], compression: str
) -> None:
    source = tmp_path / "in.exr"
    OpenEXR.File(header(compression), {"RGBA": layers["RGBA"]}).write(str(source))
    with pytest.raises(UnsupportedFormatError, match=rf"in\.exr .*{compression}") as refusal:
        decoded(source, PictureSettings(writing=ExrWriting(layers=BOTH)))
    assert refusal.value.kind == "exr-layers-need-lossless"
    decoded(source, PictureSettings(writing=ExrWriting(layers=BOTH, compression="zip")))


def test_other_formats_take_neither(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "in.png"
    Image.new("RGB", (4, 4)).save(path)
    for asked in ({"compression": "zip"}, {"layers": CHANGE_LAYERS}):
        settings = PictureSettings(writing=ExrWriting(**asked))
        with pytest.raises(UnsupportedFormatError, match=r"in\.png is no EXR") as refusal:
            decoded(path, settings)
        assert refusal.value.kind == "exr-options-of-no-exr"
    assert isinstance(decoded(path, PictureSettings()), Frame)


def test_primaries_that_are_not_rec709_are_said_unless_declared(
    tmp_path: Path, layers: dict[str, Any]
) -> None:
    path = tmp_path / "in.exr"
    acescg = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
    rec709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
    for attributes, said in (
        ({"chromaticities": acescg}, "ACEScg"),
        ({"chromaticities": (0.5,) * 8}, "with the name of its space"),
        ({"colorInteropID": "lin_ap1_scene"}, "lin_ap1_scene"),
        ({"colorInteropID": "lin_rec709_scene"}, None),
        ({"chromaticities": rec709}, None),
    ):
        OpenEXR.File(header(**attributes), {"RGB": layers["RGBA"][..., :3]}).write(str(path))
        notices = read_frame(path).notices
        found = [notice.fields["space"] for notice in notices if isinstance(notice, Remark)]
        assert found == ([said] if said else []), attributes


@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("asked", [{}, {"layers": BOTH}, {"compression": "zip"}])
def test_a_box_that_holds_the_change_gives_the_file_that_the_whole_frame_gives(
    tmp_path: Path, layers: dict[str, Any], make_header: Callable[..., Any], asked: dict[str, Any]
) -> None:
    source = tmp_path / "in.exr"
    OpenEXR.File(make_header("ZIP"), layers).write(str(source))
    settings = PictureSettings(writing=ExrWriting(**asked))
    frame = decoded(source, settings)
    box, pixels = np.s_[11:52, 3:40], frame.pixels.copy()
    pixels[20:50, 5:33] += np.float32(0.25)
    weight = np.zeros(pixels.shape[:2], np.float32)
    weight[20:50, 5:33] = 0.5
    whole = edited_everywhere(frame.pixels, pixels, weight)
    part = EditedFrame(before=frame.pixels, box=box, inside=pixels[box], inside_weight=weight[box])
    np.testing.assert_array_equal(part.pixels, pixels)
    np.testing.assert_array_equal(part.weight, weight)
    files = [settings.encode(FrameChange(frame=frame, edited=one)).content for one in (whole, part)]
    assert files[0] == files[1] != source.read_bytes()
