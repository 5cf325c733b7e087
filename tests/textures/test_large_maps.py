"""A large map is whole in memory only as its file stores it; all else goes block by block."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from reggan_plugin.files.formats.png import (
    bytes_from_chunks,
    decode_samples,
    make_chunk,
    read_chunks,
)
from reggan_plugin.kernels.sampling import block_means
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.maps.texture_map import MapTile, ReducedTile, read_tile
from reggan_plugin.textures.maps.uv_layout import Block, pad_around_islands
from reggan_plugin.textures.texture_request import Look
from reggan_plugin.textures.views.reprojection import Reprojection
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from .conftest import MadeHead, write_obj


@pytest.fixture(scope="module")
def tile(tmp_path_factory: pytest.TempPathFactory) -> MapTile:
    """A map of 8 bits with alpha, whose sides are no multiples of anything."""
    levels = np.random.default_rng(3).integers(0, 255, (1037, 1301, 4), dtype=np.uint8)
    path = tmp_path_factory.mktemp("large") / "map.png"
    path.write_bytes(imagecodecs.png_encode(levels))
    return read_tile(path)


@pytest.mark.parametrize("layout", ["two islands", "mirrored halves"])
def test_blocks_of_any_size_give_the_same_bits(
    layout: str,
    head: MadeHead,
    mirrored_head: MadeHead,
    head_files: Path,
    transfer: ExpressionTransfer,
    tmp_path: Path,
) -> None:
    write_obj(tmp_path / "head.obj", head if layout == "two islands" else mirrored_head)
    look = Look(texture=head_files / "base_color.png")
    face = PreparedFace(tmp_path / "head.obj", look, transfer, tmp_path)
    change = face.change(ExpressionMix({"surprised": 1.0})).view
    assert change is not None
    results, tallies = [], []
    for block_px in (97, 4096):
        carry = Reprojection(face.stage, face.parts, face.texture, change, block_px=block_px)
        results.append(carry.changed_samples(1001))
        tallies.append((carry.tally.changed, carry.tally.mirrored))
    assert (results[0] != face.texture.tiles[1001].colours).any()
    assert all((result == results[-1]).all() for result in results)
    assert len(set(tallies)) == 1


def _blobs(above: float, seed: int, side_px: int = 120) -> np.ndarray:
    noise = np.random.default_rng(seed).random((side_px // 8, side_px // 8), dtype=np.float32)
    coarse = Image.fromarray(noise).resize((side_px, side_px), Image.Resampling.BICUBIC)
    return np.asarray(coarse) > above


@pytest.mark.parametrize("seed", range(8))
def test_a_change_runs_on_alike_in_a_block_with_two_reaches_around_it(seed: int) -> None:
    """Among islands as ragged as none; with one reach around it, a block in thirteen differs."""
    reach, core = 6, 40
    island, other = _blobs(0.6, seed), _blobs(0.8, seed + 200)
    change = np.random.default_rng(seed).normal(size=(*island.shape, 3)).astype(np.float32)
    change[~(island & _blobs(0.55, seed + 100))] = 0
    whole = change.copy()
    pad_around_islands(whole, island, lambda texels: ~other[texels[:, 0], texels[:, 1]], reach)
    assert (whole != change).any()
    for top in range(0, 120, core):
        for left in range(0, 120, core):
            inner = Block(rows=slice(top, top + core), columns=slice(left, left + core))
            outer = inner.grown(2 * reach, 120, 120)
            here = outer.rows, outer.columns
            part = change[here].copy()
            pad_around_islands(
                part, island[here], lambda t, o=other[here]: ~o[t[:, 0], t[:, 1]], reach
            )
            rows, columns = top - outer.rows.start, left - outer.columns.start
            found = part[rows : rows + core, columns : columns + core]
            assert (found == whole[inner.rows, inner.columns]).all()


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_an_averaged_map_is_the_same_worked_out_in_parts(factor: int, tile: MapTile) -> None:
    colours, _ = tile.texels(slice(None), slice(None))
    whole = block_means(colours, factor)
    reduced = ReducedTile(tile, factor)
    assert reduced.shape == whole.shape[:2]
    random = np.random.default_rng(0)
    rows, columns = (random.integers(0, side, 500) for side in reduced.shape)
    assert (reduced.texels(rows, columns)[0] == whole[rows, columns]).all()
    assert (reduced.whole().colours == whole).all()


def test_a_coarse_look_at_a_map_never_holds_all_of_it_as_floats(tile: MapTile) -> None:
    colours = np.zeros((8192, 512, 3), np.uint8)
    large = replace(tile, colours=colours, alpha=None)
    tracemalloc.start()
    ReducedTile(large, 32).whole()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < colours.nbytes  # as floats it takes four times that


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_written_in_bands_holds_what_it_was_given(
    dtype: type[np.generic], channels: int
) -> None:
    random = np.random.default_rng(channels)
    most = np.iinfo(dtype).max
    first, second = random.integers(0, most, (2, 133, 57, channels), dtype=dtype, endpoint=True)
    decoded = decode_samples(imagecodecs.png_encode(first.squeeze()))
    colours = second[..., : decoded.colours.shape[2]]
    written = b"".join(decoded.original.encode_colours(colours))
    again = imagecodecs.png_decode(written).reshape(first.shape)
    assert again.dtype == dtype
    assert (again[..., : colours.shape[2]] == colours).all()
    assert (again[..., colours.shape[2] :] == first[..., colours.shape[2] :]).all()


def test_a_png_written_in_bands_keeps_what_one_colour_makes_transparent() -> None:
    """Bands with and without such a pixel: none appears, none is lost."""
    samples = np.full((200, 16, 3), 90, np.uint8)
    samples[150:160] = (7, 8, 9)
    header, *rest = read_chunks(bytes(imagecodecs.png_encode(samples)))
    key = make_chunk(b"tRNS", bytes([0, 7, 0, 8, 0, 9]))
    decoded = decode_samples(bytes_from_chunks([header, key, *rest]))
    wanted = np.array(decoded.colours)
    wanted[20:30] = (7, 8, 9)  # would become transparent
    wanted[150:155] = 200  # was transparent
    again = decode_samples(b"".join(decoded.original.encode_colours(wanted)))
    assert again.alpha is not None
    assert decoded.alpha is not None
    assert (again.alpha == decoded.alpha).all()
    assert (again.colours[150:160] == (7, 8, 9)).all()
    assert np.abs(again.colours[20:30].astype(int) - (7, 8, 9)).max() == 1


def test_reading_and_writing_take_no_more_than_the_stored_map(
    tile: MapTile, tmp_path: Path
) -> None:
    """As floats it would be four times as large, and as much again changed."""
    path = tmp_path / "map.png"
    path.write_bytes(b"".join(tile.encode(tile.colours)))
    stored = tile.colours.nbytes * 4 / 3
    assert _peak_of(lambda: read_tile(path)) < 3.2 * stored  # the file twice, and its samples
    new = 255 - tile.colours
    assert _peak_of(lambda: [len(piece) for piece in tile.encode(new)]) < 0.8 * stored
    rows, columns = np.arange(900), np.arange(900)
    assert _peak_of(lambda: tile.texels(rows, columns)) < 0.1 * stored


@pytest.mark.parametrize("channels", ["RGB", "Y"])
def test_a_half_exr_is_held_as_half_floats(channels: str, tmp_path: Path) -> None:
    """And the file written is the one that 32-bit floats give, bit for bit."""
    values = np.random.default_rng(5).normal(0.4, 0.3, (70, 90, 3)).astype(np.float16)
    values[:4] = np.array([np.inf, np.nan, 65504], np.float16)
    pixels = values if channels == "RGB" else np.ascontiguousarray(values[..., 0])
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {channels: pixels}).write(str(tmp_path / "map.exr"))
    tile = read_tile(tmp_path / "map.exr")
    assert tile.colours.dtype == np.float16
    new = tile.colours.copy()
    new[2:60] *= np.float16(0.7)
    wide = tile.colours.astype(np.float32), new.astype(np.float32)
    assert b"".join(tile.encode(new)) == tile.original.encode(*wide)
    assert b"".join(tile.encode(tile.colours)) == (tmp_path / "map.exr").read_bytes()


def test_an_exr_that_half_floats_cannot_hold_stays_as_it_is(tmp_path: Path) -> None:
    planes = np.random.default_rng(5).random((3, 20, 30), np.float32)
    channels = {"R": planes[0].astype(np.float16), "G": planes[1], "B": planes[2]}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(tmp_path / "map.exr"))
    tile = read_tile(tmp_path / "map.exr")
    assert (tile.colours[..., 1:] == np.moveaxis(planes[1:], 0, 2)).all()


def _peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
