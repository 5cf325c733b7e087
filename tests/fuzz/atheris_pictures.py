"""Damaged pictures, guided by what code they reach, until a crash or the end of the time.

    pip install atheris
    python tests/fuzz/atheris_pictures.py corpus/ -rss_limit_mb=6000 -max_total_time=600

Not part of the gate: atheris has wheels for Linux alone. The corpus begins with small sound
pictures; arguments are libFuzzer's.
"""

import logging
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris
from damage import with_right_checksums
from pictures import sound_pictures

with atheris.instrument_imports(include=["reggan_plugin", "tifffile"]):
    from reggan_plugin.errors import RegganError
    from reggan_plugin.files import frame
    from reggan_plugin.files.exr import stored_exr  # noqa: F401
    from reggan_plugin.files.formats import jpeg, png  # noqa: F401
    from reggan_plugin.files.tiff import tiff_file  # noqa: F401

_FILE = Path("damaged picture")


def read_and_write(content: bytes) -> None:
    """What is no picture is an error of ours; everything else that is raised is a find."""
    content = with_right_checksums(content) if content[1:4] == b"PNG" else content
    with suppress(RegganError):
        picture = frame.DEFAULT_READING.decode(content, _FILE)
        pixels = picture.pixels.copy()
        pixels[pixels.shape[0] // 2 :, :2] = 0.25
        picture.original.encode(picture.pixels, pixels)


def main() -> None:
    """Fill the corpus if it is empty, and begin."""
    logging.disable(logging.CRITICAL)
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    with tempfile.TemporaryDirectory() as scratch:
        for folder in folders[:1]:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in sound_pictures(Path(scratch)).items():
                (folder / name).write_bytes(content)
    atheris.Setup(sys.argv, read_and_write)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
