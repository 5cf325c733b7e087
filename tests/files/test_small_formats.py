"""TGA, BMP, WebP and palette TIFFs: what is not changed stays, and what is refused says how."""

import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, PngImagePlugin

from reggan_plugin.commands.remedies import remedy_for
from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.frame import encode_frame, read_frame, write_frame
from reggan_plugin.files.image_format import format_named, format_of
from reggan_plugin.jobs.frame_steps import stamped

RANDOM = np.random.default_rng(7)
CASES: list[tuple[str, str, Mapping[str, Any]]] = [
    ("a.tga", "RGB", {}),
    ("a.tga", "RGBA", {"compression": "tga_rle"}),
    ("a.tga", "L", {"orientation": 1, "id_section": b"made by hand"}),
    ("a.bmp", "RGB", {"dpi": (72, 72)}),
    ("a.bmp", "L", {}),
    ("a.webp", "RGB", {"lossless": True, "icc_profile": b"profile"}),
    ("a.webp", "RGBA", {"lossless": True, "exact": True}),
]


def picture(mode: str, size: tuple[int, int] = (12, 9)) -> Image.Image:
    channels = len(mode)
    samples = RANDOM.integers(0, 256, (size[1], size[0], channels), np.uint8)
    return Image.fromarray(samples if channels > 1 else samples[..., 0], mode)


@pytest.mark.parametrize(("name", "mode", "options"), CASES)
def test_one_pixel_changes_and_all_else_stays(
    name: str, mode: str, options: Mapping[str, Any], tmp_path: Path
) -> None:
    before = picture(mode)
    path, out = tmp_path / name, tmp_path / f"out_{name}"
    before.save(path, **options)
    frame = read_frame(path)
    pixels = frame.pixels.copy()
    write_frame(frame, pixels, out, overwrite=True)
    assert out.read_bytes() == path.read_bytes()
    pixels[4, 5] = (1.0, 1.0, 1.0)
    write_frame(frame, pixels, out, overwrite=True)
    with Image.open(path) as old, Image.open(out) as new:
        assert (new.format, new.mode, new.size) == (old.format, old.mode, old.size)
        for key in ("compression", "orientation", "id_section", "icc_profile"):
            assert new.info.get(key) == old.info.get(key)
        one, two = np.array(old), np.array(new)
    one[4, 5, ... if mode == "L" else slice(0, 3)] = 255
    assert np.array_equal(one, two)


def test_lossy_webp_stays_lossy_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    Image.linear_gradient("L").convert("RGB").save(path, quality=80)
    frame = read_frame(path)
    assert "quality 95" in frame.notices[0]
    pixels = frame.pixels.copy()
    pixels[:40, :40] = 0.5
    again = frame.original.encode(frame.pixels, pixels)
    with Image.open(io.BytesIO(again)) as new:
        assert (
            np.abs(np.asarray(new)[60:].astype(int) - np.asarray(Image.open(path))[60:]).max() < 9
        )
    assert frame.original.encode(frame.pixels, frame.pixels.copy()) == path.read_bytes()


def test_a_stamp_leaves_a_webp_readable_and_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    picture("RGB").save(path, lossless=True)
    once = stamped(path.read_bytes(), "one")
    twice = stamped(once, "three")
    assert b"one" not in twice
    assert b"rgPl\x05\x00\x00\x00three\x00" in twice
    with Image.open(io.BytesIO(twice)) as read, Image.open(path) as plain:
        assert np.array_equal(np.asarray(read), np.asarray(plain))
    assert len(twice) == 8 + int.from_bytes(twice[4:8], "little")


@pytest.mark.parametrize("name", ["a.tga", "a.bmp"])
def test_formats_without_a_place_for_a_stamp_stay_as_they_are(name: str, tmp_path: Path) -> None:
    picture("RGB").save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert stamped(content, "text") == content


@pytest.mark.parametrize("name", ["a.tga", "a.bmp", "a.webp"])
def test_a_file_is_told_by_its_bytes_whatever_its_name(name: str, tmp_path: Path) -> None:
    picture("RGB").save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert format_of(content) is format_named(name)
    (tmp_path / "b.png").write_bytes(content)
    assert read_frame(tmp_path / "b.png").pixels.shape == (9, 12, 3)


