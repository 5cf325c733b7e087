"""Damaged pictures: read or named, but no crash, no traceback, and no more memory than stated."""

import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reggan_plugin.errors import RegganError
from reggan_plugin.files.formats.png import make_chunk
from reggan_plugin.files.frame import read_frame, write_frame
from reggan_plugin.textures.maps.texture_map import declared_by_png

from .damage import damaged, with_right_checksums
from .hostile import HOSTILE, large_png

_MOST_MIB, _MOST_RESIDENT_MIB = 4096, 400
"""Of address space, which arrays take before they are filled, and of memory."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("damaged")
    return folder / "in.png", folder / "out.png"


@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")  # of EXIF, which is kept as it is
@given(data=st.data())
def test_a_damaged_picture_is_read_or_named(
    picture: bytes, paths: tuple[Path, Path], data: st.DataObject
) -> None:
    source, target = paths
    content = data.draw(damaged(picture))
    source.write_bytes(with_right_checksums(content) if picture[1:4] == b"PNG" else content)
    try:
        frame = read_frame(source)
        pixels = frame.pixels.copy()
        pixels[pixels.shape[0] // 2 :, :2] = 0.25
        write_frame(frame, pixels, target, overwrite=True)
    except RegganError as error:
        message = str(error)
    else:
        assert read_frame(target).pixels.shape == frame.pixels.shape
        return
    assert str(source) in message or str(target) in message


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
def test_a_sound_picture_larger_than_memory_is_named(tmp_path: Path) -> None:
    """A file that unpacks to 11600x11600 pixels, which is not refused by its size."""
    path = tmp_path / "large.png"
    path.write_bytes(large_png())
    assert path.stat().st_size < 2**20
    reader = Path(__file__).with_name("read_in_little_memory.py")
    command = [sys.executable, str(reader), "1500", str(path)]
    read = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert f"{path} does not fit into the memory that is free" in read.stdout


def test_a_colour_profile_that_unpacks_to_128_megabytes_is_not_unpacked() -> None:
    packed = zlib.compressobj(9)
    bomb = b"".join(packed.compress(bytes(2**20)) for _ in range(128)) + packed.flush()
    assert len(bomb) < 2**20
    chunk = make_chunk(b"iCCP", b"bomb\0\0" + bomb)
    tracemalloc.start()
    is_linear, remark = declared_by_png([chunk])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not is_linear
    assert remark is not None
    assert "(bomb) is not sRGB" in remark
    assert peak < 2**25


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
def test_headers_that_ask_for_all_memory_are_refused_before_it_is_taken(tmp_path: Path) -> None:
    pictures = [tmp_path / name for name in HOSTILE]
    for path in pictures:
        path.write_bytes(HOSTILE[path.name](tmp_path))
    reader = Path(__file__).with_name("read_in_little_memory.py")
    command = [sys.executable, str(reader), str(_MOST_MIB), *map(str, pictures)]
    read = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    *errors, peak = read.stdout.splitlines()
    assert [error.split(" ")[0] for error in errors] == [str(path) for path in pictures]
    for error in errors:
        assert "268,435,456 pixels" in error or "is damaged" in error
    assert int(peak.split()[1]) < _MOST_RESIDENT_MIB
