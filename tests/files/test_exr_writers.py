"""Files of three writers: Blender, OpenImageIO and the OpenEXR package itself."""

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest

from reggan_plugin.errors import MissingChannelsError, Remark, UnsupportedFormatError
from reggan_plugin.files.exr.container import Attribute, build_single_part, read_container
from reggan_plugin.files.frame import Frame, Reading, read_frame, write_frame

from .conftest import Edit
from .exr_files import assert_only_the_edit_differs, channels, header, raw_pieces, tiled

BLENDER = Path(__file__).parent / "blender"


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("multilayer", "ViewLayer.Combined."),
        ("multilayer_parts", "ViewLayer.Combined."),
        ("multiview", "ViewLayer.Combined.left."),
        ("multiview_parts", "ViewLayer.Combined."),
        ("stereo", ""),
    ],
)
def test_blender(tmp_path: Path, edit: Edit, name: str, layer: str) -> None:
    source = BLENDER / f"{name}.exr"
    differing = assert_only_the_edit_differs(source, tmp_path / "out.exr", edit)
    assert sorted(differing) == [f"{layer}{colour}" for colour in "BGR"]


def test_a_lossy_file_of_blender_keeps_alpha_and_the_blocks_without_a_change(
    tmp_path: Path,
) -> None:
    source, target = BLENDER / "lossy.exr", tmp_path / "out.exr"
    frame = read_frame(source)
    pixels = frame.pixels.copy()
    pixels[:2] = 0.25
    write_frame(frame, pixels, target)
    before, after = channels(source), channels(target)
    assert after["A"].tobytes() == before["A"].tobytes()  # which DWAA keeps
    assert np.abs(after["R"][:2] - 0.25).max() < 0.01
    assert np.abs(after["R"] - before["R"])[2:].max() < 0.02


def other_views_of(frame: Frame) -> list[object]:
    return [
        notice.fields["other"]
        for notice in frame.notices
        if isinstance(notice, Remark) and notice.kind == "other-views-keep-their-face"
    ]


@pytest.mark.parametrize("name", ["multiview", "multiview_parts", "stereo"])
def test_the_other_view_is_the_picture_on_request(tmp_path: Path, edit: Edit, name: str) -> None:
    source, target = BLENDER / f"{name}.exr", tmp_path / "out.exr"
    content = source.read_bytes()
    assert other_views_of(read_frame(source)) == ["right"]
    frame = Reading(exr_picture="right").decode(content, source)
    assert other_views_of(frame) == ["left"]
    write_frame(frame, edit(frame)[0], target)
    before, after = OpenEXR.File(str(source), True), OpenEXR.File(str(target), True)
    differing = [
        f"{old.name()}:{channel}"
        for old, new in zip(before.parts, after.parts, strict=True)
        for channel in old.channels
        if old.channels[channel].pixels.tobytes() != new.channels[channel].pixels.tobytes()
    ]
    assert len(differing) == 3
    assert all("right" in channel for channel in differing)


def test_a_view_that_is_not_there_is_said() -> None:
    source = BLENDER / "stereo.exr"
    with pytest.raises(MissingChannelsError, match=r"'middle'; its pictures are left, right"):
        Reading(exr_picture="middle").decode(source.read_bytes(), source)


@pytest.fixture
def picture(image: Any) -> Any:
    """R, G, B, A, Z as one array of halfs."""
    return image(50, 70, 5, "f2")


def oiio_spec(oiio: Any, compression: str, *, tiles: bool) -> Any:
    spec = oiio.ImageSpec(70, 50, 5, "half")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    spec.alpha_channel, spec.z_channel = 3, 4
    spec.channelformats = ("half", "half", "half", "half", "float")
    spec.x, spec.y, spec.full_width, spec.full_height = 7, -3, 100, 60
    if tiles:
        spec.tile_width = spec.tile_height = 16
    spec.attribute("compression", compression)
    spec.attribute("owner", "somebody")
    spec.attribute("smpte:TimeCode", "01:02:03:04")
    return spec


def write_with_oiio(oiio: Any, path: Path, spec: Any, picture: Any) -> None:
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(picture.astype(np.float32)), output.geterror()
    output.close()