@pytest.mark.parametrize(
    ("kind", "end_points", "is_told"),
    [
        (b"DEBM", 0, True),
        (b"KNIL", 0, True),
        (b"BGRs", 9, False),
        (bytes(4), 9, True),
        (bytes(4), 0, False),
    ],
)
def test_a_colour_space_that_a_bmp_loses_is_told(
    kind: bytes, end_points: int, is_told: bool, tmp_path: Path
) -> None:
    rows = b"".join(bytes(3 * 4) for _ in range(4))
    header = struct.pack("<IiiHHIIiiII", 124, 4, 4, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    header += bytes(16) + kind + bytes([end_points] * 48) + bytes(16)
    head = struct.pack("<2sIHHI", b"BM", 14 + 124 + len(rows), 0, 0, 14 + 124)
    (tmp_path / "a.bmp").write_bytes(head + header + rows)
    said = read_frame(tmp_path / "a.bmp").notices
    assert any("colour space" in one for one in said) == is_told, said


def test_what_a_tga_loses_is_told(tmp_path: Path) -> None:
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 3, 4, 8, 8, 16, 0x20)
    (tmp_path / "a.tga").write_bytes(head + bytes(128))
    said = " ".join(read_frame(tmp_path / "a.tga").notices)
    assert "origin at 0, 0" in said
    assert "of 16 bits" in said
    footer = struct.pack("<II", 0, 18) + b"TRUEVISION-XFILE.\0"
    (tmp_path / "b.tga").write_bytes(head + bytes(128) + footer)
    assert "developer area" in " ".join(read_frame(tmp_path / "b.tga").notices)


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_turn_that_is_passed_over_is_told(name: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / name, exif=exif)
    frame = read_frame(tmp_path / name)
    assert frame.pixels.shape == (4, 8, 3)
    assert any("orientation 6" in one for one in frame.notices), frame.notices


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_an_exif_thumbnail_does_not_keep_the_old_face(name: str, tmp_path: Path) -> None:
    out, thumbnail = tmp_path / f"new_{name}", (1, 0x0201, 4, 1, 99, 0)
    exif = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<HHHI4sI", 1, 0x131, 2, 4, b"Cam", 26)
    picture("RGB").save(
        tmp_path / name, exif=b"Exif\0\0" + exif + struct.pack("<HHHIII", *thumbnail)
    )
    frame = read_frame(tmp_path / name)
    assert any("thumbnail" in one for one in frame.notices), frame.notices
    write_frame(frame, 1 - frame.pixels, out)
    with Image.open(tmp_path / name) as old, Image.open(out) as new:
        assert old.getexif().get_ifd(ExifTags.IFD.IFD1)
        assert not new.getexif().get_ifd(ExifTags.IFD.IFD1)
        assert new.getexif()[0x0131] == "Cam"
    assert not any("thumbnail" in one for one in read_frame(out).notices)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_a_preview_that_stays_is_told(name: str, tmp_path: Path) -> None:
    path, said = tmp_path / name, "its preview picture stays, and shows the face as it was"
    xmp = b"<x:xmpmeta><xmpGImg:image>AAAA</xmpGImg:image></x:xmpmeta>"
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    how = {"a.png": {"pnginfo": text}, "a.tif": {"tiffinfo": {700: xmp}}}
    picture("RGB").save(path, **how.get(name, {"xmp": xmp}))
    assert said in read_frame(path).notices
    picture("RGB").save(path)
    assert said not in read_frame(path).notices


def test_the_preview_of_photoshop_is_told(tmp_path: Path) -> None:
    resource = b"8BIM\x04\x0c\0\0" + struct.pack(">I", 30) + bytes(30)
    head = b"\xff\xed" + struct.pack(">H", len(resource) + 16) + b"Photoshop 3.0\0"
    picture("RGB").save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[:2] + head + resource + content[2:])
    picture("RGB").save(tmp_path / "a.tif", tiffinfo={34377: resource})
    for name in ("a.jpg", "a.tif"):
        assert any("preview" in one for one in read_frame(tmp_path / name).notices), name


