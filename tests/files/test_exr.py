"""EXR keeps its headers, its other layers and parts, and every block without a change."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from reggan_plugin.errors import MissingChannelsError, UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.exr.container import Attribute, build_single_part, read_container
from reggan_plugin.files.frame import Encoding, Reading, read_frame, write_frame

from .conftest import Edit
from .exr_files import (
    LOSSLESS,
    LOSSY,
    NEWER_LOSSLESS,
    assert_only_the_edit_differs,
    assert_same_bits,
    channels,
    header,
    tiled,
    window,
)

HEIGHT, WIDTH = 70, 45


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "in.exr", tmp_path / "out.exr"


@pytest.fixture
def layers(image: Callable[..., Any]) -> dict[str, Any]:
    """A half picture with alpha and odd values, and layers of every type."""
    rgba = image(HEIGHT, WIDTH, 4, "f2")
    rgba[..., 3] = np.linspace(0, 1, WIDTH)
    rgba[0, :4, 0] = [np.nan, np.inf, -np.inf, 64]
    rgba[0, 4, 0] = np.array(0x7E55, np.uint16).view(np.float16)  # a NaN with a payload
    return {
        "RGBA": rgba,
        "Z": image(HEIGHT, WIDTH, 1, "f4")[..., 0],
        "cryptomatte00.R": image(HEIGHT, WIDTH, 1, "f4")[..., 0],
        "id": image(HEIGHT, WIDTH, 1, "u4")[..., 0],
    }


@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("compression", [*LOSSLESS, *NEWER_LOSSLESS])
def test_only_changed_samples_differ(
    paths: tuple[Path, Path],
    layers: dict[str, Any],
    edit: Edit,
    compression: str,
    make_header: Callable[..., Any],
) -> None:
    OpenEXR.File(make_header(compression), dict(layers)).write(str(paths[0]))
    assert sorted(assert_only_the_edit_differs(*paths, edit)) == ["B", "G", "R"]


@pytest.mark.parametrize("order", [OpenEXR.INCREASING_Y, OpenEXR.DECREASING_Y])
@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("compression", LOSSY)
def test_lossy_files_keep_the_bytes_of_blocks_without_a_change(
    paths: tuple[Path, Path],
    layers: dict[str, Any],
    compression: str,
    make_header: Callable[..., Any],
    order: Any,
) -> None:
    source, target = paths
    OpenEXR.File(make_header(compression, lineOrder=order), dict(layers)).write(str(source))
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[:3], pixels[-3:] = 0.5, 0.5
    write_frame(frame, pixels, target)
    before, after = (read_container(path.read_bytes()) for path in paths)
    offsets = zip(before.parts[0].chunk_offsets, after.parts[0].chunk_offsets, strict=True)
    differ = [before.chunk(old) != after.chunk(new) for old, new in offsets]
    rows = [True, False, True] if compression != "DWAB" else [True]
    assert differ == (rows if make_header is header else [True] * 2 + [False] * 6 + [True] * 2)
    assert_same_bits(channels(target)["id"], layers["id"])
    assert np.abs(channels(target)["R"][-2:] - 0.5).max() < 0.05


@pytest.mark.parametrize("make_header", [header, tiled])
@pytest.mark.parametrize("compression", LOSSY)
def test_lossy_files_are_compressed_as_strongly_as_before(
    paths: tuple[Path, Path],
    image: Callable[..., Any],
    compression: str,
    make_header: Callable[..., Any],
) -> None:
    source, target = paths
    settings = make_header(compression, dwaCompressionLevel=300.0)
    black, picture = np.zeros((HEIGHT, WIDTH, 3), np.float16), image(HEIGHT, WIDTH, 3, "f2")
    OpenEXR.File(dict(settings), {"RGB": black}).write(str(source))
    write_frame(read_frame(source), picture.astype(np.float32), target)
    OpenEXR.File(dict(settings), {"RGB": picture}).write(str(source))
    for name, expected in channels(source).items():
        assert_same_bits(channels(target)[name], expected)


@pytest.mark.parametrize("make_header", [header, tiled])
def test_every_attribute_keeps_its_bytes(
    paths: tuple[Path, Path], layers: dict[str, Any], edit: Edit, make_header: Callable[..., Any]
) -> None:
    source, target = paths
    attributes = {
        "displayWindow": window(0, 0, 1919, 1079),
        "dataWindow": window(-5, 7, WIDTH - 6, HEIGHT + 6),
        "pixelAspectRatio": 1.5,
        "chromaticities": (0.7, 0.3, 0.2, 0.7, 0.1, 0.05, 0.31, 0.32),
        "timeCode": OpenEXR.TimeCode(1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
        "keyCode": OpenEXR.KeyCode(1, 2, 3, 4, 5, 6, 20),
        "owner": "somebody",
        "views": ["left", "right"],
        "worldToCamera": np.eye(4, dtype=np.float32),
        "preview": OpenEXR.PreviewImage(2, 2),
        "a name of more than thirty-one bytes": 1,
    }
    OpenEXR.File(make_header("ZIP", **attributes), dict(layers)).write(str(source))
    assert any("preview" in one for one in read_frame(source).notices)
    container = read_container(source.read_bytes())
    (part,) = container.parts
    unknown = {
        "framesPerSecond": Attribute(kind=b"rational", value=bytes([24, 0, 0, 0, 1, 0, 0, 0])),
        "studio:secret": Attribute(kind=b"studioType", value=b"\0\1\2 whatever"),
    }
    chunks = [container.chunk(offset) for offset in part.chunk_offsets]
    source.write_bytes(build_single_part(part.attributes | unknown, chunks, has_long_names=True))
    frame = read_frame(source)
    assert frame.origin_px == (7, -5)
    assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
    write_frame(frame, edit(frame)[0], target)
    written = read_container(target.read_bytes())
    assert written.flags == read_container(source.read_bytes()).flags
    assert list(written.parts[0].attributes.items()) == list((part.attributes | unknown).items())
    opened = OpenEXR.File(str(target)).header()
    assert opened["owner"] == "somebody"
    assert opened["framesPerSecond"] == 24


def test_unchanged_pixels_give_the_same_file(
    paths: tuple[Path, Path], layers: dict[str, Any]
) -> None:
    source, target = paths
    OpenEXR.File(header("DWAA"), dict(layers)).write(str(source))
    frame = read_frame(source)
    write_frame(frame, frame.pixels.copy(), target)
    assert target.read_bytes() == source.read_bytes()


def test_pixels_are_scene_linear_as_stored(
    paths: tuple[Path, Path], layers: dict[str, Any]
) -> None:
    OpenEXR.File(header(), dict(layers)).write(str(paths[0]))
    frame = read_frame(paths[0])
    assert frame.encoding is Encoding.SCENE_LINEAR
    assert frame.alpha_is_premultiplied
    assert_same_bits(frame.pixels, layers["RGBA"][..., :3].astype(np.float32))
    assert frame.alpha is not None
    assert_same_bits(frame.alpha, layers["RGBA"][..., 3].astype(np.float32))
    assert frame.origin_px == (0, 0)


def test_non_finite_values_can_be_written_and_large_ones_stay_finite(
    paths: tuple[Path, Path],
) -> None:
    source, target = paths
    OpenEXR.File(header(), {"RGB": np.zeros((1, 2, 3), np.float16)}).write(str(source))
    pixels = np.array([[[np.nan, np.inf, 1e30], [-1e30, 64, 0]]], np.float32)
    write_frame(read_frame(source), pixels, target)
    written = read_frame(target).pixels
    np.testing.assert_array_equal(written, [[[np.nan, np.inf, 65504], [-65504, 64, 0]]])


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("compression", [*LOSSLESS, *LOSSY, "PXR24"])
def test_one_pixel(paths: tuple[Path, Path], compression: str, dtype: str) -> None:
    source, target = paths
    OpenEXR.File(header(compression), {"RGBA": np.full((1, 1, 4), 0.5, dtype)}).write(str(source))
    write_frame(read_frame(source), np.full((1, 1, 3), 0.25, np.float32), target)
    assert read_frame(target).pixels.tolist() == [[[0.25, 0.25, 0.25]]]


def test_other_parts_keep_their_bytes(
    paths: tuple[Path, Path], layers: dict[str, Any], edit: Edit
) -> None:
    source, target = paths
    screen = {"displayWindow": window(0, 0, WIDTH - 1, HEIGHT - 1)}
    depth = np.random.default_rng(1).random((9, 13)).astype(np.float32)
    OpenEXR.File(
        [
            OpenEXR.Part(tiled("PIZ", **screen), {"Z": depth}, "depth"),
            OpenEXR.Part(header("ZIPS", owner="x"), dict(layers), "beauty"),
            OpenEXR.Part(header("DWAB"), {"RGB": layers["RGBA"][..., :3]}, "diffuse"),
        ]
    ).write(str(source))
    assert sorted(assert_only_the_edit_differs(source, target, edit)) == ["B", "G", "R"]
    assert_same_bits(channels(target, 0)["Z"], depth)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["R", "G", "B", "diffuse.R", "diffuse.G", "diffuse.B"], "R"),
        (["ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B",
          "ViewLayer.Diff.R", "ViewLayer.Diff.G", "ViewLayer.Diff.B"], "ViewLayer.Combined.R"),
        (["beauty.R", "beauty.G", "beauty.B", "depth.Z"], "beauty.R"),
        (["Y"], "Y"),
        (["Z", "Y"], "Y"),
    ],
)  # fmt: skip
def test_the_picture_is_found(paths: tuple[Path, Path], names: list[str], chosen: str) -> None:
    source, target = paths
    layers = {name: np.full((2, 2), 0.25, np.float32) for name in names}
    OpenEXR.File(header(), dict(layers)).write(str(source))
    frame = read_frame(source)
    assert ("." in chosen) == bool(frame.notices)
    write_frame(frame, np.ones((2, 2, 3), np.float32), target)
    changed = {name for name, pixels in channels(target).items() if pixels[0, 0] == 1}
    assert changed == ({chosen[:-1] + colour for colour in "RGB"} if chosen != "Y" else {"Y"})


@pytest.mark.parametrize(
    ("names", "views", "chosen", "could_be"),
    [
        (["albedo", "beauty", "N"], [], "beauty", None),
        (["N", "RGB_color"], [], "RGB_color", None),
        (["albedo.left", "rgba.left", "rgba.right"], ["left", "left", "right"], "rgba.left", None),
        (["a", "b", "c_light"], [], "a", "b, c_light"),
        (["a"], [], "a", None),
        (["a", "color"], [], "a", "color"),
    ],
)
def test_of_parts_with_the_same_channels_the_name_tells_the_picture_or_a_notice_does(
    paths: tuple[Path, Path], names: list[str], views: list[str], chosen: str, could_be: str | None
) -> None:
    source, target = paths
    layers = {name: np.full((2, 2), 0.25, np.float32) for name in "RGB"}
    own = [{"view": view} for view in views] or [{} for _ in names]
    named = zip(names, own, strict=True)
    parts = [OpenEXR.Part({**header(), "name": name, **of}, dict(layers)) for name, of in named]
    OpenEXR.File(parts).write(str(source))
    frame = read_frame(source)
    said = [one for one in frame.notices if "could be" in one]
    assert said == ([f"the picture is part a; {could_be} could be it, too"] if could_be else [])
    write_frame(frame, np.ones((2, 2, 3), np.float32), target)
    changed = [name for index, name in enumerate(names) if channels(target, index)["R"][0, 0] == 1]
    assert changed == [chosen]


def test_a_picture_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    path, zeros = tmp_path / "in.exr", np.zeros((2, 2), np.float32)
    for names, found, kind in (
        ("RGB", r"are the root\.", "exr-picture-has-no-name"),
        (["a.R", "a.G", "a.B"], r"are a\.", "no-such-exr-picture"),
    ):
        OpenEXR.File(header(), dict.fromkeys(names, zeros)).write(str(path))
        with pytest.raises(
            MissingChannelsError, match=rf"'beauty'; its pictures {found}"
        ) as refusal:
            Reading(exr_picture="beauty").decode(path.read_bytes(), path)
        assert (refusal.value.kind, refusal.value.fields) == (kind, {"picture": "beauty"})


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["Z"], MissingChannelsError, "holds no picture among its channels Z. Write"),
        (["a.R", "a.G", "a.B", "b.R", "b.G", "b.B"], MissingChannelsError, "a.B, .*b.R"),
        (["Y", "RY", "BY"], UnsupportedFormatError, "luminance-chroma"),
    ],
)
def test_what_is_no_picture_is_refused(
    paths: tuple[Path, Path], names: list[str], error: type[Exception], message: str
) -> None:
    layers = {name: np.zeros((2, 2), np.float32) for name in names}
    OpenEXR.File(header(), dict(layers)).write(str(paths[0]))
    with pytest.raises(error, match=rf"in\.exr .*{message}"):
        read_frame(paths[0])
    OpenEXR.File(header(), dict.fromkeys("RGB", np.zeros((2, 2), np.uint32))).write(str(paths[0]))
    with pytest.raises(MissingChannelsError, match=r"B \(whole numbers\), G \(whole numbers\)"):
        read_frame(paths[0])


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("type", b"deepscanline", "is a deep EXR"),
        ("tiles", bytes([32, 0, 0, 0, 16, 0, 0, 0, 1]), "mip-mapped"),
    ],
)
def test_deep_and_mip_mapped_are_refused(
    paths: tuple[Path, Path], attribute: str, value: bytes, message: str
) -> None:
    """The header decides, so a flat file with the header of such a one will do."""
    OpenEXR.File(tiled("ZIP"), {"RGB": np.zeros((2, 2, 3), np.float16)}).write(str(paths[0]))
    container = read_container(paths[0].read_bytes())
    (part,) = container.parts
    changed = Attribute(kind=part.attributes[attribute].kind, value=value)
    chunks = [container.chunk(offset) for offset in part.chunk_offsets]
    paths[0].write_bytes(
        build_single_part(part.attributes | {attribute: changed}, chunks, has_long_names=False)
    )
    with pytest.raises(UnsupportedFormatError, match=message):
        read_frame(paths[0])


@pytest.mark.parametrize("share", [0.0, 0.005, 0.05, 0.5, 0.99])
def test_truncated_exr_is_named(tmp_path: Path, layers: dict[str, Any], share: float) -> None:
    path = tmp_path / "cut.exr"
    stream = io.BytesIO()
    OpenEXR.File(header(), dict(layers)).write(stream)
    path.write_bytes(stream.getvalue()[: int(len(stream.getvalue()) * share)])
    with pytest.raises(UnreadableFrameError, match=r"cut\.exr.*(again|begins)"):
        read_frame(path)


@pytest.mark.parametrize(
    "compression", ["NO", "RLE", "ZIP", "PIZ", "PXR24", "B44A", "DWAA", "DWAB"]
)
def test_a_black_picture_is_not_taken_for_a_truncated_one(
    paths: tuple[Path, Path], compression: str
) -> None:
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 2048
    black = {"Y": np.zeros((2048, 2048), np.float16)}
    kind = {"type": OpenEXR.tiledimage, "tiles": tiles}
    OpenEXR.File({**header(compression), **kind}, black).write(str(paths[0]))
    assert read_frame(paths[0]).pixels.shape == (2048, 2048, 3)