@pytest.mark.parametrize("tiles", [False, True])
@pytest.mark.parametrize("compression", ["none", "rle", "zips", "zip", "piz"])
def test_openimageio(
    tmp_path: Path, edit: Edit, picture: Any, compression: str, tiles: bool
) -> None:
    """Written, and read again, by OpenImageIO."""
    oiio = pytest.importorskip("OpenImageIO")
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    write_with_oiio(oiio, source, oiio_spec(oiio, compression, tiles=tiles), picture)
    assert read_frame(source).origin_px == (-3, 7)
    assert_only_the_edit_differs(source, target, edit)
    before, after = (oiio.ImageBuf(str(path)) for path in (source, target))
    specs = [buffer.spec().to_xml().replace(buffer.name, "") for buffer in (before, after)]
    assert specs[0] == specs[1]
    frame = read_frame(source)
    kept = read_frame(target).pixels == frame.pixels
    old, new = (buffer.get_pixels("float") for buffer in (before, after))
    assert np.array_equal(new[..., :3][kept], old[..., :3][kept])
    assert np.array_equal(new[..., 3:], old[..., 3:])
    assert not kept.all()


def test_openimageio_of_several_parts(tmp_path: Path, edit: Edit, picture: Any) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    beauty, depth = oiio_spec(oiio, "zip", tiles=False), oiio.ImageSpec(9, 8, 1, "float")
    beauty.attribute("oiio:subimagename", "beauty")
    depth.full_width, depth.full_height = 100, 60
    depth.channelnames = ("Z",)
    depth.attribute("oiio:subimagename", "depth")
    output = oiio.ImageOutput.create(str(source))
    assert output.open(str(source), (beauty, depth)), output.geterror()
    assert output.write_image(picture.astype(np.float32)), output.geterror()
    assert output.open(str(source), depth, "AppendSubimage"), output.geterror()
    assert output.write_image(np.ones((8, 9, 1), np.float32)), output.geterror()
    output.close()
    assert [part.name for part in read_container(source.read_bytes()).parts] == ["beauty", "depth"]
    assert sorted(assert_only_the_edit_differs(source, target, edit)) == ["B", "G", "R"]


def test_openimageio_deep_files_are_refused(tmp_path: Path) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    path = tmp_path / "deep.exr"
    spec = oiio.ImageSpec(4, 3, 4, "float")
    spec.deep = True
    samples = oiio.DeepData()
    samples.init(12, 4, (oiio.FLOAT,) * 4, ("R", "G", "B", "A"))
    samples.set_samples(5, 2)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_deep_image(samples), output.geterror()
    output.close()
    with pytest.raises(UnsupportedFormatError, match=r"deep\.exr is a deep EXR\. Flatten it"):
        read_frame(path)


def test_openimageio_textures_with_mip_levels_are_refused(tmp_path: Path, picture: Any) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    path = tmp_path / "texture.exr"
    buffer = oiio.ImageBuf(picture[..., :3].astype(np.float32))
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, buffer, str(path))
    with pytest.raises(UnsupportedFormatError, match="before mip-mapping"):
        read_frame(path)


def test_mip_levels_of_another_part_are_kept(tmp_path: Path, edit: Edit, picture: Any) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    texture, source, target = (tmp_path / name for name in ("t.exr", "in.exr", "out.exr"))
    buffer = oiio.ImageBuf(picture[..., :3].astype(np.float32))
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, buffer, str(texture))
    OpenEXR.File(header("ZIP"), {"RGB": picture[..., :3]}).write(str(source))
    source.write_bytes(joined(source.read_bytes(), texture.read_bytes()))
    assert_only_the_edit_differs_without_decoding(source, target, edit)


def test_openexr_deep_parts_are_kept_and_deep_pictures_refused(
    tmp_path: Path, edit: Edit, picture: Any
) -> None:
    deep_samples = np.empty(picture.shape[:2], dtype=object)
    for row, column in np.ndindex(deep_samples.shape):
        deep_samples[row, column] = np.ones(row % 3 + column % 2, np.float32)
    deep_header = {"type": OpenEXR.deepscanline, "compression": OpenEXR.ZIPS_COMPRESSION}
    path = tmp_path / "deep.exr"
    OpenEXR.File(deep_header, dict.fromkeys("RGBA", deep_samples)).write(str(path))
    with pytest.raises(UnsupportedFormatError, match=r"deep\.exr is a deep EXR\. Flatten it"):
        read_frame(path)
    source, target = tmp_path / "in.exr", tmp_path / "out.exr"
    OpenEXR.File(
        [
            OpenEXR.Part(deep_header, dict.fromkeys("RGBA", deep_samples), "deep"),
            OpenEXR.Part(tiled("PIZ"), {"RGB": picture[..., :3]}, "flat"),
        ]
    ).write(str(source))
    assert any(one.endswith("keep their face: deep") for one in read_frame(source).notices)
    assert sorted(assert_only_the_edit_differs(source, target, edit)) == ["B", "G", "R"]