def test_chunks_that_a_webp_loses_are_told(tmp_path: Path) -> None:
    picture("RGB").save(tmp_path / "a.webp", lossless=True)
    content = (tmp_path / "a.webp").read_bytes()
    assert not read_frame(tmp_path / "a.webp").notices
    more = content[8:] + b"ABCD" + struct.pack("<I", 2) + b"xy"
    (tmp_path / "a.webp").write_bytes(b"RIFF" + struct.pack("<I", len(more)) + more)
    assert "of other programs: ABCD" in read_frame(tmp_path / "a.webp").notices[0]


def test_a_changed_webp_links_to_no_credentials(tmp_path: Path) -> None:
    link = b' dcterms:provenance="https://example.com/a.c2pa"'
    picture("RGB").save(tmp_path / "a.webp", lossless=True, xmp=b"<x:xmpmeta%b/>" % link)
    content = (tmp_path / "a.webp").read_bytes()
    more = content[8:] + b"C2PA" + struct.pack("<I", 2) + b"xy"
    (tmp_path / "a.webp").write_bytes(b"RIFF" + struct.pack("<I", len(more)) + more)
    frame = read_frame(tmp_path / "a.webp")
    assert all("Content Credentials" in one for one in frame.notices)
    assert len(frame.notices) == 2
    written = encode_frame(frame, 1 - frame.pixels)
    assert b"xmpmeta" in written
    assert b"provenance" not in written
    assert b"C2PA" not in written


def test_what_only_resembles_a_tga_is_none() -> None:
    for content in (b"", bytes(32), b"\0\0\2" + bytes(40), b"\0\0\1\0\1\0 \0\0", b"GIF89a" * 9):
        assert format_of(content) is None


@pytest.mark.parametrize("name", ["a.tga", "a.bmp"])
def test_a_palette_becomes_rgb(name: str, tmp_path: Path) -> None:
    indexed = picture("RGB").quantize(16)
    indexed.save(tmp_path / name)
    frame = read_frame(tmp_path / name)
    assert np.array_equal(np.rint(frame.pixels * 255), np.asarray(indexed.convert("RGB")))
    assert "mode P is written as RGB" in frame.notices[0]


@pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
def test_a_palette_tiff_becomes_rgb_and_keeps_its_texts(
    compression: str | None, tmp_path: Path
) -> None:
    table = RANDOM.integers(0, 256, (3, 256), np.uint16) * 257
    indices = RANDOM.integers(0, 256, (20, 30), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        indices,
        photometric="palette",
        colormap=table,
        compression=compression,
        description="a note",
    )
    frame = read_frame(path)
    shown = np.moveaxis(table[:, indices], 0, -1) // 257
    assert np.array_equal(np.rint(frame.pixels * 255), shown)
    assert "a palette TIFF is written as RGB of 8 bits" in frame.notices
    pixels = frame.pixels.copy()
    pixels[0, 0] = 1.0
    write_frame(frame, pixels, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as new:
        samples = new.asarray()
        assert new.pages.first.description == "a note"
    assert samples[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(samples[1:], shown[1:])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_palette_tiff_keeps_its_other_pages_tags_and_kind(
    bits: int, is_big: bool, byteorder: Literal["<", ">"], tmp_path: Path
) -> None:
    table = RANDOM.integers(0, 256, (3, 256), np.uint16) * (257 if bits == 8 else 255)
    indices = RANDOM.integers(0, 256, (2, 20, 30), np.uint8)
    tags = [(306, 2, 20, "2026:11:27 10:00:00", True), (269, 2, 4, "doc", True)]
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=is_big, byteorder=byteorder) as writer:
        for page in indices:
            writer.write(
                page,
                photometric="palette",
                colormap=table,
                compression="lzw",
                predictor=True,
                tile=(16, 16),
                resolution=(300, 300, "INCH"),
                extratags=tags,
                metadata=None,
            )
    frame = read_frame(tmp_path / "a.tif")
    assert any("only the first page" in one for one in frame.notices)
    pixels = frame.pixels.copy()
    pixels[0, 0] = 1.0
    write_frame(frame, pixels, tmp_path / "b.tif")
    kept = (256, 257, 259, 269, 282, 283, 296, 305, 306)
    with tifffile.TiffFile(tmp_path / "a.tif") as old, tifffile.TiffFile(tmp_path / "b.tif") as new:
        assert (new.is_bigtiff, new.byteorder, len(new.pages)) == (is_big, byteorder, 2)
        before, after = old.pages.first.tags, new.pages.first.tags
        assert [after.valueof(tag) for tag in kept] == [before.valueof(tag) for tag in kept]
        assert np.array_equal(new.pages[1].asarray(), indices[1])
        samples = new.pages.first.asarray()
    assert samples[0, 0].tolist() == [2**bits - 1] * 3
    shown = np.moveaxis(table[:, indices[0]], 0, -1)
    assert np.array_equal(samples[1:], (shown // 257 if bits == 8 else shown)[1:])


def test_what_is_refused_names_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42")
    with pytest.raises(
        UnsupportedFormatError, match=r"is a video, .*Give one of its frames as a picture\.$"
    ) as refused:
        read_frame(tmp_path / "a.mp4")
    assert f"render {tmp_path / 'a.mp4'} --expression" in remedy_for(refused.value.remark)
    for name, kept in (("a.psd", "png"), ("a.hdr", "exr")):
        (tmp_path / name).write_bytes(b"8BPS")
        with pytest.raises(UnsupportedFormatError, match=rf"magick .*{name} .*a\.{kept}"):
            read_frame(tmp_path / name)
    Image.new("CMYK", (4, 4)).save(tmp_path / "a.jpg")
    with pytest.raises(UnsupportedFormatError, match=r"magick IN -colorspace sRGB OUT\.jpg"):
        read_frame(tmp_path / "a.jpg")
    frames = [picture("RGB"), picture("RGB")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedFormatError, match=r"animated WEBP.*magick IN frame\.%04d\.png"):
        read_frame(tmp_path / "a.webp")


@pytest.mark.parametrize("name", ["a.tga", "a.bmp", "a.webp"])
def test_a_truncated_file_is_a_fault_of_the_file(name: str, tmp_path: Path) -> None:
    picture("RGB", (64, 64)).save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFrameError, match=r"is (damaged|truncated)"):
        read_frame(tmp_path / name)


@pytest.mark.parametrize("bits", [16, 32])
def test_a_bmp_of_other_depths_says_that_it_becomes_one_of_24_bits(
    bits: int, tmp_path: Path
) -> None:
    path, size = tmp_path / "a.bmp", 8 * 8 * bits // 8
    head = struct.pack("<2sI4xI", b"BM", 54 + size, 54)
    pixels = (bytes(range(64)) * 4)[:size]
    path.write_bytes(head + struct.pack("<IiiHH24x", 40, 8, 8, 1, bits) + pixels)
    frame = read_frame(path)
    assert frame.notices == (f"a BMP of {bits} bits is written with 24",)
    changed = encode_frame(frame, 1 - frame.pixels)
    assert struct.unpack_from("<H", changed, 28) == (24,)


def test_a_bmp_that_points_beside_its_pixels_or_palette_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    colours = Image.fromarray(np.full((8, 8), 200, np.uint8)).convert("P")
    colours.putpalette([0] * 9)
    colours.save(path)
    picture("RGB", (8, 8)).save(tmp_path / "b.bmp")
    sound = (tmp_path / "b.bmp").read_bytes()
    contents = [path.read_bytes(), *(sound[:10] + bytes([at]) + sound[11:] for at in (0, 20, 255))]
    contents.append(sound[:28] + b"\x01" + sound[29:])
    contents.append(sound[:30] + b"\x01\0\0\0\xff\0" + sound[36:])
    faults = [*["is damaged: its pixels"] * 4, "is damaged: its palette", "is truncated"]
    for content, fault in zip(contents, faults, strict=True):
        path.write_bytes(content)
        with pytest.raises(UnreadableFrameError, match=rf"a\.bmp {fault}"):
            read_frame(path)