def joined(first: bytes, second: bytes) -> bytes:
    """Two files of one part as one file of two parts."""
    parts = []
    for content, name, kind in (
        (first, b"beauty", b"scanlineimage"),
        (second, b"texture", b"tiledimage"),
    ):
        container = read_container(content)
        (part,) = container.parts
        attributes = part.attributes | {
            "name": Attribute(kind=b"string", value=name),
            "type": Attribute(kind=b"string", value=kind),
            "chunkCount": Attribute(
                kind=b"int", value=len(part.chunk_offsets).to_bytes(4, "little")
            ),
        }
        parts.append((attributes, raw_pieces(container, 0)))
    return multi_part(parts)


def multi_part(parts: list[tuple[dict[str, Attribute], list[bytes]]]) -> bytes:
    headers = [build_single_part(a, [], has_long_names=False)[8:] for a, _ in parts]
    head = b"\x76\x2f\x31\x01" + (2 | 0x1000).to_bytes(4, "little") + b"".join(headers) + b"\0"
    position = len(head) + 8 * sum(len(pieces) for _, pieces in parts)
    table, body = b"", b""
    for number, (_, pieces) in enumerate(parts):
        for piece in pieces:
            table += (position + len(body)).to_bytes(8, "little")
            body += number.to_bytes(4, "little") + piece
    return head + table + body


def assert_only_the_edit_differs_without_decoding(source: Path, target: Path, edit: Edit) -> None:
    """As `assert_only_the_edit_differs`, where no library reads the other parts."""
    frame = read_frame(source)
    pixels, mask = edit(frame)
    write_frame(frame, pixels, target)
    before, after = (read_container(path.read_bytes()) for path in (source, target))
    assert raw_pieces(after, 1) == raw_pieces(before, 1)
    assert after.parts[1].attributes == before.parts[1].attributes
    again = read_frame(target).pixels
    assert np.array_equal(again[~mask], frame.pixels[~mask])
    assert np.array_equal(again[mask], pixels[mask].astype(np.float16))


def test_parts_of_an_unknown_type_are_kept_and_pictures_in_them_refused(
    tmp_path: Path, edit: Edit, picture: Any
) -> None:
    one, source, target = (tmp_path / name for name in ("one.exr", "in.exr", "out.exr"))
    OpenEXR.File(header("ZIP"), {"RGB": picture[..., :3]}).write(str(one))
    (part,) = read_container(one.read_bytes()).parts
    strange = {
        "type": Attribute(kind=b"string", value=b"splats"),
        "name": Attribute(kind=b"string", value=b"strange"),
        "chunkCount": Attribute(kind=b"int", value=(1).to_bytes(4, "little")),
    }
    beauty = part.attributes | {
        "name": Attribute(kind=b"string", value=b"beauty"),
        "chunkCount": Attribute(kind=b"int", value=len(part.chunk_offsets).to_bytes(4, "little")),
    }
    pieces = raw_pieces(read_container(one.read_bytes()), 0)
    source.write_bytes(multi_part([(beauty, pieces), (strange, [b"whatever that is"])]))
    assert_only_the_edit_differs_without_decoding(source, target, edit)
    only = multi_part([(part.attributes | strange, [b"whatever that is"])])
    source.write_bytes(only)
    with pytest.raises(UnsupportedFormatError, match=r"unknown type 'splats'\. Write it"):
        read_frame(source)


def test_an_unknown_compression_is_refused_by_its_number(tmp_path: Path, picture: Any) -> None:
    path = tmp_path / "in.exr"
    OpenEXR.File(header("ZIP"), {"RGB": picture[..., :3]}).write(str(path))
    container = read_container(path.read_bytes())
    (part,) = container.parts
    attributes = part.attributes | {"compression": Attribute(kind=b"compression", value=b"\x63")}
    chunks = [container.chunk(offset) for offset in part.chunk_offsets]
    path.write_bytes(build_single_part(attributes, chunks, has_long_names=False))
    with pytest.raises(UnsupportedFormatError, match=r"by method 99, which OpenEXR 3.*as ZIP"):
        read_frame(path)
